"""The rows that were known at a moment: recorded by then, not replaced by then, not entered in error."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from patients.models import Condition, MedicationStatement, Observation, ObservationStatus, Patient
from patients.services.clinical_rows import CLOCK_TOLERANCE
from patients.terminology import (
    ATC,
    CONDITION_ANSWERS,
    LOINC,
    QUANTITY_OF_LOINC,
    QUESTION_OF_CODE,
    SNOMED_CT,
    medication_answers,
)


@dataclass(frozen=True, slots=True)
class RecordedYes:
    """A diagnosis or medication that answers a question by being on the list."""

    source_type: str
    row_id: str
    source: str
    words: str
    effective_at: datetime | None


@dataclass(frozen=True, slots=True)
class KnownRows:
    observations: dict[str, list[Observation]]  # feature -> newest first
    answers: dict[str, Observation]  # feature -> the latest
    recorded_yes: dict[str, RecordedYes]


def rows_known_at(patient: Patient, as_of: datetime) -> KnownRows:
    observations: dict[str, list[Observation]] = {}
    answers: dict[str, Observation] = {}
    rows = _known(Observation.objects.filter(patient=patient), as_of)
    # The sender's clock may run a little ahead of the database's, as far as the door tolerates.
    for row in rows.filter(effective_at__lte=as_of + CLOCK_TOLERANCE).order_by("-effective_at", "-recorded_at", "-id"):
        question = QUESTION_OF_CODE.get((row.code_system, row.code))
        if question is not None and row.value_code:
            # A withdrawn answer counts as the latest word: what was answered before it does not come back.
            answers.setdefault(question.feature, row)
        elif row.status == ObservationStatus.ENTERED_IN_ERROR:
            continue
        elif row.code_system == LOINC and row.code in QUANTITY_OF_LOINC and row.value_quantity is not None:
            observations.setdefault(QUANTITY_OF_LOINC[row.code].feature, []).append(row)
    withdrawn = [name for name, row in answers.items() if row.status == ObservationStatus.ENTERED_IN_ERROR]
    for name in withdrawn:
        del answers[name]
    return KnownRows(observations, answers, _recorded_yes(patient, as_of))


Row = TypeVar("Row", Observation, Condition, MedicationStatement)


def _known(rows: QuerySet[Row], as_of: datetime) -> QuerySet[Row]:
    return rows.filter(recorded_at__lte=as_of).filter(
        Q(replaced_by__isnull=True) | Q(replaced_by__recorded_at__gt=as_of)
    )


def _recorded_yes(patient: Patient, as_of: datetime) -> dict[str, RecordedYes]:
    found: dict[str, RecordedYes] = {}
    conditions = _known(Condition.objects.filter(patient=patient, code_system=SNOMED_CT), as_of)
    for row in conditions.filter(status__in=["active", "resolved"]).order_by("onset_date", "recorded_at", "id"):
        if row.code not in CONDITION_ANSWERS:
            continue
        feature, words = CONDITION_ANSWERS[row.code]
        # "Resolved" ends a pregnancy; it does not undo an infarction or a stroke.
        if row.status == "resolved" and feature in {"pregnancy", "diabetes"}:
            continue
        when = datetime.combine(row.onset_date, time(), tzinfo=UTC) if row.onset_date else None
        found.setdefault(feature, RecordedYes("CONDITION", str(row.id), row.source, words, when))
    medication = _known(MedicationStatement.objects.filter(patient=patient, code_system=ATC), as_of)
    today = as_of.astimezone(ZoneInfo(patient.organisation.time_zone)).date()
    current = medication.filter(status="active").filter(Q(end_date__isnull=True) | Q(end_date__gte=today))
    for drug in current.order_by("start_date", "recorded_at", "id"):
        started = datetime.combine(drug.start_date, time(), tzinfo=UTC) if drug.start_date else None
        for feature in medication_answers(drug.code):
            found.setdefault(feature, RecordedYes("MEDICATION", str(drug.id), drug.source, f"ATC {drug.code}", started))
    return found
