"""What ABCD2 scores is of one attack: the newest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cdss.assessments.models import FeatureState
from patients.models import Patient
from patients.services.clinical_rows import NewObservation, NewRow
from tests import factories
from tests.cdss.assessments.facts import TIA, diagnosis, fact, measured, taken
from tests.factories import Hospital

pytestmark = pytest.mark.django_db
SYSTOLIC, DIASTOLIC, FIRST = "systolic_bp_mmhg", "diastolic_bp_mmhg", "tia_systolic_bp_mmhg"
SYMPTOMS, DURATION = "tia_clinical_features", "tia_duration_minutes"


def patient(at: Hospital, *rows: NewRow) -> Patient:
    who = factories.patient(at)
    factories.record(at, who, *rows)
    return who


def answered(feature: str, value_code: str, *, days_ago: float) -> NewObservation:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return replace(factories.answer(feature, value_code), effective_at=at)


def pressure(value: str, days_ago: float, unit: str = "") -> NewObservation:
    return measured(SYSTOLIC, value, days_ago=days_ago, setting="emergency", unit=unit)


def test_the_pressure_of_an_attack_that_was_only_stated_is_of_the_day_it_was_stated(hospital: Hospital) -> None:
    who = patient(
        hospital,
        answered("tia_within_7_days", "yes", days_ago=0),
        *(pressure("120", 6), measured(DIASTOLIC, "70", days_ago=6)),
        *(pressure("180", 0.1), measured(DIASTOLIC, "100", days_ago=0.1)),
    )
    found = taken(who)
    assert (found[FIRST].value, found["tia_diastolic_bp_mmhg"].value) == ("180", "100")
    assert "the date of the TIA is not recorded" in found[FIRST].rule
    assert found[FIRST].expires_at == found["tia_within_7_days"].expires_at


@pytest.mark.parametrize(("days_ago", "expected"), [
    ((6, 2.5, 2.1, 1.5, 1), "131"),  # the newest of the 24 hours before it was stated
    ((6, 3.1, 1.5, 1), "132"),  # else the first since
    ((6, 3.1), ""),
])  # fmt: skip
def test_which_pressure_is_of_an_attack_without_its_date(
    hospital: Hospital, days_ago: tuple[float, ...], expected: str
) -> None:
    values = {6: "120", 3.1: "125", 2.5: "130", 2.1: "131", 1.5: "132", 1: "133"}
    who = patient(
        hospital,
        answered("tia_within_7_days", "yes", days_ago=2),
        *(pressure(values[days], days) for days in days_ago),
    )
    found = fact(who, FIRST)
    assert (found.value, found.is_used) == (expected, bool(expected))
    if not expected:
        assert found.state == FeatureState.MISSING and "The date of the attack is not recorded" in found.sentence


def test_the_pressure_of_a_dated_attack_is_the_first_since_its_day(hospital: Hospital) -> None:
    who = patient(hospital, diagnosis(TIA, days_ago=3), pressure("150", 10), pressure("170", 2.5), pressure("140", 1))
    assert fact(who, FIRST).value == "170"
    assert fact(who, FIRST).rule == "first value since the TIA, in any setting"
    factories.record(hospital, who, pressure("99", 2.6, unit="stone"))
    assert fact(who, FIRST).state == FeatureState.REFUSED, "no later value takes its place"


def test_without_a_recent_attack_there_is_no_such_pressure(hospital: Hospital) -> None:
    found = fact(patient(hospital, diagnosis(TIA, days_ago=30), pressure("150", 20)), FIRST)
    assert (found.state, found.sentence) == (FeatureState.MISSING, "No TIA within 7 days is recorded.")


@pytest.mark.parametrize(("days_ago", "is_used"), [(10, False), (4, False), (2, True)])
def test_symptoms_and_duration_are_of_the_newest_attack(hospital: Hospital, days_ago: int, is_used: bool) -> None:
    who = patient(
        hospital,
        *(diagnosis(TIA, days_ago=12), diagnosis(TIA, days_ago=2)),
        answered(SYMPTOMS, "weakness", days_ago=days_ago),
        measured(DURATION, "70", days_ago=days_ago),
    )
    found = taken(who)
    for name in (SYMPTOMS, DURATION):
        assert found[name].is_used is is_used, name
        if not is_used:
            assert (found[name].state, found[name].value, found[name].expires_at) == (FeatureState.MISSING, "", None)
            assert found[name].sentence.startswith("Stated of an earlier attack, on ")


@pytest.mark.parametrize(("days_ago", "is_used"), [(10, False), (6, True)])
def test_what_was_stated_before_the_week_of_a_stated_attack_is_not_of_it(
    hospital: Hospital, days_ago: int, is_used: bool
) -> None:
    who = patient(
        hospital,
        answered("tia_within_7_days", "yes", days_ago=0),
        answered(SYMPTOMS, "weakness", days_ago=days_ago),
    )
    assert fact(who, SYMPTOMS).is_used is is_used
