"""Observations, conditions and medication: three kinds of rows, one way in, each row kept or refused by itself."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.accounts.idempotency import idempotent
from cdss.core.errors import DomainError
from cdss.core.problem import CONTENT_TYPE, problem_of
from patients import selectors, terminology
from patients.api import serializers as shapes
from patients.api.base import ApiView, query_parsed, record_viewed
from patients.api.openapi import operation
from patients.api.paging import PageQuery, keyset_page, page_of
from patients.models import Patient
from patients.services.clinical_rows import (
    NewCondition,
    NewMedicationStatement,
    NewObservation,
    NewRow,
    Refusal,
    RowOutcome,
    clinical_rows_record,
    refusals_keep,
)
from patients.usage import content_unused_reason, unused_reason

MOST_ROWS = 1000
RULES = """Each row is kept or refused by itself: 201 when all were kept, 207 when some were, a problem with `results`
when none was. A row sent again with the same `source_id` and content is the same row. A row that no equation can use
(an unknown code or unit) is kept, and its result says why it is not used. A value that cannot be right in its unit is
refused, and is shown on the patient's page until an accepted one of the same code follows."""


class TooManyRowsError(DomainError):
    status = 422
    code = "TOO_MANY_ROWS"


class ClinicalRowsView(ApiView):
    """GET the rows of a patient, newest first; POST one row, or a list of them."""

    read_scope = scopes.PATIENTS_READ
    write_scope = scopes.PATIENTS_WRITE
    what: ClassVar[str]
    new_row: ClassVar[Callable[..., NewRow]]
    request_shape: ClassVar[type[serializers.Serializer[Any]]]
    page_shape: ClassVar[type[serializers.Serializer[Any]]]
    rows_visible_to: ClassVar[Callable[[Actor], QuerySet[Any]]]
    order: ClassVar[tuple[str, ...]] = ("-recorded_at", "-id")

    def get(self, request: Request, patient_id: uuid.UUID) -> Response:
        query = query_parsed(PageQuery, request)
        patient = selectors.patient_visible_to(self.actor, patient_id)
        rows = type(self).rows_visible_to(self.actor).filter(patient=patient)
        page = keyset_page(
            rows.select_related("replaced_by"),
            visible=rows,
            order=self.order,
            cursor=query.get("cursor"),
            limit=query["limit"],
        )
        record_viewed(self.actor, patient_id=patient.id, what=self.what)
        return Response(self.page_shape(page).data)

    def post(self, request: Request, patient_id: uuid.UUID) -> Response:
        self.refusals: list[Refusal] = []
        response = self._record_once(request, patient_id)
        if response.status_code >= 400 and self.refusals:
            # With an Idempotency-Key, a request of which nothing was kept is undone as a whole; what cannot be right
            # is still kept for somebody to look at.
            patient = selectors.patient_visible_to(self.actor, patient_id)
            refusals_keep(actor=self.actor, patient=patient, refusals=self.refusals, source=_source(self.actor))
        return response

    @idempotent
    def _record_once(self, request: Request, patient_id: uuid.UUID) -> Response:
        patient = selectors.patient_visible_to(self.actor, patient_id)
        sent = request.data if isinstance(request.data, list) else [request.data]
        if not 1 <= len(sent) <= MOST_ROWS:
            raise TooManyRowsError(f"A request carries 1 to {MOST_ROWS} rows; this one has {len(sent)}.")
        rows, refused = self._rows(sent)
        recorded = _record(actor=self.actor, patient=patient, rows=rows) if rows else []
        sent_and_outcomes = zip(rows, recorded, strict=True)
        self.refusals = [(row, outcome.error) for row, outcome in sent_and_outcomes if outcome.error is not None]
        outcomes = iter(recorded)
        results = [
            {"index": index, "status": refused[index]["status"], "problem": refused[index]}
            if index in refused
            else _result(index, next(outcomes))
            for index in range(len(sent))
        ]
        return _answer(results)

    def _rows(self, sent: list[Any]) -> tuple[list[NewRow], dict[int, dict[str, Any]]]:
        """The rows that can be read, and the problem of each that cannot, by its place."""
        rows: list[NewRow] = []
        refused: dict[int, dict[str, Any]] = {}
        for index, item in enumerate(sent):
            shape = self.request_shape(data=item)
            try:
                shape.is_valid(raise_exception=True)
                rows.append(type(self).new_row(**shape.validated_data))
            except serializers.ValidationError as error:
                refused[index] = problem_of(error)
        return rows, refused


def _source(actor: Actor) -> str:
    return f"api:{actor.name}" if actor.kind == "API_CLIENT" else f"api:user:{actor.identifier}"


def _record(*, actor: Actor, patient: Patient, rows: list[NewRow]) -> list[RowOutcome]:
    arguments: dict[str, Any] = {
        "actor": actor,
        "patient": patient,
        "rows": rows,
        "source": _source(actor),
        "now": timezone.now(),
        "assess_delay": timedelta(seconds=settings.ASSESS_DEBOUNCE_SECONDS),
    }
    return clinical_rows_record(**arguments)


def _result(index: int, outcome: RowOutcome) -> dict[str, Any]:
    if outcome.error is not None:
        return {"index": index, "status": outcome.error.status, "problem": problem_of(outcome.error)}
    row = outcome.row
    if row is None:  # an outcome is a row or an error
        raise AssertionError
    result = {"index": index, "status": 201 if outcome.is_new else 200, "id": str(row.id)}
    reason = content_unused_reason(row) if outcome.is_new else unused_reason(row)
    if reason is not None:
        result |= {"unused_reason_code": reason.code, "unused_sentence": reason.sentence}
    return result


def _answer(results: list[dict[str, Any]]) -> Response:
    """201 when all were kept, 207 when some were; when none was, a problem (its own for a single row)."""
    problems = [result["problem"] for result in results if "problem" in result]
    if len(problems) < len(results):
        return Response({"results": results}, status=207 if problems else 201)
    if len(problems) == 1:
        body = {**problems[0], "results": results}
    else:
        code, sentence = "NOTHING_RECORDED", f"None of the {len(problems)} rows could be recorded; `results` says why."
        body = {**problems[0], "status": 422, "code": code, "title": code, "detail": sentence, "results": results}
        body.pop("field", None)
        body.pop("errors", None)
    return Response(body, status=body["status"], content_type=CONTENT_TYPE)


def _described(name: str, words: str, item: type[shapes.ClinicalRowResource], example: dict[str, Any]) -> Any:
    request_shape = getattr(shapes, f"{name}Request")
    one_or_many = PolymorphicProxySerializer(
        component_name=f"{name}OneOrMany",
        serializers=[request_shape, request_shape(many=True)],
        resource_type_field_name=None,
        many=False,
    )
    plural = words.replace(" ", "_")
    none_kept = {(status, CONTENT_TYPE): shapes.RowsProblem for status in (400, 409, 422)}
    return extend_schema_view(
        get=operation(
            operation_id=f"{plural}_list",
            summary=f"A patient's {words}, newest first",
            tag="patients",
            responses={200: page_of(item)},
            problems=[404],
            query=PageQuery,
        ),
        post=operation(
            operation_id=f"{plural}_record",
            summary=f"Record {words}: one, or a list of up to {MOST_ROWS}",
            description=RULES,
            tag="patients",
            request=one_or_many,
            responses={201: shapes.RowResults, 207: shapes.RowResults, **none_kept},
            problems=[404],
            is_idempotent=True,
            examples=[OpenApiExample(name, value=example, request_only=True)],
        ),
    )


@_described(
    "Observation",
    "observations",
    shapes.ObservationResource,
    {
        "code_system": terminology.LOINC,
        "code": "2093-3",
        "value": "213",
        "unit": "mg/dL",
        "effective_at": "2026-05-04T09:30:00-04:00",
        "source_id": "LAB-20260504-0017",
    },
)
class ObservationsView(ClinicalRowsView):
    what = "observations"
    new_row = NewObservation
    request_shape = shapes.ObservationRequest
    page_shape = page_of(shapes.ObservationResource)
    rows_visible_to = selectors.observations_visible_to
    order = ("-effective_at", "-id")


@_described(
    "Condition",
    "conditions",
    shapes.ConditionResource,
    {"code_system": terminology.SNOMED_CT, "code": "44054006", "status": "active", "onset_date": "2019-02-11"},
)
class ConditionsView(ClinicalRowsView):
    what = "conditions"
    new_row = NewCondition
    request_shape = shapes.ConditionRequest
    page_shape = page_of(shapes.ConditionResource)
    rows_visible_to = selectors.conditions_visible_to


@_described(
    "MedicationStatement",
    "medication statements",
    shapes.MedicationStatementResource,
    {"code_system": terminology.ATC, "code": "C10AA05", "status": "active", "start_date": "2024-01-08"},
)
class MedicationStatementsView(ClinicalRowsView):
    what = "medication statements"
    new_row = NewMedicationStatement
    request_shape = shapes.MedicationStatementRequest
    page_shape = page_of(shapes.MedicationStatementResource)
    rows_visible_to = selectors.medication_visible_to
