"""Objects kept apart: an authorised person sees who they claim to be of, and decides."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.accounts.pages import FORM, page
from cdss.audit.services import audit_append
from cdss.core.errors import DomainError, NotFoundError
from cdss.dashboard.forms import typed
from cdss.dashboard.presenters_quarantine import present_quarantine
from imaging.models import QuarantineReason, QuarantineState
from imaging.selectors import instances_stored, quarantine_visible_to
from imaging.services.quarantine import quarantine_resolve

LINK, REJECT = "link", "reject"
MOST = 50


class NoDecisionError(DomainError):
    status = 422
    code = "DECISION_MISSING"


@page(scopes.QUARANTINE_RESOLVE)
@transaction.atomic
def quarantine(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    return _render(request, actor)


@page(scopes.QUARANTINE_RESOLVE, methods=FORM)
def quarantine_decide(request: HttpRequest, actor: Actor, quarantine_id: uuid.UUID) -> HttpResponseBase:
    if request.method != "POST":
        return HttpResponse(status=303, headers={"Location": reverse("quarantine")})
    decision, comment = typed(request.POST, "decision"), typed(request.POST, "comment")
    try:
        if decision not in {LINK, REJECT}:
            raise NoDecisionError("Link the object or reject it: one of the two.")
        quarantine_resolve(actor=actor, quarantine_id=quarantine_id, link=decision == LINK, comment=comment)
    except NotFoundError:
        raise
    except DomainError as error:
        with transaction.atomic():
            return _render(request, actor, refused=(quarantine_id, comment, error))
    return HttpResponse(status=303, headers={"Location": reverse("quarantine")})


def _render(
    request: HttpRequest, actor: Actor, refused: tuple[uuid.UUID, str, DomainError] | None = None
) -> HttpResponse:
    visible = quarantine_visible_to(actor).prefetch_related("patient__identifiers")
    items = list(visible.filter(state=QuarantineState.OPEN).order_by("received_at", "id"))
    reused = [item.sop_instance_uid for item in items if item.reason == QuarantineReason.UID_CONFLICT]
    waiting = present_quarantine(items, instances_stored(actor, reused) if reused else {})
    decided = visible.exclude(state=QuarantineState.OPEN).order_by("-resolved_at", "id")[:500]
    rows = waiting[:MOST]
    for row in rows:
        if refused and refused[0] in row.ids:
            row.comment, row.error = refused[1], refused[2].sentence
    is_elsewhere = refused is not None and not any(row.error for row in rows)
    context = {
        "rows": rows,
        "has_more": len(waiting) > MOST,
        "decided": present_quarantine(decided)[:10],
        "page_error": refused[2].sentence if refused and is_elsewhere else "",
    }
    response = render(request, "dashboard/quarantine.html", context, status=refused[2].status if refused else 200)
    audit_append(
        actor=actor,
        action="patients.listed",
        subject_type="view",
        subject_id="quarantine",
        details={"count": len(rows)},
    )
    return response
