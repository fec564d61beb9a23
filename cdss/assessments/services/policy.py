"""Changing the policy: first tried on everybody's present record, then adopted, each audited with both hashes."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models.functions import Now

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.assessments.models import PolicyTrial, PolicyVersion
from cdss.assessments.policy.document import policy_document, policy_read, policy_sha256
from cdss.assessments.policy.in_force import policy_current, policy_lock, policy_trials_visible_to
from cdss.audit.services import audit_append
from cdss.core.errors import ConflictError, DomainError, NotFoundError
from cdss.jobs.services import job_enqueue
from cdss.jobs.steps import Step

MOST_REASON = 1000


class PolicyReasonError(DomainError):
    status = 422
    code = "REASON_MISSING"


class NothingChangedError(DomainError):
    status = 422
    code = "NOTHING_CHANGED"


@transaction.atomic
def policy_try(*, actor: Actor, document: str) -> PolicyTrial:
    """Ask what this policy would change for whom; nothing changes by asking. Two may ask at once.

    One that was carried over may be adopted as it is: somebody then answers for it.
    """
    actor.require(scopes.POLICY_WRITE)
    if actor.organisation_id is None:
        raise NotFoundError
    policy = policy_read(document)
    base = policy_current(actor.organisation_id)
    body, sha256 = policy_document(policy), policy_sha256(policy)
    if sha256 == base.sha256 and not base.is_carried_over:
        raise NothingChangedError("This is the policy in force; nothing would change.")
    trial = PolicyTrial.objects.create(
        organisation_id=actor.organisation_id,
        base_sha256=base.sha256,
        body=body,
        sha256=sha256,
        author_id=actor.identifier,
        author_name=actor.name,
    )
    job_enqueue(
        step=Step.POLICY_TRY,
        organisation_id=actor.organisation_id,
        subject_id=trial.id,
        idempotency_key=f"policy-try:{trial.id}",
    )
    audit_append(
        actor=actor,
        action="policy.tried",
        subject_type="policy_trial",
        subject_id=trial.id,
        details={"base_sha256": base.sha256, "policy_sha256": sha256},
    )
    return trial


@transaction.atomic
def policy_adopt(*, actor: Actor, trial_id: uuid.UUID, reason: str) -> PolicyVersion:
    """Put a tried policy in force. The sweep then has every current record made again under it."""
    actor.require(scopes.POLICY_WRITE)
    reason = reason.strip()
    if not reason or len(reason) > MOST_REASON or "\x00" in reason:
        raise PolicyReasonError(
            f"A change of the policy states its reason, 1 to {MOST_REASON} characters.", field="reason"
        )
    trial = policy_trials_visible_to(actor).filter(id=trial_id).first()
    if trial is None:
        raise NotFoundError
    policy_lock(trial.organisation_id, is_shared=False)
    if trial.finished_at is None or trial.error:
        sentence = "This trial has not finished: what the policy would change is not known. Nothing was adopted."
        raise ConflictError(sentence, code="TRIAL_NOT_FINISHED")
    base = policy_current(trial.organisation_id)
    if base.sha256 != trial.base_sha256:
        sentence = "Another policy was adopted since this one was tried. Nothing was adopted; try it again."
        raise ConflictError(sentence, code="POLICY_CHANGED")
    policy_read(trial.body)  # tried under an older release, its table may be out of date
    version = PolicyVersion.objects.create(
        organisation_id=trial.organisation_id,
        number=base.number + 1,
        body=trial.body,
        sha256=trial.sha256,
        reason=reason,
        author_id=actor.identifier,
        author_name=actor.name,
    )
    audit_append(
        actor=actor,
        action="policy.adopted",
        subject_type="policy_version",
        subject_id=version.id,
        details={
            "base_sha256": trial.base_sha256,
            "policy_sha256": trial.sha256,
            "number": version.number,
            "trial": str(trial.id),
        },
    )
    return version


def trial_failure_record(trial_id: uuid.UUID, sentence: str) -> None:
    PolicyTrial.objects.filter(id=trial_id).update(finished_at=Now(), error=sentence)
