"""kill -9 in the middle of the work: the record appears once, within seconds, and nothing is lost.

Real worker and sweeper processes on the session's PostgreSQL and Valkey, as the demonstration starts them, with a
lease of four seconds. What is killed is the whole worker (its message is then lost to the broker for an hour), or the
child that computes (its message comes back at once, while the lease still holds).
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from django.core.management import call_command
from pydicom.uid import JPEG2000Lossless

from cdss.assessments.models import Assessment, StudyOutcome
from cdss.audit.models import AuditEntry
from cdss.embedded.urls import ServiceUrls
from cdss.jobs.models import Job, JobState
from cdss.jobs.steps import Step
from imaging.models import Measurement, Series, SeriesResult, SeriesState, Study
from imaging.services.ingest import instance_store
from imaging.services.lifecycle import study_close
from imaging.storage import StagedObject
from tests import factories
from tests.dicom import slice_dataset
from tests.factories import Hospital
from tests.imaging.part10 import MRN_ISSUER, part10
from tests.processes import Process, celery_worker, environment, started, sweeper

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

LEASE_SECONDS = 4
SLICES = 100
Found = TypeVar("Found")


def wait(condition: Callable[[], Found], seconds: float = 90) -> Found:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def slow_series() -> Iterator[bytes]:
    """A CT whose decoding takes seconds: noise, in JPEG 2000. Encoded once, sent as every slice."""
    noise = np.random.default_rng(7).integers(900, 1300, (1, 512, 512)).astype(np.uint16)
    first = slice_dataset(noise, 0, modality="CT", seed="killed")
    part10(first, transfer_syntax_uid=JPEG2000Lossless)
    volume = np.broadcast_to(noise, (SLICES, 512, 512))
    for index in range(SLICES):
        dataset = slice_dataset(volume, index, modality="CT", seed="killed", spacing_zyx_mm=(1.0, 0.7, 0.7))
        dataset.IssuerOfPatientID, dataset.PatientID = MRN_ISSUER, "KILLED"
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = "1", "-1024", "HU"
        dataset.KVP, dataset.ConvolutionKernel, dataset.BodyPartExamined = "120", "B30f", "CHEST"
        dataset.PixelData = first.PixelData
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
        dataset.file_meta = first.file_meta
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        buffer = io.BytesIO()
        dataset.save_as(buffer, enforce_file_format=True)
        yield buffer.getvalue()


@pytest.fixture
def arrived(hospital: Hospital) -> Study:
    """A patient with everything an equation needs, and a CT that has arrived."""
    who = factories.patient(hospital, mrn="KILLED", family_name="Test", birth_date=None, sex="female")
    factories.record(hospital, who, *factories.complete_labs(), *factories.complete_answers())
    for content in slow_series():
        with StagedObject() as staged:
            staged.write(content)
            instance_store(
                actor=hospital.client_actor, organisation=hospital.organisation, staged=staged, source="test"
            )
    return Study.objects.get()


@pytest.fixture
def env(services: ServiceUrls, storage_root: Path) -> dict[str, str]:
    return environment(services, storage_root, JOB_LEASE_SECONDS=str(LEASE_SECONDS))


@contextlib.contextmanager
def workers(env: dict[str, str], folder: Path, *names: str, queues: str = "imaging") -> Iterator[list[Process]]:
    """Workers that are ready, and a sweeper."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(started(sweeper(), env=env, log=folder / "sweeper.log"))
        found = [
            stack.enter_context(started(celery_worker(name, queues), env=env, log=folder / f"{name}.log"))
            for name in names
        ]
        wait(lambda: all("ready." in worker.log.read_text() for worker in found))
        yield found


def begin(at: Hospital, study: Study, found: list[Process]) -> tuple[Job, Process]:
    """Close the study; the job, and the worker that is in the middle of it."""
    study_close(actor=at.client_actor, study=study)
    job = Job.objects.get(step=Step.SERIES_PROCESS)
    wait(lambda: running(job, 1))
    time.sleep(0.7)
    assert running(job, 1) and not SeriesResult.objects.exists(), "the series is too quick; make it larger"
    wait(lambda: sum(map(working, found)) == 1)
    [busy] = filter(working, found)
    return job, busy


def working(worker: Process) -> bool:
    """A message is a hint and may come twice: a worker that found the job taken has succeeded at nothing."""
    log = worker.log.read_text()
    return log.count(" received") > log.count(" succeeded in ")


def running(job: Job, attempt: int) -> bool:
    job.refresh_from_db()
    return (job.state, job.attempt) == (JobState.RUNNING, attempt)


def done(job: Job) -> bool:
    job.refresh_from_db()
    return job.state == JobState.DONE


def assert_recorded_once(job: Job, env: dict[str, str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest of the line runs, and everything is there once."""
    with workers(env, folder, "assess", queues="assess"):
        wait(lambda: not Job.objects.filter(state__in=(JobState.QUEUED, JobState.RUNNING)).exists())
    assert SeriesResult.objects.get().series_version_id == job.subject_id
    assert Series.objects.get().state == SeriesState.ACCEPTED
    assert Measurement.objects.count() == Measurement.objects.values("name").distinct().count()
    assert StudyOutcome.objects.get().assessment == Assessment.objects.get()
    for action in ("series.received", "series.processed", "assessment.recorded"):
        assert AuditEntry.objects.filter(action=action).count() == 1, action
    assert not AuditEntry.objects.filter(action="job.failed").exists()
    capsys.readouterr()
    call_command("check_invariants")
    assert "recorded, withheld or waiting" in capsys.readouterr().out


def test_a_killed_worker_is_replaced_and_the_record_appears_once(
    hospital: Hospital, arrived: Study, env: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with workers(env, tmp_path, "one", "two") as found:
        job, busy = begin(hospital, arrived, found)
        busy.kill_group()
        measured = wait_for_second_attempt(job, "the worker", capsys)
    assert_recorded_once(job, env, tmp_path, capsys)
    assert measured < LEASE_SECONDS + 4


def test_a_killed_child_is_replaced_and_the_record_appears_once(
    hospital: Hospital, arrived: Study, env: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with workers(env, tmp_path, "only") as found:
        job, busy = begin(hospital, arrived, found)
        [child] = busy.children
        os.kill(child, signal.SIGKILL)
        measured = wait_for_second_attempt(job, "the pool's child", capsys)
    assert_recorded_once(job, env, tmp_path, capsys)
    assert measured < LEASE_SECONDS + 4


def test_a_worker_frozen_and_thawed_is_too_late_to_record(
    hospital: Hospital, arrived: Study, env: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not dead but paused (a virtual machine): another took over, and what it still computes is dropped."""
    with workers(env, tmp_path, "one", "two") as found:
        job, busy = begin(hospital, arrived, found)
        os.killpg(busy.popen.pid, signal.SIGSTOP)
        wait(lambda: running(job, 2))
        os.killpg(busy.popen.pid, signal.SIGCONT)
        wait(lambda: done(job))
        wait(lambda: "taken over by another worker" in busy.log.read_text())
    assert_recorded_once(job, env, tmp_path, capsys)


def wait_for_second_attempt(job: Job, what: str, capsys: pytest.CaptureFixture[str]) -> float:
    killed_at = time.monotonic()
    wait(lambda: running(job, 2))
    taken_over = time.monotonic() - killed_at
    wait(lambda: done(job))
    recorded = time.monotonic() - killed_at
    with capsys.disabled():
        sys.stdout.write(f"\nkill -9 of {what}: taken over in {taken_over:.1f} s, recorded in {recorded:.1f} s ")
    assert job.attempt == 2
    return taken_over
