"""Studies as they stand in the database after their arrival and reading, made through the product's own services."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

from django.db import transaction
from django.utils import timezone

from cdss.jobs.models import Job
from cdss.jobs.registry import ClaimedJob
from imaging.inference import Extraction
from imaging.models import Instance, Series, SeriesVersion, Study
from imaging.services.lifecycle import series_mark_ready
from imaging.services.processing import series_failure_record, series_features_record
from patients.models import Patient
from tests.factories import Hospital

_numbers = itertools.count(1)
LESION = {"slice_index": 40, "sop_instance_uid": "1.2.3.40", "area_mm2": 10.0, "peak_hu": 450.0, "agatston": 40.0}


def study(patient: Patient, *, modality: str = "CT") -> Study:
    """One study with one series of two images, still arriving."""
    number = next(_numbers)
    organisation = patient.organisation
    arrived = Study.objects.create(organisation=organisation, patient=patient, study_instance_uid=f"1.2.826.{number}")
    series = Series.objects.create(
        organisation=organisation, study=arrived, series_instance_uid=f"1.2.826.{number}.1", modality=modality
    )
    for image in (1, 2):
        uid = f"{series.series_instance_uid}.{image}"
        Instance.objects.create(
            organisation=organisation,
            series=series,
            sop_instance_uid=uid,
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            sha256=hashlib.sha256(uid.encode()).digest(),
            size_bytes=512,
            source="test",
        )
    return arrived


def ready(at: Hospital, arrived: Study) -> SeriesVersion:
    return series_mark_ready(series=arrived.series.get(), actor=at.client_actor)


def read(version: SeriesVersion, *, lesions: int = 2, gate: str = "NOT_CONFIRMED", **result: Any) -> SeriesVersion:
    """Record what reading a CT gives: candidates found, and no score until a reader has confirmed them."""
    refusal = {"name": "agatston_score", "reason_code": gate, "sentence": "Calcium not scored: not confirmed."}
    columns = {
        "is_accepted": True,
        "reason_code": "",
        "sentence": "",
        "shape_zyx": [48, 512, 512],
        "spacing_zyx_mm": [3.0, 0.7, 0.7],
        "value_range": [-1024.0, 1800.0],
        "value_unit": "[hnsf'U]",
        "volume_sha256": "ab" * 32,
        "decoders": ["1.2.840.10008.1.2.1 numpy 2"],
        "quality": [{"code": "NOISE", "sentence": "Noise is 12 HU."}],
        "refusals": [refusal],
        "code_version": "test",
        "seconds": 1.5,
        **result,
    }
    candidates = [
        (
            "",
            {
                "number": number,
                "slice_index": 40,
                "sop_instance_uid": "1.2.3.40",
                "row": 200,
                "column": 210,
                "position_xyz_mm": [1.0, 2.0, 3.0],
                "area_mm2": 10.0,
                "peak_hu": 450.0,
                "volume_mm3": 30.0,
                "agatston": 40.0,
                "lesions": [LESION],
            },
        )
        for number in range(1, lesions + 1)
    ]
    measured = {"name": "noise_hu", "value": 12.0, "unit": "[hnsf'U]", "method": "test", "method_version": "1"}
    with transaction.atomic():
        series_features_record(version=version, extraction=Extraction(columns, [measured], [], candidates))
    return version


def fail(version: SeriesVersion) -> None:
    """What the database says when the machinery has given a series up."""
    job = Job.objects.get(subject_id=version.id)
    claimed = ClaimedJob(job.id, version.organisation_id, version.id, timezone.now(), 3, lambda percent, phrase: None)
    with transaction.atomic():
        series_failure_record(claimed, "STORAGE_FULL", "There was no space left.")
