from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from ml.preprocessing.dicom import instance_read
from ml.preprocessing.geometry import order_and_geometry
from ml.preprocessing.quality import series_findings
from ml.reading import read_series
from tests.dicom import ct_series_write

HU = np.arange(3 * 16).reshape(3, 4, 4)


def set_on(keyword: str, value: object, *, only: int | None = None) -> Callable[[Dataset, int], None]:
    def edit(dataset: Dataset, index: int) -> None:
        if only is None or index == only:
            setattr(dataset, keyword, value)

    return edit


@pytest.mark.parametrize(
    ("edit", "reason_code"),
    [
        (set_on("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2.1"), "ENHANCED_OBJECT"),
        (set_on("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"), "SOP_CLASS"),
        (set_on("SOPClassUID", "1.2.840.10008.5.1.4.1.1.481.5"), "SOP_CLASS"),
        (set_on("Modality", "OT"), "MODALITY"),
        (set_on("Modality", ""), "MODALITY"),
        (set_on("Modality", "MR"), "MODALITY_MISMATCH"),
        (set_on("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]), "LOCALIZER"),
        (set_on("NumberOfFrames", 3), "MULTIFRAME"),
        (set_on("PhotometricInterpretation", "MONOCHROME1"), "PIXEL_FORMAT"),
        (set_on("HighBit", 11), "PIXEL_FORMAT"),
        (set_on("BitsStored", 0), "PIXEL_FORMAT"),
        (set_on("PixelRepresentation", 2), "PIXEL_FORMAT"),
        (set_on("Rows", 0), "NO_PIXEL_DATA"),
        (set_on("SeriesInstanceUID", generate_uid(), only=1), "MIXED_SERIES"),
        (set_on("StudyInstanceUID", generate_uid(), only=1), "MIXED_STUDY"),
        (set_on("PatientID", "SOMEBODY-ELSE", only=2), "MIXED_PATIENT"),
        (set_on("FrameOfReferenceUID", generate_uid(), only=0), "MIXED_FRAME_OF_REFERENCE"),
        (set_on("SOPInstanceUID", "1.2.3"), "DUPLICATE_INSTANCE"),
        (set_on("Columns", 2, only=1), "MIXED_PIXEL_FORMAT"),
        (set_on("RescaleType", "US"), "RESCALE_TYPE"),
        (set_on("RescaleSlope", None, only=1), "RESCALE_MISSING"),
        (set_on("RescaleSlope", "0"), "RESCALE_MISSING"),
    ],
)
def test_series_that_cannot_be_trusted_is_refused_by_name(
    tmp_path: Path, edit: Callable[[Dataset, int], None], reason_code: str
) -> None:
    reading = read_series(ct_series_write(tmp_path, HU, edit=edit))
    assert (reading.accepted, reading.reason_code) == (False, reason_code)
    assert reading.sentence
    assert reading.sentence.endswith(".")
    assert reading.shape_zyx is None


def test_mixed_modality_is_refused(tmp_path: Path) -> None:
    def edit(dataset: Dataset, index: int) -> None:
        if index == 1:
            dataset.Modality, dataset.SOPClassUID = "MR", "1.2.840.10008.5.1.4.1.1.4"

    assert read_series(ct_series_write(tmp_path, HU, edit=edit)).reason_code == "MIXED_MODALITY"


def test_enhanced_object_is_refused_by_its_standard_name(tmp_path: Path) -> None:
    edit = set_on("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2.1")
    sentence = read_series(ct_series_write(tmp_path, HU, edit=edit)).sentence
    assert sentence is not None
    assert "Enhanced CT Image Storage" in sentence


def test_empty_uids_are_accepted_and_named(tmp_path: Path) -> None:
    def edit(dataset: Dataset, _: int) -> None:
        dataset.SeriesInstanceUID = dataset.StudyInstanceUID = dataset.SOPInstanceUID = ""
        dataset.SOPClassUID = dataset.PatientID = ""

    reading = read_series(ct_series_write(tmp_path, HU, edit=edit))
    assert reading.accepted
    found = {finding.code: finding.sentence for finding in reading.quality}
    assert found["EMPTY_UID"] == "Empty or missing: Study Instance UID, Series Instance UID, SOP Instance UID."
    assert {"EMPTY_SOP_CLASS", "EMPTY_PATIENT_ID"} <= found.keys()


@pytest.mark.parametrize(
    ("keyword", "value", "code"),
    [
        ("SliceThickness", "5", "OVERLAPPING_SLICES"),
        ("SliceThickness", "2", "SLICE_GAPS"),
        ("SliceThickness", None, "SLICE_THICKNESS_UNKNOWN"),
        ("LossyImageCompression", "01", "LOSSY_COMPRESSION"),
        ("ImageType", ["DERIVED", "PRIMARY", "AXIAL"], "DERIVED"),
    ],
)
def test_finding_is_named_and_does_not_refuse(tmp_path: Path, keyword: str, value: object, code: str) -> None:
    reading = read_series(ct_series_write(tmp_path, HU, attributes={keyword: value}))
    assert reading.accepted
    assert [finding.code for finding in reading.quality] == [code]


def test_sound_series_has_no_findings(tmp_path: Path) -> None:
    instances, geometry = order_and_geometry([instance_read(path) for path in ct_series_write(tmp_path, HU)])
    assert series_findings(instances, geometry) == ()
