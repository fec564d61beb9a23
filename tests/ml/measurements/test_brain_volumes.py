"""The gates of intracranial volume. The measurement itself is tested on real heads in tests/real."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.errors import Refusal
from ml.measurements import brain_volumes
from ml.measurements.brain_volumes import HeadProtocol, check_protocol, intracranial_volume_ml
from ml.preprocessing.geometry import Geometry
from ml.reading import read_series
from ml.types import SeriesReading
from tests.dicom import mr_series_write

GOOD = HeadProtocol("HEAD", "t1_mprage_sag", "GR\\IR", 2.9, 2300.0, "", (1.0, 1.0, 1.0), (180.0, 240.0, 220.0))
needs_deepbet = pytest.mark.skipif(importlib.util.find_spec("deepbet") is None, reason="the extra `brain` is absent")


@pytest.mark.parametrize(
    ("change", "reason_code"),
    [
        ({"body_part": "KNEE"}, "BODY_PART"),
        ({"body_part": ""}, "BODY_PART"),
        ({"contrast_agent": "Gadovist"}, "CONTRAST_PRESENT"),
        ({"echo_time_ms": 95.0}, "NOT_T1"),
        ({"description": "t2_flair", "echo_time_ms": None}, "NOT_T1"),
        ({"description": "t2_tse"}, "NOT_T1"),
        ({"description": "sag", "echo_time_ms": None}, "NOT_T1"),
        ({"description": "sag", "scanning_sequence": "SE", "repetition_time_ms": 3000.0}, "NOT_T1"),
        ({"spacing_zyx_mm": (5.0, 0.5, 0.5)}, "VOXEL_SIZE"),
        ({"extent_xyz_mm": (180.0, 240.0, 60.0)}, "FIELD_OF_VIEW"),
        ({"extent_xyz_mm": (100.0, 240.0, 220.0)}, "FIELD_OF_VIEW"),
        ({"description": "T1 MAP"}, "NOT_T1"),
        ({"description": "t1map_sag"}, "NOT_T1"),
        ({"description": "MOLLI T1 map"}, "NOT_T1"),
        ({"description": "gre_field_mapping"}, "NOT_T1"),
        ({"description": "gre_field_mapping", "scanning_sequence": "GR"}, "NOT_T1"),
        ({"description": "SAG FIESTA 3D", "scanning_sequence": "GR", "repetition_time_ms": 5.0}, "NOT_T1"),
        ({"description": "pdw_mfc_3dflash", "scanning_sequence": "GR", "repetition_time_ms": 25.0}, "NOT_T1"),
        ({"description": "MRA COW", "scanning_sequence": "GR", "repetition_time_ms": 22.0}, "NOT_T1"),
        ({"description": "sag 3d", "scanning_sequence": "GR", "repetition_time_ms": 8.0}, "NOT_T1"),
        ({"description": "T2 not T1", "echo_time_ms": None, "repetition_time_ms": None}, "NOT_T1"),
        ({"description": "AX T2 FLAIR T1 comparison"}, "NOT_T1"),
        ({"description": "AX T1 FLAIR", "echo_time_ms": 90.0}, "NOT_T1"),
        ({"description": "t1_mprage post gad"}, "CONTRAST_PRESENT"),
        ({"description": "T1 3D +C"}, "CONTRAST_PRESENT"),
        ({"description": "t1_mprage_KM"}, "CONTRAST_PRESENT"),
        ({"contrast_agent": "NONE", "contrast_volume_ml": 7.5}, "CONTRAST_PRESENT"),
        ({"description": "ACR phantom t1"}, "BODY_PART"),
        ({"study_description": "QA Phantom weekly"}, "BODY_PART"),
        ({"body_part": "", "description": "femoral head t1"}, "BODY_PART"),
        ({"body_part": "", "description": "RADIAL HEAD T1"}, "BODY_PART"),
        ({"body_part": "", "description": "T1 overhead"}, "BODY_PART"),
        ({"image_type": ("ORIGINAL", "PRIMARY", "P", "ND")}, "IMAGE_TYPE"),
        ({"image_type": ("DERIVED", "SECONDARY", "MPR")}, "IMAGE_TYPE"),
    ],
)
def test_series_that_is_no_whole_t1_head_is_refused_by_name(change: dict[str, object], reason_code: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_protocol(replace(GOOD, **change))  # type: ignore[arg-type]
    assert refused.value.reason_code == reason_code


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"body_part": "BRAIN"},
        {"body_part": "", "description": "Brain t1 axial"},
        {"description": "sag 3d"},
        {"description": "sag", "scanning_sequence": "SE", "echo_time_ms": 12.0, "repetition_time_ms": 500.0},
        {"echo_time_ms": None, "repetition_time_ms": None},
        {
            "description": "AX T1 FLAIR",
            "scanning_sequence": "SE\\IR",
            "echo_time_ms": 24.0,
            "repetition_time_ms": 2500.0,
        },
        {"contrast_agent": "NONE"},
        {"contrast_agent": "no contrast", "contrast_volume_ml": 0.0},
        {"description": "t1_mprage without contrast"},
        {"description": "t1_mprage pre-contrast", "study_description": "MRI brain with and without contrast, T2 FLAIR"},
        {"description": "t1_mprage epilepsy"},
        {"body_part": "", "description": "t1_mprage", "study_description": "MR Head"},
        {"image_type": ("ORIGINAL", "PRIMARY", "M", "ND", "NORM")},
    ],
)
def test_t1_heads_pass(change: dict[str, object]) -> None:
    check_protocol(replace(GOOD, **change))  # type: ignore[arg-type]


def head(folder: Path, **options: object) -> SeriesReading:
    return read_series(mr_series_write(folder, np.arange(48).reshape(3, 4, 4), **options))


def test_extent_follows_the_patient_and_not_the_order_of_storage(tmp_path: Path) -> None:
    # Sagittal: slices run to the left, rows downwards, columns to the back.
    values = np.arange(140 * 16).reshape(140, 4, 4) % 4000
    sagittal = {"row_direction": (0.0, 1.0, 0.0), "column_direction": (0.0, 0.0, -1.0)}
    reading = read_series(mr_series_write(tmp_path, values, spacing_zyx_mm=(1.0, 1.0, 2.0), **sagittal))
    (refusal,) = reading.refusals
    assert refusal.reason_code == "FIELD_OF_VIEW"
    assert "140 x 8 x 4 mm (left-right, front-back, top-bottom)" in refusal.sentence


def test_refusal_is_a_result_of_an_accepted_series(tmp_path: Path) -> None:
    reading = head(tmp_path, attributes={"BodyPartExamined": "KNEE"})
    (refusal,) = reading.refusals
    assert reading.accepted
    assert refusal.name == "intracranial_volume_ml"
    assert refusal.sentence == "Intracranial volume not measured: the body part is KNEE, not the head."


def test_without_the_extra_the_measurement_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    volume = np.zeros((2, 2, 2), dtype=np.float32)
    with pytest.raises(Refusal) as refused:
        intracranial_volume_ml(volume, Geometry((2, 2, 2), (1, 1, 1), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)))
    assert refused.value.reason_code == "EXTRA_NOT_INSTALLED"


@needs_deepbet
def test_weights_other_than_those_checked_are_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    brain_volumes._extraction.cache_clear()
    monkeypatch.setitem(brain_volumes.WEIGHTS_SHA256, "model.pt", "0" * 64)
    with pytest.raises(Refusal) as refused:
        brain_volumes._extraction()
    assert refused.value.reason_code == "WEIGHTS_ALTERED"


@needs_deepbet
@pytest.mark.slow
def test_uniform_ellipsoid_is_not_a_head() -> None:
    z, y, x = np.mgrid[-100:100, -115:115, -90:90]
    phantom = 800 * ((x / 68) ** 2 + (y / 90) ** 2 + (z / 70) ** 2 < 1)
    volume = np.abs(phantom + np.random.default_rng(0).normal(0, 20, phantom.shape)).astype(np.float32)
    geometry = Geometry(volume.shape, (1, 1, 1), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))  # type: ignore[arg-type]
    with pytest.raises(Refusal) as refused:
        intracranial_volume_ml(volume, geometry)
    assert refused.value.reason_code == "BRAIN_UNIFORM"


@needs_deepbet
@pytest.mark.slow
def test_noise_is_not_a_head() -> None:
    volume = np.random.default_rng(0).normal(500, 50, (160, 180, 160)).astype(np.float32)
    geometry = Geometry(volume.shape, (1, 1, 1), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))  # type: ignore[arg-type]
    with pytest.raises(Refusal) as refused:
        intracranial_volume_ml(volume, geometry)
    assert refused.value.reason_code in {"NO_BRAIN_FOUND", "FIELD_OF_VIEW", "IMPLAUSIBLE_VOLUME"}
