"""Write small, valid DICOM series for tests: CT in HU, MR, PET in Bq/mL, and a NIfTI head as an MR series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    generate_uid,
)

Edit = Callable[[Dataset, int], None]
Vector = Sequence[float]

SOP_CLASSES = {"CT": CTImageStorage, "MR": MRImageStorage, "PT": PositronEmissionTomographyImageStorage}


def slice_dataset(
    stored: npt.NDArray[np.integer],
    index: int,
    *,
    modality: str,
    spacing_zyx_mm: Vector = (3.0, 1.0, 1.0),
    origin_xyz_mm: Vector = (-10.0, -20.0, 30.0),
    row_direction: Vector = (1.0, 0.0, 0.0),
    column_direction: Vector = (0.0, 1.0, 0.0),
    slice_direction: Vector | None = None,
    seed: str = "series",
) -> Dataset:
    """One slice of a stored volume (z, y, x) as an uncompressed object; the same seed gives the same UIDs."""
    normal = np.cross(row_direction, column_direction) if slice_direction is None else np.asarray(slice_direction)
    position = np.asarray(origin_xyz_mm) + index * spacing_zyx_mm[0] * normal
    dataset = Dataset()
    dataset.SOPClassUID = SOP_CLASSES[modality]
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[seed, modality, str(index)])
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[seed, "study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[seed, modality, "series"])
    dataset.FrameOfReferenceUID = generate_uid(entropy_srcs=[seed, "frame"])
    dataset.Modality = modality
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.PatientName = "TEST^Synthetic"
    dataset.PatientID = f"TEST-{seed}"
    dataset.PatientBirthDate = "19600101"
    dataset.PatientSex = "F"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = "20240315"
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = "120000"
    dataset.StudyID = "1"
    dataset.AccessionNumber = ""
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1000 - index  # deliberately against the order in space
    dataset.ImagePositionPatient = [f"{value:.6f}" for value in position]
    dataset.ImageOrientationPatient = [f"{value:.8f}" for value in (*row_direction, *column_direction)]
    dataset.PixelSpacing = [f"{value:.8g}" for value in spacing_zyx_mm[1:]]
    dataset.SliceThickness = f"{spacing_zyx_mm[0]:.8g}"
    dataset.Rows, dataset.Columns = stored.shape[1:]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8 * stored.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    pixels = stored[index].tobytes()
    dataset.PixelData = pixels + b"\x00" * (len(pixels) % 2)
    dataset["PixelData"].VR = "OW" if dataset.BitsAllocated == 16 else "OB"
    return dataset


def instance_save(dataset: Dataset, path: Path, *, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> Path:
    """Write one object as a Part 10 file; pixel data are compressed where the transfer syntax says so."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID") or CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID") or generate_uid()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if dataset.get("PixelData") and transfer_syntax_uid not in (ExplicitVRLittleEndian, "1.2.840.10008.1.2"):
        dataset.compress(transfer_syntax_uid, generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = transfer_syntax_uid
    dataset.save_as(path, enforce_file_format=True)
    return path


def series_write(
    folder: Path,
    stored: npt.NDArray[np.integer],
    *,
    modality: str,
    attributes: dict[str, object] | None = None,
    edit: Edit | None = None,
    transfer_syntax_uid: str = ExplicitVRLittleEndian,
    **geometry: object,
) -> list[Path]:
    """Write a stored volume (z, y, x) as one series; `attributes` go on every slice, then `edit` sees each of them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index in range(stored.shape[0]):
        dataset = slice_dataset(stored, index, modality=modality, **geometry)  # type: ignore[arg-type]
        for keyword, value in (attributes or {}).items():
            setattr(dataset, keyword, value)
        if edit is not None:
            edit(dataset, index)
        paths.append(instance_save(dataset, folder / f"{index:04d}.dcm", transfer_syntax_uid=transfer_syntax_uid))
    return paths


CALCIUM_ATTRIBUTES: dict[str, object] = {
    "KVP": "120",
    "ConvolutionKernel": "Qr36",
    "BodyPartExamined": "HEART",
    "CardiacSynchronizationTechnique": "PROSPECTIVE",
    "SeriesDescription": "Calcium score",
}


def ct_series_write(folder: Path, hu: npt.ArrayLike, **options: object) -> list[Path]:
    """Write HU (z, y, x) as a non-contrast 120 kV CT that a calcium score is defined on, unless attributes say else."""
    stored = (np.asarray(hu) + 1024).round().astype(np.uint16)
    rescale = {"RescaleSlope": "1", "RescaleIntercept": "-1024", "RescaleType": "HU"}
    attributes = {**rescale, **CALCIUM_ATTRIBUTES, **options.pop("attributes", {})}  # type: ignore[dict-item]
    return series_write(folder, stored, modality="CT", attributes=attributes, **options)  # type: ignore[arg-type]


def mr_series_write(folder: Path, values: npt.ArrayLike, **options: object) -> list[Path]:
    """Write values from 0 to 4095 (z, y, x) as a T1-weighted head, unless attributes say otherwise."""
    attributes = {
        "BodyPartExamined": "HEAD",
        "SeriesDescription": "t1_mprage_sag",
        "ScanningSequence": ["GR", "IR"],
        "SequenceVariant": "SP",
        "EchoTime": "2.9",
        "RepetitionTime": "2300",
        **options.pop("attributes", {}),  # type: ignore[dict-item]
    }
    stored = np.asarray(values).round().astype(np.uint16)
    return series_write(folder, stored, modality="MR", attributes=attributes, **options)  # type: ignore[arg-type]


def pt_series_write(
    folder: Path,
    becquerel_per_ml: npt.NDArray[np.floating],
    *,
    weight_kg: float | None = 70.0,
    dose_bq: float | None = 3.7e8,
    half_life_s: float | None = 6586.2,
    injected_time: str = "110000",
    **options: object,
) -> list[Path]:
    """Write activity (z, y, x) as FDG-PET with its own rescale slope in every slice; the scan starts at 12:00."""
    slopes = [max(float(plane.max()), 1e-3) / 32767 for plane in becquerel_per_ml]
    stored = np.stack([plane / slope for plane, slope in zip(becquerel_per_ml, slopes, strict=True)])
    tracer = Dataset()
    tracer.RadiopharmaceuticalStartTime = injected_time
    tracer.RadionuclideTotalDose = None if dose_bq is None else f"{dose_bq:.8g}"
    tracer.RadionuclideHalfLife = None if half_life_s is None else f"{half_life_s:.8g}"
    attributes = {
        "Units": "BQML",
        "CorrectedImage": ["DECY", "ATTN", "SCAT"],
        "DecayCorrection": "START",
        "PatientWeight": None if weight_kg is None else f"{weight_kg:.8g}",
        "RescaleIntercept": "0",
        "RadiopharmaceuticalInformationSequence": [tracer],
        **options.pop("attributes", {}),  # type: ignore[dict-item]
    }
    also = options.pop("edit", None)

    def edit(dataset: Dataset, index: int) -> None:
        dataset.RescaleSlope = f"{slopes[index]:.10g}"
        if also is not None:
            also(dataset, index)  # type: ignore[operator]

    signed = stored.round().astype(np.int16)
    return series_write(folder, signed, modality="PT", attributes=attributes, edit=edit, **options)  # type: ignore[arg-type]


def nifti_mr_series_write(folder: Path, nifti: Path, **options: object) -> list[Path]:
    """Write a NIfTI volume as an MR series with the same voxels in the same places (RAS becomes LPS)."""
    import nibabel

    image = nibabel.load(nifti)
    values = np.asarray(image.dataobj, dtype=np.float64)  # (x, y, z) of its own grid
    affine_lps = np.diag((-1.0, -1.0, 1.0, 1.0)) @ image.affine
    steps_mm = np.linalg.norm(affine_lps[:3, :3], axis=0)
    row_direction, column_direction, slice_direction = (affine_lps[:3, :3] / steps_mm).T
    lowest, highest = values.min(), values.max()
    return mr_series_write(
        folder,
        ((values - lowest) * (4095 / (highest - lowest))).transpose(2, 1, 0),
        spacing_zyx_mm=tuple(steps_mm[::-1]),
        origin_xyz_mm=tuple(affine_lps[:3, 3]),
        row_direction=tuple(row_direction),
        column_direction=tuple(column_direction),
        slice_direction=tuple(slice_direction),
        **options,
    )
