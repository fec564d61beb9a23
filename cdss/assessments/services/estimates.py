"""From features and a policy to the rows of a record: what was computed, what was refused, and why."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cdss.assessments.equation_inputs import FEATURE_OF_FIELD, input_values
from cdss.assessments.features import Feature, Features, age_completed
from cdss.assessments.inference import InferenceResult, equation_fields, estimates_compute, release_manifest
from cdss.assessments.models import FeatureState
from cdss.assessments.policy.apply import PolicyDecision, decisions_of, notes_beside_refusal
from cdss.assessments.policy.categories import categories_of
from cdss.assessments.policy.facts import Facts, facts_of
from cdss.assessments.policy.table import Policy

Columns = dict[str, Any]
EstimateRow = tuple[Columns, list[Columns]]  # an estimate and its attributions

_STATE_CODES = {
    FeatureState.TOO_OLD: "VALUE_TOO_OLD",
    FeatureState.ACUTE: "ACUTE_VALUES",
    FeatureState.REFUSED: "VALUE_NOT_UNDERSTOOD",
}


# The same few dozen values stand in every estimate of a person; 1 and 1.0 are told apart.
_text = functools.lru_cache(maxsize=1024, typed=True)(str)


@dataclass(frozen=True, slots=True)
class Estimates:
    decisions: list[PolicyDecision]
    rows: list[EstimateRow]
    release: str
    release_sha256: str
    code_sha256: str


def estimates_make(*, policy: Policy, features: Features, region: str, release_name: str) -> Estimates:
    """Pure: no clock, no database."""
    released = release_manifest(release_name)["equations"]
    facts = facts_of(features, region=region, score2_region=policy.score2_region)
    decided = decisions_of(policy, facts, age=age_completed(features), region=region)
    decisions = [_released(decision, released, release_name) for decision in decided]
    inference = estimates_compute(
        release_name=release_name,
        requests=[(item.equation, item.outcome, item.horizon_years) for item in decisions if not item.reason_code],
        values=input_values(features, score2_region=policy.score2_region),
    )
    rows = _rows(policy, facts, decisions, inference, features)
    return Estimates(decisions, rows, inference.release, inference.release_sha256, inference.code_sha256)


def _released(decision: PolicyDecision, released: Sequence[str], release_name: str) -> PolicyDecision:
    """An installation may hold back a release that has fewer equations than the policy knows."""
    if decision.reason_code or decision.equation in released:
        return decision
    sentence = f"Not shown: the release {release_name} does not have this equation."
    return replace(decision, reason_code="NOT_IN_RELEASE", sentence=sentence, notes=[])


def _rows(
    policy: Policy, facts: Facts, decisions: list[PolicyDecision], inference: InferenceResult, features: Features
) -> list[EstimateRow]:
    computed = iter(inference.estimates)
    age_years = age_completed(features)
    return [
        (_refused_row(decision), [])
        if decision.reason_code
        else _computed_row(policy, facts, decision, next(computed), features, age_years)
        for decision in decisions
    ]


def _refused_row(decision: PolicyDecision) -> Columns:
    return {**decision.columns(), "risk": None, "score": None, "equation_version": ""}


def _computed_row(
    policy: Policy,
    facts: Facts,
    decision: PolicyDecision,
    estimate: Any,
    features: Features,
    age_years: int | None,
) -> EstimateRow:
    row: Columns = {
        **decision.columns(),
        "equation_version": estimate.equation_version,
        "risk": estimate.risk,
        "risk_low": estimate.risk_low,
        "risk_high": estimate.risk_high,
        "coverage": estimate.coverage,
        "score": estimate.score,
        "score_low": estimate.score_low,
        "score_high": estimate.score_high,
        "meaning": estimate.meaning or "",
        "scale": estimate.scale or "",
        "reason_code": estimate.reason_code or "",
        "sentence": estimate.sentence or "",
        "field": estimate.field or "",
        "field_value": "" if estimate.field_value is None else str(estimate.field_value),
        "limit": estimate.limit or "",
        "reference_risk": estimate.reference_risk,
        "reference_person": estimate.reference_person or "",
        "categories": categories_of(
            policy,
            facts,
            equation=decision.equation,
            outcome=decision.outcome,
            horizon_years=decision.horizon_years,
            age_years=age_years,
            risk=estimate.risk,
        ),
    }
    if row["reason_code"]:
        row["notes"] = notes_beside_refusal(policy, decision.notes)
        _explain_missing(row, features)
    attributions = [
        {
            "input": item.input,
            "value": _text(item.value),
            "unit": item.unit,
            "reference_value": _text(item.reference_value),
            "log_odds_or_hazard": item.log_odds_or_hazard,
            "points": item.points,
        }
        for item in estimate.contributions
    ]
    return row, attributions


def _explain_missing(row: Columns, features: Features) -> None:
    """An equation only knows that an input is missing; the snapshot knows why."""
    feature = _feature_of(row["field"], features)
    if feature is None or feature.state == FeatureState.USED:
        return
    if feature.reason_code:
        row["reason_code"], row["sentence"] = feature.reason_code, feature.sentence
    elif feature.state in _STATE_CODES:
        row["reason_code"] = _STATE_CODES[feature.state]
        titles = ", ".join(_alike(row, feature, features))
        is_named = feature.sentence.startswith(titles)
        row["sentence"] = feature.sentence if is_named else f"{titles}: {_inside_sentence(feature.sentence)}"


def _feature_of(field: str, features: Features) -> Feature | None:
    return features.get(FEATURE_OF_FIELD.get(field, field))


def _alike(row: Columns, feature: Feature, features: Features) -> list[str]:
    """What this equation also needs and cannot use for the same reason: a reader settles all of it at once."""
    needed = [_feature_of(field, features) for field in equation_fields(row["equation"], row["horizon_years"])]
    others = {
        item.title
        for item in needed
        if item and item is not feature and (item.state, item.sentence) == (feature.state, feature.sentence)
    }
    return [feature.title, *sorted(_inside_sentence(title) for title in others)]


def _inside_sentence(words: str) -> str:
    """Not at its start; eGFR and HDL keep their letters."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words
