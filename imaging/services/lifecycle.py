"""When is a series complete? When it has been quiet for a while, or when its sender says so."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from cdss.accounts import scopes
from cdss.accounts.actors import Actor, system_actor
from cdss.audit.services import audit_append
from cdss.core.errors import ConflictError, NotFoundError
from cdss.jobs.services import job_enqueue
from cdss.jobs.steps import Step
from imaging.models import Instance, Series, SeriesState, SeriesVersion, Study


class SeriesNotFailedError(ConflictError):
    code = "SERIES_NOT_FAILED"


def series_sweep(*, quiet: timedelta) -> int:
    """Mark every series ready that has been quiet long enough, by the database's clock."""
    due = Series.objects.filter(state=SeriesState.RECEIVING, last_instance_at__lt=Now() - quiet)
    count = 0
    for series_id in due.values_list("id", flat=True)[:200]:
        with transaction.atomic():
            # Looked at again under the lock: an instance may have arrived, or another sweeper been faster.
            series = due.select_for_update(skip_locked=True).filter(id=series_id).first()
            if series is not None:
                series_mark_ready(series=series, actor=system_actor("sweeper", series.organisation_id))
                count += 1
    return count


@transaction.atomic
def series_mark_ready(*, series: Series, actor: Actor) -> SeriesVersion:
    """Freeze the instances received so far as a version and ask for it to be read; one audit entry per series."""
    version = _version_make(series)
    _version_audit(actor, "series.received", version)
    return version


@transaction.atomic
def series_rerun(*, actor: Actor, series: Series) -> SeriesVersion:
    """Read a series again whose reading failed for good: the same instances as a new version; the old result stays."""
    if not (actor.may(scopes.QUARANTINE_RESOLVE) or actor.may(scopes.STUDIES_WRITE)):
        raise NotFoundError
    own = Series.objects.select_for_update().filter(id=series.id, organisation=actor.organisation_id).first()
    if own is None:
        raise NotFoundError
    if own.state != SeriesState.FAILED:
        raise SeriesNotFailedError("Only a series whose reading failed can be read again; this one has not failed.")
    version = _version_make(own)
    _version_audit(actor, "series.rerun_requested", version)
    return version


def _version_make(series: Series) -> SeriesVersion:
    instances = list(Instance.objects.filter(series=series).order_by("sop_instance_uid"))
    pairs = "".join(f"{instance.sop_instance_uid}:{bytes(instance.sha256).hex()}\n" for instance in instances)
    digest = hashlib.sha256(pairs.encode()).digest()
    last = SeriesVersion.objects.filter(series=series).order_by("-number").first()
    version = SeriesVersion.objects.create(
        organisation_id=series.organisation_id,
        series=series,
        number=last.number + 1 if last else 1,
        instance_count=len(instances),
        instances_sha256=digest,
        instance_ids=[str(instance.id) for instance in instances],
    )
    Series.objects.filter(id=series.id).update(state=SeriesState.READY)
    job_enqueue(
        step=Step.SERIES_PROCESS,
        organisation_id=series.organisation_id,
        subject_id=version.id,
        idempotency_key=f"series:{version.id}",
    )
    return version


def _version_audit(actor: Actor, action: str, version: SeriesVersion) -> None:
    audit_append(
        actor=actor,
        action=action,
        subject_type="series",
        subject_id=version.series_id,
        patient_id=version.series.study.patient_id,
        organisation_id=version.organisation_id,
        details={
            "version": version.number,
            "instances": version.instance_count,
            "instances_sha256": version.instances_sha256.hex(),
        },
    )


@transaction.atomic
def study_close(*, actor: Actor, study: Study) -> int:
    """The sender says that the study is complete: every series still arriving is ready now. Twice is once."""
    receiving = Series.objects.select_for_update().filter(study=study, state=SeriesState.RECEIVING).order_by("id")
    closed = [_version_make(series) for series in receiving]
    if closed:
        Study.objects.filter(id=study.id).update(closed_at=Now())
        for version in closed:  # after every insert: the first entry takes the log's lock until commit
            _version_audit(actor, "series.received", version)
        audit_append(
            actor=actor,
            action="study.closed",
            subject_type="study",
            subject_id=study.id,
            patient_id=study.patient_id,
            organisation_id=study.organisation_id,
            details={"series": len(closed)},
        )
    return len(closed)
