"""An authorised person decides about an object kept apart: it is this patient's, or it is rejected."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.audit.services import audit_append
from cdss.core.errors import ConflictError, DomainError, NotFoundError
from imaging.dicom import InstanceRefusedError, header_read
from imaging.models import Quarantine, QuarantineReason, QuarantineState
from imaging.services.ingest import instance_link
from imaging.storage import object_path

MAX_COMMENT_LENGTH = 4000


class CommentMissingError(DomainError):
    status = 422
    code = "COMMENT_MISSING"


@transaction.atomic
def quarantine_resolve(*, actor: Actor, quarantine_id: uuid.UUID, link: bool, comment: str) -> Quarantine:
    """Link the object to the patient its identifier belongs to, or reject it; either way it stays on record.

    A study is hundreds of objects and one question: the decision holds for all that wait with the same answer to it.
    """
    actor.require(scopes.QUARANTINE_RESOLVE)
    rows = Quarantine.objects.select_for_update(of=("self",)).select_related("patient", "organisation")
    rows = rows.filter(organisation=actor.organisation_id)
    row = rows.filter(id=quarantine_id).first()
    if row is None:
        raise NotFoundError
    if row.state != QuarantineState.OPEN:
        raise ConflictError(f"This was already decided by {row.resolved_by}.", code="ALREADY_RESOLVED")
    if not comment.strip():
        raise CommentMissingError("Say in a few words how you know.", field="comment")
    if len(comment) > MAX_COMMENT_LENGTH:
        sentence = f"The comment is longer than {MAX_COMMENT_LENGTH} characters; nothing was decided."
        raise CommentMissingError(sentence, code="COMMENT_TOO_LONG", field="comment")
    row.state = QuarantineState.LINKED if link else QuarantineState.REJECTED
    row.resolved_by, row.resolution_comment = actor.name, comment.strip()
    decided = [row, *_alike(rows, row)]
    if link:
        decided = [item for item in decided if _link(item, is_named=item is row)]
    Quarantine.objects.filter(id__in=[item.id for item in decided]).update(
        state=row.state, resolved_by=row.resolved_by, resolution_comment=row.resolution_comment, resolved_at=Now()
    )
    audit_append(
        actor=actor,
        action="quarantine.resolved",
        subject_type="quarantine",
        subject_id=row.id,
        patient_id=row.patient_id,
        organisation_id=row.organisation_id,
        details={
            "decision": row.state,
            "reason": row.reason,
            "sha256": sorted(bytes(item.sha256).hex() for item in decided),
        },
    )
    return row


def _alike(rows: QuerySet[Quarantine], row: Quarantine) -> list[Quarantine]:
    """What else of the same study waits for the same reason, stating the same person against the same patient."""
    alike = rows.filter(
        state=QuarantineState.OPEN,
        reason=row.reason,
        study_instance_uid=row.study_instance_uid,
        patient=row.patient_id,
        stated_identity=row.stated_identity,
    )
    return list(alike.exclude(id=row.id).order_by("received_at", "id"))


def _link(row: Quarantine, *, is_named: bool) -> bool:
    """Take one object in; False when it cannot be, which is an error only for the one the person named."""
    if row.reason != QuarantineReason.IDENTITY_MISMATCH or row.patient is None:
        sentence = "Only an object kept apart for its patient's identity can be linked."
        raise ConflictError(sentence, code="NOT_LINKABLE")
    try:
        with transaction.atomic():
            instance_link(quarantine=row, patient=row.patient, header=header_read(object_path(bytes(row.sha256))))
    except InstanceRefusedError:
        if is_named:
            raise
        return False
    return True
