"""LIBRA: the definitions of its factors, the published ends of its scale, and that it is called partly verified."""

from __future__ import annotations

import pytest

from ml.equations.libra import LIBRA, WEIGHTS, libra_of_factors, libra_points
from tests.ml.equations.score_properties import explained, points

ZERO: dict[str, object] = {
    "has_coronary_heart_disease": False,
    "is_physically_active": True,
    "egfr_ml_min_173m2": 60,
    "has_diabetes": False,
    "total_cholesterol_mmol_l": 5.0,
    "hdl_cholesterol_mmol_l": 1.0,
    "is_current_smoker": False,
    "bmi_kg_m2": 29.9,
    "has_hypertension": False,
    "has_depressive_symptoms": False,
    "eats_mediterranean_diet": False,
    "drinks_low_to_moderate_alcohol": False,
    "has_high_cognitive_activity": False,
}
CHANGES: dict[str, dict[str, object]] = {
    "coronary_heart_disease": {"has_coronary_heart_disease": True},
    "physical_inactivity": {"is_physically_active": False},
    "renal_dysfunction": {"egfr_ml_min_173m2": 59.9},
    "diabetes": {"has_diabetes": True},
    "high_cholesterol": {"total_cholesterol_mmol_l": 5.01},
    "smoking": {"is_current_smoker": True},
    "obesity": {"bmi_kg_m2": 30},
    "hypertension": {"has_hypertension": True},
    "depression": {"has_depressive_symptoms": True},
    "healthy_diet": {"eats_mediterranean_diet": True},
    "low_moderate_alcohol": {"drinks_low_to_moderate_alcohol": True},
    "high_cognitive_activity": {"has_high_cognitive_activity": True},
}


def test_nothing_present_scores_0_just_short_of_every_cut() -> None:
    assert points(LIBRA, ZERO) == 0.0


@pytest.mark.parametrize(("factor", "change"), CHANGES.items())
def test_each_clinical_input_stands_for_its_factor(factor: str, change: dict[str, object]) -> None:
    alone = libra_of_factors({name: name == factor for name in WEIGHTS})
    assert points(LIBRA, ZERO | change) == alone == WEIGHTS[factor]


def test_published_ends_of_the_scale_are_reached() -> None:
    worst = {name: weight > 0 for name, weight in WEIGHTS.items()}
    assert libra_of_factors(worst) == LIBRA.score_high == 12.7
    assert libra_of_factors({name: not bad for name, bad in worst.items()}) == LIBRA.score_low == -5.9
    best = ZERO | CHANGES["healthy_diet"] | CHANGES["low_moderate_alcohol"] | CHANGES["high_cognitive_activity"]
    assert libra_points(**best) == -5.9


def test_forgotten_or_unknown_factor_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="exactly the factors"):
        libra_of_factors({"diabetes": True})


def test_meaning_says_partly_verified_and_gives_no_personal_percentage() -> None:
    assert "partly verified" in explained(LIBRA, ZERO).meaning
    assert explained(LIBRA, ZERO).risk is None
