"""Making accounts. Tokens are shown once, when they are made."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from cdss.accounts import scopes as known
from cdss.accounts.models import ApiClient, Organisation, Role, User
from cdss.core.errors import DomainError

TOKEN_PREFIX = "cdss_"  # noqa: S105  it makes a leaked token recognisable


class UnknownScopeError(DomainError):
    code = "UNKNOWN_SCOPE"


class UnknownTimeZoneError(DomainError):
    code = "UNKNOWN_TIME_ZONE"


def organisation_create(*, name: str, slug: str, time_zone: str, region: str) -> Organisation:
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UnknownTimeZoneError(
            f"{time_zone!r} is not a time zone of the IANA database.", field="time_zone"
        ) from error
    return Organisation.objects.create(name=name, slug=slug, time_zone=time_zone, region=region)


@transaction.atomic
def user_create(
    *,
    organisation: Organisation,
    username: str,
    full_name: str,
    role: Role,
    password: str,
    may_see_genetics: bool = False,
    is_demonstration: bool = False,
) -> User:
    user = User(
        organisation=organisation,
        username=username,
        full_name=full_name,
        role=role,
        may_see_genetics=may_see_genetics,
        is_demonstration=is_demonstration,
    )
    validate_password(password, user)
    user.set_password(password)
    user.save()
    return user


def api_client_create(
    *, organisation: Organisation, name: str, scopes: Iterable[str], expires_at: datetime | None = None
) -> tuple[ApiClient, str]:
    """The client and its token; the token cannot be read again."""
    wanted = sorted(set(scopes))
    if unknown := set(wanted) - known.GRANTABLE_TO_INTEGRATION:
        raise UnknownScopeError(f"Not scopes an API client can have: {', '.join(sorted(unknown))}.", field="scopes")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    client = ApiClient.objects.create(
        organisation=organisation, name=name, token_sha256=token_digest(token), scopes=wanted, expires_at=expires_at
    )
    return client, token


def token_digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
