"""What a record was computed from: every item of its snapshot, the unused and the missing included."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cdss.assessments.models import FeatureState, SnapshotFeature
from cdss.dashboard.words import named, number_words, quantity_words, unit_words
from patients.models import Setting
from patients.terminology import GENETIC_FEATURES, QUESTION_OF_FEATURE

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
    setting: str
    source: str
    notes: list[str]
    is_used: bool


@dataclass(frozen=True, slots=True)
class InputGroup:
    title: str
    rows: list[InputRow]


@dataclass(frozen=True, slots=True)
class Inputs:
    """`missing` is a list of its own: with what equations could use being much, it would bury what is known."""

    groups: list[InputGroup]
    missing: list[InputGroup]

    @property
    def missing_count(self) -> int:
        return sum(len(group.rows) for group in self.missing)


def form_user_ids(sources: Iterable[str]) -> set[uuid.UUID]:
    """The users whose answers are among these sources."""
    return {uuid.UUID(source.removeprefix(FORM)) for source in sources if source.startswith(FORM)}


def source_words(source: str, names: Mapping[str, str]) -> str:
    """Who said it: a person by name, a system by the name of its client."""
    if source.startswith(FORM):
        return names.get(source.removeprefix(FORM), "a user of this service")
    return source.removeprefix(API)


def present_inputs(features: Iterable[SnapshotFeature], names: Mapping[str, str], *, may_see_genetics: bool) -> Inputs:
    """Measured values, then answers, then what was measured in images; each in the order of the snapshot."""
    known = {item.feature: item for item in features if may_see_genetics or item.feature not in GENETIC_FEATURES}
    groups: dict[str, list[InputRow]] = {MEASURED: [], ANSWERED: [], IN_IMAGES: []}
    missing: dict[str, list[InputRow]] = {"Not on file": [], "Stated by nobody": []}
    for feature in sorted(known.values(), key=lambda item: item.id):
        row = _row(feature, names)
        if feature.state == FeatureState.MISSING:
            if not _is_not_needed(feature.feature, known):
                missing["Stated by nobody" if feature.feature in QUESTION_OF_FEATURE else "Not on file"].append(row)
        else:
            groups[_group_of(feature)].append(row)
    return Inputs(_filled(groups), _filled(missing))


def _filled(groups: Mapping[str, list[InputRow]]) -> list[InputGroup]:
    return [InputGroup(title, rows) for title, rows in groups.items() if rows]


MEASURED, ANSWERED, IN_IMAGES = "Person and measured values", "Answers", "Measured in images"
IMAGE_FEATURES = {"agatston_score", "metal_in_ct"}


def _group_of(feature: SnapshotFeature) -> str:
    if feature.source_type == "MEASUREMENT" or feature.feature in IMAGE_FEATURES:
        return IN_IMAGES
    return ANSWERED if feature.feature in QUESTION_OF_FEATURE else MEASURED


def _is_not_needed(name: str, known: Mapping[str, SnapshotFeature]) -> bool:
    """What nobody missed: weight and height where the index was sent."""
    bmi = known.get("bmi_kg_m2")
    return name in {"body_weight_kg", "body_height_cm"} and bmi is not None and bmi.state == FeatureState.USED


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
        setting=_setting(feature),
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
    if feature.feature == "pce_race":
        return named(feature.value)
    return quantity_words(feature.value, feature.unit) if feature.value else ""


def _sent(feature: SnapshotFeature) -> str:
    """As the source sent it, where that is not what stands beside it."""
    if not feature.sent_unit or (
        feature.sent_unit == feature.unit and number_words(feature.value) == number_words(feature.sent_value)
    ):
        return ""
    return f"{feature.sent_value} {unit_words(feature.sent_unit)}"


def _setting(feature: SnapshotFeature) -> str:
    """Where a value was measured; an answer and an image have no setting."""
    if feature.setting in {Setting.AMBULATORY, Setting.INPATIENT, Setting.EMERGENCY}:
        return Setting(feature.setting).label.lower()
    is_measured = feature.source_type == "OBSERVATION" and feature.feature not in QUESTION_OF_FEATURE
    return Setting.UNKNOWN.label.lower() if is_measured else ""


def _source(feature: SnapshotFeature, names: Mapping[str, str]) -> str:
    kind = SOURCE_TYPES.get(feature.source_type, "")
    source = source_words(feature.source, names)
    return ", ".join(part for part in (kind, source) if part)
