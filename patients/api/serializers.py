"""Shapes of the patients' part of the interface: what is accepted, and what is answered."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from patients.api.fields import (
    AwareDateTimeField,
    CodeField,
    ExactNumberField,
    PastDateField,
    StrictSerializer,
    TextField,
)
from patients.api.openapi import Problem
from patients.api.paging import PageQuery
from patients.models import (
    AdministrativeSex,
    ClinicalRow,
    ConditionStatus,
    MedicationStatus,
    ObservationStatus,
    Setting,
)
from patients.usage import unused_reason


@extend_schema_serializer(component_name="Identifier")
class IdentifierRequest(StrictSerializer):
    system = TextField(max_length=250, allow_blank=True, help_text="Who issued the value; empty when nobody says.")
    value = TextField(max_length=250, allow_blank=True)  # an empty one is refused by the service, by its own code


@extend_schema_serializer(component_name="Patient")
class PatientRequest(StrictSerializer):
    identifier = IdentifierRequest()
    family_name = TextField(max_length=250)
    given_name = TextField(max_length=250, allow_blank=True, default="")
    birth_date = PastDateField(allow_null=True, help_text="Null when it is not known.")
    sex = CodeField(AdministrativeSex)


class IdentifierResource(serializers.Serializer[Any]):
    system = serializers.CharField()
    value = serializers.CharField()


class PatientResource(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    identifiers = IdentifierResource(many=True)
    family_name = serializers.CharField()
    given_name = serializers.CharField()
    birth_date = serializers.DateField(allow_null=True)
    sex = CodeField(AdministrativeSex)
    created_at = AwareDateTimeField()


class PatientQuery(PageQuery):
    identifier = TextField(required=False, max_length=501, help_text="system|value, or |value without a system.")
    name = TextField(required=False, max_length=250, help_text="Words of the name, or a whole identifier value.")

    def validate_identifier(self, text: str) -> tuple[str, str]:
        system, bar, value = text.partition("|")
        if not bar or not value.strip():
            raise serializers.ValidationError("Write system|value, or |value where the identifier names no system.")
        return system.strip(), value.strip()


class ClinicalRowRequest(StrictSerializer):
    code_system = TextField(max_length=250)
    code = TextField(max_length=100)
    source_id = TextField(required=False, allow_null=True, max_length=250, help_text="The sender's own id of this row.")
    replaces = serializers.UUIDField(required=False, allow_null=True, help_text="The row that this one corrects.")


@extend_schema_serializer(component_name="Observation")
class ObservationRequest(ClinicalRowRequest):
    """A quantity (`value` and `unit`), or a coded answer (`value_code`)."""

    value = ExactNumberField(required=False)
    unit = TextField(required=False, max_length=50, help_text="UCUM, as measured; 1 for a number without a unit.")
    value_code = TextField(required=False, max_length=100)
    effective_at = AwareDateTimeField(help_text="When it was true of the patient, with its offset.")
    issued_at = AwareDateTimeField(required=False, allow_null=True)
    status = CodeField(ObservationStatus, default=ObservationStatus.FINAL)
    setting = CodeField(Setting, default=Setting.UNKNOWN)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "value" in attrs and "unit" not in attrs:
            raise serializers.ValidationError({"unit": ["A value needs its UCUM unit; write 1 where there is none."]})
        if "unit" in attrs and "value" not in attrs:
            raise serializers.ValidationError({"unit": ["A unit belongs to a value, and there is none."]})
        return attrs


@extend_schema_serializer(component_name="Condition")
class ConditionRequest(ClinicalRowRequest):
    status = CodeField(ConditionStatus, default=ConditionStatus.ACTIVE)
    onset_date = PastDateField(required=False, allow_null=True)


@extend_schema_serializer(component_name="MedicationStatement")
class MedicationStatementRequest(ClinicalRowRequest):
    status = CodeField(MedicationStatus, default=MedicationStatus.ACTIVE)
    start_date = PastDateField(required=False, allow_null=True)
    end_date = serializers.DateField(required=False, allow_null=True)


class ClinicalRowResource(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    patient = serializers.UUIDField(source="patient_id")
    code_system = serializers.CharField()
    code = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a declared field
    source_id = serializers.CharField(allow_null=True)
    recorded_at = AwareDateTimeField()
    replaces = serializers.UUIDField(source="replaces_id", allow_null=True)
    replaced_by = serializers.SerializerMethodField()
    unused = serializers.SerializerMethodField(help_text="True when no assessment made now can use this row.")
    unused_reason_code = serializers.SerializerMethodField()
    unused_sentence = serializers.SerializerMethodField()

    def get_replaced_by(self, row: ClinicalRow) -> uuid.UUID | None:
        later: ClinicalRow | None = getattr(row, "replaced_by", None)
        return later.id if later else None

    def get_unused(self, row: ClinicalRow) -> bool:
        return unused_reason(row) is not None

    def get_unused_reason_code(self, row: ClinicalRow) -> str:
        return (unused_reason(row) or ("", ""))[0]

    def get_unused_sentence(self, row: ClinicalRow) -> str:
        return (unused_reason(row) or ("", ""))[1]


class ObservationResource(ClinicalRowResource):
    value = ExactNumberField(source="value_quantity", allow_null=True)
    unit = serializers.CharField()
    value_code = serializers.CharField()
    status = CodeField(ObservationStatus)
    setting = CodeField(Setting)
    effective_at = AwareDateTimeField()
    issued_at = AwareDateTimeField(allow_null=True)


class ConditionResource(ClinicalRowResource):
    status = CodeField(ConditionStatus)
    onset_date = serializers.DateField(allow_null=True)


class MedicationStatementResource(ClinicalRowResource):
    status = CodeField(MedicationStatus)
    start_date = serializers.DateField(allow_null=True)
    end_date = serializers.DateField(allow_null=True)


class RowResult(serializers.Serializer[Any]):
    """201 recorded, 200 the same row as before, otherwise the problem in its place."""

    index = serializers.IntegerField()
    status = serializers.IntegerField()
    id = serializers.UUIDField(required=False)
    unused_reason_code = serializers.CharField(required=False, help_text="The row is kept, and no equation uses it.")
    unused_sentence = serializers.CharField(required=False)
    problem = Problem(required=False)


class RowResults(serializers.Serializer[Any]):
    results = RowResult(many=True)


class RowsProblem(Problem):
    results = RowResult(many=True, required=False)
