"""The image's one entry point: a command becomes the program it names, anything else is refused in a sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.management import get_commands

DOCKER = Path(__file__).resolve().parents[2] / "docker"
ENTRYPOINT = DOCKER / "entrypoint.sh"


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Stands where Python would and prints its own process id and arguments, one a line."""
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$$" "$@"\n')
    program.chmod(0o755)
    return program


def run(*arguments: str, python: Path) -> tuple[int, list[str], str, int]:
    places = {"PYTHON": str(python), "CDSS_HOME": str(DOCKER.parent), "TMPDIR": str(python.parent)}
    started = subprocess.Popen(
        [str(ENTRYPOINT), *arguments],
        env={"PATH": "/usr/bin:/bin", **places},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    output, errors = started.communicate(timeout=30)
    return started.returncode, output.splitlines(), errors, started.pid


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["frobnicate"], "'frobnicate' is not a command of this image."),
        ([], "No command was given."),
        (["worker"], "A worker needs a queue: imaging or assess, not ''."),
        (["worker", "everything"], "A worker needs a queue: imaging or assess, not 'everything'."),
        (["ping", "; id"], "A worker needs a queue: imaging or assess, not '; id'."),
    ],
)
def test_a_command_it_does_not_know_is_refused_with_a_sentence(
    arguments: list[str], sentence: str, python: Path
) -> None:
    code, output, errors, _ = run(*arguments, python=python)

    assert code == 64
    assert errors.splitlines()[0] == sentence
    assert "sweeper" in errors  # what it does know follows
    assert output == []


@pytest.mark.parametrize(
    ("arguments", "module", "expected"),
    [
        (["web"], "granian", ["--port", "8000", "cdss.wsgi:application"]),
        (["dicomweb"], "granian", ["--interface", "wsgi", "cdss.wsgi:application"]),
        (["worker", "imaging"], "celery", ["-A", "cdss.celery", "worker", "-Q", "imaging"]),
        (["worker", "assess"], "celery", ["-Q", "assess", "-n", "assess@%h"]),
        (["ping", "imaging"], "celery", ["inspect", "ping"]),
    ],
)
def test_a_program_replaces_the_shell_so_that_signals_reach_it(
    arguments: list[str], module: str, expected: list[str], python: Path
) -> None:
    code, output, _, pid = run(*arguments, python=python)

    assert code == 0
    assert output[:3] == [str(pid), "-m", module]
    assert find_spec(module) is not None
    assert all(word in output for word in expected)


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["sweeper"], "run_sweeper"),
        (["bootstrap", "--print-sql"], "bootstrap_database"),
        (["migrate"], "migrate"),
        (["manage", "verify_audit_log", "--json"], "verify_audit_log"),
    ],
)
def test_a_management_command_is_one_that_exists(arguments: list[str], command: str, python: Path) -> None:
    _, output, _, pid = run(*arguments, python=python)

    assert output[:3] == [str(pid), "manage.py", command]
    assert command in get_commands()
    assert [word for word in arguments[1:] if word.startswith("--")] == [w for w in output[3:] if w in arguments]


@pytest.mark.parametrize(("seconds_ago", "code"), [(None, 1), (5, 0), (200, 1)])
def test_a_sweeper_is_well_while_its_last_round_is_recent(seconds_ago: int | None, code: int, python: Path) -> None:
    _, output, _, _ = run("sweeper", python=python)
    alive = Path(output[output.index("--alive-file") + 1])
    assert alive.parent == python.parent
    if seconds_ago is not None:
        alive.touch()
        os.utime(alive, (time.time() - seconds_ago,) * 2)
    assert run("swept", python=python)[0] == code


@pytest.mark.parametrize("name", ["entrypoint.sh", "make-secrets.sh"])
def test_the_scripts_pass_shellcheck(name: str) -> None:
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed (apt-get install shellcheck)")
    done = subprocess.run([shellcheck, str(DOCKER / name)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
