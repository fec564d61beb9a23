"""Studies and series with all that the interface shows of them, in a fixed number of queries."""

from __future__ import annotations

from django.db.models import Prefetch, QuerySet

from cdss.accounts.actors import Actor
from cdss.core.errors import ConflictError, NotFoundError
from imaging.models import CalciumCandidate, CalciumReading, Measurement, Series, SeriesVersion, Study
from imaging.selectors import series_visible_to, studies_visible_to


class SeriesStillArrivingError(ConflictError):
    code = "SERIES_STILL_ARRIVING"


class NotNewestError(ConflictError):
    code = "NOT_NEWEST"


def studies_detailed(actor: Actor) -> QuerySet[Study]:
    series = Series.objects.order_by("series_number", "series_instance_uid")
    return studies_visible_to(actor).select_related("outcome").prefetch_related(Prefetch("series", series))


def study_detailed(actor: Actor, study_instance_uid: str) -> Study:
    study = studies_detailed(actor).filter(study_instance_uid=study_instance_uid).first()
    if study is None:
        raise NotFoundError
    return study


def series_known(actor: Actor, series_instance_uid: str) -> Series:
    series = series_visible_to(actor).filter(series_instance_uid=series_instance_uid).first()
    if series is None:
        raise NotFoundError
    return series


def series_version_read(actor: Actor, series_instance_uid: str, number: int) -> SeriesVersion:
    """The version a reader says to have read; a conflict unless it is the newest."""
    version = series_version_newest(actor, series_instance_uid)
    if version.number != number:
        sentence = f"The newest version of this series is {version.number}, not {number}; read the newest version."
        raise NotNewestError(sentence, field="version")
    return version


def series_version_newest(actor: Actor, series_instance_uid: str) -> SeriesVersion:
    """Everything read in the newest version; a conflict while the first one is still arriving."""
    series = series_known(actor, series_instance_uid)
    measurements = Measurement.objects.select_related("series_version__series").order_by("name", "recorded_at")
    versions = SeriesVersion.objects.select_related("series__study", "result").prefetch_related(
        Prefetch("measurements", measurements),
        Prefetch("calcium_candidates", CalciumCandidate.objects.order_by("number")),
        Prefetch("calcium_readings", CalciumReading.objects.order_by("-number")),
    )
    version = versions.filter(series=series).order_by("-number").first()
    if version is None:
        sentence = "The images of this series are still arriving; close the study, or wait until it has been quiet."
        raise SeriesStillArrivingError(sentence)
    return version
