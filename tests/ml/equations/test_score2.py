"""SCORE2: the paper's examples, its four regions, and where their published scales cross."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ml.equations.score2 import COEFFICIENTS, REGIONS, SCORE2, _terms, score2_risk
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

# The abstract's example.
SMOKER: dict[str, object] = {
    "age_years": 50,
    "sex": "male",
    "score2_region": "low",
    "systolic_bp_mmhg": 140,
    "total_cholesterol_mmol_l": 5.5,
    "hdl_cholesterol_mmol_l": 1.3,
    "has_diabetes": False,
    "is_current_smoker": True,
}


def risks_by_region(person: dict[str, object]) -> list[float]:
    return [risk(SCORE2, person | {"score2_region": region}) for region in REGIONS]


@pytest.mark.parametrize(
    ("sex", "region", "percent"),
    [("male", "low", 5.9), ("male", "very_high", 14.0), ("female", "low", 4.2), ("female", "very_high", 13.7)],
)
def test_the_abstracts_example_gives_the_printed_risk(sex: str, region: str, percent: float) -> None:
    found = 100 * score2_risk(**SMOKER | {"sex": sex, "score2_region": region})
    assert found == pytest.approx(percent, abs=0.051)  # men at very high risk: 14.05 by the printed constants


@pytest.mark.parametrize(
    ("sex", "percents"), [("male", [6.31, 8.11, 8.81, 15.06]), ("female", [4.33, 5.23, 7.13, 14.13])]
)
def test_the_supplements_example_gives_its_risk_in_every_region(sex: str, percents: list[float]) -> None:
    person = SMOKER | {"sex": sex, "total_cholesterol_mmol_l": 6.3, "hdl_cholesterol_mmol_l": 1.4}
    assert [round(100 * found, 2) for found in risks_by_region(person)] == percents


@given(person=people_of(SCORE2, 10))
def test_regions_are_in_order_from_5_percent_and_very_high_is_always_the_largest(person: dict[str, object]) -> None:
    low, moderate, high, very_high = risks_by_region(person)
    assert very_high > max(low, moderate, high)
    assume(moderate >= 0.05)
    assert low < moderate < high < very_high


def test_at_low_risk_the_published_scales_put_the_high_risk_region_below_the_moderate_one() -> None:
    healthy = SMOKER | {"age_years": 45, "is_current_smoker": False, "systolic_bp_mmhg": 120}
    low, moderate, high, very_high = risks_by_region(healthy)
    assert low < high < moderate < very_high
    assert 0.01 < high < 0.03


@given(person=people_of(SCORE2, 10))
def test_contributions_of_the_calibrated_predictor_add_up_to_the_person(person: dict[str, object]) -> None:
    assert_contributions_add_up(SCORE2, person)


@given(people=st.lists(people_of(SCORE2, 10), min_size=1, max_size=8))
def test_many_people_get_what_each_one_gets(people: list[dict[str, object]]) -> None:
    assert_many_people_get_what_each_one_gets(SCORE2, people)


def test_contribution_is_scaled_by_the_calibration_of_the_region() -> None:
    per_20_mmhg = 0.2777 - 0.0255 * (50 - 60) / 5
    for region, scale in zip(REGIONS, (0.7476, 0.8009, 0.9360, 0.8294), strict=True):
        found = shares(SCORE2, SMOKER | {"score2_region": region})["systolic_bp_mmhg"]
        assert found == pytest.approx(scale * per_20_mmhg, abs=1e-12)


def test_diabetes_computes_here_and_raises_the_risk() -> None:
    assert risk(SCORE2, SMOKER | {"has_diabetes": True}) > risk(SCORE2, SMOKER)


def test_every_bad_input_is_refused_by_name() -> None:
    assert_every_bad_input_is_refused_by_name(SCORE2, SMOKER)


def test_unset_region_is_refused_as_a_missing_setting() -> None:
    found = refusal(SCORE2, SMOKER | {"score2_region": None})
    assert found.reason_code == "REGION_UNSET"
    assert found.sentence == "SCORE2 needs the risk region of the hospital's country, and none is set."
    assert (found.field, found.value, found.limit) == ("score2_region", None, "one of low, moderate, high, very_high")


@pytest.mark.parametrize(("age", "code"), [(39, "AGE_BELOW_RANGE"), (70, "AGE_ABOVE_RANGE")])
def test_age_outside_40_to_69_is_refused(age: int, code: str) -> None:
    assert refusal(SCORE2, SMOKER | {"age_years": age}).reason_code == code


def test_reference_person_names_the_region() -> None:
    person = SMOKER | {"score2_region": "very_high"}
    sentence = explained(SCORE2, person).reference_person
    assert sentence.startswith("A man of 50 of the same group (very-high-risk region) with no diabetes, not smoking, ")


def test_every_coefficient_has_its_term() -> None:
    columns = {name: np.array([1.0]) for name in SMOKER}
    assert _terms(columns).keys() == {*COEFFICIENTS, "is_male", "region"}
