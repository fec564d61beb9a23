"""The auditor's pages: what was done, by whom, and the proof that nobody edited it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

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
    subject: str
    outcome: str
    details: list[tuple[str, str]]
    request_id: str
    hash: str


@dataclass(frozen=True, slots=True)
class Search:
    action: str
    patient: str
    actor: str
    before: int | None

    @property
    def patient_id(self) -> uuid.UUID | None:
        try:
            return uuid.UUID(self.patient)
        except ValueError:
            return None

    @property
    def is_patient_wrong(self) -> bool:
        return bool(self.patient) and self.patient_id is None

    def address(self, **more: object) -> str:
        chosen = {"action": self.action, "patient": self.patient, "actor": self.actor, **more}
        return urlencode({name: value for name, value in chosen.items() if value})


def search_of(request: HttpRequest) -> Search:
    query = request.GET
    before = query.get("before", "")
    return Search(
        action=query.get("action", "") if query.get("action") in ACTIONS else "",
        patient=query.get("patient", "").strip(),
        actor=query.get("actor", "").strip().replace("\x00", ""),
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
    )


@page(scopes.AUDIT_READ)
@transaction.atomic
def audit_log(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    search = search_of(request)
    found: list[AuditEntry] = []
    if not search.is_patient_wrong:
        entries = audit_search(
            actor,
            action=search.action,
            patient_id=search.patient_id,
            actor_text=search.actor,
            before=search.before,
        )
        found = list(entries[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    context = {
        "search": search,
        "actions": sorted(ACTIONS.items(), key=lambda item: item[1]),
        "lines": [line_of(entry) for entry in shown],
        "next_page": search.address(before=shown[-1].seq) if len(found) > PAGE_SIZE else "",
        "first_page": search.address() if search.before else "",
    }
    response = render(request, "audit/log.html", context, status=422 if search.is_patient_wrong else 200)
    filtered = [name for name in ("action", "patient", "actor", "before") if getattr(search, name)]
    audit_append(
        actor=actor,
        action="audit.viewed",
        subject_type="audit",
        subject_id="log",
        patient_id=search.patient_id,
        details={"entries": len(shown), "filtered_by": filtered},
    )
    return response


@page(scopes.AUDIT_READ, methods=("POST",))
def audit_verify(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Every hash of the whole log again; the verification itself leaves an entry."""
    result = chain_verify()
    with transaction.atomic():
        response = render(request, "audit/verified.html", {"result": result})
        audit_append(
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
    return response


def line_of(entry: AuditEntry) -> Line:
    body: dict[str, Any] = json.loads(entry.body)
    who, subject = body["actor"], body["subject"]
    return Line(
        entry=entry,
        words=ACTIONS.get(entry.action, entry.action),
        actor=who["name"],
        actor_kind=KINDS.get(who["kind"], who["kind"]),
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
