"""Who waits for an answer, and the list of all patients."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.accounts.pages import page
from cdss.assessments.models import WorklistEntry, WorklistState
from cdss.assessments.selectors import superseded_notices, worklist_filtered, worklist_mark, worklist_page
from cdss.assessments.selectors import worklist as worklist_entries
from cdss.audit.services import audit_append
from cdss.dashboard.forms import WorklistQuery, typed, uuid_or_none
from cdss.dashboard.presenters_worklist import present_notices, present_patients, present_worklist
from patients.selectors import patients_page

PAGE_SIZE = 25
POLL_TIMES = 120  # of 5 seconds; a list that did not change for ten minutes stops asking
FILTERS = [*WorklistState.choices, ("ALL", "All")]


@page()
@transaction.atomic
def worklist(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    if not actor.may(scopes.ASSESSMENTS_READ):
        return redirect("audit-log" if actor.may(scopes.AUDIT_READ) else "about-release")
    query = WorklistQuery.of(request.GET)
    found = worklist_page(actor, state=query.state_filter, text=query.text, after=query.after, size=PAGE_SIZE)
    context = {
        "query": query,
        "filters": FILTERS,
        "found": found,
        "rows": present_worklist(found.entries, timezone.now()),
        "notices": present_notices(superseded_notices(actor)[:5]),
        "next_page": _next(query, found.entries[-1]) if found.has_more else "",
        "first_page": query.address() if query.after else "",
        "poll": query.address(mark=found.mark),
    }
    response = render(request, "dashboard/worklist.html", context)
    _listed_append(actor, "worklist", len(found.entries))
    return response


@page(scopes.ASSESSMENTS_READ)
def worklist_changes(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """The fragment that says when the list has changed. It never moves rows under somebody's hand."""
    query = WorklistQuery.of(request.GET)
    _, mark = worklist_mark(worklist_filtered(actor, state=query.state_filter, text=query.text))
    asked = request.GET.get("asked", "")
    times = int(asked) + 1 if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    context = {
        "is_changed": mark != request.GET.get("mark"),
        "is_stopped": times >= POLL_TIMES,
        "address": query.address(),
        "poll": query.address(mark=mark, asked=str(times)),
    }
    return render(request, "dashboard/_worklist_changes.html", context)


@page(scopes.PATIENTS_READ)
@transaction.atomic
def patients(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Everybody, by name: also those without a record yet."""
    text = typed(request.GET, "q")
    rows, has_more = patients_page(actor, text=text, after=uuid_or_none(request.GET.get("after", "")), size=PAGE_SIZE)
    entries = worklist_entries(actor, state="").filter(patient__in=[row.id for row in rows])
    context = {
        "text": text,
        "rows": present_patients(rows, entries, timezone.now()),
        "next_after": rows[-1].id if has_more else None,
        "is_first": "after" not in request.GET,
    }
    response = render(request, "dashboard/patients.html", context)
    _listed_append(actor, "patients", len(rows))
    return response


def _next(query: WorklistQuery, last: WorklistEntry) -> str:
    return query.address(after=f"{last.waiting_since.isoformat()},{last.patient_id}")


def _listed_append(actor: Actor, view: str, count: int) -> None:
    audit_append(actor=actor, action="patients.listed", subject_type="view", subject_id=view, details={"count": count})
