"""What the problem list, the medication list and stated answers say of a history, together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from cdss.assessments.models import FeatureState
from patients.models import Condition, Patient
from patients.services.clinical_rows import NewCondition, NewMedicationStatement, NewRow, clinical_rows_record
from patients.terminology import ATC, SNOMED_CT
from tests import factories
from tests.cdss.assessments.facts import HEART_FAILURE, MI, NEW_YORK, STROKE, TIA, diagnosis, fact, taken, today
from tests.factories import Hospital

pytestmark = pytest.mark.django_db
PREGNANCY, DIABETES = "77386006", "73211009"


def patient(at: Hospital, *rows: NewRow) -> Patient:
    who = factories.patient(at)
    factories.record(at, who, *rows)
    return who


def values(who: Patient, *names: str) -> list[str]:
    """Used values; "?" for what is not known."""
    found = taken(who)
    return [found[name].value if found[name].is_used else "?" for name in names]


PARTS_OF_CVD = ("prior_cardiovascular_disease", "heart_failure", "coronary_heart_disease", "vascular_disease")
PARTS_OF_STROKE = ("prior_stroke_or_tia", "prior_stroke", "prior_tia", "tia_within_7_days")


@pytest.mark.parametrize(("code", "expected"), [
    (MI, ["yes", "?", "yes", "yes"]), (HEART_FAILURE, ["yes", "yes", "?", "?"]),
    ("399957001", ["yes", "?", "?", "yes"]), ("81817003", ["?", "?", "?", "yes"]),
])  # fmt: skip
def test_a_diagnosis_answers_what_it_is_and_leaves_the_rest_open(
    hospital: Hospital, code: str, expected: list[str]
) -> None:
    assert values(patient(hospital, diagnosis(code, days_ago=900)), *PARTS_OF_CVD) == expected


def test_no_known_cardiovascular_disease_is_none_of_its_kinds(hospital: Hospital) -> None:
    who = patient(hospital, factories.answer("prior_cardiovascular_disease", "no"))
    assert values(who, *PARTS_OF_CVD, "acute_coronary_syndrome_recent") == ["no"] * 5
    found, given = fact(who, "heart_failure"), fact(who, "prior_cardiovascular_disease")
    assert (found.source_type, found.rule) == ("DERIVED", 'follows from "Known cardiovascular disease": no')
    assert (found.source_ids, found.expires_at) == (given.source_ids, given.expires_at)


def test_known_cardiovascular_disease_does_not_say_which(hospital: Hospital) -> None:
    who = patient(hospital, factories.answer("prior_cardiovascular_disease", "yes"))
    assert values(who, *PARTS_OF_CVD) == ["yes", "?", "?", "?"]


def test_no_stroke_or_tia_is_neither(hospital: Hospital) -> None:
    assert values(patient(hospital, factories.answer("prior_stroke_or_tia", "no")), *PARTS_OF_STROKE) == ["no"] * 4


def test_a_stroke_leaves_the_tia_open(hospital: Hospital) -> None:
    assert values(patient(hospital, diagnosis(STROKE, days_ago=900)), *PARTS_OF_STROKE) == ["yes", "yes", "?", "?"]


def test_a_part_stated_is_the_whole_and_outweighs_its_no(hospital: Hospital) -> None:
    rows = factories.answer("heart_failure", "yes"), factories.answer("prior_cardiovascular_disease", "no", days_ago=5)
    found = fact(patient(hospital, *rows), "prior_cardiovascular_disease")
    assert found.said("yes")
    assert found.rule.startswith('follows from "Heart failure": yes, which outweighs the "no" that somebody stated on')


def test_a_diagnosis_stays_and_the_no_stated_since_is_told(hospital: Hospital) -> None:
    who = patient(hospital, diagnosis(MI, days_ago=900), factories.answer("prior_cardiovascular_disease", "no"))
    found = fact(who, "prior_cardiovascular_disease")
    on = (datetime.now(UTC) - timedelta(days=10)).astimezone(NEW_YORK)
    assert found.said("yes") and found.sentence == "myocardial infarction"
    assert found.rule == (
        "recorded on the problem or medication list, which outweighs the "
        f'"no" that somebody stated on {on.day} {on:%B %Y}'
    )


def test_a_no_from_before_the_diagnosis_contradicts_nothing(hospital: Hospital) -> None:
    rows = diagnosis(MI, days_ago=5), factories.answer("prior_cardiovascular_disease", "no", days_ago=10)
    assert fact(patient(hospital, *rows), "prior_cardiovascular_disease").rule == (
        "recorded on the problem or medication list"
    )


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=NEW_YORK).astimezone(UTC)


@pytest.mark.parametrize(("days_ago", "expected"), [(0, "yes"), (7, "yes"), (8, "no"), (400, "no")])
def test_a_tia_is_recent_for_seven_days_where_the_hospital_is(hospital: Hospital, days_ago: int, expected: str) -> None:
    who = patient(hospital, diagnosis(TIA, days_ago=days_ago))
    assert values(who, *PARTS_OF_STROKE) == ["yes", "?", "yes", expected]
    if expected == "yes":
        end = midnight(today() - timedelta(days=days_ago) + timedelta(days=8))
        assert fact(who, "tia_within_7_days").expires_at == end
        assert fact(who, "tia_within_7_days", end - timedelta(seconds=1)).said("yes")
        assert fact(who, "tia_within_7_days", end).said("no")


def test_a_tia_without_its_date_has_to_be_asked(hospital: Hospital) -> None:
    found = fact(patient(hospital, diagnosis(TIA)), "tia_within_7_days")
    assert found.state == FeatureState.MISSING
    assert "without its date" in found.sentence


def test_a_recent_tia_that_was_stated_remains_a_tia(hospital: Hospital) -> None:
    who = patient(hospital, factories.answer("tia_within_7_days", "yes", days_ago=9))
    assert values(who, *PARTS_OF_STROKE) == ["yes", "?", "yes", "?"]
    found = fact(who, "tia_within_7_days")
    assert (found.state, found.value) == (FeatureState.TOO_OLD, ""), "it has to be asked again"


@pytest.mark.parametrize(("days_ago", "expected"), [(0, "yes"), (55, "yes"), (56, "no")])
def test_a_coronary_event_is_recent_for_eight_weeks(hospital: Hospital, days_ago: int, expected: str) -> None:
    who = patient(hospital, diagnosis(MI, days_ago=days_ago))
    assert values(who, "acute_coronary_syndrome_recent") == [expected]


def test_the_latest_of_several_events_counts(hospital: Hospital) -> None:
    who = patient(hospital, diagnosis(TIA, days_ago=900), diagnosis(TIA, days_ago=2), diagnosis(TIA, days_ago=60))
    found = fact(who, "tia_within_7_days")
    assert found.said("yes") and found.expires_at == midnight(today() + timedelta(days=6))


def test_a_pregnancy_that_nobody_closed_answers_until_three_months_after_birth(hospital: Hospital) -> None:
    who = patient(hospital, diagnosis("77386006", days_ago=300))
    found = fact(who, "pregnancy")
    assert found.said("yes") and found.expires_at == midnight(today() + timedelta(days=71))
    assert fact(who, "pregnancy", found.expires_at).state == FeatureState.MISSING


def test_resolved_ends_what_ends_and_not_an_infarction(hospital: Hospital) -> None:
    rows = diagnosis(DIABETES, days_ago=40, status="resolved"), diagnosis(MI, days_ago=900, status="resolved")
    assert values(patient(hospital, *rows), "diabetes", "coronary_heart_disease") == ["?", "yes"]


@pytest.mark.parametrize(("onset_days_ago", "holds_days"), [(None, 91), (200, 91), (300, 71), (9000, 0)])
def test_a_resolved_pregnancy_counts_for_three_months_from_its_recording(
    hospital: Hospital, onset_days_ago: int | None, holds_days: int
) -> None:
    who = patient(hospital, diagnosis(PREGNANCY, days_ago=onset_days_ago, status="resolved"))
    found = fact(who, "pregnancy")
    if not holds_days:
        assert found.state == FeatureState.MISSING, "over for years when it was recorded"
        return
    assert found.said("yes") and found.expires_at == midnight(today() + timedelta(days=holds_days))
    assert "when the pregnancy ended is not recorded, so it counts for 91 days from then" in found.rule
    assert fact(who, "pregnancy", found.expires_at).state == FeatureState.MISSING


@pytest.mark.parametrize("status", ["active", "resolved"])
@pytest.mark.parametrize("said", ["yes", "no"])
def test_what_was_answered_before_a_pregnancy_was_recorded_does_not_come_back(
    hospital: Hospital, status: str, said: str
) -> None:
    who = patient(
        hospital,
        factories.answer("pregnancy", said, days_ago=1),
        diagnosis(PREGNANCY, days_ago=360, status=status),
    )
    end = fact(who, "pregnancy").expires_at
    assert end == midnight(today() + timedelta(days=11))
    found = fact(who, "pregnancy", end)
    assert (found.state, found.value, found.expires_at) == (FeatureState.MISSING, "", None)
    assert "before or during a pregnancy that is over by now" in found.sentence
    factories.record(hospital, who, factories.answer("pregnancy", "no", days_ago=0))
    assert fact(who, "pregnancy", end).said("no"), "answered anew"


def test_an_answer_from_after_a_pregnancy_long_over_stands(hospital: Hospital) -> None:
    rows = factories.answer("pregnancy", "no", days_ago=5), diagnosis(PREGNANCY, days_ago=3000, status="resolved")
    assert fact(patient(hospital, *rows), "pregnancy").said("no")


def test_a_pregnancy_that_was_stated_ends_by_itself_and_is_asked_again(hospital: Hospital) -> None:
    who = patient(hospital, factories.answer("pregnancy", "yes", days_ago=100))
    found = fact(who, "pregnancy")
    assert found.said("yes") and found.effective_at is not None
    assert found.expires_at == found.effective_at + timedelta(days=371)
    late = fact(who, "pregnancy", found.expires_at)
    assert (late.state, late.value, late.expires_at) == (FeatureState.MISSING, "", None)
    assert "over by now" in late.sentence


def test_not_being_pregnant_is_asked_again_after_three_months(hospital: Hospital) -> None:
    who = patient(hospital, factories.answer("pregnancy", "no", days_ago=91))
    assert fact(who, "pregnancy").state == FeatureState.TOO_OLD


def before_birth(at: Hospital, code: str) -> Patient:
    """As it was stored while no birth date was recorded, or with another one."""
    who = patient(at, NewCondition(SNOMED_CT, code, onset_date=date(1970, 1, 1)))
    Patient.objects.filter(id=who.id).update(birth_date=date(1990, 5, 1))
    who.refresh_from_db()
    return who


def test_an_onset_before_birth_is_no_date(hospital: Hospital) -> None:
    found = fact(before_birth(hospital, PREGNANCY), "pregnancy")
    assert found.said("yes") and found.effective_at is None
    assert found.expires_at == midnight(today() + timedelta(days=371))
    attack = fact(before_birth(hospital, TIA), "tia_within_7_days")
    assert attack.state == FeatureState.MISSING and "without its date" in attack.sentence
    event = taken(before_birth(hospital, MI))
    assert event["acute_coronary_syndrome_recent"].state == FeatureState.MISSING
    assert event["prior_cardiovascular_disease"].said("yes")
    assert event["prior_cardiovascular_disease"].effective_at is None


def test_an_onset_before_birth_is_refused_at_the_door_unless_it_is_withdrawn(hospital: Hospital) -> None:
    who = before_birth(hospital, MI)
    kept = Condition.objects.get(patient=who)
    wrong = NewCondition(SNOMED_CT, TIA, onset_date=date(1990, 4, 30))
    [outcome] = clinical_rows_record(
        actor=hospital.client_actor,
        patient=who,
        rows=[wrong],
        source="api:laboratory",
        now=datetime.now(UTC),
        assess_delay=timedelta(0),
    )
    assert outcome.error is not None and outcome.row is None
    assert (outcome.error.code, outcome.error.field) == ("INVALID_VALUE", "onset_date")
    assert "before the patient was born" in outcome.error.sentence
    factories.record(hospital, who, replace(wrong, onset_date=date(1990, 5, 1)))
    withdrawn = replace(wrong, code=MI, onset_date=date(1970, 1, 1), status="entered-in-error", replaces=kept.id)
    factories.record(hospital, who, withdrawn)
    assert not fact(who, "coronary_heart_disease").is_used


def test_medication_answers_until_the_day_after_its_last(hospital: Hospital) -> None:
    until = today() + timedelta(days=20)
    who = patient(
        hospital,
        NewMedicationStatement(ATC, "B01AF02", end_date=until - timedelta(days=5)),
        NewMedicationStatement(ATC, "B01AF02", end_date=until),
        factories.answer("anticoagulant_treatment", "no"),
    )
    found = fact(who, "anticoagulant_treatment")
    end = midnight(until + timedelta(days=1))
    assert found.said("yes") and found.expires_at == end and '"no" that somebody stated' not in found.rule
    assert fact(who, "anticoagulant_treatment", end).said("no")


def test_medication_without_an_end_or_for_ever_does_not_expire(hospital: Hospital) -> None:
    for end_date in (None, date(9999, 12, 31)):
        who = patient(hospital, NewMedicationStatement(ATC, "C10AA05", end_date=end_date))
        assert fact(who, "statin_treatment").said("yes")
        assert fact(who, "statin_treatment").expires_at is None


@pytest.mark.parametrize(("group", "expected"), [
    ("white", "white"), ("black", "black"), ("chinese", "other"), ("hispanic", "other"), ("", "?"),
])  # fmt: skip
def test_the_pooled_cohort_equations_know_three_groups(hospital: Hospital, group: str, expected: str) -> None:
    rows = [factories.answer("mesa_race_ethnicity", group)] if group else []
    assert values(patient(hospital, *rows), "pce_race") == [expected]


def test_a_gene_is_marked_as_one(hospital: Hospital) -> None:
    found = fact(patient(hospital, factories.answer("apoe_e4", "yes")), "apoe_e4")
    assert found.said("yes") and found.is_genetic and found.expires_at is None


def test_an_unknown_code_answers_nothing(hospital: Hospital) -> None:
    who = patient(hospital, NewCondition(SNOMED_CT, "12345678"))
    assert not [name for name, item in taken(who).items() if item.value == "yes"]


@pytest.mark.parametrize(("failure_days", "artery_days"), [(4000, 2000), (2000, 4000)])
def test_of_two_diseases_the_one_that_is_not_heart_failure_is_named(
    hospital: Hospital, failure_days: int, artery_days: int
) -> None:
    who = factories.patient(hospital)
    rows = diagnosis(HEART_FAILURE, days_ago=failure_days), diagnosis("399957001", days_ago=artery_days)
    factories.record(hospital, who, *rows)
    found = taken(who)
    assert found["prior_cardiovascular_disease"].sentence == "peripheral artery disease"
    assert found["heart_failure"].said("yes")


def test_no_stroke_and_no_tia_is_neither(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    rows = factories.answer("prior_stroke", "no", days_ago=40), factories.answer("prior_tia", "no", days_ago=10)
    factories.record(hospital, who, *rows)
    found = fact(who, "prior_stroke_or_tia")
    assert found.said("no") and len(found.source_ids) == 2
    assert found.rule == 'follows from "Previous stroke" and "Previous TIA": no'
    assert found.expires_at == fact(who, "prior_stroke").expires_at


@pytest.mark.parametrize("other", ["yes", ""])
def test_no_stroke_alone_leaves_the_wider_question_open(hospital: Hospital, other: str) -> None:
    who = factories.patient(hospital)
    rows = [factories.answer("prior_stroke", "no"), *([factories.answer("prior_tia", other)] if other else [])]
    factories.record(hospital, who, *rows)
    assert not fact(who, "prior_stroke_or_tia").said("no")
