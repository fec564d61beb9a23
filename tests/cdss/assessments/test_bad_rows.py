"""Rows of assessments that the database itself refuses. Not covered: what the services refuse before it."""

from __future__ import annotations

import math

import pytest
from django.apps import apps

from cdss.accounts.actors import actor_of
from cdss.assessments.models import (
    Assessment,
    AssessmentReview,
    Attribution,
    FeatureSnapshot,
    PolicyInEffect,
    PolicyTrial,
    PolicyVersion,
    RiskEstimate,
    SnapshotFeature,
    StudyOutcome,
    WorklistEntry,
)
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.document import policy_changed, policy_document
from cdss.assessments.services.policy import policy_adopt, policy_try
from cdss.assessments.services.review import assessment_acknowledge
from cdss.jobs.running import jobs_run_due
from imaging.models import Study
from patients.models import Patient
from tests import factories
from tests.database import Rows, across_organisations, wrongly_answered
from tests.factories import Hospital
from tests.imaging import arrivals

INTERVAL = {"risk": 0.2, "risk_low": 0.1, "risk_high": 0.3, "coverage": 0.9}
SCORE = {"score": 3, "score_low": 0, "score_high": 8}
CASES = [
    (FeatureSnapshot, {"sha256": ""}, "feature_snapshot_sha256"),
    (SnapshotFeature, {"state": "BANANA"}, "snapshot_feature_state_known"),
    (Assessment, {"input_digest": ""}, "assessment_sha256"),
    (Assessment, {"release_sha256": "0" * 63}, "assessment_sha256"),
    (Assessment, {"policy_sha256": "x"}, "assessment_policy_sha256"),
    (Assessment, {"policy_sha256": ""}, ""),  # as in records older than versioned policies
    (Assessment, {"release": ""}, "assessment_versions_named"),
    (Assessment, {"policy_version": ""}, "assessment_versions_named"),
    (Assessment, {"code_version": ""}, "assessment_versions_named"),
    (RiskEstimate, {"section": "BANANA"}, "risk_estimate_section_known"),
    (RiskEstimate, {"role": "BANANA"}, "risk_estimate_role_known"),
    (RiskEstimate, {"risk": 1.1}, "risk_estimate_range"),
    (RiskEstimate, {"risk": math.nan}, "risk_estimate_range"),
    (RiskEstimate, {"reference_risk": -0.1}, "risk_estimate_reference_range"),
    (RiskEstimate, INTERVAL, ""),
    (RiskEstimate, {**INTERVAL, "risk_low": 0.21}, "risk_estimate_interval"),
    (RiskEstimate, {**INTERVAL, "risk_high": 0.19}, "risk_estimate_interval"),
    (RiskEstimate, {**INTERVAL, "risk_low": -0.1}, "risk_estimate_interval"),
    (RiskEstimate, {**INTERVAL, "risk_high": 1.1}, "risk_estimate_interval"),
    (RiskEstimate, {**INTERVAL, "risk_high": None}, "risk_estimate_interval"),
    (RiskEstimate, {**INTERVAL, "coverage": None}, "risk_estimate_interval"),
    (RiskEstimate, {**INTERVAL, "coverage": 0}, "risk_estimate_interval"),
    (RiskEstimate, {**INTERVAL, "coverage": 95}, "risk_estimate_interval"),
    (RiskEstimate, {**INTERVAL, "risk": None, **SCORE}, "risk_estimate_interval"),
    (RiskEstimate, SCORE, ""),
    (RiskEstimate, {**SCORE, "score_low": 4}, "risk_estimate_score_in_scale"),
    (RiskEstimate, {**SCORE, "score_high": 2}, "risk_estimate_score_in_scale"),
    (RiskEstimate, {**SCORE, "score_high": None}, "risk_estimate_score_in_scale"),
    (AssessmentReview, {"kind": "BANANA"}, "review_override_has_reason"),
    (StudyOutcome, {"outcome": "BANANA", "reason_code": "X"}, "study_outcome_has_record_or_reason"),
    (StudyOutcome, {"outcome": "WITHHELD", "reason_code": ""}, "study_outcome_has_record_or_reason"),
    (StudyOutcome, {"outcome": "FAILED", "reason_code": "X", "assessment_id": None}, ""),
    (WorklistEntry, {"state": "BANANA"}, "worklist_state_known"),
    (WorklistEntry, {"risk": 7}, "worklist_risk_range"),
    (PolicyVersion, {"sha256": "0"}, "policy_version_sha256"),
    (PolicyTrial, {"sha256": ""}, "policy_trial_sha256"),
    (PolicyTrial, {"base_sha256": ""}, "policy_trial_sha256"),
    (PolicyInEffect, {"policy_sha256": ""}, "policy_in_effect_named"),
    (PolicyInEffect, {"release": ""}, "policy_in_effect_named"),
]


def rows_of(at: Hospital) -> Rows:
    """One row of each table of the app, and the patient and the study that they are about."""
    patient = factories.complete_patient(at)
    study = arrivals.study(patient)
    arrivals.read(arrivals.ready(at, study))
    jobs_run_due()
    assessment = Assessment.objects.get(patient=patient)
    assessment_acknowledge(actor=at.clinician_actor, assessment_id=assessment.id)
    actor = actor_of(at.administrator)
    policy = policy_changed(DEFAULT_POLICY, score2_region="low")
    trial = policy_try(actor=actor, document=policy_document(policy))
    jobs_run_due()
    version = policy_adopt(actor=actor, trial_id=trial.id, reason="The region of this country.")
    in_effect, _ = PolicyInEffect.objects.get_or_create(
        organisation=at.organisation, defaults={"policy_sha256": version.sha256, "release": assessment.release}
    )
    estimate = assessment.estimates.filter(risk__isnull=False).order_by("position")[0]
    rows = [
        patient, study, assessment.snapshot, assessment.snapshot.features.all()[0], assessment, estimate,
        estimate.attributions.all()[0], assessment.reviews.get(), study.outcome, patient.worklist_entry, trial, version,
        in_effect,
    ]  # fmt: skip
    return {type(row): row for row in rows}


@pytest.mark.django_db
def test_the_database_refuses_each_bad_row_and_takes_the_good_one(hospital: Hospital, other_hospital: Hospital) -> None:
    elsewhere, rows = rows_of(other_hospital), dict(rows_of(hospital))
    for unique in (WorklistEntry, StudyOutcome):  # otherwise their own rule, one per patient or study, would speak
        unique.objects.filter(organisation=other_hospital.organisation).delete()
    del rows[Patient], rows[Study]
    assert set(rows) == set(apps.get_app_config("assessments").get_models())
    assessment = rows[Assessment]
    fresh = {
        SnapshotFeature: {"feature": "another"},
        Assessment: {"input_digest": "0" * 64, "supersedes_id": assessment.pk},
        RiskEstimate: {"outcome": "another"},
        Attribution: {"input": "another"},
        PolicyVersion: {"number": 2},
    }
    cases = [*CASES, *across_organisations(rows, elsewhere)]
    assert len(cases) == len(CASES) + 14
    assert wrongly_answered(rows, fresh, cases) == []
