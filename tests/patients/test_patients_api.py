from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from patients.models import Patient, PatientIdentifier
from tests import factories
from tests.factories import Hospital
from tests.patients.rest import Api, actions, assert_problem, details

PERSON = {
    "identifier": {"system": "urn:test:mrn", "value": "T-1"},
    "family_name": "Synthetic-Müller",
    "given_name": "Ada",
    "birth_date": "1966-03-14",
    "sex": "female",
}


@pytest.fixture
def api(hospital: Hospital) -> Api:
    return Api(token=hospital.token)


def test_new_identifier_makes_a_patient_and_one_audit_entry(api: Api, hospital: Hospital) -> None:
    response = api.post("/patients", PERSON)
    assert response.status_code == 201
    patient = Patient.objects.get()
    assert response.json()["id"] == str(patient.id)
    assert response.json()["identifiers"] == [PERSON["identifier"]]
    assert patient.organisation == hospital.organisation
    assert actions().count("patient.created") == 1


def test_same_identifier_and_same_person_is_the_same_patient(api: Api) -> None:
    first = api.post("/patients", PERSON).json()
    second = api.post("/patients", {**PERSON, "family_name": "SYNTHETIC MULLER"})
    assert second.status_code == 200
    assert second.json()["id"] == first["id"]
    assert Patient.objects.count() == 1
    assert actions().count("patient.created") == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"birth_date": "1966-03-15"}, "birth date"),
        ({"family_name": "Synthetic-Schmidt"}, "family name"),
        ({"sex": "male"}, "sex"),
    ],
)
def test_same_identifier_and_other_person_is_refused_naming_what_differs(
    api: Api, changed: dict[str, str], words: str
) -> None:
    api.post("/patients", PERSON)
    body = assert_problem(api.post("/patients", {**PERSON, **changed}), 409, "IDENTITY_MISMATCH")
    assert words in body["detail"]
    assert Patient.objects.count() == 1


def test_same_identifier_in_another_organisation_is_another_patient(api: Api, other_hospital: Hospital) -> None:
    api.post("/patients", PERSON)
    other = Api(token=other_hospital.token).post("/patients", {**PERSON, "birth_date": "1980-01-01"})
    assert other.status_code == 201
    assert Patient.objects.count() == 2


@pytest.mark.parametrize(
    ("changed", "status", "field"),
    [
        ({"birth_date": None, "sex": "robot"}, 400, "sex"),
        ({"birth_date": "14.03.1966"}, 400, "birth_date"),
        ({"birth_date": "1066-10-14"}, 400, "birth_date"),
        ({"birth_date": (timezone.now() + timedelta(days=2)).date().isoformat()}, 400, "birth_date"),
        ({"birth_date": "1966-02-30"}, 400, "birth_date"),
        ({"family_name": ""}, 400, "family_name"),
        ({"family_name": "x" * 251}, 400, "family_name"),
        ({"family_name": 17}, 400, "family_name"),
        ({"famly_name": "x"}, 400, "famly_name"),
        ({"identifier": {"system": "s"}}, 400, "identifier.value"),
        ({"identifier": {"system": "s", "value": "v", "use": "usual"}}, 400, "identifier.use"),
        ({"identifier": "T-1"}, 400, "identifier"),
    ],
)
def test_wrong_field_is_refused_by_its_name(api: Api, changed: dict[str, object], status: int, field: str) -> None:
    body = assert_problem(api.post("/patients", {**PERSON, **changed}), status, "INVALID")
    assert [error["field"] for error in body["errors"]] == [field]
    assert not Patient.objects.exists()


@pytest.mark.parametrize("name", ["identifier", "family_name", "birth_date", "sex"])
def test_missing_field_is_refused_by_its_name(api: Api, name: str) -> None:
    body = assert_problem(api.post("/patients", {k: v for k, v in PERSON.items() if k != name}), 400, "INVALID")
    assert [error["field"] for error in body["errors"]] == [name]


def test_empty_identifier_is_refused(api: Api) -> None:
    response = api.post("/patients", {**PERSON, "identifier": {"system": "s", "value": "  "}})
    assert_problem(response, 422, "PATIENT_ID_MISSING")


def test_unknown_birth_date_is_stated_as_null(api: Api) -> None:
    assert api.post("/patients", {**PERSON, "birth_date": None}).json()["birth_date"] is None


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "",
        "null",
        "[]",
        '"text"',
        '{"sex": NaN}',
        '{"a": 1, "a": 2}',
        '{"family_name": "\\u0000"}',
        '{"family_name": "\\ud800"}',
        '{"\\ud800": 1}',
        "[" * 100_000,
        b"\xff\xfe{}",
        '{"n": 1e99999999999999999999}',
        "1" * 5000,
    ],
    ids=lambda text: repr(text[:24]),
)
def test_body_that_is_not_the_expected_json_is_a_problem(api: Api, body: str | bytes) -> None:
    assert_problem(api.post("/patients", body), 400)
    assert not Patient.objects.exists()


def test_ten_megabytes_are_refused_before_they_are_read(api: Api) -> None:
    body = assert_problem(api.post("/patients", "[" + "0," * 5_000_000 + "0]"), 413, "BODY_TOO_LARGE")
    assert "10000003" in body["detail"]


def test_another_media_type_is_refused(api: Api) -> None:
    response = api.client.post("/api/v1/patients", "<a/>", content_type="application/xml", headers=api.headers)
    assert_problem(response, 415)


def test_patient_is_found_by_identifier_and_by_name(api: Api, hospital: Hospital) -> None:
    made = api.post("/patients", PERSON).json()
    factories.patient(hospital, mrn="T-2")
    by_identifier = api.get("/patients", identifier="urn:test:mrn|T-1").json()
    by_name = api.get("/patients", name="müller").json()
    nobody = api.get("/patients", identifier="|T-1").json()
    assert [row["id"] for row in by_identifier["items"]] == [made["id"]]
    assert [row["id"] for row in by_name["items"]] == [made["id"]]
    assert nobody == {"items": [], "next_cursor": None}
    assert [entry["count"] for entry in details("patients.listed")] == [1, 1, 0]


@pytest.mark.parametrize(
    "query",
    [
        {"identifier": "T-1"},
        {"identifier": "s|"},
        {"nme": "x"},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "many"},
        {"cursor": "17"},
        {"cursor": "00000000-0000-0000-0000-000000000000"},
        {"name": "\x00"},
        {"name": ["a", "b"]},
    ],
)
def test_wrong_query_is_refused(api: Api, query: dict[str, object]) -> None:
    assert_problem(api.get("/patients", **query), 400)


def test_pages_give_every_patient_once_in_order(api: Api, hospital: Hospital) -> None:
    names = ["Öztürk", "Abe", "Abe", "abe", "Zhu", "Synthetic-Okafor", "Abe"]
    made = {str(factories.patient(hospital, family_name=name).id) for name in names}
    pages = api.pages("/patients", limit=2)
    seen = [row["id"] for page in pages for row in page]
    assert len(pages) == 4
    assert len(seen) == len(set(seen)) == 7
    assert set(seen) == made
    assert seen == [row["id"] for row in api.get("/patients").json()["items"]]


def test_cursor_of_another_organisation_is_refused(api: Api, other_hospital: Hospital) -> None:
    foreign = factories.patient(other_hospital)
    assert_problem(api.get("/patients", cursor=str(foreign.id)), 400, "BAD_CURSOR")


def test_list_costs_the_same_for_many_patients(
    api: Api, hospital: Hospital, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        factories.patient(hospital)
    with django_assert_max_num_queries(5):  # client, page, identifiers, audit, and one to spare
        assert len(api.get("/patients").json()["items"]) == 12


def test_reading_a_patient_is_audited(api: Api, hospital: Hospital) -> None:
    patient = factories.patient(hospital)
    body = api.get(f"/patients/{patient.id}").json()
    assert body["birth_date"] == "1966-03-14"
    assert PatientIdentifier.objects.get().value == body["identifiers"][0]["value"]
    assert details("patient.viewed") == [{"via": "api", "what": "patient"}]


def test_patient_of_another_organisation_is_not_found_and_not_audited(api: Api, other_hospital: Hospital) -> None:
    foreign = factories.patient(other_hospital)
    assert_problem(api.get(f"/patients/{foreign.id}"), 404, "NOT_FOUND")
    assert "patient.viewed" not in actions()


@pytest.mark.parametrize("path", ["/patients/17", "/patients/", "/nothing", "/studies/1.2.x"])
def test_path_that_is_no_address_is_a_problem(api: Api, path: str) -> None:
    assert_problem(api.get(path), 404, "NOT_FOUND")
    assert_problem(api.post(path, PERSON), 404, "NOT_FOUND")
