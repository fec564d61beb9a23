"""Who this is, and the records there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cdss.assessments.models import Assessment, ReviewKind, RiskEstimate
from cdss.assessments.services.assess import cardiovascular_refusal_of, headline_of
from cdss.assessments.services.snapshot import age_completed_years
from cdss.dashboard.presenters_refusals import LIMITED_HORIZON
from cdss.dashboard.words import equation_words, outcome_words, score_words
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
    cardiovascular_refusal: RiskEstimate | None  # where the headline is of another section
    score: str
    title: str
    answer: str
    is_current: bool
    is_on_demand: bool  # a number that the record itself shows only to who asks


def patient_age_years(patient: Patient, now: datetime) -> int | None:
    """Completed years today, where the hospital is."""
    if patient.birth_date is None:
        return None
    return age_completed_years(patient.birth_date, now.astimezone(ZoneInfo(patient.organisation.time_zone)).date())


def patient_name(patient: Patient) -> str:
    """Family name first: the order in which wards write and look for names."""
    family_name = patient.family_name.lstrip("=")  # the mark of a name that only another script states
    return ", ".join(part for part in (family_name, patient.given_name) if part) or "Name not recorded"


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
        estimates = list(assessment.estimates.all())
        headline = headline_of(estimates) if estimates else None
        reviews = [f"{ReviewKind(review.kind).label} by {review.reviewer_name}" for review in assessment.reviews.all()]
        rows.append(
            HistoryRow(
                assessment=assessment,
                headline=headline,
                cardiovascular_refusal=cardiovascular_refusal_of(estimates) if estimates else None,
                score=headline_score(headline),
                title=headline_words(headline.outcome, headline.horizon_years, headline.equation) if headline else "",
                answer="; ".join(reviews),
                is_current=current is not None and assessment.id == current.id,
                is_on_demand=headline_is_on_demand(headline),
            )
        )
    return rows


def headline_score(headline: RiskEstimate | None) -> str:
    if headline is None or headline.score is None:
        return ""
    return score_words(headline.score, headline.score_low, headline.score_high)


def headline_is_on_demand(headline: RiskEstimate | None) -> bool:
    """A refusal hides nothing: it is said."""
    return (
        headline is not None
        and not headline.reason_code
        and any(note["code"] == LIMITED_HORIZON for note in headline.notes)
    )


def headline_words(outcome: str, horizon_years: int, equation: str) -> str:
    horizon = f"{horizon_years} years, " if horizon_years else ""
    return f"{outcome_words(outcome).title}, {horizon}{equation_words(equation)}"
