"""One person's measurements, diagnoses, medication and answers over years, from a simple structural model.

Every coefficient here is invented to look plausible and to hang together (adiposity drives glucose, pressure and
triglycerides; treatment lowers what it treats); nothing is estimated from a cohort and nothing may be learned from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Literal

import numpy as np

from ml.synthetic.identity import DicomSex

LabUnits = Literal["CONVENTIONAL", "SI"]

TYPE_2_DIABETES, HYPERTENSION = "44054006", "38341003"
MYOCARDIAL_INFARCTION, ATRIAL_FIBRILLATION = "22298006", "49436004"
TRANSIENT_ISCHAEMIC_ATTACK, PREGNANCY = "266257000", "77386006"
ATORVASTATIN, LISINOPRIL, AMLODIPINE, HYDROCHLOROTHIAZIDE = "C10AA05", "C09AA03", "C08CA01", "C03AA03"
METFORMIN, APIXABAN, ASPIRIN = "A10BA02", "B01AF02", "B01AC06"

CHOLESTEROL_MG_DL_PER_MMOL_L = 1 / 0.02586
TRIGLYCERIDE_MG_DL_PER_MMOL_L = 88.57
GLUCOSE_MG_DL_PER_MMOL_L = 18.016
CREATININE_MG_DL_PER_UMOL_L = 1 / 88.4

# Quantity -> units of the laboratory -> (LOINC code, UCUM unit, factor from the SI value, decimals). LOINC has
# different codes for mass and for substance concentration.
_LABORATORY: dict[str, dict[LabUnits, tuple[str, str, float, int]]] = {
    "total_cholesterol": {
        "CONVENTIONAL": ("2093-3", "mg/dL", CHOLESTEROL_MG_DL_PER_MMOL_L, 0),
        "SI": ("14647-2", "mmol/L", 1.0, 2),
    },
    "hdl_cholesterol": {
        "CONVENTIONAL": ("2085-9", "mg/dL", CHOLESTEROL_MG_DL_PER_MMOL_L, 0),
        "SI": ("14646-4", "mmol/L", 1.0, 2),
    },
    "ldl_cholesterol": {
        "CONVENTIONAL": ("13457-7", "mg/dL", CHOLESTEROL_MG_DL_PER_MMOL_L, 0),
        "SI": ("39469-2", "mmol/L", 1.0, 2),
    },
    "triglycerides": {
        "CONVENTIONAL": ("2571-8", "mg/dL", TRIGLYCERIDE_MG_DL_PER_MMOL_L, 0),
        "SI": ("14927-8", "mmol/L", 1.0, 2),
    },
    "glucose": {
        "CONVENTIONAL": ("2345-7", "mg/dL", GLUCOSE_MG_DL_PER_MMOL_L, 0),
        "SI": ("14749-6", "mmol/L", 1.0, 1),
    },
    "creatinine": {
        "CONVENTIONAL": ("2160-0", "mg/dL", CREATININE_MG_DL_PER_UMOL_L, 2),
        "SI": ("14682-9", "umol/L", 1.0, 0),
    },
    "hba1c": {"CONVENTIONAL": ("4548-4", "%", 1.0, 1), "SI": ("4548-4", "%", 1.0, 1)},
}


@dataclass(frozen=True, slots=True)
class Observation:
    """A LOINC-coded value in a UCUM unit, as the laboratory sent it."""

    loinc: str
    value: Decimal
    unit: str
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class Condition:
    """A SNOMED CT diagnosis on the problem list."""

    snomed_ct: str
    onset_date: date


@dataclass(frozen=True, slots=True)
class Medication:
    """A current medicine by ATC code."""

    atc: str
    start_date: date


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person stated, a coded answer or a number, that hospitals seldom send; not asked is no answer."""

    question: str
    value: str
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """The state of one person today, in SI units; what their rows are generated from."""

    age_years: int
    sex: DicomSex
    height_cm: float
    bmi_kg_m2: float
    systolic_bp_mmhg: float
    diastolic_bp_mmhg: float
    total_cholesterol: float
    hdl_cholesterol: float
    triglycerides: float
    glucose: float
    hba1c: float
    creatinine: float
    has_diabetes: bool
    has_hypertension: bool
    takes_statin: bool
    takes_antihypertensive: bool
    smoking: str
    education_years: int

    @property
    def weight_kg(self) -> float:
        return self.bmi_kg_m2 * (self.height_cm / 100.0) ** 2


def person_draw(rng: np.random.Generator, *, age_years: int, sex: DicomSex, has_diabetes: bool | None = None) -> Person:
    """Draw one person whose values hang together.

    Parameters
    ----------
    rng : numpy.random.Generator
        The person's own stream.
    age_years : int
        Completed years.
    sex : {"F", "M"}
        As DICOM codes it.
    has_diabetes : bool, optional
        Fixed when given, otherwise drawn.

    Examples
    --------
    >>> person_draw(np.random.default_rng(1), age_years=58, sex="F", has_diabetes=True).hba1c > 6
    True
    """
    is_female = sex == "F"
    adiposity, pressure, lipid, kidney, frame, metabolic_noise = rng.standard_normal(6)
    metabolic = 0.6 * adiposity + 0.8 * metabolic_noise
    drawn_diabetes = bool(rng.random() < _logistic(-2.3 + 0.04 * (age_years - 55) + 0.8 * metabolic))
    diabetes = drawn_diabetes if has_diabetes is None else has_diabetes
    untreated_systolic = 127 + 0.5 * (age_years - 50) + 5 * adiposity + 11 * pressure + (5 if diabetes else 0)
    has_hypertension = bool(untreated_systolic > 138)
    is_treated = has_hypertension and bool(rng.random() < 0.75)
    systolic = untreated_systolic - (14 if is_treated else 0)
    takes_statin = bool(rng.random() < _logistic(-2.2 + 0.05 * (age_years - 50) + (1.5 if diabetes else 0)))
    hdl = _within(1.32 + (0.26 if is_female else 0) - 0.14 * metabolic + 0.16 * rng.standard_normal(), 0.65, 2.4)
    triglycerides = _within(1.35 + 0.4 * metabolic + 0.25 * rng.standard_normal(), 0.5, 4.2)
    ldl = _within(3.3 + 0.75 * lipid, 1.6, 5.2) * (0.62 if takes_statin else 1.0)
    hba1c = 5.4 + 0.12 * metabolic + (1.5 + 0.5 * abs(rng.standard_normal()) if diabetes else 0)
    creatinine = (67 if is_female else 84) + 0.25 * (age_years - 50) + 8 * kidney
    return Person(
        age_years=age_years,
        sex=sex,
        height_cm=_within((163 if is_female else 176) + 6.5 * frame, 148, 198),
        bmi_kg_m2=_within(27.4 + 4.2 * adiposity, 19.2, 39.0),
        systolic_bp_mmhg=_within(systolic, 98, 176),
        diastolic_bp_mmhg=_within(0.42 * systolic + 24 - 0.12 * (age_years - 50), 54, 104),
        total_cholesterol=_within(ldl + hdl + triglycerides / 2.2, 3.5, 8.0),
        hdl_cholesterol=hdl,
        triglycerides=triglycerides,
        glucose=_within(1.55 * hba1c - 3.1, 4.1, 16.0),
        hba1c=_within(hba1c, 4.8, 10.5),
        creatinine=_within(creatinine, 48, 130),
        has_diabetes=diabetes,
        has_hypertension=has_hypertension,
        takes_statin=takes_statin,
        takes_antihypertensive=is_treated,
        smoking=str(rng.choice(["never", "former", "current"], p=[0.55, 0.28, 0.17])),
        education_years=int(rng.integers(6, 19)),
    )


def _logistic(value: float) -> float:
    return float(1.0 / (1.0 + np.exp(-value)))


def _within(value: float, lowest: float, highest: float) -> float:
    return float(min(max(value, lowest), highest))


def visit_observations(
    rng: np.random.Generator, person: Person, *, at: datetime, years_ago: float, lab_units: LabUnits
) -> list[Observation]:
    """The values of one visit: the person's own level, its drift over the years, and day-to-day variation."""

    def varied(level: float, share: float) -> float:
        return level * (1.0 + share * float(rng.uniform(-1, 1)))

    total = varied(person.total_cholesterol, 0.03)
    hdl = varied(person.hdl_cholesterol, 0.03)
    triglycerides = varied(person.triglycerides, 0.08)
    laboratory = {
        "total_cholesterol": total,
        "hdl_cholesterol": hdl,
        "ldl_cholesterol": total - hdl - triglycerides / 2.2,  # Friedewald, Clin Chem 1972;18:499
        "triglycerides": triglycerides,
        "glucose": varied(person.glucose, 0.05),
        "creatinine": varied(person.creatinine - 0.3 * years_ago, 0.03),
        "hba1c": varied(person.hba1c, 0.02),
    }
    rows = [_laboratory_row(name, value, lab_units, at) for name, value in laboratory.items()]
    rows += [
        Observation("8480-6", _decimal(varied(person.systolic_bp_mmhg - 0.5 * years_ago, 0.03), 0), "mm[Hg]", at),
        Observation("8462-4", _decimal(varied(person.diastolic_bp_mmhg, 0.03), 0), "mm[Hg]", at),
    ]
    bmi = varied(person.bmi_kg_m2 - 0.08 * years_ago, 0.01)
    if lab_units == "CONVENTIONAL":
        rows.append(Observation("39156-5", _decimal(bmi, 1), "kg/m2", at))
    else:  # this hospital sends what it measured, not what follows from it
        height_m = person.height_cm / 100.0
        rows.append(Observation("29463-7", _decimal(bmi * height_m**2, 1), "kg", at))
        rows.append(Observation("8302-2", _decimal(person.height_cm, 0), "cm", at))
    return rows


def _laboratory_row(name: str, value_si: float, lab_units: LabUnits, at: datetime) -> Observation:
    loinc, unit, factor, decimals = _LABORATORY[name][lab_units]
    return Observation(loinc, _decimal(value_si * factor, decimals), unit, at)


def _decimal(value: float, decimals: int) -> Decimal:
    return Decimal(f"{value:.{decimals}f}")


def local_time(day: date, hour: int, minute: int, *, utc_offset_hours: int) -> datetime:
    """An aware moment of a day in a hospital's fixed offset.

    >>> local_time(date(2026, 1, 5), 9, 30, utc_offset_hours=-5).isoformat()
    '2026-01-05T09:30:00-05:00'
    """
    return datetime.combine(day, time(hour, minute), tzinfo=timezone(timedelta(hours=utc_offset_hours)))


def person_answers(person: Person, *, at: datetime, mesa_group: str | None, has_family_history: bool) -> list[Answer]:
    """A complete set of answers of somebody without known cardiovascular disease.

    Examples
    --------
    >>> from datetime import UTC
    >>> someone = person_draw(np.random.default_rng(1), age_years=40, sex="F")
    >>> given = person_answers(someone, at=datetime(2026, 1, 5, tzinfo=UTC), mesa_group=None, has_family_history=False)
    >>> [answer.value for answer in given if answer.question in ("pregnancy", "mesa_race_ethnicity")]
    ['no']
    """
    stated = {
        "prior_cardiovascular_disease": False,
        "prior_stroke_or_tia": False,
        "atrial_fibrillation": False,
        "diabetes": person.has_diabetes,
        "antihypertensive_treatment": person.takes_antihypertensive,
        "statin_treatment": person.takes_statin,
        "lipid_lowering_treatment": person.takes_statin,
        "family_history_heart_attack": has_family_history,
        "physical_activity": person.bmi_kg_m2 < 28,
    }
    if person.sex == "F" and 18 <= person.age_years <= 50:
        stated["pregnancy"] = False
    if person.age_years >= 39:
        stated["cognitive_disorder"] = False
    if person.age_years >= 65:
        stated |= {"depressive_symptoms": False, "needs_help_money_medication": False}
    answers = [Answer(question, "yes" if value else "no", at) for question, value in stated.items()]
    answers.append(Answer("smoking", person.smoking, at))
    answers.append(Answer("education_years", str(person.education_years), at))
    if mesa_group is not None:
        answers.append(Answer("mesa_race_ethnicity", mesa_group, at))
    return answers


def person_conditions(rng: np.random.Generator, person: Person, *, today: date) -> list[Condition]:
    """The problem list that goes with the person's state."""
    onset = [today - timedelta(days=int(days)) for days in rng.integers(700, 3600, 2)]
    found = []
    if person.has_diabetes:
        found.append(Condition(TYPE_2_DIABETES, onset[0]))
    if person.has_hypertension:
        found.append(Condition(HYPERTENSION, onset[1]))
    return found


def person_medications(rng: np.random.Generator, person: Person, *, today: date) -> list[Medication]:
    """The medicines that go with the person's state."""
    start = [today - timedelta(days=int(days)) for days in rng.integers(200, 2500, 3)]
    taken = []
    if person.takes_statin:
        taken.append(Medication(ATORVASTATIN, start[0]))
    if person.takes_antihypertensive:
        codes = [LISINOPRIL, AMLODIPINE, HYDROCHLOROTHIAZIDE]
        taken.append(Medication(str(rng.choice(codes)), start[1]))
    if person.has_diabetes:
        taken.append(Medication(METFORMIN, start[2]))
    return taken
