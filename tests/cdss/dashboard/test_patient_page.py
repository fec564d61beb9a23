"""The patient page through HTTP: what it shows, in which words, and what it never leaves unsaid."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cdss.assessments.models import Assessment, SnapshotFeature
from cdss.assessments.services.review import assessment_acknowledge, assessment_override
from cdss.audit.models import AuditEntry
from cdss.jobs.running import jobs_run_due
from patients.models import Patient
from tests import factories
from tests.cdss.dashboard.reading import YOUNG, policy_problems, tags_of, text_of
from tests.factories import Hospital

pytestmark = pytest.mark.django_db


def html_of(client: Client, who: Patient) -> bytes:
    response = client.get(f"/patients/{who.id}/")
    assert response.status_code == 200
    return response.content


def shown(client: Client, who: Patient) -> str:
    return text_of(html_of(client, who))


def test_risk_is_percent_first_then_people_of_100_with_outcome_horizon_and_equation(
    clinician: Client, assessed: Patient
) -> None:
    page = shown(clinician, assessed)
    leading = Assessment.objects.get().estimates.filter(role="PRIMARY", risk__isnull=False)
    assert leading.count() == 4
    for estimate in leading:
        assert (
            f"{estimate.risk * 100:.1f} % {int(estimate.risk * 100 + 0.5)} of 100 people with these recorded values"
            in page
        )
    assert "have a heart attack, stroke or heart failure within 10 years." in page
    assert page.count("PREVENT 2023, 10 years. This equation publishes no interval.") == 4


def test_icon_array_draws_one_hundred_people_and_fills_the_rounded_percent(
    clinician: Client, assessed: Patient
) -> None:
    paths = [attributes for tag, attributes in tags_of(html_of(clinician, assessed)) if tag == "path"]
    filled = [(item["d"] or "").count("a3 3") for item in paths if item.get("class") == "on"]
    empty = [(item["d"] or "").count("a3 3") for item in paths if item.get("class") == "off"]
    risks = (
        Assessment.objects.get().estimates.filter(role="PRIMARY").order_by("position").values_list("risk", flat=True)
    )
    assert filled == [int(risk * 100 + 0.5) for risk in risks if risk is not None]
    assert [one + other for one, other in zip(filled, empty, strict=True)] == [100] * 4


def test_unconfirmed_calcium_is_said_in_one_line_and_never_scored_zero(clinician: Client, assessed: Patient) -> None:
    page = shown(clinician, assessed)
    without = Assessment.objects.get().estimates.get(equation="mesa_chd").risk
    assert without is not None
    not_scored = "with calcium no number : Calcium not scored: there is no CT on which it could be. NO_VALID_CAC"
    assert f"without calcium {without * 100:.1f} % → {not_scored}" in page
    assert "not comparable with total cardiovascular disease." in page


def test_thirty_years_are_labelled_extrapolated(hospital: Hospital, clinician: Client) -> None:
    who = factories.complete_patient(hospital, birth_date=YOUNG)
    jobs_run_due()
    page = shown(clinician, who)
    row = "PREVENT 2023, 30 years Extrapolated: mean follow-up of the derivation data was 4.8 years."
    risks = Assessment.objects.get().estimates.filter(horizon_years=30, role="SECOND").order_by("position")
    assert f"{row} {' '.join(f'{item.risk * 100:.1f} %' for item in risks)}" in page
    assert len(risks) == 3


def test_shares_name_the_reference_person_and_its_risk(clinician: Client, assessed: Patient) -> None:
    page = shown(clinician, assessed)
    headline = Assessment.objects.get().estimates.get(position=0)
    assert headline.reference_risk is not None
    assert f"{headline.reference_person} Risk of that reference person: {headline.reference_risk * 100:.1f} %" in page
    pressure = headline.attributions.get(input="systolic_bp_mmhg")
    row = f"Systolic blood pressure 138 mmHg 120 mmHg {pressure.log_odds_or_hazard:+.2f}"
    assert row in page
    assert "Share, log-odds" in page


def test_inputs_name_value_as_sent_source_state_and_sentence(hospital: Hospital, clinician: Client) -> None:
    who = factories.patient(hospital)
    rows = factories.complete_labs()
    rows[1] = factories.quantity("2093-3", "213", "mg/dL", days_ago=3000)
    rows[0] = factories.quantity("8480-6", "171", "mm[Hg]", setting="emergency")
    factories.record(hospital, who, *rows, *factories.complete_answers(smoking=""))
    jobs_run_due()
    page = shown(clinician, who)
    assert re.search(
        r"HDL cholesterol 1\.24 mmol/L 48 mg/dL \d+ \w+ \d{4} not stated laboratory Known Latest value", page
    )
    too_old = SnapshotFeature.objects.get(feature="total_cholesterol_mmol_l")
    assert f"Too old {too_old.sentence}" in page
    assert "emergency laboratory Only from acute care Only values from an acute admission are on file" in page
    assert re.search(r"Stated by nobody: [^.]*\bSmoking\b", page)


@pytest.mark.parametrize(
    ("answers", "code", "sentence"),
    [
        ({"prior_stroke_or_tia": "yes"}, "PRIOR_STROKE", "secondary-prevention care applies whatever the number."),
        ({"prior_cardiovascular_disease": ""}, "UNKNOWN_HISTORY", "Not shown until someone states whether"),
    ],
)
def test_withheld_record_shows_the_reason_where_the_number_would_stand(
    hospital: Hospital, clinician: Client, answers: dict[str, str], code: str, sentence: str
) -> None:
    who = factories.patient(hospital)
    factories.record(hospital, who, *factories.complete_labs(), *factories.complete_answers(**answers))
    jobs_run_due()
    page = shown(clinician, who)
    assert page.count("No number") >= 2
    assert code in page
    assert sentence in page
    assert re.search(r"\d of 100 people", page) is None
    if code == "PRIOR_STROKE":
        # One reason is said once in its section, with every number it stands for.
        cardiovascular = page[page.index(" Cardiovascular ") : page.index(" Older equations ")]
        assert cardiovascular.count("is recorded. This equation is for people without a previous stroke or TIA") == 1
        assert "PREVENT: total cardiovascular disease (10 years), atherosclerotic" in cardiovascular
        assert "MESA with calcium: coronary events (10 years)" in cardiovascular


def test_patient_without_a_record_says_how_one_comes(hospital: Hospital, clinician: Client) -> None:
    page = shown(clinician, factories.patient(hospital))
    assert "There is no record of this patient yet." in page
    assert "No study of this patient has arrived." in page


def test_work_under_way_is_polled_and_stops_when_it_is_done(hospital: Hospital, clinician: Client) -> None:
    who = factories.complete_patient(hospital)
    waiting = html_of(clinician, who)
    assert "Assess a patient's risk: waiting" in text_of(waiting).replace("&#x27;", "'")
    polls = [attributes for _, attributes in tags_of(waiting) if attributes.get("hx-trigger")]
    assert [poll["hx-trigger"] for poll in polls] == ["every 2s"]
    again = clinician.get(f"/patients/{who.id}/work/?asked=3")
    assert "asked=4" in again.content.decode()
    slow = clinician.get(f"/patients/{who.id}/work/?asked=500")
    assert "every 15s" in slow.content.decode()
    jobs_run_due()
    done = tags_of(clinician.get(f"/patients/{who.id}/work/?asked=4").content)
    assert [(a["hx-trigger"], a["hx-select"]) for _, a in done if "hx-trigger" in a] == [("load", "#page-part")]
    assert not [a for _, a in tags_of(html_of(clinician, who)) if "hx-trigger" in a]


def test_superseded_answer_is_noticed_by_the_one_who_gave_it(
    hospital: Hospital, clinician: Client, assessed: Patient
) -> None:
    first = Assessment.objects.get()
    assessment_acknowledge(actor=hospital.clinician_actor, assessment_id=first.id)
    factories.record(hospital, assessed, factories.quantity("8480-6", "165", "mm[Hg]", days_ago=1))
    jobs_run_due()
    page = html_of(clinician, assessed)
    assert "You acknowledged the record of" in text_of(page)
    assert "The record below has replaced it and waits for an answer." in text_of(page)
    assert "Replaced since you answered" in text_of(clinician.get("/").content)
    old = text_of(clinician.get(f"/assessments/{first.id}/").content)
    assert "This record was replaced by the" in old
    assert f"{first.estimates.get(position=0).risk * 100:.1f} %" in old
    assert "Acknowledged by Clinician of north" in old
    newest = Assessment.objects.get(supersedes=first)
    assert str(first.id) in text_of(clinician.get(f"/assessments/{newest.id}/").content)


def test_an_override_that_was_superseded_is_noticed_in_plain_words(
    hospital: Hospital, clinician: Client, assessed: Patient
) -> None:
    first = Assessment.objects.get()
    assessment_override(
        actor=hospital.clinician_actor, assessment_id=first.id, reason="INPUT_WRONG", comment="Taken in pain"
    )
    factories.record(hospital, assessed, factories.quantity("8480-6", "165", "mm[Hg]", days_ago=1))
    jobs_run_due()
    assert "You overrode the record of" in text_of(html_of(clinician, assessed))


def test_viewing_is_audited_last_and_polling_is_not(clinician: Client, assessed: Patient) -> None:
    before = AuditEntry.objects.count()
    html_of(clinician, assessed)
    clinician.get(f"/assessments/{Assessment.objects.get().id}/")
    clinician.get(f"/patients/{assessed.id}/work/")
    added = AuditEntry.objects.order_by("seq")[before:]
    assert [(entry.action, entry.patient_id) for entry in added] == [("patient.viewed", assessed.id)] * 2
    assert assessed.family_name not in added[0].body


def test_query_count_does_not_grow_with_the_number_of_records(
    hospital: Hospital, clinician: Client, assessed: Patient, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for pressure in ("141", "149", "152"):
        factories.record(hospital, assessed, factories.quantity("8480-6", pressure, "mm[Hg]", days_ago=1))
        jobs_run_due()
    assert Assessment.objects.count() == 4
    with django_assert_max_num_queries(30):
        html_of(clinician, assessed)
    with django_assert_max_num_queries(20):
        clinician.get(f"/assessments/{Assessment.objects.first().id}/")  # type: ignore[union-attr]


def test_hostile_names_are_text(hospital: Hospital, clinician: Client) -> None:
    who = factories.patient(
        hospital, mrn='"><img src=x onerror=1>', family_name="<script>alert(1)</script>", given_name='" onload="x'
    )
    factories.record(hospital, who, *factories.complete_labs())
    jobs_run_due()
    for address in (f"/patients/{who.id}/", "/?state=ALL", "/patients/", "/patients/?q=<script>alert(1)</script>"):
        response = clinician.get(address)
        nonce = re.findall(r"'nonce-([^']+)'", response["Content-Security-Policy"])[0]
        assert policy_problems(response.content, nonce) == []
        assert "&lt;script&gt;" in response.content.decode()


def test_page_says_who_it_is_and_that_it_is_no_diagnosis(clinician: Client, assessed: Patient) -> None:
    page = shown(clinician, assessed)
    assert "Synthetic-Okafor, Ada Born 14 March 1966" in page
    assert assessed.identifiers.get().value in page
    assert "Decision support, not a diagnosis. Times are those of America/New_York." in page
    age = (timezone.now() - timedelta(days=73)).year - 1966
    assert f"({age} years)" in page


def test_numbers_say_when_they_were_computed_and_from_values_of_when(
    hospital: Hospital, clinician: Client, assessed: Patient
) -> None:
    record = Assessment.objects.get()
    zone = ZoneInfo(hospital.organisation.time_zone)
    at = record.recorded_at.astimezone(zone)
    answered = (datetime.now(UTC) - timedelta(days=10)).astimezone(zone)  # the newest of `complete_patient`
    page = text_of(html_of(clinician, assessed))
    computed = f"Computed {at.day} {at:%b %Y, %H:%M} from values up to {answered.day} {answered:%b %Y}."
    assert computed in page
    assert f"Record {record.id} of {at.day} {at:%b %Y, %H:%M:%S}" in page  # in the banner that every sheet repeats
    on_its_way = "Computed before what was just recorded; a new record is on its way."
    assert on_its_way not in page
    factories.record(hospital, assessed, factories.quantity("8480-6", "165", "mm[Hg]", days_ago=1))
    assert on_its_way in text_of(html_of(clinician, assessed))
    jobs_run_due()
    assert on_its_way not in text_of(html_of(clinician, assessed))


def test_an_override_is_marked_beside_the_numbers(hospital: Hospital, clinician: Client, assessed: Patient) -> None:
    record = Assessment.objects.get()
    marked = "Cardiovascular Overridden by Clinician of north"
    assert marked not in text_of(html_of(clinician, assessed))
    assessment_override(actor=hospital.clinician_actor, assessment_id=record.id, reason="INPUT_WRONG")
    assert marked in text_of(html_of(clinician, assessed))
    assert marked in text_of(clinician.get(f"/assessments/{record.id}/").content)
