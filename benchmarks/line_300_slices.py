"""Seconds from the last byte of a 300-slice study to its record, with its parts, through the real processes.

Run: `python -m benchmarks.line_300_slices`. It starts the demonstration with one patient in a temporary folder, sends
one new patient with a 300-slice, 512 x 512, uncompressed CT over STOW-RS, and repeats with new patients.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import machine_line
from cdss.demo.once import Line
from cdss.demo.processes import Demonstration

ROUNDS = 3
PARTS = (
    "seconds_stored_and_closed",
    "seconds_read_and_measured",
    "seconds_assessed_and_recorded",
    "seconds_last_byte_to_record",
)


def main() -> None:
    print(machine_line())
    with tempfile.TemporaryDirectory(prefix="cdss-bench-") as folder:
        demonstration = Demonstration(
            data_dir=Path(folder) / "data", port=8790, say=lambda line: None, stop=threading.Event(), patients=1
        )
        Path(folder).chmod(0o755)
        with demonstration:
            rounds = [one_round(demonstration, Path(folder), number) for number in range(ROUNDS)]
    print(f"300 slices of 512 x 512, uncompressed, {ROUNDS} rounds, median (min to max), seconds")
    for part in PARTS:
        values = [seconds[part] for seconds in rounds]
        print(f"  {part:32} {statistics.median(values):8.2f}  ({min(values):.2f} to {max(values):.2f})")


def one_round(demonstration: Demonstration, folder: Path, number: int) -> dict[str, float]:
    written = folder / f"study-{number}"
    demonstration.synthetic_write(
        written,
        *("--new-patient", "--ct-kind", "THIN_CHEST", "--transfer-syntax", "explicit-little-endian"),
        *("--seed", str(1000 + number), "--reference-date", datetime.now(UTC).date().isoformat()),
    )
    document = json.loads((written / "cohort.json").read_text(encoding="utf-8"))
    files = sorted(path for path in written.rglob("*") if path.is_file() and path.name != "cohort.json")
    assert len(files) == 300, len(files)
    line = Line(demonstration, limit_seconds=300)
    line.clinical_rows_send(document["patients"][0])
    last_byte_at, uid = line.images_send(files)
    return line.record_wait(uid, last_byte_at)


if __name__ == "__main__":
    main()
