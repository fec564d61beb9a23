"""CHA2DS2-VASc and -VA: every item, both age bands, and the two scores side by side."""

from __future__ import annotations

import pytest
from hypothesis import given

from ml.equations.cha2ds2 import CHA2DS2_VA, CHA2DS2_VASC, cha2ds2_va_points, cha2ds2_vasc_points
from tests.ml.equations.people import people_of
from tests.ml.equations.score_properties import explained, points, shares

ZERO: dict[str, object] = {
    "age_years": 64,
    "has_heart_failure": False,
    "has_hypertension": False,
    "has_diabetes": False,
    "has_prior_stroke_or_tia": False,
    "has_vascular_disease": False,
}
ITEMS = {
    "has_heart_failure": 1,
    "has_hypertension": 1,
    "has_diabetes": 1,
    "has_prior_stroke_or_tia": 2,
    "has_vascular_disease": 1,
}


@pytest.mark.parametrize(("field", "expected"), ITEMS.items())
def test_each_item_scores_its_points(field: str, expected: int) -> None:
    assert points(CHA2DS2_VA, ZERO | {field: True}) == expected
    assert points(CHA2DS2_VASC, ZERO | {"sex": "male", field: True}) == expected


@pytest.mark.parametrize(("age", "expected"), [(18, 0), (64, 0), (65, 1), (74, 1), (75, 2), (120, 2)])
def test_age_bands(age: int, expected: int) -> None:
    assert points(CHA2DS2_VA, ZERO | {"age_years": age}) == expected


@given(person=people_of(CHA2DS2_VASC, 0))
def test_vasc_is_va_plus_one_in_women(person: dict[str, object]) -> None:
    without_sex = {name: value for name, value in person.items() if name != "sex"}
    assert points(CHA2DS2_VASC, person) - points(CHA2DS2_VA, without_sex) == (person["sex"] == "female")


def test_ends_of_both_scales() -> None:
    worst = ZERO | dict.fromkeys(ITEMS, True) | {"age_years": 75}
    assert cha2ds2_va_points(**worst) == CHA2DS2_VA.score_high == 8
    assert cha2ds2_vasc_points(**worst, sex="female") == CHA2DS2_VASC.score_high == 9


def test_sex_is_a_contribution_of_vasc_and_unknown_to_va() -> None:
    assert shares(CHA2DS2_VASC, ZERO | {"sex": "female"})["sex"] == 1.0
    assert "sex" not in shares(CHA2DS2_VA, ZERO)


def test_no_rate_is_attached_and_the_guideline_has_a_year() -> None:
    for score, person in ((CHA2DS2_VA, ZERO), (CHA2DS2_VASC, ZERO | {"sex": "male"})):
        found = explained(score, person)
        assert found.risk is None
        assert "%" not in found.meaning and "no annual rate" in found.meaning and "2024" in found.meaning
