"""Where bytes live: temporary file -> fsync -> rename; the final path comes from the SHA-256 and from nothing else."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import TracebackType

from django.conf import settings

from cdss.core.errors import DomainError


class StorageError(DomainError):
    """The disk does not take it; the DICOM answer is "out of resources", and the sender tries again."""

    status = 503
    code = "STORAGE_UNAVAILABLE"

    def __init__(self, sentence: str = "The storage cannot be written now. Send it again later.") -> None:
        super().__init__(sentence)


class StorageFullError(StorageError):
    status = 507
    code = "STORAGE_FULL"

    def __init__(self) -> None:
        super().__init__("There is no space left to keep this; what was stored before is safe. Send it again later.")


class StagedObject:
    """Bytes on their way in: written and hashed at once, thrown away unless `keep` is called."""

    def __init__(self) -> None:
        with _storage_errors():
            incoming = _incoming()
            _folder_make(incoming)
            descriptor, name = tempfile.mkstemp(dir=incoming)
        self.path = Path(name)
        self._file = os.fdopen(descriptor, "wb")
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def write(self, chunk: bytes | memoryview) -> None:
        with _storage_errors():
            self._file.write(chunk)
        self._digest.update(chunk)
        self.size_bytes += len(chunk)

    def close(self) -> None:
        """No more bytes follow: what was written can be read, and survives a power cut after `keep`."""
        if self._file.closed:
            return
        with _storage_errors(), self._file:
            self._file.flush()
            os.fsync(self._file.fileno())

    @property
    def sha256(self) -> bytes:
        return self._digest.digest()

    def keep(self) -> Path:
        """Move the bytes to the place their hash names; doing so twice is harmless."""
        self.close()
        target = object_path(self.sha256)
        with _storage_errors():
            _folder_make(target.parent)
            os.replace(self.path, target)
            _sync_folder(target.parent)
        return target

    def __enter__(self) -> StagedObject:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def discard(self) -> None:
        """Throw the bytes away, unless they were kept."""
        # Closing writes what is still buffered, and fails again on a full disk: these bytes are thrown away anyway.
        with contextlib.suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)


def object_path(sha256: bytes) -> Path:
    name = bytes(sha256).hex()
    return Path(settings.STORAGE_ROOT) / "objects" / name[:2] / name[2:4] / name


def object_write(content: bytes) -> bytes:
    """Keep a small derived object (a key image); its SHA-256."""
    with StagedObject() as staged:
        staged.write(content)
        staged.keep()
        return staged.sha256


def incoming_sweep(*, older_than: timedelta) -> int:
    """Remove what a process that was killed left half-received; whoever is still receiving keeps writing to his."""
    removed = 0
    for path in _incoming().glob("*"):
        with contextlib.suppress(FileNotFoundError):  # kept, or removed by its owner or another sweeper
            if path.stat().st_mtime < time.time() - older_than.total_seconds():
                path.unlink()
                removed += 1
    return removed


def _incoming() -> Path:
    return Path(settings.STORAGE_ROOT) / "incoming"


def _folder_make(folder: Path) -> None:
    """Make a folder that survives a power cut, readable by nobody else, and the ones above it."""
    if folder.is_dir():
        return
    _folder_make(folder.parent)
    folder.mkdir(exist_ok=True, mode=0o700)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise (StorageFullError() if error.errno in {errno.ENOSPC, errno.EDQUOT} else StorageError()) from error
