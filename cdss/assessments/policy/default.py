"""The default policy: the rows by section, the guidelines' words, and all of it together."""

from __future__ import annotations

from cdss.assessments.policy.stops import NOTES, QUESTIONS, STOPS
from cdss.assessments.policy.table import (
    EQUATIONS,
    VERSION,
    Ages,
    Band,
    Category,
    Policy,
    Refusal,
    RoleChange,
    Row,
    Section,
)

US, EUROPE = ("US",), ("EUROPE",)
PREVENT_ELSEWHERE = "Not shown: PREVENT is for the United States; SCORE2 is the equation of this region."
PREVENT_STROKE_ELSEWHERE = "Not shown: PREVENT is for the United States."
SCORE2_ELSEWHERE = "Not shown: SCORE2 is for Europe; PREVENT is the equation of this region."

# A1 to A5 and dialysis, and what has to be known for them.
PRIMARY_PREVENTION = (
    "PREGNANCY",
    "PRIOR_ASCVD",
    "PRIOR_HF",
    "PRIOR_STROKE",
    "PRIOR_TIA",
    "CONTRADICTION",
    "EGFR_DIALYSIS",
)
# PREVENT refuses an eGFR below 15 by its own range, with field, value and limit; the others know no eGFR.
WITHOUT_EGFR_RANGE = (*PRIMARY_PREVENTION, "EGFR_BELOW_15")
HISTORY = ("pregnancy", "prior_cardiovascular_disease", "prior_stroke_or_tia")
SCORE2_STOPS = (*PRIMARY_PREVENTION, "HIGH_RISK_BY_DIAGNOSIS", "DIABETES", "REGION_UNSET")
# A2 and A3 leave the stroke profile: cardiovascular disease, heart failure included, is one of its items. Dialysis
# is none: kidney failure is no item, and like the others the profile was not derived in people who need it.
STROKE_STOPS = (
    "PREGNANCY",
    "PRIOR_STROKE",
    "PRIOR_TIA",
    "CONTRADICTION",
    "EGFR_DIALYSIS",
    "EGFR_BELOW_15",
    "AF_ANTICOAGULATED",
)
STROKE_HISTORY = ("pregnancy", "prior_stroke_or_tia", "prior_cardiovascular_disease", "atrial_fibrillation")
STROKE_QUESTIONS = (*STROKE_HISTORY, "anticoagulated_atrial_fibrillation")
AF_STOPS = ("NO_AF", "VALVULAR_AF", "CONTRADICTION")  # vascular disease is one of the items
AF_QUESTIONS = ("atrial_fibrillation", "valvular_atrial_fibrillation", "heart_failure", "prior_stroke_or_tia")

COMMON_NOTES = ("LIMITED_HORIZON",)
LIPID_NOTES = (*COMMON_NOTES, "LIPIDS_OF_TWO_SAMPLES")
# Below 55 no long-term stroke number is shown: the profile starts there, and the policy has the two side by side.
PREVENT_STROKE_AGES = (55, 79)
FH_SECOND = RoleChange("fh_range", "SECOND")
AF_SECOND = RoleChange("atrial_fibrillation", "SECOND")
AF_FIRST = RoleChange("atrial_fibrillation", "PRIMARY")
# A European with diabetes or at high risk by diagnosis gets SCORE2's refusal and no other number in its place.
ROLES_IN_EUROPE = (
    FH_SECOND,
    RoleChange("diabetes_in_europe", "API"),
    RoleChange("high_risk_by_diagnosis_in_europe", "API"),
)


def _ages(equation: str, horizon_years: int) -> Ages | None:
    return EQUATIONS[equation].ages.get(horizon_years)


def _prevent(
    outcome: str, horizon_years: int, role: str, *, equation: str = "prevent_base", asked_if: tuple[str, ...] = ()
) -> Row:
    is_stroke, is_shown_first = outcome == "stroke", role == "PRIMARY"
    elsewhere = PREVENT_STROKE_ELSEWHERE if is_stroke else PREVENT_ELSEWHERE
    section: Section = "STROKE" if is_stroke else "CARDIOVASCULAR"
    notes = (*LIPID_NOTES, "FH_RANGE", *(("EXTRAPOLATED",) if horizon_years == 30 else ()))
    notes = (*notes, *(("MISSING_INDICATOR",) if equation == "prevent_full" else ()))
    return Row(
        section,
        equation,
        outcome,
        horizon_years,
        role,
        ages=PREVENT_STROKE_AGES if is_stroke and is_shown_first else _ages(equation, horizon_years),
        regions=US,
        elsewhere=elsewhere if is_shown_first else "",
        asked_if=asked_if,
        stops=(*PRIMARY_PREVENTION, "NO_AF_TERM") if is_stroke else PRIMARY_PREVENTION,
        questions=(*HISTORY, "atrial_fibrillation") if is_stroke else HISTORY,
        roles_if=() if is_stroke else (FH_SECOND,),
        notes=notes,
    )


def _score2(equation: str, asked_if: str) -> Row:
    return Row(
        "CARDIOVASCULAR",
        equation,
        "cvd",
        10,
        "PRIMARY",
        ages=_ages(equation, 10),
        regions=EUROPE,
        elsewhere=SCORE2_ELSEWHERE,
        asked_if=(asked_if,),
        stops=SCORE2_STOPS,
        questions=(*HISTORY, "diabetes"),
        roles_if=(FH_SECOND,),
        notes=(*LIPID_NOTES, "FH_RANGE", "CLASS_BY_FINDING"),
    )


def _mesa(equation: str, regions: tuple[str, ...]) -> Row:
    return Row(
        "CARDIOVASCULAR",
        equation,
        "chd",
        10,
        "SECOND",
        ages=_ages(equation, 10),
        regions=regions,
        stops=WITHOUT_EGFR_RANGE,
        questions=HISTORY,
        roles_if=ROLES_IN_EUROPE if regions == EUROPE else (FH_SECOND,),
        notes=(*LIPID_NOTES, "FH_RANGE", "US_COHORT", "CORONARY_EVENTS"),
    )


def _older(equation: str, outcome: str, notes: tuple[str, ...] = ()) -> Row:
    return Row(
        "CARDIOVASCULAR",
        equation,
        outcome,
        10,
        "OLDER",
        ages=_ages(equation, 10),
        stops=WITHOUT_EGFR_RANGE,
        questions=HISTORY,
        roles_if=ROLES_IN_EUROPE,
        notes=(*LIPID_NOTES, "FH_RANGE", *notes),
    )


_VARIANTS = (
    ("prevent_hba1c", ("hba1c_measured",)),
    ("prevent_uacr", ("uacr_measured",)),
    ("prevent_sdi", ("sdi_known",)),
    ("prevent_full", ("two_of_hba1c_uacr_sdi_known",)),
)
CARDIOVASCULAR = (
    _prevent("total_cvd", 10, "PRIMARY"),
    _prevent("ascvd", 10, "PRIMARY"),
    _prevent("heart_failure", 10, "PRIMARY"),
    _score2("score2", "aged_under_70_or_unknown"),
    _score2("score2_op", "aged_70_or_more"),
    _mesa("mesa_chd", US),
    _mesa("mesa_chd_cac", US),
    _mesa("mesa_chd", EUROPE),
    _mesa("mesa_chd_cac", EUROPE),
    *(
        _prevent(outcome, 10, "SECOND", equation=equation, asked_if=asked_if)
        for equation, asked_if in _VARIANTS
        for outcome in ("total_cvd", "ascvd", "heart_failure")
    ),
    *(
        _prevent(outcome, 30, "SECOND", asked_if=("aged_30_to_59",))
        for outcome in ("total_cvd", "ascvd", "heart_failure")
    ),
    _older("pce_2013", "ascvd", ("RACE_OTHER",)),
    _older("pce_2018", "ascvd", ("RACE_OTHER",)),
    _older("framingham_2008_lipid", "general_cvd"),
    _older("framingham_2008_bmi", "general_cvd"),
    _prevent("chd", 10, "API"),
    _prevent("chd", 30, "API", asked_if=("aged_30_to_59",)),
)


def _stroke_profile(equation: str, role: str, regions: tuple[str, ...]) -> Row:
    first = (RoleChange("prior_cardiovascular_disease_or_heart_failure", "PRIMARY"),) if role != "OLDER" else ()
    return Row(
        "STROKE",
        equation,
        "stroke",
        10,
        role,
        ages=_ages(equation, 10),
        regions=regions,
        stops=STROKE_STOPS,
        questions=STROKE_QUESTIONS,
        roles_if=(*first, AF_SECOND),
        notes=(*COMMON_NOTES, *(("MALE_AF",) if equation == "fsrp_2017" else ())),
    )


def _points_in_af(equation: str, role: str) -> Row:
    changes = (AF_FIRST,) if role == "SECOND" else ()
    return Row(
        "STROKE",
        equation,
        "stroke",
        0,
        role,
        stops=AF_STOPS,
        questions=AF_QUESTIONS,
        roles_if=changes,
        notes=(*COMMON_NOTES, "TREATED_WITHOUT_HYPERTENSION"),
    )


STROKE = (
    _prevent("stroke", 10, "PRIMARY"),
    _points_in_af("cha2ds2_va", "SECOND"),
    Row(
        "STROKE",
        "abcd2",
        "stroke",
        0,
        "SECOND",
        stops=("NO_TIA", "STROKE_SINCE_TIA"),
        questions=("tia_within_7_days",),
        roles_if=(RoleChange("tia_within_7_days", "PRIMARY"),),
        notes=(*COMMON_NOTES, "ABCD2_NOT_FOR_URGENCY"),
    ),
    _stroke_profile("fsrp_2017", "SECOND", US),
    _stroke_profile("fsrp_2017", "PRIMARY", EUROPE),
    _stroke_profile("fsrp_1991", "OLDER", (*US, *EUROPE)),
    _points_in_af("cha2ds2_vasc", "OLDER"),
    _prevent("stroke", 30, "API", asked_if=("aged_30_to_59",)),
)


def _cognitive(equation: str, horizon_years: int, role: str, *, note: tuple[str, ...] = (), **more: object) -> Row:
    return Row(
        "DEMENTIA",
        equation,
        "dementia",
        horizon_years,
        role,
        ages=_ages(equation, horizon_years),
        stops=("KNOWN_COGNITIVE_DISORDER",),
        notes=(*COMMON_NOTES, *note),
        **more,  # type: ignore[arg-type]  # the rest of Row's own fields
    )


DEMENTIA = (
    _cognitive(
        "caide_1",
        20,
        "PRIMARY",
        note=("FINNISH_COHORT",),
        questions=("cognitive_disorder",),
        roles_if=(RoleChange("aged_65_or_more", "SECOND"),),
    ),
    _cognitive(
        "bdsi",
        6,
        "PRIMARY",
        note=("SCREENING_INDICATOR", "AGE_ALONE"),
        questions=("cognitive_disorder", "prior_stroke"),
        asked_if=("aged_65_or_more",),
    ),
    Row(
        "DEMENTIA",
        "none",
        "dementia",
        10,
        "PRIMARY",
        refusal=Refusal(
            "NO_BASE_EQUATION",
            "No validated equation in this product gives a 5- or 10-year dementia probability.",
        ),
    ),
    _cognitive(
        "caide_2",
        20,
        "SECOND",
        note=("FINNISH_COHORT",),
        questions=("cognitive_disorder",),
        asked_if=("apoe_e4_tested",),
        is_genetic=True,
    ),
    _cognitive("libra", 0, "API", questions=("cognitive_disorder",)),
    Row(
        "DEMENTIA",
        "centiloid",
        "amyloid",
        0,
        "API",
        refusal=Refusal("PIPELINE_NOT_CALIBRATED", "No calibration to Centiloid is registered for this pipeline."),
    ),
)

_PREVENT_MODELS = ("prevent_base", "prevent_hba1c", "prevent_uacr", "prevent_sdi", "prevent_full")
_SCORE2_MODELS = ("score2", "score2_op")
_ESC_2021 = "ESC prevention"


def _esc_2021(ages: Ages, high: str, very_high: str) -> Category:
    bands = (Band("", high, "Low to moderate"), Band(high, very_high, "High"), Band(very_high, "", "Very high"))
    key = f"esc-2021-{ages[0]}"
    return Category(key, _SCORE2_MODELS, "cvd", 10, _ESC_2021, 2021, bands, ages, asked_if=("class_by_score2",))


CATEGORIES = (
    Category(
        "acc-aha-2026",
        _PREVENT_MODELS,
        "ascvd",
        10,
        "ACC/AHA dyslipidemia",
        2026,
        (
            Band("", "0.03", "Low"),
            Band("0.03", "0.05", "Borderline"),
            Band("0.05", "0.10", "Intermediate"),
            Band("0.10", "", "High"),
        ),
        verified=False,
        is_shown=False,
    ),
    Category(
        "aha-acc-2025",
        _PREVENT_MODELS,
        "total_cvd",
        10,
        "AHA/ACC high blood pressure",
        2025,
        (
            Band("", "0.075", "Below the threshold for drug treatment from the start in stage 1 hypertension"),
            Band("0.075", "", "At or above the threshold for drug treatment from the start in stage 1 hypertension"),
        ),
        asked_if=("stage_1_hypertension",),
    ),
    Category(
        "esc-eas-2025",
        _SCORE2_MODELS,
        "cvd",
        10,
        "ESC/EAS dyslipidaemias",
        2025,
        (
            Band("", "0.02", "Low"),
            Band("0.02", "0.10", "Moderate"),
            Band("0.10", "0.20", "High"),
            Band("0.20", "", "Very high"),
        ),
        asked_if=("class_by_score2",),
    ),
    _esc_2021((40, 49), "0.025", "0.075"),
    _esc_2021((50, 69), "0.05", "0.10"),
    _esc_2021((70, 89), "0.075", "0.15"),
)

DEFAULT_POLICY = Policy(
    version=VERSION,
    score2_region=None,
    stops=STOPS,
    questions=QUESTIONS,
    notes=NOTES,
    rows=(*CARDIOVASCULAR, *STROKE, *DEMENTIA),
    categories=CATEGORIES,
)
