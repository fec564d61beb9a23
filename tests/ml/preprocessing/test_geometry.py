from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.errors import SeriesRefusal
from ml.preprocessing.geometry import Geometry, order_and_geometry

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
# A GE head: the gantry leans by 18.5 degrees, the table moves along z.
TILTED = (1.0, 0.0, 0.0, 0.0, 0.9483237, -0.3173047)


def stack(positions: list[tuple[float, float, float]], orientation=AXIAL, spacing=(0.5, 0.5)) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(
            path=Path(f"{number}.dcm"),
            image_position_patient=position,
            image_orientation_patient=orientation,
            pixel_spacing_mm=spacing,
            pixel_format=SimpleNamespace(rows=4, columns=6),
        )
        for number, position in enumerate(positions)
    ]


def along_z(places: list[float]) -> list[SimpleNamespace]:
    return stack([(-10.0, -20.0, z) for z in places])


def reason_code(instances: list[SimpleNamespace]) -> str:
    with pytest.raises(SeriesRefusal) as refused:
        order_and_geometry(instances)
    assert refused.value.sentence.endswith(".")
    return refused.value.reason_code


@given(st.permutations(range(9)), st.floats(0.3, 10), st.floats(-1000, 1000))
def test_order_of_files_does_not_matter(order: list[int], step_mm: float, start_mm: float) -> None:
    instances = along_z([start_mm + step_mm * index for index in range(9)])
    ordered, geometry = order_and_geometry([instances[index] for index in order])
    assert list(ordered) == instances
    assert geometry.shape_zyx == (9, 4, 6)
    assert geometry.spacing_zyx_mm == pytest.approx((step_mm, 0.5, 0.5))
    assert geometry.origin_xyz_mm == instances[0].image_position_patient


@given(st.floats(-np.pi, np.pi), st.floats(-1.5, 1.5), st.floats(-np.pi, np.pi))
def test_position_of_every_slice_is_reproduced_in_any_orientation(yaw: float, pitch: float, roll: float) -> None:
    cosines, sines = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    about_z = np.array([[cosines[0], -sines[0], 0], [sines[0], cosines[0], 0], [0, 0, 1]])
    about_y = np.array([[cosines[1], 0, sines[1]], [0, 1, 0], [-sines[1], 0, cosines[1]]])
    about_x = np.array([[1, 0, 0], [0, cosines[2], -sines[2]], [0, sines[2], cosines[2]]])
    row, column, normal = (about_z @ about_y @ about_x).T
    positions = [tuple(np.array([5.0, -7.0, 11.0]) + 2.5 * index * normal) for index in range(5)]
    ordered, geometry = order_and_geometry(stack(positions[::-1], (*row, *column)))
    for index, instance in enumerate(ordered):
        assert geometry.position_xyz_mm(index, 0, 0) == pytest.approx(instance.image_position_patient, abs=1e-6)
    assert geometry.position_xyz_mm(0, 0, 2) == pytest.approx(np.array(positions[0]) + row, abs=1e-6)
    assert np.linalg.det(geometry.affine_lps_mm()[:, :3]) == pytest.approx(-2.5 * 0.25)  # (z, y, x) order of columns


def test_axial_slices_ascend_from_inferior_to_superior() -> None:
    ordered, geometry = order_and_geometry(along_z([30.0, 10.0, 20.0]))
    assert [instance.image_position_patient[2] for instance in ordered] == [10.0, 20.0, 30.0]
    assert geometry.normal == (0.0, 0.0, 1.0)


def test_positions_rounded_to_a_tenth_are_regular() -> None:
    # Steps of 3.27 mm as a PET scanner stores them: 3.2 and 3.3.
    _, geometry = order_and_geometry(along_z([round(3.27 * index, 1) for index in range(267)]))
    assert geometry.spacing_zyx_mm[0] == pytest.approx(3.27, abs=0.001)


@pytest.mark.parametrize(
    ("instances", "expected"),
    [
        (along_z([0.0]), "SINGLE_SLICE"),
        (along_z([0, 3, 3, 6]), "DUPLICATE_POSITION"),
        (along_z([0, 3, 6, 12, 15]), "MISSING_SLICES"),
        (along_z([0, 3, 6, 15, 18, 24]), "MISSING_SLICES"),
        (along_z([0, 4, 8, 12, 19, 26, 33]), "IRREGULAR_SPACING"),
        (along_z([0, 2.5, 5, 7.5, 10.2, 12.9, 15.6]), "IRREGULAR_SPACING"),
        (along_z([0, 0.3, 0.6, 0.95, 1.2]), "IRREGULAR_SPACING"),
        (stack([(0, 0, 4.0 * index) for index in range(6)], TILTED), "GANTRY_TILT"),
        (stack([(0.3 * index, 0, 2.0 * index) for index in range(6)]), "GANTRY_TILT"),
        (along_z([0, 3, 6]) + stack([(-10, -20, 9)], (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)), "MIXED_ORIENTATION"),
        (along_z([0, 3, 6]) + stack([(-10, -20, 9)], spacing=(0.6, 0.6)), "MIXED_PIXEL_SPACING"),
        (along_z([0, 3, 6]) + stack([None]), "MISSING_POSITION"),
        (along_z([0, 3, 6]) + stack([(0, 0, 9)], None), "MISSING_ORIENTATION"),
        (along_z([0, 3, 6]) + stack([(0, 0, 9)], spacing=None), "MISSING_PIXEL_SPACING"),
        (stack([(0, 0, 0), (0, 0, 3)], (1.0, 0, 0, 1.0, 0, 0)), "BAD_ORIENTATION"),
        (stack([(0, 0, 0), (0, 0, 3)], (2.0, 0, 0, 0, 1.0, 0)), "BAD_ORIENTATION"),
        (stack([(0, 0, 0), (0, 0, 3)], (0.0,) * 6), "BAD_ORIENTATION"),
        (stack([(0, 0, 0), (0, 0, 3)], spacing=(0.0, 0.5)), "BAD_PIXEL_SPACING"),
    ],
)
def test_stack_that_is_no_regular_volume_is_refused_by_name(instances: list[SimpleNamespace], expected: str) -> None:
    assert reason_code(instances) == expected
    assert reason_code(instances[::-1]) == expected


def test_tilt_is_named_in_degrees() -> None:
    with pytest.raises(SeriesRefusal, match=r"18\.5 degrees .* 3\.79 to 3\.79 mm"):
        order_and_geometry(stack([(0, 0, 4.0 * index) for index in range(6)], TILTED))


def test_missing_slices_are_counted() -> None:
    with pytest.raises(SeriesRefusal, match=r"3 slice\(s\) are missing at a step of 3 mm"):
        order_and_geometry(along_z([0, 3, 6, 9, 15, 18, 27]))


def test_affine_has_the_steps_of_the_grid() -> None:
    geometry = Geometry((2, 3, 4), (3.0, 0.5, 0.25), (1.0, 2.0, 3.0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    np.testing.assert_allclose(geometry.affine_lps_mm() @ (1, 1, 1, 1), (1.25, 2.5, 6.0))
