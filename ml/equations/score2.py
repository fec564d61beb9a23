"""SCORE2: 10-year risk of fatal and non-fatal cardiovascular disease in four European regions, ages 40 to 69.

SCORE2 working group and ESC Cardiovascular risk collaboration. SCORE2 risk prediction algorithms: new models to
estimate 10-year risk of cardiovascular disease in Europe. Eur Heart J 2021;42:2439-2454.
doi:10.1093/eurheartj/ehab309. The constants are the rounded ones that the paper prints; the authors' programs hold
more digits and differ by up to 0.002 percentage points.
The model was derived with people who have diabetes and has a coefficient for them, but SCORE2 is meant for people
without: who may see the number is for the caller to decide.
The published scales cross at low risk: below 4.9 % (men) and 1.2 % (women) of the moderate-risk region, the high-risk
region has the smaller number; below 1.6 % and 1.0 %, smaller even than the low-risk region's. The very-high-risk region
always has the largest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.equations import vocabulary
from ml.equations.equation import COMPLEMENTARY_LOG_LOG, RiskEquation, risk_of_person, weighted_sum
from ml.equations.inputs import Age, Choice, Columns, FloatArray, Quantity, Rule
from ml.errors import EquationRefusal
from ml.types import Score2Region, Sex

REGIONS = ("low", "moderate", "high", "very_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Region(Choice):
    """The risk region: a setting of the hospital, so that its absence reads as such and not as a gap in the record."""

    field: str = "score2_region"
    options: tuple[str, ...] = REGIONS
    code: str = "REGION_UNSET"

    def refusal(self, value: object, label: str) -> EquationRefusal:
        found = "none is set" if value is None else f"{str(value)!r} is none of the four"
        return EquationRefusal(
            self.code,
            f"{self.needs}, and {found}.",
            field=self.field,
            value=None if value is None else str(value),
            limit="one of " + ", ".join(self.options),
        )

    def phrase(self, encoded: float) -> str:
        return f"{self.options[int(encoded)].replace('_', '-')}-risk region"


# Term of `_terms` -> (women, men).
COEFFICIENTS: dict[str, tuple[float, float]] = {
    "age": (0.4648, 0.3742),
    "smoking": (0.7744, 0.6012),
    "sbp": (0.3131, 0.2777),
    "diabetes": (0.8096, 0.6457),
    "total_cholesterol": (0.1002, 0.1458),
    "hdl_cholesterol": (-0.2606, -0.2698),
    "age_x_smoking": (-0.1088, -0.0755),
    "age_x_sbp": (-0.0277, -0.0255),
    "age_x_total_cholesterol": (-0.0226, -0.0281),
    "age_x_hdl_cholesterol": (0.0613, 0.0426),
    "age_x_diabetes": (-0.1272, -0.0983),
}
BASELINE_SURVIVAL_10_YEARS = (0.9776, 0.9605)
# (women, men), each a (scale1, scale2) per region in the order of REGIONS.
CALIBRATION = (
    ((-0.7380, 0.7019), (-0.3143, 0.7701), (0.5710, 0.9369), (0.9412, 0.8329)),
    ((-0.5699, 0.7476), (-0.1565, 0.8009), (0.3207, 0.9360), (0.5836, 0.8294)),
)
_COEFFICIENTS = np.array([*COEFFICIENTS.values()])  # (terms, sexes)
_BASELINE = np.log(-np.log(BASELINE_SURVIVAL_10_YEARS))
_CALIBRATION = np.array(CALIBRATION)  # (sexes, regions, 2)

_SOURCE = (
    "range compared with the reference implementations RiskScorescvd 0.2.0 and estimateCVRisk; neither they nor the "
    "paper give a limit"
)
SBP = vocabulary.systolic_bp(low=90, high=200, source=_SOURCE)
TOTAL_CHOLESTEROL = Quantity(
    field="total_cholesterol_mmol_l",
    code="TOTAL_CHOLESTEROL",
    words="total cholesterol",
    unit="mmol/L",
    ucum="mmol/L",
    low=3.0,
    high=9.0,
    source=_SOURCE,
)
HDL_CHOLESTEROL = Quantity(
    field="hdl_cholesterol_mmol_l",
    code="HDL_CHOLESTEROL",
    words="HDL cholesterol",
    unit="mmol/L",
    ucum="mmol/L",
    low=0.7,
    high=2.5,
    source=_SOURCE,
)
_RULES: tuple[Rule, ...] = (
    Age(low=40, high=69, source="ages of the model, Eur Heart J 2021;42:2439-2454"),
    vocabulary.SEX,
    Region(needs="SCORE2 needs the risk region of the hospital's country"),
    SBP,
    TOTAL_CHOLESTEROL,
    HDL_CHOLESTEROL,
    vocabulary.DIABETES,
    vocabulary.SMOKING,
)


def _terms(person: Columns) -> dict[str, FloatArray]:
    """Every term that a coefficient multiplies, for (N,) columns in canonical units, and the sex and region of each."""
    age = (person["age_years"] - 60.0) / 5.0
    sbp = (person["systolic_bp_mmhg"] - 120.0) / 20.0
    total = person["total_cholesterol_mmol_l"] - 6.0
    hdl = (person["hdl_cholesterol_mmol_l"] - 1.3) / 0.5
    return {
        "is_male": (person["sex"] != vocabulary.FEMALE).astype(np.float64),
        "region": person["score2_region"],
        "age": age,
        "smoking": person["is_current_smoker"],
        "sbp": sbp,
        "diabetes": person["has_diabetes"],
        "total_cholesterol": total,
        "hdl_cholesterol": hdl,
        "age_x_smoking": age * person["is_current_smoker"],
        "age_x_sbp": age * sbp,
        "age_x_total_cholesterol": age * total,
        "age_x_hdl_cholesterol": age * hdl,
        "age_x_diabetes": age * person["has_diabetes"],
    }


def _linear_predictor(outcome: str, horizon_years: int, value_of: Columns) -> FloatArray:
    """Log cumulative hazard after calibration to the region, for (N,) terms.

    The paper calibrates the complementary log-log of the risk: scale1 + scale2 x ln(-ln(1 - risk)), and
    ln(-ln(1 - risk)) is ln(-ln(S0)) + sum(coefficient x term).
    """
    sex, region = value_of["is_male"].astype(np.intp), value_of["region"].astype(np.intp)  # (N,)
    log_hazard = weighted_sum(_BASELINE[sex], _COEFFICIENTS, sex, [value_of[term] for term in COEFFICIENTS])
    scale = _CALIBRATION[sex, region]  # (N, 2)
    calibrated: FloatArray = scale[:, 0] + scale[:, 1] * log_hazard
    return calibrated


SCORE2 = RiskEquation(
    name="score2",
    version="2021",
    label="SCORE2",
    citation="SCORE2 working group and ESC Cardiovascular risk collaboration. Eur Heart J 2021;42:2439-2454",
    doi="10.1093/eurheartj/ehab309",
    module=__name__,
    outcomes=("cvd",),
    rules={10: _RULES},
    terms=_terms,
    linear_predictor=_linear_predictor,
    link=COMPLEMENTARY_LOG_LOG,
    reference={
        "has_diabetes": 0.0,
        "is_current_smoker": 0.0,
        "total_cholesterol_mmol_l": vocabulary.REFERENCE_TOTAL_CHOLESTEROL_MMOL_L,
        "hdl_cholesterol_mmol_l": vocabulary.REFERENCE_HDL_CHOLESTEROL_MMOL_L,
        "systolic_bp_mmhg": vocabulary.REFERENCE_SYSTOLIC_BP_MMHG,
    },
    unused={},
)


def score2_risk(
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
    """10-year risk of fatal and non-fatal cardiovascular disease at 40 to 69, as a probability.

    u = 1 - S0 ** exp(sum(coefficient x term)); risk = 1 - exp(-exp(scale1 + scale2 x ln(-ln(1 - u)))), with
    (age - 60)/5, (SBP - 120)/20, total cholesterol - 6 and (HDL - 1.3)/0.5 among the terms; S0 and the coefficients by
    sex, the scales by sex and region.
    Many people at once: `risk_of_people(SCORE2)`.

    Parameters
    ----------
    age_years
        40-69 completed years.
    sex
        "female" or "male".
    score2_region
        Risk region of the hospital's country; None is refused with REGION_UNSET.
    systolic_bp_mmhg, total_cholesterol_mmol_l, hdl_cholesterol_mmol_l
        90-200 mmHg; 3.0-9.0 and 0.7-2.5 mmol/L.
    has_diabetes
        Enters the formula as published, although SCORE2 is not meant for people with diabetes.
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
    SCORE2 working group. Eur Heart J 2021;42:2439-2454. doi:10.1093/eurheartj/ehab309

    Examples
    --------
    >>> round(score2_risk(age_years=50, sex="male", score2_region="low", systolic_bp_mmhg=140,
    ...     total_cholesterol_mmol_l=5.5, hdl_cholesterol_mmol_l=1.3, has_diabetes=False, is_current_smoker=True), 4)
    0.0591
    """
    return risk_of_person(SCORE2, outcome="cvd", horizon_years=10, person=locals())
