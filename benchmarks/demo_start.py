"""Seconds from starting `python -m cdss.demo` to the first page answered over HTTP, after the first run.

Run: `python -m benchmarks.demo_start`. That command is what `make demo` runs once the environment exists. The first,
untimed start makes the database and one patient, not the 42 of the demonstration: the page that is waited for, the
sign-in, reads none of them.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.machine import machine_line
from cdss.demo.processes import ROOT, Demonstration

ROUNDS = 5
PORT = 8792
PAGE = f"http://127.0.0.1:{PORT}/sign-in/"
LONGEST_SECONDS = 120
EVERY_SECONDS = 0.02


def main() -> None:
    print(machine_line())
    with tempfile.TemporaryDirectory(prefix="cdss-bench-") as folder:
        Path(folder).chmod(0o755)
        data_dir = Path(folder) / "data"
        with Demonstration(data_dir=data_dir, port=PORT, say=lambda line: None, stop=threading.Event(), patients=1):
            pass
        seconds = [start(data_dir) for _ in range(ROUNDS)]
    print(
        f"start to first page, {ROUNDS} rounds: median {statistics.median(seconds):.2f} s"
        f" ({min(seconds):.2f} to {max(seconds):.2f})"
    )


def start(data_dir: Path) -> float:
    """One round; the command is stopped as Ctrl-C stops it, and waited for, so that no round overlaps the next."""
    log = data_dir.parent / "output.log"
    with log.open("wb") as output:
        began = time.monotonic()
        command = subprocess.Popen(
            [sys.executable, "-m", "cdss.demo", "--port", str(PORT), "--data-dir", str(data_dir)],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        while not answers():
            if command.poll() is not None or time.monotonic() - began > LONGEST_SECONDS:
                raise SystemExit(f"{PAGE} was not answered: {log.read_text(encoding='utf-8')}")
            time.sleep(EVERY_SECONDS)
        return time.monotonic() - began
    finally:
        command.send_signal(signal.SIGINT)
        command.wait(timeout=LONGEST_SECONDS)


def answers() -> bool:
    try:
        with urllib.request.urlopen(PAGE, timeout=LONGEST_SECONDS) as page:
            return bool(page.status == 200)
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    main()
