"""The calcium score of a snapshot: a reader's confirmation on the newest images, or the reason why there is none."""

from __future__ import annotations

from datetime import datetime, timedelta

from cdss.assessments.features import Feature
from cdss.assessments.models import FeatureState
from imaging.models import Measurement, SeriesVersion
from patients.models import Patient
from patients.services.clinical_rows import CLOCK_TOLERANCE

AGATSTON_SCORE = "agatston_score"
MAX_AGE = timedelta(days=5 * 365 + 1)


def calcium_feature(patient: Patient, as_of: datetime) -> Feature:
    """Only the newest read version of each series counts: later images make an earlier confirmation void."""
    feature = Feature(AGATSTON_SCORE, "Agatston score, confirmed by a reader", unit="1", source_type="MEASUREMENT")
    versions = _versions_read(patient, as_of)
    confirmed = (
        Measurement.objects.filter(
            series_version__in=versions, name=AGATSTON_SCORE, reading__isnull=False, recorded_at__lte=as_of
        )
        .select_related("reading", "series_version__series__study")
        .order_by("-series_version__series__study__study_at", "-reading__recorded_at", "-id")
        .first()
    )
    if confirmed is None:
        _refuse(feature, *_reason(versions))
        return feature
    return _scored(feature, confirmed, as_of)


def _versions_read(patient: Patient, as_of: datetime) -> list[SeriesVersion]:
    """The newest version of each CT series whose reading was recorded by `as_of`, the newest study first."""
    newest = (
        SeriesVersion.objects.filter(
            series__study__patient=patient, series__modality="CT", result__recorded_at__lte=as_of
        )
        .order_by("series_id", "-number")
        .distinct("series_id")
    )
    rows = SeriesVersion.objects.filter(id__in=[version.id for version in newest])
    return list(rows.select_related("result").order_by("-series__study__study_at", "-result__recorded_at", "id"))


def _reason(versions: list[SeriesVersion]) -> tuple[str, str]:
    """Why the newest CT has no score."""
    if not versions:
        return "NO_VALID_CAC", "Calcium not scored: there is no CT on which it could be."
    result = versions[0].result
    for refusal in result.refusals:
        if refusal["name"] == AGATSTON_SCORE:
            return refusal["reason_code"], refusal["sentence"]
    return result.reason_code or "NO_VALID_CAC", f"Calcium not scored: {result.sentence or 'the CT does not allow it.'}"


def _scored(feature: Feature, row: Measurement, as_of: datetime) -> Feature:
    study = row.series_version.series.study
    feature.source_ids, feature.effective_at = [str(row.id)], row.effective_at
    feature.source = f"{row.method}: {row.reading.reader_name}" if row.reading else row.method
    if study.study_at is None:
        _refuse(feature, "STUDY_DATE_MISSING", "Calcium not scored: the study has no date, so its age is not known.")
    elif study.study_at > as_of + CLOCK_TOLERANCE:
        _refuse(feature, "STUDY_DATE_FUTURE", "Calcium not scored: the study is dated in the future.")
    elif as_of - study.study_at > MAX_AGE:
        feature.state = FeatureState.TOO_OLD
        feature.sentence = f"Scanned on {study.study_at:%d %B %Y}: older than 5 years, so it is not used."
    else:
        feature.state, feature.value, feature.rule = FeatureState.USED, repr(row.value), "newest study, newest reading"
    return feature


def _refuse(feature: Feature, code: str, sentence: str) -> None:
    feature.state, feature.reason_code, feature.sentence = FeatureState.MISSING, code, sentence
