"""Records that time, a policy or a release has overtaken are asked for again: a hundred at a time, each once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django import Settings

from cdss.assessments.jobs import records_made_again
from cdss.assessments.models import Assessment, PolicyInEffect, WorklistEntry
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.document import policy_changed, policy_document
from cdss.assessments.services import due_again
from cdss.assessments.services.assess import assessment_compute, assessment_record
from cdss.assessments.services.policy import policy_adopt, policy_try
from cdss.jobs.models import Job
from cdss.jobs.running import jobs_run_due
from patients.models import Patient
from tests import factories
from tests.cdss.assessments.test_policy_changes import PCE, administrator
from tests.factories import Hospital

pytestmark = pytest.mark.django_db


@pytest.fixture
def assessed(hospital: Hospital) -> Patient:
    who = factories.complete_patient(hospital)
    jobs_run_due()
    records_made_again()  # the organisation's first round notes its policy and release
    jobs_run_due()
    return who


def entry(who: Patient) -> WorklistEntry:
    return WorklistEntry.objects.get(patient=who)


def queued() -> int:
    return Job.objects.filter(state="QUEUED").count()


def test_an_entry_knows_when_time_alone_changes_it(assessed: Patient) -> None:
    moment = entry(assessed).reassess_at
    assert moment is not None and timezone.now() < moment
    born = assessed.birth_date
    assert born is not None
    zone = ZoneInfo("America/New_York")
    today = datetime.now(zone).date()
    year = today.year + (date(today.year, born.month, born.day) <= today)
    assert moment <= datetime(year, born.month, born.day, tzinfo=zone), "a birthday comes within a year"


def test_nothing_is_made_again_before_its_time(assessed: Patient) -> None:
    assert records_made_again() == 0 and queued() == 0


def test_time_that_changed_nothing_sets_the_next_moment_and_makes_no_record(assessed: Patient) -> None:
    wanted = entry(assessed).reassess_at
    WorklistEntry.objects.update(reassess_at=timezone.now() - timedelta(seconds=1))
    assert records_made_again() == 1
    assert entry(assessed).reassess_at is None and queued() == 1
    assert records_made_again() == 0, "asked for once"
    jobs_run_due()
    assert entry(assessed).reassess_at == wanted
    assert Assessment.objects.filter(patient=assessed).count() == 1


def test_a_birthday_makes_a_new_record(hospital: Hospital) -> None:
    who = factories.complete_patient(hospital)
    first = timezone.now()
    record(who, first)
    moment = entry(who).reassess_at
    assert moment is not None
    record(who, moment)
    newest = Assessment.objects.get(patient=who, superseded_by__isnull=True)
    assert newest.supersedes is not None and newest.assessed_at == moment
    following = entry(who).reassess_at
    assert following is not None and following > moment


def record(who: Patient, as_of: datetime) -> None:
    computation = assessment_compute(patient=who, as_of=as_of, release_name="equations-1.1.0")
    assessment_record(patient=who, as_of=as_of, computation=computation)


def test_a_round_asks_for_at_most_a_hundred(assessed: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due_again, "MOST_A_ROUND", 2)
    for patient in more_patients(assessed, 4):
        record(patient, timezone.now())
    WorklistEntry.objects.update(reassess_at=timezone.now() - timedelta(seconds=1))
    assert [records_made_again() for _ in range(4)] == [2, 2, 1, 0]


def more_patients(like: Patient, count: int) -> list[Patient]:
    return [
        Patient.objects.create(
            organisation=like.organisation, family_name=f"Synthetic-{n}", birth_date=date(1970, 1, 1), sex="male"
        )
        for n in range(count)
    ]


def test_another_release_makes_every_record_again(
    assessed: Patient, other_hospital: Hospital, settings: Settings
) -> None:
    settings.MODEL_RELEASE = "equations-1.0.0"
    assert records_made_again() == 1
    jobs_run_due()
    assert Assessment.objects.filter(patient=assessed).count() == 2
    assert {row.release for row in PolicyInEffect.objects.all()} == {"equations-1.0.0"}
    assert records_made_again() == 0


def test_a_policy_concerns_its_own_organisation_only(
    assessed: Patient, hospital: Hospital, other_hospital: Hospital
) -> None:
    stranger = factories.complete_patient(other_hospital)
    jobs_run_due()
    records_made_again()
    jobs_run_due()
    adopt(hospital)
    assert records_made_again() == 1
    jobs_run_due()
    assert Assessment.objects.filter(patient=assessed).count() == 2
    assert Assessment.objects.filter(patient=stranger).count() == 1


def adopt(at: Hospital) -> Any:
    document = policy_document(policy_changed(DEFAULT_POLICY, roles={PCE: "OFF"}))
    trial = policy_try(actor=administrator(at), document=document)
    jobs_run_due()
    return policy_adopt(actor=administrator(at), trial_id=trial.id, reason="Not used here")


def test_a_record_computed_under_the_policy_before_is_due_at_once(assessed: Patient, hospital: Hospital) -> None:
    """The policy changed between computing and recording: the sweep had already passed."""
    who = factories.complete_patient(hospital)
    now = timezone.now()
    computation = assessment_compute(patient=who, as_of=now, release_name="equations-1.1.0")
    adopt(hospital)
    records_made_again()
    jobs_run_due()
    assessment_record(patient=who, as_of=timezone.now(), computation=computation)
    assert records_made_again() == 1
    jobs_run_due()
    newest = Assessment.objects.get(patient=who, superseded_by__isnull=True)
    assert newest.policy_version == "default-2.1"
