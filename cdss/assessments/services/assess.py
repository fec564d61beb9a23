"""From a patient and a moment to a decision record: snapshot -> policy -> equations -> one transaction."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from cdss.accounts.actors import system_actor
from cdss.assessments.features import Features
from cdss.assessments.inference import InferenceResult, estimates_compute
from cdss.assessments.models import Assessment, Attribution, FeatureState, RiskEstimate
from cdss.assessments.policy.apply import PolicyDecision, policy_apply
from cdss.assessments.policy.table import VERSION as POLICY_VERSION
from cdss.assessments.services.current_state import study_outcomes_settle, worklist_upsert
from cdss.assessments.services.snapshot import snapshot_record, snapshot_take
from cdss.audit.canonical import canonical_json
from cdss.audit.services import audit_append
from cdss.core.version import CODE_VERSION
from cdss.jobs.registry import ClaimedJob
from patients.models import Patient

# How a feature of the snapshot becomes a field of ml's inputs.
_NUMBERS = (
    "systolic_bp_mmhg",
    "total_cholesterol_mmol_l",
    "hdl_cholesterol_mmol_l",
    "bmi_kg_m2",
    "egfr_ml_min_173m2",
    "agatston_score",
)
_YES_NO = {
    "diabetes": "has_diabetes",
    "antihypertensive_treatment": "takes_antihypertensive",
    "statin_treatment": "takes_statin",
    "lipid_lowering_treatment": "takes_lipid_lowering",
    "family_history_heart_attack": "has_family_history_of_heart_attack",
}
_POLICY_ANSWERS = ("prior_cardiovascular_disease", "prior_stroke_or_tia", "atrial_fibrillation", "pregnancy")
_ML_INPUTS = (*_NUMBERS, *_YES_NO, "age_years", "sex", "smoking", "mesa_race_ethnicity")
_FEATURE_OF_FIELD = {field: feature for feature, field in _YES_NO.items()} | {"is_current_smoker": "smoking"}


@dataclass(frozen=True, slots=True)
class Computation:
    """Everything an assessment is recorded from."""

    features: Features
    decisions: list[PolicyDecision]
    inference: InferenceResult
    input_digest: str


def patient_assess(job: ClaimedJob) -> Callable[[], None]:
    """The handler of PATIENT_ASSESS."""
    patient = Patient.objects.select_related("organisation").get(id=job.subject_id)
    job.report(10, "Gathering what is known")
    computation = assessment_compute(patient=patient, as_of=job.as_of, release_name=settings.MODEL_RELEASE)
    job.report(80, "Recording the risk")

    def record() -> None:
        assessment_record(patient=patient, as_of=job.as_of, computation=computation)

    return record


def assessment_compute(*, patient: Patient, as_of: datetime, release_name: str) -> Computation:
    """Pure given the rows known at `as_of`: no transaction, nothing written."""
    features = snapshot_take(patient=patient, as_of=as_of)
    decisions = policy_apply(features, patient.organisation.region)
    allowed = [(d.equation, d.outcome, d.horizon_years) for d in decisions if not d.reason_code]
    values = input_values(features)
    inference = estimates_compute(release_name=release_name, requests=allowed, values=values)
    return Computation(features, decisions, inference, _input_digest(features, decisions))


def input_values(features: Features) -> dict[str, Any]:
    """Only features that are known and usable reach an equation; the rest stay None."""
    used = {name: item.value for name, item in features.items() if item.state == FeatureState.USED}
    values: dict[str, Any] = {name: float(used[name]) for name in _NUMBERS if name in used}
    values |= {field: used[name] == "yes" for name, field in _YES_NO.items() if name in used}
    if "age_years" in used:
        values["age_years"] = int(used["age_years"])
    if "sex" in used:
        values["sex"] = used["sex"]
    if "smoking" in used:
        values["is_current_smoker"] = used["smoking"] == "current"
    if "mesa_race_ethnicity" in used:
        values["mesa_race_ethnicity"] = used["mesa_race_ethnicity"]
    return values


def _input_digest(features: Features, decisions: list[PolicyDecision]) -> str:
    """Names everything that was received: nothing changes, nothing is decided again."""
    received = {
        name: [str(item.state), item.value, item.unit, item.source_type, sorted(item.source_ids), item.reason_code]
        for name, item in features.items()
        if name in _ML_INPUTS or name in _POLICY_ANSWERS
    }
    body = {
        "policy": POLICY_VERSION,
        "received": received,
        "decisions": [asdict(decision) for decision in decisions],
    }
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()


def assessment_record(*, patient: Patient, as_of: datetime, computation: Computation) -> Assessment:
    """Write the record, what is current, and the audit entry; the caller holds the transaction."""
    _lock_patient(patient)
    head = Assessment.objects.filter(patient=patient, superseded_by__isnull=True).first()
    release, release_sha256 = computation.inference.release, computation.inference.release_sha256
    digest = computation.input_digest
    if head is not None and head.snapshot.as_of > as_of:
        # A later moment was recorded while this one was computed: it has seen everything this one saw.
        study_outcomes_settle(patient=patient, assessment=head)
        return head
    if Assessment.objects.filter(patient=patient, input_digest=digest, release=release).exists():
        if head is not None and head.release == release and head.input_digest in _digests_of(digest, head):
            study_outcomes_settle(patient=patient, assessment=head)
            return head
        # The facts returned to what they were under an earlier record: a new decision, made after the current one.
        digest = _digest_after(digest, head.id if head else None)
    snapshot = snapshot_record(patient=patient, as_of=as_of, features=computation.features)
    rows = _estimate_rows(computation)
    assessment = Assessment.objects.create(
        organisation_id=patient.organisation_id,
        patient=patient,
        snapshot=snapshot,
        input_digest=digest,
        release=release,
        release_sha256=release_sha256,
        policy_version=POLICY_VERSION,
        code_version=CODE_VERSION,
        is_withheld=all(row["risk"] is None for row, _ in rows),
        supersedes=head,
        assessed_at=as_of,
    )
    estimates = _estimates_write(assessment, rows)
    worklist_upsert(patient=patient, assessment=assessment, headline=estimates[0])
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
            "policy_version": POLICY_VERSION,
            "code_version": CODE_VERSION,
            "estimates_sha256": _estimates_digest(rows),
            "supersedes": str(head.id) if head else None,
            "withheld": assessment.is_withheld,
        },
    )
    return assessment


def _digest_after(digest: str, head_id: uuid.UUID | None) -> str:
    return hashlib.sha256(f"{digest} after {head_id}".encode()).hexdigest()


def _digests_of(digest: str, head: Assessment) -> tuple[str, str]:
    """The digests under which the current record may already have decided on these facts."""
    return digest, _digest_after(digest, head.supersedes_id)


def assessment_failure_record(job: ClaimedJob, code: str, sentence: str) -> uuid.UUID:
    """The assessment failed for good: every study that waited for it says so."""
    patient = Patient.objects.get(id=job.subject_id)
    study_outcomes_settle(patient=patient, assessment=None, failure=(code, sentence))
    return patient.id


def _lock_patient(patient: Patient) -> None:
    """Two assessments of one patient are recorded one after the other, so that `supersedes` is a straight line."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"assessment:{patient.id}"])


EstimateRow = tuple[dict[str, Any], list[dict[str, Any]]]


def _estimate_rows(computation: Computation) -> list[EstimateRow]:
    computed = iter(computation.inference.estimates)
    return [
        (_refused_row(decision), [])
        if decision.reason_code
        else _computed_row(decision, next(computed), computation.features)
        for decision in computation.decisions
    ]


def _refused_row(decision: PolicyDecision) -> dict[str, Any]:
    row = asdict(decision)
    return {**row, "risk": None, "equation_version": ""}


def _computed_row(decision: PolicyDecision, estimate: Any, features: Features) -> EstimateRow:
    row = {
        "equation": decision.equation,
        "outcome": decision.outcome,
        "horizon_years": decision.horizon_years,
        "role": decision.role,
        "equation_version": estimate.equation_version,
        "risk": estimate.risk,
        "risk_low": estimate.risk_low,
        "risk_high": estimate.risk_high,
        "coverage": estimate.coverage,
        "reason_code": estimate.reason_code or "",
        "sentence": estimate.sentence or "",
        "field": estimate.field or "",
        "field_value": "" if estimate.field_value is None else str(estimate.field_value),
        "limit": estimate.limit or "",
        "reference_risk": estimate.reference_risk,
        "reference_person": estimate.reference_person or "",
    }
    if estimate.risk is None:
        _explain_missing(row, features)
    contributions = [
        {
            "input": item.input,
            "value": str(item.value),
            "unit": item.unit,
            "reference_value": str(item.reference_value),
            "log_odds_or_hazard": item.log_odds_or_hazard,
        }
        for item in estimate.contributions
    ]
    return row, contributions


_STATE_CODES = {
    FeatureState.TOO_OLD: "VALUE_TOO_OLD",
    FeatureState.ACUTE: "ACUTE_VALUES",
    FeatureState.REFUSED: "VALUE_NOT_UNDERSTOOD",
}


def _explain_missing(row: dict[str, Any], features: Features) -> None:
    """An equation only knows that an input is missing; the snapshot knows why."""
    feature = features.get(_FEATURE_OF_FIELD.get(row["field"], row["field"]))
    if feature is not None and feature.reason_code:
        row["reason_code"], row["sentence"] = feature.reason_code, feature.sentence
    elif feature is not None and feature.state in _STATE_CODES:
        row["reason_code"] = _STATE_CODES[feature.state]
        row["sentence"] = f"{feature.title}: {feature.sentence}"


def _estimates_write(assessment: Assessment, rows: list[EstimateRow]) -> list[RiskEstimate]:
    estimates = RiskEstimate.objects.bulk_create(
        RiskEstimate(organisation_id=assessment.organisation_id, assessment=assessment, position=position, **columns)
        for position, (columns, _) in enumerate(rows)
    )
    Attribution.objects.bulk_create(
        Attribution(organisation_id=assessment.organisation_id, estimate=estimate, position=position, **contribution)
        for estimate, (_, contributions) in zip(estimates, rows, strict=True)
        for position, contribution in enumerate(contributions)
    )
    return estimates


def _estimates_digest(rows: list[EstimateRow]) -> str:
    """Numbers as the shortest text that reads back to the same double."""
    body = [
        {
            "equation": row["equation"],
            "outcome": row["outcome"],
            "horizon_years": row["horizon_years"],
            "risk": None if row["risk"] is None else repr(row["risk"]),
            "reason_code": row["reason_code"],
            "attributions": [[item["input"], repr(item["log_odds_or_hazard"])] for item in contributions],
        }
        for row, contributions in rows
    ]
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()
