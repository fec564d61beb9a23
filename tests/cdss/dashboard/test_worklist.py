"""The worklist: who waits longest comes first, a page at a time, and the page says when the list has changed."""

from __future__ import annotations

import importlib
import re
from datetime import date

import pytest
from django.apps import apps
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cdss.assessments.models import Assessment, WorklistEntry
from cdss.assessments.services.review import assessment_acknowledge
from cdss.audit.models import AuditEntry
from cdss.dashboard.views import worklist as worklist_views
from cdss.jobs.running import jobs_run_due
from patients.models import Patient
from tests import factories
from tests.cdss.dashboard.conftest import SignIn
from tests.cdss.dashboard.reading import tags_of, text_of
from tests.factories import Hospital

pytestmark = pytest.mark.django_db


def names_of(html: bytes) -> list[str]:
    return re.findall(r'<a href="/patients/[0-9a-f-]{36}/">([^<]+)</a></th>', html.decode())


@pytest.fixture
def three(hospital: Hospital) -> list[Patient]:
    found = []
    for number, given_name in enumerate(("Ana", "Bea", "Cleo")):
        pressure = ("165", "138", "120")[number]
        who = factories.patient(hospital, given_name=given_name, mrn=f"N-{number}")
        labs = [factories.quantity("8480-6", pressure, "mm[Hg]"), *factories.complete_labs()[1:]]
        factories.record(
            hospital, who, *labs, *factories.complete_answers(prior_stroke_or_tia="yes" if number == 1 else "no")
        )
        jobs_run_due()
        found.append(who)
    return found


def test_order_is_by_waiting_time_and_a_refused_patient_does_not_sink(clinician: Client, three: list[Patient]) -> None:
    response = clinician.get("/")
    assert names_of(response.content) == [f"Synthetic-Okafor, {name}" for name in ("Ana", "Bea", "Cleo")]
    page = text_of(response.content)
    assert "3 patients, who waits longest first." in page
    entry = WorklistEntry.objects.get(patient=three[0])
    assert entry.risk is not None
    assert f"N-0 {factories.date.today().year - 1967}" in page or "N-0 60 y, female" in page
    assert f"{entry.risk * 100:.1f} % Total cardiovascular disease, 10 years, PREVENT Not yet answered" in page
    assert "No number Not shown: a previous stroke or TIA is recorded." in page
    assert "PRIOR_STROKE" in page


def test_a_stroke_risk_does_not_hide_that_the_cardiovascular_risk_is_refused(
    hospital: Hospital, clinician: Client
) -> None:
    who = factories.patient(hospital)
    factories.record(
        hospital, who, *factories.complete_labs(), *factories.complete_answers(prior_cardiovascular_disease="yes")
    )
    jobs_run_due()
    entry = WorklistEntry.objects.get(patient=who)
    assert entry.headline is not None
    assert (entry.headline.section, entry.risk is None) == ("STROKE", False)
    assert entry.cardiovascular_refusal is not None
    code = entry.cardiovascular_refusal.reason_code
    assert code
    for address in ("/", "/patients/", f"/patients/{who.id}/"):
        assert f"Cardiovascular: no number {code}" in text_of(clinician.get(address).content), address
    # Records older than the column get the same from the migration that adds it.
    WorklistEntry.objects.update(cardiovascular_refusal=None)
    migration = importlib.import_module("cdss.assessments.migrations.0007_worklist_cardiovascular_refusal")
    migration.refusals_fill(apps, None)
    assert WorklistEntry.objects.get(patient=who).cardiovascular_refusal == entry.cardiovascular_refusal
    factories.record(hospital, who, factories.answer("prior_cardiovascular_disease", "no", days_ago=1))
    jobs_run_due()
    migration.refusals_fill(apps, None)
    assert WorklistEntry.objects.get(patient=who).cardiovascular_refusal is None
    assert "Cardiovascular: no number" not in text_of(clinician.get("/").content)


def test_answered_lists_do_not_say_that_anybody_waits(
    hospital: Hospital, clinician: Client, three: list[Patient]
) -> None:
    record = Assessment.objects.get(patient=three[2])
    assessment_acknowledge(actor=hospital.clinician_actor, assessment_id=record.id)
    answered = text_of(clinician.get("/?state=ACKNOWLEDGED").content)
    assert "1 patient, who waited longest first." in answered
    assert "Began to wait" in answered
    assert "Waiting since" not in answered
    assert "Waiting since" in text_of(clinician.get("/").content)


def test_points_stand_where_no_risk_is_shown_first(signed_in: SignIn) -> None:
    """Familial hypercholesterolaemia puts SCORE2 second and refuses it: the points of atrial fibrillation lead."""
    at = factories.hospital("south", region="EUROPE")
    who = factories.patient(at, birth_date=date(1930, 3, 14))
    answers = {"heart_failure": "no", "hypertension": "yes", "vascular_disease": "no", "anticoagulant_treatment": "no"}
    stated = factories.complete_answers(atrial_fibrillation="yes", valvular_atrial_fibrillation="no", **answers)
    lipids = factories.answer("familial_hypercholesterolaemia", "yes")
    factories.record(at, who, *factories.complete_labs(), *stated, lipids)
    jobs_run_due()
    headline = WorklistEntry.objects.get(patient=who).headline
    assert headline is not None
    assert (headline.equation, headline.score, headline.risk) == ("cha2ds2_va", 3, None)
    client = signed_in(at.clinician)
    for address in ("/", "/patients/", f"/patients/{who.id}/"):
        assert "3 of 8 points Stroke, CHA2DS2-VA" in text_of(client.get(address).content)
    assert " %" not in text_of(client.get("/").content)


def test_a_limited_horizon_hides_the_number_and_not_a_refusal(hospital: Hospital, clinician: Client) -> None:
    care = factories.answer("palliative_care", "yes")
    for name, stroke in (("Shown", "no"), ("Refused", "yes")):
        who = factories.patient(hospital, family_name=name)
        stated = factories.complete_answers(prior_stroke_or_tia=stroke)
        factories.record(hospital, who, *factories.complete_labs(), *stated, care)
    jobs_run_due()
    for address in ("/", "/patients/"):
        page = text_of(clinician.get(address).content)
        refused, shown = sorted(re.findall(r"(?:Shown|Refused), Ada.*?Not yet answered", page))
        assert "On demand Total cardiovascular disease, 10 years, PREVENT" in shown
        assert "No number" in refused
        assert "PRIOR_STROKE" in refused
        assert " %" not in page


def test_paging_shows_everybody_once(clinician: Client, three: list[Patient], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worklist_views, "PAGE_SIZE", 1)
    seen, address = [], "/?state=ALL"
    for _ in range(4):
        html = clinician.get(address).content
        seen += names_of(html)
        following = [a["href"] for tag, a in tags_of(html) if tag == "a" and a.get("rel") == "next"]
        if not following:
            break
        address = f"/{following[0]}"
    assert seen == [f"Synthetic-Okafor, {name}" for name in ("Ana", "Bea", "Cleo")]
    assert clinician.get("/?after=nonsense").status_code == 200


def test_filters_are_in_the_address(hospital: Hospital, clinician: Client, three: list[Patient]) -> None:
    record = Assessment.objects.get(patient=three[2])
    assessment_acknowledge(actor=hospital.clinician_actor, assessment_id=record.id)
    assert len(names_of(clinician.get("/").content)) == 2
    assert names_of(clinician.get("/?state=ACKNOWLEDGED").content) == ["Synthetic-Okafor, Cleo"]
    assert names_of(clinician.get("/?state=ALL&q=bea").content) == ["Synthetic-Okafor, Bea"]
    assert names_of(clinician.get("/?state=ALL&q=N-2").content) == ["Synthetic-Okafor, Cleo"]
    nobody = text_of(clinician.get("/?q=nobody").content)
    assert "Nobody in this list matches “nobody”." in nobody


def test_empty_list_says_how_a_patient_gets_in(clinician: Client) -> None:
    page = text_of(clinician.get("/").content)
    assert "Nobody waits for an answer." in page
    assert "POST /dicom-web/studies" in page


def test_poll_says_that_the_list_has_changed_and_then_stops(
    hospital: Hospital, clinician: Client, three: list[Patient]
) -> None:
    def poll_of(html: bytes) -> str | None:
        return next((a["hx-get"] for _, a in tags_of(html) if a.get("hx-trigger") == "every 5s"), None)

    address = poll_of(clinician.get("/").content)
    assert address is not None
    same = clinician.get(address)
    assert poll_of(same.content) == address + "&asked=1"
    quiet = clinician.get(address + "&asked=500").content
    assert poll_of(quiet) is None
    assert "this page has stopped looking" in text_of(quiet)
    factories.complete_patient(hospital)
    jobs_run_due()
    changed = clinician.get(address).content
    assert poll_of(changed) is None
    assert "The list has changed. Show the current list" in text_of(changed)


def test_query_count_does_not_grow_with_the_list(
    clinician: Client, three: list[Patient], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for address, most in (("/?state=ALL", 11), ("/patients/", 11), ("/worklist/changes/", 4)):
        with django_assert_max_num_queries(most):
            assert clinician.get(address).status_code == 200


def test_patients_are_listed_by_name_also_without_a_record(
    hospital: Hospital, clinician: Client, three: list[Patient]
) -> None:
    factories.patient(hospital, family_name="Synthetic-Abe", given_name="Zoe", mrn="X-1")
    page = clinician.get("/patients/").content
    assert names_of(page)[0] == "Synthetic-Abe, Zoe"
    assert "No record yet" in text_of(page)
    assert names_of(clinician.get("/patients/?q=X-1").content) == ["Synthetic-Abe, Zoe"]
    assert "Nobody is known by “nobody”." in text_of(clinician.get("/patients/?q=nobody").content)


def test_patients_are_paged_by_name(clinician: Client, three: list[Patient], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worklist_views, "PAGE_SIZE", 2)
    first = clinician.get("/patients/").content
    following = next(a["href"] for tag, a in tags_of(first) if tag == "a" and a.get("rel") == "next")
    assert names_of(clinician.get(f"/patients/{following}").content) == ["Synthetic-Okafor, Cleo"]


def test_no_list_shows_another_hospital(
    hospital: Hospital, other_hospital: Hospital, three: list[Patient], signed_in: SignIn
) -> None:
    stranger = signed_in(other_hospital.clinician)
    assert names_of(stranger.get("/?state=ALL").content) == []
    assert names_of(stranger.get("/patients/").content) == []
    assert stranger.get(f"/patients/?after={three[0].id}").status_code == 200
    auditor = signed_in(hospital.auditor)
    assert auditor.get("/")["Location"] == "/audit/"
    assert auditor.get("/patients/").status_code == 404
    assert auditor.get("/worklist/changes/").status_code == 404
    assert Client().get("/")["Location"] == "/sign-in/?next=%2F"


def test_listing_is_audited_without_names(hospital: Hospital, clinician: Client, three: list[Patient]) -> None:
    clinician.get("/?q=okafor")
    entry = AuditEntry.objects.order_by("-seq").first()
    assert entry is not None
    assert entry.action == "patients.listed"
    assert "kafor" not in entry.body
