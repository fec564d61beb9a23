"""Facts that could mislead an equation: withdrawn and old answers, images that came later, regions, returning facts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cdss.assessments.models import Assessment, RiskEstimate
from cdss.assessments.selectors import assessment_current
from cdss.assessments.services.reassess import patient_reassess
from cdss.jobs.running import jobs_run_due
from imaging.models import Study
from imaging.services.readings import calcium_confirm
from patients.models import Observation, Patient
from patients.services.clinical_rows import NewCondition, NewMedicationStatement, NewObservation
from patients.terminology import ATC, QUESTION_OF_FEATURE, SNOMED_CT
from tests import factories
from tests.factories import Hospital
from tests.imaging import arrivals

pytestmark = pytest.mark.django_db


def estimate(at: Hospital, who: Patient, equation: str = "prevent_base", outcome: str = "total_cvd") -> RiskEstimate:
    jobs_run_due()
    current = assessment_current(at.clinician_actor, who.id)
    assert current is not None
    return current.estimates.get(equation=equation, outcome=outcome, horizon_years=10)


def withdraw(at: Hospital, who: Patient, feature: str) -> None:
    question = QUESTION_OF_FEATURE[feature]
    latest = Observation.objects.filter(patient=who, code=question.code).order_by("-effective_at").first()
    assert latest is not None
    row = NewObservation(
        latest.code_system,
        latest.code,
        latest.effective_at,
        value_code=latest.value_code,
        status="entered-in-error",
        replaces=latest.id,
    )
    factories.record(at, who, row)


def test_a_withdrawn_yes_does_not_bring_back_an_earlier_no(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    factories.record(hospital, who, factories.answer("prior_cardiovascular_disease", "yes", days_ago=1))
    assert estimate(hospital, who).reason_code == "PRIOR_ASCVD"
    withdraw(hospital, who, "prior_cardiovascular_disease")
    assert estimate(hospital, who).reason_code == "UNKNOWN_HISTORY"


@pytest.mark.parametrize(("feature", "answer", "days_ago", "code"), [
    ("prior_cardiovascular_disease", "no", 800, "UNKNOWN_HISTORY"),
    ("prior_cardiovascular_disease", "yes", 8000, "PRIOR_ASCVD"),
    ("smoking", "never", 800, "VALUE_TOO_OLD"),
])  # fmt: skip
def test_answers_grow_old_unless_what_was_had_stays_had(
    hospital: Hospital, feature: str, answer: str, days_ago: int, code: str
) -> None:
    who = factories.patient(hospital)
    rows = [*factories.complete_labs(), *factories.complete_answers(**{feature: ""})]
    factories.record(hospital, who, *rows, factories.answer(feature, answer, days_ago=days_ago))
    assert estimate(hospital, who).reason_code == code


def test_a_pregnancy_answer_is_good_for_three_months(hospital: Hospital) -> None:
    born = timezone.now().date() - timedelta(days=35 * 365)
    who = factories.patient(hospital, birth_date=born)
    factories.record(hospital, who, *factories.complete_labs(), *factories.complete_answers(pregnancy=""))
    factories.record(hospital, who, factories.answer("pregnancy", "no", days_ago=100))
    assert estimate(hospital, who).reason_code == "UNKNOWN_HISTORY"
    factories.record(hospital, who, factories.answer("pregnancy", "no", days_ago=20))
    assert estimate(hospital, who).risk is not None


@pytest.mark.parametrize("code", ["401303003", "422504002", "703272007"])
def test_common_diagnoses_outweigh_a_typed_no(hospital: Hospital, code: str) -> None:
    who = factories.complete_patient(hospital)
    factories.record(hospital, who, NewCondition(SNOMED_CT, code))
    assert estimate(hospital, who).risk is None


@pytest.mark.parametrize(("atc", "statin", "pressure"), [
    ("C10BA05", True, False), ("C10BX03", True, True), ("C10BA10", False, False), ("C02KX01", False, False),
    ("C09BX01", False, True), ("C10AX09", False, False),
])  # fmt: skip
def test_combination_drugs_answer_what_they_contain(hospital: Hospital, atc: str, statin: bool, pressure: bool) -> None:
    who = factories.patient(hospital)
    answers = factories.complete_answers(statin_treatment="no", antihypertensive_treatment="no")
    factories.record(hospital, who, *factories.complete_labs(), *answers, NewMedicationStatement(ATC, atc))
    estimate(hospital, who)
    current = assessment_current(hospital.clinician_actor, who.id)
    assert current is not None
    values = dict(current.snapshot.features.values_list("feature", "value"))
    assert (values["statin_treatment"] == "yes", values["antihypertensive_treatment"] == "yes") == (statin, pressure)


def test_prevent_is_refused_in_europe_by_name() -> None:
    at = factories.hospital("south", region="EUROPE", time_zone="Europe/Vienna")
    who = factories.complete_patient(at)
    assert estimate(at, who).reason_code == "REGION"
    assert estimate(at, who, "mesa_chd", "chd").risk is not None


def test_facts_that_returned_are_decided_once(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    estimate(hospital, who)
    [outcome] = factories.record(hospital, who, factories.quantity("8480-6", "171", "mm[Hg]", days_ago=1))
    estimate(hospital, who)
    erased = factories.quantity("8480-6", "171", "mm[Hg]", status="entered-in-error", replaces=outcome.row.id)
    factories.record(hospital, who, erased)
    estimate(hospital, who)
    for _ in range(3):
        patient_reassess(actor=hospital.client_actor, patient_id=who.id)
        jobs_run_due()
    assert Assessment.objects.filter(patient=who).count() == 3


def confirmed(at: Hospital, who: Patient) -> Study:
    study = arrivals.study(who)
    Study.objects.filter(id=study.id).update(study_at=timezone.now() - timedelta(days=2))
    version = arrivals.read(arrivals.ready(at, study))
    calcium_confirm(
        actor=at.clinician_actor,
        series_version_id=version.id,
        verdicts={"1": "LAD", "2": "NOT_CORONARY"},
        attests_gated_whole_heart=True,
        attests_no_metal=True,
    )
    return study


def test_without_a_ct_the_record_does_not_speak_of_confirmation(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    assert estimate(hospital, who, "mesa_chd_cac", "chd").reason_code == "NO_VALID_CAC"


def test_the_record_names_the_gate_that_the_newest_ct_failed(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    arrivals.read(arrivals.ready(hospital, arrivals.study(who)), gate="KVP")
    assert estimate(hospital, who, "mesa_chd_cac", "chd").reason_code == "KVP"


def test_later_images_make_a_confirmation_void(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    study = confirmed(hospital, who)
    assert estimate(hospital, who, "mesa_chd_cac", "chd").risk is not None
    arrivals.read(arrivals.ready(hospital, study), gate="CONTRAST_PRESENT")
    assert estimate(hospital, who, "mesa_chd_cac", "chd").reason_code == "CONTRAST_PRESENT"


@pytest.mark.parametrize(("shift", "code"), [
    (timedelta(minutes=2), ""), (timedelta(days=2), "STUDY_DATE_FUTURE"), (timedelta(days=-2000), "VALUE_TOO_OLD"),
    (None, "STUDY_DATE_MISSING"),
])  # fmt: skip
def test_the_date_of_the_study_decides_whether_its_score_counts(
    hospital: Hospital, shift: timedelta | None, code: str
) -> None:
    who = factories.complete_patient(hospital)
    study = confirmed(hospital, who)
    Study.objects.filter(id=study.id).update(study_at=None if shift is None else timezone.now() + shift)
    patient_reassess(actor=hospital.client_actor, patient_id=who.id)
    assert estimate(hospital, who, "mesa_chd_cac", "chd").reason_code == code


def test_a_newer_weight_replaces_an_old_index(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    rows = [
        factories.quantity("29463-7", "120", "kg", days_ago=1),
        factories.quantity("8302-2", "170", "cm", days_ago=1),
    ]
    factories.record(hospital, who, *rows)
    found = estimate(hospital, who)
    assert (found.reason_code, found.field) == ("BMI_ABOVE_RANGE", "bmi_kg_m2")
