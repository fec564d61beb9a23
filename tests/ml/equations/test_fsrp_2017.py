"""Framingham Stroke 2017: the check values of the sources, where age 65 changes terms, and no clamp of pressure."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.equations.equation import risk_of_people
from ml.equations.fsrp_2017 import COEFFICIENTS, FSRP_2017, _terms, fsrp_2017_risk
from tests.ml.equations.people import people_of
from tests.ml.equations.properties import (
    assert_contributions_add_up,
    assert_every_bad_input_is_refused_by_name,
    assert_many_people_get_what_each_one_gets,
    explained,
    refusal,
    risk,
    shares,
)

MAN: dict[str, object] = {
    "age_years": 67,
    "sex": "male",
    "systolic_bp_mmhg": 145,
    "takes_antihypertensive": True,
    "has_diabetes": True,
    "is_current_smoker": False,
    "has_prior_cardiovascular_disease": False,
    "has_atrial_fibrillation": False,
}


def test_check_values_of_the_sources() -> None:
    assert 100 * fsrp_2017_risk(**MAN) == pytest.approx(11.6785, abs=5e-5)
    woman = MAN | {"sex": "female", "has_diabetes": False}
    assert 100 * fsrp_2017_risk(**woman) == pytest.approx(5.1411, abs=5e-5)


@given(person=people_of(FSRP_2017, 10))
def test_contributions_and_reference_add_up(person: dict[str, object]) -> None:
    assert_contributions_add_up(FSRP_2017, person)


@given(people=st.lists(people_of(FSRP_2017, 10), min_size=1, max_size=6))
def test_many_people_get_what_each_one_gets(people: list[dict[str, object]]) -> None:
    assert_many_people_get_what_each_one_gets(FSRP_2017, people)


def test_bad_input_is_refused_by_name() -> None:
    assert_every_bad_input_is_refused_by_name(FSRP_2017, MAN)


@pytest.mark.parametrize(("age", "code"), [(54, "AGE_BELOW_RANGE"), (87, "AGE_ABOVE_RANGE")])
def test_ages_outside_55_to_86_are_refused(age: int, code: str) -> None:
    assert refusal(FSRP_2017, MAN | {"age_years": age}).reason_code == code


@pytest.mark.parametrize(("sex", "below", "from_65"), [("male", 1.35304, 0.34385), ("female", 1.07111, 0.06565)])
def test_diabetes_weighs_more_below_65_than_from_65(sex: str, below: float, from_65: float) -> None:
    """A public implementation has the two coefficients swapped."""
    person = MAN | {"sex": sex}
    assert shares(FSRP_2017, person | {"age_years": 64})["has_diabetes"] == pytest.approx(below, abs=1e-12)
    assert shares(FSRP_2017, person | {"age_years": 65})["has_diabetes"] == pytest.approx(from_65, abs=1e-12)


@pytest.mark.parametrize("treated", [False, True])
@pytest.mark.parametrize("sex", ["female", "male"])
def test_pressure_below_120_lowers_the_risk(sex: str, treated: bool) -> None:
    person = MAN | {"sex": sex, "takes_antihypertensive": treated}
    risks = [risk(FSRP_2017, person | {"systolic_bp_mmhg": mmhg}) for mmhg in (90, 110, 119, 120, 121)]
    assert risks == sorted(risks) and len(set(risks)) == 5


def test_treatment_changes_the_slope_of_pressure() -> None:
    for sex, column in (("female", 0), ("male", 1)):
        for treated, term in ((False, "untreated_sbp"), (True, "treated_sbp")):
            person = MAN | {"sex": sex, "takes_antihypertensive": treated, "systolic_bp_mmhg": 150}
            found = shares(FSRP_2017, person)
            assert found["systolic_bp_mmhg"] == pytest.approx(3 * COEFFICIENTS[term][column], abs=1e-12)
            drug = COEFFICIENTS["antihypertensive"][column] if treated else 0.0
            assert found["takes_antihypertensive"] == pytest.approx(drug, abs=1e-12)


def test_atrial_fibrillation_is_large_in_women_and_near_zero_in_men() -> None:
    for sex, expected in (("female", 1.20720), ("male", 0.08064)):
        found = shares(FSRP_2017, MAN | {"sex": sex, "has_atrial_fibrillation": True})
        assert found["has_atrial_fibrillation"] == pytest.approx(expected, abs=1e-12)


def test_reference_person_has_120_mmhg_and_no_disease() -> None:
    found = explained(FSRP_2017, MAN)
    assert found.reference_person.startswith("A man of 67 with no blood pressure drug, no diabetes, ")
    assert "systolic blood pressure 120 mmHg" in found.reference_person


def test_terms_and_coefficients_have_the_same_names() -> None:
    columns = {name: np.array([1.0]) for name in MAN}
    assert _terms(columns).keys() - {"sex"} == COEFFICIENTS.keys()


def test_women_and_men_in_one_column_do_not_mix() -> None:
    found = risk_of_people(
        FSRP_2017, outcome="stroke", horizon_years=10, people=MAN | {"sex": ["male", "female", "other", "male"]}
    )
    man, woman = risk(FSRP_2017, MAN), risk(FSRP_2017, MAN | {"sex": "female"})
    assert found.risk[[0, 1, 3]] == pytest.approx([man, woman, man], rel=1e-14)
    assert math.isnan(found.risk[2])
