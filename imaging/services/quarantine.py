"""An authorised person decides about an object kept apart: it is this patient's, or it is rejected."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models.functions import Now

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.audit.services import audit_append
from cdss.core.errors import ConflictError, DomainError, NotFoundError
from imaging.dicom import header_read
from imaging.models import Quarantine, QuarantineReason, QuarantineState
from imaging.services.ingest import instance_link
from imaging.storage import object_path


class CommentMissingError(DomainError):
    status = 422
    code = "COMMENT_MISSING"


@transaction.atomic
def quarantine_resolve(*, actor: Actor, quarantine_id: uuid.UUID, link: bool, comment: str) -> Quarantine:
    """Link the object to the patient its identifier belongs to, or reject it; either way it stays on record."""
    actor.require(scopes.QUARANTINE_RESOLVE)
    rows = Quarantine.objects.select_for_update(of=("self",)).select_related("patient", "organisation")
    row = rows.filter(id=quarantine_id, organisation_id=actor.organisation_id).first()
    if row is None:
        raise NotFoundError
    if row.state != QuarantineState.OPEN:
        raise ConflictError(f"This was already decided by {row.resolved_by}.", code="ALREADY_RESOLVED")
    if not comment.strip():
        raise CommentMissingError("Say in a few words how you know.", field="comment")
    if link:
        if row.reason != QuarantineReason.IDENTITY_MISMATCH or row.patient is None:
            raise ConflictError("Only an object kept apart for its patient's identity can be linked.", code="NOT_LINKABLE")
        instance_link(quarantine=row, patient=row.patient, header=header_read(object_path(bytes(row.sha256))))
    row.state = QuarantineState.LINKED if link else QuarantineState.REJECTED
    row.resolved_by = actor.name
    row.resolution_comment = comment.strip()
    Quarantine.objects.filter(id=row.id).update(
        state=row.state, resolved_by=row.resolved_by, resolution_comment=row.resolution_comment, resolved_at=Now()
    )
    audit_append(
        actor=actor,
        action="quarantine.resolved",
        subject_type="quarantine",
        subject_id=row.id,
        patient_id=row.patient_id,
        organisation_id=row.organisation_id,
        details={"decision": row.state, "reason": row.reason, "sha256": bytes(row.sha256).hex()},
    )
    return row
