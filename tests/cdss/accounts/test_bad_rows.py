"""Rows of accounts that the database itself refuses. Not covered: what the services refuse before it."""

from __future__ import annotations

import pytest

from cdss.accounts.models import ApiClient, IdempotentRequest, Organisation, User
from tests.database import wrongly_answered
from tests.factories import Hospital

CASES = [
    (Organisation, {"region": "BANANA"}, "organisation_region_known"),
    (User, {"role": "BANANA"}, "user_role_known"),
    (ApiClient, {"token_sha256": b"x"}, "api_client_token_sha256"),
    (IdempotentRequest, {"request_sha256": bytes(33)}, "idempotent_request_sha256"),
    (IdempotentRequest, {"response_status": 500}, "idempotent_request_done"),
]


@pytest.mark.django_db
def test_the_database_refuses_each_bad_row_and_takes_the_good_one(hospital: Hospital) -> None:
    answered = IdempotentRequest.objects.create(
        organisation=hospital.organisation,
        actor_identifier="client:x",
        key="1",
        method_and_path="POST /api/v1/patients",
        request_sha256=bytes(32),
        response_status=201,
        response_body="{}",
    )
    rows = {type(row): row for row in (hospital.organisation, hospital.clinician, hospital.client, answered)}
    assert wrongly_answered(rows, {}, CASES) == []
