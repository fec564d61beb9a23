"""Safe header reading at the door: what a file may be before anything of it is believed.

Only headers are read here; pixels are decoded later, in a worker, by `ml`. Every refusal has a code and a sentence.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import pydicom
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError

from cdss.core.errors import DomainError

MAX_ELEMENTS = 50_000
MAX_SEQUENCE_DEPTH = 16
MAX_PIXEL_BYTES = 2 * 1024**3
UID = re.compile(r"^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+$")
# Executables, archives and documents that hide behind a DICOM preamble (CVE-2019-11687).
DANGEROUS_PREAMBLES = (b"MZ", b"\x7fELF", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe",
                       b"%PDF", b"PK", b"<html", b"<!DOC", b"#!")  # fmt: skip
TRANSFER_SYNTAXES = {
    "1.2.840.10008.1.2": "Implicit VR Little Endian",
    "1.2.840.10008.1.2.1": "Explicit VR Little Endian",
    "1.2.840.10008.1.2.2": "Explicit VR Big Endian",
    "1.2.840.10008.1.2.4.80": "JPEG-LS Lossless",
    "1.2.840.10008.1.2.4.81": "JPEG-LS Near-lossless",
    "1.2.840.10008.1.2.4.90": "JPEG 2000 Lossless",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.5": "RLE Lossless",
}
SOP_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2": "CT Image Storage",
    "1.2.840.10008.5.1.4.1.1.4": "MR Image Storage",
    "1.2.840.10008.5.1.4.1.1.128": "PET Image Storage",
}
FAILURE_CANNOT_UNDERSTAND = 0xC000
FAILURE_SOP_CLASS = 0x0122
FAILURE_MISMATCH = 0xA900
FAILURE_DUPLICATE = 0x0111
FAILURE_PROCESSING = 0x0110
FAILURE_OUT_OF_RESOURCES = 0xA700


class InstanceRefusedError(DomainError):
    """One object that is not taken in; `failure_reason` is the DICOM status that says so (PS3.18 I.2)."""

    status = 422
    code = "NOT_DICOM"

    def __init__(
        self,
        sentence: str,
        *,
        code: str,
        failure_reason: int = FAILURE_CANNOT_UNDERSTAND,
        sop_class_uid: str = "",
        sop_instance_uid: str = "",
    ) -> None:
        super().__init__(sentence, code=code)
        self.failure_reason = failure_reason
        self.sop_class_uid = sop_class_uid
        self.sop_instance_uid = sop_instance_uid


@dataclass(frozen=True, slots=True)
class InstanceHeader:
    """What the door needs to know of an object, already checked."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    modality: str
    patient_id: str
    issuer_of_patient_id: str
    family_name: str
    given_name: str
    birth_date: date | None
    sex: str
    accession_number: str
    study_description: str
    series_description: str
    body_part_examined: str
    series_number: int | None
    instance_number: int | None
    study_date: str
    study_time: str
    timezone_offset: str


def header_read(path: Path) -> InstanceHeader:
    """Read and check one Part 10 file; raises InstanceRefusedError naming what is wrong."""
    size = path.stat().st_size
    with path.open("rb") as file:
        _check_preamble(file.read(132), size)
        file.seek(0)
        dataset = _parse(file)
        uids = _sop(dataset)
        try:
            _check_structure(dataset, file, size)
            return _header(dataset)
        except InstanceRefusedError as error:
            error.sop_class_uid, error.sop_instance_uid = uids
            raise


def _check_preamble(start: bytes, size: int) -> None:
    if size == 0:
        raise InstanceRefusedError("The object is empty.", code="EMPTY_OBJECT")
    if len(start) < 132 or start[128:132] != b"DICM":
        raise InstanceRefusedError("This is not a DICOM Part 10 object: the DICM prefix is missing.", code="NOT_DICOM")
    if start.lower().startswith(tuple(prefix.lower() for prefix in DANGEROUS_PREAMBLES)):
        sentence = "The preamble is that of a program, archive or document; such an object is not taken in."
        raise InstanceRefusedError(sentence, code="DANGEROUS_PREAMBLE")


def _parse(file: BinaryIO) -> FileDataset:
    try:
        with warnings.catch_warnings():
            # What pydicom only warns of (odd values, bad VRs) is judged by our own checks below.
            warnings.simplefilter("ignore")
            meta = pydicom.filereader.read_file_meta_info(file.name)
            syntax = str(meta.get("TransferSyntaxUID", ""))
            if syntax not in TRANSFER_SYNTAXES:
                raise InstanceRefusedError(
                    f"The transfer syntax {syntax or '(none)'} is not accepted.",
                    code="TRANSFER_SYNTAX_NOT_SUPPORTED",
                    failure_reason=FAILURE_SOP_CLASS,
                    sop_class_uid=_uid_or_empty(meta.get("MediaStorageSOPClassUID")),
                    sop_instance_uid=_uid_or_empty(meta.get("MediaStorageSOPInstanceUID")),
                )
            file.seek(0)
            dataset = pydicom.dcmread(file, stop_before_pixels=True)  # noqa: TID251  this is the safe reader
            for _ in _elements(dataset, 0):
                pass
            return dataset
    except InstanceRefusedError:
        raise
    except (InvalidDicomError, ValueError, KeyError, NotImplementedError, EOFError, OSError, AttributeError,
            TypeError, RecursionError, OverflowError, MemoryError) as error:  # fmt: skip
        sentence = "The DICOM header cannot be read: it is damaged, truncated or not DICOM."
        raise InstanceRefusedError(sentence, code="HEADER_UNREADABLE") from error


def _elements(dataset: Any, depth: int, seen: list[int] | None = None) -> Iterator[None]:
    """Walk every element, counting: a header is small and shallow, whatever claims otherwise is refused."""
    seen = seen if seen is not None else [0]
    if depth > MAX_SEQUENCE_DEPTH:
        raise InstanceRefusedError("The header nests sequences too deeply.", code="HEADER_TOO_DEEP")
    for element in dataset:
        seen[0] += 1
        if seen[0] > MAX_ELEMENTS:
            raise InstanceRefusedError("The header has too many elements.", code="HEADER_TOO_LARGE")
        yield
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item, depth + 1, seen)


def _uid_or_empty(value: object) -> str:
    text = str(value or "")
    return text if len(text) <= 64 and UID.match(text) else ""


def _sop(dataset: FileDataset) -> tuple[str, str]:
    return _uid_or_empty(dataset.get("SOPClassUID")), _uid_or_empty(dataset.get("SOPInstanceUID"))


def _check_structure(dataset: FileDataset, file: BinaryIO, size: int) -> None:
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    meta_uid = str(dataset.file_meta.get("MediaStorageSOPInstanceUID", ""))
    if meta_uid and meta_uid != str(dataset.get("SOPInstanceUID", "")) and dataset.get("SOPInstanceUID"):
        sentence = "The file header and the data set name different SOP Instance UIDs."
        raise InstanceRefusedError(sentence, code="UID_MISMATCH", failure_reason=FAILURE_MISMATCH)
    expected = _native_pixel_bytes(dataset)
    _check_pixel_data(file, size, syntax, expected)


def _native_pixel_bytes(dataset: FileDataset) -> int:
    numbers = {}
    for keyword in ("Rows", "Columns", "BitsAllocated"):
        value = dataset.get(keyword)
        if not isinstance(value, int) or value <= 0:
            sentence = f"{keyword} is missing or not a positive number, so there is no image to read."
            raise InstanceRefusedError(sentence, code="NOT_AN_IMAGE", failure_reason=FAILURE_MISMATCH)
        numbers[keyword] = value
    try:
        frames = int(dataset.get("NumberOfFrames") or 1)
        samples = int(dataset.get("SamplesPerPixel") or 1)
    except (TypeError, ValueError) as error:
        sentence = "The number of frames or samples is not a number."
        raise InstanceRefusedError(sentence, code="DIMENSIONS_IMPLAUSIBLE", failure_reason=FAILURE_MISMATCH) from error
    total = numbers["Rows"] * numbers["Columns"] * frames * samples * ((numbers["BitsAllocated"] + 7) // 8)
    if frames < 1 or samples < 1 or total > MAX_PIXEL_BYTES:
        sentence = (
            f"{numbers['Rows']} x {numbers['Columns']} pixels x {frames} frames cannot be right: "
            f"more than {MAX_PIXEL_BYTES // 1024**3} GiB for one object."
        )
        raise InstanceRefusedError(sentence, code="DIMENSIONS_IMPLAUSIBLE", failure_reason=FAILURE_MISMATCH)
    return total


def _check_pixel_data(file: BinaryIO, size: int, syntax: str, expected: int) -> None:
    """The file must hold all the pixels it announces: an object that was cut off in transit is refused."""
    order = "big" if syntax == "1.2.840.10008.1.2.2" else "little"
    tag = file.read(4)
    if len(tag) < 4 or (int.from_bytes(tag[:2], order), int.from_bytes(tag[2:], order)) != (0x7FE0, 0x0010):  # type: ignore[arg-type]
        raise InstanceRefusedError("The object has no pixel data.", code="NO_PIXEL_DATA", failure_reason=FAILURE_MISMATCH)
    if syntax != "1.2.840.10008.1.2":
        file.read(4)  # VR and two reserved bytes
    length = int.from_bytes(file.read(4), order)  # type: ignore[arg-type]
    is_encapsulated = syntax not in {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"}
    if is_encapsulated:
        is_complete = length == 0xFFFFFFFF and _fragments_end(file, size)
    else:
        is_complete = length != 0xFFFFFFFF and file.tell() + length <= size
        if is_complete and length < expected:
            sentence = f"The pixel data has {length} bytes where the header announces {expected}."
            raise InstanceRefusedError(sentence, code="PIXEL_DATA_LENGTH", failure_reason=FAILURE_MISMATCH)
    if not is_complete:
        sentence = "The object is cut off: it ends before its pixel data does. Send it again."
        raise InstanceRefusedError(sentence, code="TRUNCATED")


def _fragments_end(file: BinaryIO, size: int) -> bool:
    while True:
        head = file.read(8)
        if len(head) < 8:
            return False
        tag, length = head[:4], int.from_bytes(head[4:], "little")
        if tag == b"\xfe\xff\xdd\xe0":
            return True
        if tag != b"\xfe\xff\x00\xe0" or file.tell() + length > size:
            return False
        file.seek(length, 1)


def _header(dataset: FileDataset) -> InstanceHeader:
    uids = {keyword: _uid(dataset, keyword) for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")}
    sop_class = str(dataset.get("SOPClassUID", ""))
    if sop_class not in SOP_CLASSES:
        sentence = f"Objects of SOP class {sop_class or '(none)'} are not read; CT, MR and PET images are."
        raise InstanceRefusedError(sentence, code="SOP_CLASS_NOT_SUPPORTED", failure_reason=FAILURE_SOP_CLASS)
    patient_id = _text(dataset, "PatientID")
    if not patient_id:
        sentence = "PatientID is empty; without it nobody can say whose image this is."
        raise InstanceRefusedError(sentence, code="PATIENT_ID_MISSING", failure_reason=FAILURE_MISMATCH)
    name = dataset.get("PatientName")
    return InstanceHeader(
        study_instance_uid=uids["StudyInstanceUID"],
        series_instance_uid=uids["SeriesInstanceUID"],
        sop_instance_uid=uids["SOPInstanceUID"],
        sop_class_uid=sop_class,
        transfer_syntax_uid=str(dataset.file_meta.TransferSyntaxUID),
        modality=_text(dataset, "Modality"),
        patient_id=patient_id,
        issuer_of_patient_id=_text(dataset, "IssuerOfPatientID"),
        family_name=str(name.family_name) if name else "",
        given_name=str(name.given_name) if name else "",
        birth_date=_birth_date(dataset),
        sex={"M": "male", "F": "female", "O": "other"}.get(_text(dataset, "PatientSex"), "unknown"),
        accession_number=_text(dataset, "AccessionNumber"),
        study_description=_text(dataset, "StudyDescription"),
        series_description=_text(dataset, "SeriesDescription"),
        body_part_examined=_text(dataset, "BodyPartExamined"),
        series_number=_number(dataset, "SeriesNumber"),
        instance_number=_number(dataset, "InstanceNumber"),
        study_date=_text(dataset, "StudyDate"),
        study_time=_text(dataset, "StudyTime"),
        timezone_offset=_text(dataset, "TimezoneOffsetFromUTC"),
    )


def _uid(dataset: FileDataset, keyword: str) -> str:
    value = dataset.get(keyword)
    text = str(value or "")
    if not text:
        sentence = f"{keyword} is empty; an object without it cannot be told from others."
        raise InstanceRefusedError(sentence, code="UID_MISSING", failure_reason=FAILURE_MISMATCH)
    if not _uid_or_empty(text):
        raise InstanceRefusedError(f"{keyword} is not a UID.", code="UID_INVALID", failure_reason=FAILURE_MISMATCH)
    return text


def _text(dataset: FileDataset, keyword: str) -> str:
    value = dataset.get(keyword)
    # PostgreSQL text cannot hold NUL; DICOM pads with it.
    return "" if value is None else str(value).replace("\x00", "").strip()


def _number(dataset: FileDataset, keyword: str) -> int | None:
    try:
        number = int(dataset.get(keyword))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if abs(number) < 2**31 else None


def _birth_date(dataset: FileDataset) -> date | None:
    text = _text(dataset, "PatientBirthDate")
    if not text:
        return None
    try:
        return date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 else text.replace(".", "-"))
    except ValueError as error:
        sentence = "PatientBirthDate is not a date."
        raise InstanceRefusedError(sentence, code="BIRTH_DATE_INVALID", failure_reason=FAILURE_MISMATCH) from error
