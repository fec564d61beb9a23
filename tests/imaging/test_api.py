from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from cdss.jobs.models import Job
from imaging.models import CalciumReading, Measurement, Series, SeriesState, Study
from patients.models import Patient
from tests import factories
from tests.factories import Hospital
from tests.imaging import arrivals
from tests.imaging.test_calcium_reading import LARGE
from tests.patients.rest import Api, actions, assert_problem, details

BOTH = {"version": 1, "attests_gated_whole_heart": True, "attests_no_metal": True}


@pytest.fixture
def api(hospital: Hospital) -> Api:
    return Api(token=hospital.token)


@pytest.fixture
def patient(hospital: Hospital) -> Patient:
    return factories.patient(hospital)


@pytest.fixture
def study(patient: Patient) -> Study:
    return arrivals.study(patient)


def _series_path(study: Study) -> str:
    return f"/series/{study.series.get().series_instance_uid}"


def test_study_shows_its_series_and_that_it_has_not_ended_yet(api: Api, study: Study, patient: Patient) -> None:
    body = api.get(f"/studies/{study.study_instance_uid}").json()
    assert (body["patient"], body["outcome"], body["closed_at"]) == (str(patient.id), None, None)
    assert [series["state"] for series in body["series"]] == ["RECEIVING"]
    assert details("patient.viewed") == [{"via": "api", "what": "study"}]


def test_closing_a_study_makes_its_series_ready_once(api: Api, study: Study) -> None:
    path = f"/studies/{study.study_instance_uid}/close"
    assert api.post(path).json() == {"series_closed": 1}
    assert api.post(path).json() == {"series_closed": 0}
    assert Series.objects.get().state == SeriesState.READY
    assert Job.objects.filter(step="SERIES_PROCESS").count() == 1
    assert actions().count("study.closed") == 1
    assert api.get(f"/studies/{study.study_instance_uid}").json()["closed_at"] is not None


def test_closing_takes_no_arguments(api: Api, study: Study) -> None:
    assert_problem(api.post(f"/studies/{study.study_instance_uid}/close", {"force": True}), 400, "INVALID")
    assert Series.objects.get().state == SeriesState.RECEIVING


def test_studies_are_listed_by_patient_latest_first_at_fixed_cost(
    api: Api, hospital: Hospital, patient: Patient, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    made = [arrivals.study(patient).study_instance_uid for _ in range(5)]
    arrivals.study(factories.patient(hospital))
    with django_assert_max_num_queries(5):  # client, page, series, audit, and one to spare
        everything = api.get("/studies").json()["items"]
    assert len(everything) == 6
    seen = [item["study_instance_uid"] for page in api.pages("/studies", patient=patient.id, limit=2) for item in page]
    assert seen == sorted(made, key=made.index, reverse=True)
    assert [entry["count"] for entry in details("patients.listed")] == [6]
    assert actions().count("patient.viewed") == 3


def test_series_still_arriving_is_a_conflict(api: Api, study: Study) -> None:
    assert_problem(api.get(_series_path(study)), 409, "SERIES_STILL_ARRIVING")


def test_series_waiting_to_be_read_has_no_result_yet(api: Api, hospital: Hospital, study: Study) -> None:
    arrivals.ready(hospital, study)
    body = api.get(_series_path(study)).json()
    assert (body["state"], body["result"], body["measurements"]) == ("READY", None, [])
    assert body["instance_count"] == 2
    assert len(body["instances_sha256"]) == 64


def test_series_shows_geometry_quality_measurements_and_what_was_not_measured(
    api: Api, hospital: Hospital, study: Study, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    arrivals.read(arrivals.ready(hospital, study))
    with django_assert_max_num_queries(8):  # client, series, version, 3 lists, audit, and one to spare
        body = api.get(_series_path(study)).json()
    result = body["result"]
    assert (result["shape_zyx"], result["spacing_zyx_mm"]) == ([48, 512, 512], [3.0, 0.7, 0.7])
    assert result["quality"] == [{"code": "NOISE", "sentence": "Noise is 12 HU."}]
    assert [item["reason_code"] for item in result["not_measured"]] == ["NOT_CONFIRMED"]
    assert [item["name"] for item in body["measurements"]] == ["noise_hu"]
    assert [item["number"] for item in body["candidates"]] == [1, 2]
    assert body["candidates"][0]["lesions"] == [arrivals.LESION]


def test_refused_series_says_why(api: Api, hospital: Hospital, study: Study) -> None:
    refused = {"is_accepted": False, "reason_code": "IRREGULAR_SPACING", "sentence": "Slices are missing."}
    arrivals.read(arrivals.ready(hospital, study), lesions=0, **refused)
    body = api.get(_series_path(study)).json()
    assert (body["state"], body["result"]["reason_code"]) == ("REJECTED", "IRREGULAR_SPACING")


def test_newest_version_of_a_series_is_shown(api: Api, hospital: Hospital, study: Study) -> None:
    arrivals.read(arrivals.ready(hospital, study))
    arrivals.ready(hospital, study)
    assert (api.get(_series_path(study)).json()["version"], api.get(_series_path(study)).json()["result"]) == (2, None)


def test_readers_verdicts_make_a_score_and_a_new_assessment(hospital: Hospital, study: Study, api: Api) -> None:
    arrivals.read(arrivals.ready(hospital, study))
    clinician = Api(user=hospital.clinician)
    body = {"verdicts": {"1": "LAD", "2": "NOT_CORONARY"}, **BOTH}
    path = f"{_series_path(study)}/calcium-reading"
    response = clinician.post(path, body, key="k-1")
    again = clinician.post(path, body, key="k-1")
    assert (response.status_code, again.status_code) == (201, 201)
    assert response.content == again.content
    reading = CalciumReading.objects.get()
    assert response.json()["agatston_score"] == reading.agatston_score
    assert (reading.reader_name, reading.verdicts) == (hospital.clinician.full_name, body["verdicts"])
    assert Measurement.objects.get(name="agatston_score").reading == reading
    assert Job.objects.filter(step="PATIENT_ASSESS").exists()
    assert actions().count("calcium.confirmed") == 1
    shown = api.get(_series_path(study)).json()
    assert [item["number"] for item in shown["readings"]] == [1]
    assert {item["name"] for item in shown["measurements"]} == {"noise_hu", "agatston_score"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"verdicts": {"1": "LAD"}, **BOTH}, 422, "VERDICT_MISSING"),
        ({"verdicts": {"1": "LAD", "2": "RCA", "3": "LM"}, **BOTH}, 422, "NO_SUCH_CANDIDATE"),
        ({"verdicts": {"1": "LAD", "2": "AORTA"}, **BOTH}, 400, "INVALID"),
        ({"verdicts": {"1": "LAD", "2": "RCA"}, **BOTH, "attests_no_metal": False}, 422, "NOT_ATTESTED"),
        ({"verdicts": {"1": "LAD", "2": "RCA"}, **BOTH, "attests_no_metal": "yes"}, 400, "INVALID"),
        ({"verdicts": {"1": "LAD", "2": "RCA"}, "attests_no_metal": True}, 400, "INVALID"),
        ({"verdicts": ["LAD", "RCA"], **BOTH}, 400, "INVALID"),
        ({"verdicts": {"1": "LAD", "2": "RCA"}, **BOTH, "score": 400}, 400, "INVALID"),
        ({"verdicts": {"1": "LAD", "2": "RCA"}, **BOTH, "version": None}, 400, "INVALID"),
        ({"verdicts": {"1": "LAD", "2": "RCA"}, **BOTH, "version": "newest"}, 400, "INVALID"),
        ({"verdicts": {"1": "LAD", "2": "RCA"}, **BOTH, "version": 0}, 400, "INVALID"),
        ({"verdicts": {"1": "LAD", "2": "RCA"}, **BOTH, "version": 2}, 409, "NOT_NEWEST"),
    ],
)
def test_reading_that_is_not_complete_scores_nothing(
    hospital: Hospital, study: Study, body: dict[str, Any], status: int, code: str
) -> None:
    arrivals.read(arrivals.ready(hospital, study))
    response = Api(user=hospital.clinician).post(f"{_series_path(study)}/calcium-reading", body)
    assert_problem(response, status, code)
    assert not CalciumReading.objects.exists()
    assert "calcium.confirmed" not in actions()


def test_structures_too_large_to_be_listed_are_shown_and_need_their_statement(
    api: Api, hospital: Hospital, study: Study
) -> None:
    arrivals.read(arrivals.ready(hospital, study), lesions=0, large_structures=[LARGE])
    [shown] = api.get(_series_path(study)).json()["result"]["large_structures"]
    assert shown == {name: value for name, value in LARGE.items() if name != "key_image"}
    clinician, path = Api(user=hospital.clinician), f"{_series_path(study)}/calcium-reading"
    for said in ({}, {"attests_large_structures_not_coronary": False}):
        refused = clinician.post(path, {"verdicts": {}, **BOTH, **said})
        assert_problem(refused, 422, "LARGE_STRUCTURES_NOT_ATTESTED")
    unclear = clinician.post(path, {"verdicts": {}, **BOTH, "attests_large_structures_not_coronary": "on"})
    assert_problem(unclear, 400, "INVALID")
    assert not CalciumReading.objects.exists()
    answer = clinician.post(path, {"verdicts": {}, **BOTH, "attests_large_structures_not_coronary": True})
    assert answer.status_code == 201, answer.content
    assert answer.json()["attests_large_structures_not_coronary"] is True
    assert answer.json()["agatston_score"] == 0.0


def test_reading_names_the_version_it_was_read_on(hospital: Hospital, study: Study) -> None:
    """Images that came while the reader was looking were not read, whoever may have read them since."""
    arrivals.read(arrivals.ready(hospital, study))
    clinician, path = Api(user=hospital.clinician), f"{_series_path(study)}/calcium-reading"
    body = {"verdicts": {"1": "LAD", "2": "RCA"}, **BOTH}
    unnamed = clinician.post(path, {name: value for name, value in body.items() if name != "version"})
    assert [error["field"] for error in assert_problem(unnamed, 400, "INVALID")["errors"]] == ["version"]
    arrivals.read(arrivals.ready(hospital, study))
    assert assert_problem(clinician.post(path, body), 409, "NOT_NEWEST")["field"] == "version"
    assert not CalciumReading.objects.exists()
    assert clinician.post(path, {**body, "version": 2}).status_code == 201
    assert CalciumReading.objects.get().series_version.number == 2


@pytest.mark.parametrize("who", ["client", "administrator"])
def test_failed_series_is_read_again_when_its_sender_or_an_administrator_asks(
    hospital: Hospital, study: Study, who: str
) -> None:
    api = Api(token=hospital.token) if who == "client" else Api(user=hospital.administrator)
    path = f"{_series_path(study)}/rerun"
    assert_problem(api.post(path), 409, "SERIES_NOT_FAILED")
    version = arrivals.ready(hospital, study)
    arrivals.fail(version)
    assert api.get(_series_path(study)).json()["state"] == "FAILED"
    assert_problem(api.post(path, {"force": True}), 400, "INVALID")
    response, again = api.post(path, key="k-1"), api.post(path, key="k-1")
    assert (response.status_code, again.status_code) == (202, 202)
    assert response.json() == {"series_instance_uid": study.series.get().series_instance_uid, "version": 2}
    assert response.content == again.content
    shown = api.get(_series_path(study)).json()
    assert (shown["version"], shown["state"], shown["result"]) == (2, "READY", None)
    assert actions().count("series.rerun_requested") == 1
    assert Job.objects.filter(step="SERIES_PROCESS", state="QUEUED").count() == 2
    assert_problem(api.post(path), 409, "SERIES_NOT_FAILED")


def test_nobody_else_has_a_failed_series_read_again(hospital: Hospital, study: Study, other_hospital: Hospital) -> None:
    arrivals.fail(arrivals.ready(hospital, study))
    path = f"{_series_path(study)}/rerun"
    for user in (hospital.clinician, hospital.auditor):
        refused = assert_problem(Api(user=user).post(path), 403, "MISSING_SCOPE")
        assert "studies.write" in refused["detail"]
    for stranger in (Api(token=other_hospital.token), Api(user=other_hospital.administrator)):
        assert_problem(stranger.post(path), 404, "NOT_FOUND")
    assert "series.rerun_requested" not in actions()


def test_scan_outside_the_protocol_is_not_scored_with_the_reason_of_its_gate(hospital: Hospital, study: Study) -> None:
    arrivals.read(arrivals.ready(hospital, study), lesions=0, gate="CONTRAST")
    response = Api(user=hospital.clinician).post(f"{_series_path(study)}/calcium-reading", {"verdicts": {}, **BOTH})
    assert_problem(response, 422, "CONTRAST")
    assert not Measurement.objects.filter(name="agatston_score").exists()


def test_calcium_reading_is_a_clinicians_act(hospital: Hospital, study: Study, other_hospital: Hospital) -> None:
    arrivals.read(arrivals.ready(hospital, study))
    path = f"{_series_path(study)}/calcium-reading"
    body = {"verdicts": {"1": "LAD", "2": "RCA"}, **BOTH}
    refused = assert_problem(Api(token=hospital.token).post(path, body), 403, "MISSING_SCOPE")
    assert "assessments.review" in refused["detail"]
    assert_problem(Api(user=other_hospital.clinician).post(path, body), 404, "NOT_FOUND")
    assert not CalciumReading.objects.exists()


def test_measurements_are_listed_by_patient_and_name_at_fixed_cost(
    api: Api, hospital: Hospital, patient: Patient, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for who in (patient, patient, factories.patient(hospital)):
        arrivals.read(arrivals.ready(hospital, arrivals.study(who)), lesions=0)
    with django_assert_max_num_queries(4):  # client, page, audit, and one to spare
        assert len(api.get("/measurements").json()["items"]) == 3
    mine = api.get("/measurements", patient=patient.id, name="noise_hu").json()["items"]
    assert [(item["value"], item["unit"]) for item in mine] == [(12.0, "[hnsf'U]")] * 2
    assert api.get("/measurements", patient=patient.id, name="other").json()["items"] == []
    assert details("patient.viewed") == [{"via": "api", "what": "measurements"}]


def test_imaging_of_another_organisation_is_not_found(
    study: Study, hospital: Hospital, other_hospital: Hospital
) -> None:
    arrivals.read(arrivals.ready(hospital, study))
    other = Api(token=other_hospital.token)
    assert_problem(other.get(f"/studies/{study.study_instance_uid}"), 404, "NOT_FOUND")
    assert_problem(other.post(f"/studies/{study.study_instance_uid}/close"), 404, "NOT_FOUND")
    assert_problem(other.get(_series_path(study)), 404, "NOT_FOUND")
    assert other.get("/studies").json()["items"] == []
    assert other.get("/measurements", patient=study.patient_id).json()["items"] == []
    assert "patient.viewed" not in actions()
