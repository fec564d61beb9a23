"""Server processes of an earlier, killed instance: waited for, never signalled."""

from __future__ import annotations

import os
import time
from pathlib import Path

from cdss.embedded.errors import EmbeddedError

WAIT_SECONDS = 60.0
_COMM_LENGTH = 15


def processes_in(folder: Path, program: str) -> list[int]:
    """Pids of the running processes of `program` whose working directory is `folder`.

    PostgreSQL and Valkey both change into their data folder, so this finds exactly the processes that use it, and
    cannot mistake a stranger with a recycled pid for one of them. Empty where there is no /proc; there PostgreSQL's
    own shared-memory check still refuses a second server.
    """
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            # comm first: any process may be asked for its name, and few are ours.
            if (entry / "comm").read_text().strip() == program[:_COMM_LENGTH] and Path(
                os.readlink(entry / "cwd")
            ) == folder:
                found.append(int(entry.name))
        except OSError:
            continue  # ended meanwhile, or another user's
    return found


def leftovers_wait(folder: Path, program: str) -> None:
    """Wait until an earlier instance's servers have left `folder`; they were told to stop when their parent died."""
    deadline = time.monotonic() + WAIT_SECONDS
    while pids := processes_in(folder, program):
        if time.monotonic() >= deadline:
            raise EmbeddedError(
                "EMBEDDED_LEFTOVER_RUNNING",
                f"Process {pids[0]} ({program}) of an earlier run still uses {folder}; end it, then start again.",
            )
        time.sleep(0.02)
