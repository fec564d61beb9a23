"""Claim, compute, record: one worker at a time, and one that lost its claim records nothing."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError, connection
from django.db.models import F
from django.db.models.functions import Now
from pytest_django import Settings

from cdss.audit.models import AuditEntry
from cdss.audit.verifier import chain_verify
from cdss.core.errors import DomainError
from cdss.core.middleware import DatabaseUnavailableError
from cdss.jobs import running
from cdss.jobs.models import Job, JobState
from cdss.jobs.registry import HANDLERS, ClaimedJob, Record
from cdss.jobs.running import job_run, job_run_first, jobs_run_due
from cdss.jobs.steps import QUEUE_OF_STEP, Step
from imaging.storage import StorageError, StorageFullError
from tests.concurrency import at_once

Enqueue = Callable[..., Job]
Handle = Callable[..., None]
Failures = list[tuple[uuid.UUID, str]]


def nothing(job: ClaimedJob) -> Record:
    return lambda: None


def steal(job_id: uuid.UUID) -> None:
    """Another worker takes the job over, as after an expired lease."""
    Job.objects.filter(id=job_id).update(
        owner=uuid.uuid4(), attempt=F("attempt") + 1, lease_until=Now() + timedelta(minutes=1)
    )


def test_every_step_has_exactly_one_handler_and_one_queue() -> None:
    assert set(HANDLERS) == set(Step) == set(QUEUE_OF_STEP)
    from cdss.jobs.registry import job_handler

    with pytest.raises(ValueError, match="two handlers"):
        job_handler(Step.SERIES_PROCESS, on_failed=lambda job, code, sentence: None)(nothing)


@pytest.mark.django_db
def test_a_job_is_claimed_computed_and_recorded_once(enqueue: Enqueue, handle: Handle) -> None:
    done: list[str] = []

    def work(job: ClaimedJob) -> Record:
        assert Job.objects.get(id=job.id).state == JobState.RUNNING
        job.report(40, "Half of it")
        assert Job.objects.get(id=job.id).progress_phrase == "Half of it"
        return lambda: done.append("recorded")

    handle(work)
    job = enqueue()
    assert job_run(job.id)
    assert not job_run(job.id), "a message that comes twice finds nothing to do"
    job.refresh_from_db()
    assert done == ["recorded"]
    assert (job.state, job.attempt, job.progress) == (JobState.DONE, 1, 100)
    assert job.started_at and job.finished_at and job.started_at <= job.finished_at


@pytest.mark.django_db
def test_a_job_that_is_not_there_or_not_due_is_not_run(enqueue: Enqueue, handle: Handle) -> None:
    handle(nothing)
    assert not job_run(uuid.uuid4())
    assert not job_run(enqueue(delay=timedelta(minutes=5)).id)


@pytest.mark.django_db(transaction=True)
def test_a_claim_is_exclusive(enqueue: Enqueue, handle: Handle) -> None:
    running = threading.Semaphore(1)
    runs: list[uuid.UUID] = []

    def work(job: ClaimedJob) -> Record:
        assert running.acquire(blocking=False), "two workers compute the same job"
        time.sleep(0.3)
        running.release()
        return lambda: runs.append(job.id)

    handle(work)
    job = enqueue()
    results = at_once([partial(job_run, job.id)] * 6)
    assert sorted(results, key=str) == [False] * 5 + [True]
    assert runs == [job.id]


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_keeps_a_job_that_takes_longer_than_its_lease(
    enqueue: Enqueue, handle: Handle, settings: Settings
) -> None:
    settings.JOB_LEASE_SECONDS = 1
    runs: list[int] = []

    def work(job: ClaimedJob) -> Record:
        time.sleep(2.5)
        return lambda: runs.append(job.attempt)

    def take_over() -> bool:
        time.sleep(2.0)
        return job_run(job.id)

    handle(work)
    job = enqueue()
    assert at_once([partial(job_run, job.id), take_over]) == [True, False]
    assert runs == [1]


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_survives_any_error_of_its_connection(
    enqueue: Enqueue, handle: Handle, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOB_LEASE_SECONDS = 1
    broken: list[str] = []

    class FirstBeatBreaks:
        def __getattr__(self, name: str) -> Any:
            return getattr(connection, name)

        def cursor(self) -> Any:
            if threading.current_thread().name.startswith("heartbeat-") and not broken:
                broken.append("cursor")
                raise InterfaceError("the cursor is closed")
            return connection.cursor()

    def work(job: ClaimedJob) -> Record:
        time.sleep(2.5)
        return lambda: None

    def take_over() -> bool:
        time.sleep(2.0)
        return job_run(job.id)

    monkeypatch.setattr(running, "connection", FirstBeatBreaks())
    handle(work)
    job = enqueue()
    assert at_once([partial(job_run, job.id), take_over]) == [True, False]
    assert broken == ["cursor"]


@pytest.mark.django_db
def test_an_expired_lease_lets_another_worker_take_over(enqueue: Enqueue, handle: Handle) -> None:
    handle(nothing)
    job = enqueue()
    Job.objects.filter(id=job.id).update(
        state=JobState.RUNNING, owner=uuid.uuid4(), attempt=1, lease_until=Now() + timedelta(seconds=5)
    )
    assert not job_run(job.id)
    Job.objects.filter(id=job.id).update(lease_until=Now() - timedelta(seconds=1))
    assert job_run(job.id)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.DONE, 2)


@pytest.mark.django_db
@pytest.mark.parametrize("ending", ["result", "refusal", "crash"])
def test_a_worker_that_lost_its_lease_records_nothing(
    enqueue: Enqueue, handle: Handle, failures: Failures, settings: Settings, ending: str
) -> None:
    settings.JOB_MAX_ATTEMPTS = 1
    recorded: list[str] = []

    def work(job: ClaimedJob) -> Record:
        steal(job.id)
        if ending == "refusal":
            raise DomainError("It cannot be done.")
        if ending == "crash":
            raise RuntimeError
        return lambda: recorded.append("late")

    handle(work)
    job = enqueue()
    assert job_run(job.id)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.RUNNING, 2), "it is the other worker's now"
    assert not recorded and not failures
    assert not AuditEntry.objects.filter(action="job.failed").exists()


@pytest.mark.django_db
def test_a_lost_lease_before_the_last_attempt_leaves_the_job_to_its_new_owner(enqueue: Enqueue, handle: Handle) -> None:
    def work(job: ClaimedJob) -> Record:
        steal(job.id)
        raise RuntimeError

    handle(work)
    job = enqueue()
    assert job_run(job.id)
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.RUNNING, 2)


@pytest.mark.django_db
def test_what_was_recorded_goes_with_the_job_or_not_at_all(enqueue: Enqueue, handle: Handle) -> None:
    """Half a result and a crash: the job is tried again and nothing of the first attempt is there."""
    other = enqueue()

    def record(attempt: int) -> None:
        Job.objects.filter(id=other.id).update(progress_phrase=f"attempt {attempt}")
        if attempt == 1:
            raise IntegrityError("somebody else was faster")

    handle(lambda job: partial(record, job.attempt))
    job = enqueue()
    Job.objects.filter(id=other.id).update(not_before=Now() + timedelta(hours=1))
    assert job_run(job.id)
    job.refresh_from_db()
    other.refresh_from_db()
    assert (job.state, other.progress_phrase) == (JobState.QUEUED, "")
    Job.objects.filter(id=job.id).update(not_before=Now())
    assert job_run(job.id)
    other.refresh_from_db()
    assert other.progress_phrase == "attempt 2"


@pytest.mark.django_db
def test_a_crash_is_tried_again_later_and_then_given_up_with_its_reason(
    enqueue: Enqueue, handle: Handle, failures: Failures
) -> None:
    def work(job: ClaimedJob) -> Record:
        raise RuntimeError("the cause is for the technical log: Mrs Okafor, 1966")

    handle(work)
    job = enqueue()
    waits = []
    for attempt in (1, 2):
        assert job_run(job.id)
        job.refresh_from_db()
        assert (job.state, job.attempt, job.published_at) == (JobState.QUEUED, attempt, None)
        assert not job_run(job.id), "not before its pause is over"
        waits.append((job.not_before - job.started_at).total_seconds())
        Job.objects.filter(id=job.id).update(not_before=Now())
    assert waits[1] > waits[0] >= 2
    assert job_run(job.id)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.error_code) == (JobState.FAILED, 3, "INTERNAL_ERROR")
    assert "Okafor" not in job.error_sentence
    assert failures == [(job.subject_id, "INTERNAL_ERROR")]
    entry = json.loads(AuditEntry.objects.get(action="job.failed").body)
    assert entry["outcome"] == "failure"
    assert entry["patient"] == str(job.subject_id), "whom it concerns, as the step's recorder says"
    assert entry["details"] == {"step": "SERIES_PROCESS", "code": "INTERNAL_ERROR", "attempt": 3}
    assert not job_run(job.id), "what is given up is not run again"
    assert chain_verify().is_intact


@pytest.mark.django_db
def test_a_definite_no_is_not_tried_again(enqueue: Enqueue, handle: Handle, failures: Failures) -> None:
    def work(job: ClaimedJob) -> Record:
        raise DomainError("This patient has no birth date.", code="NO_BIRTH_DATE")

    handle(work)
    job = enqueue()
    assert job_run(job.id)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.error_code) == (JobState.FAILED, 1, "NO_BIRTH_DATE")
    assert job.error_sentence == "This patient has no birth date."
    assert failures == [(job.subject_id, "NO_BIRTH_DATE")]


@pytest.mark.django_db
@pytest.mark.parametrize("error", [StorageFullError(), StorageError(), DatabaseUnavailableError()])
@pytest.mark.parametrize("moment", ["computing", "recording"])
def test_what_passes_by_itself_is_tried_again_with_patience(
    enqueue: Enqueue, handle: Handle, failures: Failures, error: DomainError, moment: str
) -> None:
    def full() -> None:
        raise error

    def work(job: ClaimedJob) -> Record:
        if job.attempt < 3 and moment == "computing":
            full()
        return full if job.attempt < 3 else lambda: None

    handle(work)
    job = enqueue()
    waits = []
    for attempt in (1, 2):
        assert job_run(job.id)
        job.refresh_from_db()
        assert (job.state, job.attempt, failures) == (JobState.QUEUED, attempt, [])
        waits.append((job.not_before - job.started_at).total_seconds())
        Job.objects.filter(id=job.id).update(not_before=Now())
    assert waits[1] > waits[0] >= 60, "a full disk is not emptied within seconds"
    assert job_run(job.id)
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.DONE, "")


@pytest.mark.django_db
def test_what_does_not_pass_is_given_up_with_its_own_reason(
    enqueue: Enqueue, handle: Handle, failures: Failures, settings: Settings
) -> None:
    def work(job: ClaimedJob) -> Record:
        raise StorageFullError

    handle(work)
    job = enqueue()
    for _ in range(settings.JOB_MAX_ATTEMPTS):
        Job.objects.filter(id=job.id).update(not_before=Now())
        assert job_run(job.id)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.error_code) == (JobState.FAILED, settings.JOB_MAX_ATTEMPTS, "STORAGE_FULL")
    assert failures == [(job.subject_id, "STORAGE_FULL")]


@pytest.mark.django_db(transaction=True)
def test_without_a_database_the_job_is_left_to_its_lease(enqueue: Enqueue, handle: Handle, failures: Failures) -> None:
    def work(job: ClaimedJob) -> Record:
        raise OperationalError("the connection is gone")

    handle(work)
    job = enqueue()
    with pytest.raises(OperationalError):
        job_run(job.id)
    job.refresh_from_db()
    assert job.state == JobState.RUNNING and job.lease_until is not None
    assert not failures


@pytest.mark.django_db
def test_due_jobs_run_by_priority_then_age(enqueue: Enqueue, handle: Handle) -> None:
    order: list[uuid.UUID] = []
    handle(lambda job: lambda: order.append(job.id))
    jobs = [enqueue(priority=priority) for priority in (5, 5, 1)]
    assert jobs_run_due() == 3
    assert order == [jobs[2].id, jobs[0].id, jobs[1].id]


@pytest.mark.django_db
def test_a_failing_assessment_steps_aside_for_the_one_that_waits(
    enqueue: Enqueue, handle: Handle, failures: Failures
) -> None:
    """Two of one patient may not wait: the newer one sees everything the older would have."""
    patient = uuid.uuid4()

    def work(job: ClaimedJob) -> Record:
        enqueue(Step.PATIENT_ASSESS, subject_id=patient)
        raise RuntimeError

    handle(work, Step.PATIENT_ASSESS)
    first = enqueue(Step.PATIENT_ASSESS, subject_id=patient)
    assert job_run(first.id)
    states = dict(Job.objects.values_list("id", "state"))
    assert states.pop(first.id) == JobState.DONE
    assert list(states.values()) == [JobState.QUEUED]
    assert not failures


@pytest.mark.django_db
def test_running_without_an_owner_is_refused_by_the_database(enqueue: Enqueue) -> None:
    job = enqueue()
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET state = 'RUNNING' WHERE id = %s", [job.id])


@pytest.mark.django_db(transaction=True)
def test_what_comes_first_runs_first_whatever_the_order_of_the_messages(enqueue: Enqueue, handle: Handle) -> None:
    order: list[int] = []

    def work(job: ClaimedJob) -> Record:
        return lambda: order.append(Job.objects.get(id=job.id).priority)

    handle(work)
    for priority in (7, 5, 6):
        enqueue(priority=priority)
    assert not job_run_first("assess"), "that queue has no work"
    assert at_once([partial(job_run_first, "imaging")] * 4).count(True) == 3, "each message takes one"
    enqueue(priority=7)
    enqueue(priority=2)
    assert job_run_first("imaging") and job_run_first("imaging") and not job_run_first("imaging")
    assert sorted(order[:3]) == [5, 6, 7] and order[3:] == [2, 7]


@pytest.mark.django_db
def test_a_waiting_assessment_takes_the_place_of_the_more_urgent_reason(enqueue: Enqueue) -> None:
    patient = uuid.uuid4()
    waiting = [enqueue(Step.PATIENT_ASSESS, subject_id=patient, priority=priority) for priority in (7, 3, 5)]
    assert len({job.id for job in waiting}) == 1 and waiting[-1].priority == 3
