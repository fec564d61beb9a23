"""What a record was computed from: every item of its snapshot, the unused and the missing included."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cdss.assessments.models import FeatureState, SnapshotFeature
from cdss.assessments.policy.apply import may_be_pregnant
from cdss.dashboard.words import number_words, quantity_words, unit_words
from patients.terminology import QUESTION_OF_FEATURE

FORM, API = "form:", "api:"
SOURCE_TYPES = {
    "PATIENT": "patient record",
    "CONDITION": "problem list",
    "MEDICATION": "medication list",
    "DERIVED": "computed",
}


@dataclass(frozen=True, slots=True)
class InputRow:
    title: str
    state: str
    state_words: str
    value: str
    sent: str
    effective_at: datetime | None
    source: str
    notes: list[str]
    is_used: bool


@dataclass(frozen=True, slots=True)
class InputGroup:
    title: str
    rows: list[InputRow]


def form_user_ids(sources: Iterable[str]) -> set[uuid.UUID]:
    """The users whose answers are among these sources."""
    return {uuid.UUID(source.removeprefix(FORM)) for source in sources if source.startswith(FORM)}


def source_words(source: str, names: Mapping[str, str]) -> str:
    """Who said it: a person by name, a system by the name of its client."""
    if source.startswith(FORM):
        return names.get(source.removeprefix(FORM), "a user of this service")
    return source.removeprefix(API)


def present_inputs(features: Iterable[SnapshotFeature], names: Mapping[str, str]) -> list[InputGroup]:
    """Measured values, then answers, then what was measured in images; each in the order of the snapshot."""
    known = {item.feature: item for item in features}
    groups: dict[str, list[InputRow]] = {"Person and measured values": [], "Answers": [], "Measured in images": []}
    for feature in sorted(known.values(), key=lambda item: item.id):
        if feature.state == FeatureState.MISSING and _is_not_needed(feature.feature, known):
            continue
        is_image = feature.source_type == "MEASUREMENT" or feature.feature in IMAGE_FEATURES
        title = (
            "Measured in images"
            if is_image
            else "Answers"
            if feature.feature in QUESTION_OF_FEATURE
            else "Person and measured values"
        )
        groups[title].append(_row(feature, names))
    return [InputGroup(title, rows) for title, rows in groups.items() if rows]


IMAGE_FEATURES = {"agatston_score"}


def _is_not_needed(name: str, known: Mapping[str, SnapshotFeature]) -> bool:
    """What nobody missed: weight and height where the index was sent, pregnancy where it is not asked."""
    if name in {"body_weight_kg", "body_height_cm"}:
        return known["bmi_kg_m2"].state == FeatureState.USED
    return name == "pregnancy" and not may_be_pregnant(known)


def _row(feature: SnapshotFeature, names: Mapping[str, str]) -> InputRow:
    is_used = feature.state == FeatureState.USED
    notes = [feature.sentence] if feature.sentence and feature.source_type != "CONDITION" else []
    if is_used and feature.rule:
        notes.append(feature.rule[:1].upper() + feature.rule[1:] + ".")
    return InputRow(
        title=feature.title,
        state=feature.state,
        state_words=FeatureState(feature.state).label,
        value=_value(feature),
        sent=_sent(feature),
        effective_at=feature.effective_at,
        source=_source(feature, names),
        notes=notes,
        is_used=is_used,
    )


def _value(feature: SnapshotFeature) -> str:
    question = QUESTION_OF_FEATURE.get(feature.feature)
    if question is not None:
        words = question.answers.get(feature.value, feature.value)
        return f"{words}: {feature.sentence}" if feature.source_type == "CONDITION" and feature.sentence else words
    if feature.feature == "sex":
        return feature.value
    return quantity_words(feature.value, feature.unit) if feature.value else ""


def _sent(feature: SnapshotFeature) -> str:
    """As the source sent it, where that is not what stands beside it."""
    if not feature.sent_unit or (
        feature.sent_unit == feature.unit and number_words(feature.value) == number_words(feature.sent_value)
    ):
        return ""
    return f"{feature.sent_value} {unit_words(feature.sent_unit)}"


def _source(feature: SnapshotFeature, names: Mapping[str, str]) -> str:
    kind = SOURCE_TYPES.get(feature.source_type, "")
    source = source_words(feature.source, names)
    return ", ".join(part for part in (kind, source) if part)
