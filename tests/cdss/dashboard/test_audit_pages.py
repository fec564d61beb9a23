"""The auditor's pages: entries in plain words, found by act, patient and person, and the chain verified."""

from __future__ import annotations

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cdss.audit import views
from cdss.audit.models import AuditEntry
from cdss.embedded.urls import ServiceUrls
from patients.models import Patient
from tests import factories
from tests.cdss.dashboard.conftest import SignIn
from tests.cdss.dashboard.reading import tags_of, text_of
from tests.factories import Hospital

pytestmark = pytest.mark.django_db


def shown(client: Client, query: str = "") -> str:
    response = client.get(f"/audit/{query}")
    assert response.status_code == 200
    return text_of(response.content)


def test_entries_are_newest_first_in_plain_words(hospital: Hospital, auditor: Client, assessed: Patient) -> None:
    page = shown(auditor)
    order = [
        page.index(words)
        for words in ("Risk recorded", "Clinical values recorded laboratory", "Patient created laboratory")
    ]
    assert order == sorted(order)
    assert str(assessed.id) in page
    assert assessed.family_name not in page


def test_viewing_the_log_is_itself_in_the_log(hospital: Hospital, auditor: Client) -> None:
    shown(auditor, "?actor=somebody")
    entry = AuditEntry.objects.order_by("-seq").first()
    assert entry is not None
    body = json.loads(entry.body)
    assert (entry.action, body["details"]) == ("audit.viewed", {"entries": 0, "filtered_by": ["actor"]})
    assert "Audit log viewed Auditor of north (person)" in shown(auditor)


def rows_of(page: str) -> int:
    return page.count("request ")


def test_filters_find_by_act_patient_and_person(hospital: Hospital, auditor: Client, assessed: Patient) -> None:
    factories.patient(hospital)
    assert rows_of(shown(auditor, "?action=patient.created")) == 2
    assert rows_of(shown(auditor, f"?action=patient.created&patient={assessed.id}")) == 1
    assert rows_of(shown(auditor, "?actor=laborat")) == 3
    assert rows_of(shown(auditor, f"?actor={hospital.client.id}")) == 3
    assert "No entry matches." in shown(auditor, "?actor=%25")
    wrong = auditor.get("/audit/?patient=smith")
    assert wrong.status_code == 422
    assert "That is not a patient's id." in text_of(wrong.content).replace("&#x27;", "'")


def test_a_patient_is_found_by_identifier_and_shown_with_it(
    hospital: Hospital, other_hospital: Hospital, auditor: Client, signed_in: SignIn
) -> None:
    who, other = factories.patient(hospital, mrn="N-77"), factories.patient(hospital, mrn="N-78")
    page = auditor.get("/audit/?patient=n-77").content.decode()
    assert rows_of(text_of(page)) == 1
    assert f'<span class="identifier">N-77</span> patient {who.id}' in page
    assert str(other.id) not in page
    assert "N-78" in shown(auditor)
    entry = AuditEntry.objects.filter(action="audit.viewed", patient_id=who.id).get()
    assert "77" not in json.dumps(json.loads(entry.body)["details"])
    unknown = signed_in(other_hospital.auditor).get("/audit/?patient=N-77")
    assert unknown.status_code == 422
    assert "No patient of this organisation has it as an identifier either." in text_of(unknown.content)


def test_days_are_the_hospitals_own_and_both_count(hospital: Hospital, auditor: Client) -> None:
    factories.patient(hospital)
    entry = AuditEntry.objects.get(action="patient.created")
    day = entry.recorded_at.astimezone(ZoneInfo(hospital.organisation.time_zone)).date()
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    wanted = "?action=patient.created&since={}&until={}"
    assert rows_of(shown(auditor, wanted.format(day, day))) == 1
    assert rows_of(shown(auditor, wanted.format(before, ""))) == 1
    for since, until in ((after, ""), ("", before), (after, after)):
        assert "No entry matches." in shown(auditor, wanted.format(since, until))
    for wrong in ("28.11.2026", "2026-02-30", "0001-01-01", "9999-12-31"):
        refused = auditor.get(f"/audit/?until={wrong}")
        assert refused.status_code == 422
        assert "A day has the form 2026-11-28." in text_of(refused.content)


def test_paging_shows_every_entry_once(
    hospital: Hospital, auditor: Client, assessed: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 2)
    wanted = AuditEntry.objects.filter(organisation_id=hospital.organisation.id).order_by("-seq")
    expected = list(wanted.values_list("seq", flat=True))
    seen: list[int] = []
    address: str | None = "/audit/"
    while address:
        tags = tags_of(auditor.get(address).content)
        seen += [int((a["id"] or "").removeprefix("entry-")) for tag, a in tags if tag == "tr" and "id" in a]
        address = next((f"/audit/{a['href']}" for tag, a in tags if tag == "a" and a.get("rel") == "next"), None)
    assert seen == expected


def test_log_shows_the_own_organisation_only(
    hospital: Hospital, other_hospital: Hospital, assessed: Patient, signed_in: SignIn
) -> None:
    page = shown(signed_in(other_hospital.auditor))
    assert str(assessed.id) not in page
    assert "No entry matches." in page


def test_only_auditors_open_the_log(hospital: Hospital, signed_in: SignIn) -> None:
    for user in (hospital.clinician, hospital.administrator):
        assert signed_in(user).get("/audit/").status_code == 404
        assert signed_in(user).post("/audit/verify/").status_code == 404
    assert Client().get("/audit/").status_code == 302
    assert Client().post("/audit/verify/").status_code == 302
    assert signed_in(hospital.auditor).get("/audit/verify/").status_code == 405


def test_verifying_shows_entries_and_head_and_leaves_an_entry(auditor: Client, assessed: Patient) -> None:
    head = AuditEntry.objects.order_by("-seq").first()
    assert head is not None
    page = text_of(auditor.post("/audit/verify/").content)
    assert "The audit log is intact" in page
    assert f"Entries verified {head.seq}" in page
    assert bytes(head.hash).hex() in page
    added = AuditEntry.objects.order_by("-seq").first()
    assert added is not None
    assert (added.action, json.loads(added.body)["details"]["intact"]) == ("audit.verified", True)
    at = added.recorded_at.astimezone(ZoneInfo("America/New_York"))
    assert f"Verified {at.day} {at:%b %Y, %H:%M:%S}, entry {added.seq} of the log" in page


@pytest.mark.django_db(transaction=True)
def test_an_edited_entry_is_named(
    hospital: Hospital, auditor: Client, assessed: Patient, services: ServiceUrls
) -> None:
    with psycopg.connect(services.database_owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER ALL")
        owner.execute("UPDATE audit_auditentry SET body = replace(body, 'laboratory', 'nobody') WHERE seq = 1")
        owner.execute("ALTER TABLE audit_auditentry ENABLE ALWAYS TRIGGER audit_auditentry_no_change")
    page = text_of(auditor.post("/audit/verify/").content)
    assert "The audit log is broken" in page
    assert "Entry 1 was changed after it was written." in page
    assert "Broken at entry 1" in page
    added = AuditEntry.objects.order_by("-seq").first()
    assert added is not None
    assert json.loads(added.body)["outcome"] == "failure"


def test_query_count_does_not_grow_with_the_log(
    auditor: Client, assessed: Patient, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(8):
        auditor.get("/audit/?actor=laboratory")
