"""Safe header reading at the door: what a file may be before anything of it is believed.

Only headers are read here; pixels are decoded later, in a worker, by `ml`. Every refusal has a code and a sentence.
"""

from __future__ import annotations

import io
import logging
import re
import struct
import threading
import unicodedata
import warnings
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pydicom
from pydicom.charset import python_encoding
from pydicom.dataset import FileDataset
from pydicom.filereader import data_element_generator
from pydicom.multival import MultiValue
from pydicom.valuerep import PersonName

from cdss.core.errors import DomainError
from imaging.inference import Structure, StructureError, structure_scan
from patients.identity import EARLIEST_DAY, latest_day, name_normalised

MAX_TEXT_LENGTH = 1024
MAX_PIXEL_BYTES = 2 * 1024**3
MAX_FILE_META_BYTES = 4096
# Four times what the standard allows (LO, and each group of PN: 64), far below what the database can index.
MAX_IDENTIFYING_CHARACTERS = 256
MEDIA_STORAGE_SOP_CLASS_UID, MEDIA_STORAGE_SOP_INSTANCE_UID, TRANSFER_SYNTAX_UID = 0x00020002, 0x00020003, 0x00020010
UNDECODABLE = "\N{REPLACEMENT CHARACTER}"  # what pydicom puts for bytes that are not of the character set
UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
DATE = re.compile(r"[0-9]{8}")
# The defined terms of Specific Character Set (PS3.3 C.12.1.1.2) that can be decoded.
CHARACTER_SETS = frozenset(python_encoding)
# The misspellings of them that pydicom decodes as what was meant: ISO-IR 100, ISO IR 192, ISO-2022-IR-87.
_SINGLE_SET, _EXTENDED_SET = re.compile(r"^ISO[^_]IR"), re.compile(r"^ISO.2022.IR.")
# Executables, archives and documents that hide behind a DICOM preamble (CVE-2019-11687).
DANGEROUS_PREAMBLES = (b"MZ", b"\x7fELF", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe",
                       b"\xca\xfe\xba\xbe", b"%PDF", b"PK", b"<html", b"<!DOC", b"#!")  # fmt: skip
TRANSFER_SYNTAXES = {
    "1.2.840.10008.1.2": "Implicit VR Little Endian",
    "1.2.840.10008.1.2.1": "Explicit VR Little Endian",
    "1.2.840.10008.1.2.4.80": "JPEG-LS Lossless",
    "1.2.840.10008.1.2.4.81": "JPEG-LS Near-lossless",
    "1.2.840.10008.1.2.4.90": "JPEG 2000 Lossless",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.5": "RLE Lossless",
}
NATIVE = frozenset(("1.2.840.10008.1.2", "1.2.840.10008.1.2.1"))
SOP_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2": "CT Image Storage",
    "1.2.840.10008.5.1.4.1.1.4": "MR Image Storage",
    "1.2.840.10008.5.1.4.1.1.128": "PET Image Storage",
}
FAILURE_CANNOT_UNDERSTAND = 0xC000
FAILURE_SOP_CLASS = 0x0122
FAILURE_TRANSFER_SYNTAX = 0xC122
FAILURE_MISMATCH = 0xA900
FAILURE_DUPLICATE = 0x0111
FAILURE_PROCESSING = 0x0110
FAILURE_OUT_OF_RESOURCES = 0xA700
# What pydicom raises on bytes it does not understand.
UNREADABLE = (ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, RecursionError, TypeError,
              ValueError, struct.error)  # fmt: skip
_SOP = ("SOPClassUID", "SOPInstanceUID")
# pydicom writes the offending value, which may be a patient's name, into its warnings and its log.
logging.getLogger("pydicom").setLevel(logging.CRITICAL)
# `catch_warnings` swaps a global of the interpreter: one header at a time, or the filters of two threads get mixed up.
_QUIET = threading.Lock()


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
    try:
        return _header_read(path)
    except OSError as error:
        sentence = "The object cannot be read from the storage now. Send it again later."
        raise InstanceRefusedError(
            sentence, code="STORAGE_UNAVAILABLE", failure_reason=FAILURE_OUT_OF_RESOURCES
        ) from error


def _header_read(path: Path) -> InstanceHeader:
    with path.open("rb") as file:
        start = file.read(MAX_FILE_META_BYTES)
    _check_preamble(start)
    with _QUIET, warnings.catch_warnings():
        # What pydicom only warns of (odd values, bad VRs) is judged by our own checks below.
        warnings.simplefilter("ignore")
        meta = _file_meta(start)
        named = [_uid_or_empty(meta.get(tag)) for tag in (MEDIA_STORAGE_SOP_CLASS_UID, MEDIA_STORAGE_SOP_INSTANCE_UID)]
        try:
            syntax = _transfer_syntax(meta)
            structure = _structure(path)
            dataset = _dataset(path, structure)
            named = [_uid_or_empty(dataset.get(keyword)) or uid for keyword, uid in zip(_SOP, named, strict=True)]
            _check_same_object(meta, dataset)
            _check_character_set(dataset)
            header = _header(dataset, syntax)
            _check_pixel_data(dataset, structure, syntax)
            return header
        except InstanceRefusedError as error:
            error.sop_class_uid, error.sop_instance_uid = named
            raise
        except UNREADABLE as error:
            sentence = "The DICOM header cannot be read: it is damaged or not DICOM."
            code = "HEADER_UNREADABLE"
            raise InstanceRefusedError(
                sentence, code=code, sop_class_uid=named[0], sop_instance_uid=named[1]
            ) from error


def _check_preamble(start: bytes) -> None:
    if not start:
        raise InstanceRefusedError("The object is empty.", code="EMPTY_OBJECT")
    if start[128:132] != b"DICM":
        raise InstanceRefusedError("This is not a DICOM Part 10 object: the DICM prefix is missing.", code="NOT_DICOM")
    if start.lower().startswith(tuple(prefix.lower() for prefix in DANGEROUS_PREAMBLES)):
        sentence = "The preamble is that of a program, archive or document; such an object is not taken in."
        raise InstanceRefusedError(sentence, code="DANGEROUS_PREAMBLE")


def _file_meta(start: bytes) -> dict[int, str]:
    """The texts of the File Meta Information (PS3.10 7.1), which stand in the first few hundred bytes."""
    elements = data_element_generator(
        io.BytesIO(start[132:]), False, True, stop_when=lambda tag, vr, length: tag.group != 2
    )
    try:
        return {
            int(element.tag): element.value.decode("ascii", "replace").rstrip("\x00 ")
            for element in elements
            if isinstance(element.value, bytes)
        }
    except UNREADABLE:
        return {}


def _transfer_syntax(meta: dict[int, str]) -> str:
    syntax = meta.get(TRANSFER_SYNTAX_UID, "")
    if syntax not in TRANSFER_SYNTAXES:
        raise InstanceRefusedError(
            f"The transfer syntax {_uid_or_empty(syntax) or '(none)'} is not accepted.",
            code="TRANSFER_SYNTAX_NOT_SUPPORTED",
            failure_reason=FAILURE_TRANSFER_SYNTAX,
        )
    return syntax


def _structure(path: Path) -> Structure:
    try:
        return structure_scan(path)
    except StructureError as error:
        sentence = f"The object is refused: {error.sentence}."
        raise InstanceRefusedError(sentence, code=error.reason_code) from error


def _dataset(path: Path, structure: Structure) -> FileDataset:
    with path.open("rb") as file:
        checked = io.BytesIO(file.read(structure.header_end))
    # The safe reader: the structure of these bytes has been walked, and they hold no pixel data.
    return pydicom.dcmread(checked)  # noqa: TID251


def _check_same_object(meta: dict[int, str], dataset: FileDataset) -> None:
    stated, meant = meta.get(MEDIA_STORAGE_SOP_INSTANCE_UID, ""), str(dataset.get("SOPInstanceUID") or "")
    if stated and meant and stated != meant:
        sentence = "The file header and the data set name different SOP Instance UIDs."
        raise InstanceRefusedError(sentence, code="UID_MISMATCH", failure_reason=FAILURE_MISMATCH)


def _check_character_set(dataset: FileDataset) -> None:
    """Whatever else stands there pydicom takes for the name of a Python codec, and reads other texts than were sent."""
    stated = dataset.get("SpecificCharacterSet") or ""
    for term in map(str, stated if isinstance(stated, MultiValue) else [stated]):
        if not {_SINGLE_SET.sub("ISO_IR", term), _EXTENDED_SET.sub("ISO 2022 IR ", term)} & CHARACTER_SETS:
            sentence = f"The Specific Character Set {term[:32]!a} is not one of DICOM's that can be read."
            raise InstanceRefusedError(sentence, code="CHARACTER_SET_NOT_SUPPORTED")


def _check_pixel_data(dataset: FileDataset, structure: Structure, syntax: str) -> None:
    """The file must hold all the pixels it announces, and announce no more than an image can have."""
    announced = _native_pixel_bytes(dataset)
    if structure.pixel_keyword != "PixelData":
        sentence = "The object has no pixel data."
        raise InstanceRefusedError(sentence, code="NO_PIXEL_DATA", failure_reason=FAILURE_MISMATCH)
    if structure.is_encapsulated == (syntax in NATIVE):
        sentence = "The pixel data is not encoded as the transfer syntax says."
        raise InstanceRefusedError(sentence, code="PIXEL_DATA_ENCODING", failure_reason=FAILURE_MISMATCH)
    present = structure.pixel_end - structure.pixel_start
    if not structure.is_encapsulated and present < announced:
        sentence = f"The pixel data has {present} bytes where the header announces {announced}."
        raise InstanceRefusedError(sentence, code="PIXEL_DATA_LENGTH", failure_reason=FAILURE_MISMATCH)


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
            f"An object of {numbers['Rows']} x {numbers['Columns']} pixels x {frames} frames cannot be right; "
            f"the limit is {MAX_PIXEL_BYTES // 1024**3} GiB."
        )
        raise InstanceRefusedError(sentence, code="DIMENSIONS_IMPLAUSIBLE", failure_reason=FAILURE_MISMATCH)
    return total


def _header(dataset: FileDataset, syntax: str) -> InstanceHeader:
    uids = {keyword: _uid(dataset, keyword) for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")}
    # The file header states the class too; de-identification sometimes empties only the data set's.
    sop_class = str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID") or "")
    if sop_class not in SOP_CLASSES:
        named = _uid_or_empty(sop_class) or "(none)"
        sentence = f"Objects of SOP class {named} are not read; CT, MR and PET images are."
        raise InstanceRefusedError(sentence, code="SOP_CLASS_NOT_SUPPORTED", failure_reason=FAILURE_SOP_CLASS)
    family_name, given_name = _name(dataset)
    return InstanceHeader(
        study_instance_uid=uids["StudyInstanceUID"],
        series_instance_uid=uids["SeriesInstanceUID"],
        sop_instance_uid=uids["SOPInstanceUID"],
        sop_class_uid=sop_class,
        transfer_syntax_uid=syntax,
        modality=_text(dataset, "Modality"),
        patient_id=_patient_id(dataset),
        issuer_of_patient_id=_identifying(dataset, "IssuerOfPatientID"),
        family_name=family_name,
        given_name=given_name,
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


def _uid_or_empty(value: object) -> str:
    text = str(value or "")
    return text if len(text) <= 64 and UID.fullmatch(text) else ""


def _uid(dataset: FileDataset, keyword: str) -> str:
    text = str(dataset.get(keyword) or "")
    if not text:
        sentence = f"{keyword} is empty; an object without it cannot be told from others."
        raise InstanceRefusedError(sentence, code="UID_MISSING", failure_reason=FAILURE_MISMATCH)
    if not _uid_or_empty(text):
        raise InstanceRefusedError(f"{keyword} is not a UID.", code="UID_INVALID", failure_reason=FAILURE_MISMATCH)
    return text


def _patient_id(dataset: FileDataset) -> str:
    patient_id = _identifying(dataset, "PatientID")
    if not patient_id:
        sentence = "PatientID is empty; without it nobody can say whose image this is."
        raise InstanceRefusedError(sentence, code="PATIENT_ID_MISSING", failure_reason=FAILURE_MISMATCH)
    if "\\" in patient_id:
        sentence = "PatientID holds several values; nobody can say whose image this is."
        raise InstanceRefusedError(sentence, code="PATIENT_ID_AMBIGUOUS", failure_reason=FAILURE_MISMATCH)
    return patient_id


def _name(dataset: FileDataset) -> tuple[str, str]:
    """Family and given name as the first component group (PS3.5 6.2.1) that has a family name states them.

    Of an ideographic or phonetic group the family name keeps the "=" before it: it is another statement than an
    alphabetic one, and compared with its own kind only (patients/identity.py).
    """
    name = _identifying(dataset, "PatientName")
    if "\\" in name:
        sentence = "PatientName holds several values; nobody can say whose image this is."
        raise InstanceRefusedError(sentence, code="PATIENT_NAME_AMBIGUOUS", failure_reason=FAILURE_MISMATCH)
    groups = [[part.strip() for part in (*group.split("^"), "")][:2] for group in name.split("=")]
    number = next((number for number, (family, _) in enumerate(groups) if name_normalised(family)), 0)
    family, given = groups[number]
    return "=" * number + family, given


def _identifying(dataset: FileDataset, keyword: str) -> str:
    """A text that says who or what something is: exactly as sent, or the object is refused."""
    value = dataset.get(keyword)
    if value is not None and not isinstance(value, str | PersonName | MultiValue):
        sentence = f"{keyword} is not encoded as a text."
        raise InstanceRefusedError(sentence, code="VALUE_NOT_TEXT", failure_reason=FAILURE_MISMATCH)
    text = _joined(value)
    if len(text) > MAX_IDENTIFYING_CHARACTERS:
        sentence = f"{keyword} is longer than {MAX_IDENTIFYING_CHARACTERS} characters, which no name or number is."
        raise InstanceRefusedError(sentence, code="VALUE_TOO_LONG", failure_reason=FAILURE_MISMATCH)
    if any(letter == UNDECODABLE or unicodedata.category(letter) == "Cc" for letter in text):
        sentence = f"{keyword} holds control characters, or bytes that are none of its character set."
        raise InstanceRefusedError(sentence, code="VALUE_UNREADABLE", failure_reason=FAILURE_MISMATCH)
    return text


def _text(dataset: FileDataset, keyword: str) -> str:
    # PostgreSQL text cannot hold NUL. LO allows 64 characters; more is kept generously, but an essay is no description.
    return _joined(dataset.get(keyword)).replace("\x00", " ")[:MAX_TEXT_LENGTH]


def _joined(value: object) -> str:
    """The value or values without the padding (PS3.5 6.2); what UTF-8 cannot hold makes the header unreadable."""
    text = "\\".join(map(str, value)) if isinstance(value, MultiValue) else str("" if value is None else value)
    text.encode("utf-8")
    return text.rstrip("\x00 ").lstrip(" ")


def _number(dataset: FileDataset, keyword: str) -> int | None:
    try:
        number = int(dataset.get(keyword))
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < 2**31 else None


def _birth_date(dataset: FileDataset) -> date | None:
    text = _text(dataset, "PatientBirthDate").replace(".", "")  # ACR-NEMA wrote 1960.01.31
    if not text:
        return None
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:] if DATE.fullmatch(text) else "0"))
    except ValueError as error:
        sentence = "PatientBirthDate is not a date."
        raise InstanceRefusedError(sentence, code="BIRTH_DATE_INVALID", failure_reason=FAILURE_MISMATCH) from error
    if not EARLIEST_DAY <= day <= latest_day():
        sentence = f"PatientBirthDate is {day}, which is {'before 1850' if day < EARLIEST_DAY else 'in the future'}."
        raise InstanceRefusedError(sentence, code="BIRTH_DATE_IMPOSSIBLE", failure_reason=FAILURE_MISMATCH)
    return day
