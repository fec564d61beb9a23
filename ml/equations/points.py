"""A published score as a value: points an input, what its authors observed at a sum, and the ways to evaluate it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ml.equations.equation import AssessedEquation, Table, checked_person, evaluated_people, reference_sentence
from ml.equations.inputs import BoolArray, Columns, FloatArray, Rule
from ml.types import Contribution

# The finest step of any published score (LIBRA's): the sum is rounded to it, which takes away binary noise only.
_DECIMALS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsScore(AssessedEquation):
    """A score: the sum of the points that `points` gives to the inputs of a person.

    `points` turns (N,) columns, N at least 1, into points by input field; the fields are among those of `reference`,
    whose person has 0 points, so that an input's contribution is what the authors print for it. A score has one
    horizon, 0 where its authors name none. `meaning` says in one sentence what the authors observed at a score, with
    cohort and year. `risk_of_score` is there only where the authors printed a table from points to risk; NaN where it
    prints nothing. Columns hold people of one sex, unless the reference names a sex of its own.
    """

    points: Callable[[Columns], Mapping[str, FloatArray]]
    score_low: float
    score_high: float
    meaning: Callable[[float], str]
    risk_of_score: Callable[[FloatArray, Columns], FloatArray] | None = None

    @property
    def inputs(self) -> tuple[Rule, ...]:
        (rules,) = self.rules.values()
        return rules


@dataclass(frozen=True, slots=True)
class ExplainedPoints:
    """A score on its scale, what it means, and the points of each input; `risk` only from a printed table."""

    score: float
    score_low: float
    score_high: float
    meaning: str
    risk: float | None
    reference_person: str
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PeoplePoints:
    """Scores of many people: NaN exactly where `refused`. `risk` is NaN as well where no table prints one."""

    score: FloatArray
    risk: FloatArray
    refused: BoolArray


def points_of_person(score: PointsScore, *, person: Mapping[str, object]) -> float:
    """The score of one person; raises `EquationRefusal` for the first input that is missing or not accepted."""
    return float(_sum(score.points(checked_person(score.inputs, person, score.label)))[0])


def points_of_people(score: PointsScore, *, people: Table) -> PeoplePoints:
    """The scores of many people, by the same points as `points_of_person`.

    Parameters
    ----------
    people
        As in `ml.equations.equation.risk_of_people`.

    Returns
    -------
    PeoplePoints
        `score` is NaN and `refused` True wherever `points_of_person` would refuse.

    Examples
    --------
    >>> from ml.equations.cha2ds2 import CHA2DS2_VA
    >>> people = {"age_years": [64, 65, 75], "has_heart_failure": False, "has_hypertension": True,
    ...           "has_diabetes": False, "has_prior_stroke_or_tia": False, "has_vascular_disease": False}
    >>> points_of_people(CHA2DS2_VA, people=people).score
    array([1., 2., 3.])
    """
    found = evaluated_people(score.inputs, people, lambda columns: _sum(score.points(columns)))
    risk = np.full(found.risk.shape, np.nan)
    if (risk_of_score := score.risk_of_score) is not None:
        risk = evaluated_people(
            score.inputs, people, lambda columns: risk_of_score(_sum(score.points(columns)), columns)
        ).risk
    return PeoplePoints(score=found.risk, risk=risk, refused=found.refused)


def explained_points(
    score: PointsScore, *, outcome: str, horizon_years: int, person: Mapping[str, object]
) -> ExplainedPoints:
    """The score of one person and the points of each input above those of the reference person.

    The reference person has the values of `score.reference` and is otherwise the same person. Contributions plus the
    reference person's points are the score.

    Raises
    ------
    EquationRefusal
        An input is missing or not accepted.
    ValueError
        The score has no such outcome or horizon.
    """
    rules = score.rules_for(outcome, horizon_years)
    columns = checked_person(rules, person, score.label)
    # (2,): first the reference, then the person
    both = {field: np.array([score.reference.get(field, column[0]), column[0]]) for field, column in columns.items()}
    points = score.points(both)
    rule_of = {rule.field: rule for rule in rules}
    contributions = tuple(
        Contribution(
            input=name,
            value=rule_of[name].shown(float(columns[name][0])),
            unit=rule_of[name].ucum,
            reference_value=rule_of[name].shown(score.reference[name]),
            points=float(points[name][1] - points[name][0]),
        )
        for name in score.reference
        if name in points
    )
    total = _sum(points)[1:]  # (1,)
    risk = math.nan if score.risk_of_score is None else float(score.risk_of_score(total, columns)[0])
    named = [name for name in score.reference if name not in ("age_years", "sex")]
    return ExplainedPoints(
        score=float(total[0]),
        score_low=score.score_low,
        score_high=score.score_high,
        meaning=score.meaning(float(total[0])),
        risk=None if math.isnan(risk) else risk,
        reference_person=reference_sentence(score, rule_of, both, named),
        contributions=contributions,
    )


def _sum(points: Mapping[str, FloatArray]) -> FloatArray:
    total: FloatArray = np.round(np.sum(list(points.values()), axis=0), _DECIMALS)
    return total
