"""The entry form: only what was changed is recorded, by name; what is not stated stays unknown."""

from __future__ import annotations

import pytest
from django.test import Client

from cdss.assessments.models import Assessment
from cdss.audit.models import AuditEntry
from cdss.jobs.running import jobs_run_due
from patients.models import Observation, Patient
from patients.services.clinical_rows import NewCondition
from patients.terminology import SNOMED_CT
from tests import factories
from tests.cdss.dashboard.conftest import SignIn
from tests.cdss.dashboard.reading import YOUNG, tags_of, text_of
from tests.factories import Hospital

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(hospital: Hospital) -> Patient:
    found = factories.patient(hospital)
    factories.record(hospital, found, *factories.complete_labs())
    jobs_run_due()
    return found


def form_of(client: Client, who: Patient) -> dict[str, str]:
    """What a browser would send without touching anything."""
    sent: dict[str, str] = {}
    for tag, attributes in tags_of(client.get(f"/patients/{who.id}/").content):
        name = attributes.get("name") or ""
        is_sent = attributes.get("type") == "hidden" or "checked" in attributes
        if tag == "input" and name.startswith(("answer-", "seen-")) and is_sent:
            sent[name] = attributes.get("value") or ""
    return sent


def stated(who: Patient) -> dict[str, str]:
    rows = Observation.objects.filter(patient=who, source__startswith="form:").order_by("recorded_at")
    return {row.code: row.value_code for row in rows}


def test_answers_are_recorded_with_name_and_a_new_record_follows(
    hospital: Hospital, clinician: Client, who: Patient
) -> None:
    sent = form_of(clinician, who)
    for name in ("prior_cardiovascular_disease", "prior_stroke_or_tia", "atrial_fibrillation", "diabetes"):
        sent[f"answer-{name}"] = "no"
    sent |= {"answer-smoking": "never", "answer-antihypertensive_treatment": "no", "answer-statin_treatment": "no"}
    response = clinician.post(f"/patients/{who.id}/answers/", sent)
    assert (response.status_code, response["Location"]) == (303, f"/patients/{who.id}/")
    row = Observation.objects.get(patient=who, code="diabetes")
    assert row.source == f"form:{hospital.clinician.id}"
    assert len(stated(who)) == 7
    jobs_run_due()
    page = text_of(clinician.get(f"/patients/{who.id}/").content)
    assert "of 100 people with these recorded values" in page
    assert "Clinician of north" in page
    assert Assessment.objects.get(supersedes__isnull=False).estimates.get(position=0).risk is not None


def test_untouched_form_records_nothing(clinician: Client, who: Patient) -> None:
    before = AuditEntry.objects.count()
    response = clinician.post(f"/patients/{who.id}/answers/", form_of(clinician, who))
    assert response.status_code == 303
    assert stated(who) == {}
    assert AuditEntry.objects.filter(action="clinical_rows.recorded").count() == 1
    assert AuditEntry.objects.count() == before + 1  # the viewing of the form alone


def test_not_stated_withdraws_an_answer_and_does_not_become_no(clinician: Client, who: Patient) -> None:
    address = f"/patients/{who.id}/answers/"
    clinician.post(address, {"answer-diabetes": "yes"})
    jobs_run_due()
    clinician.post(address, {"answer-diabetes": ""})
    jobs_run_due()
    rows = list(Observation.objects.filter(patient=who, code="diabetes").order_by("recorded_at"))
    assert [(row.value_code, row.status) for row in rows] == [("yes", "final"), ("yes", "entered-in-error")]
    assert form_of(clinician, who)["answer-diabetes"] == ""
    latest = Assessment.objects.get(superseded_by__isnull=True)
    assert latest.snapshot.features.get(feature="diabetes").state == "MISSING"


def test_an_unknown_answer_is_refused_beside_its_question_and_nothing_is_recorded(
    clinician: Client, who: Patient
) -> None:
    sent = {"answer-smoking": "sometimes", "answer-diabetes": "yes"}
    response = clinician.post(f"/patients/{who.id}/answers/", sent)
    assert response.status_code == 422
    assert "This is not one of the answers." in text_of(response.content)
    assert stated(who) == {}
    chosen = [a for tag, a in tags_of(response.content) if a.get("name") == "answer-diabetes" and "checked" in a]
    assert [a["value"] for a in chosen] == ["yes"]


def test_an_answer_given_meanwhile_by_somebody_else_is_not_overwritten(clinician: Client, who: Patient) -> None:
    sent = form_of(clinician, who)
    clinician.post(f"/patients/{who.id}/answers/", {"answer-diabetes": "yes"})
    response = clinician.post(f"/patients/{who.id}/answers/", {**sent, "answer-diabetes": "no"})
    assert response.status_code == 422
    assert "Somebody has answered this meanwhile: Yes. Check it again." in text_of(response.content)
    assert stated(who) == {"diabetes": "yes"}
    # Leaving the question alone is not an answer to it, whatever the page showed.
    assert clinician.post(f"/patients/{who.id}/answers/", sent).status_code == 303
    assert stated(who) == {"diabetes": "yes"}


def test_a_recorded_diagnosis_is_shown_and_cannot_be_answered_away(
    hospital: Hospital, clinician: Client, who: Patient
) -> None:
    factories.record(hospital, who, NewCondition(SNOMED_CT, "84114007"))
    page = clinician.get(f"/patients/{who.id}/").content
    assert "Yes : heart failure (problem list, laboratory)" in text_of(page)
    assert "answer-prior_cardiovascular_disease" not in page.decode()
    clinician.post(f"/patients/{who.id}/answers/", {"answer-prior_cardiovascular_disease": "no"})
    assert stated(who) == {}


@pytest.mark.parametrize(
    ("person", "is_asked"),
    [
        ({"birth_date": YOUNG}, True),
        ({"birth_date": YOUNG, "sex": "male"}, False),
        ({"birth_date": None}, True),
        ({"birth_date": YOUNG, "sex": "unknown"}, True),
        ({}, False),
    ],
)
def test_pregnancy_is_asked_only_where_the_policy_needs_it(
    hospital: Hospital, clinician: Client, person: dict[str, object], is_asked: bool
) -> None:
    found = factories.patient(hospital, **person)
    assert ("answer-pregnancy" in form_of(clinician, found)) is is_asked


def test_only_clinicians_answer(hospital: Hospital, other_hospital: Hospital, who: Patient, signed_in: SignIn) -> None:
    address = f"/patients/{who.id}/answers/"
    for user in (hospital.administrator, hospital.auditor, other_hospital.clinician):
        assert signed_in(user).post(address, {"answer-diabetes": "yes"}).status_code == 404
    assert Client().post(address, {"answer-diabetes": "yes"}).status_code == 302
    assert stated(who) == {}
    page = signed_in(hospital.administrator).get(f"/patients/{who.id}/").content.decode()
    assert 'name="answer-' not in page
