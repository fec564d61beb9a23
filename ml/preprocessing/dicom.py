"""Read the header of one DICOM instance safely: checked structure first, typed values second, pydicom last.

The fields that every slice must have are decoded here from the bytes that `part10_scan` has checked; the rest of the
header (descriptions, sequences, private groups) is read by pydicom, once per series, from those same checked bytes.
"""

from __future__ import annotations

import io
import math
import mmap
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from ml.errors import SeriesRefusal
from ml.preprocessing.compression import is_compressed_with_loss
from ml.preprocessing.header import UNREADABLE
from ml.preprocessing.part10 import ITEM_START, Part10, part10_scan

MAX_FILE_BYTES = 512 * 2**20

_UID = re.compile(r"[0-9.]{1,64}")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How the stored values of one frame are laid out; equal for every slice of a readable series."""

    rows: int
    columns: int
    number_of_frames: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    pixel_representation: int
    photometric_interpretation: str


@dataclass(frozen=True, slots=True)
class Instance:
    """One image object: its file, where its pixel data lie, and the attributes that are checked slice by slice.

    A missing or empty attribute is "" or None, never a default.
    """

    path: Path
    part10: Part10
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    frame_of_reference_uid: str
    patient_id: str
    modality: str
    image_type: tuple[str, ...]
    pixel_format: PixelFormat | None
    image_position_patient: tuple[float, ...] | None
    image_orientation_patient: tuple[float, ...] | None
    pixel_spacing_mm: tuple[float, ...] | None
    slice_thickness_mm: float | None
    rescale_slope: float | None
    rescale_intercept: float | None
    acquisition_date: str
    acquisition_time: str
    is_lossy: bool  # by Lossy Image Compression, the transfer syntax or the codestream
    stored_padding: tuple[int, int] | None  # lowest and highest stored value that is no measurement


def instance_read(path: Path) -> Instance:
    """Read and check the header of one file.

    Parameters
    ----------
    path : Path
        A DICOM file with preamble and file meta information (PS3.10).

    Returns
    -------
    Instance

    Raises
    ------
    SeriesRefusal
        Names the file: UNREADABLE_FILE, FILE_TOO_LARGE, BAD_VALUE, BAD_UID or any code of `part10_scan`.

    Examples
    --------
    >>> instance_read(Path("pyproject.toml"))
    Traceback (most recent call last):
    ml.errors.SeriesRefusal: pyproject.toml is refused: it is not a DICOM file (no DICM prefix).
    """
    try:
        return _instance(path, *_scan(path))
    except SeriesRefusal as refusal:
        raise SeriesRefusal(refusal.reason_code, f"{path.name} is refused: {refusal.sentence}.") from refusal
    except OSError as error:
        raise SeriesRefusal("UNREADABLE_FILE", f"{path.name} could not be opened: {error.strerror}.") from error


def header_read(instance: Instance) -> Dataset:
    """Read the whole header of one checked instance with pydicom, without its pixel data.

    Parameters
    ----------
    instance : Instance
        From `instance_read`; its file is read again.

    Returns
    -------
    Dataset

    Raises
    ------
    SeriesRefusal
        UNREADABLE_HEADER.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> header_read(SimpleNamespace(path=Path("gone.dcm"), part10=Part10("1.2.840.10008.1.2.1", 0)))
    Traceback (most recent call last):
    ml.errors.SeriesRefusal: The header of gone.dcm could not be read.
    """
    try:
        with instance.path.open("rb") as file:
            checked = io.BytesIO(file.read(instance.part10.header_end))
        # The one safe reader: the structure of these bytes has been walked and they hold no pixel data.
        return pydicom.dcmread(checked)  # noqa: TID251
    except (*UNREADABLE, OSError) as error:
        raise SeriesRefusal("UNREADABLE_HEADER", f"The header of {instance.path.name} could not be read.") from error


def instance_text(instance: Instance, keyword: str) -> str:
    """One scanned attribute of one slice as text, "" when it is missing; for what must be compared slice by slice.

    Parameters
    ----------
    instance : Instance
    keyword : str
        DICOM keyword, one of those that `instance_read` scans.

    Returns
    -------
    str

    Raises
    ------
    KeyError
        The keyword is not scanned: a programming error.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> part10 = Part10("1.2.840.10008.1.2.1", 0, values={0x00181210: b"Qr36d "})
    >>> instance_text(SimpleNamespace(part10=part10), "ConvolutionKernel")
    'Qr36d'
    """
    return _Values(instance.part10).text(keyword)


def instance_has(instance: Instance, keyword: str) -> bool:
    """Whether one scanned attribute of one slice has a value, of any VR.

    Parameters
    ----------
    instance : Instance
    keyword : str
        DICOM keyword, one of those that `instance_read` scans.

    Returns
    -------
    bool

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> stated = SimpleNamespace(part10=SimpleNamespace(values={0x00180010: b"IOHEXOL "}))
    >>> instance_has(stated, "ContrastBolusAgent"), instance_has(stated, "KVP")
    (True, False)
    """
    return bool(instance.part10.values.get(_TAGS[keyword]))


def instance_has_items(instance: Instance, keyword: str) -> bool:
    """Whether one scanned sequence of one slice has an item; what the item says is for `header_items`.

    Parameters
    ----------
    instance : Instance
    keyword : str
        DICOM keyword of a sequence, one of those that `instance_read` scans.

    Returns
    -------
    bool

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> empty = SimpleNamespace(part10=SimpleNamespace(values={0x00180012: b""}))
    >>> instance_has_items(empty, "ContrastBolusAgentSequence")
    False
    """
    return instance.part10.values.get(_TAGS[keyword], b"") == ITEM_START


def instance_number(instance: Instance, keyword: str) -> float | None:
    """One scanned attribute of one slice as a finite number, None as in `header_number`.

    Parameters
    ----------
    instance : Instance
    keyword : str
        DICOM keyword, one of those that `instance_read` scans.

    Returns
    -------
    float or None
        In the unit that DICOM gives the attribute.

    Raises
    ------
    KeyError
        The keyword is not scanned: a programming error.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> part10 = Part10("1.2.840.10008.1.2.1", 0, values={0x00180060: b"120 "})
    >>> instance_number(SimpleNamespace(part10=part10), "KVP")
    120.0
    """
    try:
        number = float(instance_text(instance, keyword))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _scan(path: Path) -> tuple[Part10, bool]:
    with path.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        if size > MAX_FILE_BYTES:
            raise SeriesRefusal("FILE_TOO_LARGE", f"it is larger than {MAX_FILE_BYTES} bytes")
        if size == 0:
            raise SeriesRefusal("NOT_DICOM", "it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
            part10 = part10_scan(buffer, _WANTED_TAGS)
            return part10, is_compressed_with_loss(buffer, part10)


def _instance(path: Path, part10: Part10, is_compressed_with_loss: bool) -> Instance:
    values = _Values(part10)
    pixel_format = _pixel_format(values)
    return Instance(
        path=path,
        part10=part10,
        sop_class_uid=values.uid("SOPClassUID"),
        sop_instance_uid=values.uid("SOPInstanceUID"),
        series_instance_uid=values.uid("SeriesInstanceUID"),
        study_instance_uid=values.uid("StudyInstanceUID"),
        frame_of_reference_uid=values.uid("FrameOfReferenceUID"),
        patient_id=values.text("PatientID"),
        modality=values.text("Modality"),
        image_type=tuple(values.text("ImageType").split("\\")),
        pixel_format=pixel_format,
        image_position_patient=values.numbers("ImagePositionPatient", 3),
        image_orientation_patient=values.numbers("ImageOrientationPatient", 6),
        pixel_spacing_mm=values.numbers("PixelSpacing", 2),
        slice_thickness_mm=values.number("SliceThickness"),
        rescale_slope=values.number("RescaleSlope"),
        rescale_intercept=values.number("RescaleIntercept"),
        acquisition_date=values.text("AcquisitionDate"),
        acquisition_time=values.text("AcquisitionTime"),
        is_lossy=is_compressed_with_loss or values.text("LossyImageCompression") == "01",
        stored_padding=None if pixel_format is None else _stored_padding(values, pixel_format),
    )


def _stored_padding(values: _Values, form: PixelFormat) -> tuple[int, int] | None:
    """Pixel Padding Value, to Pixel Padding Range Limit where there is one (PS3.3 C.7.5.1.1.2).

    Both are read as the pixels are, signed or not, whichever VR they were written with.
    """
    is_signed = form.pixel_representation == 1
    value = values.short("PixelPaddingValue", is_signed=is_signed)
    if value is None:
        return None
    limit = values.short("PixelPaddingRangeLimit", is_signed=is_signed)
    return (value, value) if limit is None else (min(value, limit), max(value, limit))


def _pixel_format(values: _Values) -> PixelFormat | None:
    rows, columns = values.unsigned_short("Rows"), values.unsigned_short("Columns")
    if rows < 1 or columns < 1 or values.part10.pixel_keyword is None:
        return None
    return PixelFormat(
        rows=rows,
        columns=columns,
        number_of_frames=int(values.number("NumberOfFrames") or 1),
        samples_per_pixel=values.unsigned_short("SamplesPerPixel"),
        bits_allocated=values.unsigned_short("BitsAllocated"),
        bits_stored=values.unsigned_short("BitsStored"),
        high_bit=values.unsigned_short("HighBit"),
        pixel_representation=values.unsigned_short("PixelRepresentation"),
        photometric_interpretation=values.text("PhotometricInterpretation"),
    )


_KEYWORDS = (
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "PatientID",
    "Modality",
    "ImageType",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PhotometricInterpretation",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "RescaleSlope",
    "RescaleIntercept",
    "AcquisitionDate",
    "AcquisitionTime",
    "LossyImageCompression",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    # What the protocol gate of calcium compares slice by slice.
    "RescaleType",
    "KVP",
    "ConvolutionKernel",
    "BodyPartExamined",
    "SeriesDescription",
    "ProtocolName",
    "StudyDescription",
    "CardiacSynchronizationTechnique",
    "ScanOptions",
    "HeartRate",
    "TriggerTime",
    "NominalPercentageOfCardiacPhase",
    "ContrastBolusAgent",
    "ContrastBolusAgentSequence",
    "ContrastBolusVolume",
    "ContrastBolusTotalDose",
    "ContrastBolusRoute",
    "ContrastBolusStartTime",
    "ContrastBolusStopTime",
)
_TAGS = {keyword: tag for keyword in _KEYWORDS if (tag := tag_for_keyword(keyword)) is not None}
_WANTED_TAGS = frozenset(_TAGS.values())


class _Values:
    """Typed access to the raw values of one scanned file; an unreadable value refuses the file by name."""

    __slots__ = ("part10",)

    def __init__(self, part10: Part10) -> None:
        self.part10 = part10

    def text(self, keyword: str) -> str:
        # Only ever compared or shown as an identifier, so the exact repertoire does not matter: Latin-1 never fails.
        return self.part10.values.get(_TAGS[keyword], b"").decode("latin-1").strip("\x00 ")

    def uid(self, keyword: str) -> str:
        uid = self.text(keyword)
        if uid and not _UID.fullmatch(uid):
            raise SeriesRefusal("BAD_UID", f"its {keyword} is not a UID")
        return uid

    def number(self, keyword: str) -> float | None:
        numbers = self.numbers(keyword, 1)
        return None if numbers is None else numbers[0]

    def numbers(self, keyword: str, count: int) -> tuple[float, ...] | None:
        text = self.text(keyword)
        if not text:
            return None
        numbers = _parsed(lambda: tuple(map(float, text.split("\\"))), keyword)
        if len(numbers) != count or not all(map(math.isfinite, numbers)):
            raise SeriesRefusal("BAD_VALUE", f"its {keyword} is not {count} finite number{'s' if count > 1 else ''}")
        return numbers

    def unsigned_short(self, keyword: str) -> int:
        """-1, which is valid nowhere, when the attribute is missing."""
        number = self.short(keyword, is_signed=False)
        return -1 if number is None else number

    def short(self, keyword: str, *, is_signed: bool) -> int | None:
        raw = self.part10.values.get(_TAGS[keyword], b"")
        return _parsed(lambda: int(struct.unpack("<h" if is_signed else "<H", raw)[0]), keyword) if raw else None


def _parsed(parse: Callable[[], Value], keyword: str) -> Value:
    try:
        return parse()
    except UNREADABLE as error:
        raise SeriesRefusal("BAD_VALUE", f"its {keyword} cannot be read") from error
