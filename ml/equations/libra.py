"""LIBRA, Lifestyle for Brain Health 2018: a weighted index of twelve factors that people can change. Partly verified.

Schiepers OJG, Köhler S, Deckers K, et al. Lifestyle for Brain Health (LIBRA): a new model for dementia prevention.
Int J Geriatr Psychiatry 2018;33:167-175. doi:10.1002/gps.4700. The weights of eleven factors, and how each is defined,
were read in table 1 of PMC8689157; the weight of high cognitive activity (-3.2) was not, but makes the range exactly
the published -5.9 to 12.7. That table widens coronary heart disease to any cardiovascular disease; here it is the
original factor. Computed for the API, not shown. No percentage is attached to it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ml.equations import vocabulary
from ml.equations.inputs import Columns, FloatArray, Rule, YesNo
from ml.equations.points import PointsScore, points_of_person
from ml.equations.score_inputs import (
    BMI,
    DEPRESSIVE_SYMPTOMS,
    EGFR,
    HDL_CHOLESTEROL,
    HYPERTENSION,
    PHYSICALLY_ACTIVE,
    TOTAL_CHOLESTEROL,
)

WEIGHTS: Mapping[str, float] = {
    "coronary_heart_disease": 1.0,
    "physical_inactivity": 1.1,
    "renal_dysfunction": 1.1,
    "diabetes": 1.3,
    "high_cholesterol": 1.4,
    "smoking": 1.5,
    "obesity": 1.6,
    "hypertension": 1.6,
    "depression": 2.1,
    "healthy_diet": -1.7,
    "low_moderate_alcohol": -1.0,
    "high_cognitive_activity": -3.2,
}
# Definitions of table 1 of PMC8689157.
RENAL_DYSFUNCTION_BELOW_EGFR, OBESITY_FROM_BMI, HIGH_CHOLESTEROL_ABOVE_RATIO_TO_HDL = 60.0, 30.0, 5.0

CORONARY_HEART_DISEASE = YesNo(
    field="has_coronary_heart_disease",
    code="CORONARY_HEART_DISEASE",
    question="has coronary heart disease",
    absent="no coronary heart disease",
    present="coronary heart disease",
)
MEDITERRANEAN_DIET = YesNo(
    field="eats_mediterranean_diet",
    code="MEDITERRANEAN_DIET",
    question="eats a Mediterranean diet",
    absent="no Mediterranean diet",
    present="a Mediterranean diet",
)
LOW_TO_MODERATE_ALCOHOL = YesNo(
    field="drinks_low_to_moderate_alcohol",
    code="ALCOHOL",
    question="drinks no alcohol or little to moderate amounts",
    absent="more than moderate alcohol",
    present="no alcohol or little to moderate amounts",
)
HIGH_COGNITIVE_ACTIVITY = YesNo(
    field="has_high_cognitive_activity",
    code="COGNITIVE_ACTIVITY",
    question="has high cognitive activity",
    absent="no high cognitive activity",
    present="high cognitive activity",
)
_RULES: tuple[Rule, ...] = (
    CORONARY_HEART_DISEASE,
    PHYSICALLY_ACTIVE,
    EGFR,
    vocabulary.DIABETES,
    TOTAL_CHOLESTEROL,
    HDL_CHOLESTEROL,
    vocabulary.SMOKING,
    BMI,
    HYPERTENSION,
    DEPRESSIVE_SYMPTOMS,
    MEDITERRANEAN_DIET,
    LOW_TO_MODERATE_ALCOHOL,
    HIGH_COGNITIVE_ACTIVITY,
)


def libra_of_factors(factors: Mapping[str, bool]) -> float:
    """LIBRA of the twelve factors of `WEIGHTS`, each present or not; -5.9 (best) to 12.7.

    Parameters
    ----------
    factors : mapping of str to bool
        Exactly the names of `WEIGHTS`.

    Returns
    -------
    float
        The sum of the weights of the factors present, to one decimal.

    Raises
    ------
    ValueError
        A factor is missing or unknown.

    References
    ----------
    Schiepers OJG et al. Int J Geriatr Psychiatry 2018;33:167-175. doi:10.1002/gps.4700

    Examples
    --------
    >>> libra_of_factors({factor: WEIGHTS[factor] < 0 for factor in WEIGHTS})
    -5.9
    """
    if factors.keys() != WEIGHTS.keys():
        raise ValueError(f"LIBRA needs exactly the factors {', '.join(WEIGHTS)}")
    return round(sum(weight for factor, weight in WEIGHTS.items() if factors[factor]), 1)


def _points(person: Columns) -> dict[str, FloatArray]:
    ratio = person["total_cholesterol_mmol_l"] / person["hdl_cholesterol_mmol_l"]
    has_renal_dysfunction = person["egfr_ml_min_173m2"] < RENAL_DYSFUNCTION_BELOW_EGFR
    has_high_cholesterol = ratio > HIGH_CHOLESTEROL_ABOVE_RATIO_TO_HDL
    is_obese = person["bmi_kg_m2"] >= OBESITY_FROM_BMI
    return {
        "has_coronary_heart_disease": WEIGHTS["coronary_heart_disease"] * person["has_coronary_heart_disease"],
        "is_physically_active": WEIGHTS["physical_inactivity"] * (1.0 - person["is_physically_active"]),
        "egfr_ml_min_173m2": WEIGHTS["renal_dysfunction"] * has_renal_dysfunction.astype(np.float64),
        "has_diabetes": WEIGHTS["diabetes"] * person["has_diabetes"],
        "total_cholesterol_mmol_l": WEIGHTS["high_cholesterol"] * has_high_cholesterol.astype(np.float64),
        "is_current_smoker": WEIGHTS["smoking"] * person["is_current_smoker"],
        "bmi_kg_m2": WEIGHTS["obesity"] * is_obese.astype(np.float64),
        "has_hypertension": WEIGHTS["hypertension"] * person["has_hypertension"],
        "has_depressive_symptoms": WEIGHTS["depression"] * person["has_depressive_symptoms"],
        "eats_mediterranean_diet": WEIGHTS["healthy_diet"] * person["eats_mediterranean_diet"],
        "drinks_low_to_moderate_alcohol": WEIGHTS["low_moderate_alcohol"] * person["drinks_low_to_moderate_alcohol"],
        "has_high_cognitive_activity": WEIGHTS["high_cognitive_activity"] * person["has_high_cognitive_activity"],
    }


def _meaning(score: float) -> str:
    return (
        "Each further point went with a 19 % higher risk of dementia in the Maastricht Ageing Study (2018); partly "
        "verified: the weight of high cognitive activity was not read in the paper."
    )


LIBRA = PointsScore(
    name="libra",
    version="2018",
    label="LIBRA",
    citation="Schiepers OJG, Köhler S, Deckers K, et al. Int J Geriatr Psychiatry 2018;33:167-175",
    doi="10.1002/gps.4700",
    module=__name__,
    outcomes=("dementia",),
    rules={0: _RULES},
    reference={
        "has_coronary_heart_disease": 0.0,
        "is_physically_active": 1.0,
        "egfr_ml_min_173m2": vocabulary.REFERENCE_EGFR_ML_MIN_173M2,
        "has_diabetes": 0.0,
        "total_cholesterol_mmol_l": vocabulary.REFERENCE_TOTAL_CHOLESTEROL_MMOL_L,
        "hdl_cholesterol_mmol_l": vocabulary.REFERENCE_HDL_CHOLESTEROL_MMOL_L,
        "is_current_smoker": 0.0,
        "bmi_kg_m2": vocabulary.REFERENCE_BMI_KG_M2,
        "has_hypertension": 0.0,
        "has_depressive_symptoms": 0.0,
        "eats_mediterranean_diet": 0.0,
        "drinks_low_to_moderate_alcohol": 0.0,
        "has_high_cognitive_activity": 0.0,
    },
    points=_points,
    score_low=-5.9,
    score_high=12.7,
    meaning=_meaning,
)


def libra_points(
    *,
    has_coronary_heart_disease: bool | None,
    is_physically_active: bool | None,
    egfr_ml_min_173m2: float | None,
    has_diabetes: bool | None,
    total_cholesterol_mmol_l: float | None,
    hdl_cholesterol_mmol_l: float | None,
    is_current_smoker: bool | None,
    bmi_kg_m2: float | None,
    has_hypertension: bool | None,
    has_depressive_symptoms: bool | None,
    eats_mediterranean_diet: bool | None,
    drinks_low_to_moderate_alcohol: bool | None,
    has_high_cognitive_activity: bool | None,
) -> float:
    """LIBRA from clinical inputs, -5.9 (best) to 12.7.

    The sum of `WEIGHTS` over the factors present: renal dysfunction is an eGFR below 60, high cholesterol a ratio of
    total to HDL cholesterol above 5, obesity a body mass index from 30. Many people at once: `points_of_people(LIBRA)`.

    Parameters
    ----------
    egfr_ml_min_173m2, total_cholesterol_mmol_l, hdl_cholesterol_mmol_l, bmi_kg_m2
        1-250 mL/min/1.73 m², 1.5-20 and 0.2-5 mmol/L, 10-90 kg/m²: plausibility limits.
    has_coronary_heart_disease, is_physically_active, has_diabetes, is_current_smoker, has_hypertension,
    has_depressive_symptoms, eats_mediterranean_diet, drinks_low_to_moderate_alcohol, has_high_cognitive_activity
        True or False; None is not recorded and refused.

    Returns
    -------
    float
        Points, to one decimal.

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range.

    References
    ----------
    Schiepers OJG et al. Int J Geriatr Psychiatry 2018;33:167-175. doi:10.1002/gps.4700

    Examples
    --------
    >>> libra_points(has_coronary_heart_disease=False, is_physically_active=False, egfr_ml_min_173m2=59,
    ...     has_diabetes=False, total_cholesterol_mmol_l=5.5, hdl_cholesterol_mmol_l=1.0, is_current_smoker=True,
    ...     bmi_kg_m2=30, has_hypertension=True, has_depressive_symptoms=False, eats_mediterranean_diet=True,
    ...     drinks_low_to_moderate_alcohol=True, has_high_cognitive_activity=False)
    5.6
    """
    return points_of_person(LIBRA, person=locals())
