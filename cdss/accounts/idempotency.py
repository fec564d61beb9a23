"""`Idempotency-Key`: the same request sent twice is one act, also when both arrive at the same moment.

The stored answer is the one row written after the act's audit entry, in the same transaction: it holds what the act
answered, which is not known before. The log's lock is held for that single insert longer.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cdss.accounts.actors import Actor, actor_of
from cdss.accounts.models import IdempotentRequest
from cdss.core.errors import DomainError, NotFoundError

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

Handler = Callable[..., Response]


class IdempotencyKeyError(DomainError):
    status = 400
    code = "IDEMPOTENCY_KEY_INVALID"


class IdempotencyKeyReusedError(DomainError):
    status = 422
    code = "IDEMPOTENCY_KEY_REUSED"


def idempotency_key(request: Request) -> str | None:
    """The key the caller chose, or None when it chose none."""
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise IdempotencyKeyError(f"{HEADER} is 1 to 255 printable ASCII characters without spaces.", field=HEADER)
    return key


def idempotent(handler: Handler) -> Handler:
    """Decorate a view's `post`: with a key, the act and its answer are written in one transaction, once."""

    @functools.wraps(handler)
    def once(view: APIView, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = idempotency_key(request)
        if key is None:
            return handler(view, request, *args, **kwargs)
        actor = actor_of(request.user)
        with transaction.atomic():
            _wait_for_turn(actor, key)
            known = IdempotentRequest.objects.filter(actor_identifier=actor.identifier, key=key).first()
            if known is not None:
                return _replay(known, request)
            response = handler(view, request, *args, **kwargs)
            if response.status_code < 400:
                _remember(actor, key, request, response)
            else:
                transaction.set_rollback(True)
        return response

    return once


def _wait_for_turn(actor: Actor, key: str) -> None:
    """Held until commit: whoever sends the same key meanwhile waits here, and then finds the answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [f"{actor.identifier} {key}"])


def _method_and_path(request: Request) -> str:
    return f"{request.method} {request.get_full_path()}"


def _request_sha256(request: Request) -> bytes:
    return hashlib.sha256(request.body).digest()


def _replay(known: IdempotentRequest, request: Request) -> Response:
    same = (_method_and_path(request), _request_sha256(request))
    if (known.method_and_path, bytes(known.request_sha256)) != same:
        sentence = f"This {HEADER} was used for another request; nothing was done. Choose a new key for a new act."
        raise IdempotencyKeyReusedError(sentence, field=HEADER)
    body: Any = json.loads(known.response_body)
    return Response(body, status=known.response_status, headers={REPLAYED_HEADER: "true"})


def _remember(actor: Actor, key: str, request: Request, response: Response) -> None:
    if actor.organisation_id is None:  # nobody of no organisation passes the permission check
        raise NotFoundError
    IdempotentRequest.objects.create(
        organisation_id=actor.organisation_id,
        actor_identifier=actor.identifier,
        key=key,
        method_and_path=_method_and_path(request),
        request_sha256=_request_sha256(request),
        response_status=response.status_code,
        response_body=JSONRenderer().render(response.data).decode(),
    )
