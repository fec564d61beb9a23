"""Every equation that this project ships, by name."""

from __future__ import annotations

from collections.abc import Mapping

from ml.equations.abcd2 import ABCD2
from ml.equations.bdsi import BDSI
from ml.equations.cac_categories import CAC_CATEGORIES
from ml.equations.caide import CAIDE_1, CAIDE_2
from ml.equations.centiloid import CENTILOID
from ml.equations.cha2ds2 import CHA2DS2_VA, CHA2DS2_VASC
from ml.equations.ckd_epi_2021 import CKD_EPI_2021
from ml.equations.equation import PublishedEquation, RiskEquation
from ml.equations.framingham_2008 import FRAMINGHAM_2008_BMI, FRAMINGHAM_2008_LIPID
from ml.equations.fsrp_1991 import FSRP_1991
from ml.equations.fsrp_2017 import FSRP_2017
from ml.equations.libra import LIBRA
from ml.equations.mesa_chd import MESA_CHD, MESA_CHD_CAC
from ml.equations.pce_2013 import PCE_2013
from ml.equations.pce_2018 import PCE_2018
from ml.equations.points import PointsScore
from ml.equations.prevent_base import PREVENT_BASE
from ml.equations.prevent_full import PREVENT_FULL
from ml.equations.prevent_hba1c import PREVENT_HBA1C
from ml.equations.prevent_sdi import PREVENT_SDI
from ml.equations.prevent_uacr import PREVENT_UACR
from ml.equations.score2 import SCORE2
from ml.equations.score2_op import SCORE2_OP

# What a person can be assessed by: a risk, or points.
RISK_EQUATIONS: Mapping[str, RiskEquation | PointsScore] = {
    equation.name: equation
    for equation in (
        PREVENT_BASE,
        PREVENT_HBA1C,
        PREVENT_UACR,
        PREVENT_SDI,
        PREVENT_FULL,
        MESA_CHD,
        MESA_CHD_CAC,
        PCE_2013,
        PCE_2018,
        SCORE2,
        SCORE2_OP,
        FRAMINGHAM_2008_LIPID,
        FRAMINGHAM_2008_BMI,
        FSRP_2017,
        FSRP_1991,
        CAIDE_1,
        CAIDE_2,
        BDSI,
        LIBRA,
        CHA2DS2_VASC,
        CHA2DS2_VA,
        ABCD2,
    )
}
# What computes an input of another equation, or classes a measurement, rather than a risk.
INPUT_EQUATIONS: Mapping[str, PublishedEquation] = {
    equation.name: equation for equation in (CKD_EPI_2021, CAC_CATEGORIES, CENTILOID)
}
