"""Images kept apart, a study at a time: who they say they are of, beside whom the identifier belongs to."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from cdss.dashboard.words import date_words
from imaging.models import Instance, Quarantine, QuarantineReason, QuarantineState
from patients.models import Patient


@dataclass(frozen=True, slots=True)
class Compared:
    """One item of an identity, stated and recorded."""

    title: str
    stated: str
    recorded: str
    is_different: bool


@dataclass(slots=True)
class QuarantineRow:
    """Images of one study that name the same person for the same reason; `item` is the first of them."""

    item: Quarantine
    stored: Instance | None  # what has the UID already
    reason: str
    compared: list[Compared]
    can_link: bool
    state_words: str
    ids: set[uuid.UUID] = field(default_factory=set)
    comment: str = ""
    error: str = ""


def present_quarantine(
    items: Iterable[Quarantine], stored: Mapping[str, Instance] | None = None
) -> list[QuarantineRow]:
    """`stored` by UID: the object whose UID one that is kept apart uses again."""
    rows: dict[tuple[object, ...], QuarantineRow] = {}
    for item in items:
        stated = tuple(sorted(item.stated_identity.items()))
        key = (item.study_instance_uid, item.reason, item.patient_id, stated, item.state, item.resolution_comment)
        rows.setdefault(key, _row(item, (stored or {}).get(item.sop_instance_uid))).ids.add(item.id)
    return list(rows.values())


def _row(item: Quarantine, same_uid: Instance | None) -> QuarantineRow:
    is_reused = item.reason == QuarantineReason.UID_CONFLICT and same_uid is not None
    recorded = same_uid.series.study.patient if is_reused and same_uid else item.patient
    return QuarantineRow(
        item=item,
        stored=same_uid if is_reused else None,
        reason=QuarantineReason(item.reason).label,
        compared=_compared(item, recorded),
        can_link=item.reason == QuarantineReason.IDENTITY_MISMATCH and item.patient is not None,
        state_words=QuarantineState(item.state).label,
    )


def _compared(item: Quarantine, patient: Patient | None) -> list[Compared]:
    stated, recorded = item.stated_identity, _recorded(patient)
    items = (
        ("Identifier", stated.get("value"), recorded.get("identifier")),
        ("Family name", stated.get("family_name"), recorded.get("family_name")),
        ("Given name", stated.get("given_name"), recorded.get("given_name")),
        ("Birth date", _stated_date(stated.get("birth_date")), recorded.get("birth_date")),
        ("Sex", stated.get("sex"), recorded.get("sex")),
    )
    return [
        Compared(title, str(said or ""), known or "", title.lower() in item.differences) for title, said, known in items
    ]


def _recorded(patient: Patient | None) -> dict[str, str]:
    if patient is None:
        return {}
    return {
        "identifier": ", ".join(identifier.value for identifier in patient.identifiers.all()),
        "family_name": patient.family_name,
        "given_name": patient.given_name,
        "birth_date": date_words(patient.birth_date),
        "sex": patient.sex,
    }


def _stated_date(text: str | None) -> str:
    return date_words(date.fromisoformat(text)) if text else ""
