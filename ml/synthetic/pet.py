"""An FDG PET phantom in Bq/mL whose organs have a known SUVbw, and the attributes of its DICOM series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from scipy import ndimage

from ml.synthetic.dicom_writer import (
    SyntheticSeries,
    acquisition_moment,
    coded,
    decimal_string,
    dicom_date,
    dicom_time,
)
from ml.synthetic.identity import seeded_generator

Region = Literal["TORSO", "BRAIN"]
Plane = npt.NDArray[np.float32]

F18_HALF_LIFE_S = 6586.2  # 109.77 min, as in PS3.16 and the QIBA FDG-PET profile
_UPTAKE_S = 3600
_BED_S, _SLICES_PER_BED = 150, 30
_PIXELS = 128
_PSF_MM = 6.0  # full width at half maximum
_LARGEST_STORED = 32767


@dataclass(frozen=True, slots=True)
class _Organ:
    """An ellipsoid of uniform uptake: centre and semi-axes in LPS mm, with z counted from the middle of the volume."""

    name: str
    suv_bw: float
    centre_mm: tuple[float, float, float]
    semi_axes_mm: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PetRegion:
    """How a region is covered; later organs lie over earlier ones."""

    body_part: str
    description: str
    spacing_zyx_mm: tuple[float, float, float]
    slice_count: int
    organs: tuple[_Organ, ...]


REGIONS: Mapping[Region, PetRegion] = {
    "TORSO": PetRegion(
        "CHESTABDPELVIS",
        "FDG PET torso AC",
        (6.0, 4.0, 4.0),
        90,
        (
            _Organ("soft tissue", 0.7, (0, 0, 0), (160, 108, 700)),
            _Organ("lung", 0.45, (-70, -5, 180), (55, 70, 110)),
            _Organ("lung", 0.45, (70, -5, 180), (55, 70, 110)),
            _Organ("blood pool", 1.6, (14, -25, 140), (48, 45, 50)),
            _Organ("vertebrae", 1.3, (0, 60, 0), (18, 15, 700)),
            _Organ("liver", 2.2, (-68, -5, 30), (72, 78, 70)),
            _Organ("spleen", 1.8, (98, 35, 30), (28, 34, 50)),
            _Organ("kidney", 4.5, (-62, 50, -60), (24, 24, 48)),
            _Organ("kidney", 4.5, (62, 50, -60), (24, 24, 48)),
            _Organ("bladder", 12.0, (0, -20, -215), (38, 34, 30)),
        ),
    ),
    "BRAIN": PetRegion(
        "BRAIN",
        "FDG PET brain AC",
        (3.0, 2.0, 2.0),
        60,
        (
            _Organ("scalp", 0.8, (0, 0, -8), (82, 100, 88)),
            _Organ("grey matter", 7.0, (0, 0, 0), (68, 84, 64)),
            _Organ("white matter", 3.0, (0, 0, 2), (52, 68, 48)),
            _Organ("cerebrospinal fluid", 0.8, (0, 0, 6), (9, 30, 12)),
            _Organ("basal ganglia", 8.0, (-24, -8, 2), (12, 20, 14)),
            _Organ("basal ganglia", 8.0, (24, -8, 2), (12, 20, 14)),
            _Organ("cerebellum", 6.0, (0, 52, -62), (46, 28, 22)),
        ),
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class PetPhantom:
    """A volume (z, y, x) of SUVbw from the head downwards, and the uptake each organ truly has.

    `labels` counts the organs of `REGIONS[region]` from 1; 0 is air.
    """

    region: Region
    suv_bw: npt.NDArray[np.float32]
    spacing_zyx_mm: tuple[float, float, float]
    origin_xyz_mm: tuple[float, float, float]
    weight_kg: float
    injected_bq: float
    true_suv_bw: Mapping[str, float]
    labels: npt.NDArray[np.uint8]

    def core(self, organ_name: str) -> npt.NDArray[np.bool_]:
        """Where an organ is, away from its edges: there blurring does not reach and the uptake is the true one."""
        numbers = [i for i, organ in enumerate(REGIONS[self.region].organs, start=1) if organ.name == organ_name]
        depth = ndimage.distance_transform_edt(np.isin(self.labels, numbers), sampling=self.spacing_zyx_mm)
        return np.asarray(depth > 1.5 * _PSF_MM)


def pet_phantom(
    seed: int, *, region: Region = "TORSO", weight_kg: float = 75.0, noise_fraction: float = 0.08
) -> PetPhantom:
    """Return a synthetic FDG PET.

    Parameters
    ----------
    seed : int
        Decides uptake (within 10 % of the typical values), dose and noise.
    region : {"TORSO", "BRAIN"}
        Liver to bladder, 90 slices of 6 mm; or head, 60 slices of 3 mm.
    weight_kg : float
        Body weight; SUVbw is relative to it.
    noise_fraction : float
        Standard deviation at SUVbw 1, as a share; it grows with the square root of the uptake, as counts do.

    Returns
    -------
    PetPhantom
        128 x 128 voxels a slice.

    Raises
    ------
    ValueError
        If the weight is not a person's.

    Examples
    --------
    >>> phantom = pet_phantom(1)
    >>> phantom.suv_bw.shape, 1.9 < phantom.true_suv_bw["liver"] < 2.5
    ((90, 128, 128), True)
    """
    if not 2.0 <= weight_kg <= 400.0:
        raise ValueError(f"A weight of {weight_kg} kg is not a person's.")
    rng = seeded_generator("pet", region, seed)
    plan = REGIONS[region]
    names = dict.fromkeys(organ.name for organ in plan.organs)
    typical = {organ.name: organ.suv_bw for organ in plan.organs}
    true_suv = {name: typical[name] * float(rng.uniform(0.9, 1.1)) for name in names}
    labels, origin = _labels(plan)
    lookup = np.array([0.0, *(true_suv[organ.name] for organ in plan.organs)], dtype=np.float32)
    sigma = [_PSF_MM / 2.3548 / step for step in plan.spacing_zyx_mm]
    clean = ndimage.gaussian_filter(lookup[labels], sigma, truncate=3.0)
    noise = ndimage.gaussian_filter(rng.standard_normal(clean.shape, dtype=np.float32), 0.7, truncate=3.0)
    noise *= np.float32(noise_fraction) / noise.std()
    suv = np.maximum(clean + noise * np.sqrt(np.maximum(clean, np.float32(0.02))), 0).astype(np.float32)
    injected = round(weight_kg * 3.7e6 * float(rng.uniform(0.9, 1.1)), -4)
    return PetPhantom(region, suv, plan.spacing_zyx_mm, origin, weight_kg, injected, true_suv, labels)


def _labels(plan: PetRegion) -> tuple[npt.NDArray[np.uint8], tuple[float, float, float]]:
    dz, dy, dx = plan.spacing_zyx_mm
    origin = (-(_PIXELS - 1) / 2 * dx, -(_PIXELS - 1) / 2 * dy, (plan.slice_count - 1) / 2 * dz)
    x = (origin[0] + np.arange(_PIXELS) * dx)[None, None, :]
    y = (origin[1] + np.arange(_PIXELS) * dy)[None, :, None]
    z = (origin[2] - np.arange(plan.slice_count) * dz)[:, None, None]
    labels = np.zeros((plan.slice_count, _PIXELS, _PIXELS), dtype=np.uint8)
    for number, organ in enumerate(plan.organs, start=1):
        (cx, cy, cz), (a, b, c) = organ.centre_mm, organ.semi_axes_mm
        labels[((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 + ((z - cz) / c) ** 2 <= 1.0] = number
    return labels, origin


def pet_series(phantom: PetPhantom, started_at: datetime) -> SyntheticSeries:
    """Return the DICOM series of a phantom (PET Image IOD, PS3.3 A.21) in Bq/mL with one rescale slope a slice.

    Values are decay-corrected to the start of the series (DecayCorrection START), an hour after injection, while
    the beds of a torso are acquired one after the other: SUVbw must be computed with the series time.

    Parameters
    ----------
    phantom : PetPhantom
        The volume.
    started_at : datetime
        Aware start of the study; the injection. The first bed is acquired an hour later.
    """
    acquired_at = started_at + timedelta(seconds=_UPTAKE_S)
    bq_ml = phantom.suv_bw.astype(np.float64) * _bq_ml_per_suv(phantom)
    slopes = [float(decimal_string(max(float(plane.max()), 1.0) / _LARGEST_STORED)) for plane in bq_ml]
    stored = np.stack([np.rint(plane / slope) for plane, slope in zip(bq_ml, slopes, strict=True)]).astype(np.uint16)
    slice_mm, row_mm, column_mm = phantom.spacing_zyx_mm
    plan = REGIONS[phantom.region]
    return SyntheticSeries(
        modality="PT",
        number=4,
        description=plan.description,
        stored=stored,
        bits_stored=16,
        pixel_spacing_mm=(row_mm, column_mm),
        slice_thickness_mm=slice_mm,
        origin_xyz_mm=phantom.origin_xyz_mm,
        row_direction=(1.0, 0.0, 0.0),
        column_direction=(0.0, 1.0, 0.0),
        slice_step_mm=(0.0, 0.0, -slice_mm),
        attributes=_attributes(phantom, plan, started_at, acquired_at),
        per_slice=[_slice_attributes(index, slope, acquired_at) for index, slope in enumerate(slopes)],
    )


def _attributes(
    phantom: PetPhantom, plan: PetRegion, injected_at: datetime, acquired_at: datetime
) -> dict[str, object]:
    return {
        **acquisition_moment(acquired_at),
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "BodyPartExamined": plan.body_part,
        "PatientOrientationCodeSequence": coded("102538003", "SCT", "recumbent"),
        "PatientGantryRelationshipCodeSequence": coded("102540008", "SCT", "headfirst"),
        "PatientWeight": decimal_string(phantom.weight_kg),
        "SeriesType": ["STATIC", "IMAGE"],
        "Units": "BQML",
        "CountsSource": "EMISSION",
        "NumberOfSlices": plan.slice_count,
        "CorrectedImage": ["DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"],
        "DecayCorrection": "START",
        "CollimatorType": "NONE",
        "ReconstructionMethod": "OSEM",
        "AttenuationCorrectionMethod": "simulated",
        "ScatterCorrectionMethod": "simulated",
        "RandomsCorrectionMethod": "DLYD",
        "ActualFrameDuration": _BED_S * 1000,
        "RadiopharmaceuticalInformationSequence": _radiopharmaceutical(phantom, injected_at),
        # SUVbw 0 to 10, so that every slice is drawn alike whatever its slope
        "WindowCenter": decimal_string(round(5 * _bq_ml_per_suv(phantom), 1)),
        "WindowWidth": decimal_string(round(10 * _bq_ml_per_suv(phantom), 1)),
    }


def _bq_ml_per_suv(phantom: PetPhantom) -> float:
    """What SUVbw 1 is in Bq/mL when the series starts."""
    decay = float(2.0 ** (-_UPTAKE_S / F18_HALF_LIFE_S))
    return phantom.injected_bq * decay / (phantom.weight_kg * 1000.0)


def _slice_attributes(index: int, slope: float, series_started_at: datetime) -> dict[str, object]:
    bed_s = (index // _SLICES_PER_BED) * _BED_S
    acquired_at = series_started_at + timedelta(seconds=bed_s)
    return {
        "AcquisitionDate": dicom_date(acquired_at),
        "AcquisitionTime": dicom_time(acquired_at),
        "ContentDate": dicom_date(acquired_at),
        "ContentTime": dicom_time(acquired_at),
        "FrameReferenceTime": decimal_string((bed_s + _BED_S / 2) * 1000.0),
        "DecayFactor": decimal_string(2.0 ** ((bed_s + _BED_S / 2) / F18_HALF_LIFE_S)),
        "ImageIndex": index + 1,
        "RescaleIntercept": 0,
        "RescaleSlope": decimal_string(slope),
    }


def _radiopharmaceutical(phantom: PetPhantom, injected_at: datetime) -> list[Dataset]:
    item = Dataset()
    item.Radiopharmaceutical = "Fluorodeoxyglucose"
    item.RadiopharmaceuticalStartDateTime = injected_at.strftime("%Y%m%d%H%M%S%z")
    item.RadiopharmaceuticalStartTime = dicom_time(injected_at)
    item.RadionuclideTotalDose = decimal_string(phantom.injected_bq)
    item.RadionuclideHalfLife = decimal_string(F18_HALF_LIFE_S)
    item.RadionuclidePositronFraction = "0.967"
    item.RadionuclideCodeSequence = coded("77004003", "SCT", "^18^Fluorine")
    item.RadiopharmaceuticalCodeSequence = coded("35321007", "SCT", "Fluorodeoxyglucose F^18^")
    return [item]
