"""The auditor's pages: what was done, by whom, and the proof that nobody edited it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.accounts.pages import page
from cdss.audit.actions import ACTIONS
from cdss.audit.models import AuditEntry
from cdss.audit.selectors import audit_search
from cdss.audit.services import audit_append
from cdss.audit.verifier import chain_verify

PAGE_SIZE = 50
KINDS = {"USER": "person", "API_CLIENT": "system", "SYSTEM": "this service", "ANONYMOUS": "not signed in"}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in plain words."""

    entry: AuditEntry
    words: str
    actor: str
    actor_kind: str
    identifiers: str  # of the patient it concerns
    subject: str
    outcome: str
    details: list[tuple[str, str]]
    request_id: str
    hash: str


class Patients(Protocol):
    """What the log may ask of those above it, which it does not import: `cdss.urls` hands it in."""

    def ids(self, actor: Actor, identifier: str) -> list[uuid.UUID]: ...

    def identifiers(self, actor: Actor, patient_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]: ...


@dataclass(frozen=True, slots=True)
class Search:
    """`since` and `until` are the first and the last day, as typed."""

    action: str
    patient: str
    actor: str
    since: str
    until: str
    before: int | None

    @property
    def patient_id(self) -> uuid.UUID | None:
        try:
            return uuid.UUID(self.patient)
        except ValueError:
            return None

    @property
    def is_day_wrong(self) -> bool:
        return any(text and _day(text) is None for text in (self.since, self.until))

    @property
    def start(self) -> datetime | None:
        return _day(self.since)

    @property
    def end(self) -> datetime | None:
        last = _day(self.until)
        return _day((last.date() + timedelta(days=1)).isoformat()) if last else None

    def address(self, **more: object) -> str:
        names = ("action", "patient", "actor", "since", "until")
        chosen = {name: getattr(self, name) for name in names} | more
        return urlencode({name: value for name, value in chosen.items() if value})


def _day(text: str) -> datetime | None:
    """Midnight where the hospital is; a day that no calendar or no clock has is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # A margin, so that the day after it, and each of them in UTC, can be written too.
    is_writable = date.min + timedelta(days=2) < day < date.max - timedelta(days=2)
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone()) if is_writable else None


def search_of(request: HttpRequest) -> Search:
    query = request.GET
    before = query.get("before", "")
    return Search(
        action=query.get("action", "") if query.get("action") in ACTIONS else "",
        patient=query.get("patient", "").strip().replace("\x00", ""),
        actor=query.get("actor", "").strip().replace("\x00", ""),
        since=query.get("since", "").strip(),
        until=query.get("until", "").strip(),
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
    )


@page(scopes.AUDIT_READ)
@transaction.atomic
def audit_log(request: HttpRequest, actor: Actor, patients: Patients) -> HttpResponseBase:
    search = search_of(request)
    named = _named(actor, search, patients)
    is_patient_wrong = named == []
    is_wrong = is_patient_wrong or search.is_day_wrong
    found: list[AuditEntry] = []
    if not is_wrong:
        entries = audit_search(
            actor,
            action=search.action,
            patient_ids=named,
            actor_text=search.actor,
            since=search.start,
            until=search.end,
            before=search.before,
        )
        found = list(entries[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    identifiers = patients.identifiers(actor, [entry.patient_id for entry in shown if entry.patient_id])
    context = {
        "search": search,
        "is_patient_wrong": is_patient_wrong,
        "actions": sorted(ACTIONS.items(), key=lambda item: item[1]),
        "lines": [line_of(entry, identifiers) for entry in shown],
        "next_page": search.address(before=shown[-1].seq) if len(found) > PAGE_SIZE else "",
        "first_page": search.address() if search.before else "",
    }
    response = render(request, "audit/log.html", context, status=422 if is_wrong else 200)
    filtered = [name for name in ("action", "patient", "actor", "since", "until", "before") if getattr(search, name)]
    audit_append(
        actor=actor,
        action="audit.viewed",
        subject_type="audit",
        subject_id="log",
        patient_id=named[0] if named and len(named) == 1 else None,
        details={"entries": len(shown), "filtered_by": filtered},
    )
    return response


def _named(actor: Actor, search: Search, patients: Patients) -> list[uuid.UUID] | None:
    """Whom the search names, by id or by identifier; None: everybody."""
    if not search.patient:
        return None
    by_id = [search.patient_id] if search.patient_id else []
    return [*by_id, *patients.ids(actor, search.patient)]


@page(scopes.AUDIT_READ, methods=("POST",))
def audit_verify(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Every hash of the whole log again; the verification itself leaves an entry, which the page names."""
    result = chain_verify()
    with transaction.atomic():
        seq = audit_append(
            actor=actor,
            action="audit.verified",
            subject_type="audit",
            subject_id="log",
            outcome="success" if result.is_intact else "failure",
            details={
                "entries": result.entry_count,
                "head_hash": result.head_hash,
                "intact": result.is_intact,
                "broken_at": result.broken_at_seq,
            },
        )
        entry = AuditEntry.objects.get(seq=seq)
    return render(request, "audit/verified.html", {"result": result, "entry": entry})


def line_of(entry: AuditEntry, identifiers: Mapping[uuid.UUID, str]) -> Line:
    body: dict[str, Any] = json.loads(entry.body)
    who, subject = body["actor"], body["subject"]
    return Line(
        entry=entry,
        words=ACTIONS.get(entry.action, entry.action),
        actor=who["name"],
        actor_kind=KINDS.get(who["kind"], who["kind"]),
        identifiers=identifiers.get(entry.patient_id, "") if entry.patient_id else "",
        subject=f"{subject['type'].replace('_', ' ')} {subject['id']}",
        outcome=body["outcome"],
        details=[(name.replace("_", " "), _text(value)) for name, value in body["details"].items()],
        request_id=body["request_id"] or "",
        hash=bytes(entry.hash).hex(),
    )


def _text(value: Any) -> str:
    if value is None or value == "" or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
