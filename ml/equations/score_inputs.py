"""The inputs that several scores share. Scores print no limits: these keep out wrong units and typing errors."""

from __future__ import annotations

from ml.equations import vocabulary
from ml.equations.inputs import Age, Quantity, YesNo

PLAUSIBLE = "plausibility limit of this project; the paper gives none"

ADULT_AGE = Age(low=18, high=120, source=f"adults from 18; {PLAUSIBLE}")
SYSTOLIC_BP = vocabulary.systolic_bp(low=50, high=300, source=PLAUSIBLE)
BMI = vocabulary.bmi(low=10, high=90, source=PLAUSIBLE)
EGFR = vocabulary.egfr(low=1, high=250, source=PLAUSIBLE)
TOTAL_CHOLESTEROL = Quantity(
    field="total_cholesterol_mmol_l",
    code="TOTAL_CHOLESTEROL",
    words="total cholesterol",
    unit="mmol/L",
    ucum="mmol/L",
    low=1.5,
    high=20,
    source=PLAUSIBLE,
)
HDL_CHOLESTEROL = Quantity(
    field="hdl_cholesterol_mmol_l",
    code="HDL_CHOLESTEROL",
    words="HDL cholesterol",
    unit="mmol/L",
    ucum="mmol/L",
    low=0.2,
    high=5,
    source=PLAUSIBLE,
)
EDUCATION = Quantity(
    field="education_years",
    code="EDUCATION",
    words="education",
    unit="years",
    ucum="a",
    low=0,
    high=40,
    source=PLAUSIBLE,
)

HYPERTENSION = YesNo(
    field="has_hypertension",
    code="HYPERTENSION",
    question="has hypertension",
    absent="no hypertension",
    present="hypertension",
)
ATRIAL_FIBRILLATION = YesNo(
    field="has_atrial_fibrillation",
    code="ATRIAL_FIBRILLATION",
    question="has atrial fibrillation",
    absent="no atrial fibrillation",
    present="atrial fibrillation",
)
PRIOR_CARDIOVASCULAR_DISEASE = YesNo(
    field="has_prior_cardiovascular_disease",
    code="PRIOR_CARDIOVASCULAR_DISEASE",
    question="has known cardiovascular disease",
    absent="no known cardiovascular disease",
    present="known cardiovascular disease",
)
PHYSICALLY_ACTIVE = YesNo(
    field="is_physically_active",
    code="PHYSICAL_ACTIVITY",
    question="is physically active",
    absent="physical inactivity",
    present="physical activity",
)
DEPRESSIVE_SYMPTOMS = YesNo(
    field="has_depressive_symptoms",
    code="DEPRESSIVE_SYMPTOMS",
    question="has depressive symptoms",
    absent="no depressive symptoms",
    present="depressive symptoms",
)
