"""Time alone: what changes when nobody records anything, and what gathering it all costs."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cdss.assessments.features import Features
from imaging.models import Study
from imaging.services.readings import calcium_confirm
from patients.models import Patient
from patients.services.clinical_rows import NewMedicationStatement, NewRow
from patients.terminology import ATC, QUANTITIES, QUESTIONS
from tests import factories
from tests.cdss.assessments.facts import MI, TIA, diagnosis, measured, taken, today
from tests.factories import Hospital
from tests.imaging import arrivals

pytestmark = pytest.mark.django_db


def scored_ct(at: Hospital, who: Patient, study_at: datetime) -> None:
    version = arrivals.read(arrivals.ready(at, arrivals.study(who)))
    calcium_confirm(
        actor=at.clinician_actor,
        series_version_id=version.id,
        verdicts={"1": "LAD", "2": "NOT_CORONARY"},
        attests_gated_whole_heart=True,
        attests_no_metal=True,
    )
    Study.objects.filter(id=version.series.study_id).update(study_at=study_at)


def facts() -> list[NewRow]:
    """One of every kind that time changes."""
    values = [
        measured(item.feature, str((item.plausible[0] + item.plausible[1]) // 2), days_ago=3 + place)
        for place, item in enumerate(QUANTITIES)
    ]
    answers = [
        factories.answer(item.feature, "no" if "no" in item.answers else next(iter(item.answers)), days_ago=5 + place)
        for place, item in enumerate(QUESTIONS)
    ]
    return [
        *values,
        *answers,
        diagnosis(TIA, days_ago=3),
        diagnosis(MI, days_ago=30),
        diagnosis("77386006", days_ago=200),
        diagnosis("72892002", status="resolved"),
        NewMedicationStatement(ATC, "C10AA05", end_date=today() + timedelta(days=20)),
        NewMedicationStatement(ATC, "C09AA05", end_date=today()),
    ]


def everything(at: Hospital, who: Patient) -> None:
    factories.record(at, who, *facts())


def next_change(features: Features) -> datetime | None:
    return min((item.expires_at for item in features.values() if item.expires_at), default=None)


def bodies(features: Features) -> dict[str, dict[str, Any]]:
    return {name: item.as_body() for name, item in features.items()}


def assert_time_changes_what_it_said(who: Patient) -> int:
    """Walk from change to change: between two nothing changes, at each exactly what had said so."""
    features, changes = taken(who), 0
    while (change := next_change(features)) is not None and change.year < 2034:
        assert bodies(taken(who, change - timedelta(microseconds=1))) == bodies(features), f"changed before {change}"
        after = taken(who, change)
        due = {name for name, item in features.items() if item.expires_at == change}
        changed = {name for name, body in bodies(after).items() if body != bodies(features)[name]}
        assert changed == due, f"at {change}"
        features, changes = after, changes + 1
    return changes


@pytest.mark.parametrize("study_at", [timedelta(days=-1700), timedelta(days=40)])
def test_until_a_feature_expires_nothing_changes_and_then_exactly_that_does(
    hospital: Hospital, study_at: timedelta
) -> None:
    who = factories.patient(hospital)
    everything(hospital, who)
    scored_ct(hospital, who, timezone.now() + study_at)
    assert assert_time_changes_what_it_said(who) > 45
    late = taken(who, datetime(2040, 1, 1, tzinfo=UTC))
    assert late["smoking"].state == "TOO_OLD" and late["body_height_cm"].is_used


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_known_time_changes_only_what_said_so(hospital: Hospital, seed: int) -> None:
    chance = random.Random(seed)
    born, sex = date(1950, 1, 1) + timedelta(days=chance.randrange(22_000)), chance.choice(["female", "male"])
    who = factories.patient(hospital, birth_date=born, sex=sex)
    factories.record(hospital, who, *(row for row in facts() if chance.random() < 0.6))
    assert assert_time_changes_what_it_said(who) >= 7, "the birthdays alone"


@pytest.mark.parametrize(("zone", "utc_hour"), [("America/New_York", 4), ("Europe/Vienna", 22), ("Asia/Tokyo", 15)])
def test_a_birthday_begins_at_midnight_where_the_hospital_is(db: None, zone: str, utc_hour: int) -> None:
    at = factories.hospital("far", time_zone=zone)
    who = factories.patient(at, birth_date=date(1960, 7, 9))
    found = taken(who, datetime(2027, 1, 1, tzinfo=UTC))["age_years"]
    assert found.value == "66" and found.expires_at is not None
    day = 9 if utc_hour < 12 else 8
    assert found.expires_at == datetime(2027, 7, day, utc_hour, tzinfo=UTC)


def test_gathering_costs_the_same_few_queries_however_much_there_is(
    hospital: Hospital, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    poor, rich = factories.patient(hospital), factories.patient(hospital)
    for _ in range(3):
        everything(hospital, rich)
        scored_ct(hospital, rich, timezone.now())
    poor, rich = (Patient.objects.select_related("organisation").get(id=who.id) for who in (poor, rich))
    with django_assert_num_queries(4):  # values and answers, problems, medication, series
        taken(poor)
    with django_assert_num_queries(6):  # and the readings of the series, with their scores
        taken(rich)
