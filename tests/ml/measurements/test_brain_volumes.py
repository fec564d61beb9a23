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
def test_noise_is_not_a_head() -> None:
    volume = np.random.default_rng(0).normal(500, 50, (160, 180, 160)).astype(np.float32)
    geometry = Geometry(volume.shape, (1, 1, 1), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))  # type: ignore[arg-type]
    with pytest.raises(Refusal) as refused:
        intracranial_volume_ml(volume, geometry)
    assert refused.value.reason_code in {"NO_BRAIN_FOUND", "FIELD_OF_VIEW", "IMPLAUSIBLE_VOLUME"}
