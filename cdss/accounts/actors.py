"""Who is acting: the one argument by which services learn of a person, a machine or the system itself."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Literal

from django.contrib.auth.models import AnonymousUser

from cdss.accounts import scopes
from cdss.accounts.models import ApiClient, Role, User
from cdss.core.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Actor:
    """`organisation_id` is None only for the system acting on everybody's rows and for nobody at all."""

    kind: Literal["USER", "API_CLIENT", "SYSTEM", "ANONYMOUS"]
    identifier: str
    name: str
    organisation_id: uuid.UUID | None
    scopes: frozenset[str] = frozenset()

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    def require(self, scope: str) -> None:
        """Not allowed looks like not there."""
        if scope not in self.scopes:
            raise NotFoundError


ANONYMOUS = Actor("ANONYMOUS", "-", "nobody", None)


def system_actor(name: str, organisation_id: uuid.UUID | None = None) -> Actor:
    return Actor("SYSTEM", name, name, organisation_id, scopes.ALL)


def actor_of(user: User | ApiClient | AnonymousUser) -> Actor:
    """The actor behind `request.user`, whether a session or a token put it there."""
    if isinstance(user, User):
        granted = scopes.OF_ROLE[Role(user.role)]
        if user.may_see_genetics:
            granted |= {scopes.GENETICS_READ}
        return Actor("USER", str(user.id), user.full_name, user.organisation_id, granted)
    if isinstance(user, ApiClient):
        return Actor("API_CLIENT", str(user.id), user.name, user.organisation_id, frozenset(user.scopes))
    return ANONYMOUS
