"""What a tried policy would change: how often, and for whom, before and after."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cdss.assessments.models import PolicyTrial, Section
from cdss.dashboard.presenters_patient import patient_name
from cdss.dashboard.presenters_policy import ROLE_WORDS, number_words
from cdss.dashboard.words import outcome_words, points_words
from patients.models import Patient

KIND_WORDS = {
    "APPEARS": "a number appears",
    "DISAPPEARS": "a number disappears",
    "NUMBER": "the number is another",
    "REFUSAL_ADDED": "a refusal appears",
    "REFUSAL_REMOVED": "a refusal is no longer said",
    "ROLE": "it stands in another place",
    "REASON": "it is refused for another reason",
    "WORDS": "the words or notes beside it change",
}


@dataclass(frozen=True, slots=True)
class CountRow:
    section: str
    outcome: str
    what: str
    count: int


@dataclass(frozen=True, slots=True)
class ChangeRow:
    number: str
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PatientChanges:
    patient_id: uuid.UUID
    name: str
    changes: list[ChangeRow]


def present_counts(trial: PolicyTrial) -> list[CountRow]:
    return [
        CountRow(
            section=Section(item["section"]).label,
            outcome=outcome_words(item["outcome"]).title,
            what=KIND_WORDS.get(item["kind"], item["kind"]),
            count=item["count"],
        )
        for item in trial.changes.get("counts", [])
    ]


def patients_listed(trial: PolicyTrial) -> list[uuid.UUID]:
    return [uuid.UUID(item["patient"]) for item in trial.changes.get("patients", [])]


def present_patients_changed(trial: PolicyTrial, patients: Mapping[uuid.UUID, Patient]) -> list[PatientChanges]:
    """Only who may still be seen: a patient who is not among `patients` is left out."""
    return [
        PatientChanges(patient_id, patient_name(patients[patient_id]), [_change(change) for change in item["changes"]])
        for item in trial.changes.get("patients", [])
        if (patient_id := uuid.UUID(item["patient"])) in patients
    ]


def _change(change: Mapping[str, Any]) -> ChangeRow:
    before, after = change["before"], change["after"]
    is_moved = bool(before and after and before["role"] != after["role"])
    return ChangeRow(
        number=number_words(change["equation"], change["outcome"], change["horizon_years"]),
        what=_what(change["kind"], before, after),
        before=_seen(before, is_moved),
        after=_seen(after, is_moved),
    )


def _what(kind: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    """A trial keeps of the words only a refusal's sentence: what else differs is named, since it cannot be printed."""
    if kind != "WORDS" or before is None or after is None:
        return KIND_WORDS.get(kind, kind)
    if before["risk"] is not None or before["score"] is not None:
        return "the guideline's words or notes beside the number change"
    return "its sentence changes" if before["sentence"] != after["sentence"] else "the notes beside the refusal change"


def _seen(seen: Mapping[str, Any] | None, is_moved: bool) -> str:
    if seen is None:
        return "not asked for"
    if seen["risk"] is not None:
        words = f"{seen['risk'] * 100:.1f} %"
    elif seen["score"] is not None:
        words = f"{points_words(seen['score'])} points"
    else:
        words = f"no number: {seen['sentence']} {seen['reason_code']}"
    return f"{words} ({ROLE_WORDS[seen['role']].lower()})" if is_moved else words
