"""Decision records, and a clinician's answer to them."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request
from rest_framework.response import Response

from cdss.accounts import scopes
from cdss.accounts.idempotency import idempotency_key, idempotent
from cdss.assessments import selectors
from cdss.assessments.api.serializers import (
    AcknowledgeRequest,
    AssessmentQuery,
    AssessmentResource,
    AssessmentSummary,
    OverrideRequest,
    ReviewResource,
)
from cdss.assessments.services.review import assessment_acknowledge, assessment_override
from cdss.core.errors import NotFoundError
from patients.api.base import ApiView, body_parsed, list_viewed, query_parsed, record_viewed
from patients.api.openapi import operation
from patients.api.paging import keyset_page, page_of

AssessmentPage = page_of(AssessmentSummary)


class AssessmentsView(ApiView):
    read_scope = scopes.ASSESSMENTS_READ

    @operation(
        operation_id="assessments_list",
        summary="Decision records, newest first",
        description="All roles: what is shown first, beside it, among the older equations, and what is computed for "
        "this interface only. Genetic results need the scope genetics.read.",
        tag="assessments",
        responses={200: AssessmentPage},
        query=AssessmentQuery,
    )
    def get(self, request: Request) -> Response:
        query = query_parsed(AssessmentQuery, request)
        visible = selectors.assessments_visible_to(self.actor)
        rows = visible.select_related("superseded_by").prefetch_related(
            Prefetch("estimates", selectors.estimates_of_records(self.actor))
        )
        if "patient" in query:
            rows = rows.filter(patient_id=query["patient"])
        if "current" in query:
            rows = rows.filter(superseded_by__isnull=query["current"] == "true")
        page = keyset_page(
            rows, visible=visible, order=("-recorded_at", "-id"), cursor=query.get("cursor"), limit=query["limit"]
        )
        list_viewed(self.actor, what="assessments", count=len(page.items), patient_id=query.get("patient"))
        return Response(AssessmentPage(page).data)


class AssessmentView(ApiView):
    read_scope = scopes.ASSESSMENTS_READ

    @operation(
        operation_id="assessments_retrieve",
        summary="One decision record: risks or refusals, what they came from, and who answered",
        tag="assessments",
        responses={200: AssessmentResource},
        problems=[404],
    )
    def get(self, request: Request, assessment_id: uuid.UUID) -> Response:
        assessment = selectors.assessments_detailed(self.actor).filter(id=assessment_id).first()
        if assessment is None:
            raise NotFoundError
        record_viewed(self.actor, patient_id=assessment.patient_id, what="assessment")
        return Response(AssessmentResource(assessment).data)


class AcknowledgeView(ApiView):
    """Open to clinicians only: a machine never answers a risk."""

    write_scope = scopes.ASSESSMENTS_REVIEW

    @operation(
        operation_id="assessments_acknowledge",
        summary="I have seen this risk",
        tag="assessments",
        request=AcknowledgeRequest,
        responses={201: ReviewResource},
        problems=[404, 409],
        is_idempotent=True,
        examples=[OpenApiExample("Seen", value={"comment": "Discussed on 4 May."}, request_only=True)],
    )
    @idempotent
    def post(self, request: Request, assessment_id: uuid.UUID) -> Response:
        body = _seen_review(body_parsed(AcknowledgeRequest, request))
        review = assessment_acknowledge(
            actor=self.actor, assessment_id=assessment_id, idempotency_key=idempotency_key(request), **body
        )
        return Response(ReviewResource(review).data, status=201)


class OverrideView(ApiView):
    write_scope = scopes.ASSESSMENTS_REVIEW

    @operation(
        operation_id="assessments_override",
        summary="I decide otherwise, because",
        tag="assessments",
        request=OverrideRequest,
        responses={201: ReviewResource},
        problems=[404, 409],
        is_idempotent=True,
        examples=[
            OpenApiExample(
                "Wrong input",
                value={"reason": "INPUT_WRONG", "comment": "Blood pressure was taken during an acute admission."},
                request_only=True,
            )
        ],
    )
    @idempotent
    def post(self, request: Request, assessment_id: uuid.UUID) -> Response:
        body = _seen_review(body_parsed(OverrideRequest, request))
        review = assessment_override(
            actor=self.actor, assessment_id=assessment_id, idempotency_key=idempotency_key(request), **body
        )
        return Response(ReviewResource(review).data, status=201)


def _seen_review(body: dict[str, Any]) -> dict[str, Any]:
    """As the service reads it: null says that there was no answer to see; saying nothing is not the same."""
    return {**body, "seen_review": str(body["seen_review"] or "")} if "seen_review" in body else body
