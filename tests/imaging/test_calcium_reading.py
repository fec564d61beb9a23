"""A score exists only when a reader has given every candidate a verdict and vouched for the scan."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from cdss.accounts.actors import Actor, actor_of
from cdss.accounts.models import Role
from cdss.accounts.services import user_create
from cdss.audit.models import AuditEntry
from cdss.core.errors import ConflictError, DomainError, NotFoundError
from cdss.jobs.models import Job
from cdss.jobs.steps import Step
from imaging.models import CalciumReading, Measurement, SeriesVersion, Study
from imaging.services import readings
from imaging.services.readings import calcium_confirm
from tests import factories
from tests.cdss.assessments.facts import taken
from tests.concurrency import at_once
from tests.factories import Hospital
from tests.imaging import arrivals

pytestmark = pytest.mark.django_db
ATTESTED = {"attests_gated_whole_heart": True, "attests_no_metal": True}


@pytest.fixture
def version(hospital: Hospital) -> SeriesVersion:
    study = arrivals.study(factories.patient(hospital))
    return arrivals.read(arrivals.ready(hospital, study), lesions=3)


def confirm(at: Hospital, version: SeriesVersion, *verdicts: str, **options: Any) -> CalciumReading:
    given = {str(number): verdict for number, verdict in enumerate(verdicts, start=1)}
    options = {"actor": at.clinician_actor, "verdicts": given, **ATTESTED, **options}
    return calcium_confirm(series_version_id=version.id, **options)


def scores() -> list[float]:
    return list(
        Measurement.objects.filter(name="agatston_score").order_by("recorded_at").values_list("value", flat=True)
    )


def test_until_a_reader_confirms_there_is_no_score_and_no_zero(version: SeriesVersion) -> None:
    assert scores() == []


def test_the_score_is_of_what_the_reader_called_coronary(hospital: Hospital, version: SeriesVersion) -> None:
    Job.objects.all().delete()
    reading = confirm(hospital, version, "LAD", "NOT_CORONARY", "RCA")
    assert reading.agatston_score == pytest.approx(2 * 40.0)
    measurement = Measurement.objects.get(name="agatston_score")
    assert (measurement.value, measurement.reading) == (reading.agatston_score, reading)
    assert "confirmed by a reader" in measurement.method
    assert (reading.reader_id, reading.reader_name) == (str(hospital.clinician.id), hospital.clinician.full_name)
    assert Job.objects.get().step == Step.PATIENT_ASSESS
    entry = json.loads(AuditEntry.objects.get(action="calcium.confirmed").body)
    assert entry["details"] == {"series": str(version.series_id), "reading": 1, "coronary": 2, "candidates": 3}
    assert entry["patient"] == str(version.series.study.patient_id)


def test_nothing_coronary_is_a_score_of_zero_because_a_reader_said_so(
    hospital: Hospital, version: SeriesVersion
) -> None:
    assert confirm(hospital, version, *["NOT_CORONARY"] * 3).agatston_score == 0.0
    assert scores() == [0.0]


def test_a_scan_without_candidates_is_zero_only_when_a_reader_vouches_for_it(hospital: Hospital) -> None:
    study = arrivals.study(factories.patient(hospital))
    empty = arrivals.read(arrivals.ready(hospital, study), lesions=0)
    with pytest.raises(DomainError):
        confirm(hospital, empty, attests_no_metal=False)
    assert scores() == []
    assert confirm(hospital, empty).agatston_score == 0.0


LARGE = {
    "number": 1,
    "slice_index": 40,
    "first_slice_index": 2,
    "last_slice_index": 44,
    "sop_instance_uid": "1.2.3.40",
    "position_xyz_mm": [0.0, 90.0, -20.0],
    "peak_hu": 900.0,
    "volume_mm3": 3600.0,
    "key_image": "large-1",
}
OF_0_1_0 = {"code": "LARGE_STRUCTURES_NOT_LISTED", "sentence": "1 bright structure(s) are not listed."}
UNLISTED: list[dict[str, Any]] = [{"large_structures": [LARGE]}, {"quality": [OF_0_1_0]}]


@pytest.mark.parametrize("result", UNLISTED)
@pytest.mark.parametrize("lesions", [0, 2])
def test_beside_structures_too_large_to_be_listed_nothing_is_scored_without_a_statement_of_them(
    hospital: Hospital, lesions: int, result: dict[str, Any]
) -> None:
    study = arrivals.study(factories.patient(hospital))
    version = arrivals.read(arrivals.ready(hospital, study), lesions=lesions, **result)
    verdicts = ["NOT_CORONARY"] * lesions
    with pytest.raises(DomainError) as caught:
        confirm(hospital, version, *verdicts)
    assert (caught.value.code, caught.value.status) == ("LARGE_STRUCTURES_NOT_ATTESTED", 422)
    assert scores() == [] and not CalciumReading.objects.exists()
    assert not AuditEntry.objects.filter(action="calcium.confirmed").exists()
    confirm(hospital, version, *verdicts, attests_large_structures_not_coronary=True)
    assert CalciumReading.objects.get().attests_large_structures_not_coronary
    assert scores() == [0.0]
    entry = json.loads(AuditEntry.objects.get(action="calcium.confirmed").body)
    assert entry["details"]["large_structures"] == "attested"


@pytest.mark.parametrize("result", UNLISTED)
def test_a_score_from_before_the_statement_was_asked_for_is_not_used_until_it_is_read_again(
    hospital: Hospital, result: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = factories.patient(hospital)
    study = arrivals.study(patient)
    version = arrivals.read(arrivals.ready(hospital, study), **result)
    Study.objects.filter(id=study.id).update(study_at=timezone.now() - timedelta(days=2))
    with monkeypatch.context() as before:
        before.setattr(readings, "_check_attested", lambda *given: None)
        confirm(hospital, version, "LAD", "RCA")
    score = taken(patient)["agatston_score"]
    assert (score.value, score.reason_code) == ("", "NOT_CONFIRMED")
    assert score.sentence == (
        "Calcium not scored: the reading says nothing of the structures too large to be listed; read again."
    )
    again = confirm(hospital, version, "LAD", "RCA", attests_large_structures_not_coronary=True)
    assert again.number == 2, "the same verdicts with the statement are another reading"
    assert taken(patient)["agatston_score"].value == "80.0"


def test_a_second_reading_stands_beside_the_first(hospital: Hospital, version: SeriesVersion) -> None:
    confirm(hospital, version, "LAD", "LCX", "LM")
    second = confirm(hospital, version, "LAD", "NOT_CORONARY", "NOT_CORONARY")
    assert second.number == 2
    assert scores() == [pytest.approx(120.0), pytest.approx(40.0)]


@pytest.mark.parametrize(("verdicts", "code"), [
    ((), "VERDICT_MISSING"), (("LAD", "RCA"), "VERDICT_MISSING"), (("LAD",) * 4, "NO_SUCH_CANDIDATE"),
    (("LAD", "RCA", "lad"), "UNKNOWN_VERDICT"), (("LAD", "RCA", ""), "UNKNOWN_VERDICT"),
    (("LAD", "RCA", "AORTA"), "UNKNOWN_VERDICT"),
])  # fmt: skip
def test_a_verdict_missing_or_unknown_scores_nothing(
    hospital: Hospital, version: SeriesVersion, verdicts: tuple[str, ...], code: str
) -> None:
    with pytest.raises(DomainError) as caught:
        confirm(hospital, version, *verdicts)
    assert (caught.value.code, caught.value.field) == (code, "verdicts")
    assert scores() == [] and not CalciumReading.objects.exists()


@pytest.mark.parametrize("missing", ["attests_gated_whole_heart", "attests_no_metal"])
def test_without_both_statements_nothing_is_scored(hospital: Hospital, version: SeriesVersion, missing: str) -> None:
    with pytest.raises(DomainError) as caught:
        confirm(hospital, version, "LAD", "RCA", "LM", **{missing: False})
    assert caught.value.code == "NOT_ATTESTED"
    assert str(caught.value).startswith("A score needs your statement that the CT is ECG-gated ")
    assert scores() == []


def test_a_scan_outside_the_protocol_cannot_be_scored_by_anybody(hospital: Hospital) -> None:
    study = arrivals.study(factories.patient(hospital))
    version = arrivals.read(arrivals.ready(hospital, study), gate="CONTRAST")
    with pytest.raises(DomainError) as caught:
        confirm(hospital, version, "LAD", "RCA")
    assert caught.value.code == "CONTRAST"


def test_images_that_came_later_must_be_read_first(hospital: Hospital) -> None:
    study = arrivals.study(factories.patient(hospital))
    old = arrivals.read(arrivals.ready(hospital, study))
    new = arrivals.ready(hospital, study)
    with pytest.raises(ConflictError) as caught:
        confirm(hospital, old, "LAD", "RCA")
    assert caught.value.code == "NOT_NEWEST"
    with pytest.raises(DomainError) as caught_unread:
        confirm(hospital, new, "LAD", "RCA")
    assert caught_unread.value.code == "NO_VALID_CAC"
    assert scores() == []


@pytest.mark.parametrize("who", ["auditor", "administrator", "client", "foreigner"])
def test_nobody_but_the_hospitals_clinicians_confirms(
    hospital: Hospital, other_hospital: Hospital, version: SeriesVersion, who: str
) -> None:
    actors = {
        "auditor": actor_of(hospital.auditor),
        "administrator": actor_of(hospital.administrator),
        "client": hospital.client_actor,
        "foreigner": other_hospital.clinician_actor,
    }
    with pytest.raises(NotFoundError):
        confirm(hospital, version, "LAD", "RCA", "LM", actor=actors[who])
    assert scores() == []


def test_a_reading_cannot_be_changed_afterwards(hospital: Hospital, version: SeriesVersion) -> None:
    confirm(hospital, version, "LAD", "RCA", "LM")
    for statement in ("UPDATE imaging_calciumreading SET agatston_score = 0", "DELETE FROM imaging_measurement"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def colleague(at: Hospital) -> Actor:
    return actor_of(
        user_create(
            organisation=at.organisation,
            username="second.reader",
            full_name="Second Reader",
            role=Role.CLINICIAN,
            password=factories.PASSWORD,
        )
    )


@pytest.mark.django_db(transaction=True)
def test_readings_at_once_are_readings_in_order(hospital: Hospital, version: SeriesVersion) -> None:
    given = ["LAD", "LM", "LCX", "RCA"]
    results = at_once([partial(confirm, hospital, version, "LAD", "RCA", verdict) for verdict in given])
    assert sorted(result.number for result in results) == [1, 2, 3, 4], results  # type: ignore[union-attr]
    assert len(scores()) == 4


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seen", [None, 0])
def test_the_same_reading_sent_several_times_is_one(
    hospital: Hospital, version: SeriesVersion, seen: int | None
) -> None:
    results = at_once([partial(confirm, hospital, version, "LAD", "RCA", "LM", seen_reading=seen)] * 4)
    results.append(confirm(hospital, version, "LAD", "RCA", "LM", seen_reading=seen))
    assert [result.number for result in results] == [1] * 5, results  # type: ignore[union-attr]
    assert scores() == [pytest.approx(120.0)]
    assert AuditEntry.objects.filter(action="calcium.confirmed").count() == 1


def test_a_form_sent_again_after_a_colleagues_reading_is_still_the_reading_it_was(
    hospital: Hospital, version: SeriesVersion
) -> None:
    mine = confirm(hospital, version, "LAD", "RCA", "LM", seen_reading=0)
    theirs = confirm(hospital, version, *["NOT_CORONARY"] * 3, actor=colleague(hospital), seen_reading=1)
    assert confirm(hospital, version, "LAD", "RCA", "LM", seen_reading=0) == mine
    assert CalciumReading.objects.latest("number") == theirs
    insisted = confirm(hospital, version, "LAD", "RCA", "LM", seen_reading=2)
    assert insisted.number == 3, "who has seen the other reading may hold to their own"


@pytest.mark.parametrize("who", ["colleague", "same reader"])
def test_nobody_replaces_a_reading_unseen(hospital: Hospital, version: SeriesVersion, who: str) -> None:
    confirm(hospital, version, "LAD", "RCA", "LM", seen_reading=0)
    actor = colleague(hospital) if who == "colleague" else hospital.clinician_actor
    again = partial(confirm, hospital, version, *["NOT_CORONARY"] * 3, actor=actor)
    for unseen in (0, 2):
        with pytest.raises(ConflictError) as caught:
            again(seen_reading=unseen)
        assert caught.value.code == "READ_MEANWHILE"
        assert hospital.clinician.full_name in caught.value.sentence
    assert scores() == [pytest.approx(120.0)]
    assert again(seen_reading=1).number == 2


def test_the_same_verdicts_of_two_readers_are_two_readings(hospital: Hospital, version: SeriesVersion) -> None:
    confirm(hospital, version, "LAD", "RCA", "LM")
    assert confirm(hospital, version, "LAD", "RCA", "LM", actor=colleague(hospital)).number == 2
