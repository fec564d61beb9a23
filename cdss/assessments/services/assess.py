"""From a patient and a moment to a decision record: snapshot -> policy -> equations -> one transaction."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models.functions import Now

from cdss.accounts.actors import system_actor
from cdss.assessments.equation_inputs import RECEIVED
from cdss.assessments.features import Features
from cdss.assessments.models import Assessment, Attribution, EstimateRole, RiskEstimate, Section, WorklistEntry
from cdss.assessments.policy.apply import PolicyDecision
from cdss.assessments.policy.in_force import PolicyInForce, policy_current, policy_lock
from cdss.assessments.services import record_digest
from cdss.assessments.services.current_state import study_outcomes_settle, worklist_upsert
from cdss.assessments.services.estimates import EstimateRow, Estimates, estimates_make
from cdss.assessments.services.snapshot import snapshot_record, snapshot_take
from cdss.audit.canonical import canonical_json
from cdss.audit.services import audit_append
from cdss.core.version import CODE_VERSION
from cdss.jobs.registry import ClaimedJob
from patients.models import Patient


@dataclass(frozen=True, slots=True)
class Computation:
    """Everything an assessment is recorded from."""

    features: Features
    estimates: Estimates
    policy: PolicyInForce
    input_digest: str
    reassess_at: datetime | None  # when time alone changes something that was received


def patient_assess(job: ClaimedJob, *, release_name: str) -> Callable[[], None]:
    """The work of PATIENT_ASSESS."""
    patient = Patient.objects.select_related("organisation").get(id=job.subject_id)
    job.report(10, "Gathering what is known")
    computation = assessment_compute(patient=patient, as_of=job.as_of, release_name=release_name)
    job.report(80, "Recording the risk")

    def record() -> None:
        assessment_record(patient=patient, as_of=job.as_of, computation=computation)

    return record


def assessment_compute(*, patient: Patient, as_of: datetime, release_name: str) -> Computation:
    """Pure given the rows known at `as_of` and the policy in force: no transaction, nothing written."""
    features = snapshot_take(patient=patient, as_of=as_of)
    policy = policy_current(patient.organisation_id)
    estimates = estimates_make(
        policy=policy.policy, features=features, region=patient.organisation.region, release_name=release_name
    )
    digest = _input_digest(features, estimates.decisions, policy)
    return Computation(features, estimates, policy, digest, _reassess_at(features, as_of))


def _reassess_at(features: Features, as_of: datetime) -> datetime | None:
    moments = [item.expires_at for name, item in features.items() if name in RECEIVED and item.expires_at]
    return min((moment for moment in moments if moment > as_of), default=None)


def _input_digest(features: Features, decisions: list[PolicyDecision], policy: PolicyInForce) -> str:
    """Names everything that was received: nothing changes, nothing is decided again."""
    received = {
        name: [str(item.state), item.value, item.unit, item.source_type, sorted(item.source_ids), item.reason_code]
        for name, item in features.items()
        if name in RECEIVED
    }
    body = {
        "policy": [policy.version, policy.sha256],
        "received": received,
        "decisions": [decision.columns() for decision in decisions],
    }
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()


def assessment_record(*, patient: Patient, as_of: datetime, computation: Computation) -> Assessment:
    """Write the record, what is current, and the audit entry; the caller holds the transaction."""
    _lock_patient(patient)
    reassess_at = _due_or(computation, patient)
    head = Assessment.objects.filter(patient=patient, superseded_by__isnull=True).first()
    release, release_sha256 = computation.estimates.release, computation.estimates.release_sha256
    policy, digest = computation.policy, computation.input_digest
    if head is not None and head.snapshot.as_of > as_of:
        # A later moment was recorded while this one was computed: it has seen everything this one saw.
        study_outcomes_settle(patient=patient, assessment=head)
        return head
    if Assessment.objects.filter(patient=patient, input_digest=digest, release=release).exists():
        if head is not None and head.release == release and head.input_digest in _digests_of(digest, head):
            study_outcomes_settle(patient=patient, assessment=head)
            WorklistEntry.objects.filter(patient=patient).update(reassess_at=reassess_at)
            return head
        # The facts returned to what they were under an earlier record: a new decision, made after the current one.
        digest = _digest_after(digest, head.id if head else None)
    snapshot = snapshot_record(patient=patient, as_of=as_of, features=computation.features)
    rows = computation.estimates.rows
    # The release names what is computed and never changes; the code that computes it has a name of its own.
    code_version = f"{CODE_VERSION}+{computation.estimates.code_sha256[:12]}"
    assessment = Assessment.objects.create(
        organisation_id=patient.organisation_id,
        patient=patient,
        snapshot=snapshot,
        input_digest=digest,
        release=release,
        release_sha256=release_sha256,
        policy_version=policy.version,
        policy_sha256=policy.sha256,
        code_version=code_version,
        is_withheld=all(row["reason_code"] for row, _ in rows),
        supersedes=head,
        assessed_at=as_of,
    )
    estimates, estimates_sha256 = _estimates_write(assessment, rows)
    worklist_upsert(
        patient=patient,
        assessment=assessment,
        headline=headline_of(estimates),
        cardiovascular_refusal=cardiovascular_refusal_of(estimates),
        reassess_at=reassess_at,
    )
    study_outcomes_settle(patient=patient, assessment=assessment)
    audit_append(
        actor=system_actor("worker", patient.organisation_id),
        action="assessment.recorded",
        subject_type="assessment",
        subject_id=assessment.id,
        patient_id=patient.id,
        organisation_id=patient.organisation_id,
        details={
            "snapshot_sha256": snapshot.sha256,
            "input_digest": digest,
            "release": release,
            "release_sha256": release_sha256,
            "policy_version": policy.version,
            "policy_sha256": policy.sha256,
            "code_version": code_version,
            "estimates_sha256": estimates_sha256,
            "estimates_digest": record_digest.VERSION,
            "supersedes": str(head.id) if head else None,
            "withheld": assessment.is_withheld,
        },
    )
    return assessment


def headline_of(estimates: Sequence[RiskEstimate]) -> RiskEstimate:
    """The first risk shown first; where there is none, the first refusal or score in its place. Never a genetic one.

    Familial hypercholesterolaemia moves the cardiovascular numbers to the second place without replacing them: the
    first of them stays the headline, not the stroke risk that now stands before it.
    """
    moved, primary = _leading(estimates)
    risks = [item for item in (*moved, *primary) if item.risk is not None]
    return next(iter(risks), next(iter(primary), next(item for item in estimates if not item.is_genetic)))


def cardiovascular_refusal_of(estimates: Sequence[RiskEstimate]) -> RiskEstimate | None:
    """Why no cardiovascular number leads, where the headline is of another section: that must not pass unsaid."""
    moved, primary = _leading(estimates)
    leading = [item for item in (*moved, *primary) if item.section == Section.CARDIOVASCULAR]
    if not leading or headline_of(estimates).section == Section.CARDIOVASCULAR:
        return None
    return None if any(not item.reason_code for item in leading) else leading[0]


def _leading(estimates: Sequence[RiskEstimate]) -> tuple[list[RiskEstimate], list[RiskEstimate]]:
    shown = [item for item in estimates if not item.is_genetic]
    primary = [item for item in shown if item.role == EstimateRole.PRIMARY]
    return [item for item in shown if item.role == EstimateRole.SECOND and _is_moved_by_fh(item)], primary


def _is_moved_by_fh(estimate: RiskEstimate) -> bool:
    return estimate.section == Section.CARDIOVASCULAR and any(note["code"] == "FH_RANGE" for note in estimate.notes)


def _digest_after(digest: str, head_id: uuid.UUID | None) -> str:
    return hashlib.sha256(f"{digest} after {head_id}".encode()).hexdigest()


def _digests_of(digest: str, head: Assessment) -> tuple[str, str]:
    """The digests under which the current record may already have decided on these facts."""
    return digest, _digest_after(digest, head.supersedes_id)


def assessment_failure_record(job: ClaimedJob, code: str, sentence: str) -> uuid.UUID:
    """The assessment failed for good: every study that waited for it says so."""
    patient = Patient.objects.get(id=job.subject_id)
    study_outcomes_settle(patient=patient, assessment=None, failure=(code, sentence))
    # What time, a policy or a release asked for is asked for again: its moment was taken from the entry.
    again_at = Now() + timedelta(hours=1)
    WorklistEntry.objects.filter(patient=patient, reassess_at__isnull=True).update(reassess_at=again_at)
    return patient.id


def _lock_patient(patient: Patient) -> None:
    """Two assessments of one patient are recorded one after the other, so that `supersedes` is a straight line."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"assessment:{patient.id}"])


def _due_or(computation: Computation, patient: Patient) -> datetime | None:
    """Due at once where another policy was adopted while this one was applied; otherwise when time changes something.

    The shared lock orders the record against an adoption: what was recorded before it is found by the sweep after it.
    """
    policy_lock(patient.organisation_id, is_shared=True)
    if policy_current(patient.organisation_id).sha256 != computation.policy.sha256:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return computation.reassess_at


def _estimates_write(assessment: Assessment, rows: list[EstimateRow]) -> tuple[list[RiskEstimate], str]:
    """The estimates as they are stored, and the SHA-256 over them with their attributions."""
    organisation_id = assessment.organisation_id
    estimates = RiskEstimate.objects.bulk_create(
        RiskEstimate(organisation_id=organisation_id, assessment=assessment, position=position, **columns)
        for position, (columns, _) in enumerate(rows)
    )
    made = [
        (
            estimate,
            [
                Attribution(organisation_id=organisation_id, estimate=estimate, position=position, **contribution)
                for position, contribution in enumerate(contributions)
            ],
        )
        for estimate, (_, contributions) in zip(estimates, rows, strict=True)
    ]
    Attribution.objects.bulk_create(item for _, attributions in made for item in attributions)
    return estimates, record_digest.record_digest(made)
