"""How often a password may be tried: a few times for one name from one address, then a pause."""

from __future__ import annotations

import hashlib
import logging

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

from cdss.core.errors import DomainError

MOST_ATTEMPTS = 10
WINDOW_SECONDS = 300
logger = logging.getLogger(__name__)


class TooManyAttemptsError(DomainError):
    status = 429
    code = "TOO_MANY_ATTEMPTS"
    retry_after_seconds = WINDOW_SECONDS

    def __init__(self) -> None:
        super().__init__(
            f"{MOST_ATTEMPTS} passwords were tried for this name from here; nobody is signed in, also with the right "
            f"one, until {WINDOW_SECONDS // 60} minutes after the first."
        )


def attempt_begin(request: HttpRequest, username: str) -> str:
    """Count one attempt before the password is looked at, so that many at once are counted too; the counter's key.

    Without the cache nothing is counted and people can still sign in: a hospital locked out is the greater harm.
    """
    key = f"attempts:{hashlib.sha256(f'{username} {address_of(request)}'.encode()).hexdigest()}"
    try:
        cache.add(key, 0, WINDOW_SECONDS)
        attempts = cache.incr(key)
    except (RedisError, OSError, ValueError) as error:  # ValueError: the counter ran out between the two lines
        logger.warning("attempts to sign in are not counted: %s", type(error).__name__)
        return key
    if attempts > MOST_ATTEMPTS:
        raise TooManyAttemptsError
    return key


def attempts_forget(key: str) -> None:
    try:
        cache.delete(key)
    except (RedisError, OSError) as error:
        logger.warning("attempts to sign in are not forgotten: %s", type(error).__name__)


def address_of(request: HttpRequest) -> str:
    """Who knocks; behind the TLS proxy, whom the proxy saw, since everybody's address is the proxy's there."""
    if settings.SECURE_PROXY_SSL_HEADER:
        return request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip()
    return str(request.META.get("REMOTE_ADDR", ""))
