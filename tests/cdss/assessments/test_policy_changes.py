"""Trying a policy on the present records, adopting it, and everything that must not happen on the way."""

from __future__ import annotations

import json
import uuid
from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from cdss.accounts.actors import Actor, actor_of
from cdss.assessments.invariants import broken_invariants
from cdss.assessments.jobs import records_made_again
from cdss.assessments.models import Assessment, PolicyTrial, PolicyVersion
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.document import PolicyDocumentError, policy_changed, policy_document, policy_sha256
from cdss.assessments.policy.in_force import (
    policy_current,
    policy_current_visible_to,
    policy_history,
    policy_trials_visible_to,
)
from cdss.assessments.policy.table import Policy
from cdss.assessments.selectors import assessment_current
from cdss.assessments.services import policy_trial
from cdss.assessments.services.policy import NothingChangedError, PolicyReasonError, policy_adopt, policy_try
from cdss.audit.models import AuditEntry
from cdss.audit.verifier import chain_verify
from cdss.core.errors import ConflictError, NotFoundError
from cdss.jobs.models import Job
from cdss.jobs.running import jobs_run_due
from patients.models import Patient
from patients.services.clinical_rows import NewCondition
from patients.terminology import SNOMED_CT
from tests import factories
from tests.factories import Hospital

pytestmark = pytest.mark.django_db

TOTAL_CVD = "CARDIOVASCULAR/prevent_base/total_cvd/10/US"
PCE = "CARDIOVASCULAR/pce_2013/ascvd/10/US+EUROPE"


def changed(**more: Any) -> Policy:
    return policy_changed(DEFAULT_POLICY, **more)


def administrator(at: Hospital) -> Actor:
    return actor_of(at.administrator)


def tried(at: Hospital, policy: Policy) -> PolicyTrial:
    trial = policy_try(actor=administrator(at), document=policy_document(policy))
    jobs_run_due()
    trial.refresh_from_db()
    return trial


@pytest.fixture
def assessed(hospital: Hospital) -> Patient:
    who = factories.complete_patient(hospital)
    jobs_run_due()
    return who


def counts(trial: PolicyTrial) -> dict[tuple[str, str, str], int]:
    return {(row["section"], row["outcome"], row["kind"]): row["count"] for row in trial.changes["counts"]}


def test_a_trial_says_what_would_change_for_whom_and_changes_nothing(hospital: Hospital, assessed: Patient) -> None:
    factories.patient(hospital)  # without a record: not counted
    trial = tried(hospital, changed(ages={TOTAL_CVD: (40, 50)}, roles={PCE: "SECOND"}))
    assert trial.finished_at is not None and trial.error == ""
    assert (trial.patients_count, trial.changed_count) == (1, 1)
    assert counts(trial) == {
        ("CARDIOVASCULAR", "total_cvd", "DISAPPEARS"): 1,
        ("CARDIOVASCULAR", "ascvd", "ROLE"): 1,
    }
    [listed] = trial.changes["patients"]
    assert listed["patient"] == str(assessed.id)
    gone = next(change for change in listed["changes"] if change["kind"] == "DISAPPEARS")
    assert gone["before"]["risk"] > 0 and gone["after"]["reason_code"] == "AGE_ABOVE_RANGE"
    assert policy_current(hospital.organisation.id).policy == DEFAULT_POLICY
    assert Assessment.objects.filter(patient=assessed).count() == 1


def test_a_role_switched_off_takes_the_number_away_and_a_sentence_only_words(
    hospital: Hospital, assessed: Patient
) -> None:
    trial = tried(hospital, changed(roles={PCE: "OFF"}, sentences={"stops/NO_TIA": "No TIA within 7 days."}))
    assert counts(trial)["STROKE", "stroke", "WORDS"] == 1
    assert set(counts(trial)) == {("STROKE", "stroke", "WORDS"), ("CARDIOVASCULAR", "ascvd", "DISAPPEARS")}


def test_setting_the_region_makes_score2_appear_and_changing_it_changes_the_number() -> None:
    europe = factories.hospital("harbour", region="EUROPE", time_zone="Europe/Dublin")
    factories.complete_patient(europe)
    jobs_run_due()
    first = tried(europe, changed(score2_region="low"))
    assert counts(first) == {("CARDIOVASCULAR", "cvd", "APPEARS"): 1}
    policy_adopt(actor=administrator(europe), trial_id=first.id, reason="Ireland is a moderate-risk country")
    second = tried(europe, policy_changed(policy_current(europe.organisation.id).policy, score2_region="very_high"))
    assert counts(second) == {("CARDIOVASCULAR", "cvd", "NUMBER"): 1}


def test_a_trial_does_not_tell_who_had_a_genetic_test(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    answers = factories.complete_answers(apoe_e4="yes", cognitive_disorder="no", physical_activity="yes")
    schooling = factories.record(hospital, who, *factories.complete_labs(), *answers, education())
    assert schooling
    jobs_run_due()
    trial = tried(hospital, changed(roles={"DEMENTIA/caide_2/dementia/20/US+EUROPE": "OFF"}))
    tested = Assessment.objects.get(patient=who)
    assert tested.estimates.get(equation="caide_2").score is not None
    assert (trial.patients_count, trial.changed_count) == (1, 0)
    assert trial.changes == {"counts": [], "patients": []}


def education() -> Any:
    from tests.cdss.assessments.facts import measured

    return measured("education_years", "12")


def test_an_adopted_policy_is_in_force_recorded_and_applied_to_everybody(hospital: Hospital, assessed: Patient) -> None:
    records_made_again()
    jobs_run_due()
    policy = changed(ages={TOTAL_CVD: (40, 50)})
    trial = tried(hospital, policy)
    version = policy_adopt(actor=administrator(hospital), trial_id=trial.id, reason=" Above 50 the clinic decides. ")
    assert (version.number, version.reason) == (1, "Above 50 the clinic decides.")
    current = policy_current(hospital.organisation.id)
    assert (current.policy, current.version, current.sha256) == (policy, "default-2.1", policy_sha256(policy))
    assert current.author_name == hospital.administrator.full_name
    assert records_made_again() == 1 and records_made_again() == 0
    jobs_run_due()
    record = assessment_current(hospital.clinician_actor, assessed.id)
    assert record is not None and record.supersedes is not None
    assert (record.policy_version, record.policy_sha256) == ("default-2.1", version.sha256)
    refused = record.estimates.get(equation="prevent_base", outcome="total_cvd", horizon_years=10)
    assert refused.reason_code == "AGE_ABOVE_RANGE"
    adopted = AuditEntry.objects.get(action="policy.adopted").body
    assert version.sha256 in adopted and policy_sha256(DEFAULT_POLICY) in adopted
    assert trial.sha256 in AuditEntry.objects.get(action="policy.tried").body
    assert chain_verify().is_intact
    assert broken_invariants() == []


def test_going_back_to_the_default_is_a_version_of_its_own(hospital: Hospital) -> None:
    for policy in (changed(roles={PCE: "OFF"}), DEFAULT_POLICY):
        trial = tried(hospital, policy)
        policy_adopt(actor=administrator(hospital), trial_id=trial.id, reason="As decided")
    assert policy_current(hospital.organisation.id).policy == DEFAULT_POLICY
    history = list(policy_history(hospital.clinician_actor))
    assert [row.number for row in history] == [2, 1]


def test_of_two_trials_at_once_the_second_to_be_adopted_is_a_conflict(hospital: Hospital) -> None:
    first, second = tried(hospital, changed(roles={PCE: "OFF"})), tried(hospital, changed(score2_region="low"))
    policy_adopt(actor=administrator(hospital), trial_id=second.id, reason="The region was missing")
    with pytest.raises(ConflictError) as refused:
        policy_adopt(actor=administrator(hospital), trial_id=first.id, reason="Too late")
    assert (refused.value.code, refused.value.status) == ("POLICY_CHANGED", 409)
    assert PolicyVersion.objects.count() == 1


def test_a_trial_that_has_not_finished_cannot_be_adopted(hospital: Hospital) -> None:
    trial = policy_try(actor=administrator(hospital), document=policy_document(changed(roles={PCE: "OFF"})))
    with pytest.raises(ConflictError) as refused:
        policy_adopt(actor=administrator(hospital), trial_id=trial.id, reason="Impatience")
    assert refused.value.code == "TRIAL_NOT_FINISHED"
    assert not PolicyVersion.objects.exists()


def test_a_trial_that_failed_says_so_and_cannot_be_adopted(
    hospital: Hospital, assessed: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**more: Any) -> Any:
        raise PolicyDocumentError("The snapshot cannot be read.")

    monkeypatch.setattr(policy_trial, "estimates_make", broken)
    trial = tried(hospital, changed(roles={PCE: "OFF"}))
    assert (trial.error, Job.objects.get(subject_id=trial.id).state) == ("The snapshot cannot be read.", "FAILED")
    with pytest.raises(ConflictError):
        policy_adopt(actor=administrator(hospital), trial_id=trial.id, reason="Anyway")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 1001, "a\x00b"])
def test_a_change_states_its_reason(hospital: Hospital, reason: str) -> None:
    trial = tried(hospital, changed(roles={PCE: "OFF"}))
    with pytest.raises(PolicyReasonError):
        policy_adopt(actor=administrator(hospital), trial_id=trial.id, reason=reason)
    assert not PolicyVersion.objects.exists()


def test_the_policy_in_force_is_not_tried_again(hospital: Hospital) -> None:
    with pytest.raises(NothingChangedError):
        policy_try(actor=administrator(hospital), document=policy_document(DEFAULT_POLICY))
    assert not PolicyTrial.objects.exists() and not Job.objects.exists()


def test_a_document_without_a_stop_is_never_tried(hospital: Hospital) -> None:
    body = json.loads(policy_document(DEFAULT_POLICY))
    del body["stops"][0]
    with pytest.raises(PolicyDocumentError):
        policy_try(actor=administrator(hospital), document=json.dumps(body))
    assert not PolicyTrial.objects.exists()


@pytest.mark.parametrize("role", ["clinician", "auditor", "client"])
def test_only_an_administrator_tries_and_adopts(hospital: Hospital, role: str) -> None:
    trial = tried(hospital, changed(roles={PCE: "OFF"}))
    actor = actor_of(getattr(hospital, role))
    with pytest.raises(NotFoundError):
        policy_try(actor=actor, document=policy_document(changed(score2_region="low")))
    with pytest.raises(NotFoundError):
        policy_adopt(actor=actor, trial_id=trial.id, reason="x")
    assert not policy_trials_visible_to(actor).exists()


def test_another_organisation_sees_neither_trials_nor_versions(hospital: Hospital, other_hospital: Hospital) -> None:
    trial = tried(hospital, changed(roles={PCE: "OFF"}))
    stranger = administrator(other_hospital)
    with pytest.raises(NotFoundError):
        policy_adopt(actor=stranger, trial_id=trial.id, reason="x")
    policy_adopt(actor=administrator(hospital), trial_id=trial.id, reason="x")
    assert not policy_trials_visible_to(stranger).exists() and not policy_history(stranger).exists()
    assert policy_current_visible_to(stranger).number == 0
    with pytest.raises(NotFoundError):
        policy_adopt(actor=stranger, trial_id=uuid.uuid4(), reason="x")


def test_a_version_cannot_be_changed_or_deleted(hospital: Hospital) -> None:
    trial = tried(hospital, changed(roles={PCE: "OFF"}))
    policy_adopt(actor=administrator(hospital), trial_id=trial.id, reason="x")
    for statement in ("UPDATE assessments_policyversion SET reason = 'y'", "DELETE FROM assessments_policyversion"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_version_that_nobody_adopted_breaks_an_invariant(hospital: Hospital) -> None:
    author = {"author_id": "x", "author_name": "x", "reason": "x"}
    PolicyVersion.objects.create(organisation=hospital.organisation, number=1, body="{}", sha256="0" * 64, **author)
    broken = broken_invariants()
    assert any("its text does not match its SHA-256" in sentence for sentence in broken)
    assert "1 policy versions and 0 audit entries of adoptions" in broken


def test_a_trial_asks_the_database_the_same_for_one_patient_and_for_many(
    hospital: Hospital, assessed: Patient, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        factories.complete_patient(hospital)
    jobs_run_due()
    with django_assert_max_num_queries(5):
        findings = policy_trial.trial_findings(
            organisation=hospital.organisation,
            tried=changed(roles={PCE: "OFF"}),
            release_name="equations-1.1.0",
            report=lambda percent, phrase: None,
        )
    assert (findings.patients, findings.changed) == (4, 4)


def test_at_most_two_hundred_patients_are_listed_and_all_are_counted() -> None:
    findings = policy_trial.Findings()
    for _ in range(policy_trial.MOST_PATIENTS_LISTED + 5):
        change = {"section": "STROKE", "outcome": "stroke", "kind": "ROLE", "is_genetic": False}
        findings.add(uuid.uuid4(), [change])
    findings.add(uuid.uuid4(), [])
    assert (findings.patients, findings.changed) == (206, 205)
    assert len(findings.listed) == 200 and findings.as_json()["counts"][0]["count"] == 205


def test_a_trial_names_a_day_as_the_hospital_has_it() -> None:
    far = factories.hospital("far", time_zone="Pacific/Auckland")
    who = factories.patient(far)
    infarction = NewCondition(SNOMED_CT, "22298006", onset_date=date(2024, 3, 1))
    factories.record(far, who, infarction, *factories.complete_labs())
    jobs_run_due()
    trial = tried(far, changed(sentences={"stops/PRIOR_ASCVD": "{recorded} is on file."}))
    changes = trial.changes["patients"][0]["changes"]
    assert {(item["before"]["sentence"].count("(March 2024)"), item["after"]["sentence"].count("(March 2024)"))
            for item in changes} == {(1, 1)}  # fmt: skip
