"""CAIDE 2006: points for dementia 20 years after midlife, without (1) and with (2) the APOE genotype.

Kivipelto M, Ngandu T, Laatikainen T, et al. Risk score for the prediction of dementia risk in 20 years among middle
aged people. Lancet Neurol 2006;5:735-741. doi:10.1016/S1474-4422(06)70537-3. One Finnish cohort, ages 39 to 64; people
who died of something else are not accounted for. Never beside a 10-year figure without saying that it spans 20 years.

What was observed in a band of points comes first; the probability from a logistic curve over the points disagrees with
it here and there and comes second. The bands of model 2 are not monotone, as published.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from ml.equations import vocabulary
from ml.equations.inputs import Age, Columns, FloatArray, Rule, YesNo
from ml.equations.points import PointsScore, points_of_person
from ml.equations.score_inputs import BMI, EDUCATION, PHYSICALLY_ACTIVE, SYSTOLIC_BP, TOTAL_CHOLESTEROL
from ml.types import Sex


@dataclass(frozen=True, slots=True)
class CaideModel:
    """The points, bands and fitted probability of one of the two models."""

    age_47_to_53: int
    age_above_53: int
    education_7_to_9: int
    education_below_7: int
    male: int
    systolic_bp_above_140: int
    bmi_above_30: int
    cholesterol_above_6_5: int
    inactive: int
    apoe_e4: int
    highest: int
    bands: tuple[tuple[int, int, float], ...]  # (from, to) points, observed percent with dementia after 20 years
    intercept: float
    intercept_20_years: float
    log_odds_per_point: float


MODEL_1 = CaideModel(
    age_47_to_53=3,
    age_above_53=4,
    education_7_to_9=2,
    education_below_7=3,
    male=1,
    systolic_bp_above_140=2,
    bmi_above_30=2,
    cholesterol_above_6_5=2,
    inactive=1,
    apoe_e4=0,
    highest=15,
    bands=((0, 5, 1.0), (6, 7, 1.9), (8, 9, 4.2), (10, 11, 7.4), (12, 15, 16.4)),
    intercept=-7.406,
    intercept_20_years=0.796,
    log_odds_per_point=0.401,
)
MODEL_2 = CaideModel(
    age_47_to_53=3,
    age_above_53=5,
    education_7_to_9=3,
    education_below_7=4,
    male=1,
    systolic_bp_above_140=2,
    bmi_above_30=2,
    cholesterol_above_6_5=1,
    inactive=1,
    apoe_e4=2,
    highest=18,
    bands=((0, 5, 0.3), (6, 8, 1.7), (9, 10, 4.6), (11, 12, 4.4), (13, 18, 16.3)),
    intercept=-8.083,
    intercept_20_years=1.020,
    log_odds_per_point=0.390,
)

APOE_E4 = YesNo(
    field="is_apoe_e4_carrier",
    code="APOE_E4",
    question="carries the APOE e4 allele",
    absent="no APOE e4 allele",
    present="an APOE e4 allele",
)
_RULES: tuple[Rule, ...] = (
    Age(low=39, high=64, source="ages studied, Lancet Neurol 2006;5:735-741"),
    vocabulary.SEX,
    EDUCATION,
    SYSTOLIC_BP,
    BMI,
    TOTAL_CHOLESTEROL,
    PHYSICALLY_ACTIVE,
)


def caide_band(model: CaideModel, points: float) -> tuple[int, int, float]:
    """The band of `points`: from, to, and the percent of it with dementia after 20 years, Finnish cohort of 2006.

    Parameters
    ----------
    model : CaideModel
        MODEL_1 or MODEL_2.
    points : float
        0-15 (model 1) or 0-18 (model 2).

    Returns
    -------
    tuple of int, int, float
        First and last points of the band; percent observed, 0-100.

    Raises
    ------
    ValueError
        `points` lie outside the scale of `model`.

    References
    ----------
    Kivipelto M et al. Lancet Neurol 2006;5:735-741. doi:10.1016/S1474-4422(06)70537-3

    Examples
    --------
    >>> caide_band(MODEL_1, 10)
    (10, 11, 7.4)
    """
    for low, high, percent in model.bands:
        if low <= points <= high:
            return low, high, percent
    raise ValueError(f"{points} points lie outside 0 to {model.highest}")


def caide_probability(model: CaideModel, points: float) -> float:
    """The probability of dementia after 20 years by a logistic curve over the points, as two public codes have it.

    p = 1 / (1 + exp(-(b0 + b20 + b x points))) with b0 -7.406, b20 0.796, b 0.401 (model 1) or -8.083, 1.020, 0.390
    (model 2). Secondary to the risk observed in the band.

    Parameters
    ----------
    model : CaideModel
        MODEL_1 or MODEL_2.
    points
        0-15 (model 1) or 0-18 (model 2).

    Returns
    -------
    float
        Probability between 0 and 1.

    References
    ----------
    Kivipelto M et al. Lancet Neurol 2006;5:735-741. doi:10.1016/S1474-4422(06)70537-3

    Examples
    --------
    >>> round(caide_probability(MODEL_1, 10), 4), round(caide_probability(MODEL_2, 10), 4)
    (0.0691, 0.0406)
    """
    return 1.0 / (1.0 + math.exp(-(model.intercept + model.intercept_20_years + model.log_odds_per_point * points)))


def _points(model: CaideModel, person: Columns) -> dict[str, FloatArray]:
    age, education = person["age_years"], person["education_years"]
    points: dict[str, FloatArray] = {
        "age_years": np.where(age > 53, model.age_above_53, np.where(age >= 47, model.age_47_to_53, 0.0)),
        "sex": model.male * (person["sex"] != vocabulary.FEMALE).astype(np.float64),
        "education_years": np.where(
            education < 7, model.education_below_7, np.where(education < 10, model.education_7_to_9, 0.0)
        ),
        "systolic_bp_mmhg": model.systolic_bp_above_140 * (person["systolic_bp_mmhg"] > 140).astype(np.float64),
        "bmi_kg_m2": model.bmi_above_30 * (person["bmi_kg_m2"] > 30).astype(np.float64),
        "total_cholesterol_mmol_l": model.cholesterol_above_6_5
        * (person["total_cholesterol_mmol_l"] > 6.5).astype(np.float64),
        "is_physically_active": model.inactive * (1.0 - person["is_physically_active"]),
    }
    if "is_apoe_e4_carrier" in person:
        points["is_apoe_e4_carrier"] = model.apoe_e4 * person["is_apoe_e4_carrier"]
    return points


def _meaning(model: CaideModel, score: float) -> str:
    low, high, percent = caide_band(model, score)
    fitted = 100 * caide_probability(model, score)
    return (
        f"{percent:.1f} % of people with {low} to {high} points had dementia after 20 years, Finnish cohort of 2006, "
        f"deaths from other causes not accounted for; a logistic curve over the points gives "
        f"{fitted:.1f} %."
    )


_REFERENCE = {
    "age_years": 46.0,
    "sex": vocabulary.FEMALE,
    "education_years": 10.0,
    "systolic_bp_mmhg": vocabulary.REFERENCE_SYSTOLIC_BP_MMHG,
    "bmi_kg_m2": vocabulary.REFERENCE_BMI_KG_M2,
    "total_cholesterol_mmol_l": vocabulary.REFERENCE_TOTAL_CHOLESTEROL_MMOL_L,
    "is_physically_active": 1.0,
}
_CITATION = "Kivipelto M, Ngandu T, Laatikainen T, et al. Lancet Neurol 2006;5:735-741"
_DOI = "10.1016/S1474-4422(06)70537-3"

CAIDE_1 = PointsScore(
    name="caide_1",
    version="2006",
    label="CAIDE 1",
    citation=_CITATION,
    doi=_DOI,
    module=__name__,
    outcomes=("dementia",),
    rules={20: _RULES},
    reference=_REFERENCE,
    points=partial(_points, MODEL_1),
    score_low=0.0,
    score_high=float(MODEL_1.highest),
    meaning=partial(_meaning, MODEL_1),
)
CAIDE_2 = PointsScore(
    name="caide_2",
    version="2006",
    label="CAIDE 2",
    citation=_CITATION,
    doi=_DOI,
    module=__name__,
    outcomes=("dementia",),
    rules={20: (*_RULES, APOE_E4)},
    reference={**_REFERENCE, "is_apoe_e4_carrier": 0.0},
    points=partial(_points, MODEL_2),
    score_low=0.0,
    score_high=float(MODEL_2.highest),
    meaning=partial(_meaning, MODEL_2),
)


def caide_1_points(
    *,
    age_years: float | None,
    sex: Sex | None,
    education_years: float | None,
    systolic_bp_mmhg: float | None,
    bmi_kg_m2: float | None,
    total_cholesterol_mmol_l: float | None,
    is_physically_active: bool | None,
) -> int:
    """Points of CAIDE model 1, 0 to 15.

    Age 47-53: 3, above 53: 4; education 7-9 years: 2, less: 3; men 1; systolic pressure above 140 mmHg: 2; body mass
    index above 30 kg/m²: 2; total cholesterol above 6.5 mmol/L: 2; inactive: 1. Every "above" is strict.
    Many people at once: `points_of_people(CAIDE_1)`.

    Parameters
    ----------
    age_years
        39-64 completed years.
    sex
        "female" or "male".
    education_years
        Years of education, 0-40: plausibility limits.
    systolic_bp_mmhg, bmi_kg_m2, total_cholesterol_mmol_l
        50-300 mmHg, 10-90 kg/m², 1.5-20 mmol/L: plausibility limits.
    is_physically_active
        At least twice a week for 20-30 minutes with sweating and breathlessness.

    Returns
    -------
    int
        Points; see `caide_band` for what was observed.

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range.

    References
    ----------
    Kivipelto M et al. Lancet Neurol 2006;5:735-741. doi:10.1016/S1474-4422(06)70537-3

    Examples
    --------
    >>> caide_1_points(age_years=50, sex="female", education_years=8, systolic_bp_mmhg=150, bmi_kg_m2=27,
    ...     total_cholesterol_mmol_l=7.0, is_physically_active=False)
    10
    """
    return int(points_of_person(CAIDE_1, person=locals()))


def caide_2_points(
    *,
    is_apoe_e4_carrier: bool | None,
    age_years: float | None,
    sex: Sex | None,
    education_years: float | None,
    systolic_bp_mmhg: float | None,
    bmi_kg_m2: float | None,
    total_cholesterol_mmol_l: float | None,
    is_physically_active: bool | None,
) -> int:
    """Points of CAIDE model 2, 0 to 18, with the APOE genotype.

    Age 47-53: 3, above 53: 5; education 7-9 years: 3, less: 4; men 1; systolic pressure above 140 mmHg: 2; body mass
    index above 30 kg/m²: 2; total cholesterol above 6.5 mmol/L: 1; inactive: 1; APOE e4 carrier: 2.
    Many people at once: `points_of_people(CAIDE_2)`.

    Parameters
    ----------
    is_apoe_e4_carrier
        At least one e4 allele, by a clinical test; unknown (None) is refused.
    sex
        "female" or "male".
    education_years
        Years of education, 0-40: plausibility limits.
    age_years, systolic_bp_mmhg, bmi_kg_m2, total_cholesterol_mmol_l, is_physically_active
        As in `caide_1_points`.

    Returns
    -------
    int
        Points; see `caide_band` for what was observed.

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range.

    References
    ----------
    Kivipelto M et al. Lancet Neurol 2006;5:735-741. doi:10.1016/S1474-4422(06)70537-3

    Examples
    --------
    >>> caide_2_points(is_apoe_e4_carrier=False, age_years=50, sex="female", education_years=8, systolic_bp_mmhg=150,
    ...     bmi_kg_m2=27, total_cholesterol_mmol_l=7.0, is_physically_active=False)
    10
    """
    return int(points_of_person(CAIDE_2, person=locals()))
