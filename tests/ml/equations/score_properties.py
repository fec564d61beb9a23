"""What must hold for every score, as checks on one person or one column of people."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.equations.inputs import Choice, Quantity, YesNo
from ml.equations.points import ExplainedPoints, PointsScore, explained_points, points_of_people, points_of_person
from ml.errors import EquationRefusal

Person = dict[str, object]


def explained(score: PointsScore, person: Person) -> ExplainedPoints:
    (horizon_years,) = score.rules
    return explained_points(score, outcome=score.outcomes[0], horizon_years=horizon_years, person=person)


def points(score: PointsScore, person: Person) -> float:
    return points_of_person(score, person=person)


def shares(score: PointsScore, person: Person) -> dict[str, float]:
    """Input -> its points."""
    found = {contribution.input: contribution.points for contribution in explained(score, person).contributions}
    assert None not in found.values()
    return found  # type: ignore[return-value]


def refusal(score: PointsScore, person: Person) -> EquationRefusal:
    with pytest.raises(EquationRefusal) as caught:
        points(score, person)
    return caught.value


def reference_person(score: PointsScore, person: Person) -> Person:
    rules = {rule.field: rule for rule in score.inputs}
    shown = {name: rules[name].shown(value) for name, value in score.reference.items()}
    return person | {name: {"yes": True, "no": False}.get(value, value) for name, value in shown.items()}


def assert_contributions_are_the_score(score: PointsScore, person: Person) -> None:
    found = explained(score, person)
    assert found.score == points(score, person)
    assert abs(math.fsum(c.points for c in found.contributions if c.points is not None) - found.score) <= 1e-12
    assert all(c.log_odds_or_hazard is None for c in found.contributions)
    assert points(score, reference_person(score, person)) == 0.0
    assert score.score_low == found.score_low <= found.score <= found.score_high == score.score_high
    assert found.meaning == score.meaning(found.score)
    assert found.meaning.endswith(".") and ". " not in found.meaning
    assert found.reference_person.startswith(("A woman ", "A man ", "A person "))


def assert_many_people_get_what_each_one_gets(score: PointsScore, people: list[Person]) -> None:
    columns = {name: np.array([person[name] for person in people]) for name in people[0]}
    found = points_of_people(score, people=columns)
    assert not found.refused.any()
    assert found.score.tolist() == [points(score, person) for person in people]
    alone = [explained(score, person).risk for person in people]
    assert [None if math.isnan(risk) else risk for risk in found.risk] == alone


def assert_every_bad_input_is_refused_by_name(score: PointsScore, person: Person) -> None:
    """Each input outside its range, missing and of the wrong kind; many people: the same entries are refused."""
    for rule in score.inputs:
        missing = refusal(score, person | {rule.field: None})
        assert (missing.field, missing.value) == (rule.field, None)
        if isinstance(rule, Quantity):
            for value, side in ((rule.low - 1e-6 * rule.high, "BELOW"), (rule.high + 1e-6 * rule.high, "ABOVE")):
                found = refusal(score, person | {rule.field: value})
                assert found.reason_code == f"{rule.code}_{side}_RANGE"
                assert (found.field, found.value, found.limit) == (rule.field, value, rule.limit)
                assert found.sentence.startswith(score.label)
            column = [rule.low - 1.0, rule.low, math.nan, rule.high, rule.high + 1.0]
            many = points_of_people(score, people=person | {rule.field: column})
            assert many.refused.tolist() == np.isnan(many.score).tolist() == [True, False, True, False, True]
            assert refusal(score, person | {rule.field: math.nan}).reason_code == f"{rule.code}_NOT_A_NUMBER"
        elif isinstance(rule, Choice):
            found = refusal(score, person | {rule.field: "unheard of"})
            assert (found.reason_code, found.field, found.value) == (rule.code, rule.field, "unheard of")
        else:
            assert isinstance(rule, YesNo)
            assert missing.reason_code == f"MISSING_{rule.code}"
            assert refusal(score, person | {rule.field: "perhaps"}).reason_code == f"{rule.code}_NOT_YES_OR_NO"
            assert points_of_people(score, people=person | {rule.field: [0.0, math.nan]}).refused.tolist() == [
                False,
                True,
            ]
