"""Pooled Cohort Equations 2013: 10-year risk of a first hard atherosclerotic cardiovascular event.

Goff DC Jr, Lloyd-Jones DM, Bennett G, et al. 2013 ACC/AHA Guideline on the Assessment of Cardiovascular Risk.
Circulation 2014;129(25 Suppl 2):S49-S73. doi:10.1161/01.cir.0000437741.48606.98. The constants are those that the
guideline prints; software with more digits differs by up to half a percentage point.
Outcome: non-fatal myocardial infarction, death from coronary heart disease, fatal or non-fatal stroke.
Coefficients exist for White and for Black people. For everybody else those of White people are used, as the guideline
does; they may over- or underestimate.
"""

from __future__ import annotations

import numpy as np

from ml.equations import vocabulary
from ml.equations.cholesterol import MMOL_L_PER_MG_DL
from ml.equations.equation import COMPLEMENTARY_LOG_LOG, RiskEquation, risk_of_person, weighted_sum
from ml.equations.inputs import Age, Choice, Columns, FloatArray, Rule
from ml.types import PceRace, Sex

PCE_RACE = Choice(
    field="pce_race",
    options=("white", "black", "other"),
    code="RACE_UNKNOWN",
    needs="The Pooled Cohort Equations need race as stated by the patient: white, black or other",
)
BLACK = 1.0  # index of the option

# Term of `_terms` -> (White women, Black women, White men, Black men), 0 where the guideline has no term.
COEFFICIENTS: dict[str, tuple[float, float, float, float]] = {
    "ln_age": (-29.799, 17.114, 12.344, 2.469),
    "ln_age_squared": (4.884, 0.0, 0.0, 0.0),
    "ln_total_cholesterol": (13.540, 0.940, 11.853, 0.302),
    "ln_age_x_ln_total_cholesterol": (-3.114, 0.0, -2.664, 0.0),
    "ln_hdl_cholesterol": (-13.578, -18.920, -7.990, -0.307),
    "ln_age_x_ln_hdl_cholesterol": (3.149, 4.475, 1.769, 0.0),
    "ln_treated_sbp": (2.019, 29.291, 1.797, 1.916),
    "ln_age_x_ln_treated_sbp": (0.0, -6.432, 0.0, 0.0),
    "ln_untreated_sbp": (1.957, 27.820, 1.764, 1.809),
    "ln_age_x_ln_untreated_sbp": (0.0, -6.087, 0.0, 0.0),
    "smoking": (7.574, 0.691, 7.837, 0.549),
    "ln_age_x_smoking": (-1.665, 0.0, -1.795, 0.0),
    "diabetes": (0.661, 0.874, 0.658, 0.645),
}
MEAN = (-29.18, 86.61, 61.18, 19.54)
BASELINE_SURVIVAL_10_YEARS = (0.9665, 0.9533, 0.9144, 0.8954)
_COEFFICIENTS = np.array([*COEFFICIENTS.values()])  # (terms, groups)
_BASELINE = np.log(-np.log(BASELINE_SURVIVAL_10_YEARS)) - MEAN

_SOURCE = "input range of the reference implementation CVrisk 1.1.1"
_RULES: tuple[Rule, ...] = (
    Age(low=40, high=79, source="ages of the guideline, Circulation 2014;129(25 Suppl 2):S49-S73"),
    vocabulary.SEX,
    PCE_RACE,
    vocabulary.systolic_bp(low=90, high=200, source=_SOURCE),
    vocabulary.total_cholesterol(low_mg_dl=130, high_mg_dl=320, source=_SOURCE),
    vocabulary.hdl_cholesterol(low_mg_dl=20, high_mg_dl=100, source=_SOURCE),
    vocabulary.DIABETES,
    vocabulary.SMOKING,
    vocabulary.ANTIHYPERTENSIVE,
)


def _terms(person: Columns) -> dict[str, FloatArray]:
    """Every term that a coefficient multiplies, for (N,) columns in canonical units, and the group of each person."""
    ln_age = np.log(person["age_years"])
    ln_total = np.log(person["total_cholesterol_mmol_l"] / MMOL_L_PER_MG_DL)
    ln_hdl = np.log(person["hdl_cholesterol_mmol_l"] / MMOL_L_PER_MG_DL)
    ln_treated = person["takes_antihypertensive"] * np.log(person["systolic_bp_mmhg"])
    ln_untreated = (1.0 - person["takes_antihypertensive"]) * np.log(person["systolic_bp_mmhg"])
    is_male, is_black = person["sex"] != vocabulary.FEMALE, person["pce_race"] == BLACK
    return {
        "group": 2.0 * is_male + is_black,  # index into a row of COEFFICIENTS; a race other than Black is 0 here
        "ln_age": ln_age,
        "ln_age_squared": ln_age * ln_age,
        "ln_total_cholesterol": ln_total,
        "ln_age_x_ln_total_cholesterol": ln_age * ln_total,
        "ln_hdl_cholesterol": ln_hdl,
        "ln_age_x_ln_hdl_cholesterol": ln_age * ln_hdl,
        "ln_treated_sbp": ln_treated,
        "ln_age_x_ln_treated_sbp": ln_age * ln_treated,
        "ln_untreated_sbp": ln_untreated,
        "ln_age_x_ln_untreated_sbp": ln_age * ln_untreated,
        "smoking": person["is_current_smoker"],
        "ln_age_x_smoking": ln_age * person["is_current_smoker"],
        "diabetes": person["has_diabetes"],
    }


def _linear_predictor(outcome: str, horizon_years: int, value_of: Columns) -> FloatArray:
    """Log cumulative hazard, ln(-ln(S0)) + sum(coefficient x term) - mean, for (N,) terms."""
    group = value_of["group"].astype(np.intp)  # (N,)
    return weighted_sum(_BASELINE[group], _COEFFICIENTS, group, [value_of[term] for term in COEFFICIENTS])


PCE_2013 = RiskEquation(
    name="pce_2013",
    version="2013",
    label="Pooled Cohort Equations 2013 (White coefficients unless race is Black)",
    citation="Goff DC Jr, Lloyd-Jones DM, Bennett G, et al. Circulation 2014;129(25 Suppl 2):S49-S73",
    doi="10.1161/01.cir.0000437741.48606.98",
    module=__name__,
    outcomes=("ascvd",),
    rules={10: _RULES},
    terms=_terms,
    linear_predictor=_linear_predictor,
    link=COMPLEMENTARY_LOG_LOG,
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


def pce_2013_risk(
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
    """10-year risk of a first hard atherosclerotic cardiovascular event, as a probability.

    risk = 1 - S0 ** exp(sum(coefficient x term) - mean), with natural logarithms of age, cholesterol in mg/dL and
    systolic pressure among the terms; S0, the mean and the coefficients by sex and race.
    Many people at once: `risk_of_people(PCE_2013)`.

    Parameters
    ----------
    age_years
        40-79 completed years.
    sex
        "female" or "male".
    pce_race
        As stated by the patient. "other" gets the coefficients of White people, as the guideline advises.
    systolic_bp_mmhg, total_cholesterol_mmol_l, hdl_cholesterol_mmol_l
        90-200 mmHg; 130-320 and 20-100 mg/dL at 0.02586, with 0.005 mmol/L for rounding to two decimals.
    has_diabetes, is_current_smoker, takes_antihypertensive
        True or False; None is not recorded and refused.

    Returns
    -------
    float
        Probability between 0 and 1, not rounded. The guideline publishes no interval.

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range.

    References
    ----------
    Goff DC Jr et al. Circulation 2014;129(25 Suppl 2):S49-S73. doi:10.1161/01.cir.0000437741.48606.98

    Examples
    --------
    >>> person = dict(age_years=55, systolic_bp_mmhg=120, total_cholesterol_mmol_l=213 * 0.02586,
    ...     hdl_cholesterol_mmol_l=50 * 0.02586, has_diabetes=False, is_current_smoker=False,
    ...     takes_antihypertensive=False)
    >>> round(pce_2013_risk(sex="female", pce_race="black", **person), 4)
    0.0303
    >>> pce_2013_risk(sex="male", pce_race="other", **person) == pce_2013_risk(sex="male", pce_race="white", **person)
    True
    """
    return risk_of_person(PCE_2013, outcome="ascvd", horizon_years=10, person=locals())
