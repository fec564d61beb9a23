"""Acknowledging and overriding from the page, with and without mistakes."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from cdss.accounts.models import Role
from cdss.accounts.services import user_create
from cdss.assessments.models import Assessment, AssessmentReview, WorklistEntry
from cdss.audit.models import AuditEntry
from cdss.jobs.running import jobs_run_due
from patients.models import Patient
from tests import factories
from tests.cdss.dashboard.conftest import SignIn
from tests.cdss.dashboard.reading import tags_of, text_of
from tests.factories import PASSWORD, Hospital

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(assessed: Patient) -> str:
    return f"/assessments/{Assessment.objects.get(patient=assessed).id}/review/"


def test_acknowledging_returns_to_the_page_where_it_stands(clinician: Client, assessed: Patient, address: str) -> None:
    response = clinician.post(address, {"kind": "ACKNOWLEDGE", "comment": "Discussed <b>today</b>."})
    assert (response.status_code, response["Location"]) == (303, f"/patients/{assessed.id}/#answer")
    page = clinician.get(f"/patients/{assessed.id}/").content
    assert "Acknowledged by Clinician of north" in text_of(page)
    assert "Discussed &lt;b&gt;today&lt;/b&gt;." in page.decode()
    assert "<details><summary>Answer again</summary>" in page.decode()
    assert WorklistEntry.objects.get().state == "ACKNOWLEDGED"
    assert AuditEntry.objects.filter(action="assessment.acknowledged").count() == 1


def test_overriding_shows_its_reason_in_words(clinician: Client, assessed: Patient, address: str) -> None:
    clinician.post(address, {"kind": "OVERRIDE", "reason": "INPUT_WRONG", "comment": "Cuff too small."})
    page = text_of(clinician.get(f"/patients/{assessed.id}/").content)
    assert "Overridden by Clinician of north" in page
    assert "An input is wrong. Cuff too small." in page


def test_a_wrong_click_is_put_right_on_the_page_and_both_answers_stay(
    clinician: Client, assessed: Patient, address: str
) -> None:
    clinician.post(address, {"kind": "ACKNOWLEDGE"})
    page = clinician.get(f"/patients/{assessed.id}/").content
    forms = [a["action"] for tag, a in tags_of(page) if tag == "form" and "/review/" in (a.get("action") or "")]
    assert set(forms) == {address}
    sent = {"kind": "OVERRIDE", "reason": "INPUT_WRONG", **hidden_in(page)}
    assert clinician.post(address, sent).status_code == 303
    said = text_of(clinician.get(f"/patients/{assessed.id}/").content).split("Answer to this record")[1]
    assert said.index("Acknowledged by Clinician of north") < said.index("Overridden by Clinician of north")
    assert WorklistEntry.objects.get().state == "OVERRIDDEN"
    answered = AuditEntry.objects.filter(action__in=["assessment.acknowledged", "assessment.overridden"])
    assert list(answered.order_by("seq").values_list("action", flat=True)) == [
        "assessment.acknowledged",
        "assessment.overridden",
    ]


def hidden_in(page: bytes) -> dict[str, str]:
    return {str(a["name"]): a["value"] or "" for _, a in tags_of(page) if a.get("name") in {"key", "seen_review"}}


@pytest.mark.parametrize("seen", ["shown", "", "nonsense"])
def test_nobody_acknowledges_over_an_override_they_have_not_seen(
    hospital: Hospital, clinician: Client, assessed: Patient, address: str, signed_in: SignIn, seen: str
) -> None:
    second = user_create(
        organisation=hospital.organisation,
        username="second",
        full_name="Second Clinician",
        role=Role.CLINICIAN,
        password=PASSWORD,
    )
    before = hidden_in(clinician.get(f"/patients/{assessed.id}/").content)
    assert before["seen_review"] == ""
    sent = {"kind": "OVERRIDE", "reason": "INPUT_WRONG", "comment": "Cuff."}
    assert signed_in(second).post(address, sent).status_code == 303
    late = {"kind": "ACKNOWLEDGE", "comment": "typed before"}
    refused = clinician.post(address, {**late, **before, **({} if seen == "shown" else {"seen_review": seen})})
    assert refused.status_code == 409
    page = text_of(refused.content)
    assert "Second Clinician has answered this meanwhile: overridden, An input is wrong. Nothing was recorded" in page
    assert '<a href="#answer">Second Clinician has answered' in refused.content.decode()
    assert ">typed before</textarea>" in refused.content.decode()
    assert "<details open><summary>Answer again</summary>" in refused.content.decode()
    assert WorklistEntry.objects.get().state == "OVERRIDDEN"
    assert AssessmentReview.objects.count() == 1
    assert clinician.post(address, {**late, **hidden_in(refused.content)}).status_code == 303
    assert WorklistEntry.objects.get().state == "ACKNOWLEDGED"


def test_form_sent_twice_is_one_answer(clinician: Client, assessed: Patient, address: str) -> None:
    page = clinician.get(f"/patients/{assessed.id}/").content
    key = next(a["value"] for _, a in tags_of(page) if a.get("name") == "key")
    for _ in range(2):
        assert clinician.post(address, {"kind": "ACKNOWLEDGE", "key": key or ""}).status_code == 303
    assert AssessmentReview.objects.count() == 1


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"kind": "OVERRIDE"}, "Choose the reason. An override names one."),
        ({"kind": "OVERRIDE", "reason": "OTHER"}, "Another reason is given in the comment."),
        ({}, "Acknowledge the record or override it: one of the two."),
    ],
)
def test_a_mistake_is_said_beside_the_field_and_what_was_typed_is_kept(
    clinician: Client, address: str, sent: dict[str, str], sentence: str
) -> None:
    comment = "" if sent.get("reason") == "OTHER" else "typed before"
    response = clinician.post(address, {**sent, "comment": comment})
    assert response.status_code == 422
    assert sentence in text_of(response.content)
    assert f">{comment}</textarea>" in response.content.decode()
    assert AssessmentReview.objects.count() == 0


def test_a_record_replaced_meanwhile_is_not_answered(
    hospital: Hospital, clinician: Client, assessed: Patient, address: str
) -> None:
    factories.record(hospital, assessed, factories.quantity("8480-6", "165", "mm[Hg]", days_ago=1))
    jobs_run_due()
    response = clinician.post(address, {"kind": "ACKNOWLEDGE"})
    assert response.status_code == 409
    assert "A newer record has replaced this one; nothing was recorded." in text_of(response.content)
    assert AssessmentReview.objects.count() == 0


def test_only_clinicians_of_the_hospital_answer(
    hospital: Hospital, other_hospital: Hospital, address: str, signed_in: SignIn
) -> None:
    for user in (hospital.administrator, hospital.auditor, other_hospital.clinician):
        assert signed_in(user).post(address, {"kind": "ACKNOWLEDGE"}).status_code == 404
    assert Client().post(address, {"kind": "ACKNOWLEDGE"}).status_code == 302
    assert signed_in(hospital.clinician).post(f"/assessments/{uuid.uuid4()}/review/").status_code == 404
    assert AssessmentReview.objects.count() == 0


def test_a_form_without_its_token_is_refused_in_our_own_words(hospital: Hospital, address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(hospital.clinician)
    response = client.post(address, {"kind": "ACKNOWLEDGE"})
    assert response.status_code == 403
    assert "Nothing was changed; reload the page and send it again." in text_of(response.content)
    assert AssessmentReview.objects.count() == 0
