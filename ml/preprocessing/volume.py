"""Decode a sorted series into one preallocated float32 volume of real-world values."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml.errors import SeriesRefusal
from ml.preprocessing.decoders import frame_decode
from ml.preprocessing.dicom import Instance

MAX_VOLUME_BYTES = 2 * 2**30
LARGEST_STORED = 65535
FLOAT32 = np.finfo(np.float32)

Volume = npt.NDArray[np.float32]
Rescale = tuple[float, float]  # slope and intercept of one slice


def volume_decode(instances: Sequence[Instance], rescales: Sequence[Rescale]) -> Volume:
    """Decode each slice once, in order, and rescale it in place.

    Parameters
    ----------
    instances : sequence of Instance, (z,)
        Sorted, all of one pixel format.
    rescales : sequence of (float, float), (z,)
        Slope and intercept of each slice; float32 is exact for integers times 1 and to 1e-7 otherwise.

    Returns
    -------
    float32 array, (z, y, x)
        In the unit of the rescaled values.

    Raises
    ------
    SeriesRefusal
        NO_PIXEL_DATA, VOLUME_TOO_LARGE before anything is allocated, RESCALE_RANGE, or any code of `frame_decode`.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> one = SimpleNamespace(pixel_format=SimpleNamespace(rows=4096, columns=4096))
    >>> volume_decode([one] * 40, [(1.0, 0.0)] * 40)
    Traceback (most recent call last):
    ml.errors.SeriesRefusal: A volume of (40, 4096, 4096) voxels is larger than 2147483648 bytes.
    """
    form = instances[0].pixel_format
    if form is None:
        raise SeriesRefusal("NO_PIXEL_DATA", "The series has no pixel data.")
    shape_zyx = (len(instances), form.rows, form.columns)
    if 4 * len(instances) * form.rows * form.columns > MAX_VOLUME_BYTES:
        raise SeriesRefusal(
            "VOLUME_TOO_LARGE", f"A volume of {shape_zyx} voxels is larger than {MAX_VOLUME_BYTES} bytes."
        )
    volume = np.empty(shape_zyx, dtype=np.float32)  # (Z, Y, X)
    for target, instance, (slope, intercept) in zip(volume, instances, rescales, strict=True):
        _check_rescale(instance, slope, intercept)
        target[...] = frame_decode(instance, form)
        if slope != 1:
            target *= np.float32(slope)
        if intercept != 0:
            target += np.float32(intercept)
    return volume


def _check_rescale(instance: Instance, slope: float, intercept: float) -> None:
    """Refuse what would make every value infinite or zero in float32, which is no property of the image."""
    largest = abs(slope) * LARGEST_STORED + abs(intercept)
    if not (abs(slope) >= FLOAT32.tiny and largest <= FLOAT32.max):
        sentence = f"{instance.path.name}: values rescaled by {slope:g} and {intercept:g} do not fit 32-bit numbers."
        raise SeriesRefusal("RESCALE_RANGE", sentence)


def value_range(volume: Volume) -> tuple[float, float]:
    """The smallest and the largest value.

    Parameters
    ----------
    volume : float32 array, (z, y, x)

    Returns
    -------
    tuple of float, (2,)
        In the unit of the volume.

    Raises
    ------
    SeriesRefusal
        CONSTANT_IMAGE: one value everywhere is no image.

    Examples
    --------
    >>> value_range(np.array([[[-1000, 40]]], dtype=np.float32))
    (-1000.0, 40.0)
    """
    lowest, highest = float(volume.min()), float(volume.max())
    if lowest == highest:
        raise SeriesRefusal("CONSTANT_IMAGE", f"Every voxel has the same value ({lowest:g}): there is no image.")
    return lowest, highest


def volume_sha256(volume: Volume) -> str:
    """SHA-256 of the values as little-endian float32 in C order, preceded by the shape as text.

    Parameters
    ----------
    volume : float32 array, (z, y, x)

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> volume_sha256(np.zeros((1, 2, 2), dtype=np.float32))[:16]
    '56f46952d721098c'
    """
    digest = hashlib.sha256(repr(volume.shape).encode())
    digest.update(np.ascontiguousarray(volume, dtype="<f4").data)
    return digest.hexdigest()
