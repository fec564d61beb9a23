"""Requests nobody thought of, made from the schema: never a server error, never an answer that is not described."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cdss.accounts.models import ApiClient
from cdss.accounts.scopes import ALL
from cdss.assessments.models import Assessment
from cdss.jobs.models import Job
from cdss.jobs.running import jobs_run_due
from cdss.wsgi import application
from tests import factories
from tests.factories import Hospital
from tests.imaging import arrivals
from tests.patients.test_access import OPERATIONS

schemathesis = pytest.importorskip("schemathesis")
# Each request commits, as it does in life: the application closes and opens its own connections.
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]


@pytest.fixture
def known_ids(hospital: Hospital) -> dict[str, str]:
    """What is there to be found, so that not every request ends in 404."""
    ApiClient.objects.filter(id=hospital.client.id).update(scopes=sorted(ALL))
    patient = factories.complete_patient(hospital)
    jobs_run_due()
    study = arrivals.study(patient)
    arrivals.read(arrivals.ready(hospital, study))
    return {
        "patient_id": str(patient.id),
        "assessment_id": str(Assessment.objects.get().id),
        "job_id": str(Job.objects.filter(step="PATIENT_ASSESS").latest("enqueued_at").id),
        "study_instance_uid": study.study_instance_uid,
        "series_instance_uid": study.series.get().series_instance_uid,
    }


def test_no_request_ends_in_a_server_error(known_ids: dict[str, str], hospital: Hospital) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/schema/", application).include(path_regex="^/api/v1/")
    checks = schemathesis.checks.CHECKS.get_by_names(CHECKS)
    statuses: dict[str, set[int]] = {}

    def probe(case: Any) -> None:
        for name in case.path_parameters or {}:
            case.path_parameters[name] = known_ids[name]
        response = case.call_and_validate(headers=hospital.bearer, checks=checks)
        statuses.setdefault(f"{case.method} {case.path}", set()).add(response.status_code)

    for result in schema.get_all_operations():
        for mode in schemathesis.GenerationMode:
            cases = result.ok().as_strategy(generation_mode=mode)
            settings(
                max_examples=8, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(given(case=cases)(probe))()  # fmt: skip
    assert len(statuses) == len(OPERATIONS)
    # Not every request was refused at the door: each reading operation was answered at least once.
    assert [name for name, seen in statuses.items() if name.startswith("GET") and 200 not in seen] == []
