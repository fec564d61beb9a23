"""Writing the log. Call it last in the transaction of the act: its lock is held until commit.

Two rows follow an entry, knowingly. The stored answer of an `Idempotency-Key` (`cdss/accounts/idempotency.py`) can only
be written when the act has answered. And an image of a patient nobody knew makes the patient first, which is an act
with an entry of its own; the image's few inserts follow in the same transaction, which keeps both or neither.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import connection

from cdss.accounts.actors import Actor
from cdss.audit.actions import ACTIONS
from cdss.audit.canonical import canonical_json
from cdss.core.logging import request_id


def audit_append(
    *,
    actor: Actor,
    action: str,
    subject_type: str,
    subject_id: object,
    organisation_id: uuid.UUID | None = None,
    patient_id: uuid.UUID | None = None,
    outcome: str = "success",
    details: Mapping[str, Any] | None = None,
) -> int:
    """Append one entry and return its number. `details` holds ids, codes, hashes, counts: never a name or a value."""
    if action not in ACTIONS:
        raise ValueError(f"{action!r} is not a registered audit action")
    organisation = organisation_id or actor.organisation_id
    body = {
        "version": 1,
        "action": action,
        "actor": {"kind": actor.kind, "id": actor.identifier, "name": actor.name},
        "organisation": str(organisation) if organisation else None,
        "subject": {"type": subject_type, "id": str(subject_id)},
        "patient": str(patient_id) if patient_id else None,
        "request_id": request_id.get(),
        "outcome": outcome,
        "details": dict(details or {}),
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_append(%s)", [canonical_json(body)])
        return int(cursor.fetchone()[0])
