"""A real PostgreSQL and a real Valkey for one machine, started, recovered and stopped by the program that needs them.

Both listen on Unix sockets in a private folder only, with passwords made on the first start. They run as the calling
user, or for root as an unprivileged account. When the program dies, even by kill -9, both stop cleanly; whatever was
committed is there at the next start. Start from the main thread (see `cdss.embedded.processes`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cdss.embedded.account import service_account
from cdss.embedded.binaries import (
    PostgresPrograms,
    postgres_bin_locate,
    postgres_programs,
    valkey_program,
    valkey_server_locate,
)
from cdss.embedded.data_directory import (
    DataDirectory,
    InstanceLock,
    data_directory_fill,
    data_directory_open,
    unusable,
)
from cdss.embedded.errors import EmbeddedError
from cdss.embedded.postgres import ADMIN_ROLE, PORT, PostgresCluster
from cdss.embedded.processes import ChildDeath, ChildProcess
from cdss.embedded.roles import DATABASE, bootstrap
from cdss.embedded.urls import ServiceUrls, service_urls_build
from cdss.embedded.valkey import SOCKET_NAME, ValkeyServer

STOP_GRACE_SECONDS = 60.0


def _quiet(_: str) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class _Services:
    postgres: PostgresCluster
    valkey: ValkeyServer


class EmbeddedServices:
    """PostgreSQL and Valkey of one data folder; a context manager that stops them."""

    def __init__(self, *, on_progress: Callable[[str], None] = _quiet, programs_dir: Path | None = None) -> None:
        """`programs_dir` is where root keeps the programs when the account cannot reach the installed ones."""
        self._on_progress = on_progress
        self._programs_dir = programs_dir
        self._directory: DataDirectory | None = None
        self._lock: InstanceLock | None = None
        self._children: list[ChildProcess] = []

    def start(self, data_dir: Path, *, durable: bool = True) -> ServiceUrls:
        """Start both servers on `data_dir`, making the database on first use, and return their addresses.

        `durable=False` is for tests: it gives up fsync, and its data folder cannot be used durably later.
        """
        if self._lock is not None:
            raise EmbeddedError("EMBEDDED_ALREADY_RUNNING", "These services have been started already.")
        account = service_account()
        postgres_bin, valkey_server = postgres_bin_locate(), valkey_server_locate()
        directory = data_directory_open(data_dir, account)
        try:
            self._take_lock(directory)
            data_directory_fill(directory)
            copies = self._programs_dir or directory.programs
            programs = postgres_programs(postgres_bin, account=account, copies=copies)
            valkey = valkey_program(valkey_server, account=account, copies=copies)
            services = _services(directory, programs, valkey, durable=durable)
            self._start_servers(services)
            bootstrap(
                services.postgres.admin_conninfo,
                app_password=directory.secret("postgres-app"),
                migrator_password=directory.secret("postgres-migrator"),
            )
        except BaseException:
            self.stop()
            raise
        return service_urls(directory.root)

    def _take_lock(self, directory: DataDirectory) -> None:
        lock = InstanceLock(directory.lock)
        lock.acquire()
        self._lock = lock
        self._directory = directory

    def _start_servers(self, services: _Services) -> None:
        services.postgres.remove_unfinished()
        self._on_progress("Starting Valkey")
        valkey = services.valkey.start()
        self._children.append(valkey)
        if not services.postgres.exists:
            self._on_progress("Making the database (first start only, a few seconds)")
            services.postgres.create()
        self._on_progress("Starting PostgreSQL")
        postgres = services.postgres.start()
        self._children.append(postgres)
        services.postgres.wait_ready(postgres, self._on_progress)
        services.valkey.wait_ready(valkey)

    def death(self) -> ChildDeath | None:
        """The server that has ended although nobody asked it to, or None while both run."""
        return next((death for child in self._children if (death := child.death()) is not None), None)

    def stop(self) -> None:
        """Stop both servers cleanly, PostgreSQL first, and give the data folder free. Harmless when not running."""
        try:
            while self._children:
                self._children[-1].stop(grace_seconds=STOP_GRACE_SECONDS)
                self._children.pop()
        finally:
            while self._children:
                self._children.pop().kill()
            if self._lock is not None and self._directory is not None:
                self._directory.run_release()
                self._lock.release()
                self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def service_urls(data_dir: Path, *, database: str = DATABASE) -> ServiceUrls:
    """The addresses of the services of a data folder, whether or not they run now; `database` names another one."""
    directory = DataDirectory(data_dir.expanduser().resolve(), service_account())
    try:
        if not directory.secrets.is_dir():
            raise EmbeddedError("EMBEDDED_NOT_INITIALISED", f"No services have been started in {directory.root} yet.")
        return service_urls_build(
            socket_dir=directory.run,
            port=PORT,
            admin=(ADMIN_ROLE, directory.secret("postgres-admin")),
            app_password=directory.secret("postgres-app"),
            migrator_password=directory.secret("postgres-migrator"),
            valkey_socket=directory.run / SOCKET_NAME,
            valkey_password=directory.secret("valkey"),
            database=database,
        )
    except OSError as error:
        raise unusable(directory.root, error) from error


def _services(directory: DataDirectory, programs: PostgresPrograms, valkey: Path, *, durable: bool) -> _Services:
    cluster = directory.cluster(programs.major)
    admin_secret = directory.secrets / "postgres-admin"
    if cluster.exists() and not admin_secret.exists():
        raise EmbeddedError(
            "EMBEDDED_SECRET_MISSING",
            f"The database in {cluster} has lost its password file {admin_secret}; restore it, or choose another data "
            "folder.",
        )
    if cluster.exists() and directory.not_durable_mark.exists() == durable:
        made, wanted = ("for tests", "to last") if durable else ("to last", "for tests")
        raise EmbeddedError(
            "EMBEDDED_DURABILITY_MISMATCH",
            f"The data in {directory.root} were made {made} and cannot be used {wanted}; choose another data folder.",
        )
    if not durable:
        directory.not_durable_mark.touch()
    return _Services(
        PostgresCluster(programs, directory, directory.secret("postgres-admin"), is_durable=durable),
        ValkeyServer(valkey, directory, directory.secret("valkey"), is_durable=durable),
    )
