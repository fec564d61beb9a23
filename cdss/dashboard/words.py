"""The words of the screen: outcomes, equations, units and values as clinicians write them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class OutcomeWords:
    title: str
    event: str  # completes "15 of 100 people with these recorded values have ... within 10 years"


OUTCOMES = {
    "total_cvd": OutcomeWords("Total cardiovascular disease", "a heart attack, stroke or heart failure"),
    "ascvd": OutcomeWords("Atherosclerotic cardiovascular disease", "a heart attack or stroke"),
    "heart_failure": OutcomeWords("Heart failure", "heart failure"),
    "stroke": OutcomeWords("Stroke", "a stroke"),
    "chd": OutcomeWords("Coronary events", "a coronary event"),
}
EQUATIONS = {
    "prevent_base": "PREVENT",
    "mesa_chd": "MESA without calcium",
    "mesa_chd_cac": "MESA with calcium",
}
# The scale on which the shares of an equation's inputs add up.
SCALES = {"prevent_base": "log-odds", "mesa_chd": "log-hazard", "mesa_chd_cac": "log-hazard"}
INPUTS = {
    "age_years": "Age",
    "sex": "Sex",
    "systolic_bp_mmhg": "Systolic blood pressure",
    "total_cholesterol_mmol_l": "Total cholesterol",
    "hdl_cholesterol_mmol_l": "HDL cholesterol",
    "bmi_kg_m2": "Body mass index",
    "egfr_ml_min_173m2": "eGFR",
    "has_diabetes": "Diabetes",
    "is_current_smoker": "Currently smokes",
    "takes_antihypertensive": "Blood-pressure medication",
    "takes_statin": "Statin",
    "takes_lipid_lowering": "Lipid-lowering drug",
    "has_family_history_of_heart_attack": "Family history of heart attack",
    "mesa_race_ethnicity": "Group as MESA defined it",
    "agatston_score": "Agatston score",
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
    return EQUATIONS.get(equation) or named(equation)


def named(identifier: str) -> str:
    """`suv_bw_mean` as "Suv bw mean": for what has no words of its own."""
    words = identifier.replace("_", " ")
    return words[:1].upper() + words[1:]


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
