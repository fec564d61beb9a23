"""`make demo`: the whole service on this machine, with synthetic patients; Ctrl-C stops all of it."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import traceback
from datetime import UTC, datetime
from pathlib import Path

from cdss.demo.errors import DemonstrationError, DemonstrationInterrupted
from cdss.demo.processes import Demonstration
from cdss.embedded.data_directory import default_data_dir
from cdss.embedded.errors import EmbeddedError

ONCE_SECONDS = 300
INTERRUPTED = "Interrupted; what was recorded stays, and the next start goes on."


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make demo ARGS=...", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="web port; DICOMweb listens on the next one")
    parser.add_argument("--data-dir", type=Path, default=None, help="where everything is kept (never in the checkout)")
    parser.add_argument(
        "--once", action="store_true", help="send one new patient and study, print the result as JSON, stop"
    )
    options = parser.parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    data_dir = (options.data_dir or default_data_dir()).expanduser().absolute()
    demonstration = Demonstration(data_dir=data_dir, port=options.port, say=_say, stop=stop)
    try:
        with demonstration:
            if options.once:
                from cdss.demo.once import study_send_and_watch

                result = study_send_and_watch(demonstration, limit_seconds=ONCE_SECONDS)
                demonstration.close()
                sys.stdout.write(json.dumps(result) + "\n")
                return 0
            demonstration.announce()
            demonstration.watch()
    except DemonstrationInterrupted:
        _say(INTERRUPTED)
        return 1
    except (DemonstrationError, EmbeddedError) as error:
        if stop.is_set():  # a Ctrl-C reaches initdb and its like too, and they fail of it
            _say(INTERRUPTED)
            return 1
        _say(f"The demonstration stopped: {error}")
        return 1
    except Exception as error:  # noqa: BLE001  whatever it is, a newcomer gets a sentence and the log the trace
        _say(f"The demonstration stopped: unexpected {type(error).__name__}; {_trace_keep(demonstration.logs_dir)}.")
        return 1
    return 0


def _trace_keep(folder: Path) -> str:
    """Append the trace of the error being handled to a log of our own, and say where it is."""
    path = folder / "demonstration.log"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat()} {traceback.format_exc()}\n")
    except OSError as error:
        return f"its trace could not be written to {path} ({error.strerror})"
    return f"its trace is in {path}"


def _say(line: str) -> None:
    """Progress goes to standard error, so that the last line of standard output is the result alone."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
