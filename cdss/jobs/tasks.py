"""The one Celery task: it carries a job's id and nothing else."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import InterfaceError, OperationalError

from cdss.celery import app
from cdss.jobs.running import job_run


@app.task(
    name="cdss.jobs.run",
    autoretry_for=(OperationalError, InterfaceError),
    retry_backoff=1,
    retry_backoff_max=30,
    max_retries=None,
)
def run(job_id: str, **later_arguments: Any) -> None:
    """`later_arguments`: an old worker survives a message of a newer release."""
    job_run(uuid.UUID(job_id))
