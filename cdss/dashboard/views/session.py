"""Signing in and out; the log has every attempt, and never what was typed."""

from __future__ import annotations

from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from cdss.accounts import scopes
from cdss.accounts.actors import ANONYMOUS, Actor, actor_of
from cdss.accounts.models import User
from cdss.audit.services import audit_append
from cdss.dashboard.forms import typed

REFUSED = "The user name or the password is not right, or the account is closed."


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponseBase:
    goal = request.POST.get("next", request.GET.get("next", ""))
    if request.method != "POST":
        if isinstance(request.user, User):
            return _see_other(_after_sign_in(request, actor_of(request.user), goal))
        return render(request, "dashboard/sign_in.html", {"next": goal, "is_ended": "ended" in request.GET})
    username = typed(request.POST, "username")
    user = authenticate(request, username=username, password=request.POST.get("password", ""))
    if not isinstance(user, User):
        _refused_append(username)
        context = {"next": goal, "username": username, "error": REFUSED}
        return render(request, "dashboard/sign_in.html", context, status=422)
    with transaction.atomic():
        login(request, user)
        actor = actor_of(user)
        audit_append(actor=actor, action="session.started", subject_type="user", subject_id=user.id)
    return _see_other(_after_sign_in(request, actor, goal))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    with transaction.atomic():
        actor = actor_of(request.user)
        logout(request)
        if actor.kind == "USER":
            audit_append(actor=actor, action="session.ended", subject_type="user", subject_id=actor.identifier)
    return _see_other(reverse("sign-in"))


def home_of(actor: Actor) -> str:
    """Where each role's work begins."""
    for scope, name in ((scopes.AUDIT_READ, "audit-log"), (scopes.QUARANTINE_RESOLVE, "quarantine")):
        if actor.may(scope):
            return reverse(name)
    return reverse("worklist")


@transaction.atomic
def _refused_append(username: str) -> None:
    """A known user's organisation sees the attempt; of an unknown name nothing is kept."""
    known = User.objects.filter(username=username).first()
    audit_append(
        actor=ANONYMOUS,
        action="session.refused",
        subject_type="user",
        subject_id=known.id if known else "unknown",
        organisation_id=known.organisation_id if known else None,
        outcome="failure",
    )


def _after_sign_in(request: HttpRequest, actor: Actor, goal: str) -> str:
    is_ours = url_has_allowed_host_and_scheme(goal, {request.get_host()}, require_https=request.is_secure())
    return goal if goal and goal != "/" and is_ours else home_of(actor)


def _see_other(address: str) -> HttpResponse:
    """Quoted: a line end in the address to return to must neither break the answer nor become a header of it."""
    return HttpResponse(status=303, headers={"Location": iri_to_uri(address)})
