"""Durable work: the database is the truth, the queue only a hint."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now

from cdss.accounts.models import Organisation
from cdss.jobs.steps import Step


class JobState(models.TextChoices):
    QUEUED = "QUEUED", "Waiting"
    RUNNING = "RUNNING", "Running"
    DONE = "DONE", "Done"
    FAILED = "FAILED", "Failed"


class Job(models.Model):
    """One piece of work on one subject. `as_of` is fixed when it is enqueued, so that retries agree."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    step = models.TextField(choices=Step.choices)
    subject_id = models.UUIDField()
    idempotency_key = models.TextField(unique=True, null=True)  # noqa: DJ001  NULL: none was given
    state = models.TextField(choices=JobState.choices, default=JobState.QUEUED)
    priority = models.SmallIntegerField(default=5)  # 0 first
    as_of = models.DateTimeField(db_default=Now())
    not_before = models.DateTimeField(db_default=Now())
    owner = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempt = models.SmallIntegerField(default=0)
    progress = models.SmallIntegerField(default=0)
    progress_phrase = models.TextField(default="", blank=True)
    error_code = models.TextField(default="", blank=True)
    error_sentence = models.TextField(default="", blank=True)
    enqueued_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=JobState.values), name="job_state_known"),
            models.CheckConstraint(condition=models.Q(step__in=Step.values), name="job_step_known"),
            models.CheckConstraint(
                condition=~models.Q(state=JobState.RUNNING) | models.Q(owner__isnull=False, lease_until__isnull=False),
                name="job_running_has_lease",
            ),
            # Debounce: at most one waiting assessment per patient; what arrives meanwhile only moves its `as_of`.
            models.UniqueConstraint(
                fields=["step", "subject_id"],
                condition=models.Q(state=JobState.QUEUED, step=Step.PATIENT_ASSESS),
                name="job_one_waiting_assessment",
            ),
        ]
        indexes = [
            models.Index(
                fields=["priority", "enqueued_at"],
                condition=models.Q(state__in=[JobState.QUEUED, JobState.RUNNING]),
                name="job_open",
            )
        ]
