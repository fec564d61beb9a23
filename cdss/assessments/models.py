"""Snapshot -> risk -> decision record -> review. What was decided is append-only; what is current is kept beside it."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now

from cdss.accounts.models import Organisation
from cdss.core.append_only import AppendOnlyModel
from cdss.core.checks import is_not_empty, is_sha256_text
from imaging.models import Study
from patients.models import Patient


class FeatureSnapshot(AppendOnlyModel):
    """What was true and known of a patient at `as_of`. `body` is the canonical text whose SHA-256 names it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT)
    as_of = models.DateTimeField()
    body = models.TextField()
    sha256 = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=is_sha256_text("sha256"), name="feature_snapshot_sha256")]


class FeatureState(models.TextChoices):
    USED = "USED", "Known"
    MISSING = "MISSING", "Missing"
    TOO_OLD = "TOO_OLD", "Too old"
    ACUTE = "ACUTE", "Only from acute care"
    REFUSED = "REFUSED", "Not understood"


class SnapshotFeature(AppendOnlyModel):
    """One item of a snapshot, in its canonical unit, with the row it came from."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    snapshot = models.ForeignKey(FeatureSnapshot, on_delete=models.PROTECT, related_name="features")
    feature = models.TextField()
    title = models.TextField()
    state = models.TextField(choices=FeatureState.choices)
    value = models.TextField(blank=True)  # canonical text
    unit = models.TextField(blank=True)
    sent_value = models.TextField(blank=True)  # as the source sent it
    sent_unit = models.TextField(blank=True)
    source_type = models.TextField(blank=True)
    source_ids = models.JSONField(default=list)
    source = models.TextField(blank=True)
    effective_at = models.DateTimeField(null=True)
    rule = models.TextField(blank=True)
    sentence = models.TextField(blank=True)
    setting = models.TextField(blank=True, db_default="")  # ambulatory, inpatient ... as the source stated it

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "feature"], name="snapshot_feature_unique"),
            models.CheckConstraint(
                condition=models.Q(state__in=FeatureState.values), name="snapshot_feature_state_known"
            ),
        ]


class Assessment(AppendOnlyModel):
    """The decision record: what was known, what was computed by what, and which record it replaces."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="assessments")
    snapshot = models.ForeignKey(FeatureSnapshot, on_delete=models.PROTECT)
    input_digest = models.TextField()
    release = models.TextField()
    release_sha256 = models.TextField()
    policy_version = models.TextField()
    policy_sha256 = models.TextField(blank=True, db_default="")  # empty in records older than versioned policies
    code_version = models.TextField()
    is_withheld = models.BooleanField()  # every estimate abstained
    supersedes = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="superseded_by")
    assessed_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "input_digest", "release"], name="assessment_decided_once"),
            models.UniqueConstraint(
                fields=["patient"], condition=models.Q(supersedes__isnull=True), name="assessment_one_first"
            ),
            models.CheckConstraint(
                condition=is_sha256_text("input_digest") & is_sha256_text("release_sha256"), name="assessment_sha256"
            ),
            # Records older than versioned policies have none and cannot be given one: the column's default stays.
            models.CheckConstraint(
                condition=models.Q(policy_sha256="") | is_sha256_text("policy_sha256"), name="assessment_policy_sha256"
            ),
            models.CheckConstraint(
                condition=is_not_empty("release", "policy_version", "code_version"), name="assessment_versions_named"
            ),
        ]
        indexes = [models.Index(fields=["patient", "-recorded_at"], name="assessment_by_patient")]


class EstimateRole(models.TextChoices):
    PRIMARY = "PRIMARY", "Shown first"
    SECOND = "SECOND", "Shown beside it"
    OLDER = "OLDER", "Older equations"
    API = "API", "Computed, not shown"


class Section(models.TextChoices):
    CARDIOVASCULAR = "CARDIOVASCULAR", "Cardiovascular"
    STROKE = "STROKE", "Stroke"
    DEMENTIA = "DEMENTIA", "Dementia"


INTERVAL = ("risk_low", "risk_high", "coverage")
SCORE = ("score", "score_low", "score_high")
EMPTY_LIST = models.Value([], models.JSONField())
HAS_NUMBER = models.Q(risk__isnull=False) | models.Q(score__isnull=False)


def _all_null(fields: tuple[str, ...], *, value: bool = True) -> models.Q:
    """All of them NULL, or none. A comparison with NULL passes a check constraint, so NULL is asked for by name."""
    return models.Q(*((f"{field}__isnull", value) for field in fields))


class RiskEstimate(AppendOnlyModel):
    """One risk or score, or the refusal in its place. `horizon_years` is 0 where a score has no horizon."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="estimates")
    position = models.SmallIntegerField()
    section = models.TextField(choices=Section.choices, db_default=Section.CARDIOVASCULAR)
    role = models.TextField(choices=EstimateRole.choices)
    outcome = models.TextField()
    horizon_years = models.SmallIntegerField()
    equation = models.TextField()
    equation_version = models.TextField()
    risk = models.FloatField(null=True)
    risk_low = models.FloatField(null=True)
    risk_high = models.FloatField(null=True)
    coverage = models.FloatField(null=True)
    score = models.FloatField(null=True)  # points, from score_low to score_high
    score_low = models.FloatField(null=True)
    score_high = models.FloatField(null=True)
    meaning = models.TextField(blank=True, db_default="")  # what its authors observed at this score
    scale = models.TextField(blank=True, db_default="")  # of the attributions: log-odds, log-hazard or points
    notes = models.JSONField(default=list, db_default=EMPTY_LIST)  # [{"code", "sentence"}]
    categories = models.JSONField(default=list, db_default=EMPTY_LIST)  # [{"word", "outcome", "guideline", ...}]
    is_genetic = models.BooleanField(db_default=False)
    reason_code = models.TextField(blank=True)
    sentence = models.TextField(blank=True)
    field = models.TextField(blank=True)
    field_value = models.TextField(blank=True)
    limit = models.TextField(blank=True)
    reference_risk = models.FloatField(null=True)
    reference_person = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "equation", "outcome", "horizon_years"], name="risk_estimate_unique"
            ),
            models.CheckConstraint(
                condition=(HAS_NUMBER & models.Q(reason_code=""))
                | (~HAS_NUMBER & ~models.Q(reason_code="") & ~models.Q(sentence="")),
                name="risk_estimate_number_or_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(risk__isnull=True) | models.Q(risk__gte=0, risk__lte=1), name="risk_estimate_range"
            ),
            models.CheckConstraint(
                condition=models.Q(horizon_years__gt=0) | models.Q(horizon_years=0, risk__isnull=True),
                name="risk_estimate_horizon",
            ),
            models.CheckConstraint(
                condition=_all_null(INTERVAL)
                | _all_null(("risk", *INTERVAL), value=False)
                & models.Q(risk_low__gte=0, risk_low__lte=models.F("risk"))
                & models.Q(risk_high__gte=models.F("risk"), risk_high__lte=1)
                & models.Q(coverage__gt=0, coverage__lt=1),
                name="risk_estimate_interval",
            ),
            models.CheckConstraint(
                condition=_all_null(SCORE)
                | _all_null(SCORE, value=False)
                & models.Q(score__gte=models.F("score_low"), score__lte=models.F("score_high")),
                name="risk_estimate_score_in_scale",
            ),
            models.CheckConstraint(
                condition=models.Q(reference_risk__isnull=True)
                | models.Q(reference_risk__gte=0, reference_risk__lte=1),
                name="risk_estimate_reference_range",
            ),
            models.CheckConstraint(condition=models.Q(section__in=Section.values), name="risk_estimate_section_known"),
            models.CheckConstraint(condition=models.Q(role__in=EstimateRole.values), name="risk_estimate_role_known"),
        ]


class Attribution(AppendOnlyModel):
    """One input's share of one estimate, in points or on its linear predictor's scale; the shares add up exactly."""

    id = models.BigAutoField(primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    estimate = models.ForeignKey(RiskEstimate, on_delete=models.PROTECT, related_name="attributions")
    position = models.SmallIntegerField()
    input = models.TextField()
    value = models.TextField()
    unit = models.TextField(blank=True)
    reference_value = models.TextField()
    log_odds_or_hazard = models.FloatField(null=True)
    points = models.FloatField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["estimate", "input"], name="attribution_unique"),
            models.CheckConstraint(
                condition=models.Q(log_odds_or_hazard__isnull=False, points__isnull=True)
                | models.Q(log_odds_or_hazard__isnull=True, points__isnull=False),
                name="attribution_one_scale",
            ),
        ]


class ReviewKind(models.TextChoices):
    ACKNOWLEDGE = "ACKNOWLEDGE", "Acknowledged"
    OVERRIDE = "OVERRIDE", "Overridden"


class OverrideReason(models.TextChoices):
    INPUT_WRONG = "INPUT_WRONG", "An input is wrong"
    INPUT_MISSING = "INPUT_MISSING", "Something that matters is not among the inputs"
    NOT_FOR_THIS_PERSON = "NOT_FOR_THIS_PERSON", "The equation does not fit this person"
    OTHER_PRIORITY = "OTHER_PRIORITY", "Another condition or the person's wishes come first"
    OTHER = "OTHER", "Another reason, given in the comment"


class AssessmentReview(AppendOnlyModel):
    """A clinician's answer to a record."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="reviews")
    kind = models.TextField(choices=ReviewKind.choices)
    reason = models.TextField(blank=True)
    comment = models.TextField(blank=True)
    reviewer_id = models.TextField()
    reviewer_name = models.TextField()
    idempotency_key = models.TextField(null=True)  # noqa: DJ001  NULL is "the caller named none"; unique where given
    reviewed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind=ReviewKind.ACKNOWLEDGE, reason="")
                | models.Q(kind=ReviewKind.OVERRIDE, reason__in=OverrideReason.values),
                name="review_override_has_reason",
            ),
            models.UniqueConstraint(fields=["assessment", "reviewer_id", "idempotency_key"], name="review_once"),
        ]


class Outcome(models.TextChoices):
    RECORDED = "RECORDED", "Recorded"
    WITHHELD = "WITHHELD", "Withheld"
    FAILED = "FAILED", "Failed"


class StudyOutcome(models.Model):
    """Where a study's life ended: exactly one row per study, kept current."""

    study = models.OneToOneField(Study, primary_key=True, on_delete=models.PROTECT, related_name="outcome")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    outcome = models.TextField(choices=Outcome.choices)
    reason_code = models.TextField(blank=True)
    sentence = models.TextField(blank=True)
    assessment = models.ForeignKey(Assessment, null=True, on_delete=models.PROTECT)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome=Outcome.RECORDED, assessment__isnull=False, reason_code="")
                | (models.Q(outcome__in=[Outcome.WITHHELD, Outcome.FAILED]) & ~models.Q(reason_code="")),
                name="study_outcome_has_record_or_reason",
            )
        ]


class WorklistState(models.TextChoices):
    NEW = "NEW", "Not yet answered"
    ACKNOWLEDGED = "ACKNOWLEDGED", "Acknowledged"
    OVERRIDDEN = "OVERRIDDEN", "Overridden"


class WorklistEntry(models.Model):
    """One row per patient: the current record and since when it waits for an answer."""

    patient = models.OneToOneField(Patient, primary_key=True, on_delete=models.PROTECT, related_name="worklist_entry")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    assessment = models.OneToOneField(Assessment, on_delete=models.PROTECT, related_name="worklist_entry")
    state = models.TextField(choices=WorklistState.choices, default=WorklistState.NEW)
    outcome = models.TextField()  # the headline estimate: the first primary one, a refusal included
    horizon_years = models.SmallIntegerField()
    equation = models.TextField()
    risk = models.FloatField(null=True)
    reason_code = models.TextField(blank=True)
    sentence = models.TextField(blank=True)
    waiting_since = models.DateTimeField()
    headline = models.ForeignKey(RiskEstimate, null=True, on_delete=models.PROTECT, related_name="+")
    # Said beside a headline of another section: the cardiovascular number that is not there.
    cardiovascular_refusal = models.ForeignKey(RiskEstimate, null=True, on_delete=models.PROTECT, related_name="+")
    reassess_at = models.DateTimeField(null=True)  # the earliest moment at which time alone changes a feature

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=WorklistState.values), name="worklist_state_known"),
            models.CheckConstraint(
                condition=models.Q(risk__isnull=True) | models.Q(risk__gte=0, risk__lte=1), name="worklist_risk_range"
            ),
        ]
        indexes = [
            models.Index(
                fields=["reassess_at"],
                condition=models.Q(reassess_at__isnull=False),
                name="worklist_by_reassessment",
            ),
            models.Index(fields=["organisation", "waiting_since", "patient"], name="worklist_by_waiting"),
            models.Index(
                fields=["organisation", "waiting_since", "patient"],
                condition=models.Q(state=WorklistState.NEW),
                name="worklist_new_by_waiting",
            ),
        ]


class PolicyVersion(AppendOnlyModel):
    """One version of an organisation's policy: the canonical text whose SHA-256 names it, by whom and why."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    number = models.IntegerField()
    body = models.TextField()
    sha256 = models.TextField()
    reason = models.TextField()
    author_id = models.TextField()
    author_name = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "number"], name="policy_version_number_unique"),
            models.CheckConstraint(condition=models.Q(number__gt=0), name="policy_version_number_counts"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="policy_version_has_reason"),
            models.CheckConstraint(condition=is_sha256_text("sha256"), name="policy_version_sha256"),
        ]


class PolicyTrial(models.Model):
    """What a policy would change for whom, were it adopted: worked out beside the records, changing none of them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    base_sha256 = models.TextField()  # the policy in force when it was tried
    body = models.TextField()
    sha256 = models.TextField()
    author_id = models.TextField()
    author_name = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, db_default="")
    patients_count = models.IntegerField(db_default=0)
    changed_count = models.IntegerField(db_default=0)
    changes = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=is_sha256_text("base_sha256") & is_sha256_text("sha256"), name="policy_trial_sha256"
            )
        ]
        indexes = [models.Index(fields=["organisation", "-created_at"], name="policy_trial_by_organisation")]


class PolicyInEffect(models.Model):
    """The policy and the release for which all current records of an organisation were last asked to be made again."""

    organisation = models.OneToOneField(Organisation, primary_key=True, on_delete=models.PROTECT)
    policy_sha256 = models.TextField()
    release = models.TextField()
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=is_sha256_text("policy_sha256") & is_not_empty("release"), name="policy_in_effect_named"
            )
        ]
