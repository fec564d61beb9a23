"""The demo hospital: two organisations, their invented patients over years, and which of them have which studies.

Among them are people for whom an equation must not show a number, one case for each reason, named in `case`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

import numpy as np

from ml.synthetic import clinical
from ml.synthetic.clinical import Answer, Condition, LabUnits, Medication, Observation, Person
from ml.synthetic.identity import DicomSex, PatientIdentity, seeded_generator
from ml.synthetic.names import FAMILY_NAMES, GIVEN_NAMES
from ml.synthetic.studies import SyntheticStudy

Case = Literal[
    "ORDINARY", "COMPLETE_WITH_DIABETES", "PREGNANT", "PRIOR_MI", "ATRIAL_FIBRILLATION", "PRIOR_TIA", "MISSING_HDL",
    "AGE_29", "AGE_82", "UNANSWERED_HISTORY", "STALE_LABS", "CONTRAST_CT", "RACE_UNKNOWN", "NEW_PATIENT",
]  # fmt: skip
StudyKind = Literal["CT", "CTA", "MR", "PET_TORSO", "PET_BRAIN"]

_MESA_GROUPS = ("white", "black", "hispanic", "chinese")
_MESA_SHARES = (0.45, 0.2, 0.2, 0.15)
_HDL_AND_WHAT_FOLLOWS_FROM_IT = ("2085-9", "14646-4", "13457-7", "39469-2")
_STALE_DAYS = 7 * 365 + 30


@dataclass(frozen=True, slots=True)
class Organisation:
    """A hospital of the demo; `issuer` stands in IssuerOfPatientID."""

    slug: str
    name: str
    issuer: str
    mrn_prefix: str
    utc_offset_hours: int
    lab_units: LabUnits


NORTH = Organisation("north", "North Demo Hospital", "SYNTHETIC-NORTH", "N", -5, "CONVENTIONAL")
LAKESIDE = Organisation("lakeside", "Lakeside Demo Clinic", "SYNTHETIC-LAKESIDE", "L", 0, "SI")  # a European hospital


@dataclass(frozen=True, slots=True)
class SyntheticPatient:
    """One invented person: identity, rows as a hospital would send them, and the studies planned."""

    organisation: Organisation
    identity: PatientIdentity
    case: Case
    observations: tuple[Observation, ...]
    conditions: tuple[Condition, ...]
    medications: tuple[Medication, ...]
    answers: tuple[Answer, ...]
    studies: tuple[SyntheticStudy, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    case: Case
    age_years: int
    sex: DicomSex
    has_diabetes: bool | None = None
    studies: tuple[StudyKind, ...] = ()
    plaque_count: int | None = None


_NORTH_CASES = (
    _Plan("COMPLETE_WITH_DIABETES", 58, "F", True, ("CT", "MR"), plaque_count=4),
    _Plan("PREGNANT", 34, "F", False),
    _Plan("PRIOR_MI", 66, "M", None, ("CT",), plaque_count=5),
    _Plan("ATRIAL_FIBRILLATION", 71, "M"),
    _Plan("PRIOR_TIA", 68, "F", None, ("MR",)),
    _Plan("MISSING_HDL", 55, "M", False),
    _Plan("AGE_29", 29, "M", False),
    _Plan("AGE_82", 82, "F"),
    _Plan("UNANSWERED_HISTORY", 60, "M", False, ("CT",), plaque_count=3),
    _Plan("STALE_LABS", 63, "F", False),
    _Plan("CONTRAST_CT", 59, "M", False, ("CTA",), plaque_count=3),
    _Plan("RACE_UNKNOWN", 57, "F", False, ("CT",), plaque_count=2),
)
_LAKESIDE_CASES = (
    _Plan("COMPLETE_WITH_DIABETES", 64, "M", True, ("CT", "PET_TORSO"), plaque_count=4),
    _Plan("PRIOR_MI", 73, "M"),
    _Plan("UNANSWERED_HISTORY", 52, "F", False),
)
_NORTH_STUDIES: tuple[tuple[StudyKind, ...], ...] = (
    ("CT",), ("MR",), ("PET_TORSO",), ("CT",), ("MR", "PET_BRAIN"), ("PET_TORSO",), ("CT",),
)  # fmt: skip
_LAKESIDE_STUDIES: tuple[tuple[StudyKind, ...], ...] = (("CT",), ("MR",), ("CT",), ("MR", "PET_BRAIN"))


def demo_cohort(seed: int, reference_date: date) -> tuple[SyntheticPatient, ...]:
    """Return the demo hospital's 42 patients: 28 of North, 14 of Lakeside.

    Parameters
    ----------
    seed : int
        Same seed and date, same people down to the last digit.
    reference_date : date
        "Today": ages are as of it, and everything that happened lies before it.

    Returns
    -------
    tuple of SyntheticPatient
        Named cases first, then ordinary patients, organisation by organisation.

    Examples
    --------
    >>> cohort = demo_cohort(1, date(2026, 1, 15))
    >>> len(cohort), sum(len(patient.studies) for patient in cohort)
    (42, 22)
    """
    rng = seeded_generator("cohort", seed)
    family_names = rng.permutation(len(FAMILY_NAMES))
    plans = [
        *((NORTH, plan) for plan in (*_NORTH_CASES, *_ordinary(rng, 16, _NORTH_STUDIES))),
        *((LAKESIDE, plan) for plan in (*_LAKESIDE_CASES, *_ordinary(rng, 11, _LAKESIDE_STUDIES))),
    ]
    return tuple(
        _patient(
            seeded_generator("cohort", seed, index),
            organisation,
            plan,
            name_index=int(family_names[index]),
            mrn=f"{organisation.mrn_prefix}{100000 + 1000 * (seed % 900) + index:07d}",
            today=reference_date,
        )
        for index, (organisation, plan) in enumerate(plans)
    )


def new_patient_and_study(seed: int, reference_date: date) -> SyntheticPatient:
    """Return one new patient of North to whom every equation applies, with one calcium CT taken the day before.

    Age 45 to 75, complete recent values, history answered no, MESA group stated; the CT has 3 or 4 coronary plaques
    and 1 or 2 calcifications that are not coronary. The MRN differs from every MRN of `demo_cohort`.

    Parameters
    ----------
    seed : int
        Same seed and date, same person down to the last digit.
    reference_date : date
        "Today", as in `demo_cohort`.

    Returns
    -------
    SyntheticPatient

    Examples
    --------
    >>> patient = new_patient_and_study(7, date(2026, 1, 15))
    >>> patient.studies[0].modality, patient.identity.mrn.startswith("NEW"), patient.identity.family_name[:10]
    ('CT', True, 'Synthetic-')
    """
    rng = seeded_generator("new patient", seed)
    plan = _Plan(
        "NEW_PATIENT",
        int(rng.integers(45, 76)),
        "F" if rng.random() < 0.5 else "M",
        studies=("CT",),
        plaque_count=int(rng.integers(3, 5)),
    )
    name_index = int(rng.integers(len(FAMILY_NAMES)))
    mrn = f"NEW{int(rng.integers(10**12)):012d}"
    patient = _patient(rng, NORTH, plan, name_index=name_index, mrn=mrn, today=reference_date)
    started_at = clinical.local_time(reference_date - timedelta(days=1), 9, 30, utc_offset_hours=NORTH.utc_offset_hours)
    study = replace(patient.studies[0], started_at=started_at, confounder_count=int(rng.integers(1, 3)))
    return replace(patient, studies=(study,))


def _ordinary(rng: np.random.Generator, count: int, studies: tuple[tuple[StudyKind, ...], ...]) -> Iterable[_Plan]:
    for index in range(count):
        planned = studies[index] if index < len(studies) else ()
        yield _Plan("ORDINARY", int(rng.integers(38, 79)), "F" if rng.random() < 0.5 else "M", studies=planned)


def _patient(
    rng: np.random.Generator, organisation: Organisation, plan: _Plan, *, name_index: int, mrn: str, today: date
) -> SyntheticPatient:
    person = clinical.person_draw(rng, age_years=plan.age_years, sex=plan.sex, has_diabetes=plan.has_diabetes)
    names = GIVEN_NAMES[plan.sex]
    identity = PatientIdentity(
        plain_family_name=FAMILY_NAMES[name_index],
        given_name=names[name_index % len(names)],
        birth_date=_birth_date(rng, plan.age_years, today),
        sex=plan.sex,
        mrn=mrn,
        issuer=organisation.issuer,
    )
    visits = _visits(rng, organisation, plan.case, today)
    observations = [
        row
        for at in visits
        for row in clinical.visit_observations(
            rng, person, at=at, years_ago=(today - at.date()).days / 365.25, lab_units=organisation.lab_units
        )
    ]
    patient = SyntheticPatient(
        organisation=organisation,
        identity=identity,
        case=plan.case,
        observations=tuple(observations),
        conditions=tuple(clinical.person_conditions(rng, person, today=today)),
        medications=tuple(clinical.person_medications(rng, person, today=today)),
        answers=tuple(_answers(rng, person, visits[-1])),
        studies=tuple(_study(rng, organisation, plan, person, kind, today) for kind in plan.studies),
    )
    return _as_case(patient, today)


def _birth_date(rng: np.random.Generator, age_years: int, today: date) -> date:
    # Three to nine months past the birthday, so that a demo kept for weeks does not change anybody's age.
    birthday = today - timedelta(days=int(rng.integers(90, 271)))
    return birthday.replace(year=birthday.year - age_years, day=min(birthday.day, 28))


def _visits(rng: np.random.Generator, organisation: Organisation, case: Case, today: date) -> list[datetime]:
    """Roughly yearly visits over three to six years, the latest one to ten months ago, oldest first."""
    latest = _STALE_DAYS if case == "STALE_LABS" else int(rng.integers(5, 15 if case == "NEW_PATIENT" else 300))
    days = latest + np.concatenate([[0], np.cumsum(rng.integers(250, 430, int(rng.integers(3, 6))))])
    return [
        clinical.local_time(
            today - timedelta(days=int(day)),
            int(rng.integers(8, 16)),
            int(rng.integers(0, 60)),
            utc_offset_hours=organisation.utc_offset_hours,
        )
        for day in reversed(days)
    ]


def _answers(rng: np.random.Generator, person: Person, at: datetime) -> list[Answer]:
    group = str(rng.choice(_MESA_GROUPS, p=_MESA_SHARES))
    has_family_history = bool(rng.random() < 0.25)
    return clinical.person_answers(person, at=at, mesa_group=group, has_family_history=has_family_history)


def _study(
    rng: np.random.Generator, organisation: Organisation, plan: _Plan, person: Person, kind: StudyKind, today: date
) -> SyntheticStudy:
    started_at = clinical.local_time(
        today - timedelta(days=int(rng.integers(3, 200))),
        int(rng.integers(8, 16)),
        int(rng.integers(0, 60)),
        utc_offset_hours=organisation.utc_offset_hours,
    )
    mean_plaques = max(0.3, (person.age_years - 45) / 8 + (0.8 if person.has_diabetes else 0))
    drawn_plaques = min(6, int(rng.poisson(mean_plaques)))
    confounders = int(rng.integers(0, 3))
    mean_ml, sd_ml = (1390.0, 95.0) if person.sex == "F" else (1560.0, 105.0)
    volume_ml = float(np.clip(rng.normal(mean_ml, sd_ml), 1180.0, 1800.0))
    return SyntheticStudy(
        modality="CT" if kind in ("CT", "CTA") else "MR" if kind == "MR" else "PT",
        started_at=started_at,
        phantom_seed=int(rng.integers(2**31)),
        ct_kind="CORONARY_ANGIOGRAPHY" if kind == "CTA" else "CALCIUM_SCORE",
        plaque_count=drawn_plaques if plan.plaque_count is None else plan.plaque_count,
        confounder_count=confounders,
        intracranial_volume_ml=round(volume_ml, 1),
        pet_region="BRAIN" if kind == "PET_BRAIN" else "TORSO",
        weight_kg=round(person.weight_kg, 1),
    )


def _as_case(patient: SyntheticPatient, today: date) -> SyntheticPatient:
    """Give a patient what makes them the case they are named for."""

    def with_condition(snomed_ct: str, question: str, years: float, *atc: str) -> SyntheticPatient:
        onset = today - timedelta(days=int(365.25 * years))
        return replace(
            patient,
            conditions=(*patient.conditions, Condition(snomed_ct, onset)),
            medications=_with_medication(patient.medications, atc, onset),
            answers=_answered(patient.answers, question, "yes"),
        )

    case = patient.case
    if case == "PREGNANT":
        return with_condition(clinical.PREGNANCY, "pregnancy", 0.4)
    if case == "PRIOR_MI":
        treatment = (clinical.ASPIRIN, clinical.ATORVASTATIN)
        treated = with_condition(clinical.MYOCARDIAL_INFARCTION, "prior_cardiovascular_disease", 3.2, *treatment)
        statin = _answered(_answered(treated.answers, "statin_treatment", "yes"), "lipid_lowering_treatment", "yes")
        return replace(treated, answers=statin)
    if case == "ATRIAL_FIBRILLATION":
        fibrillating = with_condition(clinical.ATRIAL_FIBRILLATION, "atrial_fibrillation", 2.1, clinical.APIXABAN)
        at = patient.answers[0].answered_at
        asked = ["heart_failure", "vascular_disease", "valvular_atrial_fibrillation"]
        if all(condition.snomed_ct != clinical.HYPERTENSION for condition in patient.conditions):
            asked.append("hypertension")
        return replace(fibrillating, answers=(*fibrillating.answers, *(Answer(name, "no", at) for name in asked)))
    if case == "PRIOR_TIA":
        return with_condition(clinical.TRANSIENT_ISCHAEMIC_ATTACK, "prior_stroke_or_tia", 1.4, clinical.ASPIRIN)
    return _with_gap(patient)


def _with_gap(patient: SyntheticPatient) -> SyntheticPatient:
    if patient.case == "MISSING_HDL":
        kept = tuple(row for row in patient.observations if row.loinc not in _HDL_AND_WHAT_FOLLOWS_FROM_IT)
        return replace(patient, observations=kept)
    if patient.case == "UNANSWERED_HISTORY":
        return replace(patient, answers=())
    if patient.case == "RACE_UNKNOWN":
        return replace(patient, answers=tuple(a for a in patient.answers if a.question != "mesa_race_ethnicity"))
    return patient


def _with_medication(taken: tuple[Medication, ...], codes: tuple[str, ...], start: date) -> tuple[Medication, ...]:
    known = {medication.atc for medication in taken}
    return (*taken, *(Medication(code, start) for code in codes if code not in known))


def _answered(answers: tuple[Answer, ...], question: str, value: str) -> tuple[Answer, ...]:
    return tuple(replace(answer, value=value) if answer.question == question else answer for answer in answers)
