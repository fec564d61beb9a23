"""A cardiac CT phantom in HU with calcium of known place and score, and the attributes of its DICOM series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ml.synthetic.calcium import ARTERIES, Calcification, Deposit, calcification_measure, centre_line, deposits_place
from ml.synthetic.chest import Chest, Heart, Plane
from ml.synthetic.dicom_writer import SyntheticSeries, acquisition_moment, decimal_string
from ml.synthetic.identity import seeded_generator

_ROWS = 512
_PIXEL_MM = 0.48828125  # a 250 mm field of view
_CENTRE_XY_MM = (6.0, -4.0)
_LEAST_HU, _LARGEST_HU = -1024, 3071  # 12 bits with an intercept of -1024
_VESSEL_RADIUS_MM = 1.8
_NOISE_CORRELATION_PIXELS = 0.6


@dataclass(frozen=True, slots=True)
class CtProtocol:
    """How a CT is acquired and rebuilt."""

    description: str
    slice_mm: float
    slice_count: int
    kvp: int = 120
    kernel: str = "Qr36"
    noise_sd_hu: float = 14.0
    contrast_agent: str | None = None
    blood_hu: float = 42.0
    body_part: str = "HEART"


CALCIUM_SCORE = CtProtocol("Calcium score", slice_mm=3.0, slice_count=44)
CORONARY_ANGIOGRAPHY = CtProtocol(
    "Coronary CTA", slice_mm=3.0, slice_count=44, contrast_agent="Synthetic iodine", blood_hu=360.0
)
# For measuring speed: as many slices as a large study has. Not a protocol for calcium.
THIN_CHEST = CtProtocol(
    "Chest thin", slice_mm=0.625, slice_count=300, kernel="Br40", noise_sd_hu=24.0, body_part="CHEST"
)


@dataclass(frozen=True, slots=True, eq=False)
class CtPhantom:
    """A volume (z, y, x) in HU, slices from the head downwards, with every calcification that is truly in it."""

    protocol: CtProtocol
    hu: npt.NDArray[np.int16]
    spacing_zyx_mm: tuple[float, float, float]
    origin_xyz_mm: tuple[float, float, float]
    deposits: tuple[Deposit, ...]  # as drawn
    calcifications: tuple[Calcification, ...]  # as a perfect reader finds them

    @property
    def agatston(self) -> float | None:
        """The true coronary score; None where the rule is not defined for the slices or the blood is bright."""
        if self.protocol.contrast_agent is not None:
            return None
        scores = [item.agatston for item in self.calcifications if item.is_coronary]
        is_defined = abs(self.protocol.slice_mm - 3.0) < 1e-6
        return sum(score for score in scores if score is not None) if is_defined else None


def ct_phantom(
    seed: int,
    *,
    protocol: CtProtocol = CALCIUM_SCORE,
    plaque_count: int = 3,
    confounder_count: int = 1,
    noise_sd_hu: float | None = None,
) -> CtPhantom:
    """Return a synthetic cardiac CT.

    Parameters
    ----------
    seed : int
        Decides anatomy, calcium and noise.
    protocol : CtProtocol
        `CALCIUM_SCORE` (44 slices of 3 mm), `CORONARY_ANGIOGRAPHY` or `THIN_CHEST` (300 slices).
    plaque_count, confounder_count : int
        Coronary plaques, and calcifications of aorta or valves that a reader must not count.
    noise_sd_hu : float, optional
        Instead of the protocol's; 0 gives the grid the truth was computed on.

    Returns
    -------
    CtPhantom
        512 x 512 voxels of 0.488 mm a slice.

    Raises
    ------
    ValueError
        If so many calcifications do not fit.

    Examples
    --------
    >>> phantom = ct_phantom(1, plaque_count=2, confounder_count=0)
    >>> phantom.hu.shape, phantom.agatston > 0, {item.is_coronary for item in phantom.calcifications}
    ((44, 512, 512), True, {True})
    """
    rng = seeded_generator("ct", seed)
    heart = Heart(size=float(rng.uniform(0.94, 1.05)))
    chest = Chest(heart, blood_hu=protocol.blood_hu + float(rng.uniform(-3, 3)), width=float(rng.uniform(0.95, 1.05)))
    deposits = deposits_place(rng, heart, plaque_count=plaque_count, confounder_count=confounder_count)
    noise_free, origin = _noise_free(chest, deposits, protocol)
    spacing = (protocol.slice_mm, _PIXEL_MM, _PIXEL_MM)
    found = (calcification_measure(noise_free, item, spacing_zyx_mm=spacing, origin_xyz_mm=origin) for item in deposits)
    # In bright blood the surroundings of a deposit are above the threshold too: no truth to be told apart.
    is_measurable = protocol.contrast_agent is None
    calcifications = tuple(item for item in found if item is not None) if is_measurable else ()
    noise_sd = protocol.noise_sd_hu if noise_sd_hu is None else noise_sd_hu
    hu = _add_noise(noise_free, noise_sd, rng) if noise_sd > 0 else noise_free
    return CtPhantom(protocol, hu, spacing, origin, deposits, calcifications)


def _noise_free(
    chest: Chest, deposits: tuple[Deposit, ...], protocol: CtProtocol
) -> tuple[npt.NDArray[np.int16], tuple[float, float, float]]:
    count, half = protocol.slice_count, (_ROWS - 1) / 2 * _PIXEL_MM
    origin = (_CENTRE_XY_MM[0] - half, _CENTRE_XY_MM[1] - half, (count - 1) / 2 * protocol.slice_mm)
    x = (origin[0] + np.arange(_ROWS, dtype=np.float32) * np.float32(_PIXEL_MM))[None, :]
    y = (origin[1] + np.arange(_ROWS, dtype=np.float32) * np.float32(_PIXEL_MM))[:, None]
    vessels = np.concatenate([centre_line(chest.heart, artery) for artery in ARTERIES])
    volume = np.empty((count, _ROWS, _ROWS), dtype=np.int16)
    for index in range(count):
        z = origin[2] - index * protocol.slice_mm
        plane = chest.slice_hu(x, y, z, _PIXEL_MM)
        _draw_vessels(plane, vessels, origin, z, chest.blood_hu)
        for deposit in deposits:
            _draw_deposit(plane, deposit, x, y, z, protocol.slice_mm)
        volume[index] = np.clip(np.rint(plane), _LEAST_HU, _LARGEST_HU)
    return volume, origin


def _draw_vessels(
    plane: Plane, points: npt.NDArray[np.float64], origin: tuple[float, float, float], z: float, blood_hu: float
) -> None:
    for point_x, point_y, point_z in points:
        square = _VESSEL_RADIUS_MM**2 - (point_z - z) ** 2
        if square <= 0:
            continue
        reach = int(np.ceil(_VESSEL_RADIUS_MM / _PIXEL_MM))
        row, column = round((point_y - origin[1]) / _PIXEL_MM), round((point_x - origin[0]) / _PIXEL_MM)
        rows = np.arange(row - reach, row + reach + 1)
        columns = np.arange(column - reach, column + reach + 1)
        dy = origin[1] + rows * _PIXEL_MM - point_y
        dx = origin[0] + columns * _PIXEL_MM - point_x
        patch = plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        patch[dy[:, None] ** 2 + dx[None, :] ** 2 <= square] = blood_hu


def _draw_deposit(plane: Plane, deposit: Deposit, x: Plane, y: Plane, z: float, slice_mm: float) -> None:
    """Add the bump averaged over the thickness of the slice: that is what a real slice shows of a small plaque."""
    centre_x, centre_y, centre_z = deposit.centre_mm
    if abs(z - centre_z) > deposit.along_mm + slice_mm:
        return
    columns = np.flatnonzero(np.abs(x[0] - centre_x) <= deposit.along_mm)
    rows = np.flatnonzero(np.abs(y[:, 0] - centre_y) <= deposit.along_mm)
    patch = plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    dx, dy = x[:, columns] - np.float32(centre_x), y[rows] - np.float32(centre_y)
    tx, ty, tz = (np.float32(value) for value in deposit.tangent)
    across2, along2 = np.float32(deposit.across_mm**2), np.float32(deposit.along_mm**2)
    levels = np.linspace(-0.4, 0.4, 5)
    for level in levels:
        dz = np.float32(z + level * slice_mm - centre_z)
        along = dx * tx + dy * ty + dz * tz
        across = dx * dx + dy * dy + dz * dz - along * along
        inside = np.maximum(0, 1 - across / across2 - along * along / along2)
        patch += np.float32(deposit.peak_hu / len(levels)) * inside * inside


def _add_noise(
    noise_free: npt.NDArray[np.int16], noise_sd_hu: float, rng: np.random.Generator
) -> npt.NDArray[np.int16]:
    noisy = np.empty_like(noise_free)
    for index, plane in enumerate(noise_free):
        white = rng.standard_normal(plane.shape, dtype=np.float32)
        noise = ndimage.gaussian_filter(white, _NOISE_CORRELATION_PIXELS, truncate=3.0)
        noise *= np.float32(noise_sd_hu) / noise.std()
        noisy[index] = np.clip(np.rint(plane + noise), _LEAST_HU, _LARGEST_HU)
    return noisy


def ct_series(phantom: CtPhantom, started_at: datetime) -> SyntheticSeries:
    """Return the DICOM series of a phantom (CT Image IOD, PS3.3 A.3).

    Parameters
    ----------
    phantom : CtPhantom
        The volume.
    started_at : datetime
        Aware start of the study; the acquisition follows two minutes later.
    """
    protocol = phantom.protocol
    acquired_at = started_at + timedelta(minutes=2)
    slice_mm, row_mm, column_mm = phantom.spacing_zyx_mm
    return SyntheticSeries(
        modality="CT",
        number=2,
        description=protocol.description,
        stored=(phantom.hu.astype(np.int32) - _LEAST_HU).astype(np.uint16),
        bits_stored=12,
        pixel_spacing_mm=(row_mm, column_mm),
        slice_thickness_mm=slice_mm,
        origin_xyz_mm=phantom.origin_xyz_mm,
        row_direction=(1.0, 0.0, 0.0),
        column_direction=(0.0, 1.0, 0.0),
        slice_step_mm=(0.0, 0.0, -slice_mm),
        attributes=_attributes(protocol, acquired_at),
    )


def _attributes(protocol: CtProtocol, acquired_at: datetime) -> dict[str, object]:
    contrast = {"ContrastBolusAgent": protocol.contrast_agent, "ContrastBolusRoute": "IV"}
    return {
        **acquisition_moment(acquired_at),
        **(contrast if protocol.contrast_agent else {}),
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "ProtocolName": protocol.description,
        "BodyPartExamined": protocol.body_part,
        "PatientPosition": "HFS",
        "ScanOptions": ["AXIAL", "ECG_GATED"] if protocol.body_part == "HEART" else "HELICAL",
        **({"CardiacSynchronizationTechnique": "PROSPECTIVE"} if protocol.body_part == "HEART" else {}),
        "AcquisitionNumber": 1,
        "KVP": protocol.kvp,
        "XRayTubeCurrent": 180,
        "ExposureTime": 250,
        "GantryDetectorTilt": 0,
        "DataCollectionDiameter": 500,
        "ReconstructionDiameter": decimal_string(_ROWS * _PIXEL_MM),
        "SpacingBetweenSlices": decimal_string(protocol.slice_mm),
        "ConvolutionKernel": protocol.kernel,
        "RescaleIntercept": _LEAST_HU,
        "RescaleSlope": 1,
        "RescaleType": "HU",
        "WindowCenter": 40,
        "WindowWidth": 400,
    }
