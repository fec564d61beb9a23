"""Pooled Cohort Equations as revised in 2018: 10-year risk of a first atherosclerotic cardiovascular event.

Yadlowsky S, Hayward RA, Sussman JB, McClelland RL, Min YI, Basu S. Clinical Implications of Revised Pooled Cohort
Equations for Estimating Atherosclerotic Cardiovascular Disease Risk. Ann Intern Med 2018;169:20-29.
doi:10.7326/M17-3011. Derived in adults of 40 to 79 years without cardiovascular disease, of six cohorts in the USA.
Outcome: non-fatal myocardial infarction, death from coronary heart disease, fatal or non-fatal stroke.
The terms for Black people are zero for everybody else, so that any other race has the risk of White people.
"""

from __future__ import annotations

import numpy as np

from ml.equations import vocabulary
from ml.equations.equation import LOGISTIC, RiskEquation, risk_of_person, weighted_sum
from ml.equations.inputs import Age, Columns, FloatArray, Rule
from ml.equations.pce_2013 import BLACK, PCE_RACE
from ml.types import PceRace, Sex

# Term of `_terms` -> (women, men). Ratio: total / HDL cholesterol.
COEFFICIENTS: dict[str, tuple[float, float]] = {
    "constant": (-12.823110, -11.679980),
    "age": (0.106501, 0.064200),
    "black": (0.432440, 0.482835),
    "sbp_squared": (0.000056, -0.000061),
    "sbp": (0.017666, 0.038950),
    "antihypertensive": (0.731678, 2.055533),
    "diabetes": (0.943970, 0.842209),
    "smoking": (1.009790, 0.895589),
    "ratio": (0.151318, 0.193307),
    "age_x_black": (-0.008580, 0.0),
    "sbp_x_antihypertensive": (-0.003647, -0.014207),
    "sbp_x_black": (0.006208, 0.011609),
    "black_x_antihypertensive": (0.152968, -0.119460),
    "age_x_sbp": (-0.000153, 0.000025),
    "black_x_diabetes": (0.115232, -0.077214),
    "black_x_smoking": (-0.092231, -0.226771),
    "ratio_x_black": (0.070498, -0.117749),
    "sbp_x_black_x_antihypertensive": (-0.000173, 0.004190),
    "age_x_sbp_x_black": (-0.000094, -0.000199),
}
_COEFFICIENTS = np.array([*COEFFICIENTS.values()])  # (terms, sexes)

_LIPID_SOURCE = "input range of the reference implementation preventr 0.12.0"
_RULES: tuple[Rule, ...] = (
    Age(low=40, high=79, source="ages studied, Ann Intern Med 2018;169:20-29"),
    vocabulary.SEX,
    PCE_RACE,
    vocabulary.systolic_bp(low=90, high=200, source="input range of the reference implementation PooledCohort"),
    vocabulary.total_cholesterol(low_mg_dl=130, high_mg_dl=320, source=_LIPID_SOURCE),
    vocabulary.hdl_cholesterol(low_mg_dl=20, high_mg_dl=100, source=_LIPID_SOURCE),
    vocabulary.DIABETES,
    vocabulary.SMOKING,
    vocabulary.ANTIHYPERTENSIVE,
)


def _terms(person: Columns) -> dict[str, FloatArray]:
    """Every term that a coefficient multiplies, for (N,) columns in canonical units."""
    age, sbp, treated = person["age_years"], person["systolic_bp_mmhg"], person["takes_antihypertensive"]
    black = (person["pce_race"] == BLACK).astype(np.float64)
    ratio = person["total_cholesterol_mmol_l"] / person["hdl_cholesterol_mmol_l"]
    return {
        "is_male": (person["sex"] != vocabulary.FEMALE).astype(np.float64),
        "constant": np.ones_like(age),
        "age": age,
        "black": black,
        "sbp_squared": sbp * sbp,
        "sbp": sbp,
        "antihypertensive": treated,
        "diabetes": person["has_diabetes"],
        "smoking": person["is_current_smoker"],
        "ratio": ratio,
        "age_x_black": age * black,
        "sbp_x_antihypertensive": sbp * treated,
        "sbp_x_black": sbp * black,
        "black_x_antihypertensive": black * treated,
        "age_x_sbp": age * sbp,
        "black_x_diabetes": black * person["has_diabetes"],
        "black_x_smoking": black * person["is_current_smoker"],
        "ratio_x_black": ratio * black,
        "sbp_x_black_x_antihypertensive": sbp * black * treated,
        "age_x_sbp_x_black": age * sbp * black,
    }


def _linear_predictor(outcome: str, horizon_years: int, value_of: Columns) -> FloatArray:
    """Log-odds: the sum of coefficient times term, for (N,) terms."""
    sex = value_of["is_male"].astype(np.intp)  # (N,)
    return weighted_sum(0.0, _COEFFICIENTS, sex, [value_of[term] for term in COEFFICIENTS])


PCE_2018 = RiskEquation(
    name="pce_2018",
    version="2018",
    label="Revised Pooled Cohort Equations 2018 (White coefficients unless race is Black)",
    citation="Yadlowsky S, Hayward RA, Sussman JB, et al. Ann Intern Med 2018;169:20-29",
    doi="10.7326/M17-3011",
    module=__name__,
    outcomes=("ascvd",),
    rules={10: _RULES},
    terms=_terms,
    linear_predictor=_linear_predictor,
    link=LOGISTIC,
    reference={
        "takes_antihypertensive": 0.0,
        "has_diabetes": 0.0,
        "is_current_smoker": 0.0,
        "total_cholesterol_mmol_l": vocabulary.REFERENCE_TOTAL_CHOLESTEROL_MMOL_L,
        "hdl_cholesterol_mmol_l": vocabulary.REFERENCE_HDL_CHOLESTEROL_MMOL_L,
        "systolic_bp_mmhg": vocabulary.REFERENCE_SYSTOLIC_BP_MMHG,
    },
    unused={},
)


def pce_2018_risk(
    *,
    age_years: float | None,
    sex: Sex | None,
    pce_race: PceRace | None,
    systolic_bp_mmhg: float | None,
    total_cholesterol_mmol_l: float | None,
    hdl_cholesterol_mmol_l: float | None,
    has_diabetes: bool | None,
    is_current_smoker: bool | None,
    takes_antihypertensive: bool | None,
) -> float:
    """10-year risk of a first atherosclerotic cardiovascular event by the revised equations, as a probability.

    risk = 1 / (1 + exp(-sum(coefficient x term))), with the ratio of total to HDL cholesterol and the square of the
    systolic pressure among the terms; coefficients by sex.
    Many people at once: `risk_of_people(PCE_2018)`.

    Parameters
    ----------
    age_years
        40-79 completed years.
    sex
        "female" or "male".
    pce_race
        As stated by the patient. "other" has no terms for Black people, as White people have none.
    systolic_bp_mmhg, total_cholesterol_mmol_l, hdl_cholesterol_mmol_l
        90-200 mmHg; 130-320 and 20-100 mg/dL at 0.02586, with 0.005 mmol/L for rounding to two decimals.
    has_diabetes, is_current_smoker, takes_antihypertensive
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
    Yadlowsky S et al. Ann Intern Med 2018;169:20-29. doi:10.7326/M17-3011

    Examples
    --------
    >>> round(pce_2018_risk(age_years=55, sex="male", pce_race="white", systolic_bp_mmhg=120,
    ...     total_cholesterol_mmol_l=213 * 0.02586, hdl_cholesterol_mmol_l=50 * 0.02586, has_diabetes=False,
    ...     is_current_smoker=False, takes_antihypertensive=False), 4)
    0.0334
    """
    return risk_of_person(PCE_2018, outcome="ascvd", horizon_years=10, person=locals())
