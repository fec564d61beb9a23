from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from cdss.accounts.models import IdempotentRequest
from patients.models import Observation, Patient
from patients.terminology import LOINC
from tests import factories
from tests.factories import Hospital
from tests.patients.rest import Api, actions, assert_problem

PERSON = {
    "identifier": {"system": "urn:test:mrn", "value": "T-1"},
    "family_name": "Synthetic-Okafor",
    "given_name": "Ada",
    "birth_date": "1966-03-14",
    "sex": "female",
}
ROW = {
    "code_system": LOINC,
    "code": "2093-3",
    "value": "213",
    "unit": "mg/dL",
    "effective_at": "2026-05-04T09:30:00-04:00",
}


def test_same_key_and_same_request_is_one_act_answered_the_same(hospital: Hospital) -> None:
    api = Api(token=hospital.token)
    path = f"/patients/{factories.patient(hospital).id}/observations"
    first = api.post(path, ROW, key="k-1")
    second = api.post(path, ROW, key="k-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert Observation.objects.count() == 1
    assert actions().count("clinical_rows.recorded") == 1


def test_same_request_without_a_key_is_a_second_act(hospital: Hospital) -> None:
    api = Api(token=hospital.token)
    path = f"/patients/{factories.patient(hospital).id}/observations"
    api.post(path, ROW)
    api.post(path, ROW)
    assert Observation.objects.count() == 2
    assert not IdempotentRequest.objects.exists()


def test_same_key_and_another_request_is_refused(hospital: Hospital) -> None:
    api = Api(token=hospital.token)
    patient = factories.patient(hospital)
    assert api.post("/patients", PERSON, key="k-1").status_code == 201
    other_body = api.post("/patients", {**PERSON, "given_name": "Eve"}, key="k-1")
    other_path = api.post(f"/patients/{patient.id}/observations", PERSON, key="k-1")
    for response in (other_body, other_path):
        assert_problem(response, 422, "IDEMPOTENCY_KEY_REUSED")
    assert Patient.objects.count() == 2


def test_refused_request_does_not_use_up_its_key(hospital: Hospital) -> None:
    api = Api(token=hospital.token)
    path = f"/patients/{factories.patient(hospital).id}/observations"
    assert_problem(api.post(path, {**ROW, "value": "5.2"}, key="k-1"), 422, "IMPLAUSIBLE_VALUE")
    assert_problem(api.post("/patients", {}, key="k-1"), 400, "INVALID")
    assert api.post(path, ROW, key="k-1").status_code == 201
    assert IdempotentRequest.objects.count() == 1


def test_partly_kept_list_is_replayed_as_it_was(hospital: Hospital) -> None:
    api = Api(token=hospital.token)
    path = f"/patients/{factories.patient(hospital).id}/observations"
    first = api.post(path, [ROW, {**ROW, "value": "5.2"}], key="k-1")
    second = api.post(path, [ROW, {**ROW, "value": "5.2"}], key="k-1")
    assert (first.status_code, second.status_code) == (207, 207)
    assert first.json() == second.json()
    assert Observation.objects.count() == 1


def test_keys_of_two_callers_do_not_meet(hospital: Hospital, other_hospital: Hospital) -> None:
    for at in (hospital, other_hospital):
        response = Api(token=at.token).post("/patients", PERSON, key="k-1")
        assert (response.status_code, "Idempotent-Replayed" in response) == (201, False)
    assert Patient.objects.count() == 2
    organisations = set(IdempotentRequest.objects.values_list("organisation_id", flat=True))
    assert organisations == {hospital.organisation.id, other_hospital.organisation.id}


@pytest.mark.parametrize("key", ["with space", "ü", "x" * 256])
def test_key_that_is_no_key_is_refused(hospital: Hospital, key: str) -> None:
    response = Api(token=hospital.token).post("/patients", PERSON, key=key)
    assert_problem(response, 400, "IDEMPOTENCY_KEY_INVALID")
    assert not Patient.objects.exists()


def _at_once(count: int, act: Any) -> list[Any]:
    """Run `act` in this many threads that start together, each with a connection of its own."""
    barrier, results = threading.Barrier(count), []

    def run() -> None:
        try:
            barrier.wait(timeout=30)
            results.append(act())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


@pytest.mark.django_db(transaction=True)
def test_same_key_sent_at_the_same_moment_ends_in_one_act() -> None:
    at = factories.hospital("north")
    path = f"/patients/{factories.patient(at).id}/observations"
    responses = _at_once(6, lambda: Api(token=at.token).post(path, ROW, key="k-1"))
    assert [response.status_code for response in responses] == [201] * 6
    assert len({response.content for response in responses}) == 1
    assert sum("Idempotent-Replayed" in response for response in responses) == 5
    assert Observation.objects.count() == 1
    assert actions().count("clinical_rows.recorded") == 1


@pytest.mark.django_db(transaction=True)
def test_same_source_id_sent_at_the_same_moment_ends_in_one_row() -> None:
    at = factories.hospital("north")
    path = f"/patients/{factories.patient(at).id}/observations"
    responses = _at_once(6, lambda: Api(token=at.token).post(path, {**ROW, "source_id": "LAB-1"}))
    assert [response.status_code for response in responses] == [201] * 6
    assert sorted(response.json()["results"][0]["status"] for response in responses) == [200] * 5 + [201]
    assert Observation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_same_new_patient_sent_at_the_same_moment_is_one_patient() -> None:
    at = factories.hospital("north")
    responses = _at_once(6, lambda: Api(token=at.token).post("/patients", PERSON))
    assert sorted(response.status_code for response in responses) == [200] * 5 + [201]
    assert Patient.objects.count() == 1
