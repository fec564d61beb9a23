"""Brief Dementia Screening Indicator: every cut, one point a year from 65, and no percentage."""

from __future__ import annotations

import pytest

from ml.equations.bdsi import BDSI, bdsi_points, is_high_risk
from tests.ml.equations.score_properties import explained, points, refusal

ZERO: dict[str, object] = {
    "age_years": 65,
    "education_years": 12,
    "bmi_kg_m2": 18.5,
    "has_diabetes": False,
    "has_prior_stroke": False,
    "needs_help_with_money_or_medication": False,
    "has_depressive_symptoms": False,
}


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("education_years", 12, 0),
        ("education_years", 11.9, 9),
        ("bmi_kg_m2", 18.5, 0),
        ("bmi_kg_m2", 18.4, 8),
        ("has_diabetes", True, 3),
        ("has_prior_stroke", True, 6),
        ("needs_help_with_money_or_medication", True, 10),
        ("has_depressive_symptoms", True, 6),
    ],
)
def test_points_at_every_cut(field: str, value: object, expected: int) -> None:
    assert points(BDSI, ZERO | {field: value}) == expected


def test_each_year_from_65_adds_one_point() -> None:
    assert [points(BDSI, ZERO | {"age_years": age}) for age in range(65, 80)] == list(range(15))


@pytest.mark.parametrize(("age", "code"), [(64, "AGE_BELOW_RANGE"), (80, "AGE_ABOVE_RANGE")])
def test_ages_outside_65_to_79_are_refused(age: int, code: str) -> None:
    assert refusal(BDSI, ZERO | {"age_years": age}).reason_code == code


def test_cut_off_is_22_and_is_called_a_screening_indicator_of_one_code() -> None:
    assert [is_high_risk(score) for score in (21, 22)] == [False, True]
    below, above = BDSI.meaning(21.0), BDSI.meaning(22.0)
    assert below.startswith("Below the cut-off of 22 points") and above.startswith("At or above")
    for sentence in (below, above):
        assert "one public code" in sentence and "screening indicator" in sentence and "%" not in sentence


def test_highest_score_is_the_end_of_the_scale_and_no_sex_is_needed() -> None:
    yes = {field: True for field, value in ZERO.items() if value is False}
    worst = ZERO | yes | {"age_years": 79, "education_years": 0, "bmi_kg_m2": 17}
    found = explained(BDSI, worst)
    assert found.score == bdsi_points(**worst) == BDSI.score_high == 56
    assert found.reference_person.startswith("A person of 65 with education 12 years, ")
