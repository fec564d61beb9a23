"""Pooled Cohort Equations as revised in 2018. The paper prints no worked example; the reference cases stand for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.equations.pce_2013 import PCE_2013
from ml.equations.pce_2018 import COEFFICIENTS, PCE_2018, _terms, pce_2018_risk
from tests.ml.equations.people import MG_DL, people_of
from tests.ml.equations.properties import (
    assert_contributions_add_up,
    assert_every_bad_input_is_refused_by_name,
    assert_many_people_get_what_each_one_gets,
    refusal,
    risk,
    shares,
)

PERSON: dict[str, object] = {
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
    ("sex", "race", "expected"),
    [
        ("female", "white", 0.0120755876986903),
        ("female", "black", 0.0176536941160013),
        ("male", "white", 0.0334108712145097),
        ("male", "black", 0.0354346332656303),
    ],
)
def test_the_2013_guidelines_person_gets_what_pooledcohort_computes(sex: str, race: str, expected: float) -> None:
    assert pce_2018_risk(**PERSON | {"sex": sex, "pce_race": race}) == pytest.approx(expected, abs=1e-14)


@given(person=people_of(PCE_2018, 10))
def test_other_race_has_the_risk_of_a_white_person(person: dict[str, object]) -> None:
    assert risk(PCE_2018, person | {"pce_race": "other"}) == risk(PCE_2018, person | {"pce_race": "white"})


@given(person=people_of(PCE_2018, 10))
def test_contributions_and_reference_add_up_to_the_person(person: dict[str, object]) -> None:
    assert_contributions_add_up(PCE_2018, person)


@given(people=st.lists(people_of(PCE_2018, 10), min_size=1, max_size=8))
def test_many_people_get_what_each_one_gets(people: list[dict[str, object]]) -> None:
    assert_many_people_get_what_each_one_gets(PCE_2018, people)


@given(person=people_of(PCE_2018, 10), factor=st.floats(0.9, 1.1))
def test_only_the_ratio_of_total_to_hdl_cholesterol_counts(person: dict[str, object], factor: float) -> None:
    lipids = {"total_cholesterol_mmol_l": 5.0 * factor, "hdl_cholesterol_mmol_l": 1.25 * factor}
    four = {"total_cholesterol_mmol_l": 5.0, "hdl_cholesterol_mmol_l": 1.25}
    assert risk(PCE_2018, person | lipids) == pytest.approx(risk(PCE_2018, person | four), rel=1e-12)


def test_every_bad_input_is_refused_by_name() -> None:
    assert_every_bad_input_is_refused_by_name(PCE_2018, PERSON)


def test_missing_race_is_refused_with_the_code_of_the_2013_equations() -> None:
    codes = {refusal(equation, PERSON | {"pce_race": None}).reason_code for equation in (PCE_2013, PCE_2018)}
    assert codes == {"RACE_UNKNOWN"}


def test_pressure_contributes_its_square_its_treatment_and_its_interactions_with_age_and_race() -> None:
    person = PERSON | {"sex": "male", "pce_race": "black", "takes_antihypertensive": True, "systolic_bp_mmhg": 150}
    per_mmhg = 0.038950 - 0.014207 + 0.011609 + 0.004190 + 55 * (0.000025 - 0.000199)
    expected = per_mmhg * 30 - 0.000061 * (150**2 - 120**2)
    assert shares(PCE_2018, person)["systolic_bp_mmhg"] == pytest.approx(expected, abs=1e-12)


def test_every_coefficient_has_its_term() -> None:
    columns = {name: np.array([1.0]) for name in PERSON}
    assert _terms(columns).keys() == {*COEFFICIENTS, "is_male"}
