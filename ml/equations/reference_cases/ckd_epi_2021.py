"""Reference cases of CKD-EPI 2021."""

from __future__ import annotations

from collections.abc import Mapping

from ml.equations.ckd_epi_2021 import UMOL_L_PER_MG_DL, egfr_ckd_epi_2021
from ml.equations.reference_cases.rows import SEXES, Comparison, Differences, Row, differences


def _ckd_epi_2021(row: Row) -> Differences:
    creatinine_umol_l = float(row["creatinine_mg_dl"]) * UMOL_L_PER_MG_DL
    egfr = egfr_ckd_epi_2021(age_years=float(row["age"]), sex=SEXES[row["sex"]], creatinine_umol_l=creatinine_umol_l)
    return differences(row, {"egfr_formula": egfr, "egfr_mcp": egfr})


COMPARISONS: Mapping[str, Comparison] = {"ckd_epi_2021": _ckd_epi_2021}
