"""constraints.txt pins what is installed, all of it and nothing else.

Not covered: what an index would answer today. The dependencies are those that the installed packages' metadata name,
with the markers of Linux on both processors and of the oldest Python 3.11, whose Redis clients need one package more.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = ("embedded", "brain", "demo", "dev")
HERE = {name: str(value) for name, value in default_environment().items()}
OLDEST = HERE | {"python_full_version": "3.11.0", "implementation_version": "3.11.0"}
# What PyTorch's CUDA build brings; its CPU build, which is the one pinned, has none of it.
CUDA = ("nvidia-", "cuda-", "triton")


def pins() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    found = {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}
    assert len(found) == len(lines)
    return found


def needed(environment: Mapping[str, str]) -> set[str]:
    """The names of everything that pyproject.toml asks for with every extra, and of all that they ask for in turn."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]
    waiting, seen = [Requirement(line) for line in asked], set()
    while waiting:
        requirement = waiting.pop()
        for extra in ("", *requirement.extras):
            key = canonicalize_name(requirement.name), extra
            if key in seen or key[0].startswith(CUDA):
                continue
            seen.add(key)
            waiting += dependencies(*key, environment)
    return {name for name, _ in seen}


def dependencies(name: str, extra: str, environment: Mapping[str, str]) -> list[Requirement]:
    """What a package asks for, by its metadata; nothing of one that is not installed here."""
    try:
        lines = distribution(name).requires or []
    except PackageNotFoundError:
        return []
    every = [Requirement(line) for line in lines]
    return [one for one in every if one.marker is None or one.marker.evaluate({**environment, "extra": extra})]


def test_everything_installed_is_pinned_to_its_version() -> None:
    installed = {name: Version(distribution(name).version).public for name in needed(HERE)}
    pinned = pins()

    assert {"django", "redis", "torch", "setuptools", "psycopg-binary", "pytest"} <= installed.keys()
    assert {name: pinned.get(name) for name in installed} == installed


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_pin_is_of_something_needed(machine: str) -> None:
    processor = {"platform_machine": machine}

    assert needed(HERE | processor) | needed(OLDEST | processor) == pins().keys()


def test_the_extras_are_all_that_there_are() -> None:
    """A new extra is pinned too, and the first line of the file says how to install them all."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first = (ROOT / "constraints.txt").read_text().splitlines()[0]

    assert set(EXTRAS) == project["optional-dependencies"].keys()
    assert re.findall(r"\[(.+)\]", first) == [",".join(EXTRAS)]


def test_the_oldest_python_needs_one_package_more() -> None:
    newer = HERE | {"python_full_version": "3.11.3"}

    assert needed(OLDEST) - needed(newer) == {"async-timeout"}
