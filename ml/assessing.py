"""From everything known of one person to the risks asked for, each a number or an honest refusal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ml.equations.catalogue import RISK_EQUATIONS
from ml.equations.equation import AssessedEquation, RiskEquation, explained_risks
from ml.equations.points import PointsScore, explained_points
from ml.errors import EquationRefusal
from ml.types import AssessmentInputs, AssessmentResult, EquationRequest, Estimate, ModelRelease


def assess(release: ModelRelease, inputs: AssessmentInputs) -> AssessmentResult:
    """Every requested risk and score of one person, in the order requested.

    Pure: no clock, no randomness, no state. All arithmetic is NumPy float64 in a fixed order, so that the same inputs
    give the same bits on the same machine and NumPy; another processor may differ in the last bit of exp and log.
    The equations publish no interval, so `risk_low`, `risk_high` and `coverage` stay None.

    Parameters
    ----------
    release
        From `ml.registry.load_release`; only equations that its manifest lists are evaluated.
    inputs
        Canonical units; None is "not known" and leads to a refusal where an equation needs it.

    Returns
    -------
    AssessmentResult
        One `Estimate` a request. A refusal has `reason_code`, `sentence`, `field`, `field_value` and `limit`, and
        `risk` None.

    Raises
    ------
    ValueError
        A request names an equation, outcome or horizon that the release does not have: a programming error.

    Examples
    --------
    >>> from ml.registry import load_release
    >>> request = EquationRequest("prevent_base", "total_cvd", 10)
    >>> result = assess(load_release("equations-1.0.0"), AssessmentInputs(requests=(request,), age_years=84))
    >>> result.estimates[0].reason_code, result.estimates[0].sentence
    ('AGE_ABOVE_RANGE', 'PREVENT over 10 years ends at age 79; this person is 84.')
    """
    indexes_of: dict[str, list[int]] = {}
    for index, request in enumerate(inputs.requests):
        indexes_of.setdefault(request.equation, []).append(index)
    found: dict[int, Estimate] = {}
    for name, indexes in indexes_of.items():
        equation = _released_equation(release, name)
        requests = [inputs.requests[index] for index in indexes]
        if isinstance(equation, PointsScore):
            answers = _points(equation, requests, inputs)
        else:
            answers = _risks(equation, requests, inputs)
        found |= zip(indexes, answers, strict=True)
    estimates = tuple(found[index] for index in range(len(inputs.requests)))
    return AssessmentResult(release.label, release.sha256, release.code_sha256, estimates)


def _released_equation(release: ModelRelease, name: str) -> RiskEquation | PointsScore:
    equations = release.manifest["equations"]
    is_released = isinstance(equations, dict) and name in equations
    if not is_released or name not in RISK_EQUATIONS:
        raise ValueError(f"release {release.label} has no risk equation {name!r}")
    return RISK_EQUATIONS[name]


def _person(equation: AssessedEquation, inputs: AssessmentInputs) -> dict[str, object]:
    """What the equation needs of what is known; its inputs are the same over every horizon."""
    return {rule.field: getattr(inputs, rule.field) for rule in next(iter(equation.rules.values()))}


def _risks(equation: RiskEquation, requests: Sequence[EquationRequest], inputs: AssessmentInputs) -> Iterator[Estimate]:
    questions = [(request.outcome, request.horizon_years) for request in requests]
    answers = explained_risks(equation, questions=questions, person=_person(equation, inputs))
    for request, explained in zip(requests, answers, strict=True):
        if isinstance(explained, EquationRefusal):
            yield _refused(equation, request, explained)
            continue
        yield Estimate(
            equation=equation.name,
            equation_version=equation.version,
            outcome=request.outcome,
            horizon_years=request.horizon_years,
            risk=explained.risk,
            reference_risk=explained.reference_risk,
            reference_person=explained.reference_person,
            scale=equation.link.scale,
            contributions=explained.contributions,
        )


def _points(score: PointsScore, requests: Sequence[EquationRequest], inputs: AssessmentInputs) -> Iterator[Estimate]:
    person = _person(score, inputs)
    for request in requests:
        try:
            explained = explained_points(
                score, outcome=request.outcome, horizon_years=request.horizon_years, person=person
            )
        except EquationRefusal as refusal:
            yield _refused(score, request, refusal)
            continue
        yield Estimate(
            equation=score.name,
            equation_version=score.version,
            outcome=request.outcome,
            horizon_years=request.horizon_years,
            risk=explained.risk,
            score=explained.score,
            score_low=explained.score_low,
            score_high=explained.score_high,
            meaning=explained.meaning,
            reference_person=explained.reference_person,
            scale="points",
            contributions=explained.contributions,
        )


def _refused(equation: AssessedEquation, request: EquationRequest, refusal: EquationRefusal) -> Estimate:
    return Estimate(
        equation=equation.name,
        equation_version=equation.version,
        outcome=request.outcome,
        horizon_years=request.horizon_years,
        reason_code=refusal.reason_code,
        sentence=refusal.sentence,
        field=refusal.field,
        field_value=refusal.value,
        limit=refusal.limit,
    )
