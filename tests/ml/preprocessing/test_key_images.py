from __future__ import annotations

import numpy as np
import pytest

from ml.preprocessing.geometry import Geometry
from ml.preprocessing.key_images import OUTLINE_RGB, display_oriented, edges, mid_slice, outlined_crop

X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def minus(vector: tuple[float, ...]) -> tuple[float, float, float]:
    x, y, z = vector
    return -x, -y, -z


def grid(row: tuple[float, ...], column: tuple[float, ...], shape=(1, 2, 3)) -> Geometry:
    normal = tuple(float(value) for value in np.cross(row, column))
    return Geometry(shape, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), row, column, normal)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "column", "expected", "letters"),
    [
        (X, Y, [[1, 2, 3], [4, 5, 6]], "left edge R, top edge A"),
        (minus(X), Y, [[3, 2, 1], [6, 5, 4]], "left edge R, top edge A"),
        (minus(X), minus(Y), [[6, 5, 4], [3, 2, 1]], "left edge R, top edge A"),
        (Y, X, [[1, 4], [2, 5], [3, 6]], "left edge R, top edge A"),
        (X, minus(Z), [[1, 2, 3], [4, 5, 6]], "left edge R, top edge S"),
        (X, Z, [[4, 5, 6], [1, 2, 3]], "left edge R, top edge S"),
        (Y, minus(Z), [[1, 2, 3], [4, 5, 6]], "left edge A, top edge S"),
        (Z, minus(Y), [[6, 3], [5, 2], [4, 1]], "left edge A, top edge S"),
    ],
)
def test_slice_is_shown_as_radiology_reads_it(row, column, expected: list[list[int]], letters: str) -> None:
    geometry = grid(row, column)
    assert display_oriented(np.array([[1, 2, 3], [4, 5, 6]]), geometry).tolist() == expected
    assert edges(geometry) == letters


def test_mid_slice_is_windowed_and_named() -> None:
    volume = np.stack([np.full((2, 3), value, dtype=np.float32) for value in (-1000, 40, 3000)])
    volume[1, 0] = (-160, 40, 240)
    image = mid_slice(volume, grid(X, Y, volume.shape), ("a", "b", "c"), (40.0, 400.0), "HU")
    assert (image.slice_index, image.sop_instance_uid) == (1, "b")
    assert image.pixels.dtype == np.uint8
    assert image.pixels[0].tolist() == [0, 127, 255]
    assert image.caption == "Slice 2 of 3, window 40 / 400 HU, left edge R, top edge A"


def test_outline_surrounds_the_mask_in_the_middle_of_a_square_at_the_corner_of_a_slice() -> None:
    plane = np.zeros((40, 40), dtype=np.float32)
    mask = np.zeros((40, 40), dtype=np.bool_)
    mask[0, 39] = True
    plane[mask] = 130
    pixels = outlined_crop(plane, mask, (0, 39), grid(X, Y, (1, 40, 40)))
    red = (pixels == OUTLINE_RGB).all(axis=-1)
    assert red.sum() == 8
    assert pixels.shape == (202, 202, 3)
    middle = slice(100, 102)
    assert not red[middle, middle].any()
    assert pixels[middle, middle].ravel().tolist() == [127] * 12
