from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.conf import LazySettings
from pytest_django import DjangoAssertNumQueries

from cdss.assessments.models import Assessment, AssessmentReview, WorklistEntry
from cdss.jobs.models import Job
from cdss.jobs.running import jobs_run_due
from patients.models import Patient
from tests import factories
from tests.factories import Hospital
from tests.patients.rest import Api, actions, assert_problem, details


@pytest.fixture
def api(hospital: Hospital) -> Api:
    return Api(token=hospital.token)


@pytest.fixture
def clinician(hospital: Hospital) -> Api:
    return Api(user=hospital.clinician)


@pytest.fixture
def patient(hospital: Hospital) -> Patient:
    return factories.complete_patient(hospital)


@pytest.fixture
def assessment(patient: Patient) -> Assessment:
    jobs_run_due()
    return Assessment.objects.get(patient=patient)


def _reassessed(hospital: Hospital, patient: Patient) -> Assessment:
    factories.record(hospital, patient, factories.quantity("8480-6", "151", "mm[Hg]", days_ago=1))
    jobs_run_due()
    return Assessment.objects.get(patient=patient, superseded_by__isnull=True)


def test_record_shows_everything_that_was_decided_and_from_what(
    api: Api, assessment: Assessment, settings: LazySettings
) -> None:
    settings.ENVIRONMENT_LABEL = "Demonstration. Every patient is synthetic."
    body = api.get(f"/assessments/{assessment.id}").json()
    assert body["disclaimer"] == "Decision support, not a diagnosis"
    assert body["synthetic"] == "Demonstration. Every patient is synthetic."
    assert (body["input_digest"], body["release_sha256"]) == (assessment.input_digest, assessment.release_sha256)
    assert body["snapshot"]["sha256"] == assessment.snapshot.sha256
    features = {item["feature"]: item for item in body["snapshot"]["features"]}
    assert (features["total_cholesterol_mmol_l"]["sent_value"], features["total_cholesterol_mmol_l"]["sent_unit"]) == (
        "213",
        "mg/dL",
    )
    assert features["agatston_score"]["state"] == "MISSING"
    assert (body["supersedes"], body["superseded_by"], body["reviews"]) == (None, None, [])
    assert details("patient.viewed") == [{"via": "api", "what": "assessment"}]


def test_each_estimate_is_a_risk_with_its_shares_or_a_refusal_with_its_reason(api: Api, assessment: Assessment) -> None:
    estimates = api.get(f"/assessments/{assessment.id}").json()["estimates"]
    rows = list(assessment.estimates.order_by("position"))
    assert [item["risk"] for item in estimates] == [row.risk for row in rows]
    computed = [item for item in estimates if item["risk"] is not None]
    refused = [item for item in estimates if item["risk"] is None]
    assert computed
    assert refused  # MESA with calcium: not scored
    for item in computed:
        assert 0 < item["risk"] < 1
        assert item["risk_low"] is item["risk_high"] is item["coverage"] is None
        assert item["interval_sentence"] == "This equation publishes no interval"
        assert item["contributions"]
        assert item["reference_person"]
        assert not item["reason_code"]
    for item in refused:
        assert item["reason_code"]
        assert item["sentence"]
        assert item["interval_sentence"] == ""
        assert item["contributions"] == []


def test_value_out_of_range_names_field_value_and_limit(api: Api, hospital: Hospital) -> None:
    patient = factories.complete_patient(hospital)
    factories.record(hospital, patient, factories.quantity("8480-6", "235", "mm[Hg]", days_ago=1))
    jobs_run_due()
    items = api.get("/assessments", patient=patient.id).json()["items"]
    named = [item for item in items[0]["estimates"] if item["field"] == "systolic_bp_mmhg"]
    assert named
    assert all(item["risk"] is None and item["field_value"] and item["limit"] for item in named)


def test_current_is_the_record_that_none_supersedes(
    api: Api, hospital: Hospital, patient: Patient, assessment: Assessment
) -> None:
    newer = _reassessed(hospital, patient)
    assert api.get(f"/assessments/{assessment.id}").json()["superseded_by"] == str(newer.id)
    assert api.get(f"/assessments/{newer.id}").json()["supersedes"] == str(assessment.id)

    def ids(**query: Any) -> list[str]:
        return [item["id"] for item in api.get("/assessments", patient=patient.id, **query).json()["items"]]

    assert ids() == [str(newer.id), str(assessment.id)]
    assert ids(current="true") == [str(newer.id)]
    assert ids(current="false") == [str(assessment.id)]
    assert ids(limit=1) == [str(newer.id)]
    assert_problem(api.get("/assessments", current="yes"), 400, "INVALID")


def test_list_and_record_cost_the_same_for_many(
    api: Api, hospital: Hospital, assessment: Assessment, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        factories.complete_patient(hospital)
    jobs_run_due()
    with django_assert_max_num_queries(5):  # client, page, estimates, audit, and one to spare
        assert len(api.get("/assessments").json()["items"]) == 4
    with django_assert_max_num_queries(8):  # client, record, 4 lists, audit, and one to spare
        api.get(f"/assessments/{assessment.id}")
    assert details("patients.listed") == [{"via": "api", "what": "assessments", "count": 4}]


def test_acknowledging_leaves_one_review_one_entry_and_an_answered_worklist(
    clinician: Api, api: Api, hospital: Hospital, assessment: Assessment
) -> None:
    path = f"/assessments/{assessment.id}/acknowledge"
    response = clinician.post(path, {"comment": "Seen."}, key="k-1")
    again = clinician.post(path, {"comment": "Seen."}, key="k-1")
    assert (response.status_code, again.status_code, again["Idempotent-Replayed"]) == (201, 201, "true")
    review = AssessmentReview.objects.get()
    assert response.json()["id"] == again.json()["id"] == str(review.id)
    assert (review.kind, review.reviewer_name) == ("ACKNOWLEDGE", hospital.clinician.full_name)
    assert WorklistEntry.objects.get().state == "ACKNOWLEDGED"
    assert actions().count("assessment.acknowledged") == 1
    assert [item["comment"] for item in api.get(f"/assessments/{assessment.id}").json()["reviews"]] == ["Seen."]


def test_overriding_needs_its_reason(clinician: Api, assessment: Assessment) -> None:
    path = f"/assessments/{assessment.id}/override"
    assert_problem(clinician.post(path, {}), 400, "INVALID")
    assert_problem(clinician.post(path, {"reason": "BECAUSE"}), 400, "INVALID")
    assert_problem(clinician.post(path, {"reason": "OTHER", "comment": " "}), 422, "COMMENT_MISSING")
    assert_problem(clinician.post(path, {"reason": "INPUT_WRONG", "note": "x"}), 400, "INVALID")
    assert not AssessmentReview.objects.exists()
    response = clinician.post(path, {"reason": "INPUT_WRONG", "comment": "Acute value."})
    assert (response.status_code, response.json()["reason"]) == (201, "INPUT_WRONG")
    assert WorklistEntry.objects.get().state == "OVERRIDDEN"
    assert actions().count("assessment.overridden") == 1


def test_an_acknowledgement_that_names_no_seen_answer_leaves_an_override_in_the_worklist(
    clinician: Api, assessment: Assessment
) -> None:
    path = f"/assessments/{assessment.id}"
    override = clinician.post(f"{path}/override", {"reason": "INPUT_WRONG", "seen_review": None}).json()
    assert clinician.post(f"{path}/acknowledge", {}).status_code == 201
    assert WorklistEntry.objects.get().state == "OVERRIDDEN"
    stale = clinician.post(f"{path}/acknowledge", {"seen_review": override["id"]})
    assert "has answered this meanwhile: acknowledged." in assert_problem(stale, 409, "ANSWERED_MEANWHILE")["detail"]
    assert_problem(clinician.post(f"{path}/acknowledge", {"seen_review": None}), 409, "ANSWERED_MEANWHILE")
    newest = str(AssessmentReview.objects.latest("reviewed_at").id)
    assert clinician.post(f"{path}/acknowledge", {"seen_review": newest}).status_code == 201
    assert WorklistEntry.objects.get().state == "ACKNOWLEDGED"
    assert AssessmentReview.objects.count() == 3


def test_superseded_record_cannot_be_answered(
    clinician: Api, hospital: Hospital, patient: Patient, assessment: Assessment
) -> None:
    _reassessed(hospital, patient)
    assert_problem(clinician.post(f"/assessments/{assessment.id}/acknowledge", {}), 409, "SUPERSEDED")
    assert not AssessmentReview.objects.exists()


def test_machine_cannot_answer_a_risk(api: Api, assessment: Assessment) -> None:
    for act in ("acknowledge", "override"):
        body = assert_problem(api.post(f"/assessments/{assessment.id}/{act}", {}), 403, "MISSING_SCOPE")
        assert "assessments.review" in body["detail"]


def test_browser_session_without_its_csrf_token_is_refused(hospital: Hospital, assessment: Assessment) -> None:
    browser = Api(user=hospital.clinician)
    browser.client.handler.enforce_csrf_checks = True
    path = f"/assessments/{assessment.id}/acknowledge"
    assert_problem(browser.post(path, {}), 403, "CSRF")
    assert not AssessmentReview.objects.exists()
    token = "a" * 32
    browser.client.cookies["csrftoken"] = token
    assert browser.post(path, {}, **{"X-CSRFToken": token}).status_code == 201


def test_reassessment_is_one_waiting_job_that_can_be_watched(
    api: Api, patient: Patient, assessment: Assessment
) -> None:
    path = f"/patients/{patient.id}/reassess"
    first, second = api.post(path), api.post(path)
    assert (first.status_code, second.status_code) == (202, 202)
    job_id = first.json()["job_id"]
    assert second.json()["job_id"] == job_id
    waiting = api.get(f"/jobs/{job_id}").json()
    assert (waiting["step"], waiting["state"], waiting["progress"]) == ("PATIENT_ASSESS", "QUEUED", 0)
    assert waiting["error"] is None
    jobs_run_due()
    done = api.get(f"/jobs/{job_id}").json()
    assert (done["state"], done["progress"]) == ("DONE", 100)
    assert Assessment.objects.get() == assessment  # nothing changed, nothing is decided again


def test_failed_job_says_why(api: Api, hospital: Hospital) -> None:
    job = Job.objects.create(
        organisation=hospital.organisation,
        step="SERIES_PROCESS",
        subject_id=uuid.uuid4(),
        state="FAILED",
        error_code="WORKER_LOST",
        error_sentence="The worker stopped.",
    )
    body = api.get(f"/jobs/{job.id}").json()
    assert body["error"] == {"code": "WORKER_LOST", "sentence": "The worker stopped."}


def test_records_and_jobs_of_another_organisation_are_not_found(
    other_hospital: Hospital, patient: Patient, assessment: Assessment
) -> None:
    other, person = Api(token=other_hospital.token), Api(user=other_hospital.clinician)
    assert_problem(other.get(f"/assessments/{assessment.id}"), 404, "NOT_FOUND")
    assert_problem(person.post(f"/assessments/{assessment.id}/acknowledge", {}), 404, "NOT_FOUND")
    assert_problem(person.post(f"/assessments/{assessment.id}/override", {"reason": "INPUT_WRONG"}), 404, "NOT_FOUND")
    assert_problem(other.post(f"/patients/{patient.id}/reassess"), 404, "NOT_FOUND")
    assert_problem(other.get(f"/jobs/{Job.objects.get().id}"), 404, "NOT_FOUND")
    assert other.get("/assessments").json()["items"] == []
    assert not AssessmentReview.objects.exists()
    assert "patient.viewed" not in actions()
