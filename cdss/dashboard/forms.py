"""What a submitted form says, before any service is asked; what was typed is kept to be shown again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.http import QueryDict

from cdss.assessments.models import ReviewKind, WorklistState


def typed(values: QueryDict, name: str) -> str:
    """One value without white space around it, and without NUL, which no database keeps."""
    return values.get(name, "").replace("\x00", "").strip()


VERDICT = "verdict-"


@dataclass(frozen=True, slots=True)
class ReviewForm:
    """`key` makes a form sent twice one answer; `seen_review` is the newest answer the page showed, "" for none."""

    kind: str
    reason: str
    comment: str
    key: str | None
    seen_review: str = ""

    @classmethod
    def of(cls, posted: QueryDict) -> ReviewForm:
        return cls(
            kind=typed(posted, "kind"),
            reason=typed(posted, "reason"),
            comment=typed(posted, "comment"),
            key=typed(posted, "key")[:64] or None,  # the page's own is a UUID; an index holds no page of text
            seen_review=typed(posted, "seen_review"),
        )

    @property
    def is_override(self) -> bool:
        return self.kind == ReviewKind.OVERRIDE


@dataclass(frozen=True, slots=True)
class CalciumForm:
    """`seen_reading` is the newest reading that the page showed; 0: none. `is_metal`: instead of a score."""

    verdicts: dict[str, str]
    attests_gated_whole_heart: bool
    attests_no_metal: bool
    attests_large_structures_not_coronary: bool
    metal: list[str]
    is_metal: bool
    seen_reading: int

    @classmethod
    def of(cls, posted: QueryDict) -> CalciumForm:
        verdicts = {
            name.removeprefix(VERDICT): str(value)
            for name, value in posted.items()
            if name.startswith(VERDICT) and value
        }
        seen = typed(posted, "seen_reading")
        return cls(
            verdicts=verdicts,
            attests_gated_whole_heart="attests_gated_whole_heart" in posted,
            attests_no_metal="attests_no_metal" in posted,
            attests_large_structures_not_coronary="attests_large_structures_not_coronary" in posted,
            metal=[kind.replace("\x00", "") for kind in posted.getlist("metal")],
            is_metal=typed(posted, "reading") == "METAL",
            seen_reading=int(seen) if seen.isdecimal() and len(seen) < 6 else 0,
        )


@dataclass(frozen=True, slots=True)
class WorklistQuery:
    """Filters and place of the worklist, as they stand in the address."""

    state: str
    text: str
    after: tuple[datetime, uuid.UUID] | None

    @classmethod
    def of(cls, query: QueryDict) -> WorklistQuery:
        state = query.get("state", WorklistState.NEW)
        known = {*WorklistState.values, "ALL"}
        return cls(state if state in known else WorklistState.NEW, typed(query, "q"), _place(query.get("after", "")))

    @property
    def state_filter(self) -> str:
        return "" if self.state == "ALL" else self.state

    def address(self, **more: str) -> str:
        return urlencode({"state": self.state, **({"q": self.text} if self.text else {}), **more})


def _place(text: str) -> tuple[datetime, uuid.UUID] | None:
    """`2026-11-23T19:58:53+00:00,<patient>`; a place that cannot be read is the first page."""
    since, _, patient_id = text.partition(",")
    identifier = uuid_or_none(patient_id)
    try:
        at = datetime.fromisoformat(since)
        # In UTC: Python reads offsets that PostgreSQL refuses.
        return (at.astimezone(UTC), identifier) if identifier and at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def uuid_or_none(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
