"""Deciding, before anything is computed, which numbers are asked for and which are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cdss.assessments.features import Feature, Features
from cdss.assessments.models import FeatureState
from cdss.assessments.policy.table import CODE_OF_DIAGNOSIS, NOT_FOR_REGION, PREGNANCY, STOPS, TABLE, Row, Stop

CHILDBEARING_AGES = (18, 50)


class Known(Protocol):
    """A feature as gathered, or as recorded in a snapshot."""

    @property
    def state(self) -> str: ...
    @property
    def value(self) -> str: ...


@dataclass(frozen=True, slots=True)
class PolicyDecision:
    """One row of the table for one person: computed when `reason_code` is empty, refused otherwise."""

    equation: str
    outcome: str
    horizon_years: int
    role: str
    reason_code: str = ""
    sentence: str = ""
    field: str = ""


def policy_apply(features: Features, region: str) -> list[PolicyDecision]:
    """The table applied to one snapshot, in the table's order."""
    return [_decide(row, features, region) for row in TABLE if _is_asked(row, features)]


def _is_asked(row: Row, features: Features) -> bool:
    age = features["age_years"]
    if row.ages is None or age.state != FeatureState.USED:
        return row.ages is None
    return row.ages[0] <= int(age.value) <= row.ages[1]


def _decide(row: Row, features: Features, region: str) -> PolicyDecision:
    if region not in row.regions:
        return PolicyDecision(
            row.equation, row.outcome, row.horizon_years, row.role, "REGION", NOT_FOR_REGION, "region"
        )
    # A known reason comes before an open question: it will not go away when the question is answered.
    stops = [STOPS[name] for name in row.stops if not (name == PREGNANCY and not may_be_pregnant(features))]
    for stop in stops:
        if features[stop.feature].value == "yes":
            code, sentence = _stopped(stop, features[stop.feature])
            return PolicyDecision(row.equation, row.outcome, row.horizon_years, row.role, code, sentence, stop.feature)
    for stop in stops:
        if features[stop.feature].state != FeatureState.USED:
            return PolicyDecision(
                row.equation,
                row.outcome,
                row.horizon_years,
                row.role,
                "UNKNOWN_HISTORY",
                stop.unknown_sentence,
                stop.feature,
            )
    return PolicyDecision(row.equation, row.outcome, row.horizon_years, row.role)


def may_be_pregnant(features: Mapping[str, Known]) -> bool:
    """Asked of women of 18 to 50, and of everybody whose sex or age is not recorded or who has answered yes."""
    sex, age = features["sex"], features["age_years"]
    if features[PREGNANCY].value == "yes":
        return True
    if sex.state == FeatureState.USED and sex.value == "male":
        return False
    if age.state != FeatureState.USED:
        return True
    return CHILDBEARING_AGES[0] <= int(age.value) <= CHILDBEARING_AGES[1]


def _stopped(stop: Stop, feature: Feature) -> tuple[str, str]:
    words = feature.sentence if feature.source_type == "CONDITION" else STATED[stop.feature]
    code = CODE_OF_DIAGNOSIS.get(words, stop.code)
    if feature.source_type == "CONDITION" and feature.effective_at is not None:
        words = f"{words} ({feature.effective_at:%B %Y})"
    sentence = stop.sentence.format(recorded=words)
    return code, sentence


STATED = {
    "prior_cardiovascular_disease": "known cardiovascular disease",
    "prior_stroke_or_tia": "a previous stroke or TIA",
    "atrial_fibrillation": "atrial fibrillation",
    "pregnancy": "pregnancy",
}
