import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cdss.embedded.account import ServiceAccount, service_account
from cdss.embedded.testing import temporary_data_dir, temporary_services
from cdss.embedded.urls import ServiceUrls

PROGRAM = Path(__file__).with_name("run_services.py")


class RunningServices:
    """Another process that runs the services of a data folder."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, data_dir, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self) -> dict[str, Any]:
        return json.loads(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def finish(self) -> int:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        code = self.process.wait(60)
        self.process.stdout.close()
        return code


@pytest.fixture
def account() -> ServiceAccount:
    return service_account()


@pytest.fixture
def data_dir(account: ServiceAccount) -> Iterator[Path]:
    with temporary_data_dir(account) as folder:
        yield folder


@pytest.fixture
def run_services() -> Iterator[Callable[..., RunningServices]]:
    started = []

    def start(data_dir: Path, *options: str) -> RunningServices:
        started.append(RunningServices(data_dir, *options))
        return started[-1]

    yield start
    for running in started:
        running.process.kill()
        running.finish()


@pytest.fixture(scope="module")
def urls() -> Iterator[ServiceUrls]:
    with temporary_services() as found:
        yield found


@pytest.fixture
def row_keep() -> Callable[[str, str], None]:
    def keep(database_url: str, note: str) -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute("INSERT INTO kept VALUES (%s)", [note])

    return keep


@pytest.fixture
def rows_kept() -> Callable[[str], list[str]]:
    def kept(database_url: str) -> list[str]:
        with psycopg.connect(database_url) as connection:
            return [row[0] for row in connection.execute("SELECT note FROM kept ORDER BY note")]

    return kept


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Any]:
    def wait(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.01)
        return found

    return wait
