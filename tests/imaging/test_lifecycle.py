"""When a series is complete, and what happens to what arrives after that."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from cdss.accounts.actors import Actor, actor_of
from cdss.audit.models import AuditEntry
from cdss.audit.verifier import chain_verify
from cdss.core.errors import ConflictError, NotFoundError
from cdss.embedded.urls import ServiceUrls
from cdss.jobs.models import Job
from cdss.jobs.running import jobs_run_due
from cdss.jobs.steps import Step
from imaging.models import Instance, Series, SeriesResult, SeriesState, SeriesVersion, Study
from imaging.services.lifecycle import series_mark_ready, series_rerun, series_sweep, study_close
from imaging.storage import object_path
from tests import factories
from tests.concurrency import at_once
from tests.factories import Hospital
from tests.imaging import arrivals
from tests.imaging.part10 import ct_part10
from tests.imaging.test_ingest import store

QUIET = timedelta(seconds=30)


def entries(action: str) -> list[dict[str, Any]]:
    return [json.loads(entry.body) for entry in AuditEntry.objects.filter(action=action).order_by("seq")]


def arrive(at: Hospital, *indices: int, seed: str = "door") -> Series:
    for index in indices:
        store(at, ct_part10(index, seed=seed))
    return Series.objects.get(series_instance_uid=Instance.objects.latest("received_at").series.series_instance_uid)


def age(seconds: float) -> None:
    """Time passes, by the database's clock."""
    Series.objects.update(last_instance_at=F("last_instance_at") - timedelta(seconds=seconds))


@pytest.mark.django_db
def test_a_series_is_ready_when_it_has_been_quiet_and_not_before(hospital: Hospital) -> None:
    arrive(hospital, 0, 1, 2)
    age(25)
    assert series_sweep(quiet=QUIET) == 0
    age(10)
    assert series_sweep(quiet=QUIET) == 1
    assert series_sweep(quiet=QUIET) == 0
    version = SeriesVersion.objects.get()
    assert (version.number, version.instance_count) == (1, 3)
    assert Series.objects.get().state == SeriesState.READY
    job = Job.objects.get(step=Step.SERIES_PROCESS)
    assert (job.subject_id, job.organisation_id) == (version.id, hospital.organisation.id)


@pytest.mark.django_db
def test_an_instance_that_arrives_meanwhile_starts_the_wait_again(hospital: Hospital) -> None:
    arrive(hospital, 0)
    age(29)
    arrive(hospital, 1)
    age(2)
    assert series_sweep(quiet=QUIET) == 0


@pytest.mark.django_db
def test_one_audit_entry_per_version_proves_every_instance(hospital: Hospital) -> None:
    series = arrive(hospital, 2, 0, 1)
    version = series_mark_ready(series=series, actor=hospital.client_actor)
    [entry] = entries("series.received")
    pairs = sorted((row.sop_instance_uid, bytes(row.sha256).hex()) for row in Instance.objects.all())
    expected = hashlib.sha256("".join(f"{uid}:{sha256}\n" for uid, sha256 in pairs).encode()).hexdigest()
    assert entry["details"] == {"version": 1, "instances": 3, "instances_sha256": expected}
    assert bytes(version.instances_sha256).hex() == expected
    assert entry["patient"] == str(series.study.patient_id)
    assert not entries("instance.quarantined")


@pytest.mark.django_db
def test_closing_twice_is_once(hospital: Hospital) -> None:
    series = arrive(hospital, 0, 1)
    study = Study.objects.get()
    assert study_close(actor=hospital.client_actor, study=study) == 1
    closed_at = Study.objects.get().closed_at
    assert closed_at is not None
    assert study_close(actor=hospital.client_actor, study=study) == 0
    assert Study.objects.get().closed_at == closed_at
    assert SeriesVersion.objects.filter(series=series).count() == 1
    assert len(entries("study.closed")) == len(entries("series.received")) == 1


@pytest.mark.django_db
def test_closing_several_series_writes_the_log_after_everything_else(hospital: Hospital) -> None:
    """The first entry takes the lock of the whole log: nobody waits for inserts that could have come before."""
    study = arrivals.study(factories.patient(hospital))
    series = study.series.get()
    for number in (2, 3):
        other = Series.objects.create(
            organisation=study.organisation, study=study, series_instance_uid=f"2.25.{number}", modality="CT"
        )
        Instance.objects.create(
            organisation=study.organisation, series=other, sop_instance_uid=f"2.25.{number}.1", sop_class_uid="1.2",
            transfer_syntax_uid="1.2", sha256=bytes(32), size_bytes=1, source="test",
        )  # fmt: skip
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert study_close(actor=hospital.client_actor, study=study) == 3
    writes = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "SELECT audit_append"))]
    kinds = ["audit" if "audit_append" in sql else "row" for sql in (text.strip() for text in writes)]
    assert kinds == sorted(kinds, reverse=True)
    assert kinds.count("audit") == 4
    assert {entry["subject"]["id"] for entry in entries("series.received")} >= {str(series.id)}
    assert [entry["details"]["series"] for entry in entries("study.closed")] == [3]


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["imaging_instance", "imaging_seriesversion"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET organisation_id = organisation_id", "DELETE FROM {}"])
def test_what_arrived_and_what_was_read_of_it_cannot_be_changed(
    hospital: Hospital, services: ServiceUrls, table: str, statement: str
) -> None:
    arrivals.ready(hospital, arrivals.study(factories.patient(hospital)))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))
    with psycopg.connect(services.database_owner_url) as owner:
        triggers = owner.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass", [table]).fetchall()
    assert (f"{table}_no_change",) in triggers, "not even its owner may"


def fail(series: Series) -> None:
    """The bytes are gone for as long as the attempts last."""
    hidden = object_path(bytes(Instance.objects.filter(series=series).first().sha256))  # type: ignore[union-attr]
    hidden.rename(hidden.with_suffix(".away"))
    for _ in range(3):
        jobs_run_due()
        Job.objects.update(not_before=F("enqueued_at"))
    hidden.with_suffix(".away").rename(hidden)
    series.refresh_from_db()
    assert series.state == SeriesState.FAILED


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["administrator", "client"])
def test_a_failed_series_is_read_again_as_a_new_version_of_the_same_instances(hospital: Hospital, who: str) -> None:
    series = arrive(hospital, 0, 1)
    study_close(actor=hospital.client_actor, study=Study.objects.get())
    fail(series)
    [failed] = entries("job.failed")
    assert failed["patient"] == str(series.study.patient_id)
    actor = actor_of(hospital.administrator) if who == "administrator" else hospital.client_actor
    version = series_rerun(actor=actor, series=series)
    first = SeriesVersion.objects.get(number=1)
    assert (version.number, version.instance_ids) == (2, first.instance_ids)
    assert bytes(version.instances_sha256) == bytes(first.instances_sha256)
    [entry] = entries("series.rerun_requested")
    assert entry["details"] == {
        "version": 2, "instances": 2, "instances_sha256": bytes(first.instances_sha256).hex()
    }  # fmt: skip
    assert (entry["actor"]["id"], entry["patient"]) == (actor.identifier, str(series.study.patient_id))
    with pytest.raises(ConflictError) as caught:
        series_rerun(actor=actor, series=series)
    assert caught.value.code == "SERIES_NOT_FAILED"
    jobs_run_due()
    series.refresh_from_db()
    assert series.state in {SeriesState.ACCEPTED, SeriesState.REJECTED}
    results = SeriesResult.objects.order_by("series_version__number").values_list("is_failure", flat=True)
    assert list(results) == [True, False], "what failed stays on record"


@pytest.mark.django_db
@pytest.mark.parametrize("state", [state for state in SeriesState if state != SeriesState.FAILED])
def test_a_series_that_has_not_failed_is_not_read_again(hospital: Hospital, state: SeriesState) -> None:
    series = arrivals.study(factories.patient(hospital)).series.get()
    Series.objects.filter(id=series.id).update(state=state)
    with pytest.raises(ConflictError):
        series_rerun(actor=hospital.client_actor, series=series)
    assert not SeriesVersion.objects.exists()


@pytest.mark.django_db
def test_only_its_own_senders_and_administrators_ask_for_a_series_again(
    hospital: Hospital, other_hospital: Hospital
) -> None:
    series = arrivals.study(factories.patient(hospital)).series.get()
    Series.objects.filter(id=series.id).update(state=SeriesState.FAILED)
    refused: list[Actor] = [
        hospital.clinician_actor,
        actor_of(hospital.auditor),
        other_hospital.client_actor,
        actor_of(other_hospital.administrator),
    ]
    for actor in refused:
        with pytest.raises(NotFoundError):
            series_rerun(actor=actor, series=series)
    assert not SeriesVersion.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_series_asked_for_again_several_times_at_once_is_read_once(hospital: Hospital) -> None:
    series = arrivals.study(factories.patient(hospital)).series.get()
    Series.objects.filter(id=series.id).update(state=SeriesState.FAILED)
    results = at_once([partial(series_rerun, actor=hospital.client_actor, series=series)] * 4)
    assert sum(isinstance(result, SeriesVersion) for result in results) == 1, results
    assert SeriesVersion.objects.count() == 1


@pytest.mark.django_db
def test_a_late_instance_makes_a_new_version_and_the_old_result_stays(hospital: Hospital) -> None:
    arrive(hospital, 0, 1)
    study_close(actor=hospital.client_actor, study=Study.objects.get())
    jobs_run_due()
    first = SeriesResult.objects.get()
    assert Series.objects.get().state in {SeriesState.ACCEPTED, SeriesState.REJECTED}
    arrive(hospital, 2)
    assert Series.objects.get().state == SeriesState.RECEIVING
    study_close(actor=hospital.client_actor, study=Study.objects.get())
    jobs_run_due()
    versions = list(SeriesVersion.objects.order_by("number"))
    assert [(version.number, version.instance_count) for version in versions] == [(1, 2), (2, 3)]
    assert SeriesResult.objects.get(series_version=versions[0]).recorded_at == first.recorded_at
    assert SeriesResult.objects.filter(series_version=versions[1]).exists()
    assert [entry["details"]["instances"] for entry in entries("series.received")] == [2, 3]


@pytest.mark.django_db
def test_an_old_version_read_late_does_not_decide_for_the_new_one(hospital: Hospital) -> None:
    """Version 1 is still in the worker's hands when version 2 falls quiet."""
    series = arrive(hospital, 0, 1)
    series_mark_ready(series=series, actor=hospital.client_actor)
    arrive(hospital, 2)
    series_mark_ready(series=series, actor=hospital.client_actor)
    Job.objects.filter(subject_id=SeriesVersion.objects.get(number=2).id).update(
        not_before=F("not_before") + timedelta(hours=1)
    )
    jobs_run_due()
    assert SeriesResult.objects.count() == 1
    assert Series.objects.get().state == SeriesState.READY
    Job.objects.update(not_before=F("enqueued_at"))
    jobs_run_due()
    assert Series.objects.get().state in {SeriesState.ACCEPTED, SeriesState.REJECTED}


@pytest.mark.django_db
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_bytes_lost_on_our_side_are_our_failure_and_no_refusal_of_the_images(
    hospital: Hospital, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    arrive(hospital, 0, 1)
    study_close(actor=hospital.client_actor, study=Study.objects.get())
    path = object_path(bytes(Instance.objects.first().sha256))  # type: ignore[union-attr]
    path.unlink() if damage == "gone" else path.write_bytes(path.read_bytes()[:-1])
    for _ in range(4):
        jobs_run_due()
        Job.objects.update(not_before=F("enqueued_at"))
    result = SeriesResult.objects.get()
    assert (result.is_accepted, result.is_failure, result.reason_code) == (False, True, "INTERNAL_ERROR")
    assert Series.objects.get().state == SeriesState.FAILED
    assert Job.objects.get(step=Step.SERIES_PROCESS).attempt == 3
    assert len(entries("job.failed")) == 1


@pytest.mark.django_db(transaction=True)
def test_sweepers_and_a_closing_sender_at_once_make_one_version(hospital: Hospital) -> None:
    for number in range(3):
        arrive(hospital, 0, 1, seed=f"study {number}")
    age(60)
    closing = [partial(study_close, actor=hospital.client_actor, study=study) for study in Study.objects.all()]
    sweeping = [partial(series_sweep, quiet=QUIET)] * 4
    results = at_once([*sweeping, *closing])
    assert sum(result for result in results if isinstance(result, int)) == 3, results
    assert [version.number for version in SeriesVersion.objects.all()] == [1, 1, 1]
    assert Job.objects.filter(step=Step.SERIES_PROCESS).count() == 3
    assert len(entries("series.received")) == 3
    assert chain_verify().is_intact


@pytest.mark.django_db(transaction=True)
def test_arriving_and_sweeping_at_once_loses_no_instance(hospital: Hospital) -> None:
    arrive(hospital, 0)
    age(60)
    sending = [partial(store, hospital, ct_part10(index)) for index in range(1, 7)]
    results = at_once([*sending, *[partial(series_sweep, quiet=QUIET)] * 3])
    assert not [result for result in results if isinstance(result, Exception)], results
    age(60)
    series_sweep(quiet=QUIET)
    newest = SeriesVersion.objects.latest("number")
    assert set(newest.instance_ids) == {str(row.id) for row in Instance.objects.all()}
    assert newest.instance_count == 7


@pytest.mark.django_db(transaction=True)
def test_the_servers_own_clock_does_not_matter(hospital: Hospital, services: ServiceUrls) -> None:
    """What decides is the age in the database, as another machine with another clock would see it."""
    arrive(hospital, 0)
    with psycopg.connect(services.database_owner_url) as owner:
        owner.execute("UPDATE imaging_series SET last_instance_at = statement_timestamp() - interval '31 seconds'")
    assert series_sweep(quiet=QUIET) == 1
