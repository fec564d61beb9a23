"""From everything known of one person to the risks asked for, each a number or an honest refusal."""

from __future__ import annotations

from ml.equations.catalogue import RISK_EQUATIONS
from ml.equations.equation import RiskEquation, explained_risk
from ml.errors import EquationRefusal
from ml.types import AssessmentInputs, AssessmentResult, EquationRequest, Estimate, ModelRelease


def assess(release: ModelRelease, inputs: AssessmentInputs) -> AssessmentResult:
    """Every requested risk of one person, in the order requested.

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
    estimates = tuple(_estimate(_released_equation(release, request), request, inputs) for request in inputs.requests)
    return AssessmentResult(release=release.label, release_sha256=release.sha256, estimates=estimates)


def _released_equation(release: ModelRelease, request: EquationRequest) -> RiskEquation:
    equations = release.manifest["equations"]
    is_released = isinstance(equations, dict) and request.equation in equations
    if not is_released or request.equation not in RISK_EQUATIONS:
        raise ValueError(f"release {release.label} has no risk equation {request.equation!r}")
    return RISK_EQUATIONS[request.equation]


def _estimate(equation: RiskEquation, request: EquationRequest, inputs: AssessmentInputs) -> Estimate:
    rules = equation.rules_for(request.outcome, request.horizon_years)
    person = {rule.field: getattr(inputs, rule.field) for rule in rules}
    try:
        explained = explained_risk(
            equation, outcome=request.outcome, horizon_years=request.horizon_years, person=person
        )
    except EquationRefusal as refusal:
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
    return Estimate(
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
