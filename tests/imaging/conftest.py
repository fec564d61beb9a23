from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_django import Settings

from cdss.embedded.urls import ServiceUrls
from tests.processes import Process, environment, free_port, granian, started, wait_for_answer


@dataclass(frozen=True)
class StowServer:
    port: int
    storage_root: Path
    process: Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/dicom-web"

    @property
    def worker_pid(self) -> int:
        """The process that runs Python; its parent only watches it."""
        return self.process.children[-1]


@pytest.fixture(scope="module")
def stow_process(
    services: ServiceUrls, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StowServer]:
    folder = tmp_path_factory.mktemp("stow")
    storage_root, port = folder / "storage", free_port()
    storage_root.mkdir()
    env = environment(services, storage_root, STOW_MAX_INSTANCE_BYTES=str(4 * 1024**2))
    with started(granian(port), env=env, log=folder / "granian.log") as process:
        wait_for_answer(f"http://127.0.0.1:{port}/healthz", process)
        yield StowServer(port, storage_root, process)


@pytest.fixture
def stow(stow_process: StowServer, settings: Settings, storage_root: Path) -> StowServer:
    """A real server on the test's database; the test looks at the server's storage."""
    settings.STORAGE_ROOT = stow_process.storage_root
    return stow_process
