"""Claim (transaction) -> compute (none) -> record (transaction). A fenced-off worker records nothing."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, connections, transaction
from django.db.models.functions import Now

from cdss.accounts.actors import system_actor
from cdss.audit.services import audit_append
from cdss.core.errors import DomainError
from cdss.jobs.models import Job, JobState
from cdss.jobs.registry import HANDLERS, ClaimedJob
from cdss.jobs.steps import QUEUE_OF_STEP, Step

logger = logging.getLogger(__name__)

_CLAIM = """
UPDATE jobs_job
SET state = 'RUNNING', owner = %(owner)s, lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
    attempt = attempt + 1, started_at = coalesce(started_at, clock_timestamp()), progress = 0, progress_phrase = ''
WHERE {which} AND (
    (state = 'QUEUED' AND not_before <= clock_timestamp()) OR (state = 'RUNNING' AND lease_until < clock_timestamp()))
RETURNING id, step, organisation_id, subject_id, as_of, attempt
"""
_CLAIM_ONE = _CLAIM.format(which="id = %(id)s")
# ARRAY runs the inner query once, and so locks one row; who comes at the same moment takes the next.
_CLAIM_FIRST = _CLAIM.format(
    which="""id = ANY (ARRAY(
    SELECT id FROM jobs_job
    WHERE step = ANY(%(steps)s) AND (
        (state = 'QUEUED' AND not_before <= clock_timestamp())
        OR (state = 'RUNNING' AND lease_until < clock_timestamp() AND attempt < %(most)s))
    ORDER BY priority, enqueued_at LIMIT 1 FOR UPDATE SKIP LOCKED))"""
)
_EXTEND = """
UPDATE jobs_job SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE id = %(id)s AND owner = %(owner)s AND state = 'RUNNING'
"""
_REQUEUE = """
UPDATE jobs_job SET state = 'QUEUED', owner = NULL, lease_until = NULL, published_at = NULL,
    not_before = clock_timestamp() + make_interval(secs => %(delay)s)
WHERE id = %(id)s AND owner = %(owner)s AND state = 'RUNNING' AND NOT EXISTS (
    SELECT 1 FROM jobs_job waiting WHERE waiting.step = 'PATIENT_ASSESS' AND waiting.step = jobs_job.step
    AND waiting.subject_id = jobs_job.subject_id AND waiting.state = 'QUEUED')
"""
# The machinery is away (a full disk, say) and nothing is said about the subject: it passes, often within minutes.
_TRANSIENT_STATUSES = frozenset({503, 507})


class LeaseLostError(Exception):
    """Another worker has taken the job over; whatever this one computed is thrown away."""


def job_run(job_id: uuid.UUID) -> bool:
    """Run one job if it is there to be run; False when it was done, running elsewhere, or not due."""
    return _run(_CLAIM_ONE, {"id": job_id})


def job_run_first(queue: str) -> bool:
    """Run what comes first among the due jobs of a queue; False when there is none.

    The broker hands messages out in the order they were sent. A new fact must not wait behind a thousand records that
    only grew older, so a message says that there is work, and the database which.
    """
    steps = [step.value for step, name in QUEUE_OF_STEP.items() if name == queue]
    return _run(_CLAIM_FIRST, {"steps": steps, "most": settings.JOB_MAX_ATTEMPTS})


def _run(claim: str, which: dict[str, Any]) -> bool:
    owner = uuid.uuid4()
    claimed = _claim(claim, which, owner)
    if claimed is None:
        return False
    step, job = claimed
    try:
        _attempt(step, job, owner)
    except LeaseLostError:
        logger.warning("job %s was taken over by another worker; what this one found is dropped", job.id)
    return True


def _attempt(step: Step, job: ClaimedJob, owner: uuid.UUID) -> None:
    try:
        with _heartbeat(job.id, owner):
            record = HANDLERS[step].handler(job)
        with transaction.atomic():
            _finish(job.id, owner, JobState.DONE)
            record()
    except LeaseLostError:
        raise
    except (OperationalError, InterfaceError):
        # The database is away: the lease runs out, and the sweeper hands the job to whoever is alive then.
        connection.close_if_unusable_or_obsolete()
        raise
    except DomainError as error:
        if error.status in _TRANSIENT_STATUSES:
            logger.warning("job %s met %s on attempt %s", job.id, error.code, job.attempt)
            delay_seconds = 15 * 4**job.attempt
            _retry_or_fail(step, job, owner, error.code, error.sentence, delay_seconds=delay_seconds)
        else:
            _fail(step, job, owner, error.code, error.sentence)
    except Exception:
        logger.exception("job %s failed on attempt %s", job.id, job.attempt)
        sentence = (
            f"It failed {job.attempt} times and was given up; the technical log has the cause under this job's id."
        )
        _retry_or_fail(step, job, owner, "INTERNAL_ERROR", sentence, delay_seconds=2**job.attempt)


def jobs_run_due(limit: int = 1000) -> int:
    """Run everything that is due, here and now, without the broker; the count of jobs run."""
    done = 0
    while done < limit:
        due = Job.objects.filter(state=JobState.QUEUED, not_before__lte=Now()).order_by("priority", "enqueued_at")
        job_id = due.values_list("id", flat=True).first()
        if job_id is None or not job_run(job_id):
            break
        done += 1
    return done


def _claim(claim: str, which: dict[str, Any], owner: uuid.UUID) -> tuple[Step, ClaimedJob] | None:
    with connection.cursor() as cursor:
        cursor.execute(claim, {**which, "owner": owner, "lease": settings.JOB_LEASE_SECONDS})
        row = cursor.fetchone()
    if row is None:
        return None
    job_id, step, organisation_id, subject_id, as_of, attempt = row

    def report(percent: int, phrase: str) -> None:
        Job.objects.filter(id=job_id, owner=owner).update(progress=percent, progress_phrase=phrase)

    return Step(step), ClaimedJob(job_id, organisation_id, subject_id, as_of, attempt, report)


@contextmanager
def _heartbeat(job_id: uuid.UUID, owner: uuid.UUID) -> Iterator[None]:
    """Extend the lease from a thread with a connection of its own, while the handler computes."""
    stop = threading.Event()
    lease_seconds = settings.JOB_LEASE_SECONDS

    def beat() -> None:
        try:
            while not stop.wait(lease_seconds / 3):
                try:
                    with connection.cursor() as cursor:
                        cursor.execute(_EXTEND, {"id": job_id, "owner": owner, "lease": lease_seconds})
                except (DatabaseError, InterfaceError):  # neither is the other's subclass
                    connection.close()
        finally:
            connections.close_all()

    thread = threading.Thread(target=beat, name=f"heartbeat-{job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _finish(job_id: uuid.UUID, owner: uuid.UUID, state: JobState, code: str = "", sentence: str = "") -> None:
    mine = Job.objects.filter(id=job_id, owner=owner, state=JobState.RUNNING)
    changed = mine.update(
        state=state,
        finished_at=Now(),
        progress=100 if state == JobState.DONE else 0,
        error_code=code,
        error_sentence=sentence,
    )
    if changed != 1:
        raise LeaseLostError


def _fail(step: Step, job: ClaimedJob, owner: uuid.UUID, code: str, sentence: str) -> None:
    with transaction.atomic():
        _finish(job.id, owner, JobState.FAILED, code, sentence)
        failure_record(step, job, code, sentence)


def failure_record(step: Step, job: ClaimedJob, code: str, sentence: str) -> None:
    """What a definite failure means for the job's subject, and the audit entry; the caller holds the transaction."""
    patient_id = HANDLERS[step].on_failed(job, code, sentence)
    audit_append(
        actor=system_actor("jobs", job.organisation_id),
        action="job.failed",
        subject_type="job",
        subject_id=job.id,
        patient_id=patient_id,
        outcome="failure",
        details={"step": step.value, "code": code, "attempt": job.attempt},
    )


def _retry_or_fail(
    step: Step, job: ClaimedJob, owner: uuid.UUID, code: str, sentence: str, *, delay_seconds: int
) -> None:
    if job.attempt >= settings.JOB_MAX_ATTEMPTS:
        _fail(step, job, owner, code, sentence)
        return
    with transaction.atomic(), connection.cursor() as cursor:
        # A newer waiting assessment of the same patient covers this one: two may not wait.
        cursor.execute(_REQUEUE, {"id": job.id, "owner": owner, "delay": delay_seconds})
        if cursor.rowcount == 0:
            _finish(job.id, owner, JobState.DONE)
