"""Reading studies. Every way to one starts from `studies_visible_to`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db.models import Prefetch, QuerySet

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.core.errors import NotFoundError
from imaging.models import (
    CalciumCandidate,
    CalciumReading,
    Instance,
    KeyImage,
    Measurement,
    Quarantine,
    Series,
    SeriesVersion,
    Study,
)


def studies_visible_to(actor: Actor) -> QuerySet[Study]:
    if not actor.may(scopes.STUDIES_READ) or actor.organisation_id is None:
        return Study.objects.none()
    return Study.objects.filter(organisation_id=actor.organisation_id)


def study_visible_to(actor: Actor, study_instance_uid: str) -> Study:
    study = studies_visible_to(actor).filter(study_instance_uid=study_instance_uid).first()
    if study is None:
        raise NotFoundError
    return study


def series_visible_to(actor: Actor) -> QuerySet[Series]:
    return Series.objects.filter(study__in=studies_visible_to(actor))


def series_version_visible_to(actor: Actor, version_id: uuid.UUID) -> SeriesVersion:
    versions = SeriesVersion.objects.select_related("series__study")
    version = versions.filter(id=version_id, series__in=series_visible_to(actor)).first()
    if version is None:
        raise NotFoundError
    return version


def newest_versions(patient_id: uuid.UUID) -> QuerySet[SeriesVersion]:
    """The newest version of each of a patient's series."""
    return (
        SeriesVersion.objects.filter(series__study__patient_id=patient_id)
        .order_by("series_id", "-number")
        .distinct("series_id")
    )


def measurements_visible_to(actor: Actor) -> QuerySet[Measurement]:
    return Measurement.objects.filter(series_version__series__in=series_visible_to(actor))


def key_image_visible_to(actor: Actor, key_image_id: uuid.UUID) -> KeyImage:
    images = KeyImage.objects.select_related("series_version__series__study")
    image = images.filter(id=key_image_id, series_version__series__in=series_visible_to(actor)).first()
    if image is None:
        raise NotFoundError
    return image


def calcium_candidates(version: SeriesVersion) -> QuerySet[CalciumCandidate]:
    return version.calcium_candidates.select_related("key_image").order_by("number")


def instances_stored(actor: Actor, sop_instance_uids: Iterable[str]) -> dict[str, Instance]:
    """What is stored under the UIDs of objects kept apart: for whoever decides about those."""
    if not actor.may(scopes.QUARANTINE_RESOLVE) or actor.organisation_id is None:
        return {}
    stored = Instance.objects.filter(organisation_id=actor.organisation_id, sop_instance_uid__in=set(sop_instance_uids))
    stored = stored.select_related("series__study__patient")
    return {row.sop_instance_uid: row for row in stored.prefetch_related("series__study__patient__identifiers")}


def quarantine_visible_to(actor: Actor) -> QuerySet[Quarantine]:
    if not actor.may(scopes.QUARANTINE_RESOLVE) or actor.organisation_id is None:
        return Quarantine.objects.none()
    return Quarantine.objects.filter(organisation_id=actor.organisation_id).select_related("patient")


def studies_of_patient(actor: Actor, patient_id: uuid.UUID) -> QuerySet[Study]:
    """A patient's studies, newest first, with everything their newest series versions gave, in few queries."""
    versions = (
        newest_versions(patient_id)
        .select_related("result")
        .prefetch_related(
            Prefetch("measurements", Measurement.objects.select_related("reading").order_by("name", "recorded_at")),
            Prefetch("key_images", KeyImage.objects.order_by("slice_index", "name")),
            Prefetch("calcium_candidates", CalciumCandidate.objects.select_related("key_image").order_by("number")),
            Prefetch("calcium_readings", CalciumReading.objects.order_by("-number")),
        )
    )
    series = Series.objects.order_by("series_number", "id").prefetch_related(Prefetch("versions", versions))
    studies = studies_visible_to(actor).filter(patient_id=patient_id)
    return studies.order_by("-study_at", "-created_at", "id").prefetch_related(Prefetch("series", series))
