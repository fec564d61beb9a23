"""One private Valkey server: the broker of the jobs and the cache."""

from __future__ import annotations

import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from cdss.embedded.data_directory import DataDirectory
from cdss.embedded.errors import EmbeddedError
from cdss.embedded.leftovers import leftovers_wait
from cdss.embedded.processes import POLL_SECONDS, ChildProcess, child_start

READY_TIMEOUT_SECONDS = 120.0
SOCKET_NAME = "valkey.sock"


@dataclass(frozen=True)
class ValkeyServer:
    """The Valkey of one data folder, reachable through a Unix socket only."""

    program: Path
    directory: DataDirectory
    password: str
    is_durable: bool

    @property
    def socket_path(self) -> Path:
        return self.directory.run / SOCKET_NAME

    @property
    def configuration(self) -> str:
        return "\n".join(
            [
                "port 0",
                f"unixsocket {_quoted(self.socket_path)}",
                "unixsocketperm 700",
                f"requirepass {self.password}",
                f"dir {_quoted(self.directory.valkey)}",
                # The append-only file is the persistence; snapshots would double the writing.
                'save ""',
                f"appendonly {'yes' if self.is_durable else 'no'}",
                "appendfsync everysec",
                # A full broker must refuse a message, never forget an older one.
                "maxmemory-policy noeviction",
                "",
            ]
        )

    def start(self) -> ChildProcess:
        leftovers_wait(self.directory.valkey, self.program.name)
        return child_start(
            name="valkey",
            argv=[self.program, "-"],
            stdin=self.configuration.encode(),
            log_path=self.directory.logs / "valkey.log",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            cwd=Path("/"),
            umask=0o077,
            account=self.directory.account,
            stop_signal=signal.SIGTERM,
        )

    def wait_ready(self, server: ChildProcess) -> None:
        """Wait until the server answers PING, having loaded its file."""
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while not self._answers():
            if server.has_exited():
                server.kill()
                raise self._failure("EMBEDDED_VALKEY_DIED", "Valkey did not start", server)
            if time.monotonic() >= deadline:
                raise self._failure("EMBEDDED_VALKEY_SLOW", "Valkey does not answer", server)
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(5)
            try:
                client.connect(str(self.socket_path))
                client.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                with client.makefile("rb") as answers:
                    return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
            except OSError:
                return False

    def _failure(self, reason_code: str, what: str, server: ChildProcess) -> EmbeddedError:
        return EmbeddedError(reason_code, f"{what}: {server.last_words()} (log: {server.log_path}).")


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
