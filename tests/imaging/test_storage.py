"""Bytes on disk: whole and in place, or not there at all."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from imaging.storage import (
    StagedObject,
    StorageError,
    StorageFullError,
    incoming_sweep,
    object_path,
    object_write,
)

CONTENT = b"pixels" * 1000


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_kept_bytes_lie_where_their_hash_says_and_nowhere_else(storage_root: Path) -> None:
    with StagedObject() as staged:
        for start in range(0, len(CONTENT), 7):
            staged.write(memoryview(CONTENT)[start : start + 7])
        target = staged.keep()
    assert staged.sha256 == hashlib.sha256(CONTENT).digest()
    assert staged.size_bytes == len(CONTENT)
    assert target == object_path(staged.sha256)
    assert files(storage_root) == [target]
    assert target.read_bytes() == CONTENT


def test_nobody_else_on_the_machine_can_read_them(storage_root: Path) -> None:
    object_write(CONTENT)
    modes = {path.relative_to(storage_root): stat.S_IMODE(path.stat().st_mode) for path in storage_root.rglob("*")}
    assert {mode & 0o077 for mode in modes.values()} == {0}, modes


def test_the_same_bytes_twice_are_one_file_and_heal_a_damaged_one(storage_root: Path) -> None:
    sha256 = object_write(CONTENT)
    path = object_path(sha256)
    path.write_bytes(CONTENT[:100])  # what a disk without fsync may leave after a power cut
    assert object_write(CONTENT) == sha256
    assert files(storage_root) == [path]
    assert path.read_bytes() == CONTENT


def test_bytes_that_are_not_kept_leave_no_trace(storage_root: Path) -> None:
    with StagedObject() as staged:
        staged.write(CONTENT)
    assert files(storage_root) == []


def test_bytes_are_on_the_disk_before_they_have_their_name(storage_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is the promise: data synced, renamed, folder synced."""
    order: list[str] = []
    sync, replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "data")
        sync(descriptor)

    def rename(source: Path, target: Path) -> None:
        order.append("rename")
        replace(source, target)

    object_write(b"the folders exist now")
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", rename)
    object_write(b"the folders exist now")
    assert order == ["data", "rename", "folder"]
    order.clear()
    object_write(CONTENT)
    assert order == ["data", "folder", "folder", "rename", "folder"], "new folders are synced into the ones above"


def test_what_a_killed_process_left_is_removed_and_what_is_arriving_is_not(storage_root: Path) -> None:
    killed, arriving = StagedObject(), StagedObject()
    killed.write(CONTENT)
    long_ago = time.time() - 2 * 86400
    os.utime(killed.path, (long_ago, long_ago))
    kept = object_write(CONTENT)
    os.utime(object_path(kept), (long_ago, long_ago))
    assert incoming_sweep(older_than=timedelta(days=1)) == 1
    assert not killed.path.exists() and arriving.path.exists() and object_path(kept).exists()
    assert incoming_sweep(older_than=timedelta(days=1)) == 0
    killed.discard()
    arriving.discard()


def test_sweeping_before_anything_was_ever_received_is_harmless(storage_root: Path) -> None:
    assert incoming_sweep(older_than=timedelta(days=1)) == 0


@pytest.fixture
def full_disk(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    settings.STORAGE_ROOT = folder
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def keep_in_chunks(total_bytes: int, chunk_bytes: int) -> None:
    with StagedObject() as staged:
        for _ in range(total_bytes // chunk_bytes + 1):
            staged.write(b"x" * chunk_bytes)
        staged.keep()


def fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


@pytest.mark.parametrize("chunk_bytes", [1000, 8192, 300_000, 5_000_000])
def test_a_full_disk_is_said_leaves_nothing_and_is_forgotten_when_there_is_space(
    full_disk: Path, chunk_bytes: int
) -> None:
    kept = object_write(CONTENT)
    with pytest.raises(StorageFullError, match="no space left") as caught:
        keep_in_chunks(2_000_000, chunk_bytes)
    assert (caught.value.status, caught.value.code) == (507, "STORAGE_FULL")
    assert files(full_disk) == [object_path(kept)]
    assert object_path(kept).read_bytes() == CONTENT
    object_path(object_write(b"y" * 500_000)).unlink()  # there is room again, without anybody restarting anything


def test_a_disk_without_room_for_a_name_is_full_too(full_disk: Path) -> None:
    object_write(CONTENT)
    filler = full_disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        fill(filler)
    with pytest.raises(StorageFullError):
        object_write(b"no room for this")
    filler.unlink()
    object_write(b"no room for this")


def test_a_storage_that_cannot_be_written_asks_the_sender_to_come_again(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("not a folder")
    settings.STORAGE_ROOT = tmp_path / "a file"
    with pytest.raises(StorageError) as caught:
        StagedObject()
    assert (caught.value.status, caught.value.code) == (503, "STORAGE_UNAVAILABLE")
