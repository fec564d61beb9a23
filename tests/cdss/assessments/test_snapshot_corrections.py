"""A corrected row is never used for a later snapshot, and is still there for an earlier one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdss.assessments.models import FeatureState
from patients.models import Observation
from patients.services.clinical_rows import NewObservation
from patients.terminology import QUESTION_OF_FEATURE
from tests import factories
from tests.cdss.assessments.facts import HEART_FAILURE, diagnosis, fact, measured, stored
from tests.factories import Hospital

pytestmark = pytest.mark.django_db
PRESSURE = "systolic_bp_mmhg"


def just_after(row: Observation) -> datetime:
    """The moment of its recording as the database has it."""
    return Observation.objects.get(id=row.id).recorded_at


def correction(of: Observation, value: str, *, status: str = "corrected", days_ago: float = 30) -> NewObservation:
    return measured(PRESSURE, value, days_ago=days_ago, status=status, replaces=of.id)


def test_a_chain_of_corrections_is_seen_as_it_stood_at_each_moment(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    first = stored(hospital, who, measured(PRESSURE, "183"))
    second = stored(hospital, who, correction(first, "138"))
    third = stored(hospital, who, correction(second, "135"))
    erased = stored(hospital, who, correction(third, "135", status="entered-in-error"))
    seen = [fact(who, PRESSURE, just_after(row)) for row in (first, second, third, erased)]
    assert [item.value for item in seen] == ["183", "138", "135", ""]
    assert [item.source_ids for item in seen] == [[str(first.id)], [str(second.id)], [str(third.id)], []]
    assert seen[-1].state == FeatureState.MISSING
    before = fact(who, PRESSURE, just_after(first) - timedelta(microseconds=1))
    assert before.state == FeatureState.MISSING


def test_a_correction_moved_to_an_earlier_date_gives_way_to_what_is_newer(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    wrong = stored(hospital, who, measured(PRESSURE, "170", days_ago=2))
    other = stored(hospital, who, measured(PRESSURE, "131", days_ago=10))
    moved = stored(hospital, who, correction(wrong, "170", days_ago=300))
    assert fact(who, PRESSURE, just_after(other)).value == "170"
    now = fact(who, PRESSURE, just_after(moved))
    assert (now.value, now.rule) == ("131", "latest value: newest of 2; where it was measured is not stated")


def test_an_erased_value_brings_back_the_one_before_it(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    stored(hospital, who, measured(PRESSURE, "131", days_ago=60))
    wrong = stored(hospital, who, measured(PRESSURE, "231", days_ago=1))
    stored(hospital, who, correction(wrong, "231", status="entered-in-error", days_ago=1))
    assert fact(who, PRESSURE).value == "131"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chain=st.lists(st.tuples(st.integers(90, 200), st.booleans()), min_size=1, max_size=5))
def test_whatever_the_chain_only_its_last_link_of_the_moment_counts(
    hospital: Hospital, chain: list[tuple[int, bool]]
) -> None:
    who = factories.patient(hospital)
    row, expected = None, []
    for value, is_error in chain:
        status = "entered-in-error" if is_error else "corrected"
        replaces = row.id if row else None
        row = stored(hospital, who, measured(PRESSURE, str(value), status=status, replaces=replaces))
        expected.append((just_after(row), "" if is_error else str(value)))
    assert [(at, fact(who, PRESSURE, at).value) for at, _ in expected] == expected


def test_a_withdrawn_answer_is_no_answer_and_no_earlier_one_comes_back(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    question = QUESTION_OF_FEATURE["atrial_fibrillation"]
    stored(hospital, who, factories.answer(question.feature, "no", days_ago=100))
    latest = stored(hospital, who, factories.answer(question.feature, "yes", days_ago=5))
    withdrawal = NewObservation(
        question.code_system,
        question.code,
        latest.effective_at,
        value_code="yes",
        status="entered-in-error",
        replaces=latest.id,
    )
    assert fact(who, question.feature).value == "yes"
    stored(hospital, who, withdrawal)
    assert fact(who, question.feature).state == FeatureState.MISSING
    assert fact(who, question.feature, just_after(latest)).value == "yes"


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_a_diagnosis_taken_back_no_longer_answers(hospital: Hospital, status: str) -> None:
    who = factories.patient(hospital)
    [outcome] = factories.record(hospital, who, diagnosis(HEART_FAILURE, days_ago=400))
    assert outcome.row is not None
    assert fact(who, "heart_failure").value == "yes"
    then = type(outcome.row).objects.get(id=outcome.row.id).recorded_at  # type: ignore[attr-defined]

    factories.record(hospital, who, replace(diagnosis(HEART_FAILURE, status=status), replaces=outcome.row.id))
    assert fact(who, "heart_failure").state == FeatureState.MISSING
    assert fact(who, "heart_failure", then).value == "yes"
