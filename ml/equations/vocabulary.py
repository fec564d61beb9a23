"""The inputs that several equations share: field names, words, units; each equation adds its limits."""

from __future__ import annotations

from ml.equations.cholesterol import MMOL_L_PER_MG_DL, ROUNDING_MMOL_L
from ml.equations.inputs import Choice, Quantity, YesNo

SEX = Choice(
    field="sex",
    options=("female", "male"),
    code="SEX_UNKNOWN",
    needs="{label} needs the sex recorded as female or male",
)
FEMALE = 0.0  # index of the option

DIABETES = YesNo(
    field="has_diabetes", code="DIABETES", question="has diabetes", absent="no diabetes", present="diabetes"
)
SMOKING = YesNo(
    field="is_current_smoker",
    code="SMOKING",
    question="currently smokes",
    absent="not smoking",
    present="currently smoking",
)
ANTIHYPERTENSIVE = YesNo(
    field="takes_antihypertensive",
    code="ANTIHYPERTENSIVE",
    question="takes a blood pressure drug",
    absent="no blood pressure drug",
    present="a blood pressure drug",
)
STATIN = YesNo(field="takes_statin", code="STATIN", question="takes a statin", absent="no statin", present="a statin")
LIPID_LOWERING = YesNo(
    field="takes_lipid_lowering",
    code="LIPID_LOWERING",
    question="takes a lipid-lowering drug",
    absent="no lipid-lowering drug",
    present="a lipid-lowering drug",
)
FAMILY_HISTORY = YesNo(
    field="has_family_history_of_heart_attack",
    code="FAMILY_HISTORY",
    question="has a parent, sibling or child who had a heart attack",
    absent="no family history of heart attack",
    present="a family history of heart attack",
)


def systolic_bp(*, low: float, high: float, source: str) -> Quantity:
    """Systolic blood pressure as an input.

    Parameters
    ----------
    low, high : float
        mmHg, both accepted.
    source : str
        Of the limits, as a refusal prints it.

    Returns
    -------
    Quantity
        `systolic_bp_mmhg`.

    Examples
    --------
    >>> systolic_bp(low=90, high=200, source="paper").limit
    '90 to 200 mmHg; source: paper'
    """
    return Quantity(
        field="systolic_bp_mmhg",
        code="SYSTOLIC_BP",
        words="systolic blood pressure",
        unit="mmHg",
        ucum="mm[Hg]",
        low=low,
        high=high,
        source=source,
    )


def total_cholesterol(*, low_mg_dl: float, high_mg_dl: float, source: str) -> Quantity:
    """Total cholesterol as an input, 0.02586 mmol/L a mg/dL, with room for rounding to two decimals of mmol/L.

    Parameters
    ----------
    low_mg_dl, high_mg_dl : float
        mg/dL, both accepted.
    source : str
        Of the limits, as a refusal prints it.

    Returns
    -------
    Quantity
        `total_cholesterol_mmol_l`.

    Examples
    --------
    >>> total_cholesterol(low_mg_dl=130, high_mg_dl=320, source="paper").limit
    '3.3618 to 8.2752 mmol/L (130 to 320 mg/dL, to the second decimal of mmol/L); source: paper'
    """
    return _cholesterol(
        "total_cholesterol_mmol_l", "TOTAL_CHOLESTEROL", "total cholesterol", low_mg_dl, high_mg_dl, source
    )


def hdl_cholesterol(*, low_mg_dl: float, high_mg_dl: float, source: str) -> Quantity:
    """HDL cholesterol as an input, converted as `total_cholesterol`.

    Parameters
    ----------
    low_mg_dl, high_mg_dl : float
        mg/dL, both accepted.
    source : str
        Of the limits, as a refusal prints it.

    Returns
    -------
    Quantity
        `hdl_cholesterol_mmol_l`.

    Examples
    --------
    >>> bool(hdl_cholesterol(low_mg_dl=20, high_mg_dl=100, source="paper").accepts(0.52))
    True
    """
    return _cholesterol("hdl_cholesterol_mmol_l", "HDL_CHOLESTEROL", "HDL cholesterol", low_mg_dl, high_mg_dl, source)


def bmi(*, low: float, high: float, source: str) -> Quantity:
    """Body mass index as an input.

    Parameters
    ----------
    low, high : float
        kg/m², both accepted.
    source : str
        Of the limits, as a refusal prints it.

    Returns
    -------
    Quantity
        `bmi_kg_m2`.

    Examples
    --------
    >>> bmi(low=18.5, high=39.9, source="paper").limit
    '18.5 to 39.9 kg/m²; source: paper'
    """
    return Quantity(
        field="bmi_kg_m2",
        code="BMI",
        words="body mass index",
        unit="kg/m²",
        ucum="kg/m2",
        low=low,
        high=high,
        source=source,
    )


def egfr(*, low: float, high: float, source: str) -> Quantity:
    """Estimated glomerular filtration rate as an input.

    Parameters
    ----------
    low, high : float
        mL/min/1.73 m², both accepted.
    source : str
        Of the limits, as a refusal prints it.

    Returns
    -------
    Quantity
        `egfr_ml_min_173m2`.

    Examples
    --------
    >>> egfr(low=15, high=140, source="paper").phrase(90.0)
    'eGFR 90 mL/min/1.73 m²'
    """
    return Quantity(
        field="egfr_ml_min_173m2",
        code="EGFR",
        words="eGFR",
        unit="mL/min/1.73 m²",
        ucum="mL/min/{1.73_m2}",
        low=low,
        high=high,
        source=source,
    )


def _cholesterol(field: str, code: str, words: str, low_mg_dl: float, high_mg_dl: float, source: str) -> Quantity:
    return Quantity(
        field=field,
        code=code,
        words=words,
        unit="mmol/L",
        ucum="mmol/L",
        low=low_mg_dl * MMOL_L_PER_MG_DL,
        high=high_mg_dl * MMOL_L_PER_MG_DL,
        also=f"{low_mg_dl:g} to {high_mg_dl:g} mg/dL, to the second decimal of mmol/L",
        source=source,
        tolerance=ROUNDING_MMOL_L,
    )


# The reference person against whom contributions are counted. Blood pressure below 120 mmHg, body mass index below 25,
# non-HDL cholesterol below 130 mg/dL (3.36 mmol/L), no diabetes and no nicotine are the full marks of Life's Essential
# 8 (Lloyd-Jones DM et al. Circulation 2022;146:e18-e43, doi:10.1161/CIR.0000000000001078), so 4.4 - 1.3 = 3.1 mmol/L
# (120 mg/dL). HDL 1.3 mmol/L and eGFR 90 are PREVENT's own centring values, 90 also the lower end of normal.
REFERENCE_TOTAL_CHOLESTEROL_MMOL_L = 4.4
REFERENCE_HDL_CHOLESTEROL_MMOL_L = 1.3
REFERENCE_SYSTOLIC_BP_MMHG = 120.0
REFERENCE_BMI_KG_M2 = 25.0
REFERENCE_EGFR_ML_MIN_173M2 = 90.0
