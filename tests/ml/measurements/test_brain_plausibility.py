"""Is what was found a brain in an upright head? A synthetic head with its true mask, turned, halved and stripped.

Not covered here: what the network makes of such heads. Real heads, as they are and upside down, are in tests/real; a
phantom through the network is in test_brain_volumes.py.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.errors import Refusal
from ml.measurements.brain_plausibility import BrainInHead, check_brain, judge
from ml.preprocessing.geometry import Geometry
from ml.synthetic.mr import head_phantom

REAL = BrainInHead((135.0, 184.0, 145.0), 0.23, 1.0, 13.0, -27.0)
LEFT, BACK, UP = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
RIGHT, FRONT, DOWN = (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)

Head = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def head() -> Head:
    """Signal and true mask as (z, y, x), growing upwards, to the back and to the left."""
    pytest.importorskip("nilearn", reason="the `demo` extra is not installed")
    phantom = head_phantom(1, intracranial_volume_ml=1300)
    signal, mask = (array.transpose(0, 2, 1)[:, :, ::-1].T for array in (phantom.signal, phantom.intracranial))
    return signal.astype(np.float32), mask


def grid(
    shape: tuple[int, ...], normal: tuple[float, ...], column: tuple[float, ...], row: tuple[float, ...]
) -> Geometry:
    return Geometry(shape, (1.0, 1.0, 1.2), (0.0, 0.0, 0.0), row, column, normal)  # type: ignore[arg-type]


def refusal_code(head: Head, normal: tuple[float, ...] = UP, column: tuple = BACK, row: tuple = LEFT) -> str | None:
    try:
        check_brain(*head, grid(head[0].shape, normal, column, row))
    except Refusal as refusal:
        return refusal.reason_code
    return None


def test_upright_head_passes_however_it_is_stored(head: Head) -> None:
    assert refusal_code(head) is None
    signal, mask = head
    assert refusal_code((signal[::-1], mask[::-1]), normal=DOWN) is None
    sagittal = signal.transpose(2, 0, 1)[:, ::-1], mask.transpose(2, 0, 1)[:, ::-1]
    check_brain(*sagittal, Geometry(sagittal[0].shape, (1.2, 1.0, 1.0), (0, 0, 0), BACK, DOWN, LEFT))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("normal", "column", "row", "expected"),
    [
        (DOWN, BACK, RIGHT, "UPSIDE_DOWN"),  # 180 degrees about front-back
        (DOWN, FRONT, LEFT, "UPSIDE_DOWN"),  # 180 degrees about left-right
        (DOWN, BACK, LEFT, "UPSIDE_DOWN"),  # mirrored top to bottom
        (BACK, DOWN, LEFT, "BRAIN_SHAPE"),  # 90 degrees about left-right, both ways
        (FRONT, UP, LEFT, "BRAIN_SHAPE"),
        (UP, LEFT, FRONT, "BRAIN_SHAPE"),  # 90 degrees about top-bottom
    ],
)
def test_head_that_stands_otherwise_than_stated_is_refused(
    head: Head, normal: tuple, column: tuple, row: tuple, expected: str
) -> None:
    assert refusal_code(head, normal, column, row) == expected


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("part", [0, 1])
def test_half_a_head_is_refused(head: Head, axis: int, part: int) -> None:
    signal, mask = head[0].copy(), head[1]
    middle = int(np.argwhere(mask).mean(axis=0)[axis])
    np.moveaxis(signal, axis, 0)[slice(None, middle) if part else slice(middle, None)] = 0
    assert refusal_code((signal, mask)) == "NOT_IN_HEAD"


def test_stripped_head_is_refused(head: Head) -> None:
    assert refusal_code((head[0] * head[1], head[1])) == "NOT_IN_HEAD"


def test_uniform_ellipsoid_is_refused() -> None:
    z, y, x = np.mgrid[-90:90, -110:110, -90:90]
    mask = (x / 68) ** 2 + (y / 90) ** 2 + (z / 70) ** 2 < 1
    noise = np.random.default_rng(0).normal(0, 20, mask.shape)
    assert refusal_code((np.abs(800 * mask + noise).astype(np.float32), mask)) == "BRAIN_UNIFORM"


@pytest.mark.parametrize(
    ("change", "reason_code", "words"),
    [
        ({"extent_xyz_mm": (134.0, 139.0, 185.0)}, "BRAIN_SHAPE", "134.0 x 139.0 x 185.0 mm"),
        ({"variation": 0.0999}, "BRAIN_UNIFORM", "varies by 9.99 %"),
        ({"shell_share": 0.75}, "NOT_IN_HEAD", "75.00 %"),
        ({"head_above_mm": -3.0}, "UPSIDE_DOWN", "the head ends -3.00 mm above"),
        ({"head_above_mm": 3.99}, "UPSIDE_DOWN", "less than 4 mm"),
        ({"rest_centre_mm": 14.0}, "UPSIDE_DOWN", "face and the neck do not lie below"),
    ],
)
def test_each_rule_refuses_by_itself_and_names_value_and_limit(
    change: dict[str, object], reason_code: str, words: str
) -> None:
    with pytest.raises(Refusal, match=words) as refused:
        judge(replace(REAL, **change))  # type: ignore[arg-type]
    assert refused.value.reason_code == reason_code
