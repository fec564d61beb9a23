"""Framingham Stroke Risk Profile, revised 2017: 10-year risk of a first stroke.

Dufouil C, Beiser A, McLure LA, et al. Revised Framingham Stroke Risk Profile to Reflect Temporal Trends. Circulation
2017;135:1145-1159. doi:10.1161/CIRCULATIONAHA.115.021275. For people free of stroke and TIA; the baseline survival for
fewer than 10 years rests on one source and is not part of this project.

The coefficients agree in four public codes; the diabetes terms are those of three of them (a fourth has the two
swapped). Pressure below 120 mmHg lowers the risk: one public code clamps it at 120, the others do not.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ml.equations import vocabulary
from ml.equations.equation import COMPLEMENTARY_LOG_LOG, RiskEquation, risk_of_person, weighted_sum
from ml.equations.inputs import Age, Columns, FloatArray, Rule
from ml.equations.score_inputs import ATRIAL_FIBRILLATION, PRIOR_CARDIOVASCULAR_DISEASE
from ml.types import Sex

# Terms in the order of `_terms`: (women, men).
COEFFICIENTS: Mapping[str, tuple[float, float]] = {
    "age_decades": (0.87938, 0.49716),
    "smoking": (0.51127, 0.47254),
    "cardiovascular_disease": (-0.03035, 0.45341),
    "atrial_fibrillation": (1.20720, 0.08064),
    "age_65_or_more": (0.39796, 0.45426),
    "diabetes_below_65": (1.07111, 1.35304),
    "diabetes_from_65": (0.06565, 0.34385),
    "antihypertensive": (0.13085, 0.82598),
    "untreated_sbp": (0.11303, 0.27323),
    "treated_sbp": (0.17234, 0.09793),
}
MEAN = (6.6170719, 4.4227101)
BASELINE_SURVIVAL_10_YEARS = (0.95911, 0.94451)
_COEFFICIENTS = np.array([*COEFFICIENTS.values()])  # (terms, sexes)
_BASELINE = tuple(
    np.log(-np.log(survival)) - mean for survival, mean in zip(BASELINE_SURVIVAL_10_YEARS, MEAN, strict=True)
)

# The paper gives no upper age and no limits of pressure. 86 is the last age in the scope of the profile it revises;
# independent implementations were compared with this one from 91 to 208 mmHg.
AGE = Age(low=55, high=86, source="from 55, Circulation 2017;135:1145-1159; to 86, the scope of the 1991 profile")
SYSTOLIC_BP = vocabulary.systolic_bp(
    low=90, high=210, source="limit of this project, around the range compared with other implementations"
)
_RULES: tuple[Rule, ...] = (
    AGE,
    vocabulary.SEX,
    SYSTOLIC_BP,
    vocabulary.ANTIHYPERTENSIVE,
    vocabulary.DIABETES,
    vocabulary.SMOKING,
    PRIOR_CARDIOVASCULAR_DISEASE,
    ATRIAL_FIBRILLATION,
)


def _terms(person: Columns) -> dict[str, FloatArray]:
    """Every term of the model, for (N,) columns in canonical units of people of one sex, and which sex that is."""
    is_65_or_more = (person["age_years"] >= 65).astype(np.float64)
    treated, diabetes = person["takes_antihypertensive"], person["has_diabetes"]
    sbp_steps = (person["systolic_bp_mmhg"] - 120.0) / 10.0
    return {
        "sex": person["sex"],
        "age_decades": person["age_years"] / 10.0,
        "smoking": person["is_current_smoker"],
        "cardiovascular_disease": person["has_prior_cardiovascular_disease"],
        "atrial_fibrillation": person["has_atrial_fibrillation"],
        "age_65_or_more": is_65_or_more,
        "diabetes_below_65": diabetes * (1.0 - is_65_or_more),
        "diabetes_from_65": diabetes * is_65_or_more,
        "antihypertensive": treated,
        "untreated_sbp": sbp_steps * (1.0 - treated),
        "treated_sbp": sbp_steps * treated,
    }


def _linear_predictor(outcome: str, horizon_years: int, value_of: Columns) -> FloatArray:
    sex = 0 if value_of["sex"][0] == vocabulary.FEMALE else 1
    return weighted_sum(_BASELINE[sex], _COEFFICIENTS, sex, [value_of[term] for term in COEFFICIENTS])


FSRP_2017 = RiskEquation(
    name="fsrp_2017",
    version="2017",
    label="Framingham Stroke 2017",
    citation="Dufouil C, Beiser A, McLure LA, et al. Circulation 2017;135:1145-1159",
    doi="10.1161/CIRCULATIONAHA.115.021275",
    module=__name__,
    outcomes=("stroke",),
    rules={10: _RULES},
    terms=_terms,
    linear_predictor=_linear_predictor,
    link=COMPLEMENTARY_LOG_LOG,
    reference={
        "takes_antihypertensive": 0.0,
        "has_diabetes": 0.0,
        "is_current_smoker": 0.0,
        "has_prior_cardiovascular_disease": 0.0,
        "has_atrial_fibrillation": 0.0,
        "systolic_bp_mmhg": vocabulary.REFERENCE_SYSTOLIC_BP_MMHG,
    },
    unused={},
)


def fsrp_2017_risk(
    *,
    age_years: float | None,
    sex: Sex | None,
    systolic_bp_mmhg: float | None,
    takes_antihypertensive: bool | None,
    has_diabetes: bool | None,
    is_current_smoker: bool | None,
    has_prior_cardiovascular_disease: bool | None,
    has_atrial_fibrillation: bool | None,
) -> float:
    """10-year risk of a first stroke, as a probability.

    risk = 1 - S0 ** exp(sum(coefficient x term) - mean), coefficients, S0 and mean by sex; pressure counts as
    (SBP - 120) / 10 with one coefficient if untreated and another if treated, diabetes with one below 65 and another
    from 65. Many people at once: `risk_of_people(FSRP_2017)`.

    Parameters
    ----------
    age_years
        55-86 completed years.
    sex
        "female" or "male".
    systolic_bp_mmhg
        90-210 mmHg; below 120 it lowers the risk.
    has_prior_cardiovascular_disease
        Coronary heart disease, heart failure or intermittent claudication, as the 1991 profile defines it.
    has_atrial_fibrillation
        The coefficient in men is near zero (0.08).
    takes_antihypertensive, has_diabetes, is_current_smoker
        True or False; None is not recorded and refused.

    Returns
    -------
    float
        Probability between 0 and 1, not rounded. The profile publishes no interval.

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range.

    References
    ----------
    Dufouil C et al. Circulation 2017;135:1145-1159. doi:10.1161/CIRCULATIONAHA.115.021275

    Examples
    --------
    >>> round(fsrp_2017_risk(age_years=67, sex="male", systolic_bp_mmhg=145, takes_antihypertensive=True,
    ...     has_diabetes=True, is_current_smoker=False, has_prior_cardiovascular_disease=False,
    ...     has_atrial_fibrillation=False), 6)
    0.116785
    """
    return risk_of_person(FSRP_2017, outcome="stroke", horizon_years=10, person=locals())
