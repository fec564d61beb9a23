"""Reference cases of MESA, without and with calcium."""

from __future__ import annotations

from collections.abc import Mapping

from ml.equations.cholesterol import MMOL_L_PER_MG_DL
from ml.equations.reference_cases.rows import (
    Comparison,
    Differences,
    Person,
    Row,
    clamped,
    differences,
    risk,
    yes_no,
)


def _mesa_chd(row: Row) -> Differences:
    person: Person = {
        "age_years": float(row["age"]),
        "sex": row["sex"],
        "mesa_race_ethnicity": row["race"],
        "systolic_bp_mmhg": float(row["sbp"]),
        "total_cholesterol_mmol_l": float(row["total_c_mgdl"]) * MMOL_L_PER_MG_DL,
        "hdl_cholesterol_mmol_l": float(row["hdl_c_mgdl"]) * MMOL_L_PER_MG_DL,
        "has_diabetes": yes_no(row["diabetes"]),
        "is_current_smoker": yes_no(row["smoker"]),
        "takes_antihypertensive": yes_no(row["bp_med"]),
        "takes_lipid_lowering": yes_no(row["lipid_med"]),
        "has_family_history_of_heart_attack": yes_no(row["family_history_mi"]),
    }
    without = risk("mesa_chd", "chd", 10, person)
    found = {
        "exp_prob_no_cac_preventr": without,
        "exp_pct_no_cac_CVrisk_clamped_1_30": clamped(100 * without, 1, 30),
    }
    if row["cac_agatston"]:
        with_calcium = risk("mesa_chd_cac", "chd", 10, person | {"agatston_score": float(row["cac_agatston"])})
        found["exp_prob_with_cac_preventr"] = with_calcium
        found["exp_pct_with_cac_CVrisk_clamped_1_30"] = clamped(100 * with_calcium, 1, 30)
    return differences(row, found)


COMPARISONS: Mapping[str, Comparison] = {"mesa_chd": _mesa_chd}
