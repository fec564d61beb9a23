"""Reference cases of independent implementations, `<equation>.csv`, compared column by column with this project.

A row holds inputs in the units of its column names and the outputs expected; a blank output is no expectation,
except in prevent_range_handling.csv, where it is a refusal. Tolerances stand in tolerances.csv.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ml.equations.catalogue import RISK_EQUATIONS
from ml.equations.cholesterol import MMOL_L_PER_MG_DL
from ml.equations.ckd_epi_2021 import UMOL_L_PER_MG_DL, egfr_ckd_epi_2021
from ml.equations.equation import risk_of_person
from ml.errors import EquationRefusal
from ml.types import Sex

TOLERANCES = Path(__file__).with_name("tolerances.csv")
PREVENT_OUTCOMES = RISK_EQUATIONS["prevent_base"].outcomes

Row = Mapping[str, str]
Person = dict[str, object]
# Column -> difference from what is expected; infinite where a number stands for a refusal or the reverse.
Differences = dict[str, float]


class NotShippedError(Exception):
    """This row is not for an equation shipped here, and why."""


@dataclass(slots=True)
class ColumnResult:
    """One expected column of one file."""

    column: str
    absolute_tolerance: float
    compared: int = 0
    largest_difference: float = 0.0
    failed_ids: list[str] = field(default_factory=list)

    def add(self, row_id: str, difference: float) -> None:
        self.compared += 1
        self.largest_difference = max(self.largest_difference, difference)
        if not difference <= self.absolute_tolerance:
            self.failed_ids.append(row_id)


@dataclass(slots=True)
class FileResult:
    """One file: what was compared, skipped (reason -> rows), and which rows raised."""

    file: str
    rows: int = 0
    columns: list[ColumnResult] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    raised: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.raised and all(column.compared and not column.failed_ids for column in self.columns)


def reference_case_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The CSV files of `folder`: those of equations shipped here, and the others."""
    paths = sorted(folder.glob("*.csv"))
    return [path for path in paths if path.stem in _COMPARISONS], [p for p in paths if p.stem not in _COMPARISONS]


def reference_cases_compare(path: Path) -> FileResult:
    """Every row of one file through the equation it belongs to.

    Raises
    ------
    KeyError
        No comparison is known for a file of this name.
    """
    compare = _COMPARISONS[path.stem]
    result = FileResult(file=path.name, columns=_columns_of(path.stem))
    by_name = {column.column: column for column in result.columns}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            result.rows += 1
            try:
                differences = compare(row)
            except NotShippedError as reason:
                result.skipped[str(reason)] += 1
                continue
            except (EquationRefusal, ValueError, KeyError, TypeError) as error:
                result.raised.append(f"id {row.get('id')}: {type(error).__name__}: {error}")
                continue
            for column, difference in differences.items():
                by_name[column].add(row["id"], math.inf if math.isnan(difference) else difference)
    return result


def _columns_of(stem: str) -> list[ColumnResult]:
    with TOLERANCES.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["file"] == stem]
    return [ColumnResult(row["column"], float(row["absolute_tolerance"])) for row in rows]


def _prevent_person(row: Row) -> Person:
    return {
        "age_years": float(row["age"]),
        "sex": row["sex"],
        "systolic_bp_mmhg": float(row["sbp"]),
        "total_cholesterol_mmol_l": float(row["total_c_mgdl"]) * MMOL_L_PER_MG_DL,
        "hdl_cholesterol_mmol_l": float(row["hdl_c_mgdl"]) * MMOL_L_PER_MG_DL,
        "bmi_kg_m2": float(row["bmi"]),
        "egfr_ml_min_173m2": float(row["egfr"]),
        "has_diabetes": _yes_no(row["diabetes"]),
        "is_current_smoker": _yes_no(row["smoking"]),
        "takes_antihypertensive": _yes_no(row["bp_tx"]),
        "takes_statin": _yes_no(row["statin"]),
    }


def _prevent(row: Row) -> Differences:
    if row["model"] != "base":
        raise NotShippedError(f"PREVENT model {row['model']!r} is not shipped")
    person, horizon = _prevent_person(row), int(row["horizon_years"])
    return {
        f"exp_{outcome}": abs(_risk("prevent_base", outcome, horizon, person) - float(row[f"exp_{outcome}"]))
        for outcome in PREVENT_OUTCOMES
        if row[f"exp_{outcome}"]
    }


def _mesa_chd(row: Row) -> Differences:
    person: Person = {
        "age_years": float(row["age"]),
        "sex": row["sex"],
        "mesa_race_ethnicity": row["race"],
        "systolic_bp_mmhg": float(row["sbp"]),
        "total_cholesterol_mmol_l": float(row["total_c_mgdl"]) * MMOL_L_PER_MG_DL,
        "hdl_cholesterol_mmol_l": float(row["hdl_c_mgdl"]) * MMOL_L_PER_MG_DL,
        "has_diabetes": _yes_no(row["diabetes"]),
        "is_current_smoker": _yes_no(row["smoker"]),
        "takes_antihypertensive": _yes_no(row["bp_med"]),
        "takes_lipid_lowering": _yes_no(row["lipid_med"]),
        "has_family_history_of_heart_attack": _yes_no(row["family_history_mi"]),
    }
    without = _risk("mesa_chd", "chd", 10, person)
    found = {
        "exp_prob_no_cac_preventr": without,
        "exp_pct_no_cac_CVrisk_clamped_1_30": _clamped_percent(without),
    }
    if row["cac_agatston"]:
        with_calcium = _risk("mesa_chd_cac", "chd", 10, person | {"agatston_score": float(row["cac_agatston"])})
        found["exp_prob_with_cac_preventr"] = with_calcium
        found["exp_pct_with_cac_CVrisk_clamped_1_30"] = _clamped_percent(with_calcium)
    return {column: abs(value - float(row[column])) for column, value in found.items() if row[column]}


_SEXES: Mapping[str, Sex] = {"female": "female", "male": "male"}


def _ckd_epi_2021(row: Row) -> Differences:
    creatinine_umol_l = float(row["creatinine_mg_dl"]) * UMOL_L_PER_MG_DL
    egfr = egfr_ckd_epi_2021(age_years=float(row["age"]), sex=_SEXES[row["sex"]], creatinine_umol_l=creatinine_umol_l)
    return {column: abs(egfr - float(row[column])) for column in ("egfr_formula", "egfr_mcp") if row[column]}


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
}
_NOT_IN_THE_BASE_MODEL = ("hba1c", "uacr", "zip", "sdi")


def _range_case_person(case: str) -> Person:
    """The worked example with the change that a name such as `sbp89`, `dm_na`, `sexx` or `tc_mmol` stands for."""
    if case == "none" or case.startswith(_NOT_IN_THE_BASE_MODEL) or case.endswith("_mmol"):
        return dict(_WORKED_EXAMPLE)
    names = "|".join(sorted(_CASE_FIELDS, key=len, reverse=True))
    match = re.fullmatch(rf"({names})(?:(_na)|(\d+(?:\.\d+)?)|(x))", case)
    if match is None:
        raise ValueError(f"case {case!r} is not understood")
    name, factor = _CASE_FIELDS[match[1]]
    if match[2]:
        return _WORKED_EXAMPLE | {name: None}
    return _WORKED_EXAMPLE | {name: match[4] or float(match[3]) * factor}


def _prevent_range_handling(row: Row) -> Differences:
    if row["model"] not in ("base", "none"):
        raise NotShippedError(f"PREVENT model {row['model']!r} is not shipped")
    person = _range_case_person(row["case"])
    if row["model"] == "none":
        named = re.match(r"`(\w+)`", row["input_problems"])
        wanted_field = _CASE_FIELDS[named[1]][0] if named else None
        return {outcome: _refusal_difference(outcome, person, wanted_field) for outcome in PREVENT_OUTCOMES}
    horizon = int(row["over_years"])
    if horizon == 30 and isinstance(person["age_years"], float) and person["age_years"] > 59:
        raise NotShippedError("30-year risk above age 59 is refused here; the source warns")
    return {
        outcome: abs(_risk("prevent_base", outcome, horizon, person) - float(row[outcome]))
        for outcome in PREVENT_OUTCOMES
        if row[outcome]
    }


def _refusal_difference(outcome: str, person: Person, wanted_field: str | None) -> float:
    """0 when both horizons are refused for the field that the source names, infinite otherwise."""
    for horizon in (10, 30):
        try:
            _risk("prevent_base", outcome, horizon, person)
        except EquationRefusal as refusal:
            if refusal.field == wanted_field:
                continue
        return math.inf
    return 0.0


def _risk(name: str, outcome: str, horizon_years: int, person: Person) -> float:
    return risk_of_person(RISK_EQUATIONS[name], outcome=outcome, horizon_years=horizon_years, person=person)


def _clamped_percent(risk: float) -> float:
    return min(max(100 * risk, 1.0), 30.0)


def _yes_no(cell: str) -> bool:
    return {"0": False, "1": True}[cell]


_COMPARISONS: Mapping[str, Callable[[Row], Differences]] = {
    "prevent": _prevent,
    "prevent_range_handling": _prevent_range_handling,
    "mesa_chd": _mesa_chd,
    "ckd_epi_2021": _ckd_epi_2021,
}
