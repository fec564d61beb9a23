"""How a feature of the snapshot becomes an input of the equations. Only what is known and usable reaches one."""

from __future__ import annotations

from typing import Any

from cdss.assessments.features import Features
from cdss.assessments.models import FeatureState

# Of the same name in `ml.types.AssessmentInputs`.
NUMBERS = (
    "systolic_bp_mmhg",
    "total_cholesterol_mmol_l",
    "hdl_cholesterol_mmol_l",
    "bmi_kg_m2",
    "egfr_ml_min_173m2",
    "hba1c_percent",
    "urine_albumin_creatinine_ratio_mg_g",
    "agatston_score",
    "tia_systolic_bp_mmhg",
    "tia_diastolic_bp_mmhg",
    "tia_duration_minutes",
    "education_years",
)
WHOLE_NUMBERS = ("age_years", "sdi_decile")
CHOICES = ("sex", "mesa_race_ethnicity", "pce_race", "tia_clinical_features")
YES_NO = {
    "diabetes": "has_diabetes",
    "antihypertensive_treatment": "takes_antihypertensive",
    "statin_treatment": "takes_statin",
    "lipid_lowering_treatment": "takes_lipid_lowering",
    "family_history_heart_attack": "has_family_history_of_heart_attack",
    "prior_cardiovascular_disease": "has_prior_cardiovascular_disease",
    "heart_failure": "has_heart_failure",
    "coronary_heart_disease": "has_coronary_heart_disease",
    "vascular_disease": "has_vascular_disease",
    "hypertension": "has_hypertension",
    "atrial_fibrillation": "has_atrial_fibrillation",
    "left_ventricular_hypertrophy": "has_left_ventricular_hypertrophy",
    "prior_stroke": "has_prior_stroke",
    "prior_stroke_or_tia": "has_prior_stroke_or_tia",
    "physical_activity": "is_physically_active",
    "apoe_e4": "is_apoe_e4_carrier",
    "depressive_symptoms": "has_depressive_symptoms",
    "needs_help_money_medication": "needs_help_with_money_or_medication",
    "high_cognitive_activity": "has_high_cognitive_activity",
    "mediterranean_diet": "eats_mediterranean_diet",
    "low_to_moderate_alcohol": "drinks_low_to_moderate_alcohol",
}
SMOKING = "smoking"
# What the policy asks beyond the inputs.
POLICY_ONLY = (
    "pregnancy",
    "prior_tia",
    "tia_within_7_days",
    "valvular_atrial_fibrillation",
    "anticoagulant_treatment",
    "dialysis",
    "palliative_care",
    "cognitive_disorder",
    "type_1_diabetes",
    "familial_hypercholesterolaemia",
    "ldl_cholesterol_mmol_l",
    "metal_in_ct",
)
# Everything an equation or the policy receives: what a decision depends on.
RECEIVED = frozenset({*NUMBERS, *WHOLE_NUMBERS, *CHOICES, *YES_NO, SMOKING, *POLICY_ONLY})
FEATURE_OF_FIELD = {field: feature for feature, field in YES_NO.items()} | {"is_current_smoker": SMOKING}


def input_values(features: Features, *, score2_region: str | None) -> dict[str, Any]:
    """The fields of AssessmentInputs; what is not here stays None there."""
    used = {name: item.value for name, item in features.items() if item.state == FeatureState.USED}
    values: dict[str, Any] = {name: float(used[name]) for name in NUMBERS if name in used}
    values |= {name: int(float(used[name])) for name in WHOLE_NUMBERS if name in used}
    values |= {name: used[name] for name in CHOICES if name in used}
    values |= {field: used[name] == "yes" for name, field in YES_NO.items() if name in used}
    if SMOKING in used:
        values["is_current_smoker"] = used[SMOKING] == "current"
    return values | {"score2_region": score2_region}
