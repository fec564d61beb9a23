"""Who this is, and the records there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cdss.assessments.models import Assessment, OverrideReason, ReviewKind, RiskEstimate
from cdss.assessments.services.snapshot import age_completed_years
from cdss.dashboard.words import equation_words, outcome_words
from patients.models import Patient


@dataclass(frozen=True, slots=True)
class Banner:
    patient: Patient
    name: str
    age_years: int | None
    sex: str
    identifiers: list[str]


@dataclass(frozen=True, slots=True)
class HistoryRow:
    assessment: Assessment
    headline: RiskEstimate | None
    title: str
    answer: str
    is_current: bool


def patient_age_years(patient: Patient, now: datetime) -> int | None:
    """Completed years today, where the hospital is."""
    if patient.birth_date is None:
        return None
    return age_completed_years(patient.birth_date, now.astimezone(ZoneInfo(patient.organisation.time_zone)).date())


def patient_name(patient: Patient) -> str:
    """Family name first: the order in which wards write and look for names."""
    return ", ".join(part for part in (patient.family_name, patient.given_name) if part) or "Name not recorded"


def present_banner(patient: Patient, now: datetime) -> Banner:
    return Banner(
        patient=patient,
        name=patient_name(patient),
        age_years=patient_age_years(patient, now),
        sex=patient.get_sex_display() if patient.sex != "unknown" else "Sex not recorded",
        identifiers=[identifier.value for identifier in patient.identifiers.all()],
    )


def present_history(assessments: Iterable[Assessment], current: Assessment | None) -> list[HistoryRow]:
    rows = []
    for assessment in assessments:
        headline = next(iter(assessment.estimates.all()), None)
        reviews = [f"{ReviewKind(review.kind).label} by {review.reviewer_name}" for review in assessment.reviews.all()]
        rows.append(
            HistoryRow(
                assessment=assessment,
                headline=headline,
                title=headline_words(headline.outcome, headline.horizon_years, headline.equation) if headline else "",
                answer="; ".join(reviews),
                is_current=current is not None and assessment.id == current.id,
            )
        )
    return rows


def headline_words(outcome: str, horizon_years: int, equation: str) -> str:
    return f"{outcome_words(outcome).title}, {horizon_years} years, {equation_words(equation)}"


def reason_words(reason: str) -> str:
    return OverrideReason(reason).label if reason else ""
