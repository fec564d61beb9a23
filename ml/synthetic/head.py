"""A whole head around the MNI152 brain: nilearn's template is skull-stripped, so skull, scalp and face are built.

The brain is the ICBM 152 nonlinear symmetric 2009a T1 average (Fonov et al., NeuroImage 2009;47:S102,
doi:10.1016/S1053-8119(09)70884-5), read from nilearn's wheel without any download. Everything outside it is invented
geometry: layers by distance from the brain, a face and a neck from ellipsoids. It exists so that a brain extraction
has something to extract from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ml.errors import Refusal

Volume = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_PADDING_VOXELS = ((12, 12), (14, 32), (84, 26))  # (x, y, z) around the template: scalp, nose, neck
# (upper distance from the brain in mm, T1-weighted signal relative to white matter of about 0.8)
_LAYERS = ((1.5, 0.10), (3.5, 0.04), (5.5, 0.45), (7.0, 0.04), (10.5, 0.95), (12.5, 0.55))
_HEAD_MARGIN_MM = _LAYERS[-1][0]
_FAT_MM, _SKIN_MM = 5.0, 1.5
_MUSCLE, _FAT, _SKIN, _AIR = 0.50, 0.92, 0.55, 0.0


class TemplateMissingError(Refusal):
    """The MNI152 template is not installed, so no synthetic head can be made."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadTemplate:
    """A head on a 1 mm grid in RAS+ (x, y, z); `origin_ras_mm` is the centre of voxel (0, 0, 0)."""

    signal: Volume
    intracranial: Volume  # 1 inside, 0 outside; float so that it can be interpolated
    origin_ras_mm: tuple[float, float, float]

    @property
    def intracranial_volume_ml(self) -> float:
        return float(self.intracranial.sum()) / 1000.0


@lru_cache(maxsize=1)
def head_template() -> HeadTemplate:
    """Return the unwarped head, built once per process (about 5 s, 160 MB).

    Returns
    -------
    HeadTemplate
        `signal` and `intracranial` (x, y, z), 1 mm, RAS+.

    Raises
    ------
    TemplateMissingError
        If nilearn (the `demo` extra) is not installed.

    Examples
    --------
    >>> 1800 < head_template().intracranial_volume_ml < 1950  # the MNI152 average is larger than most heads
    True
    """
    brain, origin = _brain()
    background, _ = ndimage.label(brain <= 0)
    inside: Mask = np.pad(background != background[0, 0, 0], _PADDING_VOXELS)  # dark voxels within the brain are inside
    padded = np.pad(brain, _PADDING_VOXELS)
    origin_ras_mm = (origin[0] - 12.0, origin[1] - 14.0, origin[2] - 84.0)
    signal = _head_around(padded, inside, origin_ras_mm)
    return HeadTemplate(signal, inside.astype(np.float32), origin_ras_mm)


def _brain() -> tuple[Volume, tuple[float, float, float]]:
    try:
        from nilearn.datasets import load_mni152_template
    except ImportError as error:
        sentence = "Synthetic MR heads need the MNI152 template inside nilearn: pip install 'cdss[demo]'."
        raise TemplateMissingError("TEMPLATE_MISSING", sentence) from error
    image = load_mni152_template(resolution=1)
    x, y, z = (float(value) for value in image.affine[:3, 3])
    return image.get_fdata(dtype=np.float32), (x, y, z)


def _head_around(brain: Volume, inside: Mask, origin_ras_mm: tuple[float, float, float]) -> Volume:
    x, y, z = _axes(inside.shape, origin_ras_mm)
    distance_mm = _distance_mm(~inside)
    head = (distance_mm <= _HEAD_MARGIN_MM) | _face_and_neck(x, y, z)
    depth_mm = _distance_mm(head)
    signal = np.where(depth_mm < _FAT_MM, np.float32(_FAT), np.float32(_MUSCLE))
    signal[depth_mm < _SKIN_MM] = _SKIN
    _paint_face(signal, x, y, z)
    low_mm = 0.0
    for high_mm, value in _LAYERS:
        # The outer layers belong to the vault; below the skull base they are face and neck.
        in_layer = (distance_mm > low_mm) & (distance_mm <= high_mm)
        signal[in_layer & ((z > -25.0) | (high_mm <= 5.5))] = value
        low_mm = high_mm
    signal[~head] = _AIR
    signal[inside] = brain[inside]
    smooth: Volume = ndimage.gaussian_filter(signal, 0.6)
    smooth[inside] = brain[inside]
    return smooth


def _axes(shape: tuple[int, ...], origin_ras_mm: tuple[float, float, float]) -> tuple[Volume, Volume, Volume]:
    x, y, z = (
        (np.arange(count, dtype=np.float32) + np.float32(start)).reshape([-1 if axis == i else 1 for i in range(3)])
        for axis, (count, start) in enumerate(zip(shape, origin_ras_mm, strict=True))
    )
    return x, y, z


def _distance_mm(inside: Mask) -> Volume:
    """Distance of every True voxel to the nearest False one, on every second voxel and linear in between."""
    fine: Volume = ndimage.distance_transform_edt(inside[::2, ::2, ::2], sampling=2.0).astype(np.float32)
    for axis, count in enumerate(inside.shape):
        fine = _doubled(fine, axis, count)
    return np.where(inside, fine, np.float32(0.0))


def _doubled(coarse: Volume, axis: int, count: int) -> Volume:
    """Linear interpolation from every second sample to `count` samples along one axis."""
    values = np.moveaxis(coarse, axis, 0)
    fine = np.repeat(values, 2, axis=0)
    fine[1:-1:2] = (values[:-1] + values[1:]) * np.float32(0.5)
    return np.moveaxis(fine[:count], 0, axis)


def _ellipsoid(
    x: Volume, y: Volume, z: Volume, centre: tuple[float, float, float], semi_axes: tuple[float, float, float]
) -> Mask:
    a, b, c = semi_axes
    inside: Mask = ((x - centre[0]) / a) ** 2 + ((y - centre[1]) / b) ** 2 + ((z - centre[2]) / c) ** 2 <= 1.0
    return inside


def _face_and_neck(x: Volume, y: Volume, z: Volume) -> Mask:
    face = _ellipsoid(x, y, z, (0, 38, -62), (62, 52, 68))
    nose = _ellipsoid(x, y, z, (0, 88, -52), (14, 16, 20))
    neck = ((x / 58.0) ** 2 + ((y + 32.0) / 60.0) ** 2 <= 1.0) & (z < -45.0)
    union: Mask = face | nose | neck
    return union


def _paint_face(signal: Volume, x: Volume, y: Volume, z: Volume) -> None:
    vertebrae = (x / 13.0) ** 2 + ((y + 22.0) / 12.0) ** 2 <= 1.0
    canal = (x / 8.0) ** 2 + ((y + 42.0) / 8.0) ** 2 <= 1.0
    cord = (x / 5.0) ** 2 + ((y + 42.0) / 4.5) ** 2 <= 1.0
    for region, value in ((vertebrae, 0.55), (canal, 0.10), (cord, 0.65)):
        signal[region & (z < -72.0)] = value
    for side in (-1.0, 1.0):
        signal[_ellipsoid(x, y, z, (32 * side, 64, -32), (17, 20, 15))] = _FAT  # orbit
        signal[_ellipsoid(x, y, z, (32 * side, 70, -32), (12, 12, 12))] = 0.15  # globe
        signal[_ellipsoid(x, y, z, (32 * side, 52, -62), (12, 15, 14))] = _AIR  # maxillary sinus
    signal[_ellipsoid(x, y, z, (0, 62, -56), (10, 26, 16))] = _AIR  # nasal cavity
    signal[((x / 11.0) ** 2 + ((y - 12.0) / 7.0) ** 2 <= 1.0) & (z < -62.0)] = _AIR  # airway
