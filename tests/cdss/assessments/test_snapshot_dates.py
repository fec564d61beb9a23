"""A calendar date is the day that was sent, on the page, in a sentence, in the snapshot and in every rule of days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from cdss.assessments.models import Assessment, RiskEstimate
from cdss.assessments.policy.facts import facts_of
from cdss.jobs.running import jobs_run_due
from patients.models import Patient
from patients.services.clinical_rows import NewCondition, NewMedicationStatement, NewObservation, NewRow
from patients.terminology import ATC, QUESTION_OF_FEATURE, SNOMED_CT
from tests import factories
from tests.cdss.assessments.facts import HEART_FAILURE, STROKE, TIA, fact, taken
from tests.cdss.dashboard.conftest import SignIn
from tests.cdss.dashboard.reading import text_of
from tests.factories import Hospital

pytestmark = pytest.mark.django_db
ZONES = pytest.mark.parametrize("zone", ["America/New_York", "Europe/Dublin", "Pacific/Auckland"])
# Winter and summer, on both sides of the Equator; the day before either is of another month.
DAYS = pytest.mark.parametrize("day", [date(2024, 3, 1), date(2024, 7, 1)], ids=str)


def recorded(at: Hospital, *rows: NewRow) -> Patient:
    who = factories.patient(at)
    factories.record(at, who, *rows)
    return who


@ZONES
@DAYS
def test_a_date_is_the_day_that_was_sent_everywhere(db: None, signed_in: SignIn, zone: str, day: date) -> None:
    at = factories.hospital("far", time_zone=zone)
    failure = NewCondition(SNOMED_CT, HEART_FAILURE, onset_date=day)
    who = recorded(at, failure, NewMedicationStatement(ATC, "B01AF02", start_date=day))
    factories.record(at, who, *factories.complete_labs())
    jobs_run_due()
    sentence = RiskEstimate.objects.get(equation="prevent_base", outcome="total_cvd", horizon_years=10).sentence
    assert f"heart failure ({day:%B %Y}) is recorded" in sentence
    snapshot = Assessment.objects.get(patient=who).snapshot
    for name in ("heart_failure", "prior_cardiovascular_disease", "anticoagulant_treatment"):
        kept = snapshot.features.get(feature=name).effective_at
        assert kept is not None and kept.astimezone(ZoneInfo(zone)) == datetime.combine(day, time(), ZoneInfo(zone))
    assert snapshot.body.count(f'"effective_at":"{day.isoformat()}T00:00:00') == 3
    page = text_of(signed_in(at.clinician).get(f"/patients/{who.id}/").content)
    assert f"heart failure (problem list, laboratory), {day:%B %Y}" in page
    assert page.count(f" 1 {day:%b} 2024 ") >= 3
    before = day - timedelta(days=1)
    assert f"{before.day} {before:%b} 2024" not in page and f"{before:%B} 2024" not in page


@ZONES
def test_a_tia_is_recent_for_seven_days_from_the_day_that_was_sent(db: None, zone: str) -> None:
    at, here = factories.hospital("far", time_zone=zone), ZoneInfo(zone)
    today = datetime.now(here).date()
    who = recorded(at, NewCondition(SNOMED_CT, TIA, onset_date=today))
    found = fact(who, "tia_within_7_days")
    assert found.effective_at is not None and found.effective_at.date() == today
    assert found.expires_at == datetime.combine(today + timedelta(days=8), time(), here)


@pytest.mark.parametrize(("zone", "hour"), [("America/New_York", 21), ("Europe/Dublin", 12), ("Pacific/Auckland", 8)])
@pytest.mark.parametrize(("days_before", "expected"), [(7, "yes"), (8, "no")])
def test_a_stroke_is_earlier_than_a_stated_tia_by_the_hospitals_days(
    db: None, zone: str, hour: int, days_before: int, expected: str
) -> None:
    at, here = factories.hospital("far", time_zone=zone), ZoneInfo(zone)
    yesterday = datetime.now(here).date() - timedelta(days=1)
    question = QUESTION_OF_FEATURE["tia_within_7_days"]
    stated_at = datetime.combine(yesterday, time(hour), here).astimezone(UTC)
    who = recorded(
        at,
        NewObservation(question.code_system, question.code, stated_at, value_code="yes"),
        NewCondition(SNOMED_CT, STROKE, onset_date=yesterday - timedelta(days=days_before)),
    )
    facts = facts_of(taken(who), region="US", score2_region=None)
    assert facts["stroke_since_tia"].answer == expected
