"""Reading the log: an auditor sees the entries of the own organisation."""

from __future__ import annotations

from django.db.models import QuerySet

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.audit.models import AuditEntry


def audit_entries_visible_to(actor: Actor) -> QuerySet[AuditEntry]:
    if not actor.may(scopes.AUDIT_READ) or actor.organisation_id is None:
        return AuditEntry.objects.none()
    return AuditEntry.objects.filter(organisation_id=actor.organisation_id).order_by("-seq")
