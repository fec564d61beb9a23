"""One private PostgreSQL cluster: made once, started, watched until it answers."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from cdss.embedded.binaries import PostgresPrograms
from cdss.embedded.data_directory import DataDirectory, directory_sync
from cdss.embedded.errors import EmbeddedError
from cdss.embedded.leftovers import leftovers_wait
from cdss.embedded.processes import POLL_SECONDS, ChildProcess, child_start

ADMIN_ROLE = "postgres"
PORT = 5432
INITDB_TIMEOUT_SECONDS = 300.0
# Recovery after a crash may take minutes on a slow disk; a server that dies instead is noticed at once.
READY_TIMEOUT_SECONDS = 900.0
PATIENCE_SECONDS = 3.0

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # A statement or the DETAIL of an error may hold what a patient's row says; neither belongs in a log file.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    # Parallel index builds need more shared memory than a container usually has.
    "max_parallel_maintenance_workers": "0",
}
# For tests only: a power cut may then leave the cluster unreadable.
NOT_DURABLE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class PostgresCluster:
    """The cluster of one data folder."""

    programs: PostgresPrograms
    directory: DataDirectory
    admin_password: str
    is_durable: bool

    @property
    def folder(self) -> Path:
        return self.directory.cluster(self.programs.major)

    @property
    def exists(self) -> bool:
        return (self.folder / "PG_VERSION").exists()

    @property
    def admin_conninfo(self) -> str:
        return make_conninfo(
            host=str(self.directory.run), port=PORT, user=ADMIN_ROLE, password=self.admin_password, dbname="postgres"
        )

    def create(self) -> None:
        """Make the cluster under a temporary name, so that an interrupted initdb is never taken for a cluster."""
        self._refuse_other_major()
        if self.folder.exists():
            raise EmbeddedError(
                "EMBEDDED_CLUSTER_DAMAGED",
                f"{self.folder} is no complete PostgreSQL data folder; restore it, or choose another data folder.",
            )
        account = self.directory.account
        unfinished = Path(tempfile.mkdtemp(prefix=f"{self.folder.name}.init-", dir=self.directory.root))  # mode 0700
        account.give(unfinished)
        with _password_pipe(self.admin_password, account.uid) as password_fd:
            initdb = child_start(
                name="initdb",
                argv=[
                    self.programs.bin / "initdb",
                    f"--pgdata={unfinished}",
                    f"--username={ADMIN_ROLE}",
                    f"--pwfile=/dev/fd/{password_fd}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--data-checksums",
                    *self._locale_options(),
                    *([] if self.is_durable else ["--no-sync"]),
                ],
                log_path=self.directory.logs / "initdb.log",
                env=_environment(),
                cwd=Path("/"),
                pass_fds=(password_fd,),
                umask=0o077,
                account=account,
                stop_signal=signal.SIGKILL,
            )
            try:
                initdb.wait(INITDB_TIMEOUT_SECONDS)
            finally:
                initdb.kill()
        if initdb.returncode != 0:
            raise _failure("EMBEDDED_INITDB_FAILED", "PostgreSQL could not make its data folder", initdb)
        unfinished.rename(self.folder)
        directory_sync(self.directory.root)

    def remove_unfinished(self) -> None:
        """Remove what an interrupted initdb left behind."""
        for unfinished in self.directory.root.glob("pg*.init-*"):
            shutil.rmtree(unfinished, ignore_errors=True)

    def start(self) -> ChildProcess:
        """Start the server; `wait_ready` says when it answers."""
        owner = self.folder.stat().st_uid
        if owner != self.directory.account.uid:
            raise EmbeddedError(
                "EMBEDDED_FOLDER_FOREIGN",
                f"The database in {self.folder} belongs to user id {owner}, but would run as "
                f"{self.directory.account.name}; run as its owner, or choose another data folder.",
            )
        leftovers_wait(self.folder, "postgres")
        # It guards a socket that only the holder of our lock may open; a recycled pid in it would stop the start.
        (self.directory.run / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
        settings = SETTINGS | {"unix_socket_directories": str(self.directory.run)}
        if not self.is_durable:
            settings |= NOT_DURABLE_SETTINGS
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return child_start(
            name="postgres",
            argv=[self.programs.bin / "postgres", "-D", self.folder, *options],
            log_path=self.directory.logs / "postgres.log",
            env=_environment() | self._stale_pid_environment(),
            cwd=Path("/"),
            umask=0o077,
            account=self.directory.account,
            stop_signal=signal.SIGINT,  # fast shutdown: open transactions are rolled back, a checkpoint is written
        )

    def wait_ready(self, server: ChildProcess, on_progress: Callable[[str], None]) -> None:
        """Wait until the server accepts the administrator."""
        began = time.monotonic()
        told = False
        while True:
            if server.has_exited():
                server.kill()
                raise _failure("EMBEDDED_POSTGRES_DIED", "PostgreSQL did not start", server)
            try:
                psycopg.connect(self.admin_conninfo, connect_timeout=10).close()
            except psycopg.OperationalError as error:
                self._refuse_wrong_password(error)
            else:
                return
            waited = time.monotonic() - began
            if waited > READY_TIMEOUT_SECONDS:
                raise _failure("EMBEDDED_POSTGRES_SLOW", "PostgreSQL does not answer", server)
            if waited > PATIENCE_SECONDS and not told:
                told = True
                on_progress("PostgreSQL is recovering from an unclean stop")
            time.sleep(2 * POLL_SECONDS)

    def _locale_options(self) -> list[str]:
        # Nothing of the host's locales, so that every machine sorts alike.
        if self.programs.major >= 17:
            return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        return ["--locale=C"]

    def _stale_pid_environment(self) -> dict[str, str]:
        """Let the server disregard the pid of a dead predecessor, which may by now be a stranger's.

        PostgreSQL ignores a pid file that names its own ancestors, and this variable names one. The file stays, and
        with it the check that no process is attached to the predecessor's shared memory.
        """
        with contextlib.suppress(OSError, ValueError, IndexError):
            return {"PG_GRANDPARENT_PID": str(abs(int((self.folder / "postmaster.pid").read_text().splitlines()[0])))}
        return {}

    def _refuse_other_major(self) -> None:
        others = self.directory.other_clusters(self.programs.major)
        if others:
            raise EmbeddedError(
                "EMBEDDED_POSTGRES_MAJOR",
                f"The data in {others[0]} were written by PostgreSQL {others[0].name.removeprefix('pg')}, but the "
                f"programs are PostgreSQL {self.programs.version}; install the older version, or dump the data with "
                "it and restore them into a new data folder.",
            )

    def _refuse_wrong_password(self, error: psycopg.OperationalError) -> None:
        if "password authentication failed" in str(error):
            raise EmbeddedError(
                "EMBEDDED_SECRET_MISMATCH",
                f"PostgreSQL does not accept the password in {self.directory.secrets}; restore the file that belongs "
                f"to the database in {self.folder}.",
            ) from error


def _environment() -> dict[str, str]:
    # Nothing of the caller's: PGDATA, PGPORT, PGOPTIONS and the locale would all change what the server does.
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@contextlib.contextmanager
def _password_pipe(password: str, uid: int) -> Iterator[int]:
    """A descriptor from which the account can read the password once; no file and no command line ever holds it."""
    read_fd, write_fd = os.pipe()
    try:
        if os.geteuid() == 0:
            os.fchown(read_fd, uid, -1)  # /dev/fd/N is opened anew, by the account
        os.write(write_fd, password.encode() + b"\n")
        os.close(write_fd)
        yield read_fd
    finally:
        os.close(read_fd)


def _failure(reason_code: str, what: str, child: ChildProcess) -> EmbeddedError:
    return EmbeddedError(reason_code, f"{what}: {child.last_words()} (log: {child.log_path}).")
