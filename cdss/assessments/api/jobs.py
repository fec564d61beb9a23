"""Asking for an assessment, and watching work that was accepted."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.assessments.api.serializers import JobAccepted, JobResource
from cdss.assessments.services.reassess import patient_reassess
from cdss.core.errors import NotFoundError
from cdss.jobs.models import Job
from patients.api.base import ApiView, body_parsed
from patients.api.fields import EmptyRequest
from patients.api.openapi import operation


class ReassessView(ApiView):
    write_scope = scopes.PATIENTS_WRITE

    @operation(
        operation_id="patients_reassess",
        summary="Assess a patient again",
        description="One waiting assessment per patient: asked twice, the same job answers. When nothing that an "
        "equation receives has changed, no new record is made.",
        tag="assessments",
        request=EmptyRequest,
        responses={202: JobAccepted},
        problems=[404],
    )
    def post(self, request: Request, patient_id: uuid.UUID) -> Response:
        body_parsed(EmptyRequest, request)
        return Response({"job_id": patient_reassess(actor=self.actor, patient_id=patient_id)}, status=202)


class JobView(ApiView):
    read_scope = scopes.PATIENTS_READ

    @operation(
        operation_id="jobs_retrieve",
        summary="How far a piece of work is",
        tag="jobs",
        responses={200: JobResource},
        problems=[404],
    )
    def get(self, request: Request, job_id: uuid.UUID) -> Response:
        job = jobs_visible_to(self.actor).filter(id=job_id).first()
        if job is None:
            raise NotFoundError
        return Response(JobResource(job).data)


def jobs_visible_to(actor: Actor) -> QuerySet[Job]:
    if not actor.may(scopes.PATIENTS_READ) or actor.organisation_id is None:
        return Job.objects.none()
    return Job.objects.filter(organisation_id=actor.organisation_id)
