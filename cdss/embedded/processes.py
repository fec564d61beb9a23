"""Child processes that do not outlive the process that started them.

On Linux the kernel signals a child when its parent dies (PR_SET_PDEATHSIG). It does so when the *thread* that started
the child ends, so children are started from the main thread only; starting one elsewhere is refused. On other systems
a small shell process per child reads a pipe that closes with the parent. Every child leads its own session: Ctrl-C
reaches only the parent, which then stops its children in the right order. Nothing is restarted.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cdss.embedded.account import ServiceAccount
from cdss.embedded.errors import EmbeddedError

POLL_SECONDS = 0.01
LOG_TAIL_BYTES = 16_384
LOG_ROTATE_BYTES = 10 * 1024 * 1024
KERNEL_SIGNALS_ORPHANS = sys.platform == "linux"
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec nothing may be imported.
_LIBC = ctypes.CDLL(None, use_errno=True) if KERNEL_SIGNALS_ORPHANS else None
_LIFELINE = 'read -r _; kill -s "$1" "$2"'


@dataclass(frozen=True, kw_only=True)
class ChildDeath:
    """A child that ended although nobody asked it to."""

    name: str
    returncode: int
    log_path: Path
    last_lines: tuple[str, ...]

    @property
    def sentence(self) -> str:
        how = f"exit code {self.returncode}"
        if self.returncode < 0:
            how = f"signal {signal.Signals(-self.returncode).name}"
        return f"{self.name} ended unexpectedly with {how}; its log is {self.log_path}."


class ChildProcess:
    """One running child; made by `child_start`."""

    def __init__(
        self,
        *,
        name: str,
        popen: subprocess.Popen[bytes],
        log_path: Path,
        log_offset: int,
        stop_signal: signal.Signals,
        lifeline: subprocess.Popen[bytes] | None,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._popen = popen
        self._log_offset = log_offset
        self._stop_signal = stop_signal
        self._lifeline = lifeline

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        return self._popen.returncode

    def has_exited(self) -> bool:
        """Whether the child has ended. It stays unreaped, so that its pid cannot pass to a stranger meanwhile."""
        if self._popen.returncode is not None:
            return True
        if hasattr(os, "waitid"):
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
        return self._popen.poll() is not None

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for the end of the child; False when it still runs after `timeout_seconds`."""
        deadline = time.monotonic() + timeout_seconds
        while not self.has_exited():
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def send_signal(self, signal_number: signal.Signals) -> None:
        if not self.has_exited():
            os.kill(self.pid, signal_number)

    def stop(self, *, grace_seconds: float) -> int:
        """Ask the child to stop, wait, then kill it and whatever is left of its process group; its exit code."""
        try:
            self.send_signal(self._stop_signal)
            self.wait(grace_seconds)
        finally:
            code = self.kill()
        return code

    def kill(self) -> int:
        """Kill the child's process group at once and reap the child."""
        if self._popen.returncode is None:
            # The child is not reaped yet, so this process group is certainly still ours.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._release_lifeline()
        return self._popen.wait()

    def _release_lifeline(self) -> None:
        # Before the child is reaped: afterwards its pid might belong to somebody else.
        if self._lifeline is not None:
            self._lifeline.kill()
            self._lifeline.wait()
            if self._lifeline.stdin is not None:
                self._lifeline.stdin.close()
            self._lifeline = None

    def last_lines(self, count: int = 20) -> tuple[str, ...]:
        """The last lines that this run of the child wrote to its log."""
        with self.log_path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_offset, size - LOG_TAIL_BYTES))
            text = log.read().decode(errors="replace")
        return tuple(text.splitlines()[-count:])

    def last_words(self) -> str:
        """Why the child ended, in its own words: its last fatal message, or its last few lines."""
        lines = [line.strip() for line in self.last_lines() if line.strip()]
        fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
        return " ".join(fatal[-1:] or lines[-3:]) or "no message"

    def death(self) -> ChildDeath | None:
        """What happened to the child, or None while it runs."""
        if not self.has_exited():
            return None
        return ChildDeath(name=self.name, returncode=self.kill(), log_path=self.log_path, last_lines=self.last_lines())


def child_start(
    *,
    name: str,
    argv: Sequence[str | Path],
    log_path: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    pass_fds: Sequence[int] = (),
    umask: int = -1,
    account: ServiceAccount | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    use_kernel_signal: bool = KERNEL_SIGNALS_ORPHANS,
) -> ChildProcess:
    """Start a child whose output goes to `log_path` and which gets `stop_signal` when this process dies.

    `stdin` is for a few lines of configuration that must not be seen on a command line.
    """
    if threading.current_thread() is not threading.main_thread():
        raise EmbeddedError(
            "EMBEDDED_NOT_MAIN_THREAD",
            f"{name} must be started from the main thread: the kernel would stop it when this thread ends.",
        )
    _log_rotate(log_path)
    with open(log_path, "ab", opener=_private) as log:
        log_offset = os.fstat(log.fileno()).st_size
        popen = subprocess.Popen(  # noqa: S603
            argv,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            pass_fds=pass_fds,
            umask=umask,
            start_new_session=True,
            user=account.popen_user if account else None,
            group=account.popen_group if account else None,
            extra_groups=account.popen_extra_groups if account else None,
            preexec_fn=_signalled_on_parent_death(stop_signal) if use_kernel_signal else None,
        )
    if popen.stdin is not None and stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # A child that died at once is reported by death().
            popen.stdin.write(stdin)
        with contextlib.suppress(BrokenPipeError):
            popen.stdin.close()
    return ChildProcess(
        name=name,
        popen=popen,
        log_path=log_path,
        log_offset=log_offset,
        stop_signal=stop_signal,
        lifeline=None if use_kernel_signal else _lifeline_start(popen.pid, stop_signal),
    )


def _signalled_on_parent_death(signal_number: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()
    libc = _LIBC

    def between_fork_and_exec() -> None:
        # The parent may have died between fork and prctl; then there will be no signal any more.
        if libc is None or libc.prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0) != 0 or os.getppid() != parent:
            os._exit(127)

    return between_fork_and_exec


def _lifeline_start(pid: int, signal_number: signal.Signals) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-c", _LIFELINE, "lifeline", signal_number.name.removeprefix("SIG"), str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _log_rotate(log_path: Path) -> None:
    if log_path.exists() and log_path.stat().st_size > LOG_ROTATE_BYTES:
        log_path.replace(log_path.with_name(log_path.name + ".1"))


class ChildProcesses:
    """Several children, started one after the other and stopped in the opposite order."""

    def __init__(self, *, grace_seconds: float = 20.0) -> None:
        self._grace_seconds = grace_seconds
        self._children: list[ChildProcess] = []

    def start(
        self,
        *,
        name: str,
        argv: Sequence[str | Path],
        log_path: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> ChildProcess:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        child = child_start(name=name, argv=argv, log_path=log_path, env=env, cwd=cwd)
        self._children.append(child)
        return child

    def death(self) -> ChildDeath | None:
        """The first child that has ended, or None while all run."""
        return next((death for child in self._children if (death := child.death()) is not None), None)

    def wait_for_death(self, timeout_seconds: float) -> ChildDeath | None:
        """Wait until some child ends; None when all still run after `timeout_seconds`."""
        deadline = time.monotonic() + timeout_seconds
        while (death := self.death()) is None and time.monotonic() < deadline:
            time.sleep(5 * POLL_SECONDS)
        return death

    def stop(self, *, grace_seconds: float | None = None) -> None:
        """Stop every child, the last started first. An interruption kills the rest at once."""
        grace_seconds = self._grace_seconds if grace_seconds is None else grace_seconds
        try:
            while self._children:
                self._children[-1].stop(grace_seconds=grace_seconds)
                self._children.pop()
        finally:
            while self._children:
                self._children.pop().kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
