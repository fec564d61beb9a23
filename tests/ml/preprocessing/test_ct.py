"""Padding is no measurement, and a slice in another unit is not in Hounsfield units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from ml.reading import headers_read, read_series, series_decode
from ml.types import SeriesReading
from tests.dicom import CALCIUM_ATTRIBUTES, series_write

RESCALE = {"RescaleSlope": "1", "RescaleIntercept": "-1024", "RescaleType": "HU"}


def padded_ct(folder: Path, padding: int, dtype: type, attributes: dict[str, object] | None = None) -> list[Path]:
    """Water with noise and one calcification, whose outermost two columns are padding."""
    hu = 40 + np.random.default_rng(0).normal(0, 10, (44, 64, 64)).clip(-60, 60)
    hu[20, 30:33, 30:33] = 500
    stored = (hu + 1024).round().astype(dtype)
    stored[:, :, :2] = padding
    said = {"PixelPaddingValue": padding} if attributes is None else attributes
    return series_write(folder, stored, modality="CT", attributes={**RESCALE, **CALCIUM_ATTRIBUTES, **said})


def findings(reading: SeriesReading) -> dict[str, str]:
    return {finding.code: finding.sentence for finding in reading.quality}


@pytest.mark.parametrize(("padding", "dtype"), [(63536, np.uint16), (-2000, np.int16)])
def test_padding_is_neither_metal_nor_a_value_nor_a_candidate(tmp_path: Path, padding: int, dtype: type) -> None:
    reading = read_series(padded_ct(tmp_path, padding, dtype))
    assert reading.value_range == (-1024, 500)
    assert [refusal.reason_code for refusal in reading.refusals] == ["NOT_CONFIRMED"]
    assert (len(reading.candidates), reading.large_structures) == (1, ())
    assert findings(reading)["PIXEL_PADDING"] == (
        "5632 voxels (3.1 %) are padding, not measured (Pixel Padding Value); they were set to -1024 HU."
    )


def test_the_same_pixels_without_the_attribute_are_taken_as_they_are(tmp_path: Path) -> None:
    reading = read_series(padded_ct(tmp_path, 63536, np.uint16, {}))
    assert reading.value_range is not None
    assert reading.value_range[1] == 62512
    assert "PIXEL_PADDING" not in findings(reading)
    assert reading.refusals[0].reason_code == "METAL"


def test_a_range_of_padding_is_all_padding(tmp_path: Path) -> None:
    said = {"PixelPaddingValue": 63536, "PixelPaddingRangeLimit": 63000}
    paths = padded_ct(tmp_path, 63200, np.uint16, said)
    assert read_series(paths).value_range == (-1024, 500)


def test_stated_padding_that_no_voxel_has_is_not_mentioned(tmp_path: Path) -> None:
    reading = read_series(padded_ct(tmp_path, 1064, np.uint16, {"PixelPaddingValue": 63536}))
    assert "PIXEL_PADDING" not in findings(reading)


def test_padding_of_one_slice_stays_in_it_and_follows_its_own_rescale(tmp_path: Path) -> None:
    stored = np.full((3, 4, 4), 100, np.uint16)
    stored[:, 0, 0] = 7
    stored[:, 1, 1] = 50

    def edit(dataset: Dataset, index: int) -> None:
        dataset.RescaleSlope = ["0.3", "0.7", "1.1"][index]
        if index == 1:
            dataset.PixelPaddingValue = 7

    decoded = series_decode(headers_read(series_write(tmp_path, stored, modality="CT", attributes=RESCALE, edit=edit)))
    assert np.argwhere(decoded.volume == -1024).tolist() == [[1, 0, 0]]
    assert decoded.volume[:, 0, 0] == pytest.approx([7 * 0.3 - 1024, -1024, 7 * 1.1 - 1024], abs=1e-3)
    assert decoded.findings[0].sentence.startswith("1 voxels (2.1 %)")


@pytest.mark.parametrize("at", [0, 2])
def test_one_slice_in_another_unit_refuses_the_series(tmp_path: Path, at: int) -> None:
    def edit(dataset: Dataset, index: int) -> None:
        if index == at:
            dataset.RescaleType = "US"

    stored = np.arange(3 * 16, dtype=np.uint16).reshape(3, 4, 4)
    reading = read_series(series_write(tmp_path, stored, modality="CT", attributes=RESCALE, edit=edit))
    assert (reading.accepted, reading.reason_code) == (False, "RESCALE_TYPE")
    assert reading.sentence == "The CT values in 1 of 3 slices are in US (Rescale Type), not Hounsfield units."
