"""300 uncompressed CT slices to a volume in HU: ours and the naive way, side by side.

    python -m benchmarks.ct_volume [--rounds 7] [--slices 300]

Both are timed in one process, one after the other in every round; the figure is the median of the rounds' ratios.
Peak memory is VmHWM of a fresh process each, less what the same process needs to import the same modules. ru_maxrss
would not do: Linux hands a parent's peak on to its child through exec. Linux only.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut  # type: ignore[attr-defined]  # public, but not in its __all__
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from ml.preprocessing.volume import value_range
from ml.reading import headers_read, read_series, series_decode

MIN_RATIO, MAX_MEMORY_RATIO = 4.0, 2.2
ROWS = COLUMNS = 512

Read = Callable[[list[Path]], object]


def phantom_write(folder: Path, slices: int) -> None:
    """A water cylinder in air with noise of 18 HU; the same bytes every time."""
    rng = np.random.default_rng(20240315)
    y, x = np.ogrid[-1 : 1 : ROWS * 1j, -1 : 1 : COLUMNS * 1j]
    body = np.where(x**2 + y**2 < 0.7, 40, -1000)
    for index in range(slices):
        hu = body + rng.normal(0, 18, (ROWS, COLUMNS)).round()
        _slice(index, (hu.clip(-1024, 3071) + 1024).astype(np.int16)).save_as(
            folder / f"{index:04d}.dcm", enforce_file_format=True
        )


def _slice(index: int, stored: npt.NDArray[np.int16]) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.10.1.{index + 1}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.826.0.1.3680043.10.2", "1.2.826.0.1.3680043.10.3"
    dataset.FrameOfReferenceUID = "1.2.826.0.1.3680043.10.4"
    dataset.Modality, dataset.PatientID, dataset.PatientName = "CT", "BENCHMARK", "BENCHMARK^PHANTOM"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.KVP, dataset.SliceThickness, dataset.ConvolutionKernel = "120", "1", "Br40"
    dataset.ImagePositionPatient = ["-179.3", "-179.3", f"{index:.1f}"]
    dataset.ImageOrientationPatient, dataset.PixelSpacing = [1, 0, 0, 0, 1, 0], ["0.7", "0.7"]
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = "1", "-1024", "HU"
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def naive(paths: list[Path]) -> npt.NDArray[np.floating]:
    """What a notebook does: no checks, no order but the names'."""
    slices = []
    for path in paths:
        dataset = pydicom.dcmread(path)  # noqa: TID251  # the peer that is measured
        slices.append(apply_modality_lut(dataset.pixel_array, dataset))
    return np.stack(slices)


def ours(paths: list[Path]) -> npt.NDArray[np.float32]:
    """Headers, all checks, order, geometry, HU, range."""
    volume = series_decode(headers_read(paths)).volume
    value_range(volume)
    return volume


def nothing(paths: list[Path]) -> None:
    """The baseline of the memory figures."""


VARIANTS: dict[str, Read] = {"naive": naive, "ours": ours, "read_series": read_series, "nothing": nothing}


def timed(read: Read, paths: list[Path]) -> tuple[float, float]:
    """Wall and CPU seconds; on a busy machine only the second can be compared."""
    started, cpu_started = time.perf_counter(), time.process_time()
    read(paths)
    return time.perf_counter() - started, time.process_time() - cpu_started


def own_peak_bytes() -> int:
    """The largest resident size this process image has had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def peak_bytes(variant: str, folder: Path) -> int:
    command = [sys.executable, "-m", "benchmarks.ct_volume", "--peak", variant, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout)


def compare(folder: Path, rounds: int) -> dict[str, Any]:
    paths = sorted(folder.iterdir())
    if not np.array_equal(naive(paths), ours(paths)):
        raise SystemExit("The two volumes differ: their times cannot be compared.")
    names = ("naive", "ours", "read_series")
    taken = [{name: timed(VARIANTS[name], paths) for name in names} for _ in range(rounds)]
    wall = {name: [one["naive"][0] / one[name][0] for one in taken] for name in names}
    cpu = {name: [one["naive"][1] / one[name][1] for one in taken] for name in names}
    volume_bytes = 4 * len(paths) * ROWS * COLUMNS
    baseline = peak_bytes("nothing", folder)
    memory = {name: (peak_bytes(name, folder) - baseline) / volume_bytes for name in names}
    if min(memory.values()) < 0.95:
        raise SystemExit(f"A peak below the volume itself is no measurement: {memory}.")
    return {
        "slices": len(paths),
        "rounds": rounds,
        "seconds": {name: statistics.median(one[name][0] for one in taken) for name in names},
        "ratio_to_naive": {name: statistics.median(wall[name]) for name in names},
        "ratio_range": {name: (min(wall[name]), max(wall[name])) for name in names},
        "cpu_ratio_to_naive": {name: statistics.median(cpu[name]) for name in names},
        "peak_memory_of_volume": memory,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--peak", nargs=2, metavar=("VARIANT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        variant, folder = options.peak
        VARIANTS[variant](sorted(Path(folder).iterdir()))
        print(own_peak_bytes())
        return 0
    with tempfile.TemporaryDirectory() as folder:
        phantom_write(Path(folder), options.slices)
        figures = compare(Path(folder), options.rounds)
    keys = ("seconds", "ratio_to_naive", "cpu_ratio_to_naive", "peak_memory_of_volume")
    seconds, ratios, cpu_ratios, memory = (figures[key] for key in keys)
    print(f"{options.slices} x {ROWS} x {COLUMNS} uncompressed int16 CT, median of {options.rounds} rounds")
    print(f"{'variant':14}{'seconds':>9}{'times as fast':>15}{'by CPU':>9}{'peak memory / float32 volume':>30}")
    for name in ("naive", "ours", "read_series"):
        print(f"{name:14}{seconds[name]:9.3f}{ratios[name]:15.2f}{cpu_ratios[name]:9.2f}{memory[name]:30.2f}")
    is_met = ratios["ours"] >= MIN_RATIO and memory["read_series"] <= MAX_MEMORY_RATIO
    print(
        f"goal: at least {MIN_RATIO} times as fast, at most {MAX_MEMORY_RATIO} volumes: {'met' if is_met else 'MISSED'}"
    )
    print(json.dumps({"benchmark": "ct_volume", "met": is_met, **figures}))
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())
