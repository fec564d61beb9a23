"""What a newcomer is told before and while things start: one sentence, naming what to change.

Not covered: a port for which there is no permission when the tests run as root, who has it for every port.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cdss.demo.commands import ROOT, command_run, error_sentence
from cdss.demo.errors import DemonstrationError, DemonstrationInterrupted
from cdss.demo.manage import ENVIRONMENT_FILE, environment_write
from cdss.demo.ports import ports_check
from cdss.demo.processes import Demonstration, death_sentence
from cdss.embedded.processes import ChildDeath
from tests.processes import free_port


def refused(port: int) -> str:
    with pytest.raises(DemonstrationError) as error:
        ports_check(port)
    return str(error.value)


@pytest.mark.parametrize("port", [-1, 0, 65535, 70000])
def test_a_port_that_is_none_is_refused_with_the_range(port: int) -> None:
    first = 1 if os.geteuid() == 0 else 1024
    assert refused(port).startswith(f"port {port} is outside {first} to 65534;")


@pytest.mark.parametrize(("offset", "whose"), [(0, "the web pages need it"), (-1, "DICOMweb needs it")])
def test_a_taken_port_is_named_with_whose_it_is(offset: int, whose: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert refused(port + offset).startswith(f"port {port} is not free ({whose}")


def test_no_permission_is_not_called_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forbidden(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "socket", Forbidden)
    assert refused(8000).startswith("there is no permission to listen on port 8000 (the web pages need it)")


@pytest.mark.parametrize("is_linked", [False, True])
def test_a_data_folder_in_the_checkout_is_refused_and_not_made(tmp_path: Path, is_linked: bool) -> None:
    inside = ROOT / "data-of-a-test"
    if is_linked:
        (tmp_path / "link").symlink_to(ROOT)
        inside = tmp_path / "link" / inside.name
    demonstration = Demonstration(data_dir=inside, port=free_port(), say=print, stop=threading.Event())
    with pytest.raises(DemonstrationError, match="inside the checkout"), demonstration:
        pass
    assert not inside.exists()


def death(returncode: int) -> str:
    lines = ("yesterday's warning",)
    return death_sentence(ChildDeath(name="web", returncode=returncode, log_path=Path("/l"), last_lines=lines))


def test_a_killed_process_has_no_last_words() -> None:
    end = "Start it again; what was recorded stays."
    assert death(-signal.SIGKILL) == f"web ended unexpectedly with signal SIGKILL; its log is /l. {end}"
    assert death(1) == f"web ended unexpectedly with exit code 1; its log is /l. yesterday's warning {end}"


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ('Traceback\n  File "x"\ndjango.core.exceptions.ImproperlyConfigured: A=1 is wrong.\n', "A=1 is wrong."),
        ("a log line: more\nCommandError: Not this one.", "Not this one."),
        ("psycopg.OperationalError: refused\n\tIs it up?\n\ndjango.db.utils.OperationalError: refused\n", "refused."),
        ('Traceback\n  File "x"\nKeyError: 7\n', ""),
    ],
)
def test_of_a_failed_command_only_its_own_words_are_told(output: str, sentence: str) -> None:
    assert error_sentence(output) == sentence


def python(code: str, log: Path, **named: object) -> str:
    return command_run(
        name="code",
        argv=[sys.executable, "-u", "-c", code],
        env={"PATH": os.defpath},
        log_path=log,
        **{"check": lambda: None, **named},  # type: ignore[arg-type]
    )


def test_lines_are_passed_on_as_they_come(tmp_path: Path) -> None:
    said: list[tuple[str, float]] = []
    code = "import time; print('one', flush=True); time.sleep(1.5); print('two')"
    output = python(code, tmp_path / "log", say=lambda line: said.append((line, time.monotonic())))
    assert output == "one\ntwo\n"
    assert [line for line, _ in said] == ["one", "two"]
    assert said[1][1] - said[0][1] > 0.7


def test_a_stop_ends_the_command_even_one_that_does_not_listen(tmp_path: Path) -> None:
    code = "import os, signal, time; signal.signal(15, signal.SIG_IGN); print(os.getpid(), flush=True); time.sleep(60)"
    pids: list[int] = []

    def check() -> None:
        if pids:
            raise DemonstrationInterrupted

    begun = time.monotonic()
    with pytest.raises(DemonstrationInterrupted):
        python(code, tmp_path / "log", say=lambda line: pids.append(int(line)), check=check)
    assert time.monotonic() - begun < 20
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_command_without_words_of_its_own_is_named_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(DemonstrationError, match=r"`code` failed; its output is in .*log\.$"):
        python("1 / 0", tmp_path / "log")


def manage(data_dir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "cdss.demo.manage", "--data-dir", str(data_dir), *arguments]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_environment_is_the_owners_alone_and_commands_run_in_it(tmp_path: Path) -> None:
    (tmp_path / "demonstration").mkdir()
    strange = 'postgresql://u:it\'s $HOME "x"@/d?host=/nowhere'
    environment = {"DATABASE_URL": strange, "BROKER_URL": "redis://h", "SECRET_KEY": "k" * 50, "HOME": "/not-ours"}
    environment_write(tmp_path, environment | {"DJANGO_SETTINGS_MODULE": "cdss.settings.development"})
    path = tmp_path / ENVIRONMENT_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    read_by_shell = subprocess.run(
        ["/bin/sh", "-c", f'. {shlex.quote(str(path))}; printf %s "$DATABASE_URL"'], capture_output=True, text=True
    )
    assert read_by_shell.stdout == strange
    assert "not-ours" not in path.read_text()
    done = manage(tmp_path, "shell", "-v", "0", "-c", "from django.conf import settings; print(settings.BROKER_URL)")
    assert (done.stdout.strip(), done.returncode) == ("redis://h", 0), done.stderr


def test_without_a_running_demonstration_manage_says_so(tmp_path: Path) -> None:
    done = manage(tmp_path, "check")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (f"No demonstration runs in {tmp_path}: start one with make demo, or name its --data-dir.\n")


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["pip", "python"])
def test_make_mends_a_virtual_environment(tmp_path: Path, missing: str) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    if missing == "python":
        (venv / "bin" / "python").unlink()
        (venv / "bin" / "python").symlink_to("/nowhere/python3.11")
    (venv / ".installed").touch()
    argv = ["make", f"VENV={venv}", f"PYTHON={sys.executable}", f"{venv}/bin/python"]
    planned = subprocess.run([*argv[:-1], "-n", "demo"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "step 1 of 2" in planned.stdout, "what was installed in it is gone and is installed again"
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "is made anew; `make clean` would remove it." in done.stdout
    assert not (venv / ".installed").exists()
    assert subprocess.run([venv / "bin" / "python", "-m", "pip", "--version"], check=False).returncode == 0
    again = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "made anew" not in again.stdout
