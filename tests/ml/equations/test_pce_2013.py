"""Pooled Cohort Equations 2013. The guideline's examples; not the coefficients one by one, which the cases cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.equations.pce_2013 import COEFFICIENTS, PCE_2013, _terms, pce_2013_risk
from tests.ml.equations.people import MG_DL, people_of
from tests.ml.equations.properties import (
    assert_contributions_add_up,
    assert_every_bad_input_is_refused_by_name,
    assert_many_people_get_what_each_one_gets,
    refusal,
    risk,
    shares,
)

GUIDELINE_PERSON: dict[str, object] = {
    "age_years": 55,
    "sex": "female",
    "pce_race": "white",
    "systolic_bp_mmhg": 120,
    "total_cholesterol_mmol_l": 213 * MG_DL,
    "hdl_cholesterol_mmol_l": 50 * MG_DL,
    "has_diabetes": False,
    "is_current_smoker": False,
    "takes_antihypertensive": False,
}


@pytest.mark.parametrize(
    ("sex", "race", "percent"),
    [("female", "white", 2.1), ("female", "black", 3.0), ("male", "white", 5.4), ("male", "black", 6.1)],
)
def test_the_guidelines_example_gives_the_printed_risk(sex: str, race: str, percent: float) -> None:
    found = pce_2013_risk(**GUIDELINE_PERSON | {"sex": sex, "pce_race": race})
    assert round(100 * found, 1) == percent


@given(person=people_of(PCE_2013, 10))
def test_other_race_has_the_risk_of_a_white_person_and_the_label_says_so(person: dict[str, object]) -> None:
    assert risk(PCE_2013, person | {"pce_race": "other"}) == risk(PCE_2013, person | {"pce_race": "white"})
    assert "White coefficients unless race is Black" in PCE_2013.label


@given(person=people_of(PCE_2013, 10))
def test_contributions_and_reference_add_up_to_the_person(person: dict[str, object]) -> None:
    assert_contributions_add_up(PCE_2013, person)


@given(people=st.lists(people_of(PCE_2013, 10), min_size=1, max_size=8))
def test_many_people_get_what_each_one_gets(people: list[dict[str, object]]) -> None:
    assert_many_people_get_what_each_one_gets(PCE_2013, people)


def test_every_bad_input_is_refused_by_name() -> None:
    assert_every_bad_input_is_refused_by_name(PCE_2013, GUIDELINE_PERSON)


def test_missing_race_is_refused_and_never_taken_as_other() -> None:
    found = refusal(PCE_2013, GUIDELINE_PERSON | {"pce_race": None})
    assert found.reason_code == "RACE_UNKNOWN"
    assert found.sentence == (
        "The Pooled Cohort Equations need race as stated by the patient: white, black or other; none is recorded."
    )


@pytest.mark.parametrize(("age", "code"), [(39, "AGE_BELOW_RANGE"), (80, "AGE_ABOVE_RANGE")])
def test_age_outside_40_to_79_is_refused(age: int, code: str) -> None:
    assert refusal(PCE_2013, GUIDELINE_PERSON | {"age_years": age}).reason_code == code


def test_treatment_contributes_at_the_reference_pressure_and_pressure_as_treated() -> None:
    """A Black woman, whose coefficients of pressure change with treatment and with age."""
    person = GUIDELINE_PERSON | {"pce_race": "black", "takes_antihypertensive": True, "systolic_bp_mmhg": 150}
    found, ln_age = shares(PCE_2013, person), math.log(55)
    treated, untreated = 29.291 - 6.432 * ln_age, 27.820 - 6.087 * ln_age
    assert found["takes_antihypertensive"] == pytest.approx((treated - untreated) * math.log(120), abs=1e-11)
    assert found["systolic_bp_mmhg"] == pytest.approx(treated * math.log(150 / 120), abs=1e-11)


def test_every_coefficient_has_its_term() -> None:
    columns = {name: np.array([1.0]) for name in GUIDELINE_PERSON}
    assert _terms(columns).keys() == {*COEFFICIENTS, "group"}
