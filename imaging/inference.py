"""The only module of this app that imports `ml`: file paths in, columns of our tables out."""

from __future__ import annotations

import io
import mmap
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from cdss.core.version import CODE_VERSION
from imaging.storage import object_write
from ml.errors import SeriesRefusal as StructureError
from ml.measurements.calcium_agatston import agatston_score
from ml.pipeline import read_series
from ml.preprocessing.part10 import Part10 as Structure
from ml.preprocessing.part10 import part10_scan
from ml.types import CalciumLesion, SeriesReading

__all__ = ["Extraction", "Structure", "StructureError", "agatston_total", "extract", "structure_scan"]

AGATSTON_METHOD = "Agatston 1990 (130 HU, 1 mm²), lesions confirmed by a reader"
AGATSTON_METHOD_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Extraction:
    """One reading as columns: of SeriesResult, Measurement, KeyImage and (key image, CalciumCandidate)."""

    result: dict[str, Any]
    measurements: list[dict[str, Any]]
    key_images: list[dict[str, Any]]
    candidates: list[tuple[str, dict[str, Any]]]


def extract(paths: Sequence[Path]) -> Extraction:
    """Read one series; key images are written to storage here, because their hashes are part of the record."""
    started = time.monotonic()
    reading = read_series(paths)
    key_images = [
        {
            "name": image.name,
            "caption": image.caption,
            "sop_instance_uid": image.sop_instance_uid,
            "slice_index": image.slice_index,
            "window_center": image.window_center,
            "window_width": image.window_width,
            "width": image.pixels.shape[1],
            "height": image.pixels.shape[0],
            "png_sha256": object_write(_png(image.pixels)),
        }
        for image in reading.key_images
    ]
    return Extraction(
        result=_result(reading, time.monotonic() - started),
        measurements=[
            {"name": m.name, "value": m.value, "unit": m.unit, "method": m.method, "method_version": m.version}
            for m in reading.measurements
        ],
        key_images=key_images,
        candidates=[_candidate(candidate) for candidate in reading.candidates],
    )


def structure_scan(path: Path) -> Structure:
    """Walk a file's elements without interpreting them: the door and the worker judge a structure alike."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return part10_scan(content)


def agatston_total(lesions: Sequence[Mapping[str, Any]]) -> float:
    """The Agatston score of stored lesions."""
    return agatston_score(tuple(CalciumLesion(**lesion) for lesion in lesions))


def _result(reading: SeriesReading, seconds: float) -> dict[str, Any]:
    return {
        "is_accepted": reading.accepted,
        "reason_code": reading.reason_code or "",
        "sentence": reading.sentence or "",
        "shape_zyx": reading.shape_zyx,
        "spacing_zyx_mm": reading.spacing_zyx_mm,
        "value_range": reading.value_range,
        "value_unit": reading.value_unit or "",
        "volume_sha256": reading.volume_sha256 or "",
        "decoders": list(reading.decoders),
        "quality": [asdict(finding) for finding in reading.quality],
        "refusals": [asdict(refusal) for refusal in reading.refusals],
        "large_structures": [asdict(structure) for structure in reading.large_structures],
        "code_version": CODE_VERSION,
        "seconds": round(seconds, 3),
    }


def _candidate(candidate: Any) -> tuple[str, dict[str, Any]]:
    columns = asdict(candidate)
    key_image = columns.pop("key_image")
    return key_image, columns


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()
