"""The door of every page: who is not signed in signs in first, and a page one may not open is not there."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from cdss.accounts.actors import Actor, actor_of
from cdss.accounts.models import User
from cdss.core.errors import NotFoundError

MOST_BACK = 2000
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
    if request.headers.get("HX-Request"):
        # A fragment cannot show a sign-in page: the whole window goes there, and comes back to where it was.
        response = HttpResponse(status=401)
        response["HX-Redirect"] = reverse("sign-in")
        return response
    back = urlencode({"next": request.get_full_path()}) if request.method in {"GET", "HEAD"} else ""
    # Django refuses to send anybody to an address beyond 2048 characters; who came from a longer one starts afresh.
    return redirect(f"{reverse('sign-in')}?{back}" if 0 < len(back) < MOST_BACK else reverse("sign-in"))
