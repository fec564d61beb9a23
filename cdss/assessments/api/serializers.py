"""Shapes of the decision records. A refusal is a result: no number, a reason code and one sentence."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from cdss.assessments.models import (
    Assessment,
    EstimateRole,
    FeatureState,
    OverrideReason,
    ReviewKind,
    RiskEstimate,
    Section,
)
from cdss.assessments.policy.document import policy_body
from cdss.assessments.policy.in_force import PolicyInForce
from cdss.jobs.models import Job, JobState
from cdss.jobs.steps import Step
from patients.api.fields import AwareDateTimeField, CodeField, StrictSerializer, TextField
from patients.api.paging import PageQuery

DISCLAIMER = "Decision support, not a diagnosis"
NO_INTERVAL = "This equation publishes no interval"


class AssessmentQuery(PageQuery):
    patient = serializers.UUIDField(required=False)
    current = serializers.ChoiceField(
        ["true", "false"], required=False, help_text="true: not superseded; false: it is."
    )


SEEN_REVIEW = (
    "The newest answer you were shown; null: none. 409 ANSWERED_MEANWHILE where another came since. Left out: not "
    "checked, and an acknowledgement leaves an override standing in the worklist."
)


@extend_schema_serializer(component_name="Acknowledge")
class AcknowledgeRequest(StrictSerializer):
    comment = TextField(max_length=4000, allow_blank=True, default="")
    seen_review = serializers.UUIDField(required=False, allow_null=True, help_text=SEEN_REVIEW)


@extend_schema_serializer(component_name="Override")
class OverrideRequest(StrictSerializer):
    reason = CodeField(OverrideReason)
    comment = TextField(max_length=4000, allow_blank=True, default="")
    seen_review = serializers.UUIDField(required=False, allow_null=True, help_text=SEEN_REVIEW)


class ContributionResource(serializers.Serializer[Any]):
    """One input's share, in points or on the scale of the equation's linear predictor; the shares add up exactly."""

    input = serializers.CharField()
    value = serializers.CharField()
    unit = serializers.CharField()
    reference_value = serializers.CharField()
    log_odds_or_hazard = serializers.FloatField(allow_null=True)
    points = serializers.FloatField(allow_null=True)


class NoteResource(serializers.Serializer[Any]):
    code = serializers.CharField()
    sentence = serializers.CharField()


class CategoryResource(serializers.Serializer[Any]):
    """A guideline's word for the unrounded number; two guidelines may have different words for one number."""

    word = serializers.CharField()
    outcome = serializers.CharField()
    guideline = serializers.CharField()
    year = serializers.IntegerField()
    range = serializers.CharField()
    verified = serializers.BooleanField(help_text="false: the word was read second-hand, not in the guideline itself.")


class EstimateSummary(serializers.Serializer[Any]):
    section = CodeField(Section)
    outcome = serializers.CharField()
    horizon_years = serializers.IntegerField(help_text="0: a score without a horizon.")
    equation = serializers.CharField()
    equation_version = serializers.CharField()
    role = CodeField(EstimateRole)
    risk = serializers.FloatField(allow_null=True, min_value=0, max_value=1, help_text="Over horizon_years.")
    risk_low = serializers.FloatField(allow_null=True)
    risk_high = serializers.FloatField(allow_null=True)
    coverage = serializers.FloatField(allow_null=True)
    score = serializers.FloatField(allow_null=True, help_text="Points, from score_low to score_high.")
    score_low = serializers.FloatField(allow_null=True)
    score_high = serializers.FloatField(allow_null=True)
    meaning = serializers.CharField(help_text="What the authors observed at this score.")
    scale = serializers.CharField(help_text="Of the contributions: log-odds, log-hazard or points.")
    notes = NoteResource(many=True)
    categories = CategoryResource(many=True)
    is_genetic = serializers.BooleanField()
    interval_sentence = serializers.SerializerMethodField(help_text="Why there is a risk and no interval.")
    reason_code = serializers.CharField()
    sentence = serializers.CharField()
    field = serializers.CharField()
    field_value = serializers.CharField()
    limit = serializers.CharField()

    def get_interval_sentence(self, estimate: RiskEstimate) -> str:
        return NO_INTERVAL if estimate.risk is not None and estimate.risk_low is None else ""


class EstimateResource(EstimateSummary):
    reference_risk = serializers.FloatField(allow_null=True)
    reference_person = serializers.CharField()
    contributions = serializers.SerializerMethodField()

    def get_contributions(self, estimate: RiskEstimate) -> list[dict[str, Any]]:
        shares = sorted(estimate.attributions.all(), key=lambda share: share.position)
        return list(ContributionResource(shares, many=True).data)


class FeatureResource(serializers.Serializer[Any]):
    feature = serializers.CharField()
    title = serializers.CharField()
    state = CodeField(FeatureState)
    value = serializers.CharField()
    unit = serializers.CharField(help_text="UCUM")
    sent_value = serializers.CharField()
    sent_unit = serializers.CharField()
    source_type = serializers.CharField()
    source_ids = serializers.ListField(child=serializers.CharField())
    source = serializers.CharField()  # type: ignore[assignment]  # a declared field, not the argument
    effective_at = AwareDateTimeField(allow_null=True)
    rule = serializers.CharField()
    sentence = serializers.CharField()
    setting = serializers.CharField(help_text="ambulatory, inpatient, emergency; empty where the source did not say.")


class SnapshotResource(serializers.Serializer[Any]):
    as_of = AwareDateTimeField()
    sha256 = serializers.CharField()
    features = FeatureResource(many=True)


class ReviewResource(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    assessment = serializers.UUIDField(source="assessment_id")
    kind = CodeField(ReviewKind)
    reason = serializers.CharField()
    comment = serializers.CharField()
    reviewer_name = serializers.CharField()
    reviewed_at = AwareDateTimeField()


class AssessmentSummary(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    patient = serializers.UUIDField(source="patient_id")
    assessed_at = AwareDateTimeField()
    recorded_at = AwareDateTimeField()
    is_withheld = serializers.BooleanField()
    release = serializers.CharField()
    policy_version = serializers.CharField()
    policy_sha256 = serializers.CharField()
    supersedes = serializers.UUIDField(source="supersedes_id", allow_null=True)
    superseded_by = serializers.SerializerMethodField()
    estimates = EstimateSummary(many=True)
    disclaimer = serializers.SerializerMethodField()
    synthetic = serializers.SerializerMethodField(help_text="Empty where the patients are real.")

    def get_superseded_by(self, assessment: Assessment) -> uuid.UUID | None:
        newer: Assessment | None = getattr(assessment, "superseded_by", None)
        return newer.id if newer else None

    def get_disclaimer(self, assessment: Assessment) -> str:
        return DISCLAIMER

    def get_synthetic(self, assessment: Assessment) -> str:
        return settings.ENVIRONMENT_LABEL


class AssessmentResource(AssessmentSummary):
    estimates = EstimateResource(many=True)
    snapshot = SnapshotResource()
    input_digest = serializers.CharField()
    release_sha256 = serializers.CharField()
    code_version = serializers.CharField()
    reviews = ReviewResource(many=True)


class PolicyResource(serializers.Serializer[Any]):
    """Which equation for whom, in this organisation."""

    version = serializers.CharField(help_text="As records name it.")
    sha256 = serializers.CharField(help_text="Of the document as canonical JSON: sorted keys, no spaces, UTF-8.")
    number = serializers.IntegerField(help_text="The organisation's own versions counted; 0 is the default policy.")
    since = AwareDateTimeField(allow_null=True)
    author_name = serializers.CharField()
    reason = serializers.CharField()
    document = serializers.SerializerMethodField()

    def get_document(self, current: PolicyInForce) -> dict[str, Any]:
        return policy_body(current.policy)


class JobAccepted(serializers.Serializer[Any]):
    job_id = serializers.UUIDField()


class JobError(serializers.Serializer[Any]):
    code = serializers.CharField()
    sentence = serializers.CharField()


class JobResource(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    step = CodeField(Step)
    state = CodeField(JobState)
    progress = serializers.IntegerField(min_value=0, max_value=100)
    progress_phrase = serializers.CharField()
    attempt = serializers.IntegerField()
    error = serializers.SerializerMethodField()
    enqueued_at = AwareDateTimeField()
    started_at = AwareDateTimeField(allow_null=True)
    finished_at = AwareDateTimeField(allow_null=True)

    def get_error(self, job: Job) -> dict[str, str] | None:
        return {"code": job.error_code, "sentence": job.error_sentence} if job.error_code else None
