"""What must be true whatever happened: nothing accepted is lost, nothing is decided twice, nothing was edited."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, TypeVar

from django.db.models import Count, F, Prefetch, Q
from django.db.models.functions import Now

from cdss.assessments.models import (
    Assessment,
    Attribution,
    FeatureSnapshot,
    PolicyVersion,
    RiskEstimate,
    StudyOutcome,
    WorklistEntry,
)
from cdss.assessments.services import record_digest
from cdss.audit.models import AuditEntry
from cdss.audit.verifier import chain_verify
from cdss.jobs.models import Job, JobState
from cdss.jobs.steps import QUEUE_OF_STEP, Step
from imaging.models import Instance, Series, SeriesState, SeriesVersion, Study
from imaging.storage import object_path

OPEN = (JobState.QUEUED, JobState.RUNNING)
Check = Callable[[], Iterator[str]]
Row = TypeVar("Row")


def broken_invariants() -> list[str]:
    """One sentence per violation; empty when all is well."""
    checks: tuple[Check, ...] = (
        _bytes_are_there,
        _versions_are_read_or_waiting,
        _studies_end_once,
        _records_are_a_line,
        _snapshots_are_unchanged,
        _records_are_unchanged,
        _worklist_is_current,
        _records_are_audited,
        _policies_are_unchanged,
        _work_goes_on,
        _log_is_intact,
    )
    return [sentence for check in checks for sentence in check()]


def _bytes_are_there() -> Iterator[str]:
    for instance_id, sha256, size in Instance.objects.values_list("id", "sha256", "size_bytes").iterator():
        path = object_path(bytes(sha256))
        if not path.exists():
            yield f"instance {instance_id}: its bytes are missing"
        elif path.stat().st_size != size:
            yield f"instance {instance_id}: its file has another size than was recorded"


def _versions_are_read_or_waiting() -> Iterator[str]:
    waiting = Job.objects.filter(step=Step.SERIES_PROCESS, state__in=OPEN).values("subject_id")
    for version in SeriesVersion.objects.filter(result__isnull=True).exclude(id__in=waiting):
        yield f"series version {version.id}: neither read, refused nor waiting"
    states = (SeriesState.ACCEPTED, SeriesState.REJECTED, SeriesState.FAILED)
    for series in Series.objects.filter(state__in=states, versions__result__isnull=True).distinct():
        yield f"series {series.id}: its state is final although a version of it is not read"


def _studies_end_once() -> Iterator[str]:
    busy = Series.objects.filter(state__in=(SeriesState.RECEIVING, SeriesState.READY)).values("study_id")
    assessing = Job.objects.filter(step=Step.PATIENT_ASSESS, state__in=OPEN).values("subject_id")
    ended = StudyOutcome.objects.values("study_id")
    for study in Study.objects.exclude(id__in=busy).exclude(patient_id__in=assessing).exclude(id__in=ended):
        yield f"study {study.id}: accepted, and neither recorded, withheld nor failed"


def _records_are_a_line() -> Iterator[str]:
    patients = Assessment.objects.values("patient_id")
    heads = Count("id", filter=Q(superseded_by__isnull=True))
    for row in patients.annotate(heads=heads).exclude(heads=1):
        yield f"patient {row['patient_id']}: {row['heads']} current records"
    for assessment in Assessment.objects.exclude(supersedes__isnull=True).exclude(supersedes__patient=F("patient")):
        yield f"assessment {assessment.id}: supersedes another patient's record"
    for assessment in Assessment.objects.filter(estimates__isnull=True):
        yield f"assessment {assessment.id}: has neither a number nor a refusal"


def _snapshots_are_unchanged() -> Iterator[str]:
    for snapshot in FeatureSnapshot.objects.only("id", "body", "sha256").iterator():
        if hashlib.sha256(snapshot.body.encode()).hexdigest() != snapshot.sha256:
            yield f"snapshot {snapshot.id}: its text does not match its SHA-256"


def _worklist_is_current() -> Iterator[str]:
    for entry in WorklistEntry.objects.filter(assessment__superseded_by__isnull=False):
        yield f"worklist entry of patient {entry.patient_id}: points to a superseded record"
    heads = Assessment.objects.filter(superseded_by__isnull=True, worklist_entry__isnull=True)
    for assessment in heads:
        yield f"assessment {assessment.id}: current, and on no worklist"


def _records_are_audited() -> Iterator[str]:
    recorded = Assessment.objects.count()
    audited = AuditEntry.objects.filter(action="assessment.recorded").count()
    if recorded != audited:
        yield f"{recorded} records and {audited} audit entries of records"


def _records_are_unchanged() -> Iterator[str]:
    """Each record against the hashes that the log has of it since the moment it was made."""
    entries = AuditEntry.objects.filter(action="assessment.recorded").order_by("seq").values_list("seq", "body")
    for batch in _batches(entries.iterator(), 200):
        bodies = {body["subject"]["id"]: (seq, body["details"]) for seq, body in ((s, json.loads(b)) for s, b in batch)}
        records = Assessment.objects.filter(id__in=bodies).select_related("snapshot")
        found = records.prefetch_related(
            Prefetch("estimates", RiskEstimate.objects.order_by("position")),
            Prefetch("estimates__attributions", Attribution.objects.order_by("position")),
            "snapshot__features",
        )
        by_id = {str(record.id): record for record in found}
        for record_id, (seq, details) in bodies.items():
            record = by_id.get(record_id)
            problem = "is not there" if record is None else _altered(record, details)
            if problem:
                yield f"assessment {record_id}: {problem}, against entry {seq} of the log"


def _batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def _altered(record: Assessment, details: dict[str, Any]) -> str:
    """What of a record is not as the log has it; empty when all of it is."""
    for name in ("input_digest", "release", "release_sha256", "policy_version", "policy_sha256", "code_version"):
        if name in details and getattr(record, name) != details[name]:
            return f"its {name} was changed"
    if record.snapshot.sha256 != details["snapshot_sha256"]:
        return "its snapshot is another"
    features = json.loads(record.snapshot.body)["features"]
    if {item["feature"]: item["value"] for item in features} != {
        item.feature: item.value for item in record.snapshot.features.all()
    }:
        return "a value of its snapshot was changed"
    # Records of before 0.2.0 have a digest of fewer columns in the log, which nothing here computes any more.
    if details.get("estimates_digest") != record_digest.VERSION:
        return ""
    shown = [(estimate, list(estimate.attributions.all())) for estimate in record.estimates.all()]
    if record_digest.record_digest(shown) != details["estimates_sha256"]:
        return "a number, a refusal or an attribution was changed"
    return ""


def _policies_are_unchanged() -> Iterator[str]:
    for version in PolicyVersion.objects.iterator():
        if hashlib.sha256(version.body.encode()).hexdigest() != version.sha256:
            yield f"policy version {version.id}: its text does not match its SHA-256"
    adopted = AuditEntry.objects.filter(action="policy.adopted").count()
    if (versions := PolicyVersion.objects.count()) != adopted:
        yield f"{versions} policy versions and {adopted} audit entries of adoptions"


def _work_goes_on() -> Iterator[str]:
    """No worker and no sweeper stands still: nothing else would say so."""
    abandoned = Job.objects.filter(state=JobState.RUNNING, lease_until__lt=Now() - timedelta(minutes=5))
    for job in abandoned:
        yield f"job {job.id}: its lease ran out more than five minutes ago and nobody took it over"
    unheard = Job.objects.filter(state=JobState.QUEUED, published_at__isnull=True)
    for job in unheard.filter(not_before__lt=Now() - timedelta(minutes=5)):
        yield f"job {job.id}: due for more than five minutes, and no sweeper has handed it to a worker"
    due = Job.objects.filter(state=JobState.QUEUED, not_before__lt=Now() - timedelta(minutes=30))
    for queue in sorted({QUEUE_OF_STEP[Step(step)] for step in due.values_list("step", flat=True).distinct()}):
        steps = [step for step, name in QUEUE_OF_STEP.items() if name == queue]
        of_queue = Job.objects.filter(step__in=steps)
        moving = Q(state=JobState.RUNNING, lease_until__gte=Now()) | Q(finished_at__gte=Now() - timedelta(minutes=30))
        if not of_queue.filter(moving).exists():
            yield f"queue {queue}: work is due for more than half an hour, and no worker has finished any since"
    quiet = Series.objects.filter(state=SeriesState.RECEIVING, last_instance_at__lt=Now() - timedelta(minutes=30))
    for series in quiet:
        yield f"series {series.id}: quiet for more than half an hour, and no sweeper has noticed"


def _log_is_intact() -> Iterator[str]:
    result = chain_verify()
    if not result.is_intact:
        yield f"audit log: {result.sentence}"
