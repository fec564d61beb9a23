"""Several questions about one person: the same bits as each alone, refusals by horizon."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.equations.catalogue import RISK_EQUATIONS
from ml.equations.equation import ExplainedRisk, RiskEquation, explained_risks
from ml.equations.prevent_base import PREVENT_BASE
from ml.equations.prevent_full import PREVENT_FULL
from ml.errors import EquationRefusal
from tests.ml.equations.people import AHA_WOMAN, people_of
from tests.ml.equations.properties import explained

QUESTIONS = [(outcome, horizon) for horizon in (30, 10) for outcome in PREVENT_BASE.outcomes]


@pytest.mark.parametrize("equation", [PREVENT_BASE, PREVENT_FULL], ids=lambda equation: equation.name)
@settings(deadline=None)
@given(values=st.data())
def test_questions_together_get_the_bits_of_each_alone(equation: RiskEquation, values: st.DataObject) -> None:
    person = values.draw(people_of(equation, 30))
    questions = values.draw(st.permutations(QUESTIONS))
    together = explained_risks(equation, questions=questions, person=person)
    for (outcome, horizon), found in zip(questions, together, strict=True):
        assert isinstance(found, ExplainedRisk)
        alone = explained(equation, person, outcome, horizon)
        assert dataclasses.asdict(found) == dataclasses.asdict(alone)


def test_refusal_of_one_horizon_does_not_touch_the_other() -> None:
    found = explained_risks(PREVENT_BASE, questions=QUESTIONS, person=AHA_WOMAN | {"age_years": 60})
    codes = [one.reason_code if isinstance(one, EquationRefusal) else None for one in found]
    assert codes == ["AGE_ABOVE_RANGE"] * 5 + [None] * 5


def test_a_question_the_equation_does_not_have_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="'dementia' over 10 years"):
        explained_risks(PREVENT_BASE, questions=[("ascvd", 10), ("dementia", 10)], person=AHA_WOMAN)


def test_no_question_is_no_answer() -> None:
    assert explained_risks(PREVENT_BASE, questions=[], person=AHA_WOMAN) == []


@pytest.mark.parametrize("name", sorted(RISK_EQUATIONS))
def test_inputs_are_the_same_over_every_horizon_and_cover_the_reference_person(name: str) -> None:
    equation = RISK_EQUATIONS[name]
    fields = [tuple(rule.field for rule in rules) for rules in equation.rules.values()]
    assert len(set(fields)) == 1
    assert set(equation.reference) <= set(fields[0])
    assert len(set(fields[0])) == len(fields[0])
