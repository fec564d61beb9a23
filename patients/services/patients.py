"""Finding or making the patient that an identifier means; never linking two people silently."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction

from cdss.accounts.actors import Actor
from cdss.audit.services import audit_append
from cdss.core.errors import ConflictError, DomainError
from cdss.jobs.services import job_enqueue
from cdss.jobs.steps import Step
from patients.identity import PatientIdentity, identity_differences
from patients.models import AdministrativeSex, Patient, PatientIdentifier


class IdentityMismatchError(ConflictError):
    """The identifier is taken by somebody whose name, birth date or sex is another."""

    code = "IDENTITY_MISMATCH"

    def __init__(self, patient: Patient, differences: Sequence[str]) -> None:
        items = " and ".join(differences)
        super().__init__(
            f"This identifier already belongs to a patient whose {items} "
            f"{'is' if len(differences) == 1 else 'are'} different. Nothing was linked."
        )
        self.patient = patient
        self.differences = list(differences)


class IdentifierMissingError(DomainError):
    status = 422
    code = "PATIENT_ID_MISSING"

    def __init__(self) -> None:
        super().__init__(
            "The patient identifier is empty; without one nobody can say whose this is.", field="identifier"
        )


@dataclass(frozen=True, slots=True)
class PatientResolution:
    patient: Patient
    is_new: bool


@transaction.atomic
def patient_resolve(*, actor: Actor, organisation_id: uuid.UUID, identity: PatientIdentity) -> PatientResolution:
    """The patient an identity means within the organisation, made when nobody has the identifier yet."""
    if not identity.is_complete:
        raise IdentifierMissingError
    known = _identified(organisation_id, identity)
    if known is None:
        try:
            with transaction.atomic():
                return PatientResolution(_create(actor, organisation_id, identity), is_new=True)
        except IntegrityError:  # somebody else made it between our look and our insert
            known = _identified(organisation_id, identity)
            if known is None:
                raise
    if differences := identity_differences(known, identity):
        raise IdentityMismatchError(known, differences)
    if _missing(known, identity):
        known = _complete(actor, known.id, identity)
    return PatientResolution(known, is_new=False)


def _missing(known: Patient, identity: PatientIdentity) -> dict[str, str | date]:
    """What the identity states and the record lacks."""
    stated: dict[str, str | date | None] = {
        "family_name": identity.family_name.strip(),
        "given_name": identity.given_name.strip(),
        "birth_date": identity.birth_date,
    }
    missing = {name: value for name, value in stated.items() if value and not getattr(known, name)}
    unknown = AdministrativeSex.UNKNOWN
    return missing | ({"sex": identity.sex} if known.sex == unknown != identity.sex else {})


def _complete(actor: Actor, patient_id: uuid.UUID, identity: PatientIdentity) -> Patient:
    """Fill in what was never stated, or two people who each state it differently would both pass for this patient."""
    known = Patient.objects.select_for_update().get(id=patient_id)
    # Looked at again under the lock: somebody else may have filled it in, differently.
    if differences := identity_differences(known, identity):
        raise IdentityMismatchError(known, differences)
    missing = _missing(known, identity)
    for name, value in missing.items():
        setattr(known, name, value)
    if missing:
        known.save(update_fields=list(missing))
        job_enqueue(step=Step.PATIENT_ASSESS, organisation_id=known.organisation_id, subject_id=known.id)
        audit_append(
            actor=actor,
            action="patient.completed",
            subject_type="patient",
            subject_id=known.id,
            organisation_id=known.organisation_id,
            patient_id=known.id,
            details={"items": sorted(missing)},
        )
    return known


def _identified(organisation_id: uuid.UUID, identity: PatientIdentity) -> Patient | None:
    rows = PatientIdentifier.objects.select_related("patient")
    found = rows.filter(
        organisation_id=organisation_id, system=identity.system.strip(), value=identity.value.strip()
    ).first()
    return found.patient if found else None


def _create(actor: Actor, organisation_id: uuid.UUID, identity: PatientIdentity) -> Patient:
    patient = Patient.objects.create(
        organisation_id=organisation_id,
        family_name=identity.family_name.strip(),
        given_name=identity.given_name.strip(),
        birth_date=identity.birth_date,
        sex=identity.sex,
    )
    PatientIdentifier.objects.create(
        organisation_id=organisation_id,
        patient=patient,
        system=identity.system.strip(),
        value=identity.value.strip(),
    )
    audit_append(
        actor=actor,
        action="patient.created",
        subject_type="patient",
        subject_id=patient.id,
        organisation_id=organisation_id,
        patient_id=patient.id,
    )
    return patient
