"""ABCD2: every cut, one point for either pressure, and what the authors observed."""

from __future__ import annotations

import pytest

from ml.equations.abcd2 import ABCD2, abcd2_points
from tests.ml.equations.score_properties import explained, points, refusal, shares

ZERO: dict[str, object] = {
    "age_years": 59,
    "tia_systolic_bp_mmhg": 139,
    "tia_diastolic_bp_mmhg": 89,
    "tia_clinical_features": "neither",
    "tia_duration_minutes": 9,
    "has_diabetes": False,
}


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("age_years", 59, 0),
        ("age_years", 60, 1),
        ("tia_systolic_bp_mmhg", 140, 1),
        ("tia_diastolic_bp_mmhg", 90, 1),
        ("tia_clinical_features", "speech", 1),
        ("tia_clinical_features", "weakness", 2),
        ("tia_duration_minutes", 0, 0),
        ("tia_duration_minutes", 9.9, 0),
        ("tia_duration_minutes", 10, 1),
        ("tia_duration_minutes", 59.9, 1),
        ("tia_duration_minutes", 60, 2),
        ("has_diabetes", True, 1),
    ],
)
def test_points_at_every_cut(field: str, value: object, expected: int) -> None:
    assert points(ABCD2, ZERO | {field: value}) == expected


@pytest.mark.parametrize(
    ("systolic", "diastolic", "share_systolic", "share_diastolic"),
    [(139, 89, 0, 0), (140, 89, 1, 0), (139, 90, 0, 1), (140, 90, 1, 0)],
)
def test_either_pressure_earns_one_point_together(
    systolic: int, diastolic: int, share_systolic: int, share_diastolic: int
) -> None:
    found = shares(ABCD2, ZERO | {"tia_systolic_bp_mmhg": systolic, "tia_diastolic_bp_mmhg": diastolic})
    assert (found["tia_systolic_bp_mmhg"], found["tia_diastolic_bp_mmhg"]) == (share_systolic, share_diastolic)


@pytest.mark.parametrize(
    ("score", "printed"),
    [(0, "1.0 %"), (3, "1.0 %"), (4, "4.1 %"), (5, "4.1 %"), (6, "8.1 %"), (7, "8.1 %")],
)
def test_meaning_gives_the_two_day_risk_of_the_band_and_says_not_for_urgency(score: int, printed: str) -> None:
    sentence = ABCD2.meaning(float(score))
    assert f"{printed} had a stroke within 2 days" in sentence
    assert "guidelines do not use this score to decide urgency" in sentence


def test_features_read_as_words_in_the_reference_sentence() -> None:
    assert "neither weakness nor speech impairment" in explained(ABCD2, ZERO).reference_person


def test_features_not_recorded_are_refused() -> None:
    found = refusal(ABCD2, ZERO | {"tia_clinical_features": None})
    assert (found.reason_code, found.limit) == ("TIA_CLINICAL_FEATURES_UNKNOWN", "one of weakness, speech, neither")


def test_highest_score_is_7() -> None:
    worst = {
        "age_years": 60,
        "tia_systolic_bp_mmhg": 140,
        "tia_diastolic_bp_mmhg": 90,
        "tia_clinical_features": "weakness",
        "tia_duration_minutes": 60,
        "has_diabetes": True,
    }
    assert abcd2_points(**worst) == ABCD2.score_high == 7
