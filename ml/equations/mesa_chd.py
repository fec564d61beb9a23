"""MESA 2015: 10-year risk of coronary heart disease, without and with coronary artery calcium.

McClelland RL, Jorgensen NW, Budoff M, et al. 10-Year Coronary Heart Disease Risk Prediction Using Coronary Artery
Calcium and Traditional Risk Factors. J Am Coll Cardiol 2015;66:1643-1653. doi:10.1016/j.jacc.2015.08.035.
Outcome: myocardial infarction, resuscitated cardiac arrest, death from coronary heart disease, and revascularisation
with prior or concurrent angina; never to be compared with PREVENT's total cardiovascular disease.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ml.equations import vocabulary
from ml.equations.cholesterol import MMOL_L_PER_MG_DL
from ml.equations.equation import COMPLEMENTARY_LOG_LOG, RiskEquation, risk_of_person, weighted_sum
from ml.equations.inputs import Age, Choice, Columns, FloatArray, Quantity, Rule
from ml.types import MesaRaceEthnicity, Sex

RACE_ETHNICITY = Choice(
    field="mesa_race_ethnicity",
    options=("white", "chinese", "black", "hispanic"),
    code="RACE_UNKNOWN",
    needs="MESA needs one of the four groups it studied, as stated by the patient",
)

# Terms in the order of `_terms`: (without calcium, with calcium).
COEFFICIENTS: dict[str, tuple[float, float]] = {
    "age": (0.0455, 0.0172),
    "male": (0.7496, 0.4079),
    "chinese": (-0.5055, -0.3475),
    "black": (-0.2111, 0.0353),
    "hispanic": (-0.1900, -0.0222),
    "diabetes": (0.5168, 0.3892),
    "smoking": (0.4732, 0.3717),
    "total_cholesterol_mg_dl": (0.0053, 0.0043),
    "hdl_cholesterol_mg_dl": (-0.0140, -0.0114),
    "lipid_lowering": (0.2473, 0.1206),
    "sbp": (0.0085, 0.0066),
    "antihypertensive": (0.3381, 0.2278),
    "family_history": (0.4522, 0.3239),
    "ln_agatston_plus_1": (0.0, 0.2743),
}
BASELINE_SURVIVAL_10_YEARS = (0.99963, 0.99833)
_BASELINE = tuple(np.log(-np.log(survival)) for survival in BASELINE_SURVIVAL_10_YEARS)

_SOURCE = "input range of the reference implementation preventr 0.12.0"
_RULES: tuple[Rule, ...] = (
    Age(low=45, high=84, source="ages studied, J Am Coll Cardiol 2015;66:1643-1653"),
    vocabulary.SEX,
    RACE_ETHNICITY,
    vocabulary.systolic_bp(low=90, high=180, source=_SOURCE),
    vocabulary.total_cholesterol(low_mg_dl=130, high_mg_dl=320, source=_SOURCE),
    vocabulary.hdl_cholesterol(low_mg_dl=20, high_mg_dl=100, source=_SOURCE),
    vocabulary.DIABETES,
    vocabulary.SMOKING,
    vocabulary.ANTIHYPERTENSIVE,
    vocabulary.LIPID_LOWERING,
    vocabulary.FAMILY_HISTORY,
)
_AGATSTON = Quantity(
    field="agatston_score",
    code="AGATSTON_SCORE",
    words="coronary calcium",
    unit="Agatston units",
    ucum="{Agatston_score}",
    low=0,
    high=9999,
    source=_SOURCE,
    missing_code="NOT_CONFIRMED",
    missing_sentence="Calcium not scored: not confirmed.",
)


def _terms(person: Columns) -> dict[str, FloatArray]:
    """Every term of the two models, for (N,) columns in canonical units; calcium only where it is given."""
    group = person["mesa_race_ethnicity"]
    values: dict[str, FloatArray] = {
        "age": person["age_years"],
        "male": (person["sex"] != vocabulary.FEMALE).astype(np.float64),
        "diabetes": person["has_diabetes"],
        "smoking": person["is_current_smoker"],
        "total_cholesterol_mg_dl": person["total_cholesterol_mmol_l"] / MMOL_L_PER_MG_DL,
        "hdl_cholesterol_mg_dl": person["hdl_cholesterol_mmol_l"] / MMOL_L_PER_MG_DL,
        "lipid_lowering": person["takes_lipid_lowering"],
        "sbp": person["systolic_bp_mmhg"],
        "antihypertensive": person["takes_antihypertensive"],
        "family_history": person["has_family_history_of_heart_attack"],
    }
    for option in ("chinese", "black", "hispanic"):  # white is the paper's reference group
        values[option] = (group == RACE_ETHNICITY.options.index(option)).astype(np.float64)
    if "agatston_score" in person:
        values["ln_agatston_plus_1"] = np.log1p(person["agatston_score"])
    return values


def _linear_predictor(model: int, outcome: str, horizon_years: int, value_of: Columns) -> FloatArray:
    coefficients = np.array([[COEFFICIENTS[term][model]] for term in value_of])  # (terms, 1)
    return weighted_sum(_BASELINE[model], coefficients, 0, [*value_of.values()])


_REFERENCE = {
    "takes_antihypertensive": 0.0,
    "takes_lipid_lowering": 0.0,
    "has_diabetes": 0.0,
    "is_current_smoker": 0.0,
    "has_family_history_of_heart_attack": 0.0,
    "total_cholesterol_mmol_l": vocabulary.REFERENCE_TOTAL_CHOLESTEROL_MMOL_L,
    "hdl_cholesterol_mmol_l": vocabulary.REFERENCE_HDL_CHOLESTEROL_MMOL_L,
    "systolic_bp_mmhg": vocabulary.REFERENCE_SYSTOLIC_BP_MMHG,
}
_CITATION = "McClelland RL, Jorgensen NW, Budoff M, et al. J Am Coll Cardiol 2015;66:1643-1653"
_DOI = "10.1016/j.jacc.2015.08.035"

MESA_CHD = RiskEquation(
    name="mesa_chd",
    version="2015",
    label="MESA without calcium",
    citation=_CITATION,
    doi=_DOI,
    module=__name__,
    outcomes=("chd",),
    rules={10: _RULES},
    terms=_terms,
    linear_predictor=partial(_linear_predictor, 0),
    link=COMPLEMENTARY_LOG_LOG,
    reference=_REFERENCE,
    unused={},
)
MESA_CHD_CAC = RiskEquation(
    name="mesa_chd_cac",
    version="2015",
    label="MESA with calcium",
    citation=_CITATION,
    doi=_DOI,
    module=__name__,
    outcomes=("chd",),
    rules={10: (*_RULES, _AGATSTON)},
    terms=_terms,
    linear_predictor=partial(_linear_predictor, 1),
    link=COMPLEMENTARY_LOG_LOG,
    reference={**_REFERENCE, "agatston_score": 0.0},
    unused={},
)


def mesa_chd_risk(
    *,
    age_years: float | None,
    sex: Sex | None,
    mesa_race_ethnicity: MesaRaceEthnicity | None,
    systolic_bp_mmhg: float | None,
    total_cholesterol_mmol_l: float | None,
    hdl_cholesterol_mmol_l: float | None,
    has_diabetes: bool | None,
    is_current_smoker: bool | None,
    takes_antihypertensive: bool | None,
    takes_lipid_lowering: bool | None,
    has_family_history_of_heart_attack: bool | None,
) -> float:
    """10-year risk of coronary heart disease from risk factors alone, as a probability.

    risk = 1 - 0.99963 ** exp(sum(coefficient x term)), not centred, cholesterol in mg/dL inside.
    Many people at once: `risk_of_people(MESA_CHD)`.

    Parameters
    ----------
    age_years
        45-84 completed years.
    sex
        "female" or "male".
    mesa_race_ethnicity
        One of the four groups studied, as stated by the patient.
    systolic_bp_mmhg, total_cholesterol_mmol_l, hdl_cholesterol_mmol_l
        90-180 mmHg; 130-320 and 20-100 mg/dL at 0.02586, with 0.005 mmol/L for rounding to two decimals.
    has_family_history_of_heart_attack
        In parents, siblings or children.
    has_diabetes, is_current_smoker, takes_antihypertensive, takes_lipid_lowering
        True or False; None is not recorded and refused.

    Returns
    -------
    float
        Probability between 0 and 1, not rounded. MESA publishes no interval.

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range.

    References
    ----------
    McClelland RL et al. J Am Coll Cardiol 2015;66:1643-1653. doi:10.1016/j.jacc.2015.08.035

    Examples
    --------
    >>> round(mesa_chd_risk(age_years=70, sex="male", mesa_race_ethnicity="hispanic", systolic_bp_mmhg=130,
    ...     total_cholesterol_mmol_l=4.9134, hdl_cholesterol_mmol_l=1.293, has_diabetes=False,
    ...     is_current_smoker=False, takes_antihypertensive=True, takes_lipid_lowering=False,
    ...     has_family_history_of_heart_attack=False), 4)
    0.0861
    """
    return risk_of_person(MESA_CHD, outcome="chd", horizon_years=10, person=locals())


def mesa_chd_cac_risk(
    *,
    agatston_score: float | None,
    age_years: float | None,
    sex: Sex | None,
    mesa_race_ethnicity: MesaRaceEthnicity | None,
    systolic_bp_mmhg: float | None,
    total_cholesterol_mmol_l: float | None,
    hdl_cholesterol_mmol_l: float | None,
    has_diabetes: bool | None,
    is_current_smoker: bool | None,
    takes_antihypertensive: bool | None,
    takes_lipid_lowering: bool | None,
    has_family_history_of_heart_attack: bool | None,
) -> float:
    """10-year risk of coronary heart disease from risk factors and coronary artery calcium, as a probability.

    risk = 1 - 0.99833 ** exp(sum(coefficient x term)), with 0.2743 x ln(Agatston score + 1) among the terms.
    Many people at once: `risk_of_people(MESA_CHD_CAC)`.

    Parameters
    ----------
    agatston_score
        0-9999 Agatston units, confirmed by a reader; None is "not scored" and is refused, never taken as 0.
    age_years, sex, mesa_race_ethnicity, systolic_bp_mmhg, total_cholesterol_mmol_l, hdl_cholesterol_mmol_l
        As in `mesa_chd_risk`.
    has_diabetes, is_current_smoker, takes_antihypertensive, takes_lipid_lowering, has_family_history_of_heart_attack
        True or False; None is not recorded and refused.

    Returns
    -------
    float
        Probability between 0 and 1, not rounded. MESA publishes no interval.

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range; NOT_CONFIRMED without a score.

    References
    ----------
    McClelland RL et al. J Am Coll Cardiol 2015;66:1643-1653. doi:10.1016/j.jacc.2015.08.035

    Examples
    --------
    >>> round(mesa_chd_cac_risk(agatston_score=0, age_years=70, sex="male", mesa_race_ethnicity="hispanic",
    ...     systolic_bp_mmhg=130, total_cholesterol_mmol_l=4.9134, hdl_cholesterol_mmol_l=1.293, has_diabetes=False,
    ...     is_current_smoker=False, takes_antihypertensive=True, takes_lipid_lowering=False,
    ...     has_family_history_of_heart_attack=False), 4)
    0.0306
    """
    return risk_of_person(MESA_CHD_CAC, outcome="chd", horizon_years=10, person=locals())
