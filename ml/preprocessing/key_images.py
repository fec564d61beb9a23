"""Pictures for a reader: 8-bit slices in the orientation radiology is read in, whatever the order of storage."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ml.preprocessing.geometry import Geometry
from ml.preprocessing.volume import Volume
from ml.types import KeyImage

Pixel = TypeVar("Pixel", bound=np.generic)
Plane = npt.NDArray[Pixel]

CALCIUM_WINDOW_HU = (130.0, 500.0)  # centred on the threshold, so that what counts is brighter than mid-grey
CROP_MM = 100.0  # wide enough to see which chamber or vessel a candidate lies in
CROP_ZOOM = 2
OUTSIDE_HU = -1024.0
OUTLINE_RGB = (255, 64, 64)

# Reading convention: image columns run to the patient's left (or, in sagittal planes, to the back), rows run to the
# back (or, in sagittal and coronal planes, downwards). Axes of LPS by index, with the sign that increases.
_COLUMN_AXES = ((0, 1), (1, 1))
_ROW_AXES = ((1, 1), (2, -1))
_LETTERS = (("R", "L"), ("A", "P"), ("I", "S"))


def mid_slice(
    volume: Volume, geometry: Geometry, sop_instance_uids: tuple[str, ...], window: tuple[float, float], unit: str
) -> KeyImage:
    """The middle slice as grey, in the reading orientation.

    Parameters
    ----------
    volume : float32 array, (z, y, x)
    geometry : Geometry
    sop_instance_uids : tuple of str, (z,)
        One per slice.
    window : (center, width)
        In the unit of the volume.
    unit : str
        Of the window, for the caption.

    Returns
    -------
    KeyImage
        (y, x) pixels, transposed where the reading orientation asks for it.

    Examples
    --------
    >>> grid = Geometry((3, 2, 2), (3, 1, 1), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    >>> mid_slice(np.zeros((3, 2, 2), dtype=np.float32), grid, ("1.1", "1.2", "1.3"), (40.0, 400.0), "HU").caption
    'Slice 2 of 3, window 40 / 400 HU, left edge R, top edge A'
    """
    index = volume.shape[0] // 2
    center, width = window
    pixels = _grey(display_oriented(volume[index], geometry), window)
    caption = f"Slice {index + 1} of {volume.shape[0]}, window {center:g} / {width:g} {unit}, {edges(geometry)}"
    return KeyImage("mid-slice", caption, sop_instance_uids[index], index, center, width, pixels)


def outlined_crop(
    plane: Volume, mask: npt.NDArray[np.bool_], center_row_column: tuple[int, int], geometry: Geometry
) -> npt.NDArray[np.uint8]:
    """A square RGB crop with one place in its middle and the outline of a mask, in the reading orientation.

    What lies outside the slice is black, so that the place is in the middle near an edge too.

    Parameters
    ----------
    plane : float32 array, (y, x)
        HU.
    mask : bool array, (y, x)
        The outline is drawn just outside it, so that no voxel of it is hidden.
    center_row_column : tuple of int, (2,)
        Place of the middle, as stored.
    geometry : Geometry

    Returns
    -------
    uint8 array, (y, x, 3)
        CROP_MM wide, CROP_ZOOM pixels a voxel.

    Examples
    --------
    >>> grid = Geometry((3, 40, 40), (3, 5, 5), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    >>> plane, mask = np.zeros((40, 40), dtype=np.float32), np.zeros((40, 40), dtype=np.bool_)
    >>> outlined_crop(plane, mask, (1, 1), grid).shape
    (42, 42, 3)
    """
    _, row_mm, column_mm = geometry.spacing_zyx_mm
    half = (_half(row_mm), _half(column_mm))
    grey = _grey(_around(plane, center_row_column, half, OUTSIDE_HU), CALCIUM_WINDOW_HU)
    grey = np.kron(grey, np.ones((CROP_ZOOM, CROP_ZOOM), dtype=np.uint8))
    inside = np.kron(_around(mask, center_row_column, half, False), np.ones((CROP_ZOOM, CROP_ZOOM), dtype=np.bool_))
    outline = ndimage.binary_dilation(inside) & ~inside
    pixels = np.stack([display_oriented(grey, geometry)] * 3, axis=-1)
    pixels[display_oriented(outline, geometry)] = OUTLINE_RGB
    return pixels


def display_oriented(plane: Plane[Pixel], geometry: Geometry) -> Plane[Pixel]:
    """Transpose and flip a stored plane so that an axial slice shows the patient's right on the image's left.

    Parameters
    ----------
    plane : array, (y, x)
        As stored, of any dtype.
    geometry : Geometry

    Returns
    -------
    array, (y, x) or (x, y)
        Contiguous, of the same dtype.

    Examples
    --------
    >>> mirrored = Geometry((2, 1, 2), (1, 1, 1), (0, 0, 0), (-1, 0, 0), (0, 1, 0), (0, 0, -1))
    >>> display_oriented(np.array([[1, 2]]), mirrored).tolist()
    [[2, 1]]
    """
    (column_axis, column_sign), (row_axis, row_sign) = _display_axes(geometry)
    if abs(geometry.row_direction[column_axis]) < abs(geometry.column_direction[column_axis]):
        along_rows, along_columns, plane = geometry.column_direction, geometry.row_direction, plane.T
    else:
        along_rows, along_columns = geometry.row_direction, geometry.column_direction
    if along_rows[column_axis] * column_sign < 0:
        plane = plane[:, ::-1]
    if along_columns[row_axis] * row_sign < 0:
        plane = plane[::-1]
    return np.ascontiguousarray(plane)


def edges(geometry: Geometry) -> str:
    """Which side of the patient the left and the top edge of a picture show.

    Parameters
    ----------
    geometry : Geometry

    Returns
    -------
    str

    Examples
    --------
    >>> edges(Geometry((2, 1, 2), (1, 1, 1), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)))
    'left edge R, top edge A'
    """
    (column_axis, column_sign), (row_axis, row_sign) = _display_axes(geometry)
    left = _LETTERS[column_axis][0 if column_sign > 0 else 1]
    top = _LETTERS[row_axis][0 if row_sign > 0 else 1]
    return f"left edge {left}, top edge {top}"


def percentile_window(volume: Volume) -> tuple[float, float]:
    """Window from the 1st to the 99th percentile of the middle slice, for values without a unit.

    Parameters
    ----------
    volume : float32 array, (z, y, x)

    Returns
    -------
    (center, width)
        In the unit of the volume; the width is never 0.

    Examples
    --------
    >>> center, width = percentile_window(np.arange(101, dtype=np.float32).reshape(1, 1, 101))
    >>> round(center), round(width)
    (50, 98)
    """
    low, high = (float(value) for value in np.percentile(volume[volume.shape[0] // 2], (1, 99)))
    return (low + high) / 2, max(high - low, 1e-6)


def _display_axes(geometry: Geometry) -> tuple[tuple[int, int], tuple[int, int]]:
    through = int(np.argmax(np.abs(geometry.normal)))
    column = next(axis for axis in _COLUMN_AXES if axis[0] != through)
    row = next(axis for axis in _ROW_AXES if axis[0] not in (through, column[0]))
    return column, row


def _grey(plane: Volume, window: tuple[float, float]) -> npt.NDArray[np.uint8]:
    center, width = window
    grey: npt.NDArray[np.uint8] = np.clip((plane - (center - width / 2)) * (255 / width), 0, 255).astype(np.uint8)
    return grey


def _half(pixel_mm: float) -> int:
    return max(8, round(CROP_MM / pixel_mm / 2))


def _around(plane: Plane[Pixel], center: tuple[int, int], half: tuple[int, int], outside: float) -> Plane[Pixel]:
    padded = np.pad(plane, [(length, length) for length in half], constant_values=outside)
    (row, column), (rows, columns) = center, half
    return padded[row : row + 2 * rows + 1, column : column + 2 * columns + 1]
