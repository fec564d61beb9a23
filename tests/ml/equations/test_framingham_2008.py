"""Framingham 2008: both worked examples of the paper, and the two models side by side."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.equations.equation import RiskEquation
from ml.equations.framingham_2008 import (
    BMI_COEFFICIENTS,
    FRAMINGHAM_2008_BMI,
    FRAMINGHAM_2008_LIPID,
    LIPID_COEFFICIENTS,
    _terms,
    framingham_2008_bmi_risk,
    framingham_2008_lipid_risk,
)
from tests.ml.equations.people import MG_DL, people_of
from tests.ml.equations.properties import (
    assert_contributions_add_up,
    assert_every_bad_input_is_refused_by_name,
    assert_many_people_get_what_each_one_gets,
    refusal,
    shares,
)

# The paper's woman.
WOMAN: dict[str, object] = {
    "age_years": 61,
    "sex": "female",
    "systolic_bp_mmhg": 124,
    "total_cholesterol_mmol_l": 180 * MG_DL,
    "hdl_cholesterol_mmol_l": 47 * MG_DL,
    "has_diabetes": False,
    "is_current_smoker": True,
    "takes_antihypertensive": False,
}
# The paper's man.
MAN: dict[str, object] = {
    "age_years": 53,
    "sex": "male",
    "systolic_bp_mmhg": 125,
    "total_cholesterol_mmol_l": 161 * MG_DL,
    "hdl_cholesterol_mmol_l": 55 * MG_DL,
    "has_diabetes": True,
    "is_current_smoker": False,
    "takes_antihypertensive": True,
}
_LIPIDS = ("total_cholesterol_mmol_l", "hdl_cholesterol_mmol_l")
MAN_WITHOUT_LABORATORY = {name: value for name, value in MAN.items() if name not in _LIPIDS} | {"bmi_kg_m2": 27.0}
each_model = pytest.mark.parametrize(
    ("equation", "person"), [(FRAMINGHAM_2008_LIPID, MAN), (FRAMINGHAM_2008_BMI, MAN_WITHOUT_LABORATORY)]
)


@pytest.mark.parametrize(("person", "percent"), [(WOMAN, 10.48), (MAN, 15.62)])
def test_the_papers_examples_give_the_printed_risk(person: dict[str, object], percent: float) -> None:
    assert round(100 * framingham_2008_lipid_risk(**person), 2) == percent


def test_cvrisks_example_without_laboratory_gives_its_risk() -> None:
    person = MAN_WITHOUT_LABORATORY | {
        "age_years": 55,
        "systolic_bp_mmhg": 140,
        "bmi_kg_m2": 30,
        "has_diabetes": False,
        "takes_antihypertensive": False,
    }
    assert round(100 * framingham_2008_bmi_risk(**person), 2) == 16.75


@each_model
@given(values=st.data())
def test_contributions_and_reference_add_up_to_the_person(
    equation: RiskEquation, person: dict[str, object], values: st.DataObject
) -> None:
    drawn = values.draw(people_of(equation, 10))
    assert drawn.keys() == person.keys()
    assert_contributions_add_up(equation, drawn)


@each_model
@given(values=st.data())
def test_many_people_get_what_each_one_gets(
    equation: RiskEquation, person: dict[str, object], values: st.DataObject
) -> None:
    others = values.draw(st.lists(people_of(equation, 10), max_size=7))
    assert_many_people_get_what_each_one_gets(equation, [person, *others])


@each_model
def test_every_bad_input_is_refused_by_name(equation: RiskEquation, person: dict[str, object]) -> None:
    assert_every_bad_input_is_refused_by_name(equation, person)


@each_model
@pytest.mark.parametrize(("age", "code"), [(29, "AGE_BELOW_RANGE"), (75, "AGE_ABOVE_RANGE")])
def test_age_outside_30_to_74_is_refused(
    equation: RiskEquation, person: dict[str, object], age: int, code: str
) -> None:
    assert refusal(equation, person | {"age_years": age}).reason_code == code


def test_contributions_are_coefficient_times_difference_of_logarithms() -> None:
    found = shares(FRAMINGHAM_2008_LIPID, MAN)
    assert found["takes_antihypertensive"] == pytest.approx((1.99881 - 1.93303) * math.log(120), abs=1e-12)
    assert found["systolic_bp_mmhg"] == pytest.approx(1.99881 * math.log(125 / 120), abs=1e-12)
    assert found["total_cholesterol_mmol_l"] == pytest.approx(1.12370 * math.log(161 * MG_DL / 4.4), abs=1e-12)
    assert found["has_diabetes"] == pytest.approx(0.57367, abs=1e-12)
    bmi = shares(FRAMINGHAM_2008_BMI, MAN_WITHOUT_LABORATORY)
    assert bmi["bmi_kg_m2"] == pytest.approx(0.79277 * math.log(27 / 25), abs=1e-12)
    assert not set(_LIPIDS) & bmi.keys()


@pytest.mark.parametrize(("person", "table"), [(MAN, LIPID_COEFFICIENTS), (MAN_WITHOUT_LABORATORY, BMI_COEFFICIENTS)])
def test_every_coefficient_has_its_term(person: dict[str, object], table: dict[str, tuple[float, float]]) -> None:
    columns = {name: np.array([1.0]) for name in person}
    assert _terms(columns).keys() == {*table, "is_male"}
