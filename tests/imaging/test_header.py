"""The door reads headers only: a header it can trust, or a refusal with a reason; never a traceback, never a leak.

Not covered here: pixels, which are decoded later, in a worker (tests/ml/preprocessing).
"""

from __future__ import annotations

import logging
import time
import tracemalloc
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pydicom.data
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imaging.dicom import InstanceHeader, InstanceRefusedError, header_read
from tests.imaging.part10 import EXPLICIT, ct_dataset, ct_part10, element, in_character_set, part10, with_element

VALID = ct_part10()
SOP_INSTANCE_UID = str(ct_dataset().SOPInstanceUID).encode()
SEQUENCE = 0x00081140


def read(folder: Path, content: bytes) -> InstanceHeader:
    path = folder / "object"
    path.write_bytes(content)
    return header_read(path)


def refused(folder: Path, content: bytes) -> InstanceRefusedError:
    with pytest.raises(InstanceRefusedError) as caught:
        read(folder, content)
    assert caught.value.sentence.endswith(".")
    assert caught.value.sentence[0].isupper()
    return caught.value


def nested(depth: int, *, is_undefined: bool) -> bytes:
    """A sequence in a sequence in a sequence."""
    raw = b""
    for _ in range(depth):
        item = b"\xfe\xff\x00\xe0" + len(raw).to_bytes(4, "little") + raw
        if is_undefined:
            item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + raw + b"\xfe\xff\x0d\xe0\x00\x00\x00\x00"
            raw = element(SEQUENCE, b"SQ", item + b"\xfe\xff\xdd\xe0\x00\x00\x00\x00", length=0xFFFFFFFF)
        else:
            raw = element(SEQUENCE, b"SQ", item)
    return raw


def test_a_valid_object_gives_its_header(tmp_path: Path) -> None:
    dataset = ct_dataset(PatientName="Müller^Jörg=山田^太郎", SpecificCharacterSet="ISO_IR 192")
    header = read(tmp_path, part10(dataset))
    assert header.sop_instance_uid == dataset.SOPInstanceUID
    assert (header.family_name, header.given_name) == ("Müller", "Jörg")
    assert (header.birth_date, header.sex, header.modality) == (date(1960, 1, 1), "female", "CT")
    assert header.transfer_syntax_uid == EXPLICIT


@pytest.mark.parametrize(
    "transfer_syntax_uid", ["1.2.840.10008.1.2", EXPLICIT, "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5"]
)
def test_every_accepted_transfer_syntax_is_read(tmp_path: Path, transfer_syntax_uid: str) -> None:
    header = read(tmp_path, part10(ct_dataset(), transfer_syntax_uid=transfer_syntax_uid))
    assert header.transfer_syntax_uid == transfer_syntax_uid


def test_a_name_in_japanese_keeps_its_alphabetic_family_name(tmp_path: Path) -> None:
    """PS3.5 H.3.1: ISO 2022 IR 87 in the ideographic group."""
    raw = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    plain = part10(ct_dataset(SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName="Yamada^Tarou"))
    stated = element(0x00100010, b"PN", b"Yamada^Tarou")
    assert plain.count(stated) == 1
    header = read(tmp_path, plain.replace(stated, element(0x00100010, b"PN", raw + b" " * (len(raw) % 2))))
    assert (header.family_name, header.given_name) == ("Yamada", "Tarou")


HOSTILE: dict[str, tuple[bytes | Callable[[], bytes], str]] = {
    "empty": (b"", "EMPTY_OBJECT"),
    "text": (b"Dear sir, enclosed you will find the images.", "NOT_DICOM"),
    "prefix only": (b"\x00" * 128 + b"DICM", "TRANSFER_SYNTAX_NOT_SUPPORTED"),
    "no preamble": (VALID[128:], "NOT_DICOM"),
    "MZ preamble": (b"MZ" + VALID[2:], "DANGEROUS_PREAMBLE"),
    "ELF preamble": (b"\x7fELF" + VALID[4:], "DANGEROUS_PREAMBLE"),
    "Mach-O preamble": (b"\xcf\xfa\xed\xfe" + VALID[4:], "DANGEROUS_PREAMBLE"),
    "PDF preamble": (b"%PDF-1.7" + VALID[8:], "DANGEROUS_PREAMBLE"),
    "PK preamble": (b"PK\x03\x04" + VALID[4:], "DANGEROUS_PREAMBLE"),
    "HTML preamble": (b"<HTML>" + VALID[6:], "DANGEROUS_PREAMBLE"),
    "script preamble": (b"#!/bin/sh\n" + VALID[10:], "DANGEROUS_PREAMBLE"),
    "deflated": (
        lambda: part10(ct_dataset(), transfer_syntax_uid="1.2.840.10008.1.2.1.99"),
        "TRANSFER_SYNTAX_NOT_SUPPORTED",
    ),
    "big endian": (
        lambda: VALID.replace(b"1.2.840.10008.1.2.1\x00", b"1.2.840.10008.1.2.2\x00"),
        "TRANSFER_SYNTAX_NOT_SUPPORTED",
    ),
    "video": (
        lambda: VALID.replace(b"1.2.840.10008.1.2.1\x00", b"1.2.3.456.78901.2.1\x00"),
        "TRANSFER_SYNTAX_NOT_SUPPORTED",
    ),
    "20 nested sequences": (lambda: with_element(VALID, nested(20, is_undefined=True)), "TOO_DEEP"),
    "5000 nested sequences": (lambda: with_element(VALID, nested(5000, is_undefined=True)), "TOO_DEEP"),
    "5000 nested lengths": (lambda: with_element(VALID, nested(5000, is_undefined=False)), "TOO_DEEP"),
    "60000 elements": (
        lambda: with_element(VALID, b"".join(element(0x60010000 + i, b"LO", b"x ") for i in range(60_000))),
        "TOO_MANY_ELEMENTS",
    ),
    "60000 elements in an item": (
        lambda: with_element(
            VALID,
            element(SEQUENCE, b"SQ", (lambda inner: b"\xfe\xff\x00\xe0" + len(inner).to_bytes(4, "little") + inner)(
                b"".join(element(0x60010000 + i, b"LO", b"x ") for i in range(60_000)))),
        ),
        "TOO_MANY_ELEMENTS",
    ),
    "VR QQ": (with_element(VALID, element(0x60010010, b"QQ", b"ab")), "BAD_VR"),
    "length beyond the end": (with_element(VALID, element(0x60010010, b"OB", b"ab", length=2**31)), "TRUNCATED"),
    "a 4 GB value": (with_element(VALID, element(0x60010010, b"UT", b"ab", length=0xFFFFFFFE)), "TRUNCATED"),
    "native pixels cut off": (VALID[:-10], "TRUNCATED"),
    "cut off in the header": (VALID[:600], "TRUNCATED"),
    "fewer pixels than rows and columns say": (
        lambda: part10(ct_dataset(Rows=9)), "PIXEL_DATA_LENGTH",
    ),
    "encapsulated pixels cut off": (
        lambda: part10(ct_dataset(), transfer_syntax_uid="1.2.840.10008.1.2.5")[:-12], "TRUNCATED",
    ),
    "encapsulated without its delimiter": (
        lambda: part10(ct_dataset(), transfer_syntax_uid="1.2.840.10008.1.2.5")[:-8], "TRUNCATED",
    ),
    "native pixels in a compressed syntax": (
        lambda: VALID.replace(b"1.2.840.10008.1.2.1\x00", b"1.2.840.10008.1.2.5\x00"), "PIXEL_DATA_ENCODING",
    ),
    "no pixel data": (lambda: VALID[: VALID.index(b"\xe0\x7f\x10\x00")], "NO_PIXEL_DATA"),
    "absurd dimensions": (
        lambda: part10(ct_dataset(Rows=65535, Columns=65535, NumberOfFrames=str(2**31 - 1))),
        "DIMENSIONS_IMPLAUSIBLE",
    ),
    "zero rows": (lambda: part10(ct_dataset(Rows=0)), "NOT_AN_IMAGE"),
    "negative frames": (lambda: part10(ct_dataset(NumberOfFrames="-1")), "DIMENSIONS_IMPLAUSIBLE"),
    "UID path": (lambda: raw_text("StudyInstanceUID", b"../../etc/passwd"), "UID_INVALID"),
    "UID newline": (lambda: raw_text("StudyInstanceUID", b"1.2\n.3"), "UID_INVALID"),
    "UID of 65 characters": (lambda: raw_text("StudyInstanceUID", b"1." + b"2" * 63), "UID_INVALID"),
    "UID leading zero": (lambda: raw_text("SeriesInstanceUID", b"1.02.3"), "UID_INVALID"),
    "empty study UID": (lambda: raw_text("StudyInstanceUID", b""), "UID_MISSING"),
    "empty series UID": (lambda: raw_text("SeriesInstanceUID", b""), "UID_MISSING"),
    "empty instance UID": (lambda: raw_text("SOPInstanceUID", b""), "UID_MISSING"),
    "another UID in the file header": (
        lambda: VALID.replace(SOP_INSTANCE_UID, SOP_INSTANCE_UID[::-1].replace(b".", b"1"), 1), "UID_MISMATCH",
    ),
    "no patient ID": (lambda: part10(ct_dataset(PatientID="")), "PATIENT_ID_MISSING"),
    "blank patient ID": (lambda: raw_text("PatientID", b"  "), "PATIENT_ID_MISSING"),
    "NUL patient ID": (lambda: raw_text("PatientID", b"\x00\x00"), "PATIENT_ID_MISSING"),
    "two patient IDs": (lambda: raw_text("PatientID", b"A1\\B2"), "PATIENT_ID_AMBIGUOUS"),
    "two names": (lambda: raw_text("PatientName", b"JONES^Mary\\X^Y"), "PATIENT_NAME_AMBIGUOUS"),
    "patient ID too long to index": (lambda: raw_text("PatientID", b"9" * 4000), "VALUE_TOO_LONG"),
    "name too long to index": (lambda: raw_text("PatientName", b"A" * 4000), "VALUE_TOO_LONG"),
    "birth date in words": (lambda: raw_text("PatientBirthDate", b"1 MAY 60"), "BIRTH_DATE_INVALID"),
    "birth date 30 February": (lambda: raw_text("PatientBirthDate", b"19600230"), "BIRTH_DATE_INVALID"),
    "birth date of six digits": (lambda: raw_text("PatientBirthDate", b"196001"), "BIRTH_DATE_INVALID"),
    "birth date after the end of time": (lambda: raw_text("PatientBirthDate", b"99991231"), "BIRTH_DATE_IMPOSSIBLE"),
    "birth date at its beginning": (lambda: raw_text("PatientBirthDate", b"00010101"), "BIRTH_DATE_IMPOSSIBLE"),
    "birth date in 1849": (lambda: raw_text("PatientBirthDate", b"18491231"), "BIRTH_DATE_IMPOSSIBLE"),
    "birth date with a NUL": (lambda: raw_text("PatientBirthDate", b"1960\x000101"), "BIRTH_DATE_INVALID"),
    "not an image": (
        lambda: part10(ct_dataset(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")), "SOP_CLASS_NOT_SUPPORTED",
    ),
}  # fmt: skip

REPLACED = {
    "StudyInstanceUID": (0x0020000D, b"UI"),
    "SeriesInstanceUID": (0x0020000E, b"UI"),
    "SOPInstanceUID": (0x00080018, b"UI"),
    "PatientID": (0x00100020, b"LO"),
    "PatientName": (0x00100010, b"PN"),
    "PatientBirthDate": (0x00100030, b"DA"),
    "TimezoneOffsetFromUTC": (0x00080201, b"SH"),
}


def raw_text(keyword: str, value: bytes) -> bytes:
    """A valid object in which one value is replaced by raw bytes that no library would write."""
    tag, vr = REPLACED[keyword]
    dataset = ct_dataset()
    padding = b"\x00" if vr == b"UI" else b" "
    stated = str(dataset[keyword].value).encode()
    old = element(tag, vr, stated + padding * (len(stated) % 2))
    assert VALID.count(old) == 1
    return VALID.replace(old, element(tag, vr, value + padding * (len(value) % 2)))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_object_is_refused_with_its_reason(tmp_path: Path, name: str) -> None:
    made, code = HOSTILE[name]
    content = made if isinstance(made, bytes) else made()
    started = time.monotonic()
    assert refused(tmp_path, content).code == code
    assert time.monotonic() - started < 2


def test_a_refusal_names_the_object_it_is_about(tmp_path: Path) -> None:
    dataset = ct_dataset()
    for content in (VALID[:-10], part10(ct_dataset(PatientID="")), HOSTILE["deflated"][0]()):  # type: ignore[operator]
        error = refused(tmp_path, content)
        assert (error.sop_class_uid, error.sop_instance_uid) == (dataset.SOPClassUID, dataset.SOPInstanceUID)
    assert refused(tmp_path, raw_text("SOPInstanceUID", b"../..")).sop_instance_uid in {"", dataset.SOPInstanceUID}


def test_a_bomb_is_refused_without_being_unpacked(tmp_path: Path) -> None:
    """A header of one element of 200 MB: read by nobody."""
    bomb = with_element(VALID, element(0x60010010, b"OB", b"\x00" * 200_000_000))
    path = tmp_path / "bomb"
    path.write_bytes(bomb)
    del bomb
    tracemalloc.start()
    try:
        with pytest.raises(InstanceRefusedError) as caught:
            header_read(path)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.code == "HEADER_TOO_LARGE"
    assert peak_bytes < 10_000_000


@pytest.mark.parametrize("keyword", ["PatientName", "PatientID"])
@pytest.mark.parametrize(
    "value", [b"O\x00kafor", b"\x00Okafor", b"O\x1bkafor", b"Okafor\x1f", b"O\x92kafor", b"Oka\nfor"]
)
def test_nul_and_control_characters_are_refused_where_they_would_be_read_over(
    tmp_path: Path, keyword: str, value: bytes
) -> None:
    error = refused(tmp_path, raw_text(keyword, value))
    assert error.code == "VALUE_UNREADABLE"
    assert "kafor" not in error.sentence


def test_padding_is_no_part_of_a_value(tmp_path: Path) -> None:
    header = read(tmp_path, raw_text("PatientName", b"Okafor ^ Ada \x00 \x00"))
    assert (header.family_name, header.given_name) == ("Okafor", "Ada")
    assert read(tmp_path, raw_text("PatientID", b" N-1 \x00\x00")).patient_id == "N-1"
    described = part10(ct_dataset(StudyDescription="CHESTXROUTINE")).replace(b"CHESTXROUTINE", b"CHEST\x00ROUTINE")
    assert read(tmp_path, described).study_description == "CHEST ROUTINE"  # PostgreSQL takes no NUL


@pytest.mark.parametrize("term", [
    b"utf-7", b"unicode_escape", b"raw_unicode_escape", b"idna", b"punycode", b"undefined", b"rot13",
    b"iso_ir 100", b"latin_1", b"ISO_IR_192", b"ISO_IR 999", b"ISO-IR 999",
    b"ISO 2022 IR 6\\utf-7", b"utf-7\\ISO_IR 192",
    b"caf\xe9 1234",
])  # fmt: skip
def test_a_character_set_that_is_not_dicoms_is_refused(tmp_path: Path, term: bytes) -> None:
    assert refused(tmp_path, in_character_set(ct_dataset(), term)).code == "CHARACTER_SET_NOT_SUPPORTED"


@pytest.mark.parametrize("term", [
    b"\x00\x00", b"ISO_IR 6", b"ISO_IR 100", b"ISO_IR 192", b"ISO_IR 13", b"ISO_IR 144", b"ISO_IR 166",
    b"GB18030",
    b"GBK", b"ISO 2022 IR 6\\ISO 2022 IR 87", b"ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
    b"\\ISO 2022 IR 149", b"\\ISO 2022 IR 58", b"ISO-IR 100", b"ISO IR 192", b"ISO-2022-IR-100",
])  # fmt: skip
def test_the_character_sets_of_dicom_and_their_known_misspellings_are_read(tmp_path: Path, term: bytes) -> None:
    assert read(tmp_path, in_character_set(ct_dataset(), term)).patient_id == "TEST-door"


def test_bytes_that_are_not_of_the_character_set_identify_nobody(tmp_path: Path) -> None:
    """Each of them would be read as the same replacement character."""
    for stated in (b"M\xfcller", b"M\xf6ller"):
        content = in_character_set(ct_dataset(PatientID="Muller"), b"ISO_IR 192").replace(b"Muller", stated)
        assert refused(tmp_path, content).code == "VALUE_UNREADABLE"


def test_a_patient_id_that_is_no_text_identifies_nobody(tmp_path: Path) -> None:
    old = element(0x00100020, b"LO", b"TEST-door ")
    assert VALID.count(old) == 1
    content = VALID.replace(old, element(0x00100020, b"OB", b"TEST-door "))
    assert refused(tmp_path, content).code == "VALUE_NOT_TEXT"


@pytest.mark.parametrize(("stated", "family_name", "given_name"), [
    ("Yamada^Tarou=山田^太郎", "Yamada", "Tarou"), ("=山田^太郎=やまだ^たろう", "=山田", "太郎"),
    ("==やまだ^たろう", "==やまだ", "たろう"),
    ("***^X=山田^太郎", "=山田", "太郎"), ("^Mary", "", "Mary"), ("", "", ""), ("Okafor", "Okafor", ""),
])  # fmt: skip
def test_a_name_says_in_which_component_group_it_was_stated(
    tmp_path: Path, stated: str, family_name: str, given_name: str
) -> None:
    header = read(tmp_path, part10(ct_dataset(PatientName=stated, SpecificCharacterSet="ISO_IR 192")))
    assert (header.family_name, header.given_name) == (family_name, given_name)


def test_a_file_that_cannot_be_opened_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(InstanceRefusedError) as caught:
        header_read(tmp_path / "gone")
    assert (caught.value.code, caught.value.failure_reason) == ("STORAGE_UNAVAILABLE", 0xA700)


@pytest.mark.parametrize(("raw", "expected"), [
    (b"19600229", date(1960, 2, 29)), (b"1960.02.29", date(1960, 2, 29)), (b"", None), (b"  ", None),
])  # fmt: skip
def test_a_birth_date_is_read_in_both_its_forms(tmp_path: Path, raw: bytes, expected: date | None) -> None:
    assert read(tmp_path, raw_text("PatientBirthDate", raw)).birth_date == expected


def test_what_pydicom_says_of_a_value_reaches_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """pydicom quotes the offending value in its warnings and its log; here that is a patient's name."""
    canary = b"CANARY-NAME-4711"
    content = raw_text("PatientBirthDate", canary)
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        error = refused(tmp_path, content)
    assert not caught
    assert canary.decode() not in caplog.text + error.sentence


def test_reading_in_many_threads_leaves_the_warning_filters_as_they_were(tmp_path: Path) -> None:
    before = list(warnings.filters)
    paths = []
    for index in range(8):
        path = tmp_path / str(index)
        path.write_bytes(ct_part10(index))
        paths.append(path)
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(header_read, paths * 20))) == 160
    assert list(warnings.filters) == before


def _mutated(flips: list[tuple[float, int]], cut: float | None, inserted: tuple[float, bytes] | None) -> bytes:
    content = bytearray(VALID)
    for where, value in flips:
        content[132 + int(where * (len(content) - 133))] = value
    if inserted is not None:
        at = 132 + int(inserted[0] * (len(content) - 133))
        content[at:at] = inserted[1]
    return bytes(content if cut is None else content[: int(cut * len(content))])


@settings(max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    flips=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12),
    cut=st.none() | st.floats(0, 1),
    inserted=st.none() | st.tuples(st.floats(0, 1), st.binary(max_size=64)),
)
def test_a_mutated_object_gives_a_header_or_a_refusal_and_nothing_else(
    tmp_path: Path, flips: list[tuple[float, int]], cut: float | None, inserted: tuple[float, bytes] | None
) -> None:
    try:
        header = read(tmp_path, _mutated(flips, cut, inserted))
    except InstanceRefusedError:
        return
    texts = [getattr(header, name) for name in InstanceHeader.__slots__]
    assert all("\x00" not in text for text in texts if isinstance(text, str))
    for text in texts:
        if isinstance(text, str):
            text.encode("utf-8")  # PostgreSQL takes nothing else
    assert header.patient_id and len(header.patient_id) <= 256


def test_pydicoms_own_test_files_are_read_or_refused_with_a_reason() -> None:
    codes: dict[str, int] = {}
    for path in (Path(pydicom.data.DATA_ROOT) / "test_files").glob("*.dcm"):
        try:
            header_read(path)
            code = "READ"
        except InstanceRefusedError as error:
            code = error.code
        codes[code] = codes.get(code, 0) + 1
    assert codes.get("READ", 0) >= 5, codes
    assert {"TRUNCATED", "UID_MISSING", "TRANSFER_SYNTAX_NOT_SUPPORTED"} <= set(codes), codes
