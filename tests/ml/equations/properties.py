"""What must hold for every risk equation, as checks on one person or one column of people."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.equations.equation import ExplainedRisk, RiskEquation, explained_risks, risk_of_people, risk_of_person
from ml.equations.inputs import Choice, Quantity, YesNo
from ml.errors import EquationRefusal

Person = dict[str, object]
HORIZON_YEARS = 10


def risk(equation: RiskEquation, person: Person) -> float:
    return risk_of_person(equation, outcome=equation.outcomes[0], horizon_years=HORIZON_YEARS, person=person)


def explained(
    equation: RiskEquation, person: Person, outcome: str = "", horizon_years: int = HORIZON_YEARS
) -> ExplainedRisk:
    """One question, asked as `ml.assessing` asks several; a refusal fails the test with its sentence."""
    questions = [(outcome or equation.outcomes[0], horizon_years)]
    (found,) = explained_risks(equation, questions=questions, person=person)
    assert isinstance(found, ExplainedRisk), found
    return found


def shares(equation: RiskEquation, person: Person) -> dict[str, float]:
    """Input -> its contribution."""
    found = explained(equation, person)
    return {contribution.input: contribution.log_odds_or_hazard for contribution in found.contributions}


def refusal(equation: RiskEquation, person: Person) -> EquationRefusal:
    with pytest.raises(EquationRefusal) as caught:
        risk(equation, person)
    return caught.value


def assert_contributions_add_up(equation: RiskEquation, person: Person) -> None:
    found = explained(equation, person)
    total = found.reference_linear_predictor + math.fsum(c.log_odds_or_hazard for c in found.contributions)
    assert abs(total - found.linear_predictor) <= 1e-11
    assert found.risk == risk(equation, person)
    assert 0 < found.risk < 1
    assert {c.input for c in found.contributions} == set(equation.reference)
    rules = {rule.field: rule for rule in equation.rules[HORIZON_YEARS]}
    shown = {name: rules[name].shown(value) for name, value in equation.reference.items()}
    reference = person | {name: {"yes": True, "no": False}.get(value, value) for name, value in shown.items()}
    assert found.reference_risk == risk(equation, reference)


def assert_many_people_get_what_each_one_gets(equation: RiskEquation, people: list[Person]) -> None:
    columns = {name: np.array([person[name] for person in people]) for name in people[0]}
    found = risk_of_people(equation, outcome=equation.outcomes[0], horizon_years=HORIZON_YEARS, people=columns)
    assert not found.refused.any()
    np.testing.assert_allclose(found.risk, [risk(equation, person) for person in people], rtol=1e-13, atol=0)


def assert_every_bad_input_is_refused_by_name(equation: RiskEquation, person: Person) -> None:
    """Each input outside its range, missing and of the wrong kind; the refusal names field, value, limit and source."""
    for rule in equation.rules[HORIZON_YEARS]:
        missing = refusal(equation, person | {rule.field: None})
        assert (missing.field, missing.value) == (rule.field, None)
        if isinstance(rule, Quantity):
            step = 1.001 * rule.tolerance + 1e-6 * rule.high
            for value, side in ((rule.low - step, "BELOW"), (rule.high + step, "ABOVE")):
                found = refusal(equation, person | {rule.field: value})
                assert found.reason_code == f"{rule.code}_{side}_RANGE"
                assert (found.field, found.value, found.limit) == (rule.field, value, rule.limit)
                assert found.limit is not None and "; source: " in found.limit and not found.limit.endswith(": ")
                assert found.sentence.startswith(equation.label)
            assert 0 < risk(equation, person | {rule.field: rule.low}) < 1
            assert 0 < risk(equation, person | {rule.field: rule.high}) < 1
            assert refusal(equation, person | {rule.field: math.nan}).reason_code == f"{rule.code}_NOT_A_NUMBER"
        elif isinstance(rule, Choice):
            found = refusal(equation, person | {rule.field: "unheard of"})
            assert (found.reason_code, found.field, found.value) == (rule.code, rule.field, "unheard of")
            assert found.limit == "one of " + ", ".join(rule.options)
        elif isinstance(rule, YesNo):
            assert missing.reason_code == f"MISSING_{rule.code}"
            found = refusal(equation, person | {rule.field: "perhaps"})
            assert (found.reason_code, found.field) == (f"{rule.code}_NOT_YES_OR_NO", rule.field)
