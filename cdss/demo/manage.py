"""`make manage ARGS="verify_audit_log"`: a management command of the service, on the demonstration that runs."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from cdss.demo.commands import ROOT
from cdss.embedded.data_directory import default_data_dir

ENVIRONMENT_FILE = Path("demonstration", "environment")
# What the demonstration adds to the environment it was started in; nothing else belongs into the file.
NAMES = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "DATABASE_OWNER_URL", "BROKER_URL", "CACHE_URL", "SECRET_KEY",
         "STORAGE_ROOT", "SERIES_QUIET_SECONDS")  # fmt: skip


def environment_write(data_dir: Path, environment: dict[str, str]) -> None:
    """As lines that a shell can read too; it holds passwords, so nobody but its owner may."""
    lines = [f"{name}={shlex.quote(environment[name])}\n" for name in NAMES if name in environment]
    path = data_dir / ENVIRONMENT_FILE
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.writelines(lines)


def environment_read(data_dir: Path) -> dict[str, str]:
    text = (data_dir / ENVIRONMENT_FILE).read_text(encoding="utf-8")
    pairs = (item.partition("=") for item in shlex.split(text))
    return {name: value for name, _, value in pairs}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make manage ARGS=...", description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=None, help="the running demonstration's, if it was named")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command and its arguments; none lists them")
    options = parser.parse_args(argv)
    data_dir = (options.data_dir or default_data_dir()).expanduser().absolute()
    try:
        environment = os.environ | environment_read(data_dir)
    except OSError:
        sys.exit(f"No demonstration runs in {data_dir}: start one with make demo, or name its --data-dir.")
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, str(ROOT / "manage.py"), *options.command], environment)  # noqa: S606


if __name__ == "__main__":
    main()
