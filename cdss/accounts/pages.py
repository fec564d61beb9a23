"""The door of every page: who is not signed in signs in first, and a page one may not open is not there."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from cdss.accounts.actors import Actor, actor_of
from cdss.accounts.models import User
from cdss.core.errors import NotFoundError

MOST_BACK = 2000
FORM = ("GET", "HEAD", "POST")  # of an address that a form is sent to: opened, it leads to the page of the form
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
PageView = Callable[Concatenate[HttpRequest, Actor, P], HttpResponseBase]


def page(*scopes: str, methods: tuple[str, ...] = ("GET", "HEAD")) -> Callable[[PageView[P]], View[P]]:
    """The view receives the actor behind the session, who has at least one of `scopes`."""

    def decorate(view: PageView[P]) -> View[P]:
        @require_http_methods(list(methods))
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            user = request.user
            if not isinstance(user, User):
                return _to_sign_in(request)
            actor = actor_of(user)
            if scopes and not any(actor.may(scope) for scope in scopes):
                raise NotFoundError
            with timezone.override(ZoneInfo(user.organisation.time_zone)):  # times on screen are the hospital's
                return view(request, actor, *args, **kwargs)

        return guarded

    return decorate


def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """To sign in and back to the page one was on; who sent something is told that it was not recorded."""
    is_sent = request.method not in {"GET", "HEAD"}
    is_fragment = bool(request.headers.get("HX-Request"))
    back = _page_of(request) if is_sent or is_fragment else request.get_full_path()
    query = urlencode({**({"next": back} if back else {}), **({"ended": "1"} if is_sent else {})})
    # Django refuses to send anybody to an address beyond 2048 characters; who came from a longer one starts afresh.
    if len(query) >= MOST_BACK:
        query = "ended=1" if is_sent else ""
    address = f"{reverse('sign-in')}?{query}" if query else reverse("sign-in")
    if is_fragment:
        # A fragment cannot show a sign-in page: the whole window goes there, and comes back to where it was.
        return HttpResponse(status=401, headers={"HX-Redirect": address})
    return redirect(address)


def _page_of(request: HttpRequest) -> str:
    """The page that a form or a fragment stood on, when it is one of ours; what a browser claims is checked."""
    named = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    if not url_has_allowed_host_and_scheme(named, {request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(named)
    address = urlunsplit(("", "", parts.path, parts.query, ""))
    # `//host` as a path would be another host; signing in again after signing in leads nowhere.
    is_ours = url_has_allowed_host_and_scheme(address, None) and address != reverse("sign-in")
    return address if is_ours else ""
