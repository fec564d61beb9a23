"""The one Celery task: it says that there is work in a queue, and the database which comes first."""

from __future__ import annotations

from typing import Any

from django.db import InterfaceError, OperationalError

from cdss.celery import app
from cdss.jobs.running import job_run_first


@app.task(
    name="cdss.jobs.run",
    autoretry_for=(OperationalError, InterfaceError),
    retry_backoff=1,
    retry_backoff_max=30,
    max_retries=None,
)
def run(queue: str, **later_arguments: Any) -> None:
    """`later_arguments`: an old worker survives a message of a newer release."""
    job_run_first(queue)
