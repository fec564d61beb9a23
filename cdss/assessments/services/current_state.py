"""What is current: the worklist's row per patient and the end of each study's life."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Case, F, When
from django.db.models.functions import Now

from cdss.assessments.models import Assessment, Outcome, RiskEstimate, StudyOutcome, WorklistEntry, WorklistState
from imaging.models import Series, SeriesResult, SeriesState, Study
from imaging.selectors import newest_versions
from patients.models import Patient

UNRESOLVED = (SeriesState.RECEIVING, SeriesState.READY)
_OF_AN_END = ("outcome", "reason_code", "sentence", "assessment_id")


def worklist_upsert(
    *,
    patient: Patient,
    assessment: Assessment,
    headline: RiskEstimate,
    cardiovascular_refusal: RiskEstimate | None,
    reassess_at: datetime | None,
) -> None:
    """The newest record of each patient waits for an answer: from its recording, or since an unanswered one before.

    A patient whom nobody has answered does not sink because a value, a birthday or a policy made another record.
    """
    columns = {
        "organisation_id": patient.organisation_id,
        "assessment": assessment,
        "state": WorklistState.NEW,
        "headline": headline,
        "cardiovascular_refusal": cardiovascular_refusal,
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
    """Every study of the patient whose series are all read or refused gets its end; later series reopen it.

    Four queries, however many studies there are, and only what changed is written.
    """
    studies = Study.objects.filter(patient=patient).exclude(series__state__in=UNRESOLVED).prefetch_related("series")
    versions = newest_versions(patient.id).select_related("result")
    results = {version.series_id: version.result for version in versions if hasattr(version, "result")}
    settled = {outcome.study_id: outcome for outcome in StudyOutcome.objects.filter(study__patient=patient)}
    ends = []
    for study in studies:
        outcome, code, sentence = _end(list(study.series.all()), results, assessment, failure)
        current = settled.get(study.id)
        if current is not None and failure is not None and current.assessment_id is not None:
            continue  # it has its record; a later attempt that failed does not take it away
        end = StudyOutcome(
            study=study,
            organisation_id=patient.organisation_id,
            outcome=outcome,
            reason_code=code,
            sentence=sentence,
            assessment=assessment,
            updated_at=Now(),
        )
        if current is None or any(getattr(current, name) != getattr(end, name) for name in _OF_AN_END):
            ends.append(end)
    StudyOutcome.objects.bulk_create(
        ends, update_conflicts=True, unique_fields=["study"], update_fields=[*_OF_AN_END, "updated_at"]
    )


def _end(
    series: Sequence[Series],
    results: Mapping[uuid.UUID, SeriesResult],
    assessment: Assessment | None,
    failure: tuple[str, str] | None,
) -> tuple[Outcome, str, str]:
    states = {item.state for item in series}
    read = (results[item.id] for item in series if item.id in results)
    refused = next((result for result in read if result.reason_code), None)
    if states == {SeriesState.FAILED} and refused is not None:
        return Outcome.FAILED, refused.reason_code, refused.sentence
    if failure is not None:
        return Outcome.FAILED, *failure
    if SeriesState.ACCEPTED not in states and refused is not None:
        return Outcome.WITHHELD, refused.reason_code, refused.sentence
    if assessment is None or assessment.is_withheld:
        first = assessment.estimates.order_by("position").first() if assessment else None
        return Outcome.WITHHELD, first.reason_code if first else "NO_RECORD", first.sentence if first else ""
    unused = sum(item.state != SeriesState.ACCEPTED for item in series)
    return Outcome.RECORDED, "", f"{unused} of its series could not be used." if unused else ""
