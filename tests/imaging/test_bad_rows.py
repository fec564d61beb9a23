"""Rows of imaging that the database itself refuses. Not covered: what the services refuse before it."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from imaging.models import (
    CalciumCandidate,
    CalciumReading,
    Instance,
    KeyImage,
    Measurement,
    Quarantine,
    Series,
    SeriesResult,
    SeriesVersion,
    Study,
)
from patients.models import Patient
from tests import factories
from tests.database import Rows, across_organisations, wrongly_answered
from tests.factories import Hospital
from tests.imaging import arrivals

CASES = [
    (Study, {"study_instance_uid": ""}, "study_uid_not_empty"),
    (Series, {"state": "BANANA"}, "series_state_known"),
    (Instance, {"sha256": b"x"}, "instance_sha256"),
    (Instance, {"size_bytes": 0}, "instance_not_empty"),
    (SeriesVersion, {"instances_sha256": b""}, "series_version_sha256"),
    (SeriesResult, {"is_accepted": False}, "series_result_refusal_has_reason"),
    (SeriesResult, {"volume_sha256": ""}, "series_result_volume_sha256"),
    (SeriesResult, {"volume_sha256": "AB" * 32}, "series_result_volume_sha256"),
    (SeriesResult, {"code_version": ""}, "series_result_code_version"),
    (KeyImage, {"png_sha256": bytes(31)}, "key_image_png_sha256"),
    (Quarantine, {"reason": "BANANA"}, "quarantine_reason_known"),
    (
        Quarantine,
        {"state": "BANANA", "resolved_at": timezone.now(), "resolved_by": "x"},
        "quarantine_state_known",
    ),
    (Quarantine, {"state": "LINKED"}, "quarantine_resolution_attributed"),
    (Quarantine, {"sha256": b"x"}, "quarantine_sha256"),
    # What is refused or failed has neither volume nor, when the machinery failed, code that came to a result.
    (SeriesResult, {"is_accepted": False, "reason_code": "X", "volume_sha256": ""}, ""),
    (
        SeriesResult,
        {"is_accepted": False, "is_failure": True, "reason_code": "X", "volume_sha256": "", "code_version": ""},
        "",
    ),
    (Quarantine, {"patient_id": None}, ""),
]


def rows_of(at: Hospital) -> Rows:
    """One row of each table of the app; the newer series version has no result yet."""
    patient = factories.patient(at)
    study = arrivals.study(patient)
    read = arrivals.read(arrivals.ready(at, study), lesions=1)
    here: dict[str, Any] = {"organisation": at.organisation}
    version = SeriesVersion.objects.create(
        **here, series=read.series, number=2, instance_count=1, instances_sha256=bytes(32), instance_ids=[]
    )
    reading = CalciumReading.objects.create(
        **here, series_version=read, number=1, verdicts={}, attests_gated_whole_heart=True, attests_no_metal=True,
        agatston_score=0, reader_id="x", reader_name="x",
    )  # fmt: skip
    image = KeyImage.objects.create(
        **here, series_version=read, name="x", caption="x", sop_instance_uid="1.2", slice_index=1, window_center=1,
        window_width=1, width=1, height=1, png_sha256=bytes(32),
    )  # fmt: skip
    apart = Quarantine.objects.create(
        **here, reason="UID_CONFLICT", sentence="x", study_instance_uid="1.2", series_instance_uid="1.2",
        sop_instance_uid="1.2", sha256=bytes(32), size_bytes=1, source="x", patient=patient, stated_identity={},
    )  # fmt: skip
    rows = [
        study, read.series, read.series.instances.first(), version, read.result, read.measurements.first(), image,
        read.calcium_candidates.get(), reading, apart,
    ]  # fmt: skip
    return {type(row): row for row in rows if row is not None}


@pytest.mark.django_db
def test_the_database_refuses_each_bad_row_and_takes_the_good_one(hospital: Hospital, other_hospital: Hospital) -> None:
    rows, elsewhere = rows_of(hospital), dict(rows_of(other_hospital))
    assert set(rows) == set(apps.get_app_config("imaging").get_models())
    elsewhere[Patient] = factories.patient(other_hospital)
    cases = [*CASES, *across_organisations(rows, elsewhere)]
    assert len(cases) == len(CASES) + 13
    fresh = {
        Instance: {"sop_instance_uid": "1.2.3"},
        SeriesVersion: {"number": 3},
        SeriesResult: {"series_version_id": rows[SeriesVersion].pk},
        Measurement: {"name": "another"},
        KeyImage: {"name": "another"},
        CalciumCandidate: {"number": 2},
        CalciumReading: {"number": 2},
    }
    assert wrongly_answered(rows, fresh, cases) == []
