"""Was a frame compressed with loss? Transfer syntax and codestream say so where Lossy Image Compression does not."""

from __future__ import annotations

import struct

from ml.preprocessing.part10 import Buffer, Part10

# JPEG baseline (8 bit) and extended (12 bit), and JPEG-LS near-lossless. The last may hold a lossless frame; its sender
# has chosen the syntax that does not promise one.
LOSSY_SYNTAXES = frozenset(("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81"))
JPEG_2000_SYNTAXES = frozenset(("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"))

# ISO 15444-1 annex A: markers, and where a segment that begins at its marker says the wavelet transform.
_SOC_SIZ = b"\xff\x4f\xff\x51"
_SOT, _SOD, _COD, _COC = 0xFF90, 0xFF93, 0xFF52, 0xFF53
_TRANSFORM_AT = {_COD: 13, _COC: 10}  # SPcod after Scod and SGcod; SPcoc after Ccoc and Scoc, of up to 256 components
_IRREVERSIBLE = 0  # 9-7; 1 is 5-3, reversible
_MAX_SEGMENTS = 10_000  # of one frame; what cannot be followed to its end is not known to be without loss


def is_compressed_with_loss(buffer: Buffer, part10: Part10) -> bool:
    """Whether the pixel data of a scanned file were compressed with loss, whatever its attributes say.

    A JPEG 2000 frame that was quantised by the reversible transform and then cut short looks like one without loss.

    Parameters
    ----------
    buffer : bytes or mmap
        The whole file.
    part10 : Part10
        What `part10_scan` found in it.

    Returns
    -------
    bool

    References
    ----------
    ISO/IEC 15444-1 annex A; DICOM PS3.5 A.4.

    Examples
    --------
    >>> is_compressed_with_loss(b"", Part10("1.2.840.10008.1.2.4.81", 0))
    True
    >>> is_compressed_with_loss(b"", Part10("1.2.840.10008.1.2.1", 0))
    False
    """
    if part10.transfer_syntax_uid in LOSSY_SYNTAXES:
        return True
    if part10.transfer_syntax_uid not in JPEG_2000_SYNTAXES or not part10.is_encapsulated:
        return False
    return _is_irreversible(buffer, part10.pixel_start, part10.pixel_end)


def _is_irreversible(buffer: Buffer, start: int, end: int) -> bool:
    position = buffer.find(_SOC_SIZ, start, end) + 2
    if position < start + 2:
        return True
    tile_end, has_default = 0, False
    for _ in range(_MAX_SEGMENTS):
        if position + 14 > end:
            return not has_default
        marker, length = struct.unpack_from(">HH", buffer, position)
        if marker == _SOD:
            if tile_end <= position:  # of unknown length: the last one
                return not has_default
            position = tile_end
            continue
        if marker < 0xFF00:
            return not has_default
        if marker == _SOT:
            tile_end = position + int.from_bytes(buffer[position + 6 : position + 10], "big")
        if marker in _TRANSFORM_AT and buffer[position + _TRANSFORM_AT[marker]] == _IRREVERSIBLE:
            return True
        has_default = has_default or marker == _COD
        position += 2 + length
    return True
