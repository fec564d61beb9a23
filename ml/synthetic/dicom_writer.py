"""Classic single-frame DICOM objects (PS3.3 A.3 CT, A.4 MR, A.21 PET) as Part 10 bytes, the same for the same input.

Everything that pydicom would fill in by itself (implementation UID and version, file preamble, UIDs) is pinned here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from jpeg_ls import encode_buffer
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
)

from ml.synthetic.identity import SYNTHETIC_COMMENT, PatientIdentity, synthetic_uid

TransferSyntax = Literal["explicit-little-endian", "jpeg-ls-lossless"]
Modality = Literal["CT", "MR", "PT"]
Vector = tuple[float, float, float]
StoredPixels = npt.NDArray[np.uint16]

IMPLEMENTATION_CLASS_UID = synthetic_uid("implementation", "cdss-synthetic")
IMPLEMENTATION_VERSION_NAME = "CDSS_SYNTHETIC"
MANUFACTURER = "cdss synthetic"

_SOP_CLASS: Mapping[Modality, str] = {
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "PT": PositronEmissionTomographyImageStorage,
}


@dataclass(frozen=True, slots=True)
class StudyIdentity:
    """The study a series belongs to. `started_at` is aware; its offset becomes TimezoneOffsetFromUTC."""

    patient: PatientIdentity
    study_instance_uid: str
    accession_number: str
    description: str
    started_at: datetime
    institution: str

    def __post_init__(self) -> None:
        if self.started_at.utcoffset() is None:
            raise ValueError("The start of a study needs a time zone.")


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticSeries:
    """A volume of stored values with its place in the patient (LPS, mm) and the attributes of its modality.

    `stored` is (slice, row, column). `row_direction` points along a row, `column_direction` down a column; slices
    step by `slice_step_mm` from `origin_xyz_mm`, the centre of the first voxel sent. `attributes` hold what all
    slices share, `per_slice` what differs, both as DICOM keyword to value.
    """

    modality: Modality
    number: int
    description: str
    stored: StoredPixels
    bits_stored: int
    pixel_spacing_mm: tuple[float, float]  # (row, column), as DICOM orders it
    slice_thickness_mm: float
    origin_xyz_mm: Vector
    row_direction: Vector
    column_direction: Vector
    slice_step_mm: Vector
    attributes: Mapping[str, object]
    per_slice: Sequence[Mapping[str, object]] = field(default=())


def series_part10(
    series: SyntheticSeries, study: StudyIdentity, *, transfer_syntax: TransferSyntax = "explicit-little-endian"
) -> Iterator[bytes]:
    """Yield one Part 10 file per slice, without touching the disk.

    Parameters
    ----------
    series : SyntheticSeries
        Stored values (slice, row, column) and geometry.
    study : StudyIdentity
        Patient and study; the UIDs of series and instances derive from `study.study_instance_uid`.
    transfer_syntax : {"explicit-little-endian", "jpeg-ls-lossless"}
        Native pixels, or ISO 14495-1 lossless at roughly half the size.

    Yields
    ------
    bytes
        A complete DICOM file.

    Examples
    --------
    >>> from ml.synthetic.studies import SyntheticStudy, study_series
    >>> from datetime import UTC, date, datetime
    >>> anna = PatientIdentity("Moreau", "Anna", date(1961, 4, 2), "F", "N-1", "north")
    >>> series = study_series(SyntheticStudy("PT", datetime(2026, 1, 5, 9, tzinfo=UTC), 3))
    >>> identity = StudyIdentity(anna, "2.25.1", "A1", "FDG PET", datetime(2026, 1, 5, 9, tzinfo=UTC), "Demo")
    >>> next(series_part10(series, identity))[128:132]
    b'DICM'
    """
    common = _common(series, study)
    for index, pixels in enumerate(series.stored):
        yield _part10(_instance(common, series, index), pixels, series.bits_stored, transfer_syntax)


def series_write(
    folder: Path,
    series: SyntheticSeries,
    study: StudyIdentity,
    *,
    transfer_syntax: TransferSyntax = "explicit-little-endian",
) -> int:
    """Write one file per slice into a folder, `0001.dcm` onwards.

    Parameters
    ----------
    folder : Path
        Made if absent.
    series : SyntheticSeries
    study : StudyIdentity
    transfer_syntax : {"explicit-little-endian", "jpeg-ls-lossless"}
        All three as in `series_part10`.

    Returns
    -------
    int
        Bytes written.

    Examples
    --------
    >>> from datetime import UTC
    >>> from tempfile import TemporaryDirectory
    >>> from ml.synthetic.studies import SyntheticStudy, study_identity, study_series
    >>> anna = PatientIdentity("Moreau", "Anna", date(1961, 4, 2), "F", "N-1", "north")
    >>> planned = SyntheticStudy("PT", datetime(2026, 1, 5, 9, tzinfo=UTC), 3)
    >>> with TemporaryDirectory() as folder:
    ...     written = series_write(Path(folder), study_series(planned), study_identity(anna, planned, institution="N"))
    >>> written > 90 * 2 * 128 * 128
    True
    """
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    for number, content in enumerate(series_part10(series, study, transfer_syntax=transfer_syntax), start=1):
        total += (folder / f"{number:04d}.dcm").write_bytes(content)
    return total


def series_instance_uid(series: SyntheticSeries, study: StudyIdentity) -> str:
    """The SeriesInstanceUID `series_part10` writes."""
    return synthetic_uid(study.study_instance_uid, "series", series.number)


def dicom_date(value: date) -> str:
    """A DA value.

    >>> dicom_date(date(2026, 3, 9))
    '20260309'
    """
    return value.strftime("%Y%m%d")


def dicom_time(value: datetime) -> str:
    """A TM value, to the second."""
    return value.strftime("%H%M%S")


def acquisition_moment(acquired_at: datetime) -> dict[str, object]:
    """Dates and times of series, acquisition and content, all at one moment.

    >>> from datetime import UTC
    >>> sorted(acquisition_moment(datetime(2026, 1, 5, 9, tzinfo=UTC)))[:2]
    ['AcquisitionDate', 'AcquisitionTime']
    """
    parts = {"Date": dicom_date(acquired_at), "Time": dicom_time(acquired_at)}
    return {f"{kind}{part}": value for kind in ("Series", "Acquisition", "Content") for part, value in parts.items()}


def decimal_string(value: float) -> str:
    """A DS value: at most 16 characters (PS3.5 table 6.2-1), as exact as they allow.

    >>> decimal_string(1 / 3), decimal_string(-0.0), decimal_string(2.5)
    ('0.33333333333333', '0', '2.5')
    """
    if value == 0:
        return "0"
    for digits in range(17, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text
    raise ValueError(f"{value!r} does not fit a decimal string.")


def coded(value: str, scheme: str, meaning: str) -> list[Dataset]:
    """A code sequence of one item (PS3.3 section 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return [item]


def _common(series: SyntheticSeries, study: StudyIdentity) -> Dataset:
    dataset = Dataset()
    _set(dataset, _patient_attributes(study))
    _set(dataset, _study_attributes(study))
    _set(dataset, _series_attributes(series, study))
    _set(dataset, series.attributes)
    return dataset


def _patient_attributes(study: StudyIdentity) -> dict[str, object]:
    patient = study.patient
    return {
        "PatientName": patient.dicom_name,
        "PatientID": patient.mrn,
        "IssuerOfPatientID": patient.issuer,
        "PatientBirthDate": dicom_date(patient.birth_date),
        "PatientSex": patient.sex,
        "PatientAge": f"{age_years(patient.birth_date, study.started_at.date()):03d}Y",
        "PatientComments": SYNTHETIC_COMMENT,
    }


def age_years(birth_date: date, on: date) -> int:
    """Completed years.

    >>> age_years(date(1960, 3, 2), date(2026, 3, 1)), age_years(date(1960, 3, 2), date(2026, 3, 2))
    (65, 66)
    """
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def _study_attributes(study: StudyIdentity) -> dict[str, object]:
    return {
        "SpecificCharacterSet": "ISO_IR 192",
        "TimezoneOffsetFromUTC": study.started_at.strftime("%z"),
        "StudyInstanceUID": study.study_instance_uid,
        "StudyID": study.accession_number[-16:],
        "StudyDate": dicom_date(study.started_at),
        "StudyTime": dicom_time(study.started_at),
        "StudyDescription": study.description,
        "AccessionNumber": study.accession_number,
        "ReferringPhysicianName": "",
        "InstitutionName": study.institution,
        "Manufacturer": MANUFACTURER,
        "ManufacturerModelName": "phantom",
        "SoftwareVersions": "1",
        "DeviceSerialNumber": "SYNTHETIC",
    }


def _series_attributes(series: SyntheticSeries, study: StudyIdentity) -> dict[str, object]:
    _, rows, columns = series.stored.shape
    return {
        "SOPClassUID": _SOP_CLASS[series.modality],
        "Modality": series.modality,
        "SeriesInstanceUID": series_instance_uid(series, study),
        "FrameOfReferenceUID": synthetic_uid(study.study_instance_uid, "frame of reference"),
        "PositionReferenceIndicator": "",
        "SeriesNumber": series.number,
        "SeriesDescription": series.description,
        "ImageComments": SYNTHETIC_COMMENT,
        "BurnedInAnnotation": "NO",
        "LossyImageCompression": "00",
        "ImageOrientationPatient": [decimal_string(v) for v in (*series.row_direction, *series.column_direction)],
        "PixelSpacing": [decimal_string(v) for v in series.pixel_spacing_mm],
        "SliceThickness": decimal_string(series.slice_thickness_mm),
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": 16,
        "BitsStored": series.bits_stored,
        "HighBit": series.bits_stored - 1,
        "PixelRepresentation": 0,
    }


def _instance(common: Dataset, series: SyntheticSeries, index: int) -> Dataset:
    dataset = Dataset(common)
    position = [start + index * step for start, step in zip(series.origin_xyz_mm, series.slice_step_mm, strict=True)]
    normal = np.cross(series.row_direction, series.column_direction)
    dataset.SOPInstanceUID = synthetic_uid(common.SeriesInstanceUID, "instance", index)
    dataset.InstanceNumber = index + 1
    dataset.ImagePositionPatient = [decimal_string(value) for value in position]
    dataset.SliceLocation = decimal_string(round(float(np.dot(normal, position)), 6))
    if series.per_slice:
        _set(dataset, series.per_slice[index])
    return dataset


def _set(dataset: Dataset, attributes: Mapping[str, object]) -> None:
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)


def _part10(dataset: Dataset, pixels: StoredPixels, bits_stored: int, transfer_syntax: TransferSyntax) -> bytes:
    is_compressed = transfer_syntax == "jpeg-ls-lossless"
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = UID(JPEGLSLossless if is_compressed else ExplicitVRLittleEndian)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    dataset.file_meta = meta
    if is_compressed:
        dataset.PixelData = encapsulate([_jpeg_ls(pixels, bits_stored)])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    else:
        dataset.PixelData = pixels.astype("<u2", copy=False).tobytes()
        dataset["PixelData"].VR = "OW"
    buffer = BytesIO()
    dcmwrite(buffer, dataset, implicit_vr=None, enforce_file_format=True)
    return buffer.getvalue()


def _jpeg_ls(pixels: StoredPixels, bits_stored: int) -> bytes:
    rows, columns = pixels.shape
    little_endian = pixels.astype("<u2", copy=False).tobytes()
    return bytes(encode_buffer(little_endian, rows, columns, 1, bits_stored))
