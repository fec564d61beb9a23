"""Reading the log: an auditor sees the entries of the own organisation."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from django.db.models import JSONField, Q, QuerySet
from django.db.models.functions import Cast

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.audit.models import AuditEntry


def audit_entries_visible_to(actor: Actor) -> QuerySet[AuditEntry]:
    if not actor.may(scopes.AUDIT_READ) or actor.organisation_id is None:
        return AuditEntry.objects.none()
    return AuditEntry.objects.filter(organisation_id=actor.organisation_id).order_by("-seq")


def audit_search(
    actor: Actor,
    *,
    action: str = "",
    patient_ids: Collection[uuid.UUID] | None = None,
    actor_text: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
) -> QuerySet[AuditEntry]:
    """Entries newest first; `actor_text` is part of the acting person's or system's name, or the whole id.

    `patient_ids` None is everybody; entries are of `since` and later, and before `until`.
    """
    entries = audit_entries_visible_to(actor)
    if action:
        entries = entries.filter(action=action)
    if patient_ids is not None:
        entries = entries.filter(patient_id__in=patient_ids)
    if since is not None:
        entries = entries.filter(recorded_at__gte=since)
    if until is not None:
        entries = entries.filter(recorded_at__lt=until)
    if actor_text.strip():
        parsed = entries.annotate(parsed=Cast("body", JSONField()))
        wanted = actor_text.strip()
        entries = parsed.filter(Q(parsed__actor__name__icontains=wanted) | Q(parsed__actor__id=wanted))
    return entries.filter(seq__lt=before) if before is not None else entries


def audit_seq_of(*, patient_id: uuid.UUID, action: str, subject_id: uuid.UUID) -> int | None:
    """The number of the entry that an act on one subject left."""
    entries = AuditEntry.objects.filter(patient_id=patient_id, action=action, body__contains=f'"id":"{subject_id}"')
    return entries.order_by("-seq").values_list("seq", flat=True).first()
