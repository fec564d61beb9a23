"""Reading jobs, for those who wait for them."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from django.db.models import QuerySet

from cdss.jobs.models import Job, JobState


def jobs_open(*, organisation_id: uuid.UUID, subject_ids: Collection[uuid.UUID]) -> QuerySet[Job]:
    """What is waiting or running for these subjects, first come first."""
    states = (JobState.QUEUED, JobState.RUNNING)
    jobs = Job.objects.filter(organisation_id=organisation_id, subject_id__in=subject_ids, state__in=states)
    return jobs.order_by("enqueued_at", "id")


def job_last_failed(*, organisation_id: uuid.UUID, subject_id: uuid.UUID, step: str) -> Job | None:
    """The failure that ended the newest finished work on a subject; None when the newest succeeded."""
    jobs = Job.objects.filter(organisation_id=organisation_id, subject_id=subject_id, step=step)
    newest = jobs.filter(finished_at__isnull=False).order_by("-finished_at").first()
    return newest if newest is not None and newest.state == JobState.FAILED else None
