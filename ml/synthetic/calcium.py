"""Calcifications with a known place, and the score each truly has on the noise-free grid.

The scoring here is deliberately written apart from the product's own measurement: it is what that is tested against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ml.synthetic.chest import (
    AORTIC_ROOT_Z_MM,
    ASCENDING_AORTA_MM,
    DESCENDING_AORTA_MM,
    Heart,
    Vector,
)

Artery = Literal["LM", "LAD", "LCX", "RCA"]
Confounder = Literal["AORTIC_WALL", "AORTIC_VALVE", "MITRAL_ANNULUS"]
Structure = Artery | Confounder

ARTERIES: tuple[Artery, ...] = ("LM", "LAD", "LCX", "RCA")
_ARTERY_SHARES = (0.08, 0.47, 0.18, 0.27)  # invented; calcium favours the left anterior descending artery
_CONFOUNDERS: tuple[Confounder, ...] = ("AORTIC_WALL", "AORTIC_VALVE", "MITRAL_ANNULUS")
_CONFOUNDER_SHARES = (0.6, 0.2, 0.2)
_CLEARANCE_MM = 6.0  # between the surfaces of two calcifications, so that each keeps its own truth
_SMEAR_MM = 2.5  # half a slice of 3 mm and one pixel; well below the clearance
_PLACING_ATTEMPTS = 400
_THRESHOLD_HU = 130
_LEAST_AREA_MM2 = 1.0
AGATSTON_SLICE_MM = 3.0


@dataclass(frozen=True, slots=True)
class Deposit:
    """One calcification as drawn: a bump (1 - q^2)^2 with semi-axes along and across its vessel."""

    structure: Structure
    centre_mm: tuple[float, float, float]
    tangent: tuple[float, float, float]
    along_mm: float
    across_mm: float
    peak_hu: float  # added to what lies there


@dataclass(frozen=True, slots=True)
class Calcification:
    """What a perfect reader finds of one deposit: voxels of at least 130 HU on the noise-free grid.

    `position_xyz_mm` is their centroid (LPS). `agatston` is None where the slices are not 3 mm: no rule then.
    """

    structure: Structure
    is_coronary: bool
    position_xyz_mm: tuple[float, float, float]
    slice_indices: tuple[int, ...]
    area_mm2: float
    volume_mm3: float
    peak_hu: float
    agatston: float | None


def centre_line(heart: Heart, artery: Artery) -> Vector:
    """Return the course of one coronary artery as points (N, 3) in LPS mm, from the aorta outwards.

    Examples
    --------
    >>> centre_line(Heart(), "RCA").shape[1]
    3
    """
    steps = np.linspace(0.0, 1.0, 60)
    courses = {"LAD": ((112, 22), (12, 8)), "LCX": ((112, 108), (28, 118)), "RCA": ((112, 106), (-22, -150))}
    if artery == "LM":
        end = heart.surface_point(112, 20)
        start = np.array([ASCENDING_AORTA_MM[0] + 9.0, ASCENDING_AORTA_MM[1] - 9.0, AORTIC_ROOT_Z_MM + 8.0])
        return np.asarray(start + steps[:, None] * (end - start))
    (polar_start, polar_end), (azimuth_start, azimuth_end) = courses[artery]
    return np.array(
        [
            heart.surface_point(
                polar_start + t * (polar_end - polar_start), azimuth_start + t * (azimuth_end - azimuth_start)
            )
            for t in steps
        ]
    )


def deposits_place(
    rng: np.random.Generator, heart: Heart, *, plaque_count: int, confounder_count: int
) -> tuple[Deposit, ...]:
    """Place that many coronary plaques and other calcifications, none touching another.

    Raises
    ------
    ValueError
        If they do not fit.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> [d.structure in ARTERIES for d in deposits_place(rng, Heart(), plaque_count=2, confounder_count=1)]
    [True, True, False]
    """
    placed: list[Deposit] = []
    for index in range(plaque_count + confounder_count):
        for _ in range(_PLACING_ATTEMPTS):
            deposit = _plaque(rng, heart) if index < plaque_count else _confounder(rng, heart)
            if all(_is_clear(deposit, other) for other in placed):
                placed.append(deposit)
                break
        else:
            raise ValueError(f"{plaque_count} plaques and {confounder_count} other calcifications do not fit.")
    return tuple(placed)


def _is_clear(one: Deposit, other: Deposit) -> bool:
    distance = np.linalg.norm(np.subtract(one.centre_mm, other.centre_mm))
    return bool(distance > one.along_mm + other.along_mm + _CLEARANCE_MM)


def _plaque(rng: np.random.Generator, heart: Heart) -> Deposit:
    artery = ARTERIES[int(rng.choice(4, p=_ARTERY_SHARES))]
    line = centre_line(heart, artery)
    index = int(rng.integers(8, 40))  # the proximal two thirds
    tangent = line[index + 1] - line[index - 1]
    across = float(rng.uniform(2.4, 4.0))
    return _deposit(artery, line[index], tangent, across * float(rng.uniform(1.2, 2.4)), across, rng)


def _confounder(rng: np.random.Generator, heart: Heart) -> Deposit:
    structure = _CONFOUNDERS[int(rng.choice(3, p=_CONFOUNDER_SHARES))]
    across = float(rng.uniform(2.6, 4.2))
    if structure == "AORTIC_VALVE":
        centre = np.array([ASCENDING_AORTA_MM[0], ASCENDING_AORTA_MM[1], AORTIC_ROOT_Z_MM + rng.uniform(0, 4)])
        return _deposit(structure, centre, np.array([1.0, 1.0, 0.0]), across * 1.5, across, rng)
    if structure == "MITRAL_ANNULUS":
        centre = heart.surface_point(102, float(rng.uniform(75, 125)), depth=0.72)
        return _deposit(structure, centre, np.array([0.0, 0.3, 1.0]), across * 1.6, across, rng)
    # The wall that faces away from the spine, so that bone never joins it.
    angle = np.radians(rng.uniform(-120, 20))
    if rng.random() < 0.6:
        (x, y, radius), z = DESCENDING_AORTA_MM, rng.uniform(-45, 45)
    else:
        (x, y, radius), z = ASCENDING_AORTA_MM, rng.uniform(34, 50)
    centre = np.array([x + radius * np.cos(angle), y + radius * np.sin(angle), z])
    tangent = np.array([-np.sin(angle), np.cos(angle), 0.4])
    return _deposit(structure, centre, tangent, across * 1.8, across, rng)


def _deposit(
    structure: Structure, centre: Vector, tangent: Vector, along: float, across: float, rng: np.random.Generator
) -> Deposit:
    unit = tangent / np.linalg.norm(tangent)
    x, y, z = (float(value) for value in centre)
    tx, ty, tz = (float(value) for value in unit)
    return Deposit(structure, (x, y, z), (tx, ty, tz), along, across, float(rng.uniform(320.0, 1100.0)))


def calcification_measure(
    hu: npt.NDArray[np.int16],
    deposit: Deposit,
    *,
    spacing_zyx_mm: tuple[float, float, float],
    origin_xyz_mm: tuple[float, float, float],
) -> Calcification | None:
    """Score one deposit on the noise-free grid, or return None where it stays below the rule's limits.

    Agatston et al., JACC 1990;15:827-832: in every slice each region of at least 130 HU and 1 mm2 counts its area
    times 1, 2, 3 or 4 for a peak of 130, 200, 300 or 400 HU. Regions are 4-connected in the plane.

    Parameters
    ----------
    hu : ndarray of int16, (z, y, x)
        Noise-free values; slices run downwards from `origin_xyz_mm`, rows to the left, columns backwards.
    deposit : Deposit
        Only its surroundings are looked at; deposits are placed so that no other bright structure is there.
    """
    box, is_near = _surroundings(deposit, hu.shape, spacing_zyx_mm, origin_xyz_mm)
    bright = (hu[box] >= _THRESHOLD_HU) & is_near
    if not bright.any():
        return None
    pixel_mm2 = spacing_zyx_mm[1] * spacing_zyx_mm[2]
    scores = [_slice_score(plane, mask, pixel_mm2) for plane, mask in zip(hu[box], bright, strict=True)]
    area = sum(slice_area for slice_area, _ in scores)
    if area == 0:
        return None
    indices = [axis + part.start for axis, part in zip(np.nonzero(bright), box, strict=True)]
    steps = (-spacing_zyx_mm[0], spacing_zyx_mm[1], spacing_zyx_mm[2])
    z, y, x = (
        float(start + step * axis.mean())
        for start, step, axis in zip(reversed(origin_xyz_mm), steps, indices, strict=True)
    )
    is_agatston = abs(spacing_zyx_mm[0] - AGATSTON_SLICE_MM) < 1e-6
    return Calcification(
        structure=deposit.structure,
        is_coronary=deposit.structure in ARTERIES,
        position_xyz_mm=(x, y, z),
        slice_indices=tuple(int(index) for index in np.unique(indices[0])),
        area_mm2=area,
        volume_mm3=float(bright.sum()) * float(np.prod(spacing_zyx_mm)),
        peak_hu=float(hu[box][bright].max()),
        agatston=sum(score for _, score in scores) if is_agatston else None,
    )


def _surroundings(
    deposit: Deposit,
    shape: Sequence[int],
    spacing_zyx_mm: tuple[float, float, float],
    origin_xyz_mm: tuple[float, float, float],
) -> tuple[tuple[slice, slice, slice], npt.NDArray[np.bool_]]:
    """The box around a deposit and, in it, the ball that no neighbour reaches: its extent and what a slice smears."""
    reach = deposit.along_mm + _SMEAR_MM
    x, y, z = deposit.centre_mm
    offsets = (origin_xyz_mm[2] - z, y - origin_xyz_mm[1], x - origin_xyz_mm[0])
    first, middle, last = (
        slice(*np.clip([np.floor((offset - reach) / step), np.ceil((offset + reach) / step) + 1], 0, count).astype(int))
        for offset, step, count in zip(offsets, spacing_zyx_mm, shape, strict=True)
    )
    dz, dy, dx = (
        np.arange(part.start, part.stop) * step - offset
        for part, step, offset in zip((first, middle, last), spacing_zyx_mm, offsets, strict=True)
    )
    is_near = dz[:, None, None] ** 2 + dy[None, :, None] ** 2 + dx[None, None, :] ** 2 <= reach**2
    return (first, middle, last), is_near


def _slice_score(plane: npt.NDArray[np.int16], mask: npt.NDArray[np.bool_], pixel_mm2: float) -> tuple[float, float]:
    labels, count = ndimage.label(mask)
    area = score = 0.0
    for label in range(1, count + 1):
        region = labels == label
        region_mm2 = float(region.sum()) * pixel_mm2
        if region_mm2 < _LEAST_AREA_MM2:
            continue
        peak = int(plane[region].max())
        area += region_mm2
        score += region_mm2 * min(4, peak // 100)
    return area, score
