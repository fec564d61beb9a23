"""From clinical rows to a decision record, through the services and the job that hospitals' rows enqueue."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from pytest_django import Settings

from cdss.assessments.models import Assessment, AssessmentReview, Attribution, RiskEstimate, WorklistEntry
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.document import policy_sha256
from cdss.assessments.policy.table import VERSION
from cdss.assessments.selectors import assessment_current, superseded_notices, worklist, worklist_mark
from cdss.assessments.services.review import assessment_acknowledge, assessment_override
from cdss.audit.models import AuditEntry
from cdss.audit.verifier import chain_verify
from cdss.core.errors import ConflictError, DomainError, NotFoundError
from cdss.jobs.models import Job
from cdss.jobs.running import jobs_run_due
from patients.models import Observation, Patient
from patients.services.clinical_rows import NewCondition, NewMedicationStatement
from patients.terminology import ATC, SNOMED_CT
from tests import factories
from tests.factories import Hospital

pytestmark = pytest.mark.django_db


def current(at: Hospital, who: Patient) -> Assessment:
    jobs_run_due()
    found = assessment_current(at.clinician_actor, who.id)
    assert found is not None
    return found


def estimate(assessment: Assessment, equation: str, outcome: str, years: int = 10) -> RiskEstimate:
    return assessment.estimates.get(equation=equation, outcome=outcome, horizon_years=years)


def test_a_complete_patient_gets_risks_whose_shares_add_up(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    assessment = current(hospital, who)
    risk = estimate(assessment, "prevent_base", "total_cvd")
    assert risk.reason_code == ""
    assert risk.risk is not None and 0.03 < risk.risk < 0.2
    assert risk.risk_low is None and risk.risk_high is None, "the equation publishes no interval, so none is invented"
    shares = Attribution.objects.filter(estimate=risk)
    import math

    logit = math.log(risk.risk / (1 - risk.risk))
    reference = math.log(risk.reference_risk / (1 - risk.reference_risk))
    assert sum(share.log_odds_or_hazard for share in shares) == pytest.approx(logit - reference, abs=1e-9)
    calcium = estimate(assessment, "mesa_chd_cac", "chd")
    assert (calcium.risk, calcium.reason_code) == (None, "NO_VALID_CAC")
    entry = AuditEntry.objects.get(action="assessment.recorded", patient_id=who.id)
    assert assessment.snapshot.sha256 in entry.body and assessment.input_digest in entry.body
    assert str(who.family_name) not in entry.body
    assert chain_verify().is_intact


def test_nothing_known_is_withheld_and_says_what_is_missing(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    factories.record(hospital, who, factories.quantity("8480-6", "120", "mm[Hg]"))
    assessment = current(hospital, who)
    assert assessment.is_withheld
    reasons = dict(assessment.estimates.filter(horizon_years=10).values_list("equation", "reason_code"))
    asked = ("prevent_base", "mesa_chd", "mesa_chd_cac", "fsrp_2017", "pce_2013", "framingham_2008_lipid")
    assert {reasons[equation] for equation in asked} == {"UNKNOWN_HISTORY"}
    assert "" not in reasons.values()
    assert list(worklist(hospital.clinician_actor)) == [WorklistEntry.objects.get(patient=who)]


@pytest.mark.parametrize(
    ("feature", "answer", "code"),
    [
        ("prior_cardiovascular_disease", "yes", "PRIOR_ASCVD"),
        ("prior_stroke_or_tia", "yes", "PRIOR_STROKE"),
        ("prior_cardiovascular_disease", "", "UNKNOWN_HISTORY"),
        ("prior_stroke_or_tia", "", "UNKNOWN_HISTORY"),
    ],
)
def test_history_stops_every_primary_prevention_number(
    hospital: Hospital, feature: str, answer: str, code: str
) -> None:
    who = factories.patient(hospital)
    factories.record(hospital, who, *factories.complete_labs(), *factories.complete_answers(**{feature: answer}))
    assessment = current(hospital, who)
    primary_prevention = assessment.estimates.filter(equation__regex="^(prevent|mesa|pce|framingham)")
    assert primary_prevention.count() == 11
    assert set(primary_prevention.values_list("reason_code", flat=True)) == {code}


def test_a_recorded_infarction_outweighs_an_answer_of_no(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    factories.record(hospital, who, NewCondition(SNOMED_CT, "22298006", onset_date=date(2021, 5, 1)))
    risk = estimate(current(hospital, who), "prevent_base", "total_cvd")
    assert risk.reason_code == "PRIOR_ASCVD"
    assert "myocardial infarction (May 2021)" in risk.sentence


def test_scores_are_recorded_with_their_scale_and_their_points_add_up(hospital: Hospital) -> None:
    who = factories.patient(hospital, birth_date=date(1952, 3, 14))
    answers = factories.complete_answers(
        atrial_fibrillation="yes", valvular_atrial_fibrillation="no", anticoagulant_treatment="no", hypertension="yes",
        vascular_disease="no",
    )  # fmt: skip
    factories.record(hospital, who, *factories.complete_labs(), *answers)
    assessment = current(hospital, who)
    points = estimate(assessment, "cha2ds2_va", "stroke", 0)
    assert (points.section, points.role, points.risk, points.scale) == ("STROKE", "PRIMARY", None, "points")
    assert (points.score, points.score_low, points.score_high) == (2, 0, 8)
    assert points.meaning
    shares = list(Attribution.objects.filter(estimate=points))
    assert sum(share.points for share in shares) == 2
    assert {share.log_odds_or_hazard for share in shares} == {None}
    headline = WorklistEntry.objects.get(patient=who)
    assert (headline.equation, headline.outcome) == ("prevent_base", "total_cvd")
    assert headline.risk == estimate(assessment, "prevent_base", "total_cvd").risk


def test_a_record_names_the_policy_and_the_words_of_its_guidelines(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    untreated = factories.complete_answers(antihypertensive_treatment="no")
    factories.record(hospital, who, *factories.complete_labs(), *untreated)
    assessment = current(hospital, who)
    assert (assessment.policy_version, assessment.policy_sha256) == (VERSION, policy_sha256(DEFAULT_POLICY))
    entry = AuditEntry.objects.get(action="assessment.recorded")
    assert assessment.policy_sha256 in entry.body
    total = estimate(assessment, "prevent_base", "total_cvd")
    [category] = total.categories
    assert category["guideline"] == "AHA/ACC high blood pressure" and category["year"] == 2025
    assert (category["word"].split()[0] == "Below") is (total.risk < 0.075)
    assert [note["code"] for note in estimate(assessment, "mesa_chd", "chd").notes] == ["CORONARY_EVENTS"]
    sections = list(assessment.estimates.order_by("position").values_list("section", flat=True))
    assert sections == sorted(sections, key=["CARDIOVASCULAR", "STROKE", "DEMENTIA"].index)


def test_without_a_first_risk_the_first_refusal_is_the_headline(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    factories.record(hospital, who, factories.quantity("8480-6", "120", "mm[Hg]"))
    current(hospital, who)
    entry = WorklistEntry.objects.get(patient=who)
    assert (entry.outcome, entry.risk, entry.reason_code) == ("total_cvd", None, "UNKNOWN_HISTORY")


def test_ldl_in_the_range_of_familial_hypercholesterolaemia_moves_the_numbers_and_keeps_the_headline(
    hospital: Hospital,
) -> None:
    who = factories.patient(hospital)
    ldl = factories.quantity("13457-7", "201", "mg/dL")
    factories.record(hospital, who, *factories.complete_labs(), ldl, *factories.complete_answers())
    assessment = current(hospital, who)
    moved = estimate(assessment, "prevent_base", "total_cvd")
    assert moved.role == "SECOND" and moved.risk is not None
    assert [note["code"] for note in moved.notes] == ["FH_RANGE"]
    entry = WorklistEntry.objects.get(patient=who)
    assert (entry.equation, entry.outcome, entry.risk) == ("prevent_base", "total_cvd", moved.risk)


def test_an_equation_that_the_release_does_not_have_is_refused_and_the_rest_is_computed(
    hospital: Hospital, settings: Settings
) -> None:
    settings.MODEL_RELEASE = "equations-1.0.0"
    assessment = current(hospital, factories.complete_patient(hospital))
    assert estimate(assessment, "framingham_2008_lipid", "general_cvd").reason_code == "NOT_IN_RELEASE"
    assert estimate(assessment, "prevent_base", "total_cvd").risk is not None


def test_atrial_fibrillation_refuses_stroke_only(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    answers = factories.complete_answers(atrial_fibrillation="yes")
    factories.record(hospital, who, *factories.complete_labs(), *answers)
    assessment = current(hospital, who)
    assert estimate(assessment, "prevent_base", "stroke").reason_code == "NO_AF_TERM"
    assert estimate(assessment, "prevent_base", "ascvd").risk is not None


@pytest.mark.parametrize(("birth_date", "sex", "refused"), [
    (date(1990, 1, 1), "female", True), (date(1990, 1, 1), "male", False), (date(1966, 1, 1), "female", False),
])  # fmt: skip
def test_pregnancy_is_asked_of_women_of_18_to_50(hospital: Hospital, birth_date: date, sex: str, refused: bool) -> None:
    who = factories.patient(hospital, birth_date=birth_date, sex=sex)
    factories.record(hospital, who, *factories.complete_labs(), *factories.complete_answers(pregnancy=""))
    risk = estimate(current(hospital, who), "prevent_base", "total_cvd")
    assert (risk.reason_code == "UNKNOWN_HISTORY") is refused


def test_age_out_of_range_names_field_value_and_limit(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital, birth_date=date(1940, 1, 1))
    risk = estimate(current(hospital, who), "prevent_base", "total_cvd")
    assert risk.risk is None
    assert (risk.reason_code, risk.field) == ("AGE_ABOVE_RANGE", "age_years")
    assert risk.field_value and risk.limit


@pytest.mark.parametrize(("setting", "days_ago", "code"), [
    ("inpatient", 30, "ACUTE_VALUES"), ("emergency", 30, "ACUTE_VALUES"), ("ambulatory", 800, "VALUE_TOO_OLD"),
])  # fmt: skip
def test_acute_and_old_values_are_named_and_not_used(
    hospital: Hospital, setting: str, days_ago: int, code: str
) -> None:
    who = factories.patient(hospital)
    pressure = factories.quantity("8480-6", "150", "mm[Hg]", days_ago=days_ago, setting=setting)
    labs = [row for row in factories.complete_labs() if row.code != "8480-6"]
    factories.record(hospital, who, pressure, *labs, *factories.complete_answers())
    risk = estimate(current(hospital, who), "prevent_base", "total_cvd")
    assert (risk.risk, risk.reason_code) == (None, code)
    assert "Systolic blood pressure" in risk.sentence


def test_the_same_facts_are_not_decided_twice_and_new_ones_supersede(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    first = current(hospital, who)
    factories.record(hospital, who, factories.quantity("29463-7", "70", "kg", days_ago=1))
    assert current(hospital, who) == first, "a weight changes nothing where an index was sent"
    factories.record(hospital, who, factories.quantity("8480-6", "162", "mm[Hg]", days_ago=1))
    second = current(hospital, who)
    assert second.supersedes == first
    assert estimate(second, "prevent_base", "total_cvd").risk > estimate(first, "prevent_base", "total_cvd").risk


def test_a_correction_is_used_and_what_it_corrects_stays_on_record(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    before = current(hospital, who)
    wrong = Observation.objects.get(patient=who, code="2093-3")
    right = factories.quantity("2093-3", "180", "mg/dL", status="corrected", replaces=wrong.id)
    factories.record(hospital, who, right)
    after = current(hospital, who)
    feature = after.snapshot.features.get(feature="total_cholesterol_mmol_l")
    assert (feature.sent_value, feature.sent_unit, feature.value) == ("180", "mg/dL", "4.6548")
    assert before.snapshot.features.get(feature="total_cholesterol_mmol_l").sent_value == "213"
    assert Observation.objects.filter(id=wrong.id).exists()


def test_an_erased_value_brings_back_the_facts_and_a_new_record(hospital: Hospital) -> None:
    """The facts return to what an earlier record decided on: that record stays superseded, a new one follows."""
    who = factories.complete_patient(hospital)
    first = current(hospital, who)
    [outcome] = factories.record(hospital, who, factories.quantity("8480-6", "171", "mm[Hg]", days_ago=1))
    second = current(hospital, who)
    erased = factories.quantity(
        "8480-6", "171", "mm[Hg]", days_ago=1, status="entered-in-error", replaces=outcome.row.id
    )
    factories.record(hospital, who, erased)
    third = current(hospital, who)
    assert third.supersedes == second and third != first
    assert estimate(third, "prevent_base", "ascvd").risk == estimate(first, "prevent_base", "ascvd").risk


def test_medication_on_the_list_answers_the_treatment_questions(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    answers = factories.complete_answers(statin_treatment="", lipid_lowering_treatment="")
    factories.record(hospital, who, *factories.complete_labs(), *answers)
    assert estimate(current(hospital, who), "prevent_base", "ascvd").risk is None
    factories.record(hospital, who, NewMedicationStatement(ATC, "C10AA05", start_date=date(2024, 1, 1)))
    assert estimate(current(hospital, who), "prevent_base", "ascvd").risk is not None


def test_a_job_is_debounced_while_it_waits(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    factories.record(hospital, who, factories.quantity("8480-6", "131", "mm[Hg]", days_ago=2))
    assert Job.objects.filter(subject_id=who.id, state="QUEUED").count() == 1
    jobs_run_due()
    assert Assessment.objects.filter(patient=who).count() == 1


def test_acknowledge_and_override_are_attributed_and_move_the_worklist(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    assessment = current(hospital, who)
    actor = hospital.clinician_actor
    first = assessment_acknowledge(actor=actor, assessment_id=assessment.id, idempotency_key="k")
    assert assessment_acknowledge(actor=actor, assessment_id=assessment.id, idempotency_key="k") == first
    assert WorklistEntry.objects.get(patient=who).state == "ACKNOWLEDGED"
    assessment_override(actor=actor, assessment_id=assessment.id, reason="NOT_FOR_THIS_PERSON", comment="Athlete.")
    assert WorklistEntry.objects.get(patient=who).state == "OVERRIDDEN"
    assert AssessmentReview.objects.filter(reviewer_name=hospital.clinician.full_name).count() == 2
    with pytest.raises(DomainError, match="names its reason"):
        assessment_override(actor=actor, assessment_id=assessment.id, reason="")
    with pytest.raises(ConflictError):
        assessment_override(actor=actor, assessment_id=assessment.id, reason="OTHER", comment="x", idempotency_key="k")


def test_whoever_acted_on_a_superseded_record_is_told(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    old = current(hospital, who)
    assessment_acknowledge(actor=hospital.clinician_actor, assessment_id=old.id)
    factories.record(hospital, who, factories.quantity("8480-6", "165", "mm[Hg]", days_ago=1))
    jobs_run_due()
    assert [review.assessment for review in superseded_notices(hospital.clinician_actor)] == [old]
    with pytest.raises(ConflictError, match="newer record"):
        assessment_acknowledge(actor=hospital.clinician_actor, assessment_id=old.id)


@pytest.mark.parametrize("who_acts", ["auditor", "administrator", "client", "foreigner"])
def test_nobody_else_reviews(hospital: Hospital, other_hospital: Hospital, who_acts: str) -> None:
    from cdss.accounts.actors import actor_of

    assessment = current(hospital, factories.complete_patient(hospital))
    actors = {
        "auditor": actor_of(hospital.auditor),
        "administrator": actor_of(hospital.administrator),
        "client": hospital.client_actor,
        "foreigner": other_hospital.clinician_actor,
    }
    with pytest.raises(NotFoundError):
        assessment_acknowledge(actor=actors[who_acts], assessment_id=assessment.id)
    assert not AssessmentReview.objects.exists()


@pytest.mark.parametrize("table", [
    "assessments_assessment", "assessments_riskestimate", "assessments_attribution", "assessments_featuresnapshot",
    "assessments_snapshotfeature", "assessments_assessmentreview", "patients_observation",
])  # fmt: skip
def test_records_cannot_be_changed_or_deleted(hospital: Hospital, table: str) -> None:
    assessment = current(hospital, factories.complete_patient(hospital))
    assessment_acknowledge(actor=hospital.clinician_actor, assessment_id=assessment.id)
    for statement in (f"UPDATE {table} SET organisation_id = organisation_id", f"DELETE FROM {table}"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_number_without_meaning_cannot_be_stored(hospital: Hospital) -> None:
    assessment = current(hospital, factories.complete_patient(hospital))
    common = {"organisation": hospital.organisation, "assessment": assessment, "position": 99, "role": "PRIMARY",
              "outcome": "x", "equation": "x", "equation_version": "1"}  # fmt: skip
    refusal = {"reason_code": "X", "sentence": "Not shown."}
    for wrong in (
        {"horizon_years": 10},
        {"horizon_years": 10, "risk": 1.2},
        {"horizon_years": 0, "risk": 0.1},
        {"horizon_years": 0, "score": 3, **refusal},
        {"horizon_years": 10, "risk": 0.1, **refusal},
        {"horizon_years": 10, "reason_code": "X", "sentence": ""},
        {"horizon_years": -1, "score": 3},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            RiskEstimate.objects.create(**common, **wrong)
    score = RiskEstimate.objects.create(**common, horizon_years=0, score=3, score_low=0, score_high=8)
    share = {"organisation": hospital.organisation, "estimate": score, "position": 0, "input": "age_years",
             "value": "70", "reference_value": "50"}  # fmt: skip
    for scales in ({}, {"points": 1, "log_odds_or_hazard": 0.1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Attribution.objects.create(**share, **scales)
    assert Attribution.objects.create(**share, points=1).log_odds_or_hazard is None


def test_a_patient_whom_nobody_has_answered_keeps_waiting_since_the_first_record(hospital: Hospital) -> None:
    patient = factories.complete_patient(hospital)
    jobs_run_due()
    entry = WorklistEntry.objects.get(patient=patient)
    first, before = entry.waiting_since, entry.assessment_id
    mark = worklist_mark(worklist(hospital.clinician_actor))
    factories.record(hospital, patient, factories.quantity("8480-6", "165", "mm[Hg]", days_ago=1))
    jobs_run_due()
    entry.refresh_from_db()
    assert (entry.waiting_since, entry.state) == (first, "NEW") and entry.assessment_id != before
    assert worklist_mark(worklist(hospital.clinician_actor)) != mark  # whoever has the list open is told

    assessment_acknowledge(actor=hospital.clinician_actor, assessment_id=entry.assessment_id)
    factories.record(hospital, patient, factories.quantity("8480-6", "160", "mm[Hg]", days_ago=0))
    jobs_run_due()
    entry.refresh_from_db()
    assert entry.waiting_since > first and entry.state == "NEW"
