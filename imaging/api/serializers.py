"""Shapes of the imaging part of the interface. Names are DICOM keywords; numbers carry their unit."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from imaging.models import CalciumVerdict, MetalKind, SeriesState
from patients.api.fields import AwareDateTimeField, CodeField, DigestField, StrictSerializer, TrueFalseField
from patients.api.paging import PageQuery


class StudyQuery(PageQuery):
    patient = serializers.UUIDField(required=False)


class MeasurementQuery(PageQuery):
    patient = serializers.UUIDField(required=False)
    name = serializers.CharField(required=False, max_length=100)


class Finding(serializers.Serializer[Any]):
    code = serializers.CharField()
    sentence = serializers.CharField()


class NotMeasured(serializers.Serializer[Any]):
    """A measurement that was not made, and why; it is never 0 instead."""

    name = serializers.CharField()
    reason_code = serializers.CharField()
    sentence = serializers.CharField()


class SeriesSummary(serializers.Serializer[Any]):
    series_instance_uid = serializers.CharField()
    modality = serializers.CharField()
    series_number = serializers.IntegerField(allow_null=True)
    series_description = serializers.CharField()
    body_part_examined = serializers.CharField()
    state = CodeField(SeriesState)
    last_instance_at = AwareDateTimeField()


class StudyOutcomeResource(serializers.Serializer[Any]):
    """Where the study's life ended; null while it is still on its way."""

    outcome = serializers.ChoiceField([("RECORDED", "Recorded"), ("WITHHELD", "Withheld"), ("FAILED", "Failed")])
    reason_code = serializers.CharField()
    sentence = serializers.CharField()
    assessment = serializers.UUIDField(source="assessment_id", allow_null=True)
    updated_at = AwareDateTimeField()


class StudyResource(serializers.Serializer[Any]):
    study_instance_uid = serializers.CharField()
    patient = serializers.UUIDField(source="patient_id")
    accession_number = serializers.CharField()
    study_description = serializers.CharField()
    study_at = AwareDateTimeField(allow_null=True)
    study_at_zone = serializers.CharField(help_text="Where the offset of study_at came from.")
    created_at = AwareDateTimeField()
    closed_at = AwareDateTimeField(allow_null=True)
    series = SeriesSummary(many=True)
    # A study without one has no such row, and the key is null.
    outcome = StudyOutcomeResource(allow_null=True, default=None)


class SeriesClosed(serializers.Serializer[Any]):
    series_closed = serializers.IntegerField()


class SeriesRerun(serializers.Serializer[Any]):
    series_instance_uid = serializers.CharField(source="series.series_instance_uid")
    version = serializers.IntegerField(source="number", help_text="The version that is read now.")


class MeasurementResource(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    patient = serializers.UUIDField(source="patient_id")
    series_instance_uid = serializers.CharField(source="series_version.series.series_instance_uid")
    version = serializers.IntegerField(source="series_version.number")
    name = serializers.CharField()
    value = serializers.FloatField()
    unit = serializers.CharField(help_text="UCUM")
    method = serializers.CharField()
    method_version = serializers.CharField()
    reading = serializers.UUIDField(source="reading_id", allow_null=True, help_text="The reader's confirmation.")
    effective_at = AwareDateTimeField()
    recorded_at = AwareDateTimeField()


class Lesion(serializers.Serializer[Any]):
    slice_index = serializers.IntegerField()
    sop_instance_uid = serializers.CharField()
    area_mm2 = serializers.FloatField()
    peak_hu = serializers.FloatField()
    agatston = serializers.FloatField()


class CalciumCandidateResource(serializers.Serializer[Any]):
    """A bright structure; only a reader says whether it is coronary."""

    number = serializers.IntegerField()
    slice_index = serializers.IntegerField()
    sop_instance_uid = serializers.CharField()
    row = serializers.IntegerField()
    column = serializers.IntegerField()
    position_xyz_mm = serializers.ListField(child=serializers.FloatField())
    area_mm2 = serializers.FloatField()
    peak_hu = serializers.FloatField()
    volume_mm3 = serializers.FloatField()
    agatston = serializers.FloatField()
    lesions = Lesion(many=True)
    key_image = serializers.UUIDField(source="key_image_id", allow_null=True)


class LargeStructureResource(serializers.Serializer[Any]):
    """A bright structure too large to be a candidate: shown to the reader, never scored."""

    number = serializers.IntegerField()
    slice_index = serializers.IntegerField()
    first_slice_index = serializers.IntegerField()
    last_slice_index = serializers.IntegerField()
    sop_instance_uid = serializers.CharField()
    position_xyz_mm = serializers.ListField(child=serializers.FloatField())
    peak_hu = serializers.FloatField()
    volume_mm3 = serializers.FloatField()


class CalciumReadingResource(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.IntegerField()
    verdicts = serializers.DictField(child=CodeField(CalciumVerdict))
    attests_gated_whole_heart = serializers.BooleanField()
    attests_no_metal = serializers.BooleanField()
    attests_large_structures_not_coronary = serializers.BooleanField()
    metal = serializers.ListField(child=CodeField(MetalKind), help_text="What is seen; then there is no score.")
    agatston_score = serializers.FloatField(allow_null=True)
    reader_name = serializers.CharField()
    recorded_at = AwareDateTimeField()


@extend_schema_serializer(component_name="CalciumReading")
class CalciumReadingRequest(StrictSerializer):
    version = serializers.IntegerField(
        min_value=1, max_value=32_767, help_text="The version of the series that was read; it must be the newest."
    )
    verdicts = serializers.DictField(
        child=CodeField(CalciumVerdict), help_text="Candidate number -> artery, or NOT_CORONARY."
    )
    attests_gated_whole_heart = TrueFalseField()
    attests_no_metal = TrueFalseField()
    attests_large_structures_not_coronary = TrueFalseField(
        default=False,
        help_text="No structure too large to be listed touches or contains a coronary calcification; needed where the "
        "result has large_structures, or the finding LARGE_STRUCTURES_NOT_LISTED.",
    )


class MetalReadingRequest(StrictSerializer):
    version = serializers.IntegerField(
        min_value=1, max_value=32_767, help_text="The version of the series that was read; it must be the newest."
    )
    metal = serializers.ListField(child=CodeField(MetalKind), min_length=1, max_length=len(MetalKind))


class SeriesResultResource(serializers.Serializer[Any]):
    is_accepted = serializers.BooleanField()
    is_failure = serializers.BooleanField()
    reason_code = serializers.CharField()
    sentence = serializers.CharField()
    shape_zyx = serializers.ListField(child=serializers.IntegerField(), allow_null=True)
    spacing_zyx_mm = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    value_range = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    value_unit = serializers.CharField(help_text="UCUM")
    volume_sha256 = serializers.CharField()
    decoders = serializers.ListField(child=serializers.CharField())
    quality = Finding(many=True)
    not_measured = NotMeasured(many=True, source="refusals")
    large_structures = LargeStructureResource(many=True)
    code_version = serializers.CharField()
    recorded_at = AwareDateTimeField()


class SeriesVersionResource(serializers.Serializer[Any]):
    """The newest version of a series, and what reading it gave."""

    series_instance_uid = serializers.CharField(source="series.series_instance_uid")
    study_instance_uid = serializers.CharField(source="series.study.study_instance_uid")
    patient = serializers.UUIDField(source="series.study.patient_id")
    modality = serializers.CharField(source="series.modality")
    series_description = serializers.CharField(source="series.series_description")
    body_part_examined = serializers.CharField(source="series.body_part_examined")
    state = CodeField(SeriesState, source="series.state")
    version = serializers.IntegerField(source="number")
    instance_count = serializers.IntegerField()
    instances_sha256 = DigestField()
    created_at = AwareDateTimeField()
    result = SeriesResultResource(allow_null=True, default=None, help_text="Null until the series has been read.")
    measurements = MeasurementResource(many=True)
    candidates = CalciumCandidateResource(many=True, source="calcium_candidates")
    readings = CalciumReadingResource(many=True, source="calcium_readings")
