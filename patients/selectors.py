"""Reading patients. Every way to one starts from `patients_visible_to`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import Exists, OuterRef, Q, QuerySet

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.core.errors import DomainError, NotFoundError
from patients.models import (
    Condition,
    MedicationStatement,
    Observation,
    ObservationStatus,
    Patient,
    PatientIdentifier,
    RefusedObservation,
)
from patients.terminology import GENETIC_CODES, GENETIC_VALUE, QUANTITY_OF_CODE
from patients.usage import content_unused_reason

MOST_WORDS = 10


class SearchTooLongError(DomainError):
    """Every word is a condition of the query, and a page of text would keep the database busy for minutes."""

    status = 422
    code = "SEARCH_TOO_LONG"


def patients_visible_to(actor: Actor) -> QuerySet[Patient]:
    if not actor.may(scopes.PATIENTS_READ) or actor.organisation_id is None:
        return Patient.objects.none()
    return Patient.objects.filter(organisation_id=actor.organisation_id)


def patient_visible_to(actor: Actor, patient_id: uuid.UUID) -> Patient:
    patient = patients_visible_to(actor).select_related("organisation").filter(id=patient_id).first()
    if patient is None:
        raise NotFoundError
    return patient


def patients_search(actor: Actor, text: str) -> QuerySet[Patient]:
    """Patients of whom every word is part of a name, or a whole identifier."""
    words = text.split()
    if len(words) > MOST_WORDS:
        raise SearchTooLongError(f"Search for at most {MOST_WORDS} words; these are {len(words)}.")
    found = patients_visible_to(actor)
    for word in words:
        identified = PatientIdentifier.objects.filter(patient=OuterRef("pk"), value__iexact=word)
        found = found.filter(Q(family_name__icontains=word) | Q(given_name__icontains=word) | Exists(identified))
    return found.order_by("family_name", "given_name", "id")


def observations_visible_to(actor: Actor) -> QuerySet[Observation]:
    return _of_visible_patients(Observation.objects.all(), actor)


def conditions_visible_to(actor: Actor) -> QuerySet[Condition]:
    return _of_visible_patients(Condition.objects.all(), actor)


def medication_visible_to(actor: Actor) -> QuerySet[MedicationStatement]:
    return _of_visible_patients(MedicationStatement.objects.all(), actor)


Row = TypeVar("Row", Observation, Condition, MedicationStatement, RefusedObservation)


def _of_visible_patients(rows: QuerySet[Row], actor: Actor) -> QuerySet[Row]:
    """What is genetic is left out for who may not see it, in whichever list a sender put it."""
    rows = rows.filter(patient__in=patients_visible_to(actor))
    if actor.may(scopes.GENETICS_READ):
        return rows
    genetic = Q()
    for code_system, code in GENETIC_CODES:
        genetic |= Q(code_system=code_system, code=code)
    if issubclass(rows.model, (Observation, RefusedObservation)):
        genetic |= Q(value_code__iregex=GENETIC_VALUE)
    return rows.exclude(genetic)


def patients_page(actor: Actor, *, text: str, after: uuid.UUID | None, size: int) -> tuple[list[Patient], bool]:
    """Patients by name, after the patient `after`, and whether more follow."""
    found = patients_search(actor, text)
    last = patients_visible_to(actor).filter(id=after).first() if after else None
    if last is not None:
        found = found.filter(
            Q(family_name__gt=last.family_name)
            | Q(family_name=last.family_name, given_name__gt=last.given_name)
            | Q(family_name=last.family_name, given_name=last.given_name, id__gt=last.id)
        )
    rows = list(found.select_related("organisation").prefetch_related("identifiers")[: size + 1])
    return rows[:size], len(rows) > size


@dataclass(frozen=True, slots=True)
class UnusedObservation:
    """The newest row of a code and unit that nothing uses, and why. `title` is empty where the code is unknown."""

    row: Observation
    title: str
    reason_code: str
    sentence: str


def unused_observations_of(actor: Actor, patient: Patient) -> list[UnusedObservation]:
    """What is on record and used by nothing, newest first: an unknown code or unit, or a code without an equation."""
    standing = observations_visible_to(actor).filter(patient=patient, replaced_by__isnull=True)
    newest = (
        standing.exclude(status=ObservationStatus.ENTERED_IN_ERROR)
        .order_by("code_system", "code", "unit", "-effective_at", "-recorded_at", "-id")
        .distinct("code_system", "code", "unit")
    )
    unused = []
    for row in newest:
        reason = content_unused_reason(row)
        if reason is not None:
            quantity = QUANTITY_OF_CODE.get((row.code_system, row.code))
            title = quantity.title if quantity else ""
            unused.append(UnusedObservation(row, title, reason.code, reason.sentence))
    return sorted(unused, key=lambda item: item.row.effective_at, reverse=True)


def refused_observations_of(actor: Actor, patient: Patient, as_of: datetime) -> list[RefusedObservation]:
    """The values refused by `as_of` that no accepted value of the same code, as new or newer, has followed."""
    accepted = (
        Observation.objects.filter(
            patient=patient,
            code_system=OuterRef("code_system"),
            code=OuterRef("code"),
            effective_at__gte=OuterRef("effective_at"),
            recorded_at__lte=as_of,
        )
        .exclude(status=ObservationStatus.ENTERED_IN_ERROR)
        .filter(Q(replaced_by__isnull=True) | Q(replaced_by__recorded_at__gt=as_of))
    )
    refused = _of_visible_patients(RefusedObservation.objects.all(), actor).filter(
        patient=patient, recorded_at__lte=as_of
    )
    return list(refused.filter(~Exists(accepted)).order_by("-effective_at", "-recorded_at", "-id"))


class AuditedPatients:
    """What the audit log asks about the patients of the auditor's organisation: who has an identifier, and which."""

    def ids(self, actor: Actor, identifier: str) -> list[uuid.UUID]:
        """Whom an identifier names; several systems may have given the same one."""
        named = self._identifiers(actor).filter(value__iexact=identifier)
        return sorted(set(named.values_list("patient_id", flat=True)))

    def identifiers(self, actor: Actor, patient_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
        found: dict[uuid.UUID, list[str]] = {}
        rows = self._identifiers(actor).filter(patient_id__in=set(patient_ids)).order_by("value")
        for patient_id, value in rows.values_list("patient_id", "value"):
            found.setdefault(patient_id, []).append(value)
        return {patient_id: ", ".join(values) for patient_id, values in found.items()}

    def _identifiers(self, actor: Actor) -> QuerySet[PatientIdentifier]:
        if not actor.may(scopes.AUDIT_READ) or actor.organisation_id is None:
            return PatientIdentifier.objects.none()
        return PatientIdentifier.objects.filter(patient__organisation_id=actor.organisation_id)
