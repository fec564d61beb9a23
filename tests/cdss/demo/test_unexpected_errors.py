"""What nobody foresaw ends as one sentence for the newcomer, and as a trace in the log."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.processes import free_port

ROOT = Path(__file__).resolve().parents[3]


def demo(data_dir: Path) -> subprocess.CompletedProcess[str]:
    """With servers of our own named, so that none is started; nobody gets so far as to ask them."""
    argv = [sys.executable, "-m", "cdss.demo", "--once", "--port", str(free_port()), "--data-dir", str(data_dir)]
    named = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "BROKER_URL": "redis://127.0.0.1:9"}
    environment = {**os.environ, **named}
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_unexpected_error_is_a_sentence_and_its_trace_is_in_the_log(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "storage").write_text("a file where the folder should be", encoding="utf-8")
    done = demo(data_dir)
    log = data_dir / "demonstration" / "logs" / "demonstration.log"
    assert (done.returncode, done.stdout) == (1, "")
    expected = f"The demonstration stopped: unexpected FileExistsError; its trace is in {log}."
    assert done.stderr.splitlines() == [expected]
    trace = log.read_text(encoding="utf-8")
    assert "Traceback" in trace
    assert "FileExistsError" in trace


def test_without_a_place_for_the_trace_it_is_still_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "demonstration").write_text("a file where the folder should be", encoding="utf-8")
    done = demo(tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "its trace could not be written to" in done.stderr
    assert "Traceback" not in done.stderr
