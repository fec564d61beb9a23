"""Real scanners' images, read as they are. They are not part of the project; tests/real skips where they are absent."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ml.errors import Refusal
from ml.measurements.brain_volumes import intracranial_volume_ml
from ml.measurements.ct_tissue import tissue_estimate
from ml.preprocessing.geometry import Geometry
from ml.reading import headers_read, read_series, series_decode
from tests.dicom import nifti_mr_series_write

ROOT = Path(__file__).parents[2]
IMAGES = ROOT.parent / "shared" / "data"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not IMAGES.is_dir(), reason="the real images are not at ../shared/data"),
]


def files(folder: str) -> list[Path]:
    return sorted((IMAGES / folder).iterdir())


def test_abdomen_ct_is_read_as_it_is_and_calcium_is_not_scored() -> None:
    reading = read_series(files("ct_abdomen"))
    assert reading.accepted
    assert reading.shape_zyx == (20, 512, 512)
    assert reading.spacing_zyx_mm == pytest.approx((2.0, 0.9765625, 0.9765625))
    assert reading.value_range == (-1024, 1839)
    assert reading.decoders[0].startswith("1.2.840.10008.1.2.4.90 pylibjpeg-openjpeg ")
    found = {finding.code: finding.sentence for finding in reading.quality}
    assert "Study Instance UID, Series Instance UID, SOP Instance UID" in found["EMPTY_UID"]
    assert "3 mm thick at a 2 mm step" in found["OVERLAPPING_SLICES"]
    (refusal,) = reading.refusals
    assert (refusal.name, refusal.reason_code) == ("agatston_score", "CONTRAST_PRESENT")
    assert refusal.sentence.startswith("Calcium not scored: a contrast agent is recorded (APPLIED)")
    assert reading.measurements == ()
    assert reading.candidates == ()


def test_contrast_of_the_abdomen_ct_is_seen_in_its_voxels_too() -> None:
    series = series_decode(headers_read(files("ct_abdomen")))
    estimate = tissue_estimate(series.volume, series.geometry.spacing_zyx_mm)
    assert estimate.is_enhanced
    assert estimate.noise_sd_hu == pytest.approx(12, abs=3)


def test_tilted_head_ct_is_refused_naming_its_geometry() -> None:
    reading = read_series(files("ct_head_tilted"))
    assert (reading.accepted, reading.reason_code) == (False, "GANTRY_TILT")
    assert reading.sentence is not None
    assert "18.5 degrees" in reading.sentence
    assert "1.08 to 7.00 mm" in reading.sentence
    assert reading.shape_zyx is None


def test_pet_is_read_in_suv_in_any_order_of_files() -> None:
    paths = files("pet_fdg")
    reading = read_series(paths)
    measured = {one.name: one for one in reading.measurements}
    assert reading.accepted
    assert reading.shape_zyx == (267, 128, 128)
    assert reading.spacing_zyx_mm == pytest.approx((3.27, 4.6875, 4.6875), abs=1e-3)
    assert measured["suv_bw_p99_9"].value == pytest.approx(4.8, abs=0.1)
    assert measured["suv_bw_p99_9"].unit == "g/mL{SUVbw}"
    random.Random(1).shuffle(paths)
    assert read_series(paths).volume_sha256 == reading.volume_sha256


@pytest.mark.slow
@pytest.mark.parametrize(("name", "expected_ml"), [("t1_head_a", 1542), ("t1_head_b", 1546)])
def test_intracranial_volume_of_real_heads(tmp_path: Path, name: str, expected_ml: float) -> None:
    pytest.importorskip("deepbet")
    paths = nifti_mr_series_write(tmp_path, IMAGES / "t1_heads" / f"{name}.nii.gz")
    reading = read_series(paths)
    (measurement,) = reading.measurements
    assert measurement.name == "intracranial_volume_ml"
    assert measurement.unit == "mL"
    assert measurement.value == pytest.approx(expected_ml, rel=0.02)
    random.Random(2).shuffle(paths)
    assert read_series(paths).measurements == reading.measurements


@pytest.mark.slow
@pytest.mark.parametrize("turned", [(2, 1), (2, 0)], ids=["about front-back", "about left-right"])
def test_real_head_stated_upside_down_is_refused(turned: tuple[int, int]) -> None:
    """deepbet finds 1896 and 2036 mL in these; (x, y, z) are right to left, front to back and upwards."""
    pytest.importorskip("deepbet")
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.as_closest_canonical(nibabel.load(IMAGES / "t1_heads" / "t1_head_a.nii.gz"))
    ras = np.asarray(image.dataobj, dtype=np.float32)
    upside_down = np.flip(ras[::-1, ::-1], axis=tuple(2 if axis == 2 else 1 - axis for axis in turned)).T
    geometry = Geometry(upside_down.shape, (1.0, 1.0, 1.0), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    with pytest.raises(Refusal) as refused:
        intracranial_volume_ml(np.ascontiguousarray(upside_down), geometry)
    assert refused.value.reason_code == "UPSIDE_DOWN"


def test_command_reads_everything_real_without_a_traceback() -> None:
    command = [sys.executable, "-W", "error", "-m", "ml", "read", str(IMAGES), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    series = json.loads(done.stdout)["series"]
    assert sorted((one["modality"], one["accepted"]) for one in series if one["modality"]) == [
        ("CT", False),
        ("CT", True),
        ("PT", True),
    ]
    assert all(one["reason_code"] for one in series if not one["accepted"])
