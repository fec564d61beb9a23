"""Slice order and spacing from Image Position and Image Orientation (Patient), and from nothing else.

World is DICOM's patient system LPS in mm: +x to the patient's left, +y posterior, +z superior (PS3.3 C.7.6.2.1.1).
Arrays are (z, y, x) = (slice, row, column) as stored; slices ascend along row direction x column direction, so index
space is right-handed and an axial series (row to the left, column to the back) runs from inferior to superior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.errors import SeriesRefusal
from ml.preprocessing.dicom import Instance

Floats = npt.NDArray[np.float64]

# Scanners round positions, so equal steps are stored unequal: PET tables in steps of 3.27 mm are met as 3.19 to
# 3.29 mm. A slice may lie this far from where the regular grid puts it: rounding to 0.1 mm explains it (half of that
# by rounding a position, half by rounding the step), while no misplaced slice hides under it.
GRID_TOLERANCE_MM = 0.1
GRID_TOLERANCE_OF_STEP = 0.1  # for steps under 1 mm
MAX_POSITION_MM = 100_000.0  # from the origin of the frame of reference: no room that a scanner stands in is larger
DUPLICATE_MM = 0.01
ORIENTATION_TOLERANCE = 1e-3  # of a direction cosine: stored orientations carry four to seven digits


@dataclass(frozen=True, slots=True)
class Geometry:
    """The regular grid of one volume: index (slice, row, column) to patient coordinates (x, y, z) in mm, LPS.

    Parameters
    ----------
    shape_zyx : tuple of int, (3,)
        Slices, rows, columns.
    spacing_zyx_mm : tuple of float, (3,)
        Steps between voxel centres, mm.
    origin_xyz_mm : tuple of float, (3,)
        Centre of voxel (0, 0, 0), mm.
    row_direction, column_direction, normal : tuple of float, (3,)
        Unit vectors of increasing column, row and slice index.

    Examples
    --------
    >>> Geometry((2, 4, 4), (3, 1, 1), (-10, -10, 5), (1, 0, 0), (0, 1, 0), (0, 0, 1)).affine_lps_mm().shape
    (3, 4)
    """

    shape_zyx: tuple[int, int, int]
    spacing_zyx_mm: tuple[float, float, float]
    origin_xyz_mm: tuple[float, float, float]
    row_direction: tuple[float, float, float]  # of increasing column index
    column_direction: tuple[float, float, float]  # of increasing row index
    normal: tuple[float, float, float]  # of increasing slice index

    def position_xyz_mm(self, slice_index: float, row: float, column: float) -> tuple[float, float, float]:
        """Patient coordinates (LPS, mm) of a voxel's centre.

        Examples
        --------
        >>> grid = Geometry((2, 4, 4), (3, 1, 1), (-10, -10, 5), (1, 0, 0), (0, 1, 0), (0, 0, 1))
        >>> grid.position_xyz_mm(1, 0, 2)
        (-8.0, -10.0, 8.0)
        """
        x, y, z = self.affine_lps_mm() @ (slice_index, row, column, 1.0)
        return float(x), float(y), float(z)

    def affine_lps_mm(self) -> Floats:
        """The 3 x 4 matrix that takes (slice, row, column, 1) to (x, y, z) in mm, LPS."""
        step, row_step, column_step = self.spacing_zyx_mm
        steps = (
            np.multiply(self.normal, step),
            np.multiply(self.column_direction, row_step),
            np.multiply(self.row_direction, column_step),
        )
        return np.column_stack((*steps, self.origin_xyz_mm)).astype(np.float64)


def order_and_geometry(instances: Sequence[Instance]) -> tuple[tuple[Instance, ...], Geometry]:
    """Sort the instances of one series along their normal and describe the grid they form.

    Parameters
    ----------
    instances : sequence of Instance, (z,)
        In any order, all with a pixel format.

    Returns
    -------
    tuple of Instance, (z,)
        Ascending along the normal.
    Geometry
        LPS, in mm.

    Raises
    ------
    SeriesRefusal
        MISSING_POSITION, MISSING_ORIENTATION, MISSING_PIXEL_SPACING, BAD_POSITION, BAD_ORIENTATION, BAD_PIXEL_SPACING,
        MIXED_ORIENTATION, MIXED_PIXEL_SPACING, SINGLE_SLICE, DUPLICATE_POSITION, GANTRY_TILT, MISSING_SLICES,
        IRREGULAR_SPACING or NO_PIXEL_DATA. Nothing is ever resampled to make a series fit.

    References
    ----------
    DICOM PS3.3 C.7.6.2.1.1.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> axial = {"image_orientation_patient": (1, 0, 0, 0, 1, 0), "pixel_spacing_mm": (0.5, 0.5)}
    >>> form = SimpleNamespace(rows=4, columns=6)
    >>> stack = [SimpleNamespace(**axial, pixel_format=form, image_position_patient=(0, 0, z)) for z in (6, 0, 3)]
    >>> ordered, grid = order_and_geometry(stack)
    >>> [one.image_position_patient[2] for one in ordered], grid.shape_zyx, grid.spacing_zyx_mm
    ([0, 3, 6], (3, 4, 6), (3.0, 0.5, 0.5))
    """
    positions = _attribute(instances, "image_position_patient", "MISSING_POSITION", "Image Position (Patient)")
    orientations = _attribute(
        instances, "image_orientation_patient", "MISSING_ORIENTATION", "Image Orientation (Patient)"
    )
    spacings = _attribute(instances, "pixel_spacing_mm", "MISSING_PIXEL_SPACING", "Pixel Spacing")
    _check_positions(positions)
    row_direction, column_direction, normal = _directions(orientations)
    row_step_mm, column_step_mm = _pixel_spacing(spacings)
    if len(instances) < 2:
        raise SeriesRefusal("SINGLE_SLICE", "One slice is not a volume: spacing cannot be known from one position.")

    along_mm = positions @ normal
    order = np.argsort(along_mm, kind="stable")
    along_mm, positions = along_mm[order], positions[order]
    _check_not_duplicated(along_mm, positions)
    _check_not_sheared(along_mm, positions, normal, pixel_mm=min(row_step_mm, column_step_mm))
    step_mm = _regular_step_mm(along_mm)

    form = instances[0].pixel_format
    if form is None:
        raise SeriesRefusal("NO_PIXEL_DATA", "The series has no pixel data.")
    geometry = Geometry(
        shape_zyx=(len(instances), form.rows, form.columns),
        spacing_zyx_mm=(step_mm, row_step_mm, column_step_mm),
        origin_xyz_mm=_triple(positions[0]),
        row_direction=_triple(row_direction),
        column_direction=_triple(column_direction),
        normal=_triple(normal),
    )
    return tuple(instances[index] for index in order), geometry


def _attribute(instances: Sequence[Instance], attribute: str, reason_code: str, noun: str) -> Floats:
    missing = [instance.path.name for instance in instances if getattr(instance, attribute) is None]
    if missing:
        where = f"{len(missing)} of {len(instances)} files, first {min(missing)}"
        raise SeriesRefusal(reason_code, f"{noun} is missing in {where}.")
    return np.array([getattr(instance, attribute) for instance in instances], dtype=np.float64)


def _check_positions(positions: Floats) -> None:
    farthest_mm = float(np.abs(positions).max())
    if farthest_mm > MAX_POSITION_MM:
        sentence = f"Image Position (Patient) {farthest_mm:g} mm is impossible; at most {MAX_POSITION_MM:g} mm is read."
        raise SeriesRefusal("BAD_POSITION", sentence)


def _directions(orientations: Floats) -> tuple[Floats, Floats, Floats]:
    if np.ptp(orientations, axis=0).max() > ORIENTATION_TOLERANCE:
        raise SeriesRefusal("MIXED_ORIENTATION", "The slices have different orientations: not one stack.")
    # The median does not depend on the order of the files, and equals the value where all agree.
    row, column = np.median(orientations, axis=0).reshape(2, 3)
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if max(abs(length - 1) for length in lengths) > ORIENTATION_TOLERANCE or abs(row @ column) > ORIENTATION_TOLERANCE:
        raise SeriesRefusal("BAD_ORIENTATION", "Image Orientation (Patient) is not two perpendicular unit vectors.")
    normal = np.cross(row, column)
    return row / lengths[0], column / lengths[1], normal / np.linalg.norm(normal)


def _pixel_spacing(spacings: Floats) -> tuple[float, float]:
    if np.ptp(spacings, axis=0).max() > 1e-4 * spacings.max():
        raise SeriesRefusal("MIXED_PIXEL_SPACING", "The slices have different pixel spacings.")
    row_step_mm, column_step_mm = np.median(spacings, axis=0)
    if not (0.01 <= row_step_mm <= 50 and 0.01 <= column_step_mm <= 50):
        raise SeriesRefusal(
            "BAD_PIXEL_SPACING", f"Pixel Spacing {row_step_mm:g} x {column_step_mm:g} mm is impossible."
        )
    return float(row_step_mm), float(column_step_mm)


def _check_not_duplicated(along_mm: Floats, positions: Floats) -> None:
    moved_mm = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    duplicates = int(np.count_nonzero((np.diff(along_mm) < DUPLICATE_MM) & (moved_mm < DUPLICATE_MM)))
    if duplicates:
        raise SeriesRefusal("DUPLICATE_POSITION", f"{duplicates} slice(s) lie at the position of another slice.")


def _check_not_sheared(along_mm: Floats, positions: Floats, normal: Floats, *, pixel_mm: float) -> None:
    """A volume is a stack along its normal; half a pixel of sideways drift over the whole stack is rounding."""
    sideways = positions - np.outer(along_mm, normal)
    drift_mm = float(np.linalg.norm(sideways - sideways[0], axis=1).max())
    if drift_mm > max(0.5 * pixel_mm, GRID_TOLERANCE_MM):
        tilt = np.degrees(np.arctan2(drift_mm, along_mm[-1] - along_mm[0]))
        steps_mm = np.diff(along_mm)
        raise SeriesRefusal(
            "GANTRY_TILT",
            f"The slices are stacked at {tilt:.1f} degrees to their normal (gantry tilt or shear), with spacing from "
            f"{steps_mm.min():.2f} to {steps_mm.max():.2f} mm; such a stack is not a volume and is not resampled.",
        )


def _regular_step_mm(along_mm: Floats) -> float:
    steps_mm = np.diff(along_mm)
    median_mm = float(np.median(steps_mm))
    if steps_mm.min() < DUPLICATE_MM:
        raise SeriesRefusal("DUPLICATE_POSITION", "Two slices lie at the same distance along the normal.")
    places = np.arange(len(along_mm))
    step_mm, start_mm = (float(value) for value in np.polyfit(places, along_mm, 1))
    off_grid_mm = float(np.abs(along_mm - (start_mm + step_mm * places)).max())
    if off_grid_mm <= min(GRID_TOLERANCE_MM, GRID_TOLERANCE_OF_STEP * step_mm):
        return float(along_mm[-1] - along_mm[0]) / (len(along_mm) - 1)
    multiples = steps_mm / median_mm
    is_whole = np.abs(multiples - multiples.round()) * median_mm <= min(GRID_TOLERANCE_MM, 0.1 * median_mm) * 2
    if is_whole.all() and multiples.round().min() >= 1 and multiples.round().max() >= 2:
        missing = int((multiples.round() - 1).sum())
        raise SeriesRefusal("MISSING_SLICES", f"{missing} slice(s) are missing at a step of {median_mm:.3g} mm.")
    raise SeriesRefusal(
        "IRREGULAR_SPACING",
        f"The slices are not evenly spaced: steps from {steps_mm.min():.2f} to {steps_mm.max():.2f} mm, up to "
        f"{off_grid_mm:.2f} mm off a regular grid.",
    )


def _triple(vector: Floats) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in vector)
    return x, y, z
