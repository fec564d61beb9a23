"""SCORE2-OP: 10-year risk of fatal and non-fatal cardiovascular disease in four European regions, ages 70 to 89.

SCORE2-OP working group and ESC Cardiovascular risk collaboration. SCORE2-OP risk prediction algorithms: estimating
incident cardiovascular event risk in older persons in four geographical risk regions. Eur Heart J 2021;42:2455-2467.
doi:10.1093/eurheartj/ehab312. The constants are the rounded ones that the paper prints; the authors' programs hold
more digits and differ by up to 1 percentage point.
The paper's worked example (Supplementary Methods Table 3) is reproduced before calibration; its last step is printed
with other scales than those of Supplementary Methods Table 1, which stand here and in the reference implementations.
The published scales cross in men above 63 %, where the very-high-risk region has a smaller number than the high-risk
region.
As with SCORE2, diabetes has a coefficient and the model is meant for people without it.
"""

from __future__ import annotations

import numpy as np

from ml.equations import vocabulary
from ml.equations.equation import COMPLEMENTARY_LOG_LOG, RiskEquation, risk_of_person, weighted_sum
from ml.equations.inputs import Age, Columns, FloatArray, Rule
from ml.equations.score2 import HDL_CHOLESTEROL, SBP, SCORE2, TOTAL_CHOLESTEROL, Region
from ml.types import Score2Region, Sex

# Term of `_terms` -> (women, men).
COEFFICIENTS: dict[str, tuple[float, float]] = {
    "age": (0.0789, 0.0634),
    "diabetes": (0.6010, 0.4245),
    "smoking": (0.4921, 0.3524),
    "sbp": (0.0102, 0.0094),
    "total_cholesterol": (0.0605, 0.0850),
    "hdl_cholesterol": (-0.3040, -0.3564),
    "age_x_diabetes": (-0.0107, -0.0174),
    "age_x_smoking": (-0.0255, -0.0247),
    "age_x_sbp": (-0.0004, -0.0005),
    "age_x_total_cholesterol": (-0.0009, 0.0073),
    "age_x_hdl_cholesterol": (0.0154, 0.0091),
}
MEAN = (0.2290, 0.0929)
BASELINE_SURVIVAL_10_YEARS = (0.8082, 0.7576)
# (women, men), each a (scale1, scale2) per region in the order of score2.REGIONS.
CALIBRATION = (
    ((-0.52, 1.01), (-0.10, 1.10), (0.38, 1.09), (0.38, 0.69)),
    ((-0.34, 1.19), (0.01, 1.25), (0.08, 1.15), (0.05, 0.70)),
)
_COEFFICIENTS = np.array([*COEFFICIENTS.values()])  # (terms, sexes)
_BASELINE = np.log(-np.log(BASELINE_SURVIVAL_10_YEARS)) - MEAN
_CALIBRATION = np.array(CALIBRATION)  # (sexes, regions, 2)

_RULES: tuple[Rule, ...] = (
    Age(low=70, high=89, source="ages of the ESC's charts of the model, Eur Heart J 2021;42:2455-2467"),
    vocabulary.SEX,
    Region(needs="SCORE2-OP needs the risk region of the hospital's country"),
    SBP,
    TOTAL_CHOLESTEROL,
    HDL_CHOLESTEROL,
    vocabulary.DIABETES,
    vocabulary.SMOKING,
)


def _terms(person: Columns) -> dict[str, FloatArray]:
    """Every term that a coefficient multiplies, for (N,) columns in canonical units, and the sex and region of each."""
    age = person["age_years"] - 73.0
    sbp = person["systolic_bp_mmhg"] - 150.0
    total = person["total_cholesterol_mmol_l"] - 6.0
    hdl = person["hdl_cholesterol_mmol_l"] - 1.4
    return {
        "is_male": (person["sex"] != vocabulary.FEMALE).astype(np.float64),
        "region": person["score2_region"],
        "age": age,
        "diabetes": person["has_diabetes"],
        "smoking": person["is_current_smoker"],
        "sbp": sbp,
        "total_cholesterol": total,
        "hdl_cholesterol": hdl,
        "age_x_diabetes": age * person["has_diabetes"],
        "age_x_smoking": age * person["is_current_smoker"],
        "age_x_sbp": age * sbp,
        "age_x_total_cholesterol": age * total,
        "age_x_hdl_cholesterol": age * hdl,
    }


def _uncalibrated_linear_predictor(value_of: Columns) -> FloatArray:
    """Log cumulative hazard before calibration, ln(-ln(S0)) + sum(coefficient x term) - mean, for (N,) terms."""
    sex = value_of["is_male"].astype(np.intp)  # (N,)
    return weighted_sum(_BASELINE[sex], _COEFFICIENTS, sex, [value_of[term] for term in COEFFICIENTS])


def _linear_predictor(outcome: str, horizon_years: int, value_of: Columns) -> FloatArray:
    """Log cumulative hazard after calibration to the region, as in SCORE2, for (N,) terms."""
    sex, region = value_of["is_male"].astype(np.intp), value_of["region"].astype(np.intp)  # (N,)
    scale = _CALIBRATION[sex, region]  # (N, 2)
    calibrated: FloatArray = scale[:, 0] + scale[:, 1] * _uncalibrated_linear_predictor(value_of)
    return calibrated


SCORE2_OP = RiskEquation(
    name="score2_op",
    version="2021",
    label="SCORE2-OP",
    citation="SCORE2-OP working group and ESC Cardiovascular risk collaboration. Eur Heart J 2021;42:2455-2467",
    doi="10.1093/eurheartj/ehab312",
    module=__name__,
    outcomes=("cvd",),
    rules={10: _RULES},
    terms=_terms,
    linear_predictor=_linear_predictor,
    link=COMPLEMENTARY_LOG_LOG,
    reference=SCORE2.reference,
    unused={},
)


def score2_op_risk(
    *,
    age_years: float | None,
    sex: Sex | None,
    score2_region: Score2Region | None,
    systolic_bp_mmhg: float | None,
    total_cholesterol_mmol_l: float | None,
    hdl_cholesterol_mmol_l: float | None,
    has_diabetes: bool | None,
    is_current_smoker: bool | None,
) -> float:
    """10-year risk of fatal and non-fatal cardiovascular disease at 70 to 89, as a probability.

    u = 1 - S0 ** exp(sum(coefficient x term) - mean); risk = 1 - exp(-exp(scale1 + scale2 x ln(-ln(1 - u)))), with
    age - 73, SBP - 150, total cholesterol - 6 and HDL - 1.4 among the terms; S0, the mean and the coefficients by sex,
    the scales by sex and region.
    Many people at once: `risk_of_people(SCORE2_OP)`.

    Parameters
    ----------
    age_years
        70-89 completed years.
    sex
        "female" or "male".
    score2_region
        Risk region of the hospital's country; None is refused with REGION_UNSET.
    systolic_bp_mmhg, total_cholesterol_mmol_l, hdl_cholesterol_mmol_l
        90-200 mmHg; 3.0-9.0 and 0.7-2.5 mmol/L.
    has_diabetes
        Enters the formula as published, although the target population has none.
    is_current_smoker
        True or False; None is not recorded and refused.

    Returns
    -------
    float
        Probability between 0 and 1, not rounded. The paper publishes no interval of a single estimate.

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range.

    References
    ----------
    SCORE2-OP working group. Eur Heart J 2021;42:2455-2467. doi:10.1093/eurheartj/ehab312

    Examples
    --------
    >>> round(score2_op_risk(age_years=75, sex="male", score2_region="low", systolic_bp_mmhg=140,
    ...     total_cholesterol_mmol_l=5.5, hdl_cholesterol_mmol_l=1.3, has_diabetes=False, is_current_smoker=False), 3)
    0.133
    """
    return risk_of_person(SCORE2_OP, outcome="cvd", horizon_years=10, person=locals())
