"""Every equation that this project ships, by name."""

from __future__ import annotations

from collections.abc import Mapping

from ml.equations.ckd_epi_2021 import CKD_EPI_2021
from ml.equations.equation import PublishedEquation, RiskEquation
from ml.equations.mesa_chd import MESA_CHD, MESA_CHD_CAC
from ml.equations.prevent_base import PREVENT_BASE

RISK_EQUATIONS: Mapping[str, RiskEquation] = {
    equation.name: equation for equation in (PREVENT_BASE, MESA_CHD, MESA_CHD_CAC)
}
# What computes an input of another equation rather than a risk.
INPUT_EQUATIONS: Mapping[str, PublishedEquation] = {CKD_EPI_2021.name: CKD_EPI_2021}
