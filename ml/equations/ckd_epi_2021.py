"""CKD-EPI 2021: estimated glomerular filtration rate from serum creatinine, without race.

Inker LA, Eneanya ND, Coresh J, et al. New Creatinine- and Cystatin C-Based Equations to Estimate GFR without Race.
N Engl J Med 2021;385:1737-1749. doi:10.1056/NEJMoa2102953.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ml.equations import vocabulary
from ml.equations.equation import PublishedEquation, evaluated_people
from ml.equations.inputs import Age, BoolArray, Columns, FloatArray, Quantity, Rule, checked_person
from ml.types import Sex

# (women, men)
KAPPA_MG_DL = (0.7, 0.9)
ALPHA = (-0.241, -0.302)
SEX_FACTOR = (1.012, 1.0)
SCALE, EXPONENT_ABOVE_KAPPA, FACTOR_PER_YEAR = 142.0, -1.200, 0.9938

UMOL_L_PER_MG_DL = 88.4

CKD_EPI_2021 = PublishedEquation(
    name="ckd_epi_2021",
    version="2021",
    label="CKD-EPI 2021",
    citation="Inker LA, Eneanya ND, Coresh J, et al. N Engl J Med 2021;385:1737-1749",
    doi="10.1056/NEJMoa2102953",
    module=__name__,
)

# The paper gives no upper limits; beyond these a value is more likely a wrong unit or a typing error than a patient.
_PLAUSIBLE = "plausibility limit of this project; the paper gives none"
RULES: tuple[Rule, ...] = (
    Age(low=18, high=120, source=f"derived in adults from 18; 120 is a {_PLAUSIBLE}"),
    vocabulary.SEX,
    Quantity(
        field="creatinine_umol_l",
        code="CREATININE",
        words="serum creatinine",
        unit="µmol/L",
        ucum="umol/L",
        low=0.1 * UMOL_L_PER_MG_DL,
        high=30 * UMOL_L_PER_MG_DL,
        also="0.1 to 30 mg/dL",
        source=_PLAUSIBLE,
    ),
)


def _formula(person: Columns) -> FloatArray:
    is_female = person["sex"] == vocabulary.FEMALE
    ratio = person["creatinine_umol_l"] / UMOL_L_PER_MG_DL / np.where(is_female, *KAPPA_MG_DL)
    below = np.minimum(ratio, 1.0) ** np.where(is_female, *ALPHA)
    above = np.maximum(ratio, 1.0) ** EXPONENT_ABOVE_KAPPA
    egfr: FloatArray = SCALE * below * above * FACTOR_PER_YEAR ** person["age_years"] * np.where(is_female, *SEX_FACTOR)
    return egfr


def egfr_ckd_epi_2021(*, age_years: float | None, sex: Sex | None, creatinine_umol_l: float | None) -> float:
    """Estimated glomerular filtration rate in mL/min/1.73 m², not rounded.

    eGFR = 142 x min(Scr/k, 1)^a x max(Scr/k, 1)^-1.200 x 0.9938^age x 1.012 [women], with Scr in mg/dL
    (88.4 µmol/L per mg/dL), k = 0.7 (women) or 0.9 (men), a = -0.241 or -0.302.

    Parameters
    ----------
    age_years
        Completed years, from 18.
    sex
        "female" or "male".
    creatinine_umol_l
        Stable, IDMS-traceable serum creatinine, 8.84-2652 µmol/L. Not valid in acute kidney injury or pregnancy.

    Returns
    -------
    float
        mL/min/1.73 m².

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range.

    References
    ----------
    Inker LA et al. N Engl J Med 2021;385:1737-1749. doi:10.1056/NEJMoa2102953

    Examples
    --------
    >>> round(egfr_ckd_epi_2021(age_years=60, sex="female", creatinine_umol_l=88.4), 3)
    64.495
    """
    person = {"age_years": age_years, "sex": sex, "creatinine_umol_l": creatinine_umol_l}
    return float(_formula(checked_person(RULES, person, CKD_EPI_2021.label))[0])


def egfr_ckd_epi_2021_of_people(people: Mapping[str, object]) -> tuple[FloatArray, BoolArray]:
    """The same for arrays of `age_years`, `sex` and `creatinine_umol_l`.

    Parameters
    ----------
    people : mapping
        Exactly these three names, each an array or a scalar; columns broadcast. Completed years, "female" or "male",
        µmol/L; unknown is NaN, or None as a sex.

    Returns
    -------
    tuple of arrays
        eGFR in mL/min/1.73 m², NaN where refused, and the mask of what was refused; shape of the broadcast columns.

    Raises
    ------
    ValueError, TypeError
        A column is missing, unknown, or of a dtype that cannot hold its values.

    References
    ----------
    Inker LA et al. N Engl J Med 2021;385:1737-1749. doi:10.1056/NEJMoa2102953

    Examples
    --------
    >>> people = {"age_years": [60, 17], "sex": "female", "creatinine_umol_l": 88.4}
    >>> egfr_ckd_epi_2021_of_people(people)[0].round(3)
    array([64.495,    nan])
    """
    found = evaluated_people(RULES, people, _formula)
    return found.risk, found.refused
