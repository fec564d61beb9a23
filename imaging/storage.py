"""Where bytes live: temporary file -> fsync -> rename; the final path comes from the SHA-256 and from nothing else."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from pathlib import Path
from types import TracebackType

from django.conf import settings

from cdss.core.errors import DomainError


class StorageFullError(DomainError):
    status = 507
    code = "STORAGE_FULL"

    def __init__(self) -> None:
        super().__init__("There is no space left to keep this; what was stored before is safe. Send it again later.")


class StagedObject:
    """Bytes on their way in: written and hashed at once, thrown away unless `keep` is called."""

    def __init__(self) -> None:
        incoming = settings.STORAGE_ROOT / "incoming"
        incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=incoming)
        self.path = Path(name)
        self._file = os.fdopen(descriptor, "wb")
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def write(self, chunk: bytes | memoryview) -> None:
        try:
            self._file.write(chunk)
        except OSError as error:
            raise _storage_error(error) from error
        self._digest.update(chunk)
        self.size_bytes += len(chunk)

    def close(self) -> None:
        """No more bytes follow: what was written can be read, and survives a power cut after `keep`."""
        if self._file.closed:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _storage_error(error) from error
        finally:
            self._file.close()

    @property
    def sha256(self) -> bytes:
        return self._digest.digest()

    def keep(self) -> Path:
        """Move the bytes to the place their hash names; doing so twice is harmless."""
        self.close()
        target = object_path(self.sha256)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.replace(self.path, target)
        _sync_folder(target.parent)
        return target

    def __enter__(self) -> StagedObject:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _storage_error(error: OSError) -> Exception:
    return StorageFullError() if error.errno in {errno.ENOSPC, errno.EDQUOT} else error
