"""The newcomer's command, from outside: a fresh folder, one JSON line, and what is left after a kill."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cdss.embedded.account import service_account
from cdss.embedded.testing import temporary_data_dir

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    with temporary_data_dir(service_account()) as folder:
        yield folder / "data"


def free_port() -> int:
    for port in range(18000, 19000, 2):
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise RuntimeError("no free pair of ports")


def demo(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "cdss.demo", "--port", str(free_port()), "--data-dir", str(data_dir), *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "BROKER_URL"}}
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=800, check=False)


def result_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def check_result(result: dict[str, Any]) -> None:
    assert result["audit_chain_verified"] is True
    assert 0 < result["seconds_last_byte_to_record"] < 120
    risks = {(item["equation"], item["outcome"], item["horizon_years"]): item for item in result["outcomes"]}
    for key in (("prevent_base", "total_cvd", 10), ("mesa_chd", "chd", 10), ("mesa_chd_cac", "chd", 10)):
        assert risks[key]["reason_code"] is None, risks[key]
        assert 0 < risks[key]["risk"] < 1, risks[key]
        assert risks[key]["risk_low"] is None and risks[key]["risk_high"] is None


def test_once_on_a_fresh_folder_sends_a_study_and_prints_its_risk(data_dir: Path) -> None:
    check_result(result_of(demo(data_dir, "--once")))


def test_a_killed_demo_recovers_and_runs_again(data_dir: Path) -> None:
    port = free_port()
    argv = [sys.executable, "-m", "cdss.demo", "--port", str(port), "--data-dir", str(data_dir)]
    with subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        try:
            for line in running.stderr:
                if line.startswith("Ready:"):
                    break
        finally:
            running.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                break
        time.sleep(0.2)
    check_result(result_of(demo(data_dir, "--once")))


@pytest.mark.parametrize("to_the_group", [True, False])
def test_a_stop_while_the_hospital_is_made_is_a_sentence_and_nothing_runs_on(to_the_group: bool) -> None:
    with temporary_data_dir(service_account()) as folder:
        argv = [sys.executable, "-m", "cdss.demo", "--port", str(free_port()), "--data-dir", str(folder / "data")]
        environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "BROKER_URL"}}
        with subprocess.Popen(
            argv, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as running:
            assert running.stderr is not None
            lines: list[str] = []
            for line in running.stderr:
                lines.append(line)
                if "Synthetic-" in line:  # progress, long before the end
                    break
            if to_the_group:
                os.killpg(running.pid, signal.SIGINT)
            else:
                running.send_signal(signal.SIGTERM)
            lines += running.stderr.read().splitlines()
            assert running.wait(timeout=60) == 1
        text = "\n".join(lines)
        assert lines[-1] == "Interrupted; what was recorded stays, and the next start goes on."
        assert "Ready" not in text and "Traceback" not in text and "failed" not in text
        assert not (folder / "data" / "demonstration" / "environment").exists()
        named = str(folder).encode()
        left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if named in _read(path)]
        assert left == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended
        return b""


def test_a_taken_port_is_a_sentence_and_exit_code_1(data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        argv = [sys.executable, "-m", "cdss.demo", "--once", "--port", str(port), "--data-dir", str(data_dir)]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"port {port} is not free" in done.stderr
    assert "Traceback" not in done.stderr
