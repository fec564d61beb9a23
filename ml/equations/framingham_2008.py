"""Framingham 2008: 10-year risk of general cardiovascular disease, from cholesterol or from body mass index.

D'Agostino RB Sr, Vasan RS, Pencina MJ, et al. General Cardiovascular Risk Profile for Use in Primary Care: The
Framingham Heart Study. Circulation 2008;117:743-753. doi:10.1161/CIRCULATIONAHA.107.699579. Derived at ages 30 to 74.
Outcome: coronary heart disease, stroke and transient ischaemic attack, peripheral artery disease, heart failure;
wider than the atherosclerotic events of the Pooled Cohort Equations and not to be compared with them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ml.equations import vocabulary
from ml.equations.cholesterol import MMOL_L_PER_MG_DL
from ml.equations.equation import COMPLEMENTARY_LOG_LOG, RiskEquation, risk_of_person, weighted_sum
from ml.equations.inputs import Age, Columns, FloatArray, Rule
from ml.types import Sex

Table = dict[str, tuple[float, float]]

# Term of `_terms` -> (women, men).
LIPID_COEFFICIENTS: Table = {
    "ln_age": (2.32888, 3.06117),
    "ln_total_cholesterol": (1.20904, 1.12370),
    "ln_hdl_cholesterol": (-0.70833, -0.93263),
    "ln_untreated_sbp": (2.76157, 1.93303),
    "ln_treated_sbp": (2.82263, 1.99881),
    "smoking": (0.52873, 0.65451),
    "diabetes": (0.69154, 0.57367),
}
LIPID_MEAN = (26.1931, 23.9802)
LIPID_BASELINE_SURVIVAL_10_YEARS = (0.95012, 0.88936)

BMI_COEFFICIENTS: Table = {
    "ln_age": (2.72107, 3.11296),
    "ln_bmi": (0.51125, 0.79277),
    "ln_untreated_sbp": (2.81291, 1.85508),
    "ln_treated_sbp": (2.88267, 1.92672),
    "smoking": (0.61868, 0.70953),
    "diabetes": (0.77763, 0.53160),
}
BMI_MEAN = (26.0145, 23.9388)
BMI_BASELINE_SURVIVAL_10_YEARS = (0.94833, 0.88431)

_SOURCE = "range compared with the reference implementations CVrisk 1.1.1 and estimateCVRisk; the paper gives none"
_AGE = Age(low=30, high=74, source="ages studied, Circulation 2008;117:743-753")
_SBP = vocabulary.systolic_bp(low=90, high=200, source=_SOURCE)
_ANSWERS: tuple[Rule, ...] = (vocabulary.DIABETES, vocabulary.SMOKING, vocabulary.ANTIHYPERTENSIVE)
_LIPID_RULES: tuple[Rule, ...] = (
    _AGE,
    vocabulary.SEX,
    _SBP,
    vocabulary.total_cholesterol(low_mg_dl=130, high_mg_dl=320, source=_SOURCE),
    vocabulary.hdl_cholesterol(low_mg_dl=20, high_mg_dl=100, source=_SOURCE),
    *_ANSWERS,
)
_BMI_RULES: tuple[Rule, ...] = (
    _AGE,
    vocabulary.SEX,
    _SBP,
    vocabulary.bmi(low=18.5, high=40, source=_SOURCE),
    *_ANSWERS,
)


def _terms(person: Columns) -> dict[str, FloatArray]:
    """Every term of the two models, for (N,) columns in canonical units; cholesterol or BMI as it is given."""
    ln_sbp = np.log(person["systolic_bp_mmhg"])
    values = {
        "is_male": (person["sex"] != vocabulary.FEMALE).astype(np.float64),
        "ln_age": np.log(person["age_years"]),
        "ln_untreated_sbp": (1.0 - person["takes_antihypertensive"]) * ln_sbp,
        "ln_treated_sbp": person["takes_antihypertensive"] * ln_sbp,
        "smoking": person["is_current_smoker"],
        "diabetes": person["has_diabetes"],
    }
    if "bmi_kg_m2" in person:
        return values | {"ln_bmi": np.log(person["bmi_kg_m2"])}
    return values | {
        "ln_total_cholesterol": np.log(person["total_cholesterol_mmol_l"] / MMOL_L_PER_MG_DL),
        "ln_hdl_cholesterol": np.log(person["hdl_cholesterol_mmol_l"] / MMOL_L_PER_MG_DL),
    }


def _linear_predictor(
    table: Table, mean: tuple[float, float], survival: tuple[float, float]
) -> Callable[[str, int, Columns], FloatArray]:
    baseline = np.log(-np.log(survival)) - mean  # (sexes,)
    coefficients = np.array([*table.values()])  # (terms, sexes)

    def log_hazard_of(outcome: str, horizon_years: int, value_of: Columns) -> FloatArray:
        sex = value_of["is_male"].astype(np.intp)  # (N,)
        return weighted_sum(baseline[sex], coefficients, sex, [value_of[term] for term in table])

    return log_hazard_of


_REFERENCE = {
    "takes_antihypertensive": 0.0,
    "has_diabetes": 0.0,
    "is_current_smoker": 0.0,
    "systolic_bp_mmhg": vocabulary.REFERENCE_SYSTOLIC_BP_MMHG,
}
_CITATION = "D'Agostino RB Sr, Vasan RS, Pencina MJ, et al. Circulation 2008;117:743-753"
_DOI = "10.1161/CIRCULATIONAHA.107.699579"

FRAMINGHAM_2008_LIPID = RiskEquation(
    name="framingham_2008_lipid",
    version="2008",
    label="Framingham 2008 with cholesterol",
    citation=_CITATION,
    doi=_DOI,
    module=__name__,
    outcomes=("general_cvd",),
    rules={10: _LIPID_RULES},
    terms=_terms,
    linear_predictor=_linear_predictor(LIPID_COEFFICIENTS, LIPID_MEAN, LIPID_BASELINE_SURVIVAL_10_YEARS),
    link=COMPLEMENTARY_LOG_LOG,
    reference={
        **_REFERENCE,
        "total_cholesterol_mmol_l": vocabulary.REFERENCE_TOTAL_CHOLESTEROL_MMOL_L,
        "hdl_cholesterol_mmol_l": vocabulary.REFERENCE_HDL_CHOLESTEROL_MMOL_L,
    },
    unused={},
)
FRAMINGHAM_2008_BMI = RiskEquation(
    name="framingham_2008_bmi",
    version="2008",
    label="Framingham 2008 with body mass index",
    citation=_CITATION,
    doi=_DOI,
    module=__name__,
    outcomes=("general_cvd",),
    rules={10: _BMI_RULES},
    terms=_terms,
    linear_predictor=_linear_predictor(BMI_COEFFICIENTS, BMI_MEAN, BMI_BASELINE_SURVIVAL_10_YEARS),
    link=COMPLEMENTARY_LOG_LOG,
    reference={**_REFERENCE, "bmi_kg_m2": vocabulary.REFERENCE_BMI_KG_M2},
    unused={},
)


def framingham_2008_lipid_risk(
    *,
    age_years: float | None,
    sex: Sex | None,
    systolic_bp_mmhg: float | None,
    total_cholesterol_mmol_l: float | None,
    hdl_cholesterol_mmol_l: float | None,
    has_diabetes: bool | None,
    is_current_smoker: bool | None,
    takes_antihypertensive: bool | None,
) -> float:
    """10-year risk of general cardiovascular disease from cholesterol, as a probability.

    risk = 1 - S0 ** exp(sum(coefficient x term) - mean), with natural logarithms of age, cholesterol in mg/dL and
    systolic pressure among the terms; S0, the mean and the coefficients by sex.
    Many people at once: `risk_of_people(FRAMINGHAM_2008_LIPID)`.

    Parameters
    ----------
    age_years
        30-74 completed years.
    sex
        "female" or "male".
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
    D'Agostino RB Sr et al. Circulation 2008;117:743-753. doi:10.1161/CIRCULATIONAHA.107.699579

    Examples
    --------
    >>> round(framingham_2008_lipid_risk(age_years=61, sex="female", systolic_bp_mmhg=124,
    ...     total_cholesterol_mmol_l=180 * 0.02586, hdl_cholesterol_mmol_l=47 * 0.02586, has_diabetes=False,
    ...     is_current_smoker=True, takes_antihypertensive=False), 4)
    0.1048
    """
    return risk_of_person(FRAMINGHAM_2008_LIPID, outcome="general_cvd", horizon_years=10, person=locals())


def framingham_2008_bmi_risk(
    *,
    age_years: float | None,
    sex: Sex | None,
    systolic_bp_mmhg: float | None,
    bmi_kg_m2: float | None,
    has_diabetes: bool | None,
    is_current_smoker: bool | None,
    takes_antihypertensive: bool | None,
) -> float:
    """10-year risk of general cardiovascular disease without laboratory values, as a probability.

    risk = 1 - S0 ** exp(sum(coefficient x term) - mean), with natural logarithms of age, body mass index and
    systolic pressure among the terms; S0, the mean and the coefficients by sex.
    Many people at once: `risk_of_people(FRAMINGHAM_2008_BMI)`.

    Parameters
    ----------
    age_years
        30-74 completed years.
    sex
        "female" or "male".
    systolic_bp_mmhg, bmi_kg_m2
        90-200 mmHg; 18.5-40 kg/m2.
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
    D'Agostino RB Sr et al. Circulation 2008;117:743-753. doi:10.1161/CIRCULATIONAHA.107.699579

    Examples
    --------
    >>> round(framingham_2008_bmi_risk(age_years=55, sex="male", systolic_bp_mmhg=140, bmi_kg_m2=30,
    ...     has_diabetes=False, is_current_smoker=False, takes_antihypertensive=False), 4)
    0.1675
    """
    return risk_of_person(FRAMINGHAM_2008_BMI, outcome="general_cvd", horizon_years=10, person=locals())
