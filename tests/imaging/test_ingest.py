"""One object at the door: the same bytes twice are one object, and no object ever lands on the wrong patient."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from cdss.audit.models import AuditEntry
from cdss.audit.verifier import chain_verify
from cdss.embedded.urls import ServiceUrls
from imaging.dicom import InstanceRefusedError
from imaging.models import Instance, Quarantine, Series, SeriesState, Study
from imaging.services.ingest import InstanceStored, instance_store
from imaging.storage import StagedObject, object_path
from patients.models import Patient, PatientIdentifier
from tests import factories
from tests.concurrency import at_once
from tests.factories import Hospital
from tests.imaging.part10 import MRN_ISSUER, ct_part10

ANNA = {"PatientID": "N-1", "PatientName": "Müller^Anna", "SpecificCharacterSet": "ISO_IR 192"}


def store(at: Hospital, content: bytes, **options: Any) -> InstanceStored:
    with StagedObject() as staged:
        staged.write(content)
        return instance_store(
            actor=at.client_actor, organisation=at.organisation, staged=staged, source="test", **options
        )


def refused(at: Hospital, content: bytes, **options: Any) -> InstanceRefusedError:
    with pytest.raises(InstanceRefusedError) as caught:
        store(at, content, **options)
    return caught.value


def entries(action: str) -> list[dict[str, Any]]:
    return [json.loads(entry.body) for entry in AuditEntry.objects.filter(action=action).order_by("seq")]


@pytest.mark.django_db
def test_an_object_makes_its_patient_study_series_and_instance(hospital: Hospital) -> None:
    stored = store(hospital, ct_part10(**ANNA))
    assert stored.is_new
    instance = Instance.objects.select_related("series__study__patient").get()
    assert instance.sop_instance_uid == stored.sop_instance_uid
    assert object_path(bytes(instance.sha256)).stat().st_size == instance.size_bytes
    patient = instance.series.study.patient
    assert (patient.family_name, patient.given_name, patient.sex) == ("Müller", "Anna", "female")
    assert patient.birth_date == date(1960, 1, 1)
    assert PatientIdentifier.objects.get().value == "N-1"
    assert instance.series.state == SeriesState.RECEIVING
    assert instance.series.study.study_at == datetime(2024, 3, 15, 16, 0, tzinfo=UTC)
    assert instance.series.study.study_at_zone == "organisation's time zone, America/New_York"
    assert len(entries("patient.created")) == 1


@pytest.mark.django_db
def test_the_same_bytes_again_change_nothing(hospital: Hospital) -> None:
    content = ct_part10(**ANNA)
    store(hospital, content)
    Series.objects.update(state=SeriesState.ACCEPTED)
    logged = AuditEntry.objects.count()
    assert not store(hospital, content).is_new
    assert Series.objects.get().state == SeriesState.ACCEPTED, "nothing arrived, so nothing is read again"
    assert (Instance.objects.count(), AuditEntry.objects.count()) == (1, logged)


@pytest.mark.django_db
def test_other_bytes_under_a_known_uid_are_kept_apart_and_audited_once(hospital: Hospital, storage_root: Path) -> None:
    first, other = ct_part10(**ANNA), ct_part10(**ANNA, SeriesDescription="altered")
    store(hospital, first)
    for _ in range(3):
        error = refused(hospital, other)
        assert (error.code, error.failure_reason) == ("UID_CONFLICT", 0x0111)
    row = Quarantine.objects.get()
    assert object_path(bytes(row.sha256)).read_bytes() == other
    assert object_path(bytes(Instance.objects.get().sha256)).read_bytes() == first
    assert len(entries("instance.quarantined")) == 1
    assert not list((storage_root / "incoming").iterdir())
    assert refused(hospital, ct_part10(**ANNA, SeriesDescription="altered again")).code == "UID_CONFLICT"
    assert Quarantine.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(("stated", "differences"), [
    ({"PatientName": "Schmidt^Anna"}, ["family name"]),
    ({"PatientBirthDate": "19600102"}, ["birth date"]),
    ({"PatientSex": "M"}, ["sex"]),
    ({"PatientName": "Schmidt", "PatientBirthDate": "19990101", "PatientSex": "M"},
     ["family name", "birth date", "sex"]),
])  # fmt: skip
def test_another_person_under_a_known_identifier_is_kept_apart(
    hospital: Hospital, stated: dict[str, str], differences: list[str]
) -> None:
    store(hospital, ct_part10(**ANNA))
    patient = Patient.objects.get()
    other = ct_part10(1, seed="other study", **{**ANNA, **stated})
    for _ in range(2):
        error = refused(hospital, other)
        assert error.code == "IDENTITY_MISMATCH"
        assert all(item in error.sentence for item in differences)
        assert "Schmidt" not in error.sentence and "Müller" not in error.sentence
    row = Quarantine.objects.get()
    assert (row.patient, row.differences) == (patient, differences)
    assert (Patient.objects.count(), Study.objects.count(), Instance.objects.count()) == (1, 1, 1)
    [entry] = entries("instance.quarantined")
    assert entry["patient"] == str(patient.id)
    assert "Schmidt" not in json.dumps(entry)


@pytest.mark.django_db
@pytest.mark.parametrize("stated", [
    {"PatientName": "MULLER^ANNA"}, {"PatientName": "Mu\u0308ller^Anna"}, {"PatientName": "Müller=山田"},
    {"PatientName": "Müller^Annette"}, {"PatientName": ""}, {"PatientBirthDate": ""}, {"PatientSex": ""},
    {"PatientSex": "O"},
])  # fmt: skip
def test_missing_or_otherwise_spelt_is_not_different(hospital: Hospital, stated: dict[str, str]) -> None:
    store(hospital, ct_part10(**ANNA))
    assert store(hospital, ct_part10(1, seed="other study", **{**ANNA, **stated})).is_new
    assert Patient.objects.count() == 1
    assert not Quarantine.objects.exists()


@pytest.mark.django_db
def test_what_was_missing_is_filled_in_once_and_then_holds(hospital: Hospital) -> None:
    """Or two people, each stating a birth date of their own, would both pass for a patient who has none."""
    store(hospital, ct_part10(**{**ANNA, "PatientBirthDate": "", "PatientSex": ""}))
    store(hospital, ct_part10(1, seed="second", **ANNA))
    patient = Patient.objects.get()
    assert (patient.birth_date, patient.sex) == (date(1960, 1, 1), "female")
    assert [entry["details"] for entry in entries("patient.completed")] == [{"items": ["birth_date", "sex"]}]
    error = refused(hospital, ct_part10(2, seed="third", **{**ANNA, "PatientBirthDate": "19800101"}))
    assert error.code == "IDENTITY_MISMATCH"


@pytest.mark.django_db
def test_another_hospital_may_hold_the_same_uids_and_numbers(hospital: Hospital, other_hospital: Hospital) -> None:
    content, other = ct_part10(**ANNA), ct_part10(**{**ANNA, "PatientName": "Somebody^Else"})
    assert store(hospital, content).is_new and store(other_hospital, other).is_new
    assert Patient.objects.count() == Study.objects.count() == Instance.objects.count() == 2
    assert not store(other_hospital, other).is_new
    assert not Quarantine.objects.exists()
    assert refused(other_hospital, content).code == "UID_CONFLICT"


@pytest.mark.django_db
@pytest.mark.parametrize("is_known", [False, True])
def test_a_study_of_one_patient_does_not_move_to_another(hospital: Hospital, is_known: bool) -> None:
    """The patient number corrected at the scanner: the rest of the study arrives under another, perhaps new, one."""
    store(hospital, ct_part10(**ANNA))
    recorded = Patient.objects.get()
    if is_known:
        factories.patient(hospital, mrn="N-2", family_name="Müller", birth_date=date(1960, 1, 1))
    patients = Patient.objects.count()
    for _ in range(2):
        error = refused(hospital, ct_part10(1, **{**ANNA, "PatientID": "N-2"}))
        assert error.code == "STUDY_CONFLICT"
    assert Patient.objects.count() == patients, "no patient without anything of theirs is left behind"
    row = Quarantine.objects.get()
    assert (row.patient, row.stated_identity["value"]) == (recorded, "N-2")
    assert len(entries("instance.quarantined")) == 1


@pytest.mark.django_db
def test_a_series_does_not_move_to_another_study(hospital: Hospital) -> None:
    first = ct_part10(**ANNA)
    store(hospital, first)
    series_uid = Series.objects.get().series_instance_uid
    error = refused(hospital, ct_part10(1, seed="another", **ANNA, SeriesInstanceUID=series_uid))
    assert error.code == "STUDY_CONFLICT"
    assert Study.objects.count() == Instance.objects.count() == 1


@pytest.mark.django_db
def test_an_object_sent_to_the_wrong_study_is_refused_by_name(hospital: Hospital, storage_root: Path) -> None:
    error = refused(hospital, ct_part10(**ANNA), expected_study_instance_uid="1.2.3")
    assert (error.code, error.failure_reason) == ("STUDY_UID_MISMATCH", 0xA900)
    assert error.sop_instance_uid
    assert not [path for path in storage_root.rglob("*") if path.is_file()]


@pytest.mark.django_db
@pytest.mark.parametrize(("stated", "expected", "zone"), [
    ({"TimezoneOffsetFromUTC": "+0530"}, datetime(2024, 3, 15, 6, 30, tzinfo=UTC), "DICOM offset +0530"),
    ({"TimezoneOffsetFromUTC": "-0330"}, datetime(2024, 3, 15, 15, 30, tzinfo=UTC), "DICOM offset -0330"),
    ({"TimezoneOffsetFromUTC": "+9999"}, datetime(2024, 3, 15, 16, tzinfo=UTC), "organisation's time zone"),
    ({"StudyTime": "1200"}, datetime(2024, 3, 15, 16, tzinfo=UTC), "organisation's time zone, America/New_York"),
    ({"StudyTime": "120000.123456"}, datetime(2024, 3, 15, 16, tzinfo=UTC), "organisation's time zone"),
    ({"StudyTime": ""}, datetime(2024, 3, 15, 4, tzinfo=UTC), "midnight"),
    ({"StudyDate": ""}, None, ""), ({"StudyDate": "20240230"}, None, ""), ({"StudyDate": "00010101"}, None, ""),
    ({"StudyDate": "2024315"}, None, ""), ({"StudyTime": "250000"}, None, ""), ({"StudyTime": "noon"}, None, ""),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_the_time_of_a_study_says_whose_clock_it_is(
    hospital: Hospital, stated: dict[str, str], expected: datetime | None, zone: str
) -> None:
    store(hospital, ct_part10(**ANNA, **stated))
    study = Study.objects.get()
    assert study.study_at == expected
    assert zone in study.study_at_zone if zone else study.study_at_zone == ""


@pytest.mark.django_db(transaction=True)
def test_many_senders_of_the_same_object_make_one(hospital: Hospital) -> None:
    content = ct_part10(**ANNA)
    results = at_once([partial(store, hospital, content)] * 8)
    assert sorted(result.is_new for result in results) == [False] * 7 + [True], results  # type: ignore[union-attr]
    assert _counts() == (1, 1, 1, 1)
    assert len(entries("patient.created")) == 1
    assert chain_verify().is_intact


@pytest.mark.django_db(transaction=True)
def test_many_senders_of_a_new_patients_study_make_one_patient(hospital: Hospital) -> None:
    contents = [ct_part10(index, **ANNA) for index in range(12)]
    results = at_once([partial(store, hospital, content) for content in contents])
    assert all(isinstance(result, InstanceStored) and result.is_new for result in results), results
    assert _counts() == (1, 1, 1, 12)
    assert len(entries("patient.created")) == 1


@pytest.mark.django_db(transaction=True)
def test_two_contents_of_one_uid_at_once_keep_one_and_set_the_other_apart(hospital: Hospital) -> None:
    contents = [ct_part10(**ANNA, SeriesDescription=text) for text in ("one", "other")]
    results = at_once([partial(store, hospital, content) for content in contents * 3])
    stored = [result for result in results if isinstance(result, InstanceStored)]
    conflicts = [result for result in results if isinstance(result, InstanceRefusedError)]
    assert (len(stored), len(conflicts)) == (3, 3), results
    assert {error.code for error in conflicts} == {"UID_CONFLICT"}
    assert _counts() == (1, 1, 1, 1)
    assert Quarantine.objects.count() == len(entries("instance.quarantined")) == 1


@pytest.mark.django_db(transaction=True)
def test_two_birth_dates_for_an_incomplete_patient_at_once_let_one_pass(hospital: Hospital) -> None:
    store(hospital, ct_part10(**{**ANNA, "PatientBirthDate": ""}))
    contents = [
        ct_part10(1, seed=f"study {born}", **{**ANNA, "PatientBirthDate": born}) for born in ("19600101", "19800101")
    ]
    results = at_once([partial(store, hospital, content) for content in contents])
    assert sum(isinstance(result, InstanceStored) for result in results) == 1, results
    assert Quarantine.objects.get().differences == ["birth date"]


@pytest.fixture
def dying_database(services: ServiceUrls) -> Iterator[Callable[[], None]]:
    """The connection dies in the middle of recording an instance; the function heals it."""

    def execute(statement: str) -> None:
        with psycopg.connect(services.database_owner_url, autocommit=True) as owner:
            owner.execute(statement)  # type: ignore[arg-type]

    execute(
        "CREATE FUNCTION test_die() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$"
    )
    execute("CREATE TRIGGER test_die BEFORE INSERT ON imaging_instance FOR EACH ROW EXECUTE FUNCTION test_die()")
    yield lambda: execute("DROP TRIGGER IF EXISTS test_die ON imaging_instance")
    execute("DROP FUNCTION test_die() CASCADE")


@pytest.mark.django_db(transaction=True)
def test_a_database_lost_in_the_middle_leaves_nothing_half_written_and_the_next_object_is_stored(
    hospital: Hospital, dying_database: Callable[[], None]
) -> None:
    content = ct_part10(**ANNA)
    error = refused(hospital, content)
    assert (error.code, error.failure_reason) == ("DATABASE_UNAVAILABLE", 0xA700)
    assert error.sop_instance_uid
    assert _counts() == (0, 0, 0, 0)
    assert not entries("patient.created")
    dying_database()
    assert store(hospital, content).is_new
    assert _counts() == (1, 1, 1, 1)
    assert connection.is_usable()


def _counts() -> tuple[int, int, int, int]:
    return Patient.objects.count(), Study.objects.count(), Series.objects.count(), Instance.objects.count()


def test_the_tests_issuer_is_the_factories_own() -> None:
    assert MRN_ISSUER == factories.MRN_SYSTEM
