"""The DICOM objects, read back with pydicom: valid, marked synthetic, in the right place, the same bytes every time."""

import hashlib
from datetime import date, datetime, timedelta, timezone
from io import BytesIO

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.synthetic.dicom_writer import (
    StudyIdentity,
    SyntheticSeries,
    age_years,
    decimal_string,
    series_part10,
    series_write,
)
from ml.synthetic.identity import PatientIdentity
from ml.synthetic.studies import SyntheticStudy, study_identity, study_series

ANNA = PatientIdentity("Moreau", "Anna", date(1961, 4, 2), "F", "N0000001", "SYNTHETIC-NORTH")
STARTED_AT = datetime(2026, 1, 5, 9, 30, tzinfo=timezone(timedelta(hours=-5)))
STUDIES = {
    "CT": SyntheticStudy("CT", STARTED_AT, 3),
    "CTA": SyntheticStudy("CT", STARTED_AT, 3, ct_kind="CORONARY_ANGIOGRAPHY"),
    "MR": SyntheticStudy("MR", STARTED_AT, 3),
    "PT": SyntheticStudy("PT", STARTED_AT, 3),
}


def dcmread(content):
    return pydicom.dcmread(BytesIO(content))  # noqa: TID251  reading back what this test wrote


def part10(study, **options):
    return series_part10(study_series(study), study_identity(ANNA, study, institution="North Demo Hospital"), **options)


@pytest.fixture(scope="module", params=sorted(STUDIES))
def written(request):
    if request.param == "MR":
        pytest.importorskip("nilearn", reason="the `demo` extra is not installed")
    study = STUDIES[request.param]
    return study_series(study), [dcmread(content) for content in part10(study)]


def test_every_instance_is_unmistakably_synthetic(written):
    for dataset in written[1]:
        assert str(dataset.PatientName) == "Synthetic-Moreau^Anna"
        assert dataset.PatientComments == dataset.ImageComments == "SYNTHETIC - not a real patient"
        assert dataset.Manufacturer == "cdss synthetic"
        assert dataset.BurnedInAnnotation == "NO"


def test_uids_are_valid_shared_where_they_must_be_and_unique_where_they_must_be(written):
    _, datasets = written
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        assert len({dataset[keyword].value for dataset in datasets}) == 1
    uids = {dataset.SOPInstanceUID for dataset in datasets}
    assert len(uids) == len(datasets)
    assert all(uid.is_valid and uid.startswith("2.25.") for uid in uids)
    first = datasets[0]
    assert len({first.StudyInstanceUID, first.SeriesInstanceUID, first.FrameOfReferenceUID, first.SOPInstanceUID}) == 4


def test_identity_and_time_are_complete(written):
    first = written[1][0]
    assert (first.PatientID, first.IssuerOfPatientID, first.PatientBirthDate) == (ANNA.mrn, ANNA.issuer, "19610402")
    assert (first.StudyDate, first.StudyTime, first.TimezoneOffsetFromUTC) == ("20260105", "093000", "-0500")
    assert first.PatientAge == "064Y"
    assert first.AccessionNumber.startswith("S")
    assert len(first.AccessionNumber) <= 16


def test_positions_step_evenly_along_the_normal_of_the_slices(written):
    series, datasets = written
    positions = np.array([dataset.ImagePositionPatient for dataset in datasets], dtype=float)
    steps = np.diff(positions, axis=0)
    np.testing.assert_allclose(steps, np.broadcast_to(series.slice_step_mm, steps.shape), atol=1e-9)
    orientation = np.array(datasets[0].ImageOrientationPatient, dtype=float)
    normal = np.cross(orientation[:3], orientation[3:])
    assert np.linalg.norm(normal) == pytest.approx(1)
    assert abs(steps[0] @ normal) == pytest.approx(float(datasets[0].SliceThickness))
    assert [dataset.InstanceNumber for dataset in datasets] == list(range(1, len(datasets) + 1))


def test_pixels_come_back_as_they_were(written):
    series, datasets = written
    assert np.array_equal(datasets[-1].pixel_array, series.stored[-1])
    assert datasets[0].pixel_array.max() < 2**series.bits_stored


def test_mandatory_attributes_of_the_modality_are_there(written):
    first = written[1][0]
    mandatory = {
        "CT": ("ImageType", "RescaleIntercept", "RescaleSlope", "KVP", "AcquisitionNumber", "ConvolutionKernel"),
        "MR": ("ImageType", "ScanningSequence", "SequenceVariant", "MRAcquisitionType", "EchoTime", "InversionTime"),
        "PT": ("Units", "CountsSource", "SeriesType", "CorrectedImage", "DecayCorrection", "FrameReferenceTime"),
    }[first.Modality]
    assert all(first.get(keyword) not in (None, "") for keyword in mandatory)


def test_only_the_angiography_says_that_contrast_was_given(written):
    first = written[1][0]
    assert ("ContrastBolusAgent" in first) == (first.get("SeriesDescription") == "Coronary CTA")


def test_calcium_ct_carries_hounsfield_numbers_and_passes_its_protocol():
    first = dcmread(next(part10(STUDIES["CT"])))
    hu = first.pixel_array * float(first.RescaleSlope) + float(first.RescaleIntercept)
    assert np.array_equal(hu, study_series(STUDIES["CT"]).stored[0].astype(float) - 1024)
    assert (float(first.KVP), float(first.SliceThickness), first.ConvolutionKernel) == (120, 3, "Qr36")
    assert (first.BodyPartExamined, first.SeriesDescription, first.RescaleType) == ("HEART", "Calcium score", "HU")


def test_jpeg_ls_is_lossless_and_at_most_half_the_size():
    native, packed = (
        next(part10(STUDIES["CT"], transfer_syntax=syntax)) for syntax in ("explicit-little-endian", "jpeg-ls-lossless")
    )
    assert dcmread(packed).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.80"
    assert np.array_equal(dcmread(native).pixel_array, dcmread(packed).pixel_array)
    assert len(packed) < len(native) / 2


def test_nothing_in_the_file_depends_on_when_or_where_it_was_written():
    study = SyntheticStudy("PT", STARTED_AT, 3)
    digests = [hashlib.sha256(b"".join(part10(study))).hexdigest() for _ in range(2)]
    assert digests[0] == digests[1]
    meta = dcmread(next(part10(study))).file_meta
    assert meta.ImplementationVersionName == "CDSS_SYNTHETIC"
    assert meta.ImplementationClassUID.startswith("2.25.")


def test_another_patient_or_seed_gives_other_uids():
    other = PatientIdentity("Moreau", "Anna", date(1961, 4, 2), "F", "N0000002", "SYNTHETIC-NORTH")
    same = study_identity(ANNA, STUDIES["PT"], institution="N")
    assert study_identity(other, STUDIES["PT"], institution="N").study_instance_uid != same.study_instance_uid
    reseeded = SyntheticStudy("PT", STARTED_AT, 4)
    assert study_identity(ANNA, reseeded, institution="N").study_instance_uid != same.study_instance_uid


def test_files_on_disk_are_the_streamed_bytes(tmp_path):
    series = study_series(STUDIES["PT"])
    identity = study_identity(ANNA, STUDIES["PT"], institution="N")
    size = series_write(tmp_path / "pet", series, identity)
    files = sorted((tmp_path / "pet").iterdir())
    assert [file.read_bytes() for file in files] == list(series_part10(series, identity))
    assert size == sum(file.stat().st_size for file in files)


def test_a_study_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        StudyIdentity(ANNA, "2.25.1", "A1", "CT", datetime(2026, 1, 5, 9, 30), "N")  # noqa: DTZ001


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_decimal_strings_fit_and_keep_their_value(value):
    text = decimal_string(value)
    assert len(text) <= 16
    assert float(text) == pytest.approx(value, rel=1e-8, abs=1e-300)


@given(st.dates(date(1920, 1, 1), date(2026, 1, 1)), st.integers(0, 40000))
def test_age_rises_by_one_on_each_birthday_and_only_then(birth_date, days):
    day = birth_date + timedelta(days=days)
    before, after = age_years(birth_date, day), age_years(birth_date, day + timedelta(days=1))
    following = day + timedelta(days=1)
    is_birthday = (following.month, following.day) == (birth_date.month, birth_date.day)
    is_leap_birthday = (birth_date.month, birth_date.day) == (2, 29) and (following.month, following.day) == (3, 1)
    is_birthday |= is_leap_birthday and (following - timedelta(days=1)).day != 29
    assert after - before == int(is_birthday)


def test_a_series_of_any_shape_keeps_its_slices_in_order():
    stored = np.arange(3 * 4 * 5, dtype=np.uint16).reshape(3, 4, 5)
    series = SyntheticSeries(
        "MR", 1, "order", stored, 12, (1.0, 1.0), 2.0, (0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0),
        (0.0, 0.0, 2.0), {},
    )  # fmt: skip
    identity = study_identity(ANNA, STUDIES["MR"], institution="N")
    for syntax in ("explicit-little-endian", "jpeg-ls-lossless"):
        read = [dcmread(content) for content in series_part10(series, identity, transfer_syntax=syntax)]
        assert np.array_equal([dataset.pixel_array for dataset in read], stored)
