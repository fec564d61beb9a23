"""The log: written by one database function, read by auditors, changed by nobody."""

from __future__ import annotations

from django.db import models


class AuditEntry(models.Model):
    """One act. `body` is the canonical text that was hashed; the other columns are copies to search by."""

    seq = models.BigIntegerField(primary_key=True)
    recorded_at = models.DateTimeField()
    organisation_id = models.UUIDField(null=True)
    action = models.TextField()
    patient_id = models.UUIDField(null=True)
    body = models.TextField()
    prev_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        indexes = [
            models.Index(fields=["organisation_id", "-seq"], name="audit_by_organisation"),
            models.Index(fields=["patient_id", "-seq"], name="audit_by_patient"),
        ]


class AuditHead(models.Model):
    """The last entry's number and hash; its row lock puts the entries in one order without gaps."""

    id = models.SmallIntegerField(primary_key=True)
    seq = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_head_single_row")]
