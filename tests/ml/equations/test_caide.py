"""CAIDE: strict inequalities at every cut, the published bands, and the band before the fitted probability."""

from __future__ import annotations

import pytest

from ml.equations.caide import (
    CAIDE_1,
    CAIDE_2,
    MODEL_1,
    MODEL_2,
    CaideModel,
    caide_1_points,
    caide_2_points,
    caide_band,
    caide_probability,
)
from ml.equations.points import PointsScore
from tests.ml.equations.score_properties import explained, points, refusal, shares

ZERO: dict[str, object] = {
    "age_years": 46,
    "sex": "female",
    "education_years": 10,
    "systolic_bp_mmhg": 140,
    "bmi_kg_m2": 30,
    "total_cholesterol_mmol_l": 6.5,
    "is_physically_active": True,
}
ZERO_2 = ZERO | {"is_apoe_e4_carrier": False}
WORST = {
    "age_years": 64,
    "sex": "male",
    "education_years": 0,
    "systolic_bp_mmhg": 141,
    "bmi_kg_m2": 30.1,
    "total_cholesterol_mmol_l": 6.51,
    "is_physically_active": False,
}
each_model = pytest.mark.parametrize(
    ("score", "zero", "model"), [(CAIDE_1, ZERO, MODEL_1), (CAIDE_2, ZERO_2, MODEL_2)], ids=["model 1", "model 2"]
)


@pytest.mark.parametrize(
    ("field", "value", "in_1", "in_2"),
    [
        ("age_years", 39, 0, 0),
        ("age_years", 46, 0, 0),
        ("age_years", 47, 3, 3),
        ("age_years", 53, 3, 3),
        ("age_years", 54, 4, 5),
        ("age_years", 64, 4, 5),
        ("education_years", 10, 0, 0),
        ("education_years", 9, 2, 3),
        ("education_years", 7, 2, 3),
        ("education_years", 6, 3, 4),
        ("education_years", 0, 3, 4),
        ("sex", "male", 1, 1),
        ("systolic_bp_mmhg", 140, 0, 0),
        ("systolic_bp_mmhg", 140.5, 2, 2),
        ("bmi_kg_m2", 30, 0, 0),
        ("bmi_kg_m2", 30.1, 2, 2),
        ("total_cholesterol_mmol_l", 6.5, 0, 0),
        ("total_cholesterol_mmol_l", 6.51, 2, 1),
        ("is_physically_active", False, 1, 1),
    ],
)
def test_points_at_every_cut(field: str, value: object, in_1: int, in_2: int) -> None:
    assert points(CAIDE_1, ZERO | {field: value}) == in_1
    assert points(CAIDE_2, ZERO_2 | {field: value}) == in_2


def test_apoe_e4_carriers_get_2_points_and_unknown_is_refused() -> None:
    assert points(CAIDE_2, ZERO_2 | {"is_apoe_e4_carrier": True}) == 2
    assert refusal(CAIDE_2, ZERO_2 | {"is_apoe_e4_carrier": None}).reason_code == "MISSING_APOE_E4"


def test_model_1_knows_no_genotype() -> None:
    assert "is_apoe_e4_carrier" not in {rule.field for rule in CAIDE_1.inputs}
    assert "is_apoe_e4_carrier" not in shares(CAIDE_1, WORST)


@each_model
def test_ends_of_the_scale_are_reached(score: PointsScore, zero: dict[str, object], model: CaideModel) -> None:
    assert points(score, zero) == 0 == score.score_low
    worst = WORST | ({"is_apoe_e4_carrier": True} if score is CAIDE_2 else {})
    assert points(score, worst) == model.highest == score.score_high


@each_model
@pytest.mark.parametrize(("age", "code"), [(38, "AGE_BELOW_RANGE"), (65, "AGE_ABOVE_RANGE")])
def test_ages_outside_midlife_are_refused(
    score: PointsScore, zero: dict[str, object], model: CaideModel, age: int, code: str
) -> None:
    found = refusal(score, zero | {"age_years": age})
    assert (found.reason_code, found.field, found.value) == (code, "age_years", age)
    assert found.sentence == f"{score.label} {'starts at age 39' if age < 39 else 'ends at age 64'}; " + (
        f"this person is {age}."
    )


@pytest.mark.parametrize(
    ("model", "printed"),
    [
        (MODEL_1, [1.0] * 6 + [1.9] * 2 + [4.2] * 2 + [7.4] * 2 + [16.4] * 4),
        (MODEL_2, [0.3] * 6 + [1.7] * 3 + [4.6] * 2 + [4.4] * 2 + [16.3] * 6),
    ],
)
def test_every_score_has_the_published_band(model: CaideModel, printed: list[float]) -> None:
    assert [caide_band(model, score)[2] for score in range(model.highest + 1)] == printed
    for outside in (-1, model.highest + 1):
        with pytest.raises(ValueError, match="outside 0 to"):
            caide_band(model, outside)


def test_probability_of_the_example_of_the_reference() -> None:
    assert 100 * caide_probability(MODEL_1, 10) == pytest.approx(6.913842034334684, abs=1e-12)
    assert 100 * caide_probability(MODEL_2, 10) == pytest.approx(4.058208690606227, abs=1e-12)


def test_meaning_gives_the_band_first_with_horizon_and_cohort() -> None:
    woman = ZERO | {
        "age_years": 50,
        "education_years": 8,
        "systolic_bp_mmhg": 150,
        "total_cholesterol_mmol_l": 7.0,
        "is_physically_active": False,
    }
    found = explained(CAIDE_1, woman)
    assert (found.score, found.risk) == (10, None)
    assert found.meaning.startswith("7.4 % of people with 10 to 11 points had dementia after 20 years, ")
    assert "Finnish cohort of 2006" in found.meaning
    assert found.meaning.index("7.4 %") < found.meaning.index("6.9 %")


def test_reference_person_is_a_woman_of_46_whoever_the_person_is() -> None:
    assert explained(CAIDE_1, WORST).reference_person.startswith("A woman of 46 with education 10 years, ")


def test_named_functions_give_whole_points() -> None:
    assert caide_1_points(**WORST) == 15
    assert caide_2_points(**WORST, is_apoe_e4_carrier=True) == 18
