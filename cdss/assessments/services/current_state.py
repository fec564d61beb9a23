"""What is current: the worklist's row per patient and the end of each study's life."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Case, F, When
from django.db.models.functions import Now

from cdss.assessments.models import Assessment, Outcome, RiskEstimate, StudyOutcome, WorklistEntry, WorklistState
from imaging.models import SeriesState, Study
from patients.models import Patient

UNRESOLVED = (SeriesState.RECEIVING, SeriesState.READY)


def worklist_upsert(
    *, patient: Patient, assessment: Assessment, headline: RiskEstimate, reassess_at: datetime | None
) -> None:
    """The newest record of each patient waits for an answer: from its recording, or since an unanswered one before.

    A patient whom nobody has answered does not sink because a value, a birthday or a policy made another record.
    """
    columns = {
        "organisation_id": patient.organisation_id,
        "assessment": assessment,
        "state": WorklistState.NEW,
        "headline": headline,
        "outcome": headline.outcome,
        "horizon_years": headline.horizon_years,
        "equation": headline.equation,
        "risk": headline.risk,
        "reason_code": headline.reason_code,
        "sentence": headline.sentence,
        "reassess_at": reassess_at,
    }
    still_waiting = When(state=WorklistState.NEW, then=F("waiting_since"))
    WorklistEntry.objects.update_or_create(
        patient=patient,
        defaults=columns | {"waiting_since": Case(still_waiting, default=Now())},
        create_defaults=columns | {"waiting_since": Now()},
    )


def study_outcomes_settle(
    *, patient: Patient, assessment: Assessment | None, failure: tuple[str, str] | None = None
) -> None:
    """Every study of the patient whose series are all read or refused gets its end; later series reopen it."""
    studies = Study.objects.filter(patient=patient).exclude(series__state__in=UNRESOLVED).prefetch_related("series")
    settled = {
        outcome.study_id: outcome for outcome in StudyOutcome.objects.filter(study__patient=patient, study__in=studies)
    }
    for study in studies:
        outcome, code, sentence = _end(study, assessment, failure)
        current = settled.get(study.id)
        if current is not None and failure is not None and current.assessment_id is not None:
            continue  # it has its record; a later attempt that failed does not take it away
        StudyOutcome.objects.update_or_create(
            study=study,
            defaults={
                "organisation_id": patient.organisation_id,
                "outcome": outcome,
                "reason_code": code,
                "sentence": sentence,
                "assessment": assessment,
                "updated_at": Now(),
            },
        )


def _end(study: Study, assessment: Assessment | None, failure: tuple[str, str] | None) -> tuple[Outcome, str, str]:
    series = list(study.series.all())
    states = {item.state for item in series}
    results = [item.versions.select_related("result").order_by("-number").first() for item in series]
    refused = next((v.result for v in results if v is not None and hasattr(v, "result") and v.result.reason_code), None)
    if states == {SeriesState.FAILED} and refused is not None:
        return Outcome.FAILED, refused.reason_code, refused.sentence
    if failure is not None:
        return Outcome.FAILED, *failure
    if SeriesState.ACCEPTED not in states and refused is not None:
        return Outcome.WITHHELD, refused.reason_code, refused.sentence
    if assessment is None or assessment.is_withheld:
        first = assessment.estimates.order_by("position").first() if assessment else None
        return Outcome.WITHHELD, first.reason_code if first else "NO_RECORD", first.sentence if first else ""
    unused = sum(state != SeriesState.ACCEPTED for state in (item.state for item in series))
    return Outcome.RECORDED, "", f"{unused} of its series could not be used." if unused else ""
