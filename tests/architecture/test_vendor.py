"""What was vendored is what the registry published: every file in static/vendor/ is in the lock, with its SHA-256."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

VENDOR = Path(__file__).resolve().parents[2] / "static" / "vendor"
LOCK = VENDOR / "vendor.lock.json"


def altered(vendor: Path) -> list[str]:
    """Files that are missing, not listed, or not the bytes that the lock names."""
    lock = json.loads((vendor / LOCK.name).read_text())
    listed = {f"{folder}/{name}": item["sha256"] for folder, p in lock.items() for name, item in p["files"].items()}
    present = {
        path.relative_to(vendor).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.rglob("*")
        if path.is_file() and path.name != LOCK.name
    }
    return sorted(name for name in listed.keys() | present.keys() if listed.get(name) != present.get(name))


def test_vendored_files_are_the_locked_ones() -> None:
    assert altered(VENDOR) == []


def test_every_package_is_pinned_by_the_registrys_own_integrity() -> None:
    for folder, package in json.loads(LOCK.read_text()).items():
        algorithm, _, digest = package["integrity"].partition("-")
        assert algorithm == "sha512"
        assert len(base64.b64decode(digest, validate=True)) == 64
        assert package["version"] in folder
        assert package["tarball"].endswith(f"-{package['version']}.tgz")
        assert "LICENSE" in package["files"]


@pytest.mark.parametrize("change", ["edit", "add", "remove"])
def test_a_tampered_file_is_found(tmp_path: Path, change: str) -> None:
    copy = tmp_path / "vendor"
    for path in VENDOR.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(VENDOR)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    victim = copy / "htmx-4.0.1" / "htmx.min.js"
    if change == "edit":
        victim.write_bytes(victim.read_bytes()[:-1] + b" ")
    elif change == "add":
        victim = victim.with_name("extra.js")
        victim.write_text("1")
    else:
        victim.unlink()
    assert altered(copy) == [victim.relative_to(copy).as_posix()]
