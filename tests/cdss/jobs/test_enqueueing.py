"""A job exists exactly when the act that asked for it is committed; waiting assessments of a patient are one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from redis import Redis

from cdss.embedded.urls import ServiceUrls
from cdss.jobs.models import Job, JobState
from cdss.jobs.running import job_run
from cdss.jobs.services import job_enqueue
from cdss.jobs.steps import Step
from cdss.jobs.sweeping import jobs_sweep
from tests.concurrency import at_once
from tests.factories import Hospital

Enqueue = Callable[..., Job]


@pytest.fixture
def queue(services: ServiceUrls) -> Iterator[Redis]:
    """The broker's own view of what waits in it."""
    client = Redis.from_url(services.broker_url.replace("redis+socket://", "unix://"))
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def broker_away(services: ServiceUrls, queue: Redis) -> Iterator[Callable[[], None]]:
    """Nobody listens at the broker's address, and whoever was connected is cut off, until the function is called."""
    socket = Path(urlsplit(services.broker_url).path)
    hidden = socket.with_suffix(".away")
    socket.rename(hidden)
    queue.client_kill_filter(_type="normal", skipme=True)

    def come_back() -> None:
        if hidden.exists():
            hidden.rename(socket)

    yield come_back
    come_back()


@pytest.mark.django_db(transaction=True)
def test_a_job_is_published_after_the_commit_and_not_before(enqueue: Enqueue, queue: Redis) -> None:
    with transaction.atomic():
        job = enqueue()
        assert queue.llen("imaging") == 0
    assert queue.llen("imaging") == 1
    job.refresh_from_db()
    assert job.published_at is not None
    [message] = queue.lrange("imaging", 0, -1)
    assert str(job.subject_id).encode() not in message, "the queue carries the job's id and nothing else"


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_was_never_asked_for(enqueue: Enqueue, queue: Redis) -> None:
    with transaction.atomic():
        enqueue()
        transaction.set_rollback(True)
    assert not Job.objects.exists()
    assert queue.llen("imaging") == 0


@pytest.mark.django_db
def test_the_same_key_is_the_same_job(hospital: Hospital) -> None:
    put = partial(
        job_enqueue,
        step=Step.SERIES_PROCESS,
        organisation_id=hospital.organisation.id,
        subject_id=uuid.uuid4(),
        idempotency_key="series:1",
    )
    assert put() is not None
    assert put() is None
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_fails_nobody_and_the_sweeper_catches_up(
    enqueue: Enqueue, queue: Redis, broker_away: Callable[[], None]
) -> None:
    jobs = [enqueue() for _ in range(3)]
    assert Job.objects.filter(state=JobState.QUEUED, published_at__isnull=True).count() == 3
    jobs_sweep()
    assert Job.objects.filter(published_at__isnull=True).count() == 3
    broker_away()  # it is back
    jobs_sweep()
    assert queue.llen("imaging") == 3
    assert Job.objects.filter(published_at__isnull=True).count() == 0
    assert len(jobs) == 3


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_forgot_everything_is_told_again(enqueue: Enqueue, queue: Redis) -> None:
    enqueue()
    queue.flushdb()
    jobs_sweep()
    assert queue.llen("imaging") == 0, "it may still be on its way"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_job SET published_at = published_at - interval '11 seconds'")
    jobs_sweep()
    assert queue.llen("imaging") == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("waited", "since", "messages"), [("2 hours", "4 minutes", 0), ("2 hours", "6 minutes", 1)])
def test_what_waits_long_in_a_long_queue_is_told_more_seldom(
    enqueue: Enqueue, queue: Redis, waited: str, since: str, messages: int
) -> None:
    enqueue()
    queue.flushdb()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_job SET enqueued_at = enqueued_at - %s::interval, published_at = published_at - %s::interval",
            [waited, since],
        )
    jobs_sweep()
    assert queue.llen("imaging") == messages


@pytest.mark.django_db(transaction=True)
def test_a_delayed_job_is_published_when_it_is_due(enqueue: Enqueue, queue: Redis) -> None:
    job = enqueue(delay=timedelta(hours=1))
    jobs_sweep()
    assert queue.llen("imaging") == 0
    Job.objects.filter(id=job.id).update(not_before=job.enqueued_at)
    jobs_sweep()
    assert queue.llen("imaging") == 1


@pytest.mark.django_db(transaction=True)
def test_many_rows_of_one_patient_at_once_wait_as_one_assessment(hospital: Hospital) -> None:
    patient = uuid.uuid4()

    def ask() -> uuid.UUID | None:
        with transaction.atomic():
            return job_enqueue(step=Step.PATIENT_ASSESS, organisation_id=hospital.organisation.id, subject_id=patient)

    results = at_once([ask] * 8)
    assert len(set(results)) == 1, results
    assert Job.objects.filter(subject_id=patient).count() == 1


@pytest.mark.django_db
def test_a_waiting_assessment_moves_its_moment_and_a_running_one_does_not(
    enqueue: Enqueue, handle: Callable[..., None]
) -> None:
    patient = uuid.uuid4()
    first = enqueue(Step.PATIENT_ASSESS, subject_id=patient)
    again = enqueue(Step.PATIENT_ASSESS, subject_id=patient)
    assert again.id == first.id and again.as_of > first.as_of
    seen = []

    def work(job):  # type: ignore[no-untyped-def]
        later = enqueue(Step.PATIENT_ASSESS, subject_id=patient)
        assert later.id != first.id, "what arrives while one runs is assessed by the next"
        seen.append(job.as_of)
        return lambda: None

    handle(work, Step.PATIENT_ASSESS)
    assert job_run(first.id)
    assert seen == [again.as_of]
    assert Job.objects.filter(subject_id=patient, state=JobState.QUEUED).count() == 1


@pytest.mark.django_db
def test_a_waiting_assessment_runs_when_the_most_urgent_asks_and_not_later(enqueue: Enqueue) -> None:
    patient = uuid.uuid4()
    ask = partial(enqueue, Step.PATIENT_ASSESS, subject_id=patient)
    debounced = ask(delay=timedelta(hours=1))
    urgent = ask()
    assert urgent.id == debounced.id
    assert urgent.not_before < debounced.not_before - timedelta(minutes=59)
    assert ask(delay=timedelta(hours=2)).not_before == urgent.not_before, "nobody puts off what another needs now"


@pytest.mark.django_db(transaction=True)
def test_a_claim_waits_for_the_transaction_that_still_adds_to_the_job(
    hospital: Hospital, handle: Callable[..., None]
) -> None:
    """Or the worker would look before the row that asked for it can be seen."""
    import time

    patient = uuid.uuid4()
    ask = partial(job_enqueue, step=Step.PATIENT_ASSESS, organisation_id=hospital.organisation.id, subject_id=patient)
    job_id = ask()
    assert job_id is not None
    committed_at: list[float] = []
    claimed_at: list[float] = []

    def add() -> None:
        with transaction.atomic():
            ask()
            time.sleep(0.5)
            committed_at.append(time.monotonic())

    def claim() -> None:
        time.sleep(0.2)
        job_run(job_id)

    def work(job):  # type: ignore[no-untyped-def]
        claimed_at.append(time.monotonic())
        return lambda: None

    handle(work, Step.PATIENT_ASSESS)
    assert at_once([add, claim]) == [None, None]
    assert claimed_at[0] >= committed_at[0]
