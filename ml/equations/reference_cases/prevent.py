"""Reference cases of PREVENT: risks of five model variants, and how inputs outside their range are handled."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from ml.equations.catalogue import RISK_EQUATIONS
from ml.equations.cholesterol import MMOL_L_PER_MG_DL
from ml.equations.reference_cases.rows import (
    Comparison,
    Differences,
    NotShippedError,
    Person,
    Row,
    differences,
    number,
    risk,
    yes_no,
)
from ml.errors import EquationRefusal

OUTCOMES = ("total_cvd", "ascvd", "heart_failure", "chd", "stroke")
_HBA1C, _UACR, _SDI = "hba1c_percent", "urine_albumin_creatinine_ratio_mg_g", "sdi_decile"
# Model of the source -> the optional inputs that it has.
_OPTIONAL_INPUTS: Mapping[str, tuple[str, ...]] = {
    "base": (),
    "hba1c": (_HBA1C,),
    "uacr": (_UACR,),
    "sdi": (_SDI,),
    "full": (_HBA1C, _UACR, _SDI),
}


def _equation_name(model: str) -> str:
    name = f"prevent_{model}"
    if model not in _OPTIONAL_INPUTS:
        raise ValueError(f"PREVENT has no model {model!r}")
    if name not in RISK_EQUATIONS:
        raise NotShippedError(f"PREVENT model {model!r} is not shipped")
    return name


def _prevent(row: Row) -> Differences:
    name = _equation_name(row["model"])
    person: Person = {
        "age_years": float(row["age"]),
        "sex": row["sex"],
        "systolic_bp_mmhg": float(row["sbp"]),
        "total_cholesterol_mmol_l": float(row["total_c_mgdl"]) * MMOL_L_PER_MG_DL,
        "hdl_cholesterol_mmol_l": float(row["hdl_c_mgdl"]) * MMOL_L_PER_MG_DL,
        "bmi_kg_m2": float(row["bmi"]),
        "egfr_ml_min_173m2": float(row["egfr"]),
        "has_diabetes": yes_no(row["diabetes"]),
        "is_current_smoker": yes_no(row["smoking"]),
        "takes_antihypertensive": yes_no(row["bp_tx"]),
        "takes_statin": yes_no(row["statin"]),
    }
    given = {_HBA1C: number(row["hba1c_pct"]), _UACR: number(row["uacr_mg_g"]), _SDI: number(row["sdi_decile"])}
    person |= {field: given[field] for field in _OPTIONAL_INPUTS[row["model"]]}
    horizon_years = int(row["horizon_years"])
    return differences(row, {f"exp_{outcome}": risk(name, outcome, horizon_years, person) for outcome in OUTCOMES})


# The worked example of PREVENT, of which each case of prevent_range_handling.csv changes one field.
_WORKED_EXAMPLE: Person = {
    "age_years": 50,
    "sex": "female",
    "systolic_bp_mmhg": 160,
    "total_cholesterol_mmol_l": 200 * MMOL_L_PER_MG_DL,
    "hdl_cholesterol_mmol_l": 45 * MMOL_L_PER_MG_DL,
    "bmi_kg_m2": 35,
    "egfr_ml_min_173m2": 90,
    "has_diabetes": True,
    "is_current_smoker": False,
    "takes_antihypertensive": True,
    "takes_statin": False,
}
# Names in the cases and in their `input_problems` -> (field, factor to its unit).
_CASE_FIELDS = {
    "age": ("age_years", 1.0),
    "sex": ("sex", 1.0),
    "sbp": ("systolic_bp_mmhg", 1.0),
    "tc": ("total_cholesterol_mmol_l", MMOL_L_PER_MG_DL),
    "total_c": ("total_cholesterol_mmol_l", MMOL_L_PER_MG_DL),
    "hdl": ("hdl_cholesterol_mmol_l", MMOL_L_PER_MG_DL),
    "hdl_c": ("hdl_cholesterol_mmol_l", MMOL_L_PER_MG_DL),
    "bmi": ("bmi_kg_m2", 1.0),
    "egfr": ("egfr_ml_min_173m2", 1.0),
    "dm": ("has_diabetes", 1.0),
    "smoking": ("is_current_smoker", 1.0),
    "bp_tx": ("takes_antihypertensive", 1.0),
    "statin": ("takes_statin", 1.0),
    "hba1c": (_HBA1C, 1.0),
    "uacr": (_UACR, 1.0),
}


def _changed_field(case: str) -> Person:
    """What a name such as `sbp89`, `dm_na`, `sexx` or `tc_mmol` changes in the worked example."""
    # No change of substance: the same cholesterol in the other unit, and a ZIP code that has no index.
    if case in ("none", "zip") or case.endswith("_mmol"):
        return {}
    names = "|".join(sorted(_CASE_FIELDS, key=len, reverse=True))
    match = re.fullmatch(rf"({names})(?:(_na)|(\d+(?:\.\d+)?)|(x))", case)
    if match is None:
        raise ValueError(f"case {case!r} is not understood")
    field, factor = _CASE_FIELDS[match[1]]
    if match[2]:
        return {field: None}
    return {field: match[4] or float(match[3]) * factor}


def _prevent_range_handling(row: Row) -> Differences:
    changed = _changed_field(row["case"])
    named = re.match(r"`(\w+)`", row["input_problems"])
    wanted_field = _CASE_FIELDS[named[1]][0] if named and named[1] in _CASE_FIELDS else None
    if row["model"] == "none":
        person = _WORKED_EXAMPLE | changed
        refused = {outcome: _refusal_difference("base", outcome, person, wanted_field) for outcome in OUTCOMES}
        # A refusal has no number: a row that expects one cannot be met.
        return {outcome: math.inf if row[outcome] else difference for outcome, difference in refused.items()}
    horizon_years = int(row["over_years"])
    if horizon_years == 30 and "Warning" in row["input_problems"]:
        raise NotShippedError("30-year risk above age 59 is refused here; the source warns")
    if row["model"] == "base" and wanted_field is not None:
        return _dropped_by_the_source(row, changed, wanted_field, horizon_years)
    name, person = _equation_name(row["model"]), _WORKED_EXAMPLE | changed
    return differences(row, {outcome: risk(name, outcome, horizon_years, person) for outcome in OUTCOMES})


def _dropped_by_the_source(row: Row, changed: Person, field: str, horizon_years: int) -> Differences:
    """An optional input out of range: the source drops it and falls back to the base model.

    Here the caller names the model, so that two things must hold: the base model gives the source's number, and the
    model with that input refuses the value instead of dropping it in silence.
    """
    found = differences(
        row, {outcome: risk("prevent_base", outcome, horizon_years, _WORKED_EXAMPLE) for outcome in OUTCOMES}
    )
    model = next(model for model, fields in _OPTIONAL_INPUTS.items() if fields == (field,))
    person = _WORKED_EXAMPLE | changed
    return {
        outcome: max(difference, _refusal_difference(model, outcome, person, field))
        for outcome, difference in found.items()
    }


def _refusal_difference(model: str, outcome: str, person: Person, wanted_field: str | None) -> float:
    """0 when both horizons are refused for the field that the source names, infinite otherwise."""
    for horizon_years in (10, 30):
        try:
            risk(_equation_name(model), outcome, horizon_years, person)
        except EquationRefusal as refusal:
            if refusal.field == wanted_field:
                continue
        return math.inf
    return 0.0


COMPARISONS: Mapping[str, Comparison] = {"prevent": _prevent, "prevent_range_handling": _prevent_range_handling}
