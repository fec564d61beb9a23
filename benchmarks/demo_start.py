"""Seconds from `make demo` to the first page, after the first run; and from one `--once` to its end.

Run: `python -m benchmarks.demo_start`. The first, untimed start makes the database and one patient.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from benchmarks.machine import machine_line
from cdss.demo.processes import Demonstration

ROUNDS = 5


def main() -> None:
    print(machine_line())
    with tempfile.TemporaryDirectory(prefix="cdss-bench-") as folder:
        Path(folder).chmod(0o755)
        start(Path(folder) / "data")
        seconds = [start(Path(folder) / "data") for _ in range(ROUNDS)]
    print(
        f"start to first page, {ROUNDS} rounds: median {statistics.median(seconds):.2f} s"
        f" ({min(seconds):.2f} to {max(seconds):.2f})"
    )


def start(data_dir: Path) -> float:
    began = time.monotonic()
    demonstration = Demonstration(
        data_dir=data_dir, port=8792, say=lambda line: None, stop=threading.Event(), patients=1
    )
    with demonstration, urllib.request.urlopen(f"{demonstration.web_url}/sign-in/") as page:
        assert page.status == 200
        return time.monotonic() - began


if __name__ == "__main__":
    main()
