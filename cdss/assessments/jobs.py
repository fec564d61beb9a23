"""This app's steps, and the sweep that has records made again."""

from django.conf import settings

from cdss.assessments.services.assess import assessment_failure_record, patient_assess
from cdss.assessments.services.due_again import records_made_again as records_due
from cdss.assessments.services.policy_trial import policy_trial_failure_record, policy_trial_run
from cdss.jobs.registry import ClaimedJob, Record, job_handler, sweep
from cdss.jobs.steps import Step


@job_handler(Step.PATIENT_ASSESS, on_failed=assessment_failure_record)
def patient_assessed(job: ClaimedJob) -> Record:
    return patient_assess(job, release_name=settings.MODEL_RELEASE)


@job_handler(Step.POLICY_TRY, on_failed=policy_trial_failure_record)
def policy_tried(job: ClaimedJob) -> Record:
    return policy_trial_run(job, release_name=settings.MODEL_RELEASE)


@sweep
def records_made_again() -> int:
    return records_due(release=settings.MODEL_RELEASE)
