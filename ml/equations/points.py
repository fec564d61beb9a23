"""A published score as a value: points an input, what its authors observed at a sum, and the ways to evaluate it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ml.equations.equation import AssessedEquation, comparison_of, evaluated_people
from ml.equations.inputs import BoolArray, Columns, FloatArray, Rule, Table, checked_person, encoded_person
from ml.types import Contribution

# The finest step of any published score (LIBRA's): the sum is rounded to it, which takes away binary noise only.
_DECIMALS = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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
    """The score of one person; refuses instead of counting an unknown input as absent.

    Parameters
    ----------
    score : PointsScore
    person : mapping
        Exactly the score's inputs, in the units of their names; None is not known.

    Returns
    -------
    float
        Points, between `score.score_low` and `score.score_high`.

    Raises
    ------
    EquationRefusal
        For the first input that is missing or not accepted.
    ValueError
        The inputs are not the score's.

    Examples
    --------
    >>> from ml.equations.cha2ds2 import CHA2DS2_VA
    >>> person = {"age_years": 75, "has_heart_failure": False, "has_hypertension": True, "has_diabetes": False,
    ...           "has_prior_stroke_or_tia": False, "has_vascular_disease": False}
    >>> points_of_person(CHA2DS2_VA, person=person)
    3.0
    """
    return float(_sum_of(score, checked_person(score.inputs, person, score.label))[0])


def points_of_people(score: PointsScore, *, people: Table) -> PeoplePoints:
    """The scores of many people, by the same points as `points_of_person`.

    Parameters
    ----------
    score : PointsScore
    people : Table
        As in `ml.equations.equation.risk_of_people`.

    Returns
    -------
    PeoplePoints
        `score` is NaN and `refused` True wherever `points_of_person` would refuse. Shape of the broadcast columns.

    Raises
    ------
    ValueError, TypeError
        As `risk_of_people`, for its columns.

    Examples
    --------
    >>> from ml.equations.cha2ds2 import CHA2DS2_VA
    >>> people = {"age_years": [64, 65, 75], "has_heart_failure": False, "has_hypertension": True,
    ...           "has_diabetes": False, "has_prior_stroke_or_tia": False, "has_vascular_disease": False}
    >>> points_of_people(CHA2DS2_VA, people=people).score
    array([1., 2., 3.])
    """
    found = evaluated_people(score.inputs, people, lambda columns: _sum_of(score, columns))
    risk = np.full(found.risk.shape, np.nan)
    if (risk_of_score := score.risk_of_score) is not None:
        risk = evaluated_people(
            score.inputs, people, lambda columns: risk_of_score(_sum_of(score, columns), columns)
        ).risk
    return PeoplePoints(score=found.risk, risk=risk, refused=found.refused)


def explained_points(
    score: PointsScore, *, outcome: str, horizon_years: int, person: Mapping[str, object]
) -> ExplainedPoints:
    """The score of one person and the points of each input above those of the reference person.

    The reference person has the values of `score.reference` and is otherwise the same person. Contributions plus the
    reference person's points are the score.

    Parameters
    ----------
    score : PointsScore
    outcome : str
        One of `score.outcomes`.
    horizon_years : int
        The score's one horizon, 0 where its authors name none.
    person : mapping
        As in `points_of_person`.

    Returns
    -------
    ExplainedPoints
        `risk` is a probability between 0 and 1, None where the authors printed none.

    Raises
    ------
    EquationRefusal
        An input is missing or not accepted.
    ValueError
        The score has no such outcome or horizon, or the inputs are not the score's.

    Examples
    --------
    >>> from ml.equations.cha2ds2 import CHA2DS2_VA
    >>> person = {"age_years": 75, "has_heart_failure": False, "has_hypertension": True, "has_diabetes": False,
    ...           "has_prior_stroke_or_tia": False, "has_vascular_disease": False}
    >>> (horizon_years,) = CHA2DS2_VA.rules
    >>> found = explained_points(CHA2DS2_VA, outcome="stroke", horizon_years=horizon_years, person=person)
    >>> found.score, {one.input: one.points for one in found.contributions if one.points}
    (3.0, {'age_years': 2.0, 'has_hypertension': 1.0})
    """
    encoded = encoded_person(score.rules_for(outcome, horizon_years), person, score.label)
    comparison = comparison_of(score)
    both = comparison.path(encoded, comparison.is_reference_at_once)  # (2,) each: first the reference, then the person
    points = score.points(both)
    table = np.array([*points.values()])  # (inputs, 2)
    change_of = dict(zip(points, (table[:, 1] - table[:, 0]).tolist(), strict=True))
    total = _sum(table)[1:]  # (1,)
    number = float(total[0])
    risk = None
    if score.risk_of_score is not None:
        printed = float(score.risk_of_score(total, {field: column[1:] for field, column in both.items()})[0])
        risk = None if math.isnan(printed) else printed
    return ExplainedPoints(
        score=number,
        score_low=score.score_low,
        score_high=score.score_high,
        meaning=score.meaning(number),
        risk=risk,
        reference_person=comparison.opening({**encoded, **score.reference}) + _ending(score),
        contributions=tuple(
            Contribution(
                one.name,
                one.rule.shown(encoded[one.name]),
                one.rule.ucum,
                one.reference_value,
                None,
                change_of[one.name],
            )
            for one in comparison.inputs
            if one.name in change_of
        ),
    )


@functools.cache
def _ending(score: PointsScore) -> str:
    named = (one for one in comparison_of(score).inputs if one.name not in ("age_years", "sex"))
    return ", ".join(one.reference_phrase for one in named) + "."


def _sum_of(score: PointsScore, columns: Columns) -> FloatArray:
    return _sum(np.array([*score.points(columns).values()]))


def _sum(points: FloatArray) -> FloatArray:
    """Of (inputs, N), (N,)."""
    total: FloatArray = points.sum(axis=0).round(_DECIMALS)
    return total
