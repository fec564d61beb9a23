"""Decode one frame, with one named decoder per transfer syntax: pydicom would silently try the next one on failure."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.encaps import get_frame
from pydicom.pixels import get_decoder  # type: ignore[attr-defined]  # public, but not in its __all__
from pydicom.uid import UID

from ml.errors import SeriesRefusal
from ml.preprocessing.dicom import Instance, PixelFormat
from ml.preprocessing.header import UNREADABLE

MAX_FRAME_BYTES = 64 * 2**20
_JP2_BOXES = (b"jP  ", b"ftyp", b"jp2h", b"uuid", b"xml ", b"jp2i")

Stored = npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class PinnedDecoder:
    """The plugin pydicom is told to use and the distribution whose version is recorded; no plugin reads raw bytes."""

    plugin: str | None
    distribution: str


# Lossless JPEG (process 14) and 8-bit JPEG are refused by name: no permissively licensed decoder reads the first, and
# the second cannot carry CT, MR or PET values.
PINNED_DECODERS = {
    "1.2.840.10008.1.2": PinnedDecoder(None, "numpy"),
    "1.2.840.10008.1.2.1": PinnedDecoder(None, "numpy"),
    "1.2.840.10008.1.2.5": PinnedDecoder("pylibjpeg", "pylibjpeg-rle"),
    "1.2.840.10008.1.2.4.80": PinnedDecoder("pyjpegls", "pyjpegls"),
    "1.2.840.10008.1.2.4.81": PinnedDecoder("pyjpegls", "pyjpegls"),
    "1.2.840.10008.1.2.4.90": PinnedDecoder("pylibjpeg", "pylibjpeg-openjpeg"),
    "1.2.840.10008.1.2.4.91": PinnedDecoder("pylibjpeg", "pylibjpeg-openjpeg"),
}


def decoders_used(transfer_syntax_uids: Iterable[str]) -> tuple[str, ...]:
    """Name the decoder of each transfer syntax met, with its version.

    Parameters
    ----------
    transfer_syntax_uids : iterable of str
        In any order, repeated or not.

    Returns
    -------
    tuple of str
        "<transfer syntax UID> <distribution> <version>", in the order of the UIDs.

    Raises
    ------
    SeriesRefusal
        TRANSFER_SYNTAX, naming the first syntax that is not on the list.

    Examples
    --------
    >>> decoders_used({"1.2.840.10008.1.2.4.70"})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ml.errors.SeriesRefusal: The transfer syntax JPEG Lossless, Non-Hierarchical, ... is not read.
    """
    labels = []
    for uid in sorted(set(transfer_syntax_uids)):
        if uid not in PINNED_DECODERS:
            raise SeriesRefusal("TRANSFER_SYNTAX", f"The transfer syntax {UID(uid).name} is not read.")
        distribution = PINNED_DECODERS[uid].distribution
        labels.append(f"{uid} {distribution} {importlib.metadata.version(distribution)}")
    return tuple(labels)


def frame_decode(instance: Instance, form: PixelFormat) -> Stored:
    """Decode the one frame of an instance to its stored values.

    Parameters
    ----------
    instance : Instance
        Whose transfer syntax is one of PINNED_DECODERS.
    form : PixelFormat
        Of the instance, already checked.

    Returns
    -------
    integer array, (rows, columns)
        8 or 16 bits, signed as Pixel Representation says, with unused high bits corrected.

    Raises
    ------
    SeriesRefusal
        FRAME_TOO_LARGE, UNREADABLE_FILE, PIXEL_LENGTH or UNDECODABLE, naming the file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from types import SimpleNamespace
    >>> form = PixelFormat(9000, 9000, 1, 1, 16, 12, 11, 0, "MONOCHROME2")
    >>> frame_decode(SimpleNamespace(path=Path("1.dcm")), form)
    Traceback (most recent call last):
    ml.errors.SeriesRefusal: 1.dcm: 9000 x 9000 pixels is too many.
    """
    if form.rows * form.columns * form.bits_allocated // 8 > MAX_FRAME_BYTES:
        raise SeriesRefusal(
            "FRAME_TOO_LARGE", f"{instance.path.name}: {form.rows} x {form.columns} pixels is too many."
        )
    part10 = instance.part10
    try:
        with instance.path.open("rb") as file:
            file.seek(part10.pixel_start)
            content = file.read(part10.pixel_end - part10.pixel_start)
    except OSError as error:
        raise SeriesRefusal("UNREADABLE_FILE", f"{instance.path.name} could not be read: {error.strerror}.") from error
    plugin = PINNED_DECODERS[part10.transfer_syntax_uid].plugin
    if (plugin is None) == part10.is_encapsulated:
        raise SeriesRefusal("UNDECODABLE", f"The pixel data of {instance.path.name} contradict its transfer syntax.")
    return _native(instance, form, content) if plugin is None else _compressed(instance, form, content, plugin)


def _dtype(form: PixelFormat) -> np.dtype[np.integer]:
    return np.dtype(f"<{'ui'[form.pixel_representation]}{form.bits_allocated // 8}")


def _native(instance: Instance, form: PixelFormat, content: bytes) -> Stored:
    dtype, count = _dtype(form), form.rows * form.columns
    expected = count * dtype.itemsize
    if len(content) != expected + expected % 2:  # PS3.5 8.1.1: an odd length is padded with one byte
        sentence = f"{instance.path.name} has {len(content)} bytes of pixel data; {expected} are needed."
        raise SeriesRefusal("PIXEL_LENGTH", sentence)
    stored: Stored = np.frombuffer(content, dtype, count).reshape(form.rows, form.columns)
    unused = form.bits_allocated - form.bits_stored
    # Unused high bits may hold overlays or lack the sign: shift them out, and the sign back in.
    return (stored << unused) >> unused if unused else stored


def _compressed(instance: Instance, form: PixelFormat, content: bytes, plugin: str) -> Stored:
    uid = instance.part10.transfer_syntax_uid
    try:
        declared = _codestream_shape(uid, content)
    except UNREADABLE as error:
        sentence = f"The {UID(uid).name} pixel data of {instance.path.name} could not be decoded."
        raise SeriesRefusal("UNDECODABLE", sentence) from error
    if declared is not None and declared != (form.rows, form.columns):
        # Checked before decoding: a codestream may declare a size that exhausts memory.
        sentence = f"{instance.path.name}: its compressed data are {declared[0]} x {declared[1]}, not Rows x Columns."
        raise SeriesRefusal("UNDECODABLE", sentence)
    options: dict[str, Any] = {
        "pixel_keyword": "PixelData",
        "rows": form.rows,
        "columns": form.columns,
        "number_of_frames": 1,
        "samples_per_pixel": 1,
        "photometric_interpretation": form.photometric_interpretation,
        "bits_allocated": form.bits_allocated,
        "bits_stored": form.bits_stored,
        "pixel_representation": form.pixel_representation,
    }
    try:
        stored, _ = get_decoder(uid).as_array(content, index=0, raw=True, decoding_plugin=plugin, **options)
    except BaseException as error:
        if not _is_decoders_own(error):
            raise
        sentence = f"The {UID(uid).name} pixel data of {instance.path.name} could not be decoded."
        raise SeriesRefusal("UNDECODABLE", sentence) from error
    if stored.shape != (form.rows, form.columns):
        raise SeriesRefusal("UNDECODABLE", f"{instance.path.name} decoded to {stored.shape}, not Rows x Columns.")
    return stored


def _is_decoders_own(error: BaseException) -> bool:
    """Whether a decoder says so that the bytes are not what it decodes; an interrupt or a time limit is not its own.

    A decoder written in Rust panics where it meets what its author ruled out: PyO3's PanicException is a BaseException,
    so that nobody catches it by accident, and cannot be imported.
    """
    is_panic = (type(error).__module__, type(error).__name__) == ("pyo3_runtime", "PanicException")
    return is_panic or isinstance(error, UNREADABLE)


def _codestream_shape(uid: str, content: bytes) -> tuple[int, int] | None:
    """Rows and columns that a JPEG 2000 or JPEG-LS codestream declares for itself; of another kind, None.

    Walked from its first byte as its decoder does: the same bytes in a comment or a box say something else.

    Raises
    ------
    ValueError
        No codestream is there that declares any.
    """
    if uid.startswith("1.2.840.10008.1.2.4.9"):
        return _siz(_unboxed(get_frame(content, 0, number_of_frames=1)))
    if uid.startswith("1.2.840.10008.1.2.4.8"):
        return _sof55(get_frame(content, 0, number_of_frames=1))
    return None


def _unboxed(frame: bytes) -> bytes:
    """The codestream of a frame that a sender left in its JP2 file (ISO 15444-1 annex I)."""
    position = 0
    while frame[position + 4 : position + 8] in _JP2_BOXES:
        position += max(8, int.from_bytes(frame[position : position + 4], "big"))
    return frame[position + 8 :] if frame[position + 4 : position + 8] == b"jp2c" else frame[position:]


def _siz(codestream: bytes) -> tuple[int, int]:
    """ISO 15444-1 A.5.1: SIZ follows SOC."""
    if len(codestream) < 24 or not codestream.startswith(b"\xff\x4f\xff\x51"):
        raise ValueError("this does not begin as a JPEG 2000 codestream does")
    x_end, y_end, x_start, y_start = (int.from_bytes(codestream[at : at + 4], "big") for at in (8, 12, 16, 20))
    return y_end - y_start, x_end - x_start


def _sof55(codestream: bytes) -> tuple[int, int]:
    """ISO 14495-1 C.2: segments of a stated length stand between SOI and the frame header."""
    position = 2 if codestream.startswith(b"\xff\xd8") else len(codestream)
    while position + 9 <= len(codestream) and codestream[position] == 0xFF:
        if codestream[position + 1] == 0xF7:
            rows, columns = (int.from_bytes(codestream[position + at : position + at + 2], "big") for at in (5, 7))
            return rows, columns
        position += 2 + int.from_bytes(codestream[position + 2 : position + 4], "big")
    raise ValueError("this has no JPEG-LS frame header where it belongs")
