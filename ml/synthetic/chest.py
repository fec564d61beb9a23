"""The anatomy of a chest around the heart in HU, one axial slice at a time, from ellipses; coordinates are LPS in mm.

Only products, sums and square roots are used for voxels, so that the same seed gives the same bits everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Plane = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]

AIR_HU, LUNG_HU, FAT_HU, MUSCLE_HU = -1000.0, -850.0, -95.0, 50.0
MYOCARDIUM_HU, LIVER_HU, SPLEEN_HU, OESOPHAGUS_HU = 52.0, 58.0, 50.0, 35.0
CORTEX_HU, MARROW_HU, DISC_HU, CANAL_HU = 420.0, 170.0, 85.0, 25.0
_EDGE_BLUR_MM = 0.5

ASCENDING_AORTA_MM = (-4.0, -12.0, 15.0)  # x, y, radius
DESCENDING_AORTA_MM = (28.0, 40.0, 12.5)
AORTIC_ROOT_Z_MM = 12.0
_SUPERIOR_VENA_CAVA_MM = (-34.0, -5.0, 9.0)
_PULMONARY_TRUNK_MM, _PULMONARY_VALVE_Z_MM = (20.0, -30.0, 12.0), 28.0


@dataclass(frozen=True, slots=True, eq=False)
class Heart:
    """The heart as nested ellipsoids about one long axis; `size` scales all of it.

    `long_axis` points from base to apex: left, forwards, down. `anterior` and `left` complete the frame.
    """

    size: float = 1.0
    centre_mm: tuple[float, float, float] = (12.0, -18.0, 0.0)

    @property
    def frame(self) -> tuple[Vector, Vector, Vector]:
        long_axis = _unit(np.array([0.55, -0.55, -0.63]))
        forwards = np.array([0.0, -1.0, 0.0])
        anterior = _unit(forwards - (forwards @ long_axis) * long_axis)
        left = np.cross(anterior, long_axis)
        return anterior, left if left[0] > 0 else -left, long_axis

    def surface_point(self, polar_deg: float, azimuth_deg: float, depth: float = 1.07) -> Vector:
        """A point in LPS mm: `polar_deg` from the apex, `azimuth_deg` from anterior towards left.

        `depth` 1 is the outside of the muscle, 1.07 runs in the epicardial fat where the arteries are.
        """
        anterior, left, long_axis = self.frame
        polar, azimuth = np.radians(polar_deg), np.radians(azimuth_deg)
        across = 38.0 * np.sin(polar) * (np.cos(azimuth) * anterior + np.sin(azimuth) * left)
        along = 54.0 * np.cos(polar) * long_axis
        point: Vector = np.asarray(self.centre_mm) + depth * self.size * (across + along)
        return point


def _unit(vector: Vector) -> Vector:
    unit: Vector = vector / np.linalg.norm(vector)
    return unit


@dataclass(frozen=True, slots=True, eq=False)
class Chest:
    """Everything but vessels and calcium. `blood_hu` is about 42 without contrast medium."""

    heart: Heart
    blood_hu: float
    width: float = 1.0  # scales the rib cage, not the heart

    def slice_hu(self, x_mm: Plane, y_mm: Plane, z_mm: float, pixel_mm: float) -> Plane:
        """Return one slice (y, x) in HU, noise-free; `x_mm` is (1, X), `y_mm` (Y, 1)."""
        hu = np.full((y_mm.shape[0], x_mm.shape[1]), AIR_HU, dtype=np.float32)
        cavity = self._wall(hu, x_mm, y_mm, z_mm)
        self._abdomen(hu, cavity, x_mm, y_mm, z_mm)
        self._mediastinum(hu, x_mm, y_mm, z_mm)
        self._bones(hu, x_mm, y_mm, z_mm)
        self._heart(hu, x_mm, y_mm, z_mm)
        blurred: Plane = ndimage.gaussian_filter(hu, _EDGE_BLUR_MM / pixel_mm, truncate=3.0)
        return blurred

    def _wall(self, hu: Plane, x: Plane, y: Plane, z: float) -> npt.NDArray[np.bool_]:
        w = self.width
        hu[_ellipse(x, y, 0, 0, 166 * w, 114 * w)] = FAT_HU
        hu[_ellipse(x, y, 0, 0, 152 * w, 102 * w)] = MUSCLE_HU
        chest_wall = _ellipse(x, y, 0, 0, 147 * w, 97 * w)
        cavity = _ellipse(x, y, 0, 0, 139 * w, 89 * w)
        hu[cavity] = LUNG_HU
        # Ribs run downwards to the front: a pattern in z that shifts with y, in the ring around the lungs.
        is_rib_level = np.mod(np.float32(z) - np.float32(0.4) * y, np.float32(26.0)) < 8.0
        hu[chest_wall & ~cavity & is_rib_level] = CORTEX_HU
        return cavity

    def _abdomen(self, hu: Plane, cavity: npt.NDArray[np.bool_], x: Plane, y: Plane, z: float) -> None:
        for value, centre, semi_axes in (
            (LIVER_HU, (-62.0, 0.0, -98.0), (80.0, 82.0, 66.0)),
            (SPLEEN_HU, (72.0, 22.0, -112.0), (62.0, 62.0, 66.0)),
        ):
            section = _section(z, centre[2], semi_axes[2])
            if section > 0:
                organ = _ellipse(x, y, centre[0], centre[1], semi_axes[0] * section, semi_axes[1] * section)
                hu[organ & cavity] = value

    def _mediastinum(self, hu: Plane, x: Plane, y: Plane, z: float) -> None:
        half_width = 48.0 if z > 25 else 36.0
        hu[_ellipse(x, y, 0, 0, half_width, 84 * self.width)] = FAT_HU
        hu[_ellipse(x, y, 4, 37, 8, 6)] = OESOPHAGUS_HU

    def _great_vessels(self, hu: Plane, x: Plane, y: Plane, z: float) -> None:
        vessels = [DESCENDING_AORTA_MM]
        if z > AORTIC_ROOT_Z_MM:
            vessels += [ASCENDING_AORTA_MM, _SUPERIOR_VENA_CAVA_MM]
        if z > _PULMONARY_VALVE_Z_MM:
            vessels += [_PULMONARY_TRUNK_MM]
        for centre_x, centre_y, radius in vessels:
            hu[_ellipse(x, y, centre_x, centre_y, radius, radius)] = self.blood_hu

    def _bones(self, hu: Plane, x: Plane, y: Plane, z: float) -> None:
        front = -93.0 * self.width
        hu[_ellipse(x, y, 0, front, 19, 6.5)] = CORTEX_HU
        hu[_ellipse(x, y, 0, front, 17, 4.5)] = MARROW_HU
        is_disc = z % 30.0 < 6.0
        hu[_ellipse(x, y, 0, 64, 20, 16)] = DISC_HU if is_disc else CORTEX_HU
        if not is_disc:
            hu[_ellipse(x, y, 0, 64, 18.5, 14.5)] = MARROW_HU
        hu[_ellipse(x, y, 0, 88, 13, 11)] = CORTEX_HU
        hu[_ellipse(x, y, 0, 87, 9.5, 8)] = CANAL_HU
        hu[_ellipse(x, y, 0, 104, 4, 9)] = CORTEX_HU

    def _heart(self, hu: Plane, x: Plane, y: Plane, z: float) -> None:
        anterior, left, long_axis = self.heart.frame
        size = self.heart.size
        centre_x, centre_y, centre_z = self.heart.centre_mm
        offset = (x - centre_x, y - centre_y, z - centre_z)
        u, v, w = (_along(axis, offset) / np.float32(size) for axis in (anterior, left, long_axis))
        for value, (cu, cv, cw), (a, b, c) in (
            (FAT_HU, (0, 0, 0), (46, 46, 63)),
            (MYOCARDIUM_HU, (0, 0, 0), (38, 38, 54)),
            (self.blood_hu, (-6, 12, 12), (17, 16, 34)),  # left ventricle
            (self.blood_hu, (12, -16, 8), (15, 14, 34)),  # right ventricle
            (self.blood_hu, (-8, 8, -36), (20, 20, 14)),  # left atrium
            (self.blood_hu, (4, -18, -32), (17, 16, 15)),  # right atrium
        ):
            hu[((u - cu) / a) ** 2 + ((v - cv) / b) ** 2 + ((w - cw) / c) ** 2 <= 1.0] = value
            if value == FAT_HU:  # the great vessels leave the muscle inside the pericardium
                self._great_vessels(hu, x, y, z)


def _ellipse(x: Plane, y: Plane, centre_x: float, centre_y: float, a: float, b: float) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = ((x - centre_x) / a) ** 2 + ((y - centre_y) / b) ** 2 <= 1.0
    return inside


def _along(axis: Vector, offset: tuple[Plane, Plane, float]) -> Plane:
    x, y, z = (np.float32(value) for value in axis)
    along: Plane = x * offset[0] + y * offset[1] + z * np.float32(offset[2])
    return along


def _section(z: float, centre_z: float, semi_axis: float) -> float:
    """Share of an ellipsoid's width left at height `z`."""
    square = 1.0 - ((z - centre_z) / semi_axis) ** 2
    return float(np.sqrt(square)) if square > 0 else 0.0
