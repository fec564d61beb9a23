"""One command in a process of its own: its lines passed on as they come, a stop obeyed while it runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cdss.demo.errors import DemonstrationError
from cdss.embedded.processes import child_start

ROOT = Path(__file__).resolve().parent.parent.parent
WAIT_SECONDS = 0.1
GRACE_SECONDS = 3.0
# The last line of a trace, or what Django prints of a CommandError.
_ERROR = re.compile(r"^(?:[\w.]*\.)?(\w+): (.+)$")


def command_run(
    *,
    name: str,
    argv: Sequence[str | Path],
    env: Mapping[str, str],
    log_path: Path,
    check: Callable[[], None],
    say: Callable[[str], None] | None = None,
) -> str:
    """Run to the end and return the output, kept in `log_path` too. `check` is asked all the while; when it raises,
    the command is stopped. A process group of its own: Ctrl-C in a terminal reaches us alone, not its middle."""
    log_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    log_path.unlink(missing_ok=True)  # one run's output, so that what is read is this run's
    child = child_start(name=name, argv=argv, log_path=log_path, env=env, cwd=ROOT)
    try:
        with log_path.open(encoding="utf-8", errors="replace") as log:
            while not child.wait(WAIT_SECONDS):
                check()
                _pass_on(log.readlines(), say)
            _pass_on(log.readlines(), say)
    finally:
        code = child.stop(grace_seconds=GRACE_SECONDS)
    output = log_path.read_text(encoding="utf-8", errors="replace")
    if code != 0:
        check()  # a stop may have reached it before us
        raise DemonstrationError(error_sentence(output) or f"`{name}` failed; its output is in {log_path}.")
    return output


def _pass_on(lines: Sequence[str], say: Callable[[str], None] | None) -> None:
    for line in lines if say else ():
        say(line.rstrip("\n"))  # type: ignore[misc]


def error_sentence(output: str) -> str:
    """What a person needs of a failed command's output: the error's own words, not the trace that led to it."""
    found = [match for line in output.splitlines() if (match := _ERROR.match(line))]
    for meant in (("ImproperlyConfigured", "CommandError"), ("OperationalError", "TemplateMissingError")):
        words = [match[2] for match in found if match[1] in meant]
        if words:
            return words[-1].strip().rstrip(".") + "."
    return ""
