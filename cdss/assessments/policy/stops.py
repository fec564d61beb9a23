"""The default policy's stops, questions and notes."""

from __future__ import annotations

from cdss.assessments.policy.table import Note, Question, Stop

_SECONDARY = "secondary-prevention care applies whatever the number."

STOPS = (
    Stop(
        "PREGNANCY",
        "pregnancy",
        "yes",
        "Not shown during pregnancy: cholesterol, blood pressure and creatinine do not reflect long-term risk.",
    ),
    Stop(
        "PRIOR_ASCVD",
        "prior_cardiovascular_disease",
        "yes",
        "Not shown: {recorded} is recorded. This equation is for people without known cardiovascular disease; "
        + _SECONDARY,
    ),
    Stop(
        "PRIOR_HF",
        "heart_failure",
        "yes",
        "Not shown: {recorded} is recorded. This equation is for people without known cardiovascular disease; "
        + _SECONDARY,
    ),
    Stop(
        "PRIOR_STROKE",
        "prior_stroke",
        "yes",
        "Not shown: {recorded} is recorded. This equation is for people without a previous stroke or TIA; "
        + _SECONDARY,
    ),
    Stop(
        "PRIOR_TIA",
        "prior_tia",
        "yes",
        "Not shown: {recorded} is recorded. This equation is for people without a previous stroke or TIA; "
        + _SECONDARY,
    ),
    Stop(
        "CONTRADICTION",
        "contradiction",
        "yes",
        "The CT shows {recorded} but no coronary disease is recorded. Confirm before a risk is shown.",
    ),
    Stop(
        "EGFR_DIALYSIS",
        "dialysis",
        "yes",
        "Not shown: {recorded} is recorded. This equation was not derived in people on dialysis.",
    ),
    Stop(
        "EGFR_BELOW_15",
        "kidney_failure",
        "yes",
        "Not shown: {recorded}, is recorded. This equation was not derived in people with kidney failure.",
        "EGFR_BELOW_RANGE",
    ),
    Stop(
        "NO_AF_TERM",
        "atrial_fibrillation",
        "yes",
        "Not shown: {recorded} is recorded. PREVENT has no term for atrial fibrillation; use CHA2DS2-VA, "
        "unless a heart valve rules it out.",
    ),
    Stop(
        "AF_ANTICOAGULATED",
        "anticoagulated_atrial_fibrillation",
        "yes",
        "Not shown: {recorded} is recorded together with an anticoagulant, which lowers the risk this equation "
        "estimates.",
    ),
    Stop(
        "NO_AF",
        "atrial_fibrillation",
        "no",
        "Not shown: this score is for people with atrial fibrillation; this person has none.",
    ),
    Stop(
        "VALVULAR_AF",
        "valvular_atrial_fibrillation",
        "yes",
        "Not shown: {recorded} is recorded. This score is for atrial fibrillation without a mechanical valve or "
        "moderate to severe mitral stenosis; anticoagulation does not depend on it.",
    ),
    Stop(
        "NO_TIA",
        "tia_within_7_days",
        "no",
        "Not shown: ABCD2 is for a TIA within the last 7 days; none is recorded within them.",
    ),
    Stop(
        "STROKE_SINCE_TIA",
        "stroke_since_tia",
        "yes",
        "Not shown: {recorded} is recorded, not dated before the TIA. ABCD2 is for a TIA, not for a stroke; a stroke "
        "that was earlier needs its date.",
        "PRIOR_STROKE",
    ),
    Stop(
        "HIGH_RISK_BY_DIAGNOSIS",
        "high_risk_by_diagnosis",
        "yes",
        "Not shown: {recorded} is recorded. Guideline category follows from the diagnosis, not from SCORE2.",
    ),
    Stop(
        "DIABETES",
        "diabetes",
        "yes",
        "SCORE2 is not for people with diabetes; SCORE2-Diabetes is the European tool and is not part of this product.",
    ),
    Stop(
        "REGION_UNSET",
        "score2_region",
        "no",
        "Not shown: SCORE2 needs the risk region of the hospital's country; an administrator sets it in the policy.",
    ),
    Stop(
        "KNOWN_COGNITIVE_DISORDER",
        "cognitive_disorder",
        "yes",
        "Not shown: a cognitive disorder is already diagnosed.",
    ),
)

_UNTIL = "Not shown until someone states whether this person "
QUESTIONS = (
    Question("pregnancy", _UNTIL + "is pregnant or gave birth in the last three months."),
    Question("prior_cardiovascular_disease", _UNTIL + "has known cardiovascular disease."),
    Question("heart_failure", _UNTIL + "has heart failure."),
    Question("prior_stroke", _UNTIL + "had a stroke."),
    Question("prior_stroke_or_tia", _UNTIL + "had a stroke or TIA."),
    Question("tia_within_7_days", _UNTIL + "had a TIA within the last 7 days."),
    Question("atrial_fibrillation", _UNTIL + "has atrial fibrillation."),
    Question("anticoagulated_atrial_fibrillation", _UNTIL + "takes an anticoagulant."),
    Question(
        "valvular_atrial_fibrillation", _UNTIL + "has a mechanical heart valve or moderate to severe mitral stenosis."
    ),
    Question("diabetes", _UNTIL + "has diabetes."),
    Question("cognitive_disorder", _UNTIL + "has dementia or mild cognitive impairment."),
)

NOTES = (
    Note(
        "FH_RANGE",
        "LDL-C is in the range of familial hypercholesterolaemia; treatment does not depend on this estimate.",
        "fh_range",
    ),
    Note(
        "LIMITED_HORIZON",
        "Palliative care or limited life expectancy is recorded; a long-term figure is opened on demand.",
        "palliative_care",
    ),
    Note(
        "LIPIDS_OF_TWO_SAMPLES",
        "Total and HDL cholesterol are of two samples, more than a day apart; the equation takes them as one.",
        "lipids_of_two_samples",
        is_of_number=True,
    ),
    Note(
        "CLASS_BY_FINDING",
        "Total cholesterol above 8 mmol/L, blood pressure from 180/110 mmHg or eGFR below 60 is recorded: European "
        "guidelines class a person by that finding, so no word is printed for this number.",
        "class_by_finding",
        is_of_number=True,
    ),
    Note(
        "MISSING_INDICATOR",
        "One of HbA1c, albumin-creatinine ratio and deprivation index is not known; the equation has a term of its own "
        "for that.",
        "one_of_hba1c_uacr_sdi_missing",
        is_of_number=True,
    ),
    Note("EXTRAPOLATED", "extrapolated: mean follow-up of the derivation data was 4.8 years"),
    Note("US_COHORT", "US cohort: MESA followed people in the United States.", "in_europe", is_of_number=True),
    Note(
        "CORONARY_EVENTS",
        "Coronary events, angina-driven revascularisation included; not comparable with total cardiovascular disease.",
    ),
    Note(
        "RACE_OTHER",
        "The guideline uses the coefficients of white people for every other group.",
        "pce_race_other",
        is_of_number=True,
    ),
    Note("MALE_AF", "the male AF coefficient is near zero (0.08)", "male_atrial_fibrillation", is_of_number=True),
    Note(
        "TREATED_WITHOUT_HYPERTENSION",
        "A blood-pressure drug is recorded and hypertension answered with no; the guideline counts hypertension under "
        "treatment. Unless the drug is for something else, correct the answer.",
        "treated_without_hypertension",
        is_of_number=True,
    ),
    Note("ABCD2_NOT_FOR_URGENCY", "Guidelines do not use ABCD2 to decide on urgency: every TIA is assessed at once."),
    Note(
        "FINNISH_COHORT",
        "A 20-year figure of a 2006 Finnish cohort that ignores death from other causes; not comparable with 10 years.",
    ),
    Note("SCREENING_INDICATOR", "Screening indicator: from 22 points cognitive screening is suggested; no percentage."),
    Note("AGE_ALONE", "age alone is a reason to consider cognitive screening", "aged_80_or_more_undiagnosed"),
)
