"""Signing in and out: the same words for every failure, and every attempt in the log."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from pytest_django import Settings

from cdss.assessments.models import Assessment, AssessmentReview
from cdss.audit.models import AuditEntry
from patients.models import Patient
from tests.cdss.dashboard.reading import text_of
from tests.factories import PASSWORD, Hospital

pytestmark = pytest.mark.django_db


def send(username: str, password: str, **more: str) -> tuple[Client, Any]:
    client = Client()
    return client, client.post("/sign-in/", {"username": username, "password": password, **more})


def last_entry() -> tuple[AuditEntry, dict[str, Any]]:
    entry = AuditEntry.objects.order_by("-seq").first()
    assert entry is not None
    return entry, json.loads(entry.body)


@pytest.mark.parametrize(
    ("role", "home"), [("clinician", "/"), ("auditor", "/audit/"), ("administrator", "/quarantine/")]
)
def test_each_role_arrives_where_its_work_begins(hospital: Hospital, role: str, home: str) -> None:
    client, response = send(f"{role}.north", PASSWORD)
    assert (response.status_code, response["Location"]) == (303, home)
    assert client.get(home).status_code == 200
    assert client.get("/sign-in/")["Location"] == home
    entries = AuditEntry.objects.filter(action="session.started", organisation_id=hospital.organisation.id)
    assert entries.count() == 1


def test_failure_has_the_same_words_for_every_cause(hospital: Hospital) -> None:
    hospital.auditor.is_active = False
    hospital.auditor.save()
    pages = [
        text_of(send(name, password)[1].content).replace(name, "")
        for name, password in (("clinician.north", "wrong"), ("nobody", PASSWORD), ("auditor.north", PASSWORD))
    ]
    assert pages[0] == pages[1] == pages[2]
    assert "The user name or the password is not right, or the account is closed." in pages[0]
    assert send("clinician.north", "wrong")[1].status_code == 422


def test_refused_sign_in_of_a_known_user_is_seen_by_the_own_organisation(hospital: Hospital) -> None:
    send("clinician.north", "typed-secret")
    entry, body = last_entry()
    assert (entry.action, entry.organisation_id) == ("session.refused", hospital.organisation.id)
    assert body["subject"]["id"] == str(hospital.clinician.id)
    assert body["outcome"] == "failure"
    assert "typed-secret" not in entry.body


def test_refused_sign_in_of_an_unknown_name_keeps_nothing_that_was_typed(hospital: Hospital) -> None:
    send("my-password-by-mistake", "typed-secret")
    entry, body = last_entry()
    assert (entry.action, entry.organisation_id) == ("session.refused", None)
    assert body["subject"] == {"type": "user", "id": "unknown"}
    assert "mistake" not in entry.body
    assert send("nul\x00byte", "x")[1].status_code == 422


def test_only_our_own_addresses_are_gone_to_after_sign_in(hospital: Hospital) -> None:
    assert send("clinician.north", PASSWORD, next="/patients/?q=a")[1]["Location"] == "/patients/?q=a"
    for elsewhere in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert send("clinician.north", PASSWORD, next=elsewhere)[1]["Location"] == "/"


def test_signing_out_ends_the_session_and_is_recorded(hospital: Hospital, clinician: Client) -> None:
    assert clinician.get("/sign-out/").status_code == 405
    assert clinician.post("/sign-out/")["Location"] == "/sign-in/"
    entry, _ = last_entry()
    assert entry.action == "session.ended"
    assert clinician.get("/").status_code == 302
    before = AuditEntry.objects.count()
    assert Client().post("/sign-out/").status_code == 303
    assert AuditEntry.objects.count() == before


def test_a_fragment_asked_for_after_the_session_sends_the_window_to_sign_in(hospital: Hospital) -> None:
    response = Client().get("/worklist/changes/", headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Redirect"]) == (401, "/sign-in/")


ENDED = "Your session had ended; what you sent was not recorded."


def test_who_sends_a_form_after_the_session_is_told_and_comes_back_to_its_page(
    hospital: Hospital, assessed: Patient
) -> None:
    page = f"/patients/{assessed.id}/"
    sent = {"kind": "ACKNOWLEDGE"}
    address = f"/assessments/{Assessment.objects.get().id}/review/"
    client = Client()
    refused = client.post(address, sent, headers={"Referer": f"http://testserver{page}?a=b#answer"})
    assert (refused.status_code, refused["Location"]) == (
        302,
        f"/sign-in/?{urlencode({'next': page + '?a=b'})}&ended=1",
    )
    sign_in = client.get(refused["Location"])
    assert ENDED in text_of(sign_in.content)
    assert f'name="next" value="{page}?a=b"' in sign_in.content.decode()
    assert ENDED not in text_of(Client().get("/sign-in/?next=/patients/").content)
    fragment = client.post(
        address, sent, headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}", "Referer": "x"}
    )
    assert fragment.status_code == 401
    assert fragment["HX-Redirect"] == f"/sign-in/?{urlencode({'next': page})}&ended=1"
    poll = client.get(f"{page}work/", headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}"})
    assert poll["HX-Redirect"] == f"/sign-in/?{urlencode({'next': page})}"
    assert not AssessmentReview.objects.exists()


@pytest.mark.parametrize(
    "claimed",
    [
        "https://evil.example/patients/",
        "//evil.example/",
        "http://testserver//evil.example/",
        "http://testserver@evil.example/",
        "javascript:alert(1)",
        "http://testserver/sign-in/",
        "",
    ],
)
def test_a_form_from_elsewhere_leads_nowhere_after_sign_in(hospital: Hospital, claimed: str) -> None:
    response = Client().post("/audit/verify/", headers={"Referer": claimed})
    assert (response.status_code, response["Location"]) == (302, "/sign-in/?ended=1")


def test_sign_in_page_says_what_this_is_and_where_it_runs(settings: Settings, db: None) -> None:
    settings.ENVIRONMENT_LABEL = "Demonstration. Every patient is synthetic."
    page = text_of(Client().get("/sign-in/").content)
    assert "Demonstration. Every patient is synthetic." in page
    assert "computes cardiovascular risk from published equations" in page
    assert "Decision support, not a diagnosis." in page
