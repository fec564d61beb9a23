"""A score enters an equation only through the gate; everything else is a reason, and never a zero."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from cdss.assessments.features import Feature
from cdss.assessments.models import FeatureState
from imaging.models import SeriesVersion, Study
from imaging.services.readings import calcium_confirm, calcium_metal_record
from patients.models import Patient
from tests import factories
from tests.cdss.assessments.facts import taken
from tests.factories import Hospital
from tests.imaging import arrivals

pytestmark = pytest.mark.django_db
CODES = ["CONTRAST_PRESENT", "KVP", "SLICE", "UNGATED", "METAL", "NOT_CONFIRMED"]


@pytest.fixture
def who(hospital: Hospital) -> Patient:
    return factories.patient(hospital)


def ct(at: Hospital, who: Patient, *, days_ago: float = 10, gate: str = "NOT_CONFIRMED") -> SeriesVersion:
    version = arrivals.read(arrivals.ready(at, arrivals.study(who)), gate=gate)
    dated(version, timezone.now() - timedelta(days=days_ago))
    return version


def dated(version: SeriesVersion, study_at: datetime | None) -> None:
    Study.objects.filter(id=version.series.study_id).update(study_at=study_at)


def scored(at: Hospital, version: SeriesVersion, verdict: str = "LAD") -> None:
    calcium_confirm(
        actor=at.clinician_actor,
        series_version_id=version.id,
        verdicts={"1": verdict, "2": "NOT_CORONARY"},
        attests_gated_whole_heart=True,
        attests_no_metal=True,
    )


def metal_seen(at: Hospital, version: SeriesVersion, *metal: str) -> None:
    calcium_metal_record(actor=at.clinician_actor, series_version_id=version.id, metal=metal)


def calcium(who: Patient, as_of: datetime | None = None) -> Feature:
    return taken(who, as_of)["agatston_score"]


def metal(who: Patient) -> Feature:
    return taken(who)["metal_in_ct"]


def test_without_a_ct_there_is_no_score(hospital: Hospital, who: Patient) -> None:
    arrivals.read(arrivals.ready(hospital, arrivals.study(who, modality="MR")))
    found = calcium(who)
    assert (found.state, found.value, found.reason_code) == (FeatureState.MISSING, "", "NO_VALID_CAC")
    assert found.sentence.startswith("Calcium not scored: ")
    assert metal(who).state == FeatureState.MISSING


def test_a_ct_that_could_not_be_measured_says_why(hospital: Hospital, who: Patient) -> None:
    arrivals.read(arrivals.ready(hospital, arrivals.study(who)), refusals=[])
    assert (calcium(who).value, calcium(who).reason_code) == ("", "NO_VALID_CAC")


@pytest.mark.parametrize("code", CODES)
def test_each_reason_of_the_gate_arrives_and_never_a_zero(hospital: Hospital, who: Patient, code: str) -> None:
    ct(hospital, who, gate=code)
    found = calcium(who)
    assert (found.state, found.value, found.reason_code) == (FeatureState.MISSING, "", code)
    assert found.sentence.startswith("Calcium not scored: ")


def test_of_several_series_the_one_a_reader_can_still_score_speaks(hospital: Hospital, who: Patient) -> None:
    first = ct(hospital, who)
    second = ct(hospital, who, gate="SLICE")
    type(first.series).objects.filter(id=second.series_id).update(study=first.series.study)
    assert calcium(who).reason_code == "NOT_CONFIRMED"


def test_a_confirmed_score_is_used_and_a_zero_is_a_readers(hospital: Hospital, who: Patient) -> None:
    version = ct(hospital, who)
    scored(hospital, version)
    assert (calcium(who).state, calcium(who).value) == (FeatureState.USED, "40.0")
    scored(hospital, version, "NOT_CORONARY")
    assert (calcium(who).state, calcium(who).value) == (FeatureState.USED, "0.0")
    assert metal(who).said("no")


@pytest.mark.parametrize(("kinds", "value", "words"), [
    (["CORONARY_STENT"], "yes", "a coronary stent"), (["BYPASS"], "yes", "a coronary bypass"),
    (["BYPASS", "CORONARY_STENT"], "yes", "a coronary bypass and a coronary stent"),
    (["CORONARY_STENT", "LEAD"], "yes", "a coronary stent"),
    (["PROSTHETIC_VALVE"], "no", "a prosthetic valve, which is no coronary disease"),
    (["LEAD"], "no", "a pacemaker or defibrillator lead, which is no coronary disease"),
])  # fmt: skip
def test_metal_voids_the_score_and_only_stent_and_bypass_mean_coronary_disease(
    hospital: Hospital, who: Patient, kinds: list[str], value: str, words: str
) -> None:
    version = ct(hospital, who)
    scored(hospital, version)
    metal_seen(hospital, version, *kinds)
    found = calcium(who)
    assert (found.state, found.value, found.reason_code) == (FeatureState.MISSING, "", "METAL")
    assert found.sentence.startswith("Calcium not scored: a reader saw a ")
    assert (metal(who).state, metal(who).value, metal(who).sentence) == (FeatureState.USED, value, words)
    assert "Clinician of north" in metal(who).source


def test_a_later_reading_without_metal_replaces_the_finding(hospital: Hospital, who: Patient) -> None:
    version = ct(hospital, who)
    metal_seen(hospital, version, "CORONARY_STENT")
    scored(hospital, version)
    assert calcium(who).value == "40.0" and metal(who).said("no")


def later_images(at: Hospital, version: SeriesVersion, *, gate: str = "NOT_CONFIRMED") -> SeriesVersion:
    return arrivals.read(arrivals.ready(at, version.series.study), gate=gate)


@pytest.mark.parametrize("gate", ["NOT_CONFIRMED", "CONTRAST_PRESENT", "METAL"])
def test_later_images_do_not_undo_a_stent_that_a_reader_saw(hospital: Hospital, who: Patient, gate: str) -> None:
    version = ct(hospital, who)
    metal_seen(hospital, version, "CORONARY_STENT")
    later = later_images(hospital, version, gate=gate)
    assert metal(who).said("yes") and metal(who).sentence == "a coronary stent"
    assert calcium(who).reason_code == "METAL" and calcium(who).value == ""
    if gate == "NOT_CONFIRMED":
        scored(hospital, later)
        assert calcium(who).value == "40.0" and metal(who).said("no"), "a later reading of the same series"


@pytest.mark.parametrize("kind", ["CORONARY_STENT", "BYPASS"])
def test_a_newer_ct_without_metal_does_not_undo_an_older_stent(hospital: Hospital, who: Patient, kind: str) -> None:
    old = ct(hospital, who, days_ago=4000)
    metal_seen(hospital, old, kind)
    scored(hospital, ct(hospital, who, days_ago=5))
    found = metal(who)
    assert found.said("yes") and found.source_ids == [str(old.calcium_readings.get().id)]
    assert (calcium(who).value, calcium(who).reason_code) == ("", "METAL")


@pytest.mark.parametrize("kind", ["PROSTHETIC_VALVE", "LEAD"])
def test_a_valve_or_lead_voids_the_score_of_its_own_series_only(hospital: Hospital, who: Patient, kind: str) -> None:
    first = ct(hospital, who, days_ago=700)
    metal_seen(hospital, first, kind)
    later_images(hospital, first)
    assert calcium(who).reason_code == "METAL", "also with later images"
    assert metal(who).state == FeatureState.MISSING and "Later images" in metal(who).sentence
    second, third = ct(hospital, who, days_ago=5), ct(hospital, who, days_ago=5)
    type(first.series).objects.filter(id=third.series_id).update(study=second.series.study)
    scored(hospital, second)
    metal_seen(hospital, third, kind)
    assert calcium(who).value == "40.0" and metal(who).said("no")


def test_later_images_void_an_attestation_as_they_void_its_score(hospital: Hospital, who: Patient) -> None:
    version = ct(hospital, who)
    scored(hospital, version)
    later_images(hospital, version)
    assert metal(who).state == FeatureState.MISSING and calcium(who).value == ""


def test_metal_in_one_series_speaks_for_its_whole_study(hospital: Hospital, who: Patient) -> None:
    first, second = ct(hospital, who), ct(hospital, who)
    type(first.series).objects.filter(id=second.series_id).update(study=first.series.study)
    metal_seen(hospital, first, "CORONARY_STENT")
    scored(hospital, second)
    assert calcium(who).reason_code == "METAL" and metal(who).said("yes")


def test_a_newer_ct_in_which_metal_was_found_voids_an_older_score(hospital: Hospital, who: Patient) -> None:
    scored(hospital, ct(hospital, who, days_ago=700))
    ct(hospital, who, days_ago=5, gate="METAL")
    assert (calcium(who).reason_code, calcium(who).value) == ("METAL", "")
    assert metal(who).state == FeatureState.MISSING and metal(who).reason_code == "METAL"


def test_metal_found_in_an_older_ct_does_not_speak_against_a_newer_reading(hospital: Hospital, who: Patient) -> None:
    ct(hospital, who, days_ago=700, gate="METAL")
    scored(hospital, ct(hospital, who, days_ago=5))
    assert calcium(who).value == "40.0"


def test_later_images_make_a_reading_void(hospital: Hospital, who: Patient) -> None:
    study = arrivals.study(who)
    version = arrivals.read(arrivals.ready(hospital, study))
    dated(version, timezone.now())
    scored(hospital, version)
    then = timezone.now()
    arrivals.read(arrivals.ready(hospital, study))
    assert calcium(who).reason_code == "NOT_CONFIRMED"
    assert calcium(who, then).value == "40.0"


def test_a_score_is_good_for_five_years(hospital: Hospital, who: Patient) -> None:
    scored(hospital, ct(hospital, who, days_ago=10))
    end = calcium(who).expires_at
    assert end is not None
    assert calcium(who, end - timedelta(seconds=1)).value == "40.0"
    assert (calcium(who, end).state, calcium(who, end).value) == (FeatureState.TOO_OLD, "")
    assert re.fullmatch(r"CT of .*20\d\d.*: older than 5 years, so it is not used\.", calcium(who, end).sentence)


def test_an_undated_or_future_study_is_not_used(hospital: Hospital, who: Patient) -> None:
    version = ct(hospital, who)
    scored(hospital, version)
    for study_at, code in ((None, "STUDY_DATE_MISSING"), (timezone.now() + timedelta(days=2), "STUDY_DATE_FUTURE")):
        dated(version, study_at)
        assert (calcium(who).reason_code, calcium(who).value) == (code, "")
