from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from cdss.jobs.models import Job
from cdss.jobs.registry import HANDLERS, ClaimedJob, Handler, Registration
from cdss.jobs.services import job_enqueue
from cdss.jobs.steps import Step
from tests.factories import Hospital


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[tuple[uuid.UUID, str]]:
    """What definite failures told the subject."""
    return []


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch, failures: list[tuple[uuid.UUID, str]]) -> Callable[..., None]:
    """Let the work of a step be something a test can watch; everything around it is the product."""

    def replace(handler: Handler, step: Step = Step.SERIES_PROCESS) -> None:
        def on_failed(job: ClaimedJob, code: str, sentence: str) -> uuid.UUID:
            failures.append((job.subject_id, code))
            return job.subject_id

        monkeypatch.setitem(HANDLERS, step, Registration(handler, on_failed))

    return replace


@pytest.fixture
def enqueue(hospital: Hospital) -> Callable[..., Job]:
    def put(step: Step = Step.SERIES_PROCESS, **options: object) -> Job:
        subject = options.pop("subject_id", None) or uuid.uuid4()
        identifier = job_enqueue(
            step=step,
            organisation_id=hospital.organisation.id,
            subject_id=subject,
            **options,  # type: ignore[arg-type]
        )
        return Job.objects.get(id=identifier)

    return put
