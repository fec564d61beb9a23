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
    *,
    actor: Actor,
    assessment_id: uuid.UUID,
    comment: str = "",
    seen_review: str | None = None,
    idempotency_key: str | None = None,
) -> AssessmentReview:
    """I have seen this risk.

    `seen_review` is the id of the newest answer that the caller was shown ("": none). With it nobody answers over an
    answer without having seen it; without it (None) an acknowledgement leaves an override standing in the worklist.
    """
    return _review(actor, assessment_id, ReviewKind.ACKNOWLEDGE, "", comment, seen_review, idempotency_key)


def assessment_override(
    *,
    actor: Actor,
    assessment_id: uuid.UUID,
    reason: str,
    comment: str = "",
    seen_review: str | None = None,
    idempotency_key: str | None = None,
) -> AssessmentReview:
    """I decide otherwise, because. `seen_review` as in `assessment_acknowledge`."""
    if reason not in OverrideReason.values:
        known = ", ".join(OverrideReason.values)
        raise OverrideReasonError(f"An override names its reason, one of: {known}.", field="reason")
    if reason == OverrideReason.OTHER and not comment.strip():
        raise OverrideReasonError("Another reason is given in the comment.", code="COMMENT_MISSING", field="comment")
    return _review(actor, assessment_id, ReviewKind.OVERRIDE, reason, comment, seen_review, idempotency_key)


@transaction.atomic
def _review(
    actor: Actor,
    assessment_id: uuid.UUID,
    kind: ReviewKind,
    reason: str,
    comment: str,
    seen_review: str | None,
    key: str | None,
) -> AssessmentReview:
    actor.require(scopes.ASSESSMENTS_REVIEW)
    if len(comment) > MAX_COMMENT_LENGTH:
        sentence = f"The comment is longer than {MAX_COMMENT_LENGTH} characters; nothing was recorded."
        raise OverrideReasonError(sentence, code="COMMENT_TOO_LONG", field="comment")
    assessment = assessment_visible_to(actor, assessment_id)
    known = _known(assessment, actor, key)
    if known is not None and (known.kind, known.reason, known.comment) == (kind, reason, comment.strip()):
        return known
    # The entry's lock orders an answer against the record that may be replacing what it answers.
    entry = WorklistEntry.objects.select_for_update().filter(patient=assessment.patient_id).first()
    if entry is None or entry.assessment_id != assessment.id:
        sentence = "A newer record has replaced this one; nothing was recorded. Open the newer one and answer that."
        raise ConflictError(sentence, code="SUPERSEDED")
    _check_seen(assessment, seen_review)
    if known is not None:
        raise ConflictError("This idempotency key was used for another answer.", code="IDEMPOTENCY_KEY_REUSED")
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
    # Who does not say which answers were seen may not know of the override.
    if seen_review is not None or entry.state != WorklistState.OVERRIDDEN:
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


def _check_seen(assessment: Assessment, seen_review: str | None) -> None:
    """The caller holds the lock of the worklist entry: no answer comes between this look and the one to record."""
    last = AssessmentReview.objects.filter(assessment=assessment).order_by("-reviewed_at").first()
    if last is None or seen_review is None or seen_review == str(last.id):
        return
    said = ReviewKind(last.kind).label.lower()
    because = f", {OverrideReason(last.reason).label}" if last.reason else ""
    sentence = (
        f"{last.reviewer_name} has answered this meanwhile: {said}{because}. Nothing was recorded; answer again if "
        "yours should stand."
    )
    raise ConflictError(sentence, code="ANSWERED_MEANWHILE")


def _known(assessment: Assessment, actor: Actor, key: str | None) -> AssessmentReview | None:
    if key is None:
        return None
    return AssessmentReview.objects.filter(
        assessment=assessment, reviewer_id=actor.identifier, idempotency_key=key
    ).first()
