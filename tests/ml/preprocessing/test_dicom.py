from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from ml.errors import SeriesRefusal
from ml.preprocessing import dicom
from ml.preprocessing.dicom import header_read, instance_read
from ml.preprocessing.header import header_number, header_text
from tests.dicom import ct_series_write, instance_save, slice_dataset

STORED = np.arange(32, dtype=np.uint16).reshape(2, 4, 4)


def replaced_raw(path: Path, old: bytes, new: bytes) -> Path:
    assert len(old) == len(new)
    content = path.read_bytes()
    assert content.count(old) >= 1
    path.write_bytes(content.replace(old, new))
    return path


@pytest.mark.parametrize("transfer_syntax_uid", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_instance_has_the_values_that_were_written(tmp_path: Path, transfer_syntax_uid: str) -> None:
    path = ct_series_write(tmp_path, STORED, transfer_syntax_uid=transfer_syntax_uid)[1]
    instance = instance_read(path)
    assert instance.modality == "CT"
    assert instance.patient_id == "TEST-series"
    assert instance.image_position_patient == (-10.0, -20.0, 33.0)
    assert instance.image_orientation_patient == (1, 0, 0, 0, 1, 0)
    assert instance.pixel_spacing_mm == (1.0, 1.0)
    assert (instance.rescale_slope, instance.rescale_intercept) == (1.0, -1024.0)
    assert instance.image_type == ("ORIGINAL", "PRIMARY", "AXIAL")
    assert instance.pixel_format is not None
    assert (instance.pixel_format.rows, instance.pixel_format.bits_stored) == (4, 16)
    header = header_read(instance)
    assert header_text(header, "ConvolutionKernel") == "Qr36"
    assert header_number(header, "KVP") == 120


def test_missing_attribute_is_none_and_never_a_default(tmp_path: Path) -> None:
    dataset = slice_dataset(STORED, 0, modality="CT")
    for keyword in ("PixelSpacing", "ImagePositionPatient", "SliceThickness", "PixelRepresentation"):
        delattr(dataset, keyword)
    instance = instance_read(instance_save(dataset, tmp_path / "a.dcm"))
    assert instance.pixel_spacing_mm is None
    assert instance.image_position_patient is None
    assert instance.slice_thickness_mm is None
    assert instance.rescale_slope is None
    assert instance.pixel_format is not None
    assert instance.pixel_format.pixel_representation == -1


@pytest.mark.parametrize(
    ("old", "new", "reason_code"),
    [
        (b"-10.000000", b"-10.00x000", "BAD_VALUE"),
        (b"-10.000000", b"-1\\.000000", "BAD_VALUE"),
        (b"-10.000000", b"       nan", "BAD_VALUE"),
        (b"1.2.826.0.1.3680043.8.498.", b"../../etc/passwd//////////", "BAD_UID"),
    ],
)
def test_unreadable_value_is_refused_naming_the_file(tmp_path: Path, old: bytes, new: bytes, reason_code: str) -> None:
    path = replaced_raw(ct_series_write(tmp_path, STORED)[0], old, new)
    with pytest.raises(SeriesRefusal) as refused:
        instance_read(path)
    assert refused.value.reason_code == reason_code
    assert refused.value.sentence.startswith("0000.dcm is refused: ")


def test_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeriesRefusal) as refused:
        instance_read(tmp_path / "absent.dcm")
    assert refused.value.reason_code == "UNREADABLE_FILE"


def test_empty_and_oversized_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(SeriesRefusal) as refused:
        instance_read(tmp_path / "empty")
    assert refused.value.reason_code == "NOT_DICOM"
    path = ct_series_write(tmp_path, STORED)[0]
    monkeypatch.setattr(dicom, "MAX_FILE_BYTES", 100)
    with pytest.raises(SeriesRefusal) as refused:
        instance_read(path)
    assert refused.value.reason_code == "FILE_TOO_LARGE"


def test_header_values_that_are_not_numbers_are_none() -> None:
    header = Dataset()
    header.ImageType = ["A", "B"]
    header.add_new(0x00180060, "SH", "a lot")
    assert header_number(header, "KVP") is None
    assert header_number(header, "SliceThickness") is None
    assert header_text(header, "ImageType") == "A\\B"
    assert header_text(header, "SeriesDescription") == ""
