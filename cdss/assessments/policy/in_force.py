"""Which policy an organisation has, since when and by whom; until it adopts one, the default."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.assessments.models import PolicyTrial, PolicyVersion
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.document import PolicyDocumentError, policy_applied, policy_sha256
from cdss.assessments.policy.table import Policy
from cdss.core.errors import NotFoundError

DEFAULT_SHA256 = policy_sha256(DEFAULT_POLICY)


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """`version` is what a record names; `number` counts the organisation's own versions, 0 is the default.

    Carried over: adopted under another default of the product, the organisation's own choices now hold on the present
    one. `sha256` is of the policy as it is applied.
    """

    policy: Policy
    version: str
    sha256: str
    number: int = 0
    since: datetime | None = None
    author_name: str = ""
    reason: str = ""
    is_carried_over: bool = False


def policy_current(organisation_id: uuid.UUID) -> PolicyInForce:
    newest = PolicyVersion.objects.filter(organisation_id=organisation_id).order_by("-number").first()
    if newest is None:
        return PolicyInForce(DEFAULT_POLICY, DEFAULT_POLICY.version, DEFAULT_SHA256)
    policy, sha256, is_carried_over = policy_applied(newest.body)
    return PolicyInForce(
        policy,
        f"{policy.version}.{newest.number}" + (" carried over" if is_carried_over else ""),
        sha256,
        newest.number,
        newest.recorded_at,
        newest.author_name,
        newest.reason,
        is_carried_over,
    )


def policies_sha256() -> dict[uuid.UUID, str]:
    """Of the policy that is applied in every organisation that has adopted one."""
    newest = PolicyVersion.objects.order_by("organisation_id", "-number").distinct("organisation_id")
    return {version.organisation_id: _sha256_of(version) for version in newest}


def _sha256_of(version: PolicyVersion) -> str:
    try:
        return policy_applied(version.body)[1]
    except PolicyDocumentError:
        return version.sha256  # nothing can be assessed under it, which every assessment says


def policy_lock(organisation_id: uuid.UUID, *, is_shared: bool) -> None:
    """Held until commit: records are written beside each other, an adoption waits for them and they for it."""
    function = "pg_advisory_xact_lock_shared" if is_shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [f"policy:{organisation_id}"])


def policy_current_visible_to(actor: Actor) -> PolicyInForce:
    actor.require(scopes.POLICY_READ)
    if actor.organisation_id is None:
        raise NotFoundError
    return policy_current(actor.organisation_id)


def policy_history(actor: Actor) -> QuerySet[PolicyVersion]:
    """The organisation's own versions, newest first."""
    if not actor.may(scopes.POLICY_READ) or actor.organisation_id is None:
        return PolicyVersion.objects.none()
    return PolicyVersion.objects.filter(organisation_id=actor.organisation_id).order_by("-number")


def policy_trials_visible_to(actor: Actor) -> QuerySet[PolicyTrial]:
    """Trials name patients: only who may change the policy reads them."""
    if not actor.may(scopes.POLICY_WRITE) or actor.organisation_id is None:
        return PolicyTrial.objects.none()
    return PolicyTrial.objects.filter(organisation_id=actor.organisation_id).order_by("-created_at")
