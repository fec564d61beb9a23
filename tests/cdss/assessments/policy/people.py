"""People for the policy: features as a snapshot has them, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from cdss.assessments.features import Feature, Features
from cdss.assessments.models import FeatureState
from cdss.assessments.policy.apply import PolicyDecision, policy_apply
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.table import Policy

# Somebody about whom every question of history was answered with no.
ANSWERED = {
    "sex": "female",
    "prior_cardiovascular_disease": "no",
    "heart_failure": "no",
    "prior_stroke_or_tia": "no",
    "prior_stroke": "no",
    "prior_tia": "no",
    "atrial_fibrillation": "no",
    "diabetes": "no",
    "cognitive_disorder": "no",
    "pregnancy": "no",
}
IN_EUROPE = replace(DEFAULT_POLICY, score2_region="low")


def used(name: str, value: str) -> Feature:
    return Feature(name, name, FeatureState.USED, value)


def listed(name: str, words: str, year: int = 2021) -> Feature:
    """On the problem list."""
    at = datetime(year, 3, 1, tzinfo=UTC)
    return Feature(name, name, FeatureState.USED, "yes", source_type="CONDITION", sentence=words, effective_at=at)


def person(age: int | None = 58, *features: Feature, **values: str) -> Features:
    """`values` replace the answers; an empty one is not recorded."""
    known = {**ANSWERED, **values}
    found = {name: used(name, value) if value else Feature(name, name) for name, value in known.items()}
    found["age_years"] = used("age_years", str(age)) if age is not None else Feature("age_years", "Age", unit="a")
    return found | {feature.feature: feature for feature in features}


def decided(who: Features, region: str = "US", policy: Policy | None = None) -> dict[str, PolicyDecision]:
    """Decisions by equation and outcome, with the horizon where it is not the equation's usual one."""
    chosen = policy or (IN_EUROPE if region == "EUROPE" else DEFAULT_POLICY)
    decisions = policy_apply(chosen, who, region)
    return {f"{item.equation} {item.outcome}" + (" 30" if item.horizon_years == 30 else ""): item for item in decisions}


def codes(who: Features, region: str = "US", policy: Policy | None = None) -> dict[str, str]:
    """What is said of each number before it is computed; empty: it is asked for."""
    return {name: item.reason_code for name, item in decided(who, region, policy).items()}


def notes(decision: PolicyDecision) -> set[str]:
    return {note["code"] for note in decision.notes}
