"""People for the tests of equations: the published worked examples and hypothesis strategies over the valid ranges."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from ml.equations.equation import RiskEquation
from ml.equations.inputs import Choice, Quantity, WholeNumber, YesNo

MG_DL = 0.02586

AHA_WOMAN: dict[str, object] = {
    "age_years": 50,
    "sex": "female",
    "systolic_bp_mmhg": 160,
    "total_cholesterol_mmol_l": 200 * MG_DL,
    "hdl_cholesterol_mmol_l": 45 * MG_DL,
    "bmi_kg_m2": 35,
    "egfr_ml_min_173m2": 90,
    "has_diabetes": True,
    "is_current_smoker": False,
    "takes_antihypertensive": True,
    "takes_statin": False,
}
MESA_MAN: dict[str, object] = {
    "age_years": 70,
    "sex": "male",
    "mesa_race_ethnicity": "hispanic",
    "systolic_bp_mmhg": 130,
    "total_cholesterol_mmol_l": 190 * MG_DL,
    "hdl_cholesterol_mmol_l": 50 * MG_DL,
    "has_diabetes": False,
    "is_current_smoker": False,
    "takes_antihypertensive": True,
    "takes_lipid_lowering": False,
    "has_family_history_of_heart_attack": False,
}


def people_of(equation: RiskEquation, horizon_years: int) -> st.SearchStrategy[dict[str, object]]:
    """Any person whom the equation accepts."""
    columns: dict[str, st.SearchStrategy[object]] = {}
    for rule in equation.rules[horizon_years]:
        if isinstance(rule, YesNo):
            columns[rule.field] = st.booleans()
        elif isinstance(rule, Choice):
            columns[rule.field] = st.sampled_from(rule.options)
        elif isinstance(rule, Quantity):
            whole = rule.field == "age_years" or isinstance(rule, WholeNumber)
            values = st.integers(int(rule.low), int(rule.high)) if whole else st.floats(rule.low, rule.high)
            columns[rule.field] = st.none() | values if rule.is_optional else values
    return st.fixed_dictionaries(columns)


def columns_of(people: list[dict[str, object]]) -> dict[str, npt.NDArray[np.generic]]:
    """Persons as the columns of `risk_of_people`, where unknown is NaN."""
    return {
        name: np.array([math.nan if person[name] is None else person[name] for person in people]) for name in people[0]
    }
