"""What the five PREVENT models share: terms, inputs with their ranges, and the sum of coefficient times term.

Khan SS, Matsushita K, Sang Y, et al. Development and Validation of the American Heart Association's PREVENT
Equations. Circulation 2024;149:430-449. doi:10.1161/CIRCULATIONAHA.123.067626.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ml.equations import vocabulary
from ml.equations.equation import FEW_ROWS, LOGISTIC, RiskEquation
from ml.equations.inputs import Age, Columns, FloatArray, Quantity, Rule, WholeNumber
from ml.types import Sex

OUTCOMES = ("total_cvd", "ascvd", "heart_failure", "chd", "stroke")

# (horizon in years, sex) -> term of `TERMS` -> a coefficient per outcome in the order of OUTCOMES, 0 where the paper
# has no term.
Coefficients = Mapping[tuple[int, Sex], Mapping[str, tuple[float, float, float, float, float]]]

HBA1C, UACR, SDI = "hba1c_percent", "urine_albumin_creatinine_ratio_mg_g", "sdi_decile"

_SOURCE = "input range of the reference implementation preventr 0.12.0"
# preventr drops a value outside these ranges and takes another model; here the caller names the model, so that the
# value is refused and nothing is dropped in silence. A value that nobody measured has indicators of its own.
OPTIONAL_INPUTS: Mapping[str, Rule] = {
    HBA1C: Quantity(
        field=HBA1C,
        code="HBA1C",
        words="HbA1c",
        unit="%",
        ucum="%",
        low=4.5,
        high=15,
        source=_SOURCE,
        is_optional=True,
    ),
    UACR: Quantity(
        field=UACR,
        code="UACR",
        words="urine albumin-creatinine ratio",
        unit="mg/g",
        ucum="mg/g",
        low=0.1,
        high=25_000,
        source=_SOURCE,
        is_optional=True,
    ),
    SDI: WholeNumber(
        field=SDI,
        code="SDI_DECILE",
        words="social deprivation index decile",
        unit="",
        ucum="1",
        low=1,
        high=10,
        source="deciles of the index",
        is_optional=True,
    ),
}
# HbA1c 5.3 % is PREVENT's own centring value, decile 1 lies in its reference group; 10 mg/g is well inside the normal
# category of albuminuria (A1, below 30 mg/g; KDIGO 2012). The model without these inputs has none of the three.
_OPTIONAL_REFERENCE: Mapping[str, float] = {HBA1C: 5.3, UACR: 10.0, SDI: 1.0}


def _rules(oldest_years: float, age_source: str, optional: tuple[str, ...]) -> tuple[Rule, ...]:
    """The inputs of a model, in the order in which they are checked."""
    return (
        Age(low=30, high=oldest_years, source=age_source),
        vocabulary.SEX,
        vocabulary.systolic_bp(
            low=90, high=180, source=f"{_SOURCE}; the paper goes to 200, where treatment is due anyway"
        ),
        vocabulary.total_cholesterol(low_mg_dl=130, high_mg_dl=320, source=_SOURCE),
        vocabulary.hdl_cholesterol(low_mg_dl=20, high_mg_dl=100, source=_SOURCE),
        vocabulary.bmi(low=18.5, high=39.9, source=_SOURCE),
        vocabulary.egfr(low=15, high=140, source=_SOURCE),
        vocabulary.DIABETES,
        vocabulary.SMOKING,
        vocabulary.ANTIHYPERTENSIVE,
        vocabulary.STATIN,
        *(OPTIONAL_INPUTS[field] for field in optional),
    )


class _Terms(dict[str, FloatArray]):
    """The columns of people, and the terms of `TERMS`, each computed when a model first sums it."""

    def __init__(self, person: Columns) -> None:
        super().__init__(person)
        self._sums: dict[int, FloatArray] = {}

    def __missing__(self, term: str) -> FloatArray:
        self[term] = value = TERMS[term](self)
        return value

    def sums(self, horizon_years: int, names: tuple[str, ...], factors: FloatArray) -> FloatArray:
        """The log-odds of every outcome over one horizon, (outcomes, N), for people of one sex."""
        if horizon_years not in self._sums:
            products = factors * np.array([self[name] for name in names])  # (outcomes, terms, N)
            self._sums[horizon_years] = np.add.accumulate(products, axis=1)[:, -1]
        return self._sums[horizon_years]


# Of what a model multiplies with a coefficient: its definition, in canonical units. NaN is "not measured".
TERMS: Mapping[str, Callable[[Columns], FloatArray]] = {
    "age": lambda of: (of["age_years"] - 55.0) / 10.0,
    "age_squared": lambda of: of["age"] * of["age"],
    "non_hdl": lambda of: of["total_cholesterol_mmol_l"] - of["hdl_cholesterol_mmol_l"] - 3.5,
    "hdl": lambda of: (of["hdl_cholesterol_mmol_l"] - 1.3) / 0.3,
    "sbp_below_110": lambda of: (np.minimum(of["systolic_bp_mmhg"], 110.0) - 110.0) / 20.0,
    "sbp_from_110": lambda of: (np.maximum(of["systolic_bp_mmhg"], 110.0) - 130.0) / 20.0,
    "diabetes": lambda of: of["has_diabetes"],
    "smoking": lambda of: of["is_current_smoker"],
    "bmi_below_30": lambda of: (np.minimum(of["bmi_kg_m2"], 30.0) - 25.0) / 5.0,
    "bmi_from_30": lambda of: (np.maximum(of["bmi_kg_m2"], 30.0) - 30.0) / 5.0,
    "egfr_below_60": lambda of: (np.minimum(of["egfr_ml_min_173m2"], 60.0) - 60.0) / -15.0,
    "egfr_from_60": lambda of: (np.maximum(of["egfr_ml_min_173m2"], 60.0) - 90.0) / -15.0,
    "antihypertensive": lambda of: of["takes_antihypertensive"],
    "statin": lambda of: of["takes_statin"],
    "treated_sbp": lambda of: of["takes_antihypertensive"] * of["sbp_from_110"],
    "treated_non_hdl": lambda of: of["takes_statin"] * of["non_hdl"],
    "age_x_non_hdl": lambda of: of["age"] * of["non_hdl"],
    "age_x_hdl": lambda of: of["age"] * of["hdl"],
    "age_x_sbp_from_110": lambda of: of["age"] * of["sbp_from_110"],
    "age_x_diabetes": lambda of: of["age"] * of["has_diabetes"],
    "age_x_smoking": lambda of: of["age"] * of["is_current_smoker"],
    "age_x_bmi_from_30": lambda of: of["age"] * of["bmi_from_30"],
    "age_x_egfr_below_60": lambda of: of["age"] * of["egfr_below_60"],
    "sdi_4_to_6": lambda of: ((of[SDI] >= 4.0) & (of[SDI] <= 6.0)).astype(np.float64),
    "sdi_7_to_10": lambda of: (of[SDI] >= 7.0).astype(np.float64),
    "sdi_missing": lambda of: np.isnan(of[SDI]).astype(np.float64),
    "ln_uacr": lambda of: np.log(np.where(np.isnan(of[UACR]), 1.0, of[UACR])),
    "uacr_missing": lambda of: np.isnan(of[UACR]).astype(np.float64),
    "hba1c_from_5_3": lambda of: np.where(np.isnan(of[HBA1C]), 0.0, of[HBA1C] - 5.3),
    "hba1c_with_diabetes": lambda of: of["hba1c_from_5_3"] * of["has_diabetes"],
    "hba1c_without_diabetes": lambda of: of["hba1c_from_5_3"] * (1.0 - of["has_diabetes"]),
    "hba1c_missing": lambda of: np.isnan(of[HBA1C]).astype(np.float64),
    "constant": lambda of: np.ones_like(of["age"]),
}


def _linear_predictor(coefficients: Coefficients) -> Callable[[str, int, Columns], FloatArray]:
    """The function that gives the log-odds of an outcome: the sum of coefficient times term, for (N,) terms."""
    names = {key: tuple(table) for key, table in coefficients.items()}
    factors = {  # each (outcomes, terms, 1)
        key: np.array([*table.values()]).T[:, :, np.newaxis].copy() for key, table in coefficients.items()
    }

    def log_odds_of(outcome: str, horizon_years: int, columns: Columns) -> FloatArray:
        value_of = columns if isinstance(columns, _Terms) else _Terms(columns)
        sex: Sex = "female" if value_of["sex"][0] == vocabulary.FEMALE else "male"  # all rows are of one sex
        key, index = (horizon_years, sex), OUTCOMES.index(outcome)
        if value_of["sex"].size < FEW_ROWS:
            # The same sum in the same order, hence the same bits, in two calls; np.sum would add in another order.
            total: FloatArray = value_of.sums(horizon_years, names[key], factors[key])[index]
            return total
        log_odds = np.zeros_like(value_of["age"])
        product = np.empty_like(log_odds)
        for term, factor in zip(names[key], factors[key][index, :, 0], strict=True):
            if factor:  # an outcome has not every term
                np.multiply(value_of[term], factor, out=product)
                log_odds += product
        return log_odds

    return log_odds_of


_LIPIDS = frozenset({"total_cholesterol_mmol_l", "hdl_cholesterol_mmol_l", "takes_statin"})


def prevent_model(
    *, name: str, label: str, module: str, coefficients: Coefficients, optional: tuple[str, ...] = ()
) -> RiskEquation:
    """One of the five models, with the optional inputs that it has terms for.

    risk = 1 / (1 + exp(-sum(coefficient x term))), with the terms of `TERMS`.

    Parameters
    ----------
    name, label : str
        In code and in sentences.
    module : str
        `__name__` of the module that holds the coefficients.
    coefficients : Coefficients
        Log-odds per unit of each term, by horizon in years and sex.
    optional : tuple of str
        Out of OPTIONAL_INPUTS, in the order in which they are checked.

    Returns
    -------
    RiskEquation

    References
    ----------
    Khan SS et al. Circulation 2024;149:430-449. doi:10.1161/CIRCULATIONAHA.123.067626

    Examples
    --------
    >>> flat = {(10, "female"): {"constant": (0.0, 0.0, 0.0, 0.0, 0.0)}}
    >>> model = prevent_model(name="flat", label="Flat", module=__name__, coefficients=flat, optional=(SDI,))
    >>> model.outcomes[:2], model.rules[10][-1].field
    (('total_cvd', 'ascvd'), 'sdi_decile')
    """
    return RiskEquation(
        name=name,
        version="2023",
        label=label,
        citation="Khan SS, Matsushita K, Sang Y, et al. Circulation 2024;149:430-449",
        doi="10.1161/CIRCULATIONAHA.123.067626",
        module=module,
        outcomes=OUTCOMES,
        rules={
            10: _rules(79, _SOURCE, optional),
            30: _rules(59, "30-year risk is given for ages 30 to 59; above, preventr 0.12.0 warns", optional),
        },
        terms=_Terms,
        linear_predictor=_linear_predictor(coefficients),
        link=LOGISTIC,
        reference={
            "takes_antihypertensive": 0.0,
            "takes_statin": 0.0,
            "has_diabetes": 0.0,
            "is_current_smoker": 0.0,
            "total_cholesterol_mmol_l": vocabulary.REFERENCE_TOTAL_CHOLESTEROL_MMOL_L,
            "hdl_cholesterol_mmol_l": vocabulary.REFERENCE_HDL_CHOLESTEROL_MMOL_L,
            "systolic_bp_mmhg": vocabulary.REFERENCE_SYSTOLIC_BP_MMHG,
            "bmi_kg_m2": vocabulary.REFERENCE_BMI_KG_M2,
            "egfr_ml_min_173m2": vocabulary.REFERENCE_EGFR_ML_MIN_173M2,
            **{field: _OPTIONAL_REFERENCE[field] for field in optional},
        },
        # Every input is required for every outcome all the same, as in the reference implementation.
        unused={outcome: _LIPIDS if outcome == "heart_failure" else frozenset({"bmi_kg_m2"}) for outcome in OUTCOMES},
    )
