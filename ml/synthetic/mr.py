"""A T1-weighted head of a known intracranial volume: the head template, scaled, bent, shaded and made noisy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ml.synthetic.dicom_writer import SyntheticSeries, acquisition_moment, decimal_string
from ml.synthetic.head import HeadTemplate, Volume, head_template
from ml.synthetic.identity import seeded_generator

_SHAPE_ZYX = (144, 256, 240)  # sagittal slices right to left, rows downwards, columns backwards
_SPACING_ZYX_MM = (1.2, 1.0, 1.0)
_WHITE_MATTER_SIGNAL = 900.0
_LARGEST_STORED = 4095


@dataclass(frozen=True, slots=True, eq=False)
class HeadPhantom:
    """A sagittal T1 volume (slice, row, column) with the volume inside the skull that a reader should find.

    Slices run along +x (right to left), rows along -z (downwards), columns along +y (backwards), in LPS.
    """

    signal: npt.NDArray[np.uint16]
    spacing_zyx_mm: tuple[float, float, float]
    origin_xyz_mm: tuple[float, float, float]
    intracranial: npt.NDArray[np.bool_]
    intracranial_volume_ml: float


def head_phantom(seed: int, *, intracranial_volume_ml: float = 1450.0, noise_sd: float = 14.0) -> HeadPhantom:
    """Return a synthetic T1 head.

    Parameters
    ----------
    seed : int
        Decides pose, shape, shading and noise.
    intracranial_volume_ml : float
        Head size asked for, in mL; the shape change alters it by a few per cent, see the returned truth.
    noise_sd : float
        Standard deviation of each of the two channels of Rician noise, where white matter is about 750.

    Returns
    -------
    HeadPhantom
        144 x 256 x 240 voxels of 1.2 x 1 x 1 mm, values 0 to 4095.

    Raises
    ------
    ml.synthetic.head.TemplateMissingError
        If the `demo` extra is not installed.
    ValueError
        If the volume asked for is not that of a human head (900 to 2100 mL).

    Examples
    --------
    >>> phantom = head_phantom(1, intracranial_volume_ml=1400)
    >>> phantom.signal.shape, 1300 < phantom.intracranial_volume_ml < 1500
    ((144, 256, 240), True)
    """
    if not 900.0 <= intracranial_volume_ml <= 2100.0:
        raise ValueError(f"An intracranial volume of {intracranial_volume_ml} mL is not that of a human head.")
    template = head_template()
    rng = seeded_generator("head", seed)
    scale = (intracranial_volume_ml / template.intracranial_volume_ml) ** (1.0 / 3.0)
    warp = _Warp(rng, scale)
    shading = _Polynomial(rng, amplitude=0.12)
    z_count, rows, columns = _SHAPE_ZYX
    origin = (-(z_count - 1) / 2 * _SPACING_ZYX_MM[0], -112.0, 104.0)
    y_lps = origin[1] + np.arange(columns, dtype=np.float32)[None, :]
    z_lps = origin[2] - np.arange(rows, dtype=np.float32)[:, None]
    signal = np.empty(_SHAPE_ZYX, dtype=np.uint16)
    inside = np.empty(_SHAPE_ZYX, dtype=np.bool_)
    for index in range(z_count):
        x_lps = np.float32(origin[0] + index * _SPACING_ZYX_MM[0])
        ras = warp.template_ras_mm(-x_lps, -y_lps, z_lps)
        clean, mask = _sample(template, ras)
        clean *= np.float32(_WHITE_MATTER_SIGNAL) * (1.0 + shading.at(x_lps, y_lps, z_lps))
        signal[index] = _rician(clean, noise_sd, rng)
        inside[index] = mask
    voxel_ml = float(np.prod(_SPACING_ZYX_MM)) / 1000.0
    return HeadPhantom(signal, _SPACING_ZYX_MM, origin, inside, float(inside.sum()) * voxel_ml)


class _Polynomial:
    """A random smooth field: every monomial of degree 1 to 3 in coordinates scaled to about -1..1."""

    def __init__(self, rng: np.random.Generator, *, amplitude: float, lowest_degree: int = 1) -> None:
        self._terms = [
            (i, j, k, np.float32(rng.normal(0.0, amplitude / (i + j + k))))
            for i in range(4)
            for j in range(4)
            for k in range(4)
            if lowest_degree <= i + j + k <= 3
        ]

    def at(self, x_mm: npt.ArrayLike, y_mm: Volume, z_mm: Volume) -> Volume:
        # Repeated products, not powers: they give the same bits on every processor.
        x, y, z = (np.asarray(value, dtype=np.float32) / np.float32(100.0) for value in (x_mm, y_mm, z_mm))
        powers = [[np.ones_like(v), v, v * v, v * v * v] for v in (x, y, z)]
        field = np.zeros(np.broadcast_shapes(y.shape, z.shape), dtype=np.float32)
        for i, j, k, weight in self._terms:
            field += weight * powers[0][i] * powers[1][j] * powers[2][k]
        return field


class _Warp:
    """Head size, pose and shape: from patient coordinates back to the template's."""

    def __init__(self, rng: np.random.Generator, scale: float) -> None:
        yaw, roll, pitch = np.radians(rng.normal(0.0, 3.0, 3))
        self._rotation = _rotation(float(pitch), float(roll), float(yaw)).astype(np.float32)
        self._scale = np.float32(scale)
        self._bend = [_Polynomial(rng, amplitude=2.5, lowest_degree=2) for _ in range(3)]

    def template_ras_mm(self, x: np.float32, y: Volume, z: Volume) -> tuple[Volume, Volume, Volume]:
        bend_x, bend_y, bend_z = (field.at(x, y, z) for field in self._bend)
        bent_x, bent_y, bent_z = bend_x + x, bend_y + y, bend_z + z
        first, second, third = (
            (row[0] * bent_x + row[1] * bent_y + row[2] * bent_z) / self._scale for row in self._rotation
        )
        return first, second, third


def _rotation(pitch: float, roll: float, yaw: float) -> npt.NDArray[np.float64]:
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_y = np.array([[np.cos(roll), 0, np.sin(roll)], [0, 1, 0], [-np.sin(roll), 0, np.cos(roll)]])
    about_z = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    rotation: npt.NDArray[np.float64] = about_z @ about_y @ about_x
    return rotation


def _sample(template: HeadTemplate, ras: tuple[Volume, Volume, Volume]) -> tuple[Volume, npt.NDArray[np.bool_]]:
    indices = np.stack([value - start for value, start in zip(ras, template.origin_ras_mm, strict=True)])
    # The neck leaves the template at the bottom: repeat its last slice, as a real neck goes on.
    signal: Volume = ndimage.map_coordinates(template.signal, indices, order=1, mode="nearest")
    inside = ndimage.map_coordinates(template.intracranial, indices, order=1, mode="constant") > 0.5
    return signal, inside


def _rician(clean: Volume, noise_sd: float, rng: np.random.Generator) -> npt.NDArray[np.uint16]:
    real = clean + np.float32(noise_sd) * rng.standard_normal(clean.shape, dtype=np.float32)
    imaginary = np.float32(noise_sd) * rng.standard_normal(clean.shape, dtype=np.float32)
    magnitude = np.sqrt(real * real + imaginary * imaginary)
    stored: npt.NDArray[np.uint16] = np.clip(np.rint(magnitude), 0, _LARGEST_STORED).astype(np.uint16)
    return stored


def mr_series(phantom: HeadPhantom, started_at: datetime) -> SyntheticSeries:
    """Return the DICOM series of a head (MR Image IOD, PS3.3 A.4), tagged as a T1-weighted MPRAGE.

    Parameters
    ----------
    phantom : HeadPhantom
        The volume.
    started_at : datetime
        Aware start of the study; the acquisition follows four minutes later.
    """
    acquired_at = started_at + timedelta(minutes=4)
    slice_mm, row_mm, column_mm = phantom.spacing_zyx_mm
    return SyntheticSeries(
        modality="MR",
        number=3,
        description="T1 MPRAGE",
        stored=phantom.signal,
        bits_stored=12,
        pixel_spacing_mm=(row_mm, column_mm),
        slice_thickness_mm=slice_mm,
        origin_xyz_mm=phantom.origin_xyz_mm,
        row_direction=(0.0, 1.0, 0.0),
        column_direction=(0.0, 0.0, -1.0),
        slice_step_mm=(slice_mm, 0.0, 0.0),
        attributes={**acquisition_moment(acquired_at), **_MPRAGE},
    )


_MPRAGE: dict[str, object] = {
    "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
    "ProtocolName": "T1 MPRAGE",
    "BodyPartExamined": "HEAD",
    "PatientPosition": "HFS",
    "ScanningSequence": ["GR", "IR"],
    "SequenceVariant": ["SK", "SP", "MP"],
    "ScanOptions": "",
    "SequenceName": "*tfl3d1",
    "MRAcquisitionType": "3D",
    "AngioFlag": "N",
    "AcquisitionNumber": 1,
    "RepetitionTime": 2000,
    "EchoTime": 3,
    "InversionTime": 900,
    "FlipAngle": 9,
    "NumberOfAverages": 1,
    "ImagedNucleus": "1H",
    "ImagingFrequency": "123.2",
    "MagneticFieldStrength": 3,
    "SpacingBetweenSlices": decimal_string(_SPACING_ZYX_MM[0]),
    "EchoNumbers": 1,
    "EchoTrainLength": 1,
    "WindowCenter": 450,
    "WindowWidth": 900,
}
