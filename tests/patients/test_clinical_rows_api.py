from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cdss.jobs.models import Job
from patients.models import Condition, MedicationStatement, Observation, Patient
from patients.terminology import ATC, GENETIC_CODES, LOINC, SNOMED_CT
from tests import factories
from tests.factories import Hospital
from tests.patients.rest import Api, actions, assert_problem, details, token_of

CHOLESTEROL = {
    "code_system": LOINC,
    "code": "2093-3",
    "value": 213,
    "unit": "mg/dL",
    "effective_at": "2026-05-04T09:30:00-04:00",
}


@pytest.fixture
def api(hospital: Hospital) -> Api:
    return Api(token=hospital.token)


@pytest.fixture
def patient(hospital: Hospital) -> Patient:
    return factories.patient(hospital)


@pytest.fixture
def path(patient: Patient) -> str:
    return f"/patients/{patient.id}/observations"


def test_one_observation_is_kept_with_its_audit_entry_and_one_assessment_to_follow(
    api: Api, path: str, patient: Patient
) -> None:
    response = api.post(path, CHOLESTEROL)
    row = Observation.objects.get()
    assert response.status_code == 201
    assert response.json() == {"results": [{"index": 0, "status": 201, "id": str(row.id)}]}
    assert (row.value_quantity, row.unit, row.source) == (Decimal(213), "mg/dL", "api:laboratory")
    assert row.effective_at.isoformat() == "2026-05-04T13:30:00+00:00"
    assert [entry["count"] for entry in details("clinical_rows.recorded")] == [1]
    assert list(Job.objects.values_list("step", "subject_id")) == [("PATIENT_ASSESS", patient.id)]


@pytest.mark.parametrize("sent", ['"5.10"', "5.10", '"51e-1"', "51e-1"])
def test_value_is_stored_exactly_as_number_or_text(api: Api, path: str, sent: str) -> None:
    body = (
        f'{{"code_system": "{LOINC}", "code": "2093-3", "value": {sent}, "unit": "mmol/L",'
        ' "effective_at": "2026-05-04T09:30:00Z"}'
    )
    assert api.post(path, body).status_code == 201
    assert Observation.objects.get().value_quantity == Decimal("5.1")
    assert api.get(path).json()["items"][0]["value"] == "5.1"


def test_value_no_float_could_hold_survives(api: Api, path: str) -> None:
    row = {**CHOLESTEROL, "code": "99999-9", "unit": "1"}
    assert api.post(path, {**row, "value": "123456789.12345679"}).status_code == 201
    assert api.get(path).json()["items"][0]["value"] == "123456789.12345679"


@pytest.mark.parametrize(
    ("changed", "status", "code", "words"),
    [
        ({"value": "5.2"}, 422, "IMPLAUSIBLE_VALUE", "It would be plausible in mmol/L; nothing was converted."),
        ({"value": 999}, 422, "IMPLAUSIBLE_VALUE", "many systems write 999 for a missing value"),
        ({"value": -1}, 422, "IMPLAUSIBLE_VALUE", "many systems write -1 for a missing value"),
        ({"value": 0}, 422, "IMPLAUSIBLE_VALUE", "cannot be right"),
        ({"effective_at": "2026-05-04T09:30:00"}, 400, "INVALID", "no time zone"),
        ({"effective_at": "2026-05-04"}, 400, "INVALID", "effective_at"),
        ({"effective_at": "0001-01-01T00:00:00+14:00"}, 400, "INVALID", "effective_at"),
        ({"effective_at": "1900-01-01T00:00:00Z"}, 422, "INVALID_VALUE", "before the patient was born"),
        ({"value": "NaN"}, 400, "INVALID", "'NaN' is not a number; send no row where nothing was measured"),
        ({"value": ""}, 400, "INVALID", "send no row where nothing was measured"),
        ({"value": "Infinity"}, 400, "INVALID", "Must be a number"),
        ({"value": "<0.1"}, 400, "INVALID", "'<0.1' is a limit, not a number"),
        ({"value": "> 500"}, 400, "INVALID", "is a limit, not a number"),
        ({"value": "5,2"}, 400, "INVALID", "Must be a number"),
        ({"value": "1e400"}, 400, "INVALID", "value"),
        ({"value": "1e999999999"}, 400, "INVALID", "value"),
        ({"value": True}, 400, "INVALID", "value"),
        ({"value": None}, 400, "INVALID", "value"),
        ({"value": "0.000000001", "code": "x"}, 422, "INVALID_VALUE", "eight decimals"),
        ({"value": 10**13, "code": "x"}, 400, "INVALID", "value"),
        ({"value_code": "yes"}, 422, "INVALID_VALUE", "one of the two"),
        ({"unit": None}, 400, "INVALID", "unit"),
        ({"code": ""}, 400, "INVALID", "code"),
        ({"code": 2093}, 400, "INVALID", "code"),
        ({"setting": "home"}, 400, "INVALID", "setting"),
        ({"status": "Final"}, 400, "INVALID", "status"),
        ({"efective_at": "2026-05-04T09:30:00Z"}, 400, "INVALID", "efective_at"),
        ({"replaces": str(uuid.uuid4())}, 422, "INVALID_VALUE", "not there"),
    ],
)
def test_wrong_row_is_refused_with_its_reason_and_nothing_written(
    api: Api, path: str, changed: dict[str, Any], status: int, code: str, words: str
) -> None:
    body = assert_problem(api.post(path, {**CHOLESTEROL, **changed}), status, code)
    assert words in body["detail"]
    assert body["results"][0]["problem"]["code"] == code
    assert not Observation.objects.exists()
    assert not Job.objects.exists()
    assert "clinical_rows.recorded" not in actions()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_number_that_json_does_not_have_is_refused(api: Api, path: str, number: str) -> None:
    assert_problem(api.post(path, f'{{"value": {number}}}'), 400, "PARSE_ERROR")


def test_bare_number_beyond_any_range_is_refused(api: Api, path: str) -> None:
    text = '{"code_system": "s", "code": "c", "value": 1e400, "unit": "1", "effective_at": "2026-05-04T09:30:00Z"}'
    assert_problem(api.post(path, text), 400, "INVALID")


def test_future_value_is_refused(api: Api, path: str) -> None:
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    body = assert_problem(api.post(path, {**CHOLESTEROL, "effective_at": tomorrow}), 422, "INVALID_VALUE")
    assert body["field"] == "effective_at"


@pytest.mark.parametrize("name", ["code_system", "code", "unit", "effective_at"])
def test_missing_field_is_refused_by_its_name(api: Api, path: str, name: str) -> None:
    body = assert_problem(api.post(path, {k: v for k, v in CHOLESTEROL.items() if k != name}), 400, "INVALID")
    assert [error["field"] for error in body["errors"]] == [name]


def test_good_rows_are_kept_beside_refused_ones(api: Api, path: str) -> None:
    rows = [CHOLESTEROL, {**CHOLESTEROL, "value": 5.2}, "text", {**CHOLESTEROL, "code": "2085-9", "value": 48}]
    response = api.post(path, rows)
    assert response.status_code == 207
    results = response.json()["results"]
    assert [(result["index"], result["status"]) for result in results] == [(0, 201), (1, 422), (2, 400), (3, 201)]
    assert [result["problem"]["code"] for result in results if "problem" in result] == ["IMPLAUSIBLE_VALUE", "INVALID"]
    assert set(Observation.objects.values_list("code", flat=True)) == {"2093-3", "2085-9"}
    assert results[3]["id"] == str(Observation.objects.get(code="2085-9").id)


def test_list_of_which_none_is_kept_is_a_problem_with_every_reason(api: Api, path: str) -> None:
    rows = [{**CHOLESTEROL, "value": "5.2"}, {**CHOLESTEROL, "value": "<3"}]
    body = assert_problem(api.post(path, rows), 422, "NOTHING_RECORDED")
    assert [result["problem"]["code"] for result in body["results"]] == ["IMPLAUSIBLE_VALUE", "INVALID"]


@pytest.mark.parametrize("count", [0, 1001])
def test_list_too_short_or_too_long_is_refused(api: Api, path: str, count: int) -> None:
    assert_problem(api.post(path, [{}] * count), 422, "TOO_MANY_ROWS")


def test_same_source_id_and_content_is_the_same_row_and_other_content_a_conflict(api: Api, path: str) -> None:
    row = {**CHOLESTEROL, "source_id": "LAB-1"}
    first = api.post(path, row).json()["results"][0]
    again = api.post(path, row)
    assert again.status_code == 201
    assert again.json()["results"] == [{"index": 0, "status": 200, "id": first["id"]}]
    body = assert_problem(api.post(path, {**row, "value": 214}), 409, "SAME_ID_OTHER_CONTENT")
    assert body["field"] == "source_id"
    assert Observation.objects.count() == 1
    assert actions().count("clinical_rows.recorded") == 1


def test_correction_replaces_once_and_the_chain_goes_on_from_the_newest(api: Api, path: str) -> None:
    first = api.post(path, CHOLESTEROL).json()["results"][0]["id"]
    correction = {**CHOLESTEROL, "value": 231, "status": "corrected", "replaces": first}
    second = api.post(path, correction).json()["results"][0]["id"]
    assert_problem(api.post(path, {**correction, "value": 240}), 409, "SAME_ID_OTHER_CONTENT")
    third = api.post(path, {**correction, "value": 240, "replaces": second}).json()["results"][0]["id"]
    items = {item["id"]: item for item in api.get(path).json()["items"]}
    assert [items[row]["replaced_by"] for row in (first, second, third)] == [second, third, None]
    assert [items[row]["unused_reason_code"] for row in (first, second, third)] == ["REPLACED", "REPLACED", ""]


def test_correction_with_another_code_or_of_another_patient_is_refused(api: Api, path: str, hospital: Hospital) -> None:
    first = api.post(path, CHOLESTEROL).json()["results"][0]["id"]
    other = {**CHOLESTEROL, "code": "2085-9", "value": 48, "replaces": first}
    assert_problem(api.post(path, other), 422, "INVALID_VALUE")
    elsewhere = f"/patients/{factories.patient(hospital).id}/observations"
    assert_problem(api.post(elsewhere, {**CHOLESTEROL, "replaces": first}), 422, "INVALID_VALUE")


def test_unknown_code_is_kept_and_shown_as_unused(api: Api, path: str) -> None:
    response = api.post(path, {**CHOLESTEROL, "code": "718-7", "value": 14, "unit": "g/dL"})
    assert response.status_code == 201
    assert response.json()["results"][0]["unused_reason_code"] == "CODE_NOT_USED"
    api.post(path, CHOLESTEROL)
    items = {item["code"]: item for item in api.get(path).json()["items"]}
    assert (items["718-7"]["unused"], items["718-7"]["unused_reason_code"]) == (True, "CODE_NOT_USED")
    assert items["718-7"]["unused_sentence"]
    assert (items["2093-3"]["unused"], items["2093-3"]["unused_sentence"]) == (False, "")


@pytest.mark.parametrize("unit", ["furlong", "mg/l", "MG/DL", "mmol/mol", " "])
def test_unknown_unit_is_kept_unused_and_the_answer_says_so(api: Api, path: str, unit: str) -> None:
    if not unit.strip():
        assert_problem(api.post(path, {**CHOLESTEROL, "unit": unit}), 400, "INVALID")
        return
    response = api.post(path, {**CHOLESTEROL, "unit": unit, "source_id": "LAB-1"})
    assert response.status_code == 201
    result = response.json()["results"][0]
    assert result["unused_reason_code"] == "UNKNOWN_UNIT"
    assert f"is not understood in {unit!r}; the units understood are mmol/L, mg/dL" in result["unused_sentence"]
    item = api.get(path).json()["items"][0]
    assert (item["value"], item["unit"]) == ("213", unit)
    assert (item["unused"], item["unused_reason_code"]) == (True, "UNKNOWN_UNIT")
    again = api.post(path, {**CHOLESTEROL, "unit": unit, "source_id": "LAB-1"}).json()["results"][0]
    assert again == {**result, "status": 200}


@pytest.mark.parametrize("unit", ["mg/dl", "mg/dL{calc}", "mmol/l"])
def test_unit_in_another_spelling_is_kept_as_sent_and_used(api: Api, path: str, unit: str) -> None:
    value = 5.5 if unit == "mmol/l" else 213
    assert api.post(path, {**CHOLESTEROL, "value": value, "unit": unit}).status_code == 201
    item = api.get(path).json()["items"][0]
    assert (item["unit"], item["unused"]) == (unit, False)


@pytest.mark.parametrize(
    ("code", "value", "unit", "words"),
    [
        ("98979-8", 71, "mL/min/{1.73_m2}", "CKD-EPI 2021"),
        ("2571-8", 150, "mg/dL", "No equation of this product has a term for it"),
        ("43583-4", 80, "nmol/L", "No equation"),
        ("8461-6", 130, "mm[Hg]", "seated"),
    ],
)
def test_known_code_without_an_equation_is_unused_with_its_own_reason(
    api: Api, path: str, code: str, value: int, unit: str, words: str
) -> None:
    row = {**CHOLESTEROL, "code": code, "value": value, "unit": unit}
    result = api.post(path, row).json()["results"][0]
    assert (result["status"], result["unused_reason_code"]) == (201, "CODE_NOT_USED")
    assert words in result["unused_sentence"]


@pytest.mark.parametrize(("code", "value", "unit"), [("10835-7", 80, "nmol/L"), ("43583-4", 30, "mg/dL")])
def test_lipoprotein_a_in_the_unit_of_the_other_kind_is_not_converted(
    api: Api, path: str, code: str, value: int, unit: str
) -> None:
    result = api.post(path, {**CHOLESTEROL, "code": code, "value": value, "unit": unit}).json()["results"][0]
    assert (result["status"], result["unused_reason_code"]) == (201, "UNKNOWN_UNIT")


def test_setting_is_kept_as_it_was_sent(api: Api, path: str) -> None:
    for setting in ("ambulatory", "inpatient", "emergency"):
        assert api.post(path, {**CHOLESTEROL, "setting": setting}).status_code == 201
    assert sorted(item["setting"] for item in api.get(path).json()["items"]) == ["ambulatory", "emergency", "inpatient"]
    api.post(path, CHOLESTEROL)
    assert "unknown" in {item["setting"] for item in api.get(path).json()["items"]}


def test_value_entered_in_error_is_withdrawn_and_still_there(api: Api, path: str) -> None:
    first = api.post(path, CHOLESTEROL).json()["results"][0]["id"]
    withdrawal = {**CHOLESTEROL, "status": "entered-in-error", "replaces": first}
    result = api.post(path, withdrawal).json()["results"][0]
    assert (result["status"], result["unused_reason_code"]) == (201, "ENTERED_IN_ERROR")
    items = {item["id"]: item["unused_reason_code"] for item in api.get(path).json()["items"]}
    assert items == {first: "REPLACED", result["id"]: "ENTERED_IN_ERROR"}


def test_genetic_rows_are_listed_for_those_alone_who_may_see_them(
    hospital: Hospital, api: Api, patient: Patient, path: str
) -> None:
    genotype = {**CHOLESTEROL, "code": "21619-2", "value": 34, "unit": "1"}
    assert api.post(path, [genotype, CHOLESTEROL]).status_code == 201
    factories.record(hospital, patient, factories.answer("apoe_e4", "yes"))
    may_see = Api(token=token_of(hospital, "patients.read", "genetics.read"))
    assert [item["code"] for item in api.get(path).json()["items"]] == ["2093-3"]
    listed = {item["code"]: item["id"] for item in may_see.get(path).json()["items"]}
    assert set(listed) == {"2093-3", "21619-2", "apoe-e4"}
    assert_problem(api.get(path, cursor=listed["apoe-e4"]), 400, "BAD_CURSOR")


@pytest.mark.parametrize("code", sorted(code for system, code in GENETIC_CODES if system == LOINC))
def test_every_genetic_code_of_a_laboratory_is_left_out_of_the_list(
    hospital: Hospital, api: Api, path: str, code: str
) -> None:
    genotype = {"code_system": LOINC, "code": code, "value_code": "LA21360-5", "effective_at": "2026-05-04T09:30:00Z"}
    assert api.post(path, genotype).status_code == 201
    assert api.get(path).json()["items"] == []
    may_see = Api(token=token_of(hospital, "patients.read", "genetics.read"))
    assert [item["code"] for item in may_see.get(path).json()["items"]] == [code]


@pytest.mark.parametrize(
    ("value_code", "is_genotype"),
    [
        ("e4/e4", True),
        ("E3E4", True),
        ("ε3/ε4", True),
        ("APOE e2/e3", True),
        ("apo-E4", True),
        ("4/4", False),
        ("e4", False),
        ("e3e4ab12", False),
        ("apoB", False),
    ],
)
def test_genotype_under_a_code_of_the_laboratory_s_own_is_genetic_too(
    hospital: Hospital, api: Api, path: str, value_code: str, is_genotype: bool
) -> None:
    local = {"code_system": "urn:lab", "code": "G-17", "value_code": value_code}
    assert api.post(path, {**local, "effective_at": "2026-05-04T09:30:00Z"}).status_code == 201
    assert len(api.get(path).json()["items"]) == (0 if is_genotype else 1)
    may_see = Api(token=token_of(hospital, "patients.read", "genetics.read"))
    assert len(may_see.get(path).json()["items"]) == 1


def test_genetic_code_among_the_conditions_is_left_out_as_well(hospital: Hospital, api: Api, patient: Patient) -> None:
    conditions = f"/patients/{patient.id}/conditions"
    rows = [{"code_system": LOINC, "code": "15353-6"}, {"code_system": SNOMED_CT, "code": "44054006"}]
    assert api.post(conditions, rows).status_code == 201
    assert [item["code"] for item in api.get(conditions).json()["items"]] == ["44054006"]
    may_see = Api(token=token_of(hospital, "patients.read", "genetics.read"))
    assert {item["code"] for item in may_see.get(conditions).json()["items"]} == {"15353-6", "44054006"}


def test_coded_answer_is_read_as_one_of_the_answers_understood(api: Api, path: str) -> None:
    smoking = {"code_system": LOINC, "code": "72166-2", "effective_at": "2026-05-04T09:30:00Z"}
    assert api.post(path, {**smoking, "value_code": "8517006"}).status_code == 201
    assert_problem(api.post(path, {**smoking, "value_code": "sometimes"}), 422, "INVALID_VALUE")
    item = api.get(path).json()["items"][0]
    assert (item["value"], item["value_code"], item["unused"]) == (None, "former", False)


def test_quantity_under_a_question_and_answer_under_a_quantity_are_unused(api: Api, path: str) -> None:
    api.post(path, {**CHOLESTEROL, "code": "72166-2", "value": 20, "unit": "1"})
    answer = {"code_system": LOINC, "code": "2093-3", "value_code": "high", "effective_at": "2026-05-04T09:30:00Z"}
    api.post(path, answer)
    assert [item["unused"] for item in api.get(path).json()["items"]] == [True, True]


def test_conditions_and_medication_are_recorded_and_listed(api: Api, patient: Patient) -> None:
    base = f"/patients/{patient.id}"
    conditions = [
        {"code_system": SNOMED_CT, "code": "44054006", "onset_date": "2019-02-11"},
        {"code_system": SNOMED_CT, "code": "195967001"},
        {"code_system": SNOMED_CT, "code": "195967001", "onset_date": "2919-02-11"},
    ]
    drugs = [
        {"code_system": ATC, "code": "C10AA05", "start_date": "2024-01-08"},
        {"code_system": ATC, "code": "N02BE01"},
        {"code_system": ATC, "code": "C10AA05", "start_date": "2024-01-08", "end_date": "2023-01-08"},
    ]
    assert [r["status"] for r in api.post(f"{base}/conditions", conditions).json()["results"]] == [201, 201, 400]
    assert [r["status"] for r in api.post(f"{base}/medication-statements", drugs).json()["results"]] == [201, 201, 422]
    assert Condition.objects.count() == MedicationStatement.objects.count() == 2
    listed = {item["code"]: item["unused"] for item in api.get(f"{base}/conditions").json()["items"]}
    assert listed == {"44054006": False, "195967001": True}
    listed = {item["code"]: item["unused"] for item in api.get(f"{base}/medication-statements").json()["items"]}
    assert listed == {"C10AA05": False, "N02BE01": True}
    assert [entry["what"] for entry in details("patient.viewed")] == ["conditions", "medication statements"]


def test_row_of_a_clinician_names_the_person_as_source(hospital: Hospital, path: str) -> None:
    response = Api(user=hospital.clinician).post(path, CHOLESTEROL)
    assert response.status_code == 201
    assert Observation.objects.get().source == f"api:user:{hospital.clinician.id}"


@pytest.mark.parametrize("kind", ["observations", "conditions", "medication-statements"])
def test_rows_of_another_organisation_are_not_found(other_hospital: Hospital, patient: Patient, kind: str) -> None:
    other = Api(token=other_hospital.token)
    path = f"/patients/{patient.id}/{kind}"
    assert_problem(other.get(path), 404, "NOT_FOUND")
    assert_problem(other.post(path, CHOLESTEROL), 404, "NOT_FOUND")
    assert not Observation.objects.exists()


def test_list_is_newest_first_in_pages_of_fixed_cost(
    api: Api, hospital: Hospital, patient: Patient, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    factories.record(hospital, patient, *factories.complete_labs(), *factories.complete_answers())
    with django_assert_max_num_queries(4 * 6):  # 4 pages: client, patient, cursor row, page, audit, one to spare
        seen = [item for page in api.pages(path, limit=5) for item in page]
    assert len({item["id"] for item in seen}) == len(seen) == 16
    times = [item["effective_at"] for item in seen]
    assert times == sorted(times, reverse=True)
