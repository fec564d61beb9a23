"""Reading patients. Every way to one starts from `patients_visible_to`."""

from __future__ import annotations

import uuid

from django.db.models import Exists, OuterRef, Q, QuerySet

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.core.errors import DomainError, NotFoundError
from patients.models import Condition, MedicationStatement, Observation, Patient, PatientIdentifier

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
    return Observation.objects.filter(patient__in=patients_visible_to(actor))


def conditions_visible_to(actor: Actor) -> QuerySet[Condition]:
    return Condition.objects.filter(patient__in=patients_visible_to(actor))


def medication_visible_to(actor: Actor) -> QuerySet[MedicationStatement]:
    return MedicationStatement.objects.filter(patient__in=patients_visible_to(actor))


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
