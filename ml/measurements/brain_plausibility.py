"""Is the mask that a brain extraction returned that of a brain in a head that stands as its header says?

The network always answers: with a phantom's ellipsoid, and with a wrong volume for a head whose orientation is stated
wrongly or half of which is missing. Four rules, each with the margin it was set with. All there was to set them: two
real T1 heads, six synthetic ones (an MNI head, scaled and bent, 1000 to 2000 mL), and what can be done to them.

    rule                                  real heads    synthetic       limit     what it is there to refuse
    BRAIN_SHAPE  front-back over the      1.27          1.15 to 1.18    1.0       turned by 90 degrees about the
                 larger other extent                                              left-right axis: 0.75 to 0.78
    BRAIN_UNIFORM variation of the        0.23, 0.25    0.19            0.10      uniform ellipsoid: 0.02
                 signal 3 mm inside
    NOT_IN_HEAD  share of signal 2 to 4   1.00          0.95 to 0.98    0.85      ellipsoid: 0.06; halves of a head:
                 mm outside                                                       0.29 to 0.75
    UPSIDE_DOWN  head above the brain     14 mm         11 to 14 mm     4 mm      upside down or mirrored top to
                                                                                  bottom: -11 to 0 mm
                 centre of the rest of    -27 mm        -59 to -61 mm   -10 mm    the same: 10 to 20 mm; turned by 90
                 the head above brain's                                           degrees about front-back: -4 mm

A head mirrored left to right is not noticed and has the same volume; one turned back to front is not noticed either,
and was measured up to 8 % too large. A skull-stripped head is refused (NOT_IN_HEAD). Children's heads were not tried.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ml.errors import Refusal
from ml.preprocessing.geometry import Geometry
from ml.preprocessing.volume import Volume

Mask = npt.NDArray[np.bool_]

HEAD_SIGNAL = 0.1  # of the brain's median: above the noise of air, below bone
INSIDE_MM = 3.0  # away from the mask's edge
SHELL_MM = (2.0, 4.0)
MIN_VARIATION = 0.10  # standard deviation over mean; white and grey matter and CSF differ by far more
MIN_SHELL_SHARE = 0.85
MIN_ABOVE_MM = 4.0  # skull and scalp together are about 10 mm
MAX_REST_CENTRE_MM = -10.0  # face, base of the skull and neck lie below the centre of the brain


@dataclass(frozen=True, slots=True)
class BrainInHead:
    """What is judged, in mm along the patient's own axes."""

    extent_xyz_mm: tuple[float, float, float]  # of the brain: left-right, front-back, top-bottom
    variation: float
    shell_share: float
    head_above_mm: float
    rest_centre_mm: float  # of the head without the brain, above the brain's centre


def check_brain(volume: Volume, mask: Mask, geometry: Geometry) -> None:
    """Refuse a mask that is not that of a brain in an upright head.

    Parameters
    ----------
    volume : float32 array, (z, y, x)
    mask : bool array, (z, y, x)
        Not empty.
    geometry : Geometry
        Of both.

    Returns
    -------
    None
        Where nothing speaks against it.

    Raises
    ------
    Refusal
        BRAIN_SHAPE, BRAIN_UNIFORM, NOT_IN_HEAD or UPSIDE_DOWN.

    Examples
    --------
    >>> grid = Geometry((24, 24, 24), (8, 8, 8), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    >>> cube = np.zeros((24, 24, 24), dtype=np.bool_)
    >>> cube[6:18, 6:18, 6:18] = True
    >>> try:
    ...     check_brain(cube.astype(np.float32), cube, grid)
    ... except Refusal as refusal:  # 96 mm along each axis
    ...     refusal.reason_code
    'BRAIN_SHAPE'
    """
    judge(brain_in_head(*_upright(volume, mask, geometry)))


def judge(found: BrainInHead) -> None:
    """The four rules, in their order.

    Parameters
    ----------
    found : BrainInHead
        Extents and distances in mm.

    Returns
    -------
    None
        Where nothing speaks against it.

    Raises
    ------
    Refusal
        As `check_brain`.

    Examples
    --------
    >>> judge(BrainInHead((135.0, 184.0, 145.0), 0.23, 1.0, 13.0, -27.0))
    >>> judge(BrainInHead((135.0, 184.0, 145.0), 0.02, 0.06, -2.0, -6.0))
    Traceback (most recent call last):
    ml.errors.Refusal: the brain found is almost uniform (its signal varies by 2.00 %; at least 10 % is plausible)
    """
    x_mm, y_mm, z_mm = found.extent_xyz_mm
    if y_mm <= max(x_mm, z_mm):
        extents = f"{x_mm:.1f} x {y_mm:.1f} x {z_mm:.1f} mm"
        raise Refusal(
            "BRAIN_SHAPE",
            f"the brain found is {extents} (left-right, front-back, top-bottom); a brain is longest from front to back",
        )
    if round(found.variation, 4) < MIN_VARIATION:
        raise Refusal(
            "BRAIN_UNIFORM",
            f"the brain found is almost uniform (its signal varies by {100 * found.variation:.2f} %; at least "
            f"{100 * MIN_VARIATION:.0f} % is plausible)",
        )
    if round(found.shell_share, 4) < MIN_SHELL_SHARE:
        raise Refusal(
            "NOT_IN_HEAD",
            f"only {100 * found.shell_share:.2f} % of what surrounds the brain found has signal; a head surrounds a "
            f"brain by at least {100 * MIN_SHELL_SHARE:.0f} %",
        )
    if round(found.head_above_mm, 2) < MIN_ABOVE_MM:
        raise Refusal(
            "UPSIDE_DOWN",
            f"the head ends {found.head_above_mm:.2f} mm above the brain found, less than {MIN_ABOVE_MM:g} mm of skull "
            "and scalp: its orientation may be stated wrongly",
        )
    if round(found.rest_centre_mm, 2) > MAX_REST_CENTRE_MM:
        raise Refusal(
            "UPSIDE_DOWN",
            f"the face and the neck do not lie below the brain found (their centre is at {found.rest_centre_mm:.2f} "
            f"mm, at most {MAX_REST_CENTRE_MM:g} mm is plausible): its orientation may be stated wrongly",
        )


def brain_in_head(
    signal: npt.NDArray[np.float32], mask: Mask, spacing_xyz_mm: tuple[float, float, float]
) -> BrainInHead:
    """Measure what is judged.

    Parameters
    ----------
    signal : float32 array, (x, y, z)
        Indices grow to the left, to the back and upwards.
    mask : bool array, (x, y, z)
        Of the brain; not empty.
    spacing_xyz_mm : (float, float, float)

    Returns
    -------
    BrainInHead
        In mm.

    Examples
    --------
    >>> cube = np.zeros((24, 24, 24), dtype=np.bool_)
    >>> cube[6:18, 6:18, 6:18] = True
    >>> found = brain_in_head(cube.astype(np.float32), cube, (8.0, 8.0, 8.0))
    >>> found.extent_xyz_mm, found.variation, found.head_above_mm
    ((96.0, 96.0, 96.0), 0.0, 0.0)
    """
    near = tuple(_around(mask, axis, spacing_xyz_mm[axis]) for axis in range(3))
    outside_mm = ndimage.distance_transform_edt(~mask[near], sampling=spacing_xyz_mm)
    inside_mm = ndimage.distance_transform_edt(mask[near], sampling=spacing_xyz_mm)
    has_signal = signal > HEAD_SIGNAL * np.median(signal[mask])
    shell = (outside_mm >= SHELL_MM[0]) & (outside_mm <= SHELL_MM[1])
    inner = signal[near][inside_mm > INSIDE_MM]
    head = _largest(ndimage.binary_opening(has_signal))
    rest = head & ~mask
    step_mm = spacing_xyz_mm[2]
    over_brain = head & mask.any(axis=2, keepdims=True)
    return BrainInHead(
        extent_xyz_mm=_triple(_extent(mask, axis) * spacing_xyz_mm[axis] for axis in range(3)),
        variation=_variation(inner),
        shell_share=float(has_signal[near][shell].mean()) if shell.any() else 0.0,
        head_above_mm=(_last(over_brain, 2) - _last(mask, 2)) * step_mm,
        rest_centre_mm=(_centre_level(rest) - _centre_level(mask)) * step_mm,
    )


def _upright(
    volume: Volume, mask: Mask, geometry: Geometry
) -> tuple[npt.NDArray[np.float32], Mask, tuple[float, float, float]]:
    """Both arrays as (x, y, z) of the patient's nearest axes, growing to the left, back and top, and their steps."""
    directions = np.array((geometry.normal, geometry.column_direction, geometry.row_direction))  # of the array's axes
    axes, free = [0, 0, 0], [0, 1, 2]
    for array_axis in sorted(range(3), key=lambda axis: -float(np.abs(directions[axis]).max())):
        world_axis = max(free, key=lambda axis: float(abs(directions[array_axis, axis])))
        free.remove(world_axis)
        axes[world_axis] = array_axis
    flips = tuple(slice(None, None, 1 if directions[axes[world], world] > 0 else -1) for world in range(3))
    steps = _triple(geometry.spacing_zyx_mm[axis] for axis in axes)
    return volume.transpose(axes)[flips], mask.transpose(axes)[flips], steps


def _around(mask: Mask, axis: int, step_mm: float) -> slice:
    margin = int(np.ceil(SHELL_MM[1] / step_mm)) + 1
    levels = np.flatnonzero(_levels(mask, axis))
    return slice(max(0, int(levels[0]) - margin), int(levels[-1]) + 1 + margin)


def _levels(mask: Mask, axis: int) -> npt.NDArray[np.integer]:
    others = tuple(other for other in range(3) if other != axis)
    count: npt.NDArray[np.integer] = np.count_nonzero(mask, axis=others)
    return count


def _extent(mask: Mask, axis: int) -> int:
    levels = np.flatnonzero(_levels(mask, axis))
    return int(levels[-1] - levels[0]) + 1


def _last(mask: Mask, axis: int) -> int:
    levels = np.flatnonzero(_levels(mask, axis))
    return int(levels[-1]) if levels.size else -1


def _centre_level(mask: Mask) -> float:
    levels = _levels(mask, 2)
    return float(np.average(np.arange(levels.size), weights=levels)) if levels.any() else 0.0


def _largest(mask: Mask) -> Mask:
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    largest: Mask = labels == np.argmax(np.bincount(labels.ravel())[1:]) + 1
    return largest


def _variation(values: npt.NDArray[np.float32]) -> float:
    mean = float(values.mean(dtype=np.float64)) if values.size else 0.0
    return float(values.std(dtype=np.float64)) / mean if mean > 0 else 0.0


def _triple(numbers: Iterable[float]) -> tuple[float, float, float]:
    x, y, z = (float(number) for number in numbers)
    return x, y, z
