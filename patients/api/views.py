"""Patients: made by identifier, never linked silently."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request
from rest_framework.response import Response

from cdss.accounts import scopes
from cdss.accounts.idempotency import idempotent
from patients import selectors
from patients.api.base import ApiView, body_parsed, list_viewed, query_parsed, record_viewed
from patients.api.openapi import operation
from patients.api.paging import keyset_page, page_of
from patients.api.serializers import PatientQuery, PatientRequest, PatientResource
from patients.identity import PatientIdentity
from patients.services.patients import patient_resolve

PatientPage = page_of(PatientResource)
EXAMPLE = {
    "identifier": {"system": "urn:oid:1.2.36.146.595.217.0.1", "value": "T1234567"},
    "family_name": "Synthetic-Okafor",
    "given_name": "Ada",
    "birth_date": "1966-03-14",
    "sex": "female",
}


class PatientsView(ApiView):
    read_scope = scopes.PATIENTS_READ
    write_scope = scopes.PATIENTS_WRITE

    @operation(
        operation_id="patients_list",
        summary="Find patients by identifier or name",
        tag="patients",
        responses={200: PatientPage},
        query=PatientQuery,
    )
    def get(self, request: Request) -> Response:
        query = query_parsed(PatientQuery, request)
        visible = selectors.patients_visible_to(self.actor)
        rows = selectors.patients_search(self.actor, query.get("name", ""))
        if "identifier" in query:
            system, value = query["identifier"]
            rows = rows.filter(id__in=visible.filter(identifiers__system=system, identifiers__value=value).values("id"))
        page = keyset_page(
            rows.prefetch_related("identifiers"),
            visible=visible,
            order=("family_name", "given_name", "id"),
            cursor=query.get("cursor"),
            limit=query["limit"],
        )
        list_viewed(self.actor, what="patients", count=len(page.items))
        return Response(PatientPage(page).data)

    @operation(
        operation_id="patients_create",
        summary="The patient an identifier means; made when nobody has it yet",
        description="201 when the patient was made, 200 when the identifier and the identity agree with a known one, "
        "409 IDENTITY_MISMATCH when the identifier belongs to somebody else.",
        tag="patients",
        request=PatientRequest,
        responses={201: PatientResource, 200: PatientResource},
        problems=[409, 422],
        is_idempotent=True,
        examples=[OpenApiExample("Patient", value=EXAMPLE, request_only=True)],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        body = body_parsed(PatientRequest, request)
        identifier: dict[str, Any] = body.pop("identifier")
        resolution = patient_resolve(
            actor=self.actor, organisation_id=self.organisation_id, identity=PatientIdentity(**identifier, **body)
        )
        if not resolution.is_new:
            record_viewed(self.actor, patient_id=resolution.patient.id, what="patient")
        return Response(PatientResource(resolution.patient).data, status=201 if resolution.is_new else 200)


class PatientView(ApiView):
    read_scope = scopes.PATIENTS_READ

    @operation(
        operation_id="patients_retrieve",
        summary="One patient",
        tag="patients",
        responses={200: PatientResource},
        problems=[404],
    )
    def get(self, request: Request, patient_id: uuid.UUID) -> Response:
        patient = selectors.patient_visible_to(self.actor, patient_id)
        record_viewed(self.actor, patient_id=patient.id, what="patient")
        return Response(PatientResource(patient).data)
