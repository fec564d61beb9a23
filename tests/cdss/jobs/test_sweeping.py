"""The sweeper finds work by its status, several may sweep, and one poisoned job stops nobody."""

from __future__ import annotations

import json
import signal
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import Error, InterfaceError, OperationalError
from django.db.models.functions import Now
from pytest_django import Settings

from cdss.audit.models import AuditEntry
from cdss.jobs import sweeping
from cdss.jobs.models import Job, JobState
from cdss.jobs.registry import SWEEPS
from cdss.jobs.sweeping import jobs_sweep
from tests.concurrency import at_once

Enqueue = Callable[..., Job]
Handle = Callable[..., None]


def abandoned(job: Job, *, attempt: int) -> None:
    Job.objects.filter(id=job.id).update(
        state=JobState.RUNNING, owner=uuid.uuid4(), attempt=attempt, lease_until=Now() - timedelta(seconds=1)
    )


@pytest.mark.django_db
def test_an_abandoned_job_is_published_again(enqueue: Enqueue) -> None:
    job = enqueue()
    abandoned(job, attempt=1)
    assert jobs_sweep() == 1
    job.refresh_from_db()
    assert job.state == JobState.RUNNING and job.published_at is not None
    assert jobs_sweep() == 0, "not every second"


@pytest.mark.django_db
def test_a_job_whose_worker_always_dies_is_given_up_with_its_reason(
    enqueue: Enqueue, handle: Handle, failures: list[tuple[uuid.UUID, str]], settings: Settings
) -> None:
    handle(lambda job: lambda: None)
    job, other = enqueue(), enqueue()
    abandoned(job, attempt=settings.JOB_MAX_ATTEMPTS)
    abandoned(other, attempt=settings.JOB_MAX_ATTEMPTS - 1)
    jobs_sweep()
    job.refresh_from_db()
    other.refresh_from_db()
    assert (job.state, job.error_code, other.state) == (JobState.FAILED, "WORKER_LOST", JobState.RUNNING)
    assert job.finished_at is not None and job.error_sentence
    assert failures == [(job.subject_id, "WORKER_LOST")]
    assert json.loads(AuditEntry.objects.get(action="job.failed").body)["details"]["code"] == "WORKER_LOST"
    jobs_sweep()
    assert len(failures) == 1


@pytest.mark.django_db(transaction=True)
def test_several_sweepers_give_a_job_up_once(
    enqueue: Enqueue, handle: Handle, failures: list[tuple[uuid.UUID, str]], settings: Settings
) -> None:
    handle(lambda job: lambda: None)
    for _ in range(5):
        abandoned(enqueue(), attempt=settings.JOB_MAX_ATTEMPTS)
    results = at_once([jobs_sweep] * 4)
    assert not [result for result in results if isinstance(result, Exception)], results
    jobs_sweep()
    assert Job.objects.filter(state=JobState.FAILED).count() == 5
    assert AuditEntry.objects.filter(action="job.failed").count() == len(failures) == 5


@pytest.mark.django_db
def test_one_sweep_that_fails_does_not_stop_the_others(
    enqueue: Enqueue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[str] = []

    def broken() -> int:
        raise RuntimeError("a bug in somebody's sweep")

    def working() -> int:
        called.append("working")
        return 1

    monkeypatch.setattr(sweeping, "SWEEPS", [broken, working])
    enqueue()
    assert jobs_sweep() == 2
    assert called == ["working"]
    assert "broken failed" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_without_a_database_the_round_ends_and_the_command_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: type[Error]
) -> None:
    def gone() -> int:
        raise error("gone")

    monkeypatch.setattr(sweeping, "_publish_due", gone)
    with pytest.raises(error):
        jobs_sweep()
    call_command("run_sweeper", "--once")
    assert "waits for the database" in caplog.text


@pytest.mark.django_db
def test_one_round_inside_another_program_gives_its_signals_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    call_command("run_sweeper", "--once")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_sweeps_of_the_product_are_registered() -> None:
    assert {function.__name__ for function in SWEEPS} >= {"quiet_series", "abandoned_uploads"}
