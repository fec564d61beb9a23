"""Walk the structure of a DICOM file before anything interprets it: every length, depth and count is checked here.

PS3.5 section 7 (data elements, sequences) and annex A.4 (encapsulated pixel data). Only what passes is shown to
pydicom, which itself accepts lengths beyond the end of the file, inflates without a limit and recurses without one.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydicom.datadict import DicomDictionary  # type: ignore[attr-defined]  # public, but not in its __all__

from ml.errors import SeriesRefusal

MAX_ELEMENTS = 50_000
MAX_SEQUENCE_DEPTH = 16
MAX_HEADER_BYTES = 64 * 2**20
MAX_VALUE_BYTES = 1024  # of one wanted value; none of them is longer in any valid object

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
ITEM_START = b"\xfe\xff\x00\xe0"  # an item's tag as it lies in the file
PIXEL_DATA = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
TRANSFER_SYNTAX_UID = 0x00020010

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN = "1.2.840.10008.1.2.2"

LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
SHORT_VRS = frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS")
) | frozenset((b"ST", b"TM", b"UI", b"UL", b"US"))

Buffer = bytes | mmap.mmap

_tag_and_length = struct.Struct("<HHI").unpack_from
_short_length = struct.Struct("<H").unpack_from
_long_length = struct.Struct("<I").unpack_from


@dataclass(frozen=True, slots=True)
class Part10:
    """Where the parts of one file lie. `header_end` is the offset of the pixel data element, or the end of the file."""

    transfer_syntax_uid: str
    header_end: int
    pixel_keyword: str | None = None
    pixel_start: int = 0
    pixel_end: int = 0
    is_encapsulated: bool = False
    values: Mapping[int, bytes] = field(default_factory=dict, repr=False)


def part10_scan(buffer: Buffer, wanted_tags: frozenset[int] = frozenset()) -> Part10:
    """Check the structure of a whole file up to the end of its pixel data and say where the pixel data lie.

    Parameters
    ----------
    buffer : bytes or mmap
        The file. What follows the pixel data is never read.
    wanted_tags : frozenset of int
        Elements of the top level whose raw values are wanted; of a sequence only the tag that it begins with.

    Returns
    -------
    Part10
        With `values` holding the raw bytes of the wanted elements that are there.

    Raises
    ------
    SeriesRefusal
        NOT_DICOM, NO_TRANSFER_SYNTAX, TRANSFER_SYNTAX, TRUNCATED, BAD_VR, BAD_STRUCTURE, TOO_MANY_ELEMENTS,
        TOO_DEEP, HEADER_TOO_LARGE.

    Examples
    --------
    >>> part10_scan(b"MZ, not a DICOM file")
    Traceback (most recent call last):
    ml.errors.SeriesRefusal: it is not a DICOM file (no DICM prefix)
    """
    if len(buffer) < 132 or buffer[128:132] != b"DICM":
        raise SeriesRefusal("NOT_DICOM", "it is not a DICOM file (no DICM prefix)")
    walk = _Walk(buffer)
    start, transfer_syntax_uid = walk.file_meta()
    if not transfer_syntax_uid:
        raise SeriesRefusal("NO_TRANSFER_SYNTAX", "it does not name its transfer syntax")
    # These two cannot be walked: one is a compressed stream that could inflate to any size, the other is retired.
    if transfer_syntax_uid == DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        raise SeriesRefusal("TRANSFER_SYNTAX", "its transfer syntax, Deflated Explicit VR Little Endian, is not read")
    if transfer_syntax_uid == EXPLICIT_VR_BIG_ENDIAN:
        raise SeriesRefusal("TRANSFER_SYNTAX", "its transfer syntax, Explicit VR Big Endian (retired), is not read")
    return walk.dataset(start, transfer_syntax_uid, wanted_tags)


class _Walk:
    """One pass over one buffer, counting elements. Positions are absolute; every method returns the next one."""

    __slots__ = ("buffer", "count", "size")

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer
        self.size = len(buffer)
        self.count = 0

    def file_meta(self) -> tuple[int, str]:
        position, transfer_syntax_uid = 132, ""
        while position + 8 <= self.size and self.buffer[position : position + 2] == b"\x02\x00":
            tag, _, start, length = self.element(position, self.size, is_implicit=False)
            if length == UNDEFINED:
                raise SeriesRefusal("BAD_STRUCTURE", "its file meta information has an element of undefined length")
            if tag == TRANSFER_SYNTAX_UID:
                transfer_syntax_uid = self.buffer[start : start + length].rstrip(b"\x00 ").decode("ascii", "replace")
            position = start + length
        return position, transfer_syntax_uid

    def dataset(self, position: int, transfer_syntax_uid: str, wanted_tags: frozenset[int]) -> Part10:
        is_implicit = transfer_syntax_uid == IMPLICIT_VR_LITTLE_ENDIAN
        values: dict[int, bytes] = {}
        while position < self.size:
            if position > MAX_HEADER_BYTES:
                raise SeriesRefusal("HEADER_TOO_LARGE", f"its header is larger than {MAX_HEADER_BYTES} bytes")
            tag, vr, start, length = self.element(position, self.size, is_implicit)
            if tag in PIXEL_DATA:
                is_encapsulated = length == UNDEFINED
                end = self.fragments(start) if is_encapsulated else start + length
                return Part10(transfer_syntax_uid, position, PIXEL_DATA[tag], start, end, is_encapsulated, values)
            if tag in wanted_tags:
                self.keep(values, tag, vr, start, length)
            position = self.value(vr, start, length, self.size, is_implicit, depth=0)
        return Part10(transfer_syntax_uid, self.size, values=values)

    def keep(self, values: dict[int, bytes], tag: int, vr: bytes, start: int, length: int) -> None:
        if (
            vr == b"SQ" or length == UNDEFINED
        ):  # whether it has an item, however long it is and whether or not its length is stated
            values[tag] = self.buffer[start : start + min(length, len(ITEM_START))]
        elif length <= MAX_VALUE_BYTES:
            values[tag] = self.buffer[start : start + length]

    def element(self, position: int, end: int, is_implicit: bool) -> tuple[int, bytes, int, int]:
        """Read one element's header: tag, VR, start of the value, length of the value."""
        self.count += 1
        if self.count > MAX_ELEMENTS:
            raise SeriesRefusal("TOO_MANY_ELEMENTS", f"it has more than {MAX_ELEMENTS} data elements")
        if end - position < 8:
            raise _truncated(position, end)
        group, number, length = _tag_and_length(self.buffer, position)
        tag, start = group << 16 | number, position + 8
        if group == 0xFFFE:
            vr = b""
        elif is_implicit:
            entry = DicomDictionary.get(tag)
            vr = b"SQ" if entry is not None and entry[0] == "SQ" else b"UN"
        else:
            vr, start, length = self.explicit_vr(position, end, tag)
        if length != UNDEFINED and start + length > end:
            raise _truncated(start + length, end)
        return tag, vr, start, length

    def explicit_vr(self, position: int, end: int, tag: int) -> tuple[bytes, int, int]:
        vr = self.buffer[position + 4 : position + 6]
        if vr in SHORT_VRS:
            return vr, position + 8, _short_length(self.buffer, position + 6)[0]
        if vr not in LONG_VRS:
            raise SeriesRefusal("BAD_VR", f"element ({tag >> 16:04X},{tag & 0xFFFF:04X}) has the unknown VR {vr!r}")
        if end - position < 12:
            raise _truncated(position + 12, end)
        return vr, position + 12, _long_length(self.buffer, position + 8)[0]

    def value(self, vr: bytes, start: int, length: int, end: int, is_implicit: bool, depth: int) -> int:
        if length != UNDEFINED:
            if vr == b"SQ" and length:
                self.items(start, start + length, is_implicit, depth + 1, is_delimited=False)
            return start + length
        if vr not in (b"SQ", b"UN"):
            raise SeriesRefusal("BAD_STRUCTURE", f"an element at byte {start} has an undefined length but no items")
        # An unknown VR of undefined length holds items in implicit VR whatever the transfer syntax (PS3.5 6.2.2).
        return self.items(start, end, is_implicit or vr == b"UN", depth + 1, is_delimited=True)

    def items(self, position: int, end: int, is_implicit: bool, depth: int, *, is_delimited: bool) -> int:
        if depth > MAX_SEQUENCE_DEPTH:
            raise SeriesRefusal("TOO_DEEP", f"its sequences are nested deeper than {MAX_SEQUENCE_DEPTH} levels")
        while is_delimited or position < end:
            tag, _, start, length = self.element(position, end, is_implicit)
            if tag == SEQUENCE_END and is_delimited:
                return start
            if tag != ITEM:
                raise SeriesRefusal("BAD_STRUCTURE", f"a sequence has something other than an item at byte {position}")
            position = self.item(start, length, end, is_implicit, depth)
        return position

    def item(self, position: int, length: int, end: int, is_implicit: bool, depth: int) -> int:
        is_delimited = length == UNDEFINED
        item_end = end if is_delimited else position + length
        while is_delimited or position < item_end:
            tag, vr, start, value_length = self.element(position, item_end, is_implicit)
            if tag == ITEM_END and is_delimited:
                return start
            position = self.value(vr, start, value_length, item_end, is_implicit, depth)
        return position

    def fragments(self, position: int) -> int:
        """Walk encapsulated pixel data; the position after its delimiter."""
        while True:
            tag, _, start, length = self.element(position, self.size, is_implicit=True)
            if tag == SEQUENCE_END:
                return start
            if tag != ITEM or length == UNDEFINED:
                raise SeriesRefusal("BAD_STRUCTURE", f"its compressed pixel data are broken at byte {position}")
            position = start + length


def _truncated(needed: int, end: int) -> SeriesRefusal:
    return SeriesRefusal(
        "TRUNCATED", f"it is truncated: an element reaches to byte {needed}, its container ends at {end}"
    )
