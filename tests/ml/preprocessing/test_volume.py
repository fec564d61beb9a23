from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.errors import SeriesRefusal
from ml.preprocessing.dicom import instance_read
from ml.preprocessing.volume import value_range, volume_decode, volume_sha256
from ml.reading import read_series
from tests.dicom import ct_series_write, mr_series_write


def test_each_slice_has_its_own_slope_and_intercept(tmp_path: Path) -> None:
    instances = [instance_read(path) for path in ct_series_write(tmp_path, np.arange(12).reshape(3, 2, 2) - 1024)]
    volume = volume_decode(instances, [(1, 0), (0.5, 10), (2, -1)])
    assert volume.dtype == np.float32
    assert volume.tolist() == [[[0, 1], [2, 3]], [[12, 12.5], [13, 13.5]], [[15, 17], [19, 21]]]


def test_hounsfield_units_are_exact(tmp_path: Path) -> None:
    hu = np.random.default_rng(1).integers(-1024, 3071, (3, 5, 7))
    instances = [instance_read(path) for path in ct_series_write(tmp_path, hu)]
    np.testing.assert_array_equal(volume_decode(instances, [(1, -1024)] * 3), hu)


def test_constant_image_is_refused(tmp_path: Path) -> None:
    assert read_series(ct_series_write(tmp_path, np.zeros((3, 4, 4)))).reason_code == "CONSTANT_IMAGE"
    with pytest.raises(SeriesRefusal):
        value_range(np.full((1, 2, 2), 7, dtype=np.float32))


def test_hash_depends_on_shape_and_on_every_value() -> None:
    volume = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    other = volume.copy()
    other[1, 1, 1] = np.nextafter(np.float32(7), np.float32(8))
    hashes = {volume_sha256(one) for one in (volume, volume.reshape(1, 2, 4), other, volume.transpose(2, 1, 0))}
    assert len(hashes) == 4


def test_mr_without_rescale_keeps_its_stored_values(tmp_path: Path) -> None:
    values = np.arange(48).reshape(3, 4, 4)
    plain = read_series(mr_series_write(tmp_path / "plain", values))
    assert (plain.value_range, plain.value_unit) == ((0, 47), "1")
    scaled = {"RescaleSlope": "0.5", "RescaleIntercept": "3"}
    assert read_series(mr_series_write(tmp_path / "scaled", values, attributes=scaled)).value_range == (3, 26.5)


def test_mr_with_a_rescale_on_some_slices_is_refused(tmp_path: Path) -> None:
    def edit(dataset: object, index: int) -> None:
        if index == 1:
            dataset.RescaleSlope, dataset.RescaleIntercept = "2", "0"  # type: ignore[attr-defined]

    reading = read_series(mr_series_write(tmp_path, np.arange(48).reshape(3, 4, 4), edit=edit))
    assert reading.reason_code == "RESCALE_MISSING"
