"""Lines of the worklist and of the list of patients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cdss.assessments.models import AssessmentReview, ReviewKind, WorklistEntry, WorklistState
from cdss.assessments.services.snapshot import age_completed_years
from cdss.dashboard.presenters_patient import headline_is_on_demand, headline_score, headline_words, patient_name
from cdss.dashboard.words import waiting_words
from patients.models import Patient


@dataclass(frozen=True, slots=True)
class PatientLine:
    patient: Patient
    name: str
    identifiers: str
    age_and_sex: str
    entry: WorklistEntry | None
    headline: str
    score: str
    is_on_demand: bool  # a number that the record itself shows only to who asks
    state_words: str
    waiting: str


_DID = {ReviewKind.ACKNOWLEDGE: "acknowledged", ReviewKind.OVERRIDE: "overrode"}


@dataclass(frozen=True, slots=True)
class NoticeLine:
    review: AssessmentReview
    name: str
    act: str


def present_worklist(entries: Iterable[WorklistEntry], now: datetime) -> list[PatientLine]:
    return [_line(entry.patient, entry, now) for entry in entries]


def present_patients(patients: Iterable[Patient], entries: Iterable[WorklistEntry], now: datetime) -> list[PatientLine]:
    entry_of = {entry.patient_id: entry for entry in entries}
    return [_line(patient, entry_of.get(patient.id), now) for patient in patients]


def present_notices(reviews: Iterable[AssessmentReview]) -> list[NoticeLine]:
    return [
        NoticeLine(review, patient_name(review.assessment.patient), _DID[ReviewKind(review.kind)]) for review in reviews
    ]


def _line(patient: Patient, entry: WorklistEntry | None, now: datetime) -> PatientLine:
    age = ""
    if patient.birth_date is not None:
        today = now.astimezone(ZoneInfo(patient.organisation.time_zone)).date()
        age = f"{age_completed_years(patient.birth_date, today)} y"
    return PatientLine(
        patient=patient,
        name=patient_name(patient),
        identifiers=", ".join(identifier.value for identifier in patient.identifiers.all()),
        age_and_sex=", ".join(part for part in (age, patient.sex) if part),
        entry=entry,
        headline=headline_words(entry.outcome, entry.horizon_years, entry.equation) if entry else "",
        score=headline_score(entry.headline) if entry else "",
        is_on_demand=headline_is_on_demand(entry.headline) if entry else False,
        state_words=WorklistState(entry.state).label if entry else "No record yet",
        waiting=waiting_words(entry.waiting_since, now) if entry else "",
    )
