"""A value that cannot be right is refused, kept for somebody to look at, and gone once a right one has followed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from patients.models import Observation, Patient, RefusedObservation
from patients.selectors import refused_observations_of, unused_observations_of
from patients.terminology import LOINC
from tests import factories
from tests.factories import Hospital
from tests.patients.rest import Api, actions, assert_problem, details

WRONG = {
    "code_system": LOINC,
    "code": "2093-3",
    "value": "5.2",
    "unit": "mg/dL",
    "effective_at": "2026-05-04T09:30:00Z",
    "setting": "ambulatory",
    "source_id": "LAB-7",
}
RIGHT = {**WRONG, "unit": "mmol/L", "source_id": "LAB-8"}


@pytest.fixture
def api(hospital: Hospital) -> Api:
    return Api(token=hospital.token)


@pytest.fixture
def patient(hospital: Hospital) -> Patient:
    return factories.patient(hospital)


@pytest.fixture
def path(patient: Patient) -> str:
    return f"/patients/{patient.id}/observations"


def _refused(hospital: Hospital, patient: Patient, as_of: datetime | None = None) -> list[str]:
    shown = refused_observations_of(hospital.clinician_actor, patient, as_of or timezone.now())
    return [row.value for row in shown]


@pytest.mark.parametrize("key", [None, "k-1"])
def test_refused_value_is_kept_as_it_was_sent_with_one_audit_entry(
    hospital: Hospital, api: Api, path: str, patient: Patient, key: str | None
) -> None:
    assert_problem(api.post(path, WRONG, key=key), 422, "IMPLAUSIBLE_VALUE")
    [row] = refused_observations_of(hospital.clinician_actor, patient, timezone.now())
    assert (row.code, row.value, row.unit, row.setting) == ("2093-3", "5.2", "mg/dL", "ambulatory")
    assert (row.source, row.source_id, row.reason_code) == ("api:laboratory", "LAB-7", "IMPLAUSIBLE_VALUE")
    assert row.effective_at == datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
    assert row.sentence.endswith("It would be plausible in mmol/L; nothing was converted.")
    assert not Observation.objects.exists()
    assert [entry["count"] for entry in details("clinical_rows.refused")] == [1]


@pytest.mark.parametrize("key", [None, "k-1"])
def test_sending_it_again_makes_no_second_row_and_no_second_entry(api: Api, path: str, key: str | None) -> None:
    for _ in range(3):
        assert_problem(api.post(path, WRONG, key=key), 422, "IMPLAUSIBLE_VALUE")
    assert RefusedObservation.objects.count() == 1
    assert actions().count("clinical_rows.refused") == 1
    assert_problem(api.post(path, {**WRONG, "value": "5.3"}, key=key), 422, "IMPLAUSIBLE_VALUE")
    assert RefusedObservation.objects.count() == 2


def test_refused_beside_recorded_rows_is_named_in_their_audit_entry(api: Api, path: str) -> None:
    other = {**RIGHT, "code": "2085-9", "value": "1.2"}
    assert [r["status"] for r in api.post(path, [WRONG, other], key="k-1").json()["results"]] == [422, 201]
    assert RefusedObservation.objects.count() == 1
    assert [(entry["count"], entry["refused"]) for entry in details("clinical_rows.recorded")] == [(1, 1)]
    assert "clinical_rows.refused" not in actions()


@pytest.mark.parametrize("changed", [{"value": "<0.1"}, {"effective_at": "2126-05-04T09:30:00Z"}, {"code": ""}])
def test_row_refused_for_another_reason_is_not_kept(api: Api, path: str, changed: dict[str, Any]) -> None:
    assert api.post(path, {**WRONG, **changed}).status_code in {400, 422}
    assert not RefusedObservation.objects.exists()


@pytest.mark.parametrize(
    ("followed_by", "is_gone"),
    [
        ({}, True),
        ({"effective_at": "2026-05-05T09:30:00Z"}, True),
        ({"effective_at": "2026-05-03T09:30:00Z"}, False),  # an older value does not stand in for it
        ({"code": "2085-9", "value": "1.2"}, False),
        ({"status": "entered-in-error"}, False),
    ],
)
def test_accepted_value_of_the_same_code_ends_the_refusal(
    hospital: Hospital, api: Api, path: str, patient: Patient, followed_by: dict[str, str], is_gone: bool
) -> None:
    api.post(path, WRONG)
    refused_until = timezone.now()
    assert api.post(path, {**RIGHT, **followed_by}).status_code == 201
    assert _refused(hospital, patient) == ([] if is_gone else ["5.2"])
    assert _refused(hospital, patient, refused_until) == ["5.2"]


def test_accepted_value_that_was_withdrawn_brings_the_refusal_back(
    hospital: Hospital, api: Api, path: str, patient: Patient
) -> None:
    api.post(path, WRONG)
    accepted = api.post(path, RIGHT).json()["results"][0]["id"]
    assert _refused(hospital, patient) == []
    withdrawal = {**RIGHT, "status": "entered-in-error", "replaces": accepted, "source_id": None}
    assert api.post(path, withdrawal).status_code == 201
    assert _refused(hospital, patient) == ["5.2"]


def test_refusal_is_not_seen_before_it_happened_nor_with_another_patient(
    api: Api, path: str, hospital: Hospital, patient: Patient
) -> None:
    before = timezone.now() - timedelta(seconds=1)
    api.post(path, WRONG)
    assert _refused(hospital, patient, before) == []
    assert _refused(hospital, factories.patient(hospital)) == []


def test_other_organisation_can_neither_send_nor_leave_a_refusal(path: str, other_hospital: Hospital) -> None:
    assert_problem(Api(token=other_hospital.token).post(path, WRONG, key="k-1"), 404, "NOT_FOUND")
    assert not RefusedObservation.objects.exists()


def test_reader_without_the_right_to_write_leaves_no_refusal(hospital: Hospital, path: str) -> None:
    assert_problem(Api(user=hospital.auditor).post(path, WRONG), 403, "MISSING_SCOPE")
    assert not RefusedObservation.objects.exists()


def test_database_refuses_to_change_or_delete_a_refusal(api: Api, path: str) -> None:
    api.post(path, WRONG)
    for change in (RefusedObservation.objects.update, RefusedObservation.objects.all().delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change(**({"value": "5.1"} if change == RefusedObservation.objects.update else {}))
    assert RefusedObservation.objects.get().value == "5.2"


def test_unused_rows_are_the_newest_of_each_code_and_unit_with_their_reasons(
    hospital: Hospital, api: Api, path: str, patient: Patient
) -> None:
    at = "2026-05-0{}T09:30:00Z".format
    base = {"code_system": LOINC, "effective_at": at(1)}
    rows = [
        {**base, "code": "718-7", "value": 13, "unit": "g/dL"},
        {**base, "code": "718-7", "value": 14, "unit": "g/dL", "effective_at": at(4)},
        {**base, "code": "2093-3", "value": 213, "unit": "mg/dL"},
        {**base, "code": "2093-3", "value": 213, "unit": "MG/DL", "effective_at": at(3)},
        {**base, "code": "2571-8", "value": 150, "unit": "mg/dL", "effective_at": at(2)},
        {**base, "code": "6690-2", "value": 7, "unit": "10*3/uL", "status": "entered-in-error"},
    ]
    assert api.post(path, rows).status_code == 201
    found = [
        (item.row.code, f"{item.row.value_quantity:f}"[:3], item.title, item.reason_code)
        for item in unused_observations_of(hospital.clinician_actor, patient)
    ]
    assert found == [
        ("718-7", "14.", "", "CODE_NOT_USED"),
        ("2093-3", "213", "Total cholesterol", "UNKNOWN_UNIT"),
        ("2571-8", "150", "Triglycerides", "CODE_NOT_USED"),
    ]
