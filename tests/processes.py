"""The product's own processes, started as an installation starts them, on the test session's database and broker."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cdss.embedded.urls import ServiceUrls

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Process:
    """A process with its children in a group of its own."""

    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def children(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text().split()]

    def kill_group(self, number: int = signal.SIGKILL) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)
        self.popen.wait(timeout=30)


def environment(services: ServiceUrls, storage_root: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "cdss.settings.test",
        "DATABASE_URL": services.database_url,
        "BROKER_URL": services.broker_url,
        "SECRET_KEY": "test-only-key-that-guards-nothing-and-is-long-enough-to-be-accepted",
        "STORAGE_ROOT": str(storage_root),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        **more,
    }


@contextlib.contextmanager
def started(argv: list[str], *, env: Mapping[str, str], log: Path) -> Iterator[Process]:
    with log.open("ab") as output:
        popen = subprocess.Popen(
            argv, env=env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    process = Process(popen, log)
    try:
        yield process
    finally:
        process.kill_group()


def granian(port: int) -> list[str]:
    return [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
            "--workers", "1", "--blocking-threads", "4", "--no-ws", "--log-level", "warning",
            "cdss.wsgi:application"]  # fmt: skip


def celery_worker(name: str, queues: str = "imaging,assess") -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "cdss.celery", "worker", "--loglevel", "info", "--pool", "prefork",
            "--without-gossip", "--without-mingle", "-Q", queues, "-c", "1", "-n", f"{name}@%h"]  # fmt: skip


def sweeper() -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), "run_sweeper", "--interval", "0.5"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_answer(url: str, process: Process, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310  our own server
            return
        if process.popen.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer:\n{process.log.read_text()[-2000:]}")


def resident_bytes(pid: int, field: str = "VmRSS") -> int:
    """Memory a process holds now (VmRSS) or has ever held (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {field} of {pid}")
