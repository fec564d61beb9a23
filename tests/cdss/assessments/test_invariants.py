"""What an editor of the database, a dead sweeper or a dead worker leaves behind is named; a healthy service is quiet.

The edits are made by the owner with the triggers away, as nobody but the owner of the database could.
"""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cdss.assessments.invariants import broken_invariants
from cdss.assessments.models import Assessment, RiskEstimate, StudyOutcome, WorklistEntry
from cdss.assessments.services import assess
from cdss.assessments.services.current_state import study_outcomes_settle
from cdss.assessments.services.due_again import records_made_again
from cdss.embedded.urls import ServiceUrls
from cdss.jobs.models import Job, JobState
from cdss.jobs.running import jobs_run_due
from cdss.jobs.services import job_enqueue
from cdss.jobs.steps import Step
from imaging.models import Series
from patients.models import Patient
from tests import factories
from tests.factories import Hospital
from tests.imaging import arrivals

pytestmark = pytest.mark.django_db


@pytest.fixture
def assessed(hospital: Hospital) -> Patient:
    who = factories.complete_patient(hospital)
    jobs_run_due()
    assert broken_invariants() == []
    return who


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("table", "change", "named"),
    [
        ("assessments_riskestimate", "risk = 0.001 WHERE risk > 0.001", "a number, a refusal or an attribution"),
        ("assessments_riskestimate", "risk = risk + 1e-16 WHERE risk > 0.1", "a number, a refusal or an attribution"),
        ("assessments_riskestimate", "sentence = 'Fine.' WHERE reason_code <> ''", "a number, a refusal"),
        ("assessments_riskestimate", "notes = '[]' WHERE notes <> '[]'", "a number, a refusal"),
        ("assessments_attribution", "value = '120'", "a number, a refusal or an attribution"),
        ("assessments_snapshotfeature", "value = '1' WHERE feature = 'age_years'", "a value of its snapshot"),
        ("assessments_assessment", "policy_version = 'other'", "its policy_version was changed"),
        ("assessments_featuresnapshot", "sha256 = repeat('0', 64)", "its snapshot is another"),
    ],
)
def test_an_edited_record_is_named_with_its_entry(
    assessed: Patient, services: ServiceUrls, table: str, change: str, named: str
) -> None:
    with psycopg.connect(services.database_owner_url) as owner:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_no_change")
        assert owner.execute(f"UPDATE {table} SET {change}").rowcount > 0
        owner.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_change")
    record = Assessment.objects.get(patient=assessed)
    found = [sentence for sentence in broken_invariants() if sentence.startswith(f"assessment {record.id}: ")]
    assert len(found) == 1 and named in found[0] and "of the log" in found[0]


@pytest.mark.django_db(transaction=True)
def test_a_record_that_was_taken_away_is_named(assessed: Patient, services: ServiceUrls) -> None:
    record = Assessment.objects.get(patient=assessed)
    WorklistEntry.objects.all().delete()
    with psycopg.connect(services.database_owner_url, autocommit=True) as owner:
        for table in ("assessments_attribution", "assessments_riskestimate", "assessments_assessment"):
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_no_change")
            owner.execute(f"DELETE FROM {table}")
            owner.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_change")
    assert any(sentence.startswith(f"assessment {record.id}: is not there") for sentence in broken_invariants())


def test_every_number_and_sentence_of_a_record_is_in_its_digest() -> None:
    own = {"id", "organisation", "assessment"}
    covered = {*assess.record_digest._ESTIMATE, *assess.record_digest._ESTIMATE_NUMBERS}
    assert {field.name for field in RiskEstimate._meta.concrete_fields} - own == covered


def minutes_ago(minutes: int) -> object:
    return timezone.now() - timedelta(minutes=minutes)


def test_a_dead_sweeper_is_noticed(hospital: Hospital, assessed: Patient) -> None:
    arrivals.study(assessed)
    job_enqueue(step=Step.PATIENT_ASSESS, organisation_id=assessed.organisation_id, subject_id=assessed.id)
    Job.objects.filter(state=JobState.QUEUED).update(not_before=minutes_ago(6), published_at=None)
    Series.objects.update(last_instance_at=minutes_ago(31))
    found = " ".join(broken_invariants())
    assert "no sweeper has handed it to a worker" in found
    assert "no sweeper has noticed" in found


@pytest.mark.parametrize(("finished", "is_named"), [(40, True), (10, False)])
def test_a_queue_that_nobody_works_on_is_named(assessed: Patient, finished: int, is_named: bool) -> None:
    Job.objects.update(finished_at=minutes_ago(finished))
    job_enqueue(step=Step.PATIENT_ASSESS, organisation_id=assessed.organisation_id, subject_id=assessed.id)
    Job.objects.filter(state=JobState.QUEUED).update(not_before=minutes_ago(31), published_at=minutes_ago(1))
    assert any(sentence.startswith("queue assess: ") for sentence in broken_invariants()) == is_named


def test_what_time_asked_for_and_failed_is_asked_for_again(assessed: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    WorklistEntry.objects.update(reassess_at=minutes_ago(1))
    assert records_made_again(release="equations-1.1.0") == 1
    monkeypatch.setattr(assess, "assessment_compute", lambda **_: 1 / 0)
    while Job.objects.filter(state=JobState.QUEUED).update(not_before=minutes_ago(1)):
        jobs_run_due()
    assert Job.objects.filter(state=JobState.FAILED).count() == 1
    again = WorklistEntry.objects.get().reassess_at
    assert again is not None and timedelta(minutes=50) < again - timezone.now() <= timedelta(hours=1)


def test_settling_studies_asks_as_many_queries_for_twenty_as_for_one(hospital: Hospital, assessed: Patient) -> None:
    record = Assessment.objects.get(patient=assessed)
    counts = []
    for more in (1, 19):
        for _ in range(more):
            arrivals.read(arrivals.ready(hospital, arrivals.study(assessed)))
        with CaptureQueriesContext(connection) as queries:
            study_outcomes_settle(patient=assessed, assessment=record)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 6
    assert StudyOutcome.objects.filter(assessment=record).count() == 20
    before = set(StudyOutcome.objects.values_list("study", "updated_at"))
    study_outcomes_settle(patient=assessed, assessment=record)
    assert set(StudyOutcome.objects.values_list("study", "updated_at")) == before
