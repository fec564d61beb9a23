"""Studies, series, measurements, and a reader's verdict on calcium."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request
from rest_framework.response import Response

from cdss.accounts import scopes
from cdss.accounts.idempotency import idempotent
from imaging import selectors
from imaging.api.queries import (
    series_known,
    series_version_newest,
    series_version_read,
    studies_detailed,
    study_detailed,
)
from imaging.api.serializers import (
    CalciumReadingRequest,
    CalciumReadingResource,
    MeasurementQuery,
    MeasurementResource,
    MetalReadingRequest,
    SeriesClosed,
    SeriesRerun,
    SeriesVersionResource,
    StudyQuery,
    StudyResource,
)
from imaging.services.lifecycle import series_rerun, study_close
from imaging.services.readings import calcium_confirm, calcium_metal_record
from patients.api.base import ApiView, body_parsed, list_viewed, query_parsed, record_viewed
from patients.api.fields import EmptyRequest
from patients.api.openapi import operation
from patients.api.paging import keyset_page, page_of

StudyPage = page_of(StudyResource)
MeasurementPage = page_of(MeasurementResource)


class StudiesView(ApiView):
    read_scope = scopes.STUDIES_READ

    @operation(
        operation_id="studies_list",
        summary="Studies, latest arrival first",
        tag="imaging",
        responses={200: StudyPage},
        query=StudyQuery,
    )
    def get(self, request: Request) -> Response:
        query = query_parsed(StudyQuery, request)
        rows = studies_detailed(self.actor)
        if "patient" in query:
            rows = rows.filter(patient_id=query["patient"])
        page = keyset_page(
            rows,
            visible=selectors.studies_visible_to(self.actor),
            order=("-created_at", "-id"),
            cursor=query.get("cursor"),
            limit=query["limit"],
        )
        list_viewed(self.actor, what="studies", count=len(page.items), patient_id=query.get("patient"))
        return Response(StudyPage(page).data)


class StudyView(ApiView):
    read_scope = scopes.STUDIES_READ

    @operation(
        operation_id="studies_retrieve",
        summary="One study, its series and where it ended",
        tag="imaging",
        responses={200: StudyResource},
        problems=[404],
    )
    def get(self, request: Request, study_instance_uid: str) -> Response:
        study = study_detailed(self.actor, study_instance_uid)
        record_viewed(self.actor, patient_id=study.patient_id, what="study")
        return Response(StudyResource(study).data)


class StudyCloseView(ApiView):
    write_scope = scopes.STUDIES_WRITE

    @operation(
        operation_id="studies_close",
        summary="The sender says that the study is complete",
        description="Every series still arriving is ready to be read now. Twice is once: then 0 series are closed.",
        tag="imaging",
        request=EmptyRequest,
        responses={200: SeriesClosed},
        problems=[404],
    )
    def post(self, request: Request, study_instance_uid: str) -> Response:
        body_parsed(EmptyRequest, request)
        study = selectors.study_visible_to(self.actor, study_instance_uid)
        return Response({"series_closed": study_close(actor=self.actor, study=study)})


class SeriesView(ApiView):
    read_scope = scopes.STUDIES_READ

    @operation(
        operation_id="series_retrieve",
        summary="The newest version of a series: geometry, quality, measurements and what was not measured",
        tag="imaging",
        responses={200: SeriesVersionResource},
        problems=[404, 409],
    )
    def get(self, request: Request, series_instance_uid: str) -> Response:
        version = series_version_newest(self.actor, series_instance_uid)
        record_viewed(self.actor, patient_id=version.series.study.patient_id, what="series")
        return Response(SeriesVersionResource(version).data)


class SeriesRerunView(ApiView):
    """Open to the sender and to an administrator."""

    @property
    def write_scope(self) -> str:
        """One of two scopes is enough; who has neither is told of the one that a token can have."""
        return scopes.QUARANTINE_RESOLVE if self.actor.may(scopes.QUARANTINE_RESOLVE) else scopes.STUDIES_WRITE

    @operation(
        operation_id="series_rerun",
        summary="Read a series again whose reading failed",
        description="Only in state FAILED. The same instances become a new version; the failed one stays on record.",
        tag="imaging",
        request=EmptyRequest,
        responses={202: SeriesRerun},
        problems=[404, 409],
        is_idempotent=True,
    )
    @idempotent
    def post(self, request: Request, series_instance_uid: str) -> Response:
        body_parsed(EmptyRequest, request)
        series = series_known(self.actor, series_instance_uid)
        return Response(SeriesRerun(series_rerun(actor=self.actor, series=series)).data, status=202)


class CalciumReadingView(ApiView):
    """Open to clinicians only: no API client can have this scope."""

    write_scope = scopes.ASSESSMENTS_REVIEW

    @operation(
        operation_id="calcium_reading_create",
        summary="A reader's verdict on every calcium candidate, and the Agatston score it makes",
        description="The patient is assessed again with the confirmed score; the new record supersedes the old.",
        tag="imaging",
        request=CalciumReadingRequest,
        responses={201: CalciumReadingResource},
        problems=[404, 409],
        is_idempotent=True,
        examples=[
            OpenApiExample(
                "Two candidates",
                value={
                    "version": 1,
                    "verdicts": {"1": "LAD", "2": "NOT_CORONARY"},
                    "attests_gated_whole_heart": True,
                    "attests_no_metal": True,
                    "attests_large_structures_not_coronary": True,
                },
                request_only=True,
            )
        ],
    )
    @idempotent
    def post(self, request: Request, series_instance_uid: str) -> Response:
        body = body_parsed(CalciumReadingRequest, request)
        version = series_version_read(self.actor, series_instance_uid, body.pop("version"))
        reading = calcium_confirm(actor=self.actor, series_version_id=version.id, **body)
        return Response(CalciumReadingResource(reading).data, status=201)


class MetalReadingView(ApiView):
    """Open to clinicians only, as the calcium reading is."""

    write_scope = scopes.ASSESSMENTS_REVIEW

    @operation(
        operation_id="metal_reading_create",
        summary="A reader has seen a stent, bypass, valve or lead: this CT is not scored",
        description="A stent or a bypass means coronary disease; the patient is assessed again.",
        tag="imaging",
        request=MetalReadingRequest,
        responses={201: CalciumReadingResource},
        problems=[404, 409],
        is_idempotent=True,
        examples=[OpenApiExample("A stent", value={"version": 1, "metal": ["CORONARY_STENT"]}, request_only=True)],
    )
    @idempotent
    def post(self, request: Request, series_instance_uid: str) -> Response:
        body = body_parsed(MetalReadingRequest, request)
        version = series_version_read(self.actor, series_instance_uid, body["version"])
        reading = calcium_metal_record(actor=self.actor, series_version_id=version.id, metal=body["metal"])
        return Response(CalciumReadingResource(reading).data, status=201)


class MeasurementsView(ApiView):
    read_scope = scopes.STUDIES_READ

    @operation(
        operation_id="measurements_list",
        summary="Measurements, newest first",
        tag="imaging",
        responses={200: MeasurementPage},
        query=MeasurementQuery,
    )
    def get(self, request: Request) -> Response:
        query = query_parsed(MeasurementQuery, request)
        visible = selectors.measurements_visible_to(self.actor)
        rows = visible.select_related("series_version__series")
        if "patient" in query:
            rows = rows.filter(patient_id=query["patient"])
        if "name" in query:
            rows = rows.filter(name=query["name"])
        page = keyset_page(
            rows, visible=visible, order=("-effective_at", "-id"), cursor=query.get("cursor"), limit=query["limit"]
        )
        list_viewed(self.actor, what="measurements", count=len(page.items), patient_id=query.get("patient"))
        return Response(MeasurementPage(page).data)
