"""This app's step."""

from cdss.assessments.services.assess import assessment_failure_record, patient_assess
from cdss.jobs.registry import job_handler
from cdss.jobs.steps import Step

job_handler(Step.PATIENT_ASSESS, on_failed=assessment_failure_record)(patient_assess)
