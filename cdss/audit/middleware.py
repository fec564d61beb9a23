"""Who was refused, and what: one entry for each address that somebody asked for and may not have."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from redis.exceptions import RedisError

from cdss.accounts.actors import Actor, actor_of
from cdss.accounts.attempts import address_of
from cdss.audit.services import audit_append

# Not allowed looks like not there: a 404 of an address that exists is somebody asking for what is not theirs, or gone.
REFUSED = frozenset({401, 403, 404, 429})
MOST_OF_NOBODY, WINDOW_SECONDS = 10, 300
logger = logging.getLogger(__name__)


class RefusedAccessMiddleware:
    """Anybody can ask without an account: of one address, ten such entries in five minutes are enough to see it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        match = request.resolver_match
        if response.status_code in REFUSED and match is not None:
            actor = actor_of(request.user)
            if actor.kind != "ANONYMOUS" or _is_among_the_first(request):
                _append(actor, match.view_name or "unnamed", match.kwargs, request, response.status_code)
        return response


def _append(actor: Actor, view_name: str, asked: dict[str, Any], request: HttpRequest, status: int) -> None:
    """Best effort: what is refused stays refused when the log cannot be written."""
    try:
        with transaction.atomic():
            audit_append(
                actor=actor,
                action="access.refused",
                subject_type=view_name,
                subject_id=" ".join(map(_named, asked.values())) or "-",
                outcome="failure",
                details={"status": status, "method": request.method or ""},
            )
    except DatabaseError as error:
        logger.warning("a refused access is not in the log: %s", type(error).__name__)


def _named(value: object) -> str:
    """Our own ids as they are; an identifier from outside, a UID say, by its hash, which who knows it can compare."""
    if isinstance(value, uuid.UUID | int):
        return str(value)
    return f"sha256:{hashlib.sha256(str(value).encode()).hexdigest()}"


def _is_among_the_first(request: HttpRequest) -> bool:
    key = f"refused:{address_of(request)}"
    try:
        cache.add(key, 0, WINDOW_SECONDS)
        return cache.incr(key) <= MOST_OF_NOBODY
    except (RedisError, OSError, ValueError) as error:  # ValueError: the counter ran out between the two lines
        logger.warning("refused accesses are not counted: %s", type(error).__name__)
        return True
