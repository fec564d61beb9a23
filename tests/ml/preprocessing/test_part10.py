"""Hostile files stop at the structural walk, before pydicom or a decoder sees them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless

from ml.errors import SeriesRefusal
from ml.preprocessing import part10
from ml.preprocessing.part10 import part10_scan
from tests.dicom import ct_series_write


def file_bytes(dataset: bytes, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> bytes:
    uid = transfer_syntax_uid.encode() + b"\x00" * (len(transfer_syntax_uid) % 2)
    return b"\x00" * 128 + b"DICM" + struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid + dataset


def element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", group, number, vr, len(value)) + value


def sequence(content: bytes, length: int = part10.UNDEFINED) -> bytes:
    return struct.pack("<HH2sHI", 8, 0x1140, b"SQ", 0, length) + content


ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, part10.UNDEFINED)
ITEM_END = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
SEQUENCE_END = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
NOT_AN_ITEM = struct.pack("<HHI", 8, 0x60, 0)
MODALITY = element(8, 0x60, b"CS", b"CT")


def nested(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = sequence(ITEM + content + ITEM_END + SEQUENCE_END)
    return content


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder: Path = tmp_path_factory.mktemp("valid")
    return ct_series_write(folder, np.arange(16).reshape(1, 4, 4))[0].read_bytes()


def test_scan_finds_pixel_data_and_wanted_values(valid: bytes) -> None:
    found = part10_scan(valid, frozenset({0x00080060}))
    assert valid[found.pixel_start : found.pixel_end] == (np.arange(16) + 1024).astype("<u2").tobytes()
    assert found.values == {0x00080060: b"CT"}
    assert found.pixel_keyword == "PixelData"
    assert not found.is_encapsulated


def outcome(content: bytes) -> part10.Part10 | SeriesRefusal:
    try:
        return part10_scan(content)
    except SeriesRefusal as refusal:
        return refusal


def test_every_truncation_is_refused(valid: bytes) -> None:
    end = part10_scan(valid).pixel_end
    whole_elements = 0
    for cut in range(end):
        found = outcome(valid[:cut])
        if isinstance(found, SeriesRefusal):
            assert found.reason_code in {"NOT_DICOM", "NO_TRANSFER_SYNTAX", "TRUNCATED"}, cut
        else:
            # A cut between two elements is a shorter but whole data set: it has no pixel data, and says so.
            assert found.pixel_keyword is None
            whole_elements += 1
    assert 0 < whole_elements < 60


@given(st.data())
def test_random_damage_is_refused_or_read_within_the_file(valid: bytes, data: st.DataObject) -> None:
    damaged = bytearray(valid)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(132, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    found = outcome(bytes(damaged))
    if isinstance(found, SeriesRefusal):
        assert found.reason_code.isupper()
        assert found.sentence
    else:
        assert 132 < found.header_end <= len(damaged)
        assert found.pixel_start <= found.pixel_end <= len(damaged)


@pytest.mark.parametrize(
    ("content", "reason_code"),
    [
        (b"", "NOT_DICOM"),
        (b"MZ" + b"\x00" * 4096, "NOT_DICOM"),
        (b"\x00" * 128 + b"DICM", "NO_TRANSFER_SYNTAX"),
        (b"\x00" * 128 + b"DICM" + MODALITY, "NO_TRANSFER_SYNTAX"),
        (file_bytes(b"\xff" * 64, "1.2.840.10008.1.2.1.99"), "TRANSFER_SYNTAX"),
        (file_bytes(b"\x00" * 64, "1.2.840.10008.1.2.2"), "TRANSFER_SYNTAX"),
        (file_bytes(element(8, 0x60, b"QQ", b"CT")), "BAD_VR"),
        (file_bytes(MODALITY[:-1]), "TRUNCATED"),
        (file_bytes(struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, 2**31)), "TRUNCATED"),
        (file_bytes(struct.pack("<HH2sHI", 0x8, 0x1, b"OB", 0, part10.UNDEFINED)), "BAD_STRUCTURE"),
        (file_bytes(sequence(MODALITY)), "BAD_STRUCTURE"),
        (file_bytes(sequence(ITEM + MODALITY)), "TRUNCATED"),
        (file_bytes(nested(17)), "TOO_DEEP"),
        (file_bytes(nested(5000)), "TOO_DEEP"),
        (file_bytes(MODALITY * 50_001), "TOO_MANY_ELEMENTS"),
        (file_bytes(struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, part10.UNDEFINED) + NOT_AN_ITEM), "BAD_STRUCTURE"),
    ],
)
def test_hostile_structure_is_refused_by_name(content: bytes, reason_code: str) -> None:
    with pytest.raises(SeriesRefusal) as refused:
        part10_scan(content)
    assert refused.value.reason_code == reason_code


def test_sixteen_nested_sequences_are_read() -> None:
    assert part10_scan(file_bytes(nested(16) + MODALITY)).pixel_keyword is None


def test_oversized_header_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part10, "MAX_HEADER_BYTES", 400)
    with pytest.raises(SeriesRefusal) as refused:
        part10_scan(file_bytes(MODALITY * 100))
    assert refused.value.reason_code == "HEADER_TOO_LARGE"


def test_encapsulated_pixel_data_end_at_their_delimiter() -> None:
    fragment = struct.pack("<HHI", 0xFFFE, 0xE000, 4) + b"\xff\x4f\xff\xd9"
    table = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, part10.UNDEFINED) + table + fragment + SEQUENCE_END
    found = part10_scan(file_bytes(MODALITY + pixels + b"anything after it", JPEG2000Lossless))
    assert found.is_encapsulated
    assert found.pixel_end - found.pixel_start == len(table + fragment + SEQUENCE_END)
