"""The processes of the demonstration: the same commands a hospital runs, started and stopped together."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from cdss.demo.commands import GRACE_SECONDS, ROOT, command_run
from cdss.demo.errors import DemonstrationError, DemonstrationInterrupted
from cdss.demo.manage import ENVIRONMENT_FILE, environment_write
from cdss.demo.ports import ports_check
from cdss.embedded.processes import ChildDeath, ChildProcesses
from cdss.embedded.supervisor import EmbeddedServices
from cdss.embedded.urls import ServiceUrls

START_SECONDS = 60
DEMO_PATIENTS = 42
PASSWORD = "synthetic-patients-only"  # noqa: S105  published; refused wherever DEMONSTRATION is off
USERS = (
    ("clinician", "reads, answers and overrides risks"),
    ("auditor", "reads and verifies the audit log"),
    ("administrator", "decides about images kept apart, tries and adopts a policy"),
)


class Demonstration:
    """Starts everything on entry and stops everything on exit, in the opposite order."""

    def __init__(
        self,
        *,
        data_dir: Path,
        port: int,
        say: Callable[[str], None],
        stop: threading.Event,
        patients: int = DEMO_PATIENTS,
    ) -> None:
        self.data_dir, self.port, self.say, self.stop = data_dir, port, say, stop
        self.web_url = f"http://127.0.0.1:{port}"
        self.dicomweb_url = f"http://127.0.0.1:{port + 1}/dicom-web"
        self.patients = patients
        self.environment: dict[str, str] = {}
        self._embedded: EmbeddedServices | None = None
        self._children = ChildProcesses()

    @property
    def own_dir(self) -> Path:
        return self.data_dir / "demonstration"

    @property
    def logs_dir(self) -> Path:
        return self.own_dir / "logs"

    @property
    def api_token(self) -> str:
        return (self.own_dir / "api-token").read_text(encoding="utf-8").strip()

    def __enter__(self) -> Self:
        try:
            self._refuse_checkout()
            ports_check(self.port)
            self._start_services()
            state = self._hospital_state()
            self.say("Bringing the database up to date")
            self.run_manage("migrate", "--verbosity", "0", owner=True)
            self._start_processes()
            self._load_hospital(state)
            environment_write(self.data_dir, self.environment)
            self.check()
        except DemonstrationInterrupted:
            self.close(grace_seconds=GRACE_SECONDS)  # a worker in the middle of a study is not waited for
            raise
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self, *, grace_seconds: float | None = None) -> None:
        if self._embedded is not None or self.environment:
            self.say("Stopping")
            (self.data_dir / ENVIRONMENT_FILE).unlink(missing_ok=True)
        self._children.stop(grace_seconds=grace_seconds)
        if self._embedded is not None:
            self._embedded.stop()
        self._embedded, self.environment = None, {}

    def announce(self) -> None:
        self.check()
        self.say("")
        self.say(f"Ready: {self.web_url}   (DICOMweb: {self.dicomweb_url})")
        for role, what in USERS:
            self.say(f"  user {role:14} password {PASSWORD}   {what}")
        self.say(f"  a second hospital has clinician.lakeside and so on; API token: {self.api_token}")
        self.say("Every patient is synthetic. Ctrl-C stops everything; what was recorded stays.")

    def watch(self) -> None:
        """Wait for Ctrl-C; a process that ends by itself ends the demonstration with its last words."""
        while not self.stop.wait(0.5):
            self._refuse_death()

    def check(self) -> None:
        """Asked while anything is waited for: a stop comes first, it may have been the end of a process too."""
        if self.stop.is_set():
            raise DemonstrationInterrupted
        self._refuse_death()

    def _refuse_death(self) -> None:
        death = self._children.death() or (self._embedded.death() if self._embedded else None)
        if death is not None:
            raise DemonstrationError(death_sentence(death))

    def run_manage(self, *arguments: str, owner: bool = False, say: Callable[[str], None] | None = None) -> str:
        """One management command, in a process of its own; its output."""
        environment = dict(self.environment)
        if owner:
            environment["DATABASE_URL"] = environment["DATABASE_OWNER_URL"]
        return self._run(f"manage.py {arguments[0]}", [str(ROOT / "manage.py"), *arguments], environment, say)

    def synthetic_write(self, folder: Path, *arguments: str, say: Callable[[str], None] | None = None) -> None:
        """Synthetic patients and their DICOM files, written by the library's own command."""
        argv = ["-m", "ml.synthetic", str(folder), "--transfer-syntax", "jpeg-ls-lossless", *arguments]
        self._run("python -m ml.synthetic", argv, self.environment, say)

    def _run(
        self, name: str, argv: list[str], environment: Mapping[str, str], say: Callable[[str], None] | None = None
    ) -> str:
        log = self.logs_dir / f"{name.split()[-1]}.log"
        return command_run(
            name=name, argv=[sys.executable, *argv], env=environment, log_path=log, check=self.check, say=say
        )

    def _refuse_checkout(self) -> None:
        """Patients' data next to the code would end in a commit, an image or a backup of it."""
        if self.data_dir.resolve().is_relative_to(ROOT):
            raise DemonstrationError(
                f"the data folder {self.data_dir} is inside the checkout {ROOT}; name one outside with --data-dir."
            )

    def _start_services(self) -> None:
        """The embedded servers, unless DATABASE_URL and BROKER_URL name the user's own."""
        urls = None
        if "DATABASE_URL" not in os.environ or "BROKER_URL" not in os.environ:
            self._embedded = EmbeddedServices(on_progress=self.say)
            urls = self._embedded.start(self.data_dir)
        environment = environment_with(os.environ, urls)
        self.own_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        storage = self.data_dir / "storage"
        storage.mkdir(exist_ok=True, mode=0o700)
        environment |= {
            "DJANGO_SETTINGS_MODULE": "cdss.settings.development",
            "SECRET_KEY": _secret(self.own_dir / "secret-key"),
            "STORAGE_ROOT": str(storage),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(ROOT),
        }
        environment.setdefault("SERIES_QUIET_SECONDS", "3")
        self.environment = environment

    @property
    def _token_file(self) -> str:
        return str(self.own_dir / "api-token")

    def _hospital_state(self) -> str:
        """Asked of the database, before it is changed: a file of ours says nothing about somebody else's server."""
        arguments = ["--state", "--patients", str(self.patients), "--token-file", self._token_file]
        if "DATABASE_URL" not in os.environ:
            arguments.append("--database-is-ours")
        return self.run_manage("load_demo_hospital", *arguments, owner=True).splitlines()[-1].strip()

    def _load_hospital(self, state: str) -> None:
        folder = self.own_dir / "synthetic"
        if state == "missing":
            self._make_hospital(folder)
        elif state == "token differs":
            self.run_manage("load_demo_hospital", "--renew-token", "--token-file", self._token_file)
        if state != "missing" and not any((self.data_dir / "storage").iterdir()):
            self.say("The images of this database were kept in another data folder; they are not here.")
        shutil.rmtree(folder, ignore_errors=True)

    def _make_hospital(self, folder: Path) -> None:
        self.say("Making the demo hospital: two organisations, synthetic patients and their images (once, minutes)")
        made = folder / "cohort.json"  # written last
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            arguments = ("--patients", str(self.patients), "--reference-date", self._today())
            self.synthetic_write(folder, *arguments, say=self.say)
        self.say("Taking it in: the worklist fills up while the workers read the images")
        ours = [] if "DATABASE_URL" in os.environ else ["--database-is-ours"]
        self.run_manage("load_demo_hospital", str(folder), "--token-file", self._token_file, *ours, say=self.say)

    @staticmethod
    def _today() -> str:
        return datetime.now(UTC).date().isoformat()

    def _start_processes(self) -> None:
        python, logs = sys.executable, self.logs_dir
        web = [python, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--workers", "1",
               "--blocking-threads", "4", "--no-ws", "--log-level", "warning", "cdss.wsgi:application"]  # fmt: skip
        worker = [python, "-m", "celery", "-A", "cdss.celery", "worker", "--loglevel", "warning", "--pool", "prefork",
                  "--without-gossip", "--without-mingle"]  # fmt: skip
        commands = {
            "web": [*web, "--port", str(self.port)],
            "dicomweb": [*web, "--port", str(self.port + 1)],
            "worker-imaging": [*worker, "-Q", "imaging", "-c", "1", "-n", "imaging@%h"],
            "worker-assess": [*worker, "-Q", "assess,deliver", "-c", "1", "-n", "assess@%h"],
            "sweeper": [python, str(ROOT / "manage.py"), "run_sweeper"],
        }
        self.say(f"Starting {', '.join(commands)}")
        for name, argv in commands.items():
            log = logs / f"{name}.log"
            self._children.start(name=name, argv=argv, log_path=log, env=self.environment, cwd=ROOT)
        deadline = time.monotonic() + START_SECONDS
        for url in (f"{self.web_url}/readyz", f"http://127.0.0.1:{self.port + 1}/readyz"):
            while not _answers(url):
                self.check()
                if time.monotonic() > deadline:
                    raise DemonstrationError(f"{url} did not answer within {START_SECONDS} s; the logs are in {logs}.")
                time.sleep(0.1)


def environment_with(named: Mapping[str, str], embedded: ServiceUrls | None) -> dict[str, str]:
    """The environment with every address in it; both addresses of the database are of the same server."""
    environment = dict(named)
    if embedded is not None:
        if "DATABASE_URL" not in environment:
            environment["DATABASE_URL"] = embedded.database_url
            environment["DATABASE_OWNER_URL"] = embedded.database_owner_url
        environment.setdefault("BROKER_URL", embedded.broker_url)
    _cache_beside_broker(environment, named)
    if embedded is not None:
        environment.setdefault("CACHE_URL", embedded.cache_url)
    environment.setdefault("DATABASE_OWNER_URL", environment["DATABASE_URL"])
    return environment


def _cache_beside_broker(environment: dict[str, str], named: Mapping[str, str]) -> None:
    """A user's own Redis is the cache too, unless another is named."""
    if named.get("BROKER_URL", "").startswith(("redis://", "rediss://", "redis+socket://")):
        environment.setdefault("CACHE_URL", named["BROKER_URL"].replace("redis+socket://", "unix://"))


def death_sentence(death: ChildDeath) -> str:
    """With the last lines of the log, except of what was killed: it had no last words, only unrelated earlier ones."""
    words = () if death.returncode == -signal.SIGKILL else death.last_lines[-3:]
    return " ".join([death.sentence, *words, "Start it again; what was recorded stays."])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _secret(path: Path) -> str:
    """Made once, kept readable by its owner only."""
    if not path.exists():
        temporary = path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("demo-" + secrets.token_urlsafe(48))
        temporary.rename(path)
    return path.read_text(encoding="utf-8")
