"""What is known of a person besides images. Clinical rows are written once; a correction is a new row."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Now

from cdss.accounts.models import Organisation
from cdss.core.append_only import AppendOnlyModel
from cdss.core.checks import is_sha256


class AdministrativeSex(models.TextChoices):
    """FHIR administrative-gender; equations exist for female and male only, the others are refused by name."""

    FEMALE = "female", "Female"
    MALE = "male", "Male"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Unknown"


class Patient(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    family_name = models.TextField()
    given_name = models.TextField(blank=True)
    birth_date = models.DateField(null=True)
    sex = models.TextField(choices=AdministrativeSex.choices, default=AdministrativeSex.UNKNOWN)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(sex__in=AdministrativeSex.values), name="patient_sex_known")
        ]
        indexes = [models.Index(fields=["organisation", "family_name"], name="patient_by_name")]

    def __str__(self) -> str:
        return f"patient {self.id}"


class PatientIdentifier(models.Model):
    """An identifier means one patient within (organisation, system); a missing system is the empty text."""

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="identifiers")
    system = models.TextField(blank=True)
    value = models.TextField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "system", "value"], name="patient_identifier_unique"),
            models.CheckConstraint(condition=~models.Q(value=""), name="patient_identifier_not_empty"),
        ]


class ClinicalRow(AppendOnlyModel):
    """What every clinical row says of itself: when it was true, when we learned it, from whom, and what it replaces."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT)
    code_system = models.TextField()
    code = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now())
    source = models.TextField()  # "api:<client>", "form:<user>"
    source_id = models.TextField(null=True)  # noqa: DJ001  NULL is "the sender named none"; unique where given
    # The sender's idempotency: the same id with the same content is the same row.
    content_sha256 = models.BinaryField(max_length=32)
    replaces = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="replaced_by")

    class Meta:
        abstract = True


class Setting(models.TextChoices):
    """Where a value was measured: values from acute care are marked, and not used for a long-term risk."""

    AMBULATORY = "ambulatory", "Ambulatory"
    INPATIENT = "inpatient", "Inpatient"
    EMERGENCY = "emergency", "Emergency"
    UNKNOWN = "unknown", "Not stated"


class ObservationStatus(models.TextChoices):
    FINAL = "final", "Final"
    CORRECTED = "corrected", "Corrected"
    ENTERED_IN_ERROR = "entered-in-error", "Entered in error"


class Observation(ClinicalRow):
    """A measured or stated value: a quantity with its unit exactly as sent, or a coded answer."""

    status = models.TextField(choices=ObservationStatus.choices, default=ObservationStatus.FINAL)
    value_quantity = models.DecimalField(max_digits=20, decimal_places=8, null=True)
    unit = models.TextField(blank=True)  # UCUM, as sent
    value_code = models.TextField(blank=True)
    setting = models.TextField(choices=Setting.choices, default=Setting.UNKNOWN)
    effective_at = models.DateTimeField()
    issued_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(value_quantity__isnull=False, value_code="")
                | (models.Q(value_quantity__isnull=True) & ~models.Q(value_code="")),
                name="observation_one_value",
            ),
            models.UniqueConstraint(
                fields=["organisation", "source", "source_id"],
                name="observation_source_unique",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=ObservationStatus.values), name="observation_status_known"
            ),
            models.CheckConstraint(condition=models.Q(setting__in=Setting.values), name="observation_setting_known"),
            models.CheckConstraint(condition=is_sha256("content_sha256"), name="observation_sha256"),
        ]
        indexes = [models.Index(fields=["patient", "code", "-effective_at"], name="observation_by_code")]


class RefusedObservation(AppendOnlyModel):
    """A value that was sent and cannot be right: kept as it was sent, never used, for somebody to look at."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT)
    code_system = models.TextField()
    code = models.TextField()
    value = models.TextField()
    unit = models.TextField(blank=True)
    value_code = models.TextField(blank=True)
    setting = models.TextField(choices=Setting.choices, default=Setting.UNKNOWN)
    effective_at = models.DateTimeField()
    source = models.TextField()
    source_id = models.TextField(null=True)  # noqa: DJ001  NULL is "the sender named none"
    content_sha256 = models.BinaryField(max_length=32)
    reason_code = models.TextField()
    sentence = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            # A sender that tries again is told the same, and leaves no second row.
            models.UniqueConstraint(
                fields=["organisation", "source", "content_sha256"], name="refused_observation_unique"
            ),
            models.CheckConstraint(
                condition=~models.Q(reason_code="") & ~models.Q(sentence=""), name="refused_observation_has_reason"
            ),
            models.CheckConstraint(
                condition=models.Q(setting__in=Setting.values), name="refused_observation_setting_known"
            ),
            models.CheckConstraint(condition=is_sha256("content_sha256"), name="refused_observation_sha256"),
        ]
        indexes = [models.Index(fields=["patient", "code"], name="refused_observation_by_code")]


class ConditionStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    RESOLVED = "resolved", "Resolved"
    REFUTED = "refuted", "Refuted"
    ENTERED_IN_ERROR = "entered-in-error", "Entered in error"


class Condition(ClinicalRow):
    status = models.TextField(choices=ConditionStatus.choices, default=ConditionStatus.ACTIVE)
    onset_date = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "source", "source_id"], name="condition_source_unique"),
            models.CheckConstraint(
                condition=models.Q(status__in=ConditionStatus.values), name="condition_status_known"
            ),
            models.CheckConstraint(condition=is_sha256("content_sha256"), name="condition_sha256"),
        ]
        indexes = [models.Index(fields=["patient", "code"], name="condition_by_code")]


class MedicationStatus(models.TextChoices):
    ACTIVE = "active", "Taking"
    STOPPED = "stopped", "Stopped"
    ENTERED_IN_ERROR = "entered-in-error", "Entered in error"


class MedicationStatement(ClinicalRow):
    status = models.TextField(choices=MedicationStatus.choices, default=MedicationStatus.ACTIVE)
    start_date = models.DateField(null=True)
    end_date = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "source", "source_id"], name="medication_source_unique"),
            models.CheckConstraint(
                condition=models.Q(status__in=MedicationStatus.values), name="medication_status_known"
            ),
            models.CheckConstraint(condition=is_sha256("content_sha256"), name="medication_sha256"),
        ]
        indexes = [models.Index(fields=["patient", "code"], name="medication_by_code")]
