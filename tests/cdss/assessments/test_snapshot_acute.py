"""Values that an acute illness has changed: creatinine in a kidney injury, lipids after a coronary event."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cdss.assessments.models import FeatureState
from patients.models import Patient
from patients.services.clinical_rows import NewObservation, NewRow
from tests import factories
from tests.cdss.assessments.facts import MI, UNSTABLE_ANGINA, diagnosis, fact, measured, taken
from tests.factories import Hospital

pytestmark = pytest.mark.django_db
CREATININE, EGFR = "creatinine_umol_l", "egfr_ml_min_173m2"
LIPIDS = {
    "total_cholesterol_mmol_l": "5.1",
    "hdl_cholesterol_mmol_l": "1.2",
    "ldl_cholesterol_mmol_l": "3.1",
    "triglycerides_mmol_l": "1.4",
}


def patient(at: Hospital, *rows: NewRow) -> Patient:
    who = factories.patient(at)
    factories.record(at, who, *rows)
    return who


def creatinine(value: str, days_ago: float, setting: str = "inpatient", **more: object) -> NewObservation:
    return measured(CREATININE, value, days_ago=days_ago, setting=setting, **more)


@pytest.mark.parametrize(("lowest", "peak", "is_injury"), [("80", "120", True), ("80", "119.9", False)])
def test_a_rise_to_one_and_a_half_times_the_lowest_of_the_week_is_an_injury(
    hospital: Hospital, lowest: str, peak: str, is_injury: bool
) -> None:
    who = patient(
        hospital,
        creatinine("82", 90, "ambulatory"),
        creatinine(lowest, 20),
        creatinine("95", 17),
        creatinine(peak, 14),
    )
    found = taken(who)
    if not is_injury:
        assert found[CREATININE].said("82") and found[EGFR].is_used
        return
    assert (found[CREATININE].state, found[CREATININE].value) == (FeatureState.ACUTE, "")
    assert found[EGFR].state == FeatureState.ACUTE and "acute kidney injury" in found[EGFR].sentence
    assert "1.5 times its lowest value of the week before" in found[CREATININE].sentence
    assert len(found[CREATININE].source_ids) == 2, "the peak and what it is compared with"


@pytest.mark.parametrize(("longer", "is_injury"), [(timedelta(0), True), (timedelta(seconds=1), False)])
def test_the_baseline_is_of_the_seven_days_before_and_no_older(
    hospital: Hospital, longer: timedelta, is_injury: bool
) -> None:
    peak = creatinine("150", 14, "ambulatory")
    low = replace(creatinine("70", 0), effective_at=peak.effective_at - timedelta(days=7) - longer)
    assert (fact(patient(hospital, low, peak), CREATININE).state == FeatureState.ACUTE) is is_injury


@pytest.mark.parametrize(("days_after", "setting", "is_settled"), [
    (6.9, "ambulatory", False), (7.1, "ambulatory", True), (30, "inpatient", False), (30, "unknown", False),
    (90, "unknown", False), (91.5, "unknown", True), (200, "emergency", False),
])  # fmt: skip
def test_an_injury_is_over_with_a_stable_value_later(
    hospital: Hospital, days_after: float, setting: str, is_settled: bool
) -> None:
    who = patient(hospital, creatinine("80", 302), creatinine("160", 300), creatinine("90", 300 - days_after, setting))
    found = fact(who, CREATININE)
    assert (found.state == FeatureState.USED) is is_settled
    assert found.value == ("90" if is_settled else "")


def test_a_second_injury_starts_the_wait_again(hospital: Hospital) -> None:
    who = patient(
        hospital,
        creatinine("80", 62),
        creatinine("160", 60),
        creatinine("85", 40, "ambulatory"),
        creatinine("140", 36, "emergency"),
        creatinine("88", 30, "ambulatory"),
    )
    assert fact(who, CREATININE).state == FeatureState.ACUTE
    factories.record(hospital, who, creatinine("86", 20, "ambulatory"))
    assert fact(who, CREATININE).said("86")


def test_units_are_compared_by_what_they_mean_and_values_not_understood_prove_nothing(hospital: Hospital) -> None:
    same = patient(hospital, creatinine("0.9", 3, unit="mg/dL"), creatinine("82", 1, "ambulatory"))
    assert fact(same, CREATININE).said("82")
    strange = patient(hospital, creatinine("0.1", 3, unit="stone"), creatinine("82", 1, "ambulatory"))
    assert fact(strange, CREATININE).said("82")


def test_an_erased_peak_was_no_injury(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    [_, _, peak] = factories.record(
        hospital, who, creatinine("80", 60, "ambulatory"), creatinine("80", 6), creatinine("160", 5)
    )
    assert fact(who, CREATININE).state == FeatureState.ACUTE
    assert peak.row is not None
    factories.record(hospital, who, creatinine("160", 5, status="entered-in-error", replaces=peak.row.id))
    assert fact(who, CREATININE).said("80")


@pytest.mark.parametrize("code", [MI, UNSTABLE_ANGINA])
def test_lipids_of_the_eight_weeks_after_a_coronary_event_are_not_used(hospital: Hospital, code: str) -> None:
    rows = [measured(name, value, days_ago=70, setting="ambulatory") for name, value in LIPIDS.items()]
    who = patient(hospital, diagnosis(code, days_ago=100), *rows, measured("systolic_bp_mmhg", "131", days_ago=70))
    found = taken(who)
    for name in LIPIDS:
        assert (found[name].state, found[name].value) == (FeatureState.ACUTE, "")
        assert "within 8 weeks of an acute coronary syndrome" in found[name].sentence
    assert found["non_hdl_cholesterol_mmol_l"].state == FeatureState.ACUTE
    assert found["systolic_bp_mmhg"].is_used


@pytest.mark.parametrize(("lipids_days_ago", "is_used"), [(101.5, True), (99, False), (45, False), (43, True)])
def test_lipids_from_before_the_event_and_from_eight_weeks_on_are_used(
    hospital: Hospital, lipids_days_ago: float, is_used: bool
) -> None:
    who = patient(
        hospital, diagnosis(MI, days_ago=100), measured("total_cholesterol_mmol_l", "5.1", days_ago=lipids_days_ago)
    )
    assert fact(who, "total_cholesterol_mmol_l").is_used is is_used


def test_an_older_stable_value_is_used_and_the_lowered_one_counted(hospital: Hospital) -> None:
    who = patient(
        hospital,
        diagnosis(MI, days_ago=100),
        measured("total_cholesterol_mmol_l", "6.1", days_ago=400, setting="ambulatory"),
        measured("total_cholesterol_mmol_l", "4.0", days_ago=80, setting="ambulatory"),
    )
    found = fact(who, "total_cholesterol_mmol_l")
    assert found.value == "6.1"
    assert found.rule.endswith("newest of 2; 1 within 8 weeks of an acute coronary syndrome not considered")


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_an_event_that_was_not_one_leaves_lipids_alone(hospital: Hospital, status: str) -> None:
    row = measured("total_cholesterol_mmol_l", "5.1", days_ago=20)
    who = patient(hospital, diagnosis(MI, days_ago=30, status=status), row)
    assert fact(who, "total_cholesterol_mmol_l").is_used


def test_a_stated_recent_event_without_its_date_covers_the_weeks_before_and_after(hospital: Hospital) -> None:
    stated = factories.answer("acute_coronary_syndrome_recent", "yes", days_ago=10)
    for days_ago, is_used in ((5, False), (40, False), (70, True)):
        who = patient(hospital, stated, measured("total_cholesterol_mmol_l", "5.1", days_ago=days_ago))
        assert fact(who, "total_cholesterol_mmol_l").is_used is is_used
