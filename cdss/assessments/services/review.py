"""A clinician's answer: the same two functions behind the page, REST and whatever comes later."""

from __future__ import annotations

import uuid

from django.db import IntegrityError, transaction

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.assessments.models import (
    Assessment,
    AssessmentReview,
    OverrideReason,
    ReviewKind,
    WorklistEntry,
    WorklistState,
)
from cdss.assessments.selectors import assessment_visible_to
from cdss.audit.services import audit_append
from cdss.core.errors import ConflictError, DomainError

MAX_COMMENT_LENGTH = 4000


class OverrideReasonError(DomainError):
    status = 422
    code = "REASON_MISSING"


def assessment_acknowledge(
    *, actor: Actor, assessment_id: uuid.UUID, comment: str = "", idempotency_key: str | None = None
) -> AssessmentReview:
    """I have seen this risk."""
    return _review(actor, assessment_id, ReviewKind.ACKNOWLEDGE, "", comment, idempotency_key)


def assessment_override(
    *, actor: Actor, assessment_id: uuid.UUID, reason: str, comment: str = "", idempotency_key: str | None = None
) -> AssessmentReview:
    """I decide otherwise, because."""
    if reason not in OverrideReason.values:
        known = ", ".join(OverrideReason.values)
        raise OverrideReasonError(f"An override names its reason, one of: {known}.", field="reason")
    if reason == OverrideReason.OTHER and not comment.strip():
        raise OverrideReasonError("Another reason is given in the comment.", code="COMMENT_MISSING", field="comment")
    return _review(actor, assessment_id, ReviewKind.OVERRIDE, reason, comment, idempotency_key)


@transaction.atomic
def _review(
    actor: Actor, assessment_id: uuid.UUID, kind: ReviewKind, reason: str, comment: str, key: str | None
) -> AssessmentReview:
    actor.require(scopes.ASSESSMENTS_REVIEW)
    if len(comment) > MAX_COMMENT_LENGTH:
        sentence = f"The comment is longer than {MAX_COMMENT_LENGTH} characters; nothing was recorded."
        raise OverrideReasonError(sentence, code="COMMENT_TOO_LONG", field="comment")
    assessment = assessment_visible_to(actor, assessment_id)
    known = _known(assessment, actor, key)
    if known is not None:
        if (known.kind, known.reason, known.comment) != (kind, reason, comment.strip()):
            sentence = "This idempotency key was used for another answer."
            raise ConflictError(sentence, code="IDEMPOTENCY_KEY_REUSED")
        return known
    # The entry's lock orders an answer against the record that may be replacing what it answers.
    entry = WorklistEntry.objects.select_for_update().filter(patient=assessment.patient_id).first()
    if entry is None or entry.assessment_id != assessment.id:
        sentence = "A newer record has replaced this one; nothing was recorded. Open the newer one and answer that."
        raise ConflictError(sentence, code="SUPERSEDED")
    try:
        with transaction.atomic():
            review = AssessmentReview.objects.create(
                organisation_id=assessment.organisation_id,
                assessment=assessment,
                kind=kind,
                reason=reason,
                comment=comment.strip(),
                reviewer_id=actor.identifier,
                reviewer_name=actor.name,
                idempotency_key=key,
            )
    except IntegrityError:  # the same answer sent twice at the same moment
        known = _known(assessment, actor, key)
        if known is None:
            raise
        return known
    state = WorklistState.ACKNOWLEDGED if kind == ReviewKind.ACKNOWLEDGE else WorklistState.OVERRIDDEN
    WorklistEntry.objects.filter(patient=assessment.patient_id).update(state=state)
    action = "assessment.acknowledged" if kind == ReviewKind.ACKNOWLEDGE else "assessment.overridden"
    audit_append(
        actor=actor,
        action=action,
        subject_type="assessment",
        subject_id=assessment.id,
        patient_id=assessment.patient_id,
        organisation_id=assessment.organisation_id,
        details={"review": str(review.id), "reason": reason},
    )
    return review


def _known(assessment: Assessment, actor: Actor, key: str | None) -> AssessmentReview | None:
    if key is None:
        return None
    return AssessmentReview.objects.filter(
        assessment=assessment, reviewer_id=actor.identifier, idempotency_key=key
    ).first()
