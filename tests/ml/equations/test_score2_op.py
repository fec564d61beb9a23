"""SCORE2-OP: the paper's example before calibration, values of heartscore.org after it, and the four regions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ml.equations import score2
from ml.equations.equation import COMPLEMENTARY_LOG_LOG
from ml.equations.score2_op import COEFFICIENTS, SCORE2_OP, _terms, _uncalibrated_linear_predictor, score2_op_risk
from tests.ml.equations.people import people_of
from tests.ml.equations.properties import (
    assert_contributions_add_up,
    assert_every_bad_input_is_refused_by_name,
    assert_many_people_get_what_each_one_gets,
    refusal,
    risk,
    shares,
)

# Supplementary Methods Table 3 of the paper.
SMOKER: dict[str, object] = {
    "age_years": 75,
    "sex": "male",
    "score2_region": "low",
    "systolic_bp_mmhg": 140,
    "total_cholesterol_mmol_l": 5.5,
    "hdl_cholesterol_mmol_l": 1.3,
    "has_diabetes": False,
    "is_current_smoker": True,
}


def test_the_papers_example_gives_the_printed_risk_before_calibration() -> None:
    columns = {
        rule.field: np.array([rule.encode(SMOKER[rule.field])] * 2)  # (2,): a woman and a man
        for rule in SCORE2_OP.rules[10]
    }
    columns["sex"] = np.array([0.0, 1.0])
    found = COMPLEMENTARY_LOG_LOG.probability(_uncalibrated_linear_predictor(_terms(columns)))
    np.testing.assert_array_equal(found.round(4), [0.2442, 0.2966])


@pytest.mark.parametrize(
    ("change", "percent"),
    [
        ({"is_current_smoker": False}, 13.3),
        ({"score2_region": "moderate"}, 23.9),
        ({"score2_region": "moderate", "sex": "female"}, 20.0),
        ({"score2_region": "high", "total_cholesterol_mmol_l": 6.0}, 29.2),
        ({"score2_region": "very_high", "total_cholesterol_mmol_l": 6.0}, 40.8),
        ({"score2_region": "very_high", "total_cholesterol_mmol_l": 6.0, "sex": "female"}, 46.2),
    ],
)
def test_risks_are_those_that_heartscore_is_reported_to_give(change: dict[str, object], percent: float) -> None:
    """They follow from the rounded constants; those of the authors' programs give 13.2, 23.8 and 40.5 %."""
    assert round(100 * score2_op_risk(**SMOKER | change), 1) == percent


@given(person=people_of(SCORE2_OP, 10))
def test_regions_are_in_order_below_63_percent(person: dict[str, object]) -> None:
    low, moderate, high, very_high = (risk(SCORE2_OP, person | {"score2_region": region}) for region in score2.REGIONS)
    assert low < moderate < high
    assume(high < 0.63)
    assert high < very_high


def test_above_63_percent_the_published_scales_put_very_high_below_high_in_men() -> None:
    ill = SMOKER | {
        "age_years": 89,
        "systolic_bp_mmhg": 200,
        "hdl_cholesterol_mmol_l": 0.7,
        "total_cholesterol_mmol_l": 9.0,
    }
    assert risk(SCORE2_OP, ill | {"score2_region": "very_high"}) < risk(SCORE2_OP, ill | {"score2_region": "high"})


@given(person=people_of(SCORE2_OP, 10))
def test_contributions_of_the_calibrated_predictor_add_up_to_the_person(person: dict[str, object]) -> None:
    assert_contributions_add_up(SCORE2_OP, person)


@given(people=st.lists(people_of(SCORE2_OP, 10), min_size=1, max_size=8))
def test_many_people_get_what_each_one_gets(people: list[dict[str, object]]) -> None:
    assert_many_people_get_what_each_one_gets(SCORE2_OP, people)


def test_contribution_is_scaled_by_the_calibration_of_the_region() -> None:
    woman = SMOKER | {"sex": "female"}
    for region, scale in zip(score2.REGIONS, (1.01, 1.10, 1.09, 0.69), strict=True):
        found = shares(SCORE2_OP, woman | {"score2_region": region})["is_current_smoker"]
        assert found == pytest.approx(scale * (0.4921 - 0.0255 * 2), abs=1e-12)


def test_diabetes_computes_here_and_raises_the_risk() -> None:
    assert risk(SCORE2_OP, SMOKER | {"has_diabetes": True}) > risk(SCORE2_OP, SMOKER)


def test_every_bad_input_is_refused_by_name() -> None:
    assert_every_bad_input_is_refused_by_name(SCORE2_OP, SMOKER)


def test_unset_region_is_refused_as_a_missing_setting() -> None:
    found = refusal(SCORE2_OP, SMOKER | {"score2_region": None})
    assert found.reason_code == "REGION_UNSET"
    assert found.sentence == "SCORE2-OP needs the risk region of the hospital's country, and none is set."


def test_the_two_equations_share_every_birthday_between_40_and_89_and_none_twice() -> None:
    ages = {equation.name: equation.rules[10][0] for equation in (score2.SCORE2, SCORE2_OP)}
    accepted = {
        age: [name for name, rule in ages.items() if rule.accepts(np.array([float(age)]))[0]] for age in range(39, 91)
    }
    assert accepted.pop(39) == accepted.pop(90) == []
    assert all(names == ["score2" if age < 70 else "score2_op"] for age, names in accepted.items())


def test_every_coefficient_has_its_term() -> None:
    columns = {name: np.array([1.0]) for name in SMOKER}
    assert _terms(columns).keys() == {*COEFFICIENTS, "is_male", "region"}
