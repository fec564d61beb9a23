"""Asking for an assessment without a new fact, because somebody wants to know where things stand."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import transaction

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.audit.services import audit_append
from cdss.jobs.services import job_enqueue
from cdss.jobs.steps import Step
from patients.selectors import patient_visible_to


@transaction.atomic
def patient_reassess(*, actor: Actor, patient_id: uuid.UUID) -> uuid.UUID | None:
    """Enqueue one assessment; when nothing an equation receives has changed, it makes no new record."""
    actor.require(scopes.PATIENTS_WRITE)
    patient = patient_visible_to(actor, patient_id)
    job_id = job_enqueue(
        step=Step.PATIENT_ASSESS,
        organisation_id=patient.organisation_id,
        subject_id=patient.id,
        delay=timedelta(0),
    )
    audit_append(
        actor=actor,
        action="patient.reassessment_requested",
        subject_type="patient",
        subject_id=patient.id,
        patient_id=patient.id,
        organisation_id=patient.organisation_id,
    )
    return job_id
