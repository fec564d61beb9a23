"""A reader who sees a stent, bypass, valve or lead says so instead of scoring."""

from __future__ import annotations

import json
from functools import partial

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from cdss.accounts.actors import actor_of
from cdss.audit.models import AuditEntry
from cdss.core.errors import ConflictError, DomainError, NotFoundError
from cdss.jobs.models import Job
from cdss.jobs.steps import Step
from imaging.models import CalciumReading, Measurement, SeriesVersion
from imaging.services.readings import calcium_metal_record
from tests import factories
from tests.concurrency import at_once
from tests.factories import Hospital
from tests.imaging import arrivals
from tests.imaging.test_calcium_reading import colleague, confirm
from tests.patients.rest import Api, assert_problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(hospital: Hospital) -> SeriesVersion:
    return arrivals.read(arrivals.ready(hospital, arrivals.study(factories.patient(hospital))), lesions=2)


def record(at: Hospital, version: SeriesVersion, *metal: str, **options: object) -> CalciumReading:
    options = {"actor": at.clinician_actor, **options}
    return calcium_metal_record(series_version_id=version.id, metal=metal, **options)  # type: ignore[arg-type]


def test_what_is_seen_is_a_reading_without_a_score(hospital: Hospital, version: SeriesVersion) -> None:
    Job.objects.all().delete()
    reading = CalciumReading.objects.get(id=record(hospital, version, "LEAD", "CORONARY_STENT", "LEAD").id)
    assert (reading.metal, reading.agatston_score, reading.verdicts) == (["CORONARY_STENT", "LEAD"], None, {})
    assert (reading.number, reading.attests_no_metal) == (1, False)
    assert not Measurement.objects.filter(name="agatston_score").exists()
    assert Job.objects.get().step == Step.PATIENT_ASSESS
    entry = json.loads(AuditEntry.objects.get(action="calcium.metal_seen").body)
    assert entry["details"] == {
        "series": str(version.series_id),
        "reading": 1,
        "metal": ["CORONARY_STENT", "LEAD"],
    }
    assert entry["patient"] == str(version.series.study.patient_id)


@pytest.mark.parametrize(("metal", "code"), [((), "METAL_NOT_NAMED"), (("STENT",), "UNKNOWN_METAL")])
def test_what_is_not_named_is_not_recorded(
    hospital: Hospital, version: SeriesVersion, metal: tuple[str, ...], code: str
) -> None:
    with pytest.raises(DomainError) as caught:
        record(hospital, version, *metal)
    assert (caught.value.code, caught.value.field) == (code, "metal")
    assert not CalciumReading.objects.exists()


def test_score_and_metal_replace_each_other_in_order(hospital: Hospital, version: SeriesVersion) -> None:
    numbers = [
        confirm(hospital, version, "LAD", "RCA").number,
        record(hospital, version, "BYPASS").number,
        confirm(hospital, version, "LAD", "RCA", seen_reading=2).number,
    ]
    assert numbers == [1, 2, 3]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seen", [None, 0])
def test_sent_several_times_it_is_one(hospital: Hospital, version: SeriesVersion, seen: int | None) -> None:
    results = at_once([partial(record, hospital, version, "LEAD", seen_reading=seen)] * 4)
    results.append(record(hospital, version, "LEAD", seen_reading=seen))
    assert [result.number for result in results] == [1] * 5, results  # type: ignore[union-attr]
    assert AuditEntry.objects.filter(action="calcium.metal_seen").count() == 1


def test_nobody_replaces_a_reading_unseen(hospital: Hospital, version: SeriesVersion) -> None:
    confirm(hospital, version, "LAD", "RCA", seen_reading=0)
    with pytest.raises(ConflictError) as caught:
        record(hospital, version, "LEAD", seen_reading=0, actor=colleague(hospital))
    assert caught.value.code == "READ_MEANWHILE"
    assert record(hospital, version, "LEAD", seen_reading=1).number == 2


@pytest.mark.parametrize("gate", ["CONTRAST_PRESENT", "METAL", "UNGATED"])
def test_a_ct_outside_the_protocol_can_show_metal_all_the_same(hospital: Hospital, gate: str) -> None:
    version = arrivals.read(arrivals.ready(hospital, arrivals.study(factories.patient(hospital))), gate=gate)
    assert record(hospital, version, "CORONARY_STENT").metal == ["CORONARY_STENT"]


def test_metal_is_recorded_on_the_newest_version_of_a_ct_that_was_read(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    head = arrivals.read(arrivals.ready(hospital, arrivals.study(who, modality="MR")))
    study = arrivals.study(who)
    old = arrivals.read(arrivals.ready(hospital, study))
    unread = arrivals.ready(hospital, study)
    for version, code in ((head, "NOT_A_CT"), (old, "NOT_NEWEST"), (unread, "NOT_A_CT")):
        with pytest.raises(DomainError) as caught:
            record(hospital, version, "LEAD")
        assert caught.value.code == code


@pytest.mark.parametrize("who", ["auditor", "administrator", "client", "foreigner"])
def test_nobody_but_the_hospitals_clinicians_records_it(
    hospital: Hospital, other_hospital: Hospital, version: SeriesVersion, who: str
) -> None:
    actors = {
        "auditor": actor_of(hospital.auditor),
        "administrator": actor_of(hospital.administrator),
        "client": hospital.client_actor,
        "foreigner": other_hospital.clinician_actor,
    }
    with pytest.raises(NotFoundError):
        record(hospital, version, "LEAD", actor=actors[who])
    assert not CalciumReading.objects.exists()


def test_the_database_takes_neither_half_a_reading_nor_a_change(hospital: Hospital, version: SeriesVersion) -> None:
    reading = record(hospital, version, "LEAD")
    columns = {
        "organisation_id": reading.organisation_id,
        "series_version": version,
        "number": 2,
        "reader_id": "x",
        "reader_name": "x",
    }
    for wrong in (
        {"verdicts": {}, "attests_gated_whole_heart": True, "attests_no_metal": True},  # neither score nor metal
        {"verdicts": {}, "attests_gated_whole_heart": True, "attests_no_metal": False, "agatston_score": 0.0},
        {"verdicts": {}, "attests_gated_whole_heart": True, "attests_no_metal": False, "metal": ["LEAD"],
         "agatston_score": 3.0},
        {"verdicts": {"1": "LAD"}, "attests_gated_whole_heart": True, "attests_no_metal": False, "metal": ["LEAD"]},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            CalciumReading.objects.create(**columns, **wrong)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE imaging_calciumreading SET metal = '[]'")


def test_over_the_interface(hospital: Hospital, version: SeriesVersion) -> None:
    path = f"/series/{version.series.series_instance_uid}"
    clinician = Api(user=hospital.clinician)
    answer = clinician.post(f"{path}/metal-reading", {"version": 1, "metal": ["BYPASS"]})
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["metal"], body["agatston_score"], body["number"]) == (["BYPASS"], None, 1)
    [read] = Api(token=hospital.token).get(path).json()["readings"]
    assert (read["metal"], read["reader_name"]) == (["BYPASS"], hospital.clinician.full_name)
    assert_problem(clinician.post(f"{path}/metal-reading", {"version": 2, "metal": ["BYPASS"]}), 409, "NOT_NEWEST")
    for wrong in ([], ["STENT"], "BYPASS", ["BYPASS"] * 5):
        refused = clinician.post(f"{path}/metal-reading", {"version": 1, "metal": wrong})
        assert refused.status_code in {400, 422}, wrong
    assert CalciumReading.objects.count() == 1
