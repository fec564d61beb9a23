"""The table of contents of everything asynchronous, in the order of a study's life."""

from __future__ import annotations

from django.db import models


class Step(models.TextChoices):
    """Each step has exactly one handler, registered in the jobs.py of the app that does the work."""

    SERIES_PROCESS = "SERIES_PROCESS", "Read and measure a series"
    PATIENT_ASSESS = "PATIENT_ASSESS", "Assess a patient's risk"
    POLICY_TRY = "POLICY_TRY", "Find out what a policy would change"


# A short task never waits behind a long one.
QUEUE_OF_STEP = {Step.SERIES_PROCESS: "imaging", Step.PATIENT_ASSESS: "assess", Step.POLICY_TRY: "imaging"}
