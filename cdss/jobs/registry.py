"""Who does which step: each app registers its handlers here, and the layers above are never imported."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cdss.jobs.steps import Step

Record = Callable[[], None]
Sweep = Callable[[], int]


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """What a handler may know of its job."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    subject_id: uuid.UUID
    as_of: datetime
    attempt: int
    report: Callable[[int, str], None]


class Handler(Protocol):
    """Computes without a transaction and returns the function that records the result inside one."""

    def __call__(self, job: ClaimedJob) -> Record: ...


class FailureRecorder(Protocol):
    """Writes what a definite failure means for the subject, in the transaction that marks the job FAILED.

    Returns the patient concerned, for the audit entry; None when there is none.
    """

    def __call__(self, job: ClaimedJob, code: str, sentence: str) -> uuid.UUID | None: ...


@dataclass(frozen=True, slots=True)
class Registration:
    handler: Handler
    on_failed: FailureRecorder


HANDLERS: dict[Step, Registration] = {}
SWEEPS: list[Sweep] = []


def job_handler(step: Step, *, on_failed: FailureRecorder) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        if step in HANDLERS:
            raise ValueError(f"{step} has two handlers")
        HANDLERS[step] = Registration(handler, on_failed)
        return handler

    return register


def sweep(function: Sweep) -> Sweep:
    """Register a function that finds due work by status; the sweeper calls it about once a second."""
    SWEEPS.append(function)
    return function
