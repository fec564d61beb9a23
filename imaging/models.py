"""Studies as DICOM objects, what was measured in them, and what was kept apart."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now

from cdss.accounts.models import Organisation
from cdss.core.append_only import AppendOnlyModel
from cdss.core.checks import is_not_empty, is_sha256, is_sha256_text
from patients.models import Patient


class Study(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="studies")
    study_instance_uid = models.TextField()
    accession_number = models.TextField(blank=True)
    study_description = models.TextField(blank=True)
    study_at = models.DateTimeField(null=True)
    # Where the time came from: DICOM's own offset, or the organisation's time zone because it named none.
    study_at_zone = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "study_instance_uid"], name="study_uid_unique"),
            models.CheckConstraint(condition=~models.Q(study_instance_uid=""), name="study_uid_not_empty"),
        ]


class SeriesState(models.TextChoices):
    RECEIVING = "RECEIVING", "Arriving"
    READY = "READY", "Complete, waiting to be read"
    ACCEPTED = "ACCEPTED", "Read"
    REJECTED = "REJECTED", "Refused"
    FAILED = "FAILED", "Failed"


class Series(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="series")
    series_instance_uid = models.TextField()
    modality = models.TextField()
    series_number = models.IntegerField(null=True)
    series_description = models.TextField(blank=True)
    body_part_examined = models.TextField(blank=True)
    state = models.TextField(choices=SeriesState.choices, default=SeriesState.RECEIVING)
    last_instance_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "series_instance_uid"], name="series_uid_unique"),
            models.CheckConstraint(condition=models.Q(state__in=SeriesState.values), name="series_state_known"),
        ]
        indexes = [
            models.Index(
                fields=["last_instance_at"], condition=models.Q(state=SeriesState.RECEIVING), name="series_receiving"
            )
        ]


class Instance(AppendOnlyModel):
    """One image object. Its bytes are the file named by its SHA-256 in the storage folder."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="instances")
    sop_instance_uid = models.TextField()
    sop_class_uid = models.TextField()
    transfer_syntax_uid = models.TextField()
    instance_number = models.IntegerField(null=True)
    sha256 = models.BinaryField(max_length=32)
    size_bytes = models.BigIntegerField()
    source = models.TextField()
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "sop_instance_uid"], name="instance_uid_unique"),
            models.CheckConstraint(condition=models.Q(size_bytes__gt=0), name="instance_not_empty"),
            models.CheckConstraint(condition=is_sha256("sha256"), name="instance_sha256"),
        ]


class SeriesVersion(AppendOnlyModel):
    """The instances a series had when it fell quiet. A late instance makes the next version; this one stays."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="versions")
    number = models.SmallIntegerField()
    instance_count = models.IntegerField()
    instances_sha256 = models.BinaryField(max_length=32)  # of the sorted (SOP Instance UID, SHA-256) pairs
    instance_ids = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "number"], name="series_version_unique"),
            models.CheckConstraint(condition=models.Q(instance_count__gt=0), name="series_version_not_empty"),
            models.CheckConstraint(condition=is_sha256("instances_sha256"), name="series_version_sha256"),
        ]


class SeriesResult(AppendOnlyModel):
    """What reading one series version gave: accepted with its geometry, or refused with a reason."""

    series_version = models.OneToOneField(
        SeriesVersion, primary_key=True, on_delete=models.PROTECT, related_name="result"
    )
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    is_accepted = models.BooleanField()
    is_failure = models.BooleanField(default=False)  # the machinery failed; nothing is said about the images
    reason_code = models.TextField(blank=True)
    sentence = models.TextField(blank=True)
    shape_zyx = models.JSONField(null=True)
    spacing_zyx_mm = models.JSONField(null=True)
    value_range = models.JSONField(null=True)
    value_unit = models.TextField(blank=True)
    volume_sha256 = models.TextField(blank=True)
    decoders = models.JSONField(default=list)
    quality = models.JSONField(default=list)  # [{code, sentence}]
    refusals = models.JSONField(default=list)  # measurements not made: [{name, reason_code, sentence}]
    # Too large to be calcium candidates: [{number, slice_index, position_xyz_mm, volume_mm3, ..., key_image: name}]
    large_structures = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    code_version = models.TextField(blank=True)
    seconds = models.FloatField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_accepted=True, reason_code="")
                | (models.Q(is_accepted=False) & ~models.Q(reason_code="")),
                name="series_result_refusal_has_reason",
            ),
            # Images that were refused before they made a volume have none.
            models.CheckConstraint(
                condition=models.Q(is_accepted=False, volume_sha256="") | is_sha256_text("volume_sha256"),
                name="series_result_volume_sha256",
            ),
            # Where the machinery failed, no code came to a result.
            models.CheckConstraint(
                condition=models.Q(is_failure=True) | is_not_empty("code_version"), name="series_result_code_version"
            ),
        ]

    @property
    def has_large_structures(self) -> bool:
        """Of a result from before they were kept one by one, only the finding says so."""
        codes = {finding["code"] for finding in self.quality}
        return bool(self.large_structures) or "LARGE_STRUCTURES_NOT_LISTED" in codes


class Measurement(AppendOnlyModel):
    """One number measured in one series version, by a method, or by a reader who confirmed it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT)
    series_version = models.ForeignKey(SeriesVersion, on_delete=models.PROTECT, related_name="measurements")
    name = models.TextField()
    value = models.FloatField()
    unit = models.TextField()
    method = models.TextField()
    method_version = models.TextField()
    reading = models.ForeignKey("CalciumReading", null=True, on_delete=models.PROTECT, related_name="measurements")
    effective_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["series_version", "name", "method", "method_version", "reading"],
                nulls_distinct=False,
                name="measurement_unique",
            )
        ]
        indexes = [models.Index(fields=["patient", "name", "-effective_at"], name="measurement_by_name")]


class KeyImage(AppendOnlyModel):
    """A rendered slice: the pixels the measurement saw, as a PNG named by its SHA-256."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    series_version = models.ForeignKey(SeriesVersion, on_delete=models.PROTECT, related_name="key_images")
    name = models.TextField()
    caption = models.TextField()
    sop_instance_uid = models.TextField()
    slice_index = models.IntegerField()
    window_center = models.FloatField()
    window_width = models.FloatField()
    width = models.IntegerField()
    height = models.IntegerField()
    png_sha256 = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series_version", "name"], name="key_image_unique"),
            models.CheckConstraint(condition=is_sha256("png_sha256"), name="key_image_png_sha256"),
        ]


class CalciumCandidate(AppendOnlyModel):
    """A bright structure found in a CT; only a reader says whether it is coronary."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    series_version = models.ForeignKey(SeriesVersion, on_delete=models.PROTECT, related_name="calcium_candidates")
    number = models.IntegerField()
    slice_index = models.IntegerField()
    sop_instance_uid = models.TextField()
    row = models.IntegerField()
    column = models.IntegerField()
    position_xyz_mm = models.JSONField()
    area_mm2 = models.FloatField()
    peak_hu = models.FloatField()
    volume_mm3 = models.FloatField()
    agatston = models.FloatField()
    lesions = models.JSONField()  # per slice: [{slice_index, sop_instance_uid, area_mm2, peak_hu, agatston}]
    key_image = models.ForeignKey(KeyImage, null=True, on_delete=models.PROTECT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series_version", "number"], name="calcium_candidate_unique")]


class CalciumVerdict(models.TextChoices):
    LM = "LM", "Left main"
    LAD = "LAD", "Left anterior descending"
    LCX = "LCX", "Left circumflex"
    RCA = "RCA", "Right coronary"
    NOT_CORONARY = "NOT_CORONARY", "Not coronary"


class MetalKind(models.TextChoices):
    """What keeps a CT from being scored. The first two mean coronary disease; the others do not."""

    CORONARY_STENT = "CORONARY_STENT", "Coronary stent"
    BYPASS = "BYPASS", "Coronary bypass"
    PROSTHETIC_VALVE = "PROSTHETIC_VALVE", "Prosthetic valve"
    LEAD = "LEAD", "Pacemaker or defibrillator lead"


CORONARY_METAL = (MetalKind.CORONARY_STENT, MetalKind.BYPASS)


class CalciumReading(AppendOnlyModel):
    """One reader's reading of a series version; a later reading replaces an earlier one.

    Either a verdict on every candidate with the score they make, or the metal seen, and then there is no score.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    series_version = models.ForeignKey(SeriesVersion, on_delete=models.PROTECT, related_name="calcium_readings")
    number = models.SmallIntegerField()
    verdicts = models.JSONField()  # candidate number (text) -> CalciumVerdict
    attests_gated_whole_heart = models.BooleanField()
    attests_no_metal = models.BooleanField()
    # No structure too large to be listed touches or contains a coronary calcification; asked where there is one.
    attests_large_structures_not_coronary = models.BooleanField(default=False, db_default=False)
    metal = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))  # MetalKind, sorted
    agatston_score = models.FloatField(null=True)
    reader_id = models.TextField()
    reader_name = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series_version", "number"], name="calcium_reading_unique"),
            models.CheckConstraint(
                condition=models.Q(
                    metal=[], attests_gated_whole_heart=True, attests_no_metal=True, agatston_score__gte=0
                )
                & models.Q(agatston_score__isnull=False)
                | ~models.Q(metal=[]) & models.Q(verdicts={}, attests_no_metal=False, agatston_score__isnull=True),
                name="calcium_reading_score_or_metal",
            ),
        ]


class QuarantineReason(models.TextChoices):
    IDENTITY_MISMATCH = "IDENTITY_MISMATCH", "The identifier belongs to somebody else"
    UID_CONFLICT = "UID_CONFLICT", "The same UID with other bytes"
    STUDY_CONFLICT = "STUDY_CONFLICT", "The study or series is recorded for another patient"


class QuarantineState(models.TextChoices):
    OPEN = "OPEN", "Waiting for a person"
    LINKED = "LINKED", "Linked to the patient"
    REJECTED = "REJECTED", "Rejected"


class Quarantine(models.Model):
    """An object kept apart until a person decides: its bytes are safe, nothing is computed from it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    reason = models.TextField(choices=QuarantineReason.choices)
    sentence = models.TextField()
    study_instance_uid = models.TextField()
    series_instance_uid = models.TextField()
    sop_instance_uid = models.TextField()
    sha256 = models.BinaryField(max_length=32)
    size_bytes = models.BigIntegerField()
    source = models.TextField()
    patient = models.ForeignKey(Patient, null=True, on_delete=models.PROTECT)  # whom the identifier belongs to
    stated_identity = models.JSONField()
    differences = models.JSONField(default=list)
    received_at = models.DateTimeField(db_default=Now())
    state = models.TextField(choices=QuarantineState.choices, default=QuarantineState.OPEN)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.TextField(blank=True)
    resolution_comment = models.TextField(blank=True)

    class Meta:
        constraints = [
            # The same bytes sent again wait once.
            models.UniqueConstraint(
                fields=["organisation", "sop_instance_uid", "sha256", "reason"], name="quarantine_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(reason__in=QuarantineReason.values), name="quarantine_reason_known"
            ),
            models.CheckConstraint(condition=models.Q(state__in=QuarantineState.values), name="quarantine_state_known"),
            models.CheckConstraint(condition=is_sha256("sha256"), name="quarantine_sha256"),
            models.CheckConstraint(
                condition=models.Q(state=QuarantineState.OPEN, resolved_at__isnull=True)
                | (
                    ~models.Q(state=QuarantineState.OPEN)
                    & models.Q(resolved_at__isnull=False)
                    & ~models.Q(resolved_by="")
                ),
                name="quarantine_resolution_attributed",
            ),
        ]
