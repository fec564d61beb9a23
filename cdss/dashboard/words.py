"""The words of the screen: outcomes, equations, units and values as clinicians write them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings

from cdss.assessments.inference import release_manifest


@dataclass(frozen=True, slots=True)
class OutcomeWords:
    title: str
    event: str  # completes "15 of 100 people with these recorded values have ... within 10 years"


OUTCOMES = {
    "total_cvd": OutcomeWords("Total cardiovascular disease", "a heart attack, stroke or heart failure"),
    "ascvd": OutcomeWords("Atherosclerotic cardiovascular disease", "a heart attack or stroke"),
    "cvd": OutcomeWords("Cardiovascular disease", "a heart attack, stroke or cardiovascular death"),
    "general_cvd": OutcomeWords(
        "General cardiovascular disease", "a coronary event, stroke, heart failure or peripheral artery disease"
    ),
    "heart_failure": OutcomeWords("Heart failure", "heart failure"),
    "stroke": OutcomeWords("Stroke", "a stroke"),
    "chd": OutcomeWords("Coronary events", "a coronary event"),
    "dementia": OutcomeWords("Dementia", "dementia"),
}
# What an equation receives; the names are those of ml.types.AssessmentInputs.
INPUTS = {
    "age_years": "Age",
    "sex": "Sex",
    "systolic_bp_mmhg": "Systolic blood pressure",
    "tia_systolic_bp_mmhg": "Systolic blood pressure after the TIA",
    "tia_diastolic_bp_mmhg": "Diastolic blood pressure after the TIA",
    "total_cholesterol_mmol_l": "Total cholesterol",
    "hdl_cholesterol_mmol_l": "HDL cholesterol",
    "bmi_kg_m2": "Body mass index",
    "egfr_ml_min_173m2": "eGFR",
    "hba1c_percent": "HbA1c",
    "urine_albumin_creatinine_ratio_mg_g": "Urine albumin-creatinine ratio",
    "sdi_decile": "Social deprivation index, decile",
    "has_diabetes": "Diabetes",
    "is_current_smoker": "Currently smokes",
    "takes_antihypertensive": "Blood-pressure medication",
    "takes_statin": "Statin",
    "takes_lipid_lowering": "Lipid-lowering drug",
    "has_family_history_of_heart_attack": "Family history of heart attack",
    "mesa_race_ethnicity": "Group as MESA defined it",
    "pce_race": "Group as the Pooled Cohort Equations defined it",
    "score2_region": "SCORE2 region",
    "agatston_score": "Agatston score",
    "has_prior_cardiovascular_disease": "Known cardiovascular disease",
    "has_heart_failure": "Heart failure",
    "has_coronary_heart_disease": "Coronary heart disease",
    "has_vascular_disease": "Vascular disease",
    "has_hypertension": "Hypertension",
    "has_atrial_fibrillation": "Atrial fibrillation",
    "has_left_ventricular_hypertrophy": "Left ventricular hypertrophy on the ECG",
    "has_prior_stroke": "Previous stroke",
    "has_prior_stroke_or_tia": "Previous stroke or TIA",
    "tia_clinical_features": "Signs of the TIA",
    "tia_duration_minutes": "Duration of the TIA",
    "education_years": "Education",
    "is_physically_active": "Physically active",
    "is_apoe_e4_carrier": "APOE ε4 carrier",
    "has_depressive_symptoms": "Depressive symptoms",
    "needs_help_with_money_or_medication": "Needs help with money or medication",
    "has_high_cognitive_activity": "High cognitive activity",
    "eats_mediterranean_diet": "Mediterranean diet",
    "drinks_low_to_moderate_alcohol": "Low to moderate alcohol",
}
MEASUREMENTS = {
    "agatston_score": "Agatston score",
    "intracranial_volume_ml": "Intracranial volume",
    "suv_bw_max": "SUVbw, highest",
    "suv_bw_mean": "SUVbw, mean",
    "suv_bw_p99_9": "SUVbw, 99.9th percentile",
}
MODALITIES = {"CT": "CT", "MR": "MRI", "PT": "PET"}
UNITS = {
    "mm[Hg]": "mmHg",
    "umol/L": "µmol/L",
    "kg/m2": "kg/m²",
    "mL/min/{1.73_m2}": "mL/min/1.73 m²",
    "a": "years",
    "1": "",
    "{Agatston_score}": "Agatston units",
    "[hnsf'U]": "HU",
    "g/mL{SUVbw}": "g/mL (SUVbw)",
    "[lb_av]": "lb",
    "[in_i]": "in",
}


def outcome_words(outcome: str) -> OutcomeWords:
    """An outcome that this page does not know yet is shown by its own name, never hidden."""
    return OUTCOMES.get(outcome) or OutcomeWords(named(outcome), named(outcome).lower())


def equation_words(equation: str) -> str:
    """The label that the release gives its equation."""
    described = release_manifest(settings.MODEL_RELEASE)["equations"].get(equation)
    return str(described["label"]) if described else named(equation)


def input_words(name: str) -> str:
    return INPUTS.get(name) or named(name)


def points_words(points: float) -> str:
    """
    >>> points_words(7.0), points_words(-1.4), points_words(0.0)
    ('7', '−1.4', '0')
    """
    return f"{points:.1f}".removesuffix(".0").replace("-", "−")


def score_words(score: float, low: float | None, high: float | None) -> str:
    """
    >>> score_words(7, 0, 15), score_words(2.4, -5.9, 12.7), score_words(9, 0, None)
    ('7 of 15 points', '2.4 points, on a scale from −5.9 to 12.7', '9 points')
    """
    points = points_words(score)
    if low is None or high is None:
        return f"{points} point{'' if points == '1' else 's'}"
    if low == 0:
        return f"{points} of {points_words(high)} points"
    return f"{points} points, on a scale from {points_words(low)} to {points_words(high)}"


def named(identifier: str) -> str:
    """`suv_bw_mean` as "Suv bw mean": for what has no words of its own."""
    words = identifier.replace("_", " ")
    return words[:1].upper() + words[1:]


def inside(words: str) -> str:
    """Words as they stand within a sentence: a small letter first, unless they begin with a name or an acronym.

    >>> inside("Heart failure"), inside("HbA1c measured"), inside("TIA within 7 days")
    ('heart failure', 'HbA1c measured', 'TIA within 7 days')
    """
    first = words.partition(" ")[0]
    return words if any(letter.isupper() for letter in first[1:]) else words[:1].lower() + words[1:]


def unit_words(unit: str) -> str:
    return UNITS.get(unit, unit)


def number_words(text: str) -> str:
    """A canonical number with the digits a reader needs: whole from 100 on, three significant digits below.

    >>> number_words("5.50818"), number_words("1542.31"), number_words("138"), number_words("Former smoker")
    ('5.51', '1542', '138', 'Former smoker')
    """
    try:
        number = float(text)
    except ValueError:
        return text
    if number.is_integer() or abs(number) >= 100:
        return f"{number:.0f}"
    return f"{number:.3g}"


def quantity_words(value: str, unit: str) -> str:
    """
    >>> quantity_words("5.50818", "mmol/L"), quantity_words("1000.4", "1")
    ('5.51 mmol/L', '1000')
    """
    return f"{number_words(value)} {unit_words(unit)}".strip()


def waiting_words(since: datetime, now: datetime) -> str:
    """How long somebody has been waiting, in the largest unit that says it."""
    waited = max(now - since, timedelta(0))
    minutes = int(waited.total_seconds() // 60)
    for size, one, many in ((1440, "day", "days"), (60, "hour", "hours"), (1, "minute", "minutes")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {one if count == 1 else many}"
    return "under a minute"


def date_words(value: date | datetime | None) -> str:
    """
    >>> date_words(date(1966, 3, 4))
    '4 March 1966'
    """
    return f"{value.day} {value:%B %Y}" if value is not None else ""
