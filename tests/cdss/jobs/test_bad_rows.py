"""Jobs that the database itself refuses. Not covered: what the services refuse before it."""

from __future__ import annotations

import uuid

import pytest

from cdss.jobs.models import Job
from cdss.jobs.steps import Step
from tests.database import wrongly_answered
from tests.factories import Hospital

CASES = [
    (Job, {"step": "BANANA"}, "job_step_known"),
    (Job, {"state": "BANANA"}, "job_state_known"),
    (Job, {"state": "RUNNING"}, "job_running_has_lease"),
]


@pytest.mark.django_db
def test_the_database_refuses_each_bad_row_and_takes_the_good_one(hospital: Hospital) -> None:
    job = Job.objects.create(organisation=hospital.organisation, step=Step.PATIENT_ASSESS, subject_id=uuid.uuid4())
    assert wrongly_answered({Job: job}, {}, CASES) == []
