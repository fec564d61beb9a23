"""Reference cases of the Pooled Cohort Equations, SCORE2 and Framingham 2008.

Sources that floor or clamp what they print are met by flooring or clamping our number in the comparison only.
"""

from __future__ import annotations

from collections.abc import Mapping

from ml.equations.cholesterol import MMOL_L_PER_MG_DL
from ml.equations.reference_cases.rows import Comparison, Differences, Person, Row, clamped, differences, risk, yes_no


def _risk_factors(row: Row) -> Person:
    """What the three files share."""
    return {
        "age_years": float(row["age"]),
        "sex": row["sex"],
        "systolic_bp_mmhg": float(row["sbp"]),
        "has_diabetes": yes_no(row["diabetes"]),
        "is_current_smoker": yes_no(row["smoker"]),
    }


def _cholesterol(row: Row) -> Person:
    return {
        "total_cholesterol_mmol_l": float(row["total_c_mgdl"]) * MMOL_L_PER_MG_DL,
        "hdl_cholesterol_mmol_l": float(row["hdl_c_mgdl"]) * MMOL_L_PER_MG_DL,
    }


def _pce(row: Row) -> Differences:
    person = _risk_factors(row) | _cholesterol(row)
    person |= {"pce_race": row["race"], "takes_antihypertensive": yes_no(row["bp_tx"])}
    original, revised = risk("pce_2013", "ascvd", 10, person), risk("pce_2018", "ascvd", 10, person)
    return differences(
        row,
        {
            "exp_pce2013_pct_estimateCVRisk": 100 * original,
            "exp_pce2013_pct_CVrisk_floor1": clamped(100 * original, 1),
            "exp_pce2013_prob_preventr_4dpmeans": original,
            "exp_pce2013_prob_PooledCohort_fineCoef": original,
            "exp_pce_rev2018_prob_preventr": revised,
            "exp_pce_rev2018_prob_PooledCohort": revised,
        },
    )


_SCORE2_EQUATIONS = {"SCORE2": "score2", "SCORE2-OP": "score2_op"}
_SCORE2_REGIONS = {"Low": "low", "Moderate": "moderate", "High": "high", "Very high": "very_high"}


def _score2(row: Row) -> Differences:
    person = _risk_factors(row) | {
        "score2_region": _SCORE2_REGIONS[row["region"]],
        "total_cholesterol_mmol_l": float(row["total_c_mmol"]),
        "hdl_cholesterol_mmol_l": float(row["hdl_c_mmol"]),
    }
    percent = 100 * risk(_SCORE2_EQUATIONS[row["algorithm"]], "cvd", 10, person)
    return differences(row, {"exp_pct_RiskScorescvd_1dp": percent, "exp_pct_estimateCVRisk_2dp": percent})


def _framingham_2008(row: Row) -> Differences:
    person = _risk_factors(row) | {"takes_antihypertensive": yes_no(row["bp_tx"])}
    lipid = 100 * risk("framingham_2008_lipid", "general_cvd", 10, person | _cholesterol(row))
    bmi = 100 * risk("framingham_2008_bmi", "general_cvd", 10, person | {"bmi_kg_m2": float(row["bmi"])})
    return differences(
        row,
        {
            "exp_frs_lipid_pct_CVrisk": clamped(lipid, 1),
            "exp_frs_lipid_pct_estimateCVRisk": lipid,
            "exp_frs_bmi_pct_CVrisk_clamped_1_30": clamped(bmi, 1, 30),
        },
    )


COMPARISONS: Mapping[str, Comparison] = {"pce": _pce, "score2": _score2, "framingham2008": _framingham_2008}
