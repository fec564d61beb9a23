"""Reading a series version: the worker computes without a transaction, then records everything in one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from cdss.accounts.actors import system_actor
from cdss.audit.services import audit_append
from cdss.jobs.registry import ClaimedJob
from cdss.jobs.services import job_enqueue
from cdss.jobs.steps import Step
from imaging.inference import Extraction, extract
from imaging.models import (
    CalciumCandidate,
    Instance,
    KeyImage,
    Measurement,
    Series,
    SeriesResult,
    SeriesState,
    SeriesVersion,
)
from imaging.storage import object_path


class StorageDamagedError(Exception):
    """The bytes that were taken in are not the bytes on disk."""


_WITH_PATIENT = SeriesVersion.objects.select_related("series__study")


def series_process(job: ClaimedJob) -> Callable[[], None]:
    """The handler of SERIES_PROCESS."""
    version = _WITH_PATIENT.get(id=job.subject_id)
    job.report(5, "Reading the images")
    extraction = extract(_paths(version))
    job.report(90, "Recording what was measured")
    return lambda: series_features_record(version=version, extraction=extraction)


def _paths(version: SeriesVersion) -> list[Path]:
    """Where the version's bytes are. That they are gone says nothing about the images: it is our failure, retried."""
    ids = [uuid.UUID(text) for text in version.instance_ids]
    instances = Instance.objects.filter(id__in=ids).values_list("sha256", "size_bytes")
    paths = {object_path(bytes(sha256)): size for sha256, size in instances}
    damaged = [path.name for path, size in paths.items() if path.stat().st_size != size]
    if damaged or len(instances) != version.instance_count:
        raise StorageDamagedError(f"{len(instances)} of {version.instance_count} instances, damaged: {damaged}")
    return list(paths)


def series_features_record(*, version: SeriesVersion, extraction: Extraction) -> None:
    """Everything one reading gave, and the assessment that follows; the caller holds the transaction."""
    if SeriesResult.objects.filter(series_version=version).exists():
        return
    study = version.series.study
    SeriesResult.objects.create(series_version=version, organisation_id=version.organisation_id, **extraction.result)
    Measurement.objects.bulk_create(
        Measurement(
            organisation_id=version.organisation_id,
            patient_id=study.patient_id,
            series_version=version,
            effective_at=study.study_at or study.created_at,
            **columns,
        )
        for columns in extraction.measurements
    )
    images = {
        columns["name"]: KeyImage(organisation_id=version.organisation_id, series_version=version, **columns)
        for columns in extraction.key_images
    }
    KeyImage.objects.bulk_create(images.values())
    CalciumCandidate.objects.bulk_create(
        CalciumCandidate(
            organisation_id=version.organisation_id,
            series_version=version,
            key_image=images.get(key_image),
            **columns,
        )
        for key_image, columns in extraction.candidates
    )
    is_accepted = bool(extraction.result["is_accepted"])
    _state_set(version, SeriesState.ACCEPTED if is_accepted else SeriesState.REJECTED)
    _assess(version)
    audit_append(
        actor=system_actor("worker", version.organisation_id),
        action="series.processed" if is_accepted else "series.rejected",
        subject_type="series",
        subject_id=version.series_id,
        patient_id=study.patient_id,
        organisation_id=version.organisation_id,
        details={
            "version": version.number,
            "reason": extraction.result["reason_code"],
            "volume_sha256": extraction.result["volume_sha256"],
            "measurements": sorted(str(columns["name"]) for columns in extraction.measurements),
            "candidates": len(extraction.candidates),
            "code_version": extraction.result["code_version"],
        },
    )


def series_failure_record(job: ClaimedJob, code: str, sentence: str) -> uuid.UUID:
    """The machinery failed for good: the series says so, and the patient is assessed without it."""
    version = _WITH_PATIENT.get(id=job.subject_id)
    patient_id = version.series.study.patient_id
    if SeriesResult.objects.filter(series_version=version).exists():
        return patient_id
    SeriesResult.objects.create(
        series_version=version,
        organisation_id=version.organisation_id,
        is_accepted=False,
        is_failure=True,
        reason_code=code,
        sentence=sentence,
    )
    _state_set(version, SeriesState.FAILED)
    _assess(version)
    return patient_id


def _state_set(version: SeriesVersion, state: SeriesState) -> None:
    # When a late instance has reopened the series, or its newer version waits to be read, that one sets the state.
    newest = Series.objects.filter(id=version.series_id, state=SeriesState.READY)
    newest.exclude(versions__number__gt=version.number).update(state=state)


def _assess(version: SeriesVersion) -> None:
    job_enqueue(
        step=Step.PATIENT_ASSESS,
        organisation_id=version.organisation_id,
        subject_id=version.series.study.patient_id,
        delay=timedelta(0),
    )
