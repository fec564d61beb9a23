"""This app's steps, and the work it looks for by itself."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from cdss.jobs.registry import job_handler, sweep
from cdss.jobs.steps import Step
from imaging.services.lifecycle import series_sweep
from imaging.services.processing import series_failure_record, series_process
from imaging.storage import incoming_sweep

job_handler(Step.SERIES_PROCESS, on_failed=series_failure_record)(series_process)


@sweep
def quiet_series() -> int:
    return series_sweep(quiet=timedelta(seconds=settings.SERIES_QUIET_SECONDS))


@sweep
def abandoned_uploads() -> int:
    return incoming_sweep(older_than=timedelta(days=1))
