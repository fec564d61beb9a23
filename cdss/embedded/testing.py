"""Services for a test session: a new data folder each time, copied from a template that was stopped cleanly."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cdss.embedded.account import ServiceAccount, service_account
from cdss.embedded.binaries import postgres_bin_locate, postgres_programs
from cdss.embedded.data_directory import DataDirectory, InstanceLock, folders_make
from cdss.embedded.errors import EmbeddedError
from cdss.embedded.roles import bootstrap_sql
from cdss.embedded.supervisor import EmbeddedServices
from cdss.embedded.urls import ServiceUrls

CACHE_DIR_VARIABLE = "CDSS_CACHE_DIR"
# Raise when the layout of a data folder changes.
TEMPLATE_FORMAT = 1
TEMPORARY_PREFIX = "cdss-test-"
ABANDONED_SECONDS = 3600.0
MEMORY_FREE_BYTES = 4 * 1024**3


@contextlib.contextmanager
def temporary_services(*, cache: Path | None = None) -> Iterator[ServiceUrls]:
    """PostgreSQL and Valkey without durability in a folder that is removed at the end.

    The first call on a machine makes the template (some seconds); later ones copy it and start in a fraction of one.
    """
    account = service_account()
    cache = cache or default_cache_dir()
    template = template_ensure(cache, account)
    with temporary_data_dir(account) as data_dir, EmbeddedServices(programs_dir=cache) as services:
        template_copy(template, DataDirectory(data_dir, account))
        yield services.start(data_dir, durable=False)


def default_cache_dir() -> Path:
    """CDSS_CACHE_DIR, else /var/cache/cdss for root and the XDG cache folder for everybody else."""
    if named := os.environ.get(CACHE_DIR_VARIABLE):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/cache/cdss")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cdss"


@contextlib.contextmanager
def temporary_data_dir(account: ServiceAccount) -> Iterator[Path]:
    """A new folder with a short path, which the account can pass through."""
    parent = _temporary_parent()
    _abandoned_remove(parent)
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=parent))
    folder.chmod(account.directory_mode)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _temporary_parent() -> Path:
    # A cluster is 1,300 small files: in memory they are copied in a tenth of a second, on a busy disk in two.
    memory = Path("/dev/shm")  # noqa: S108
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK | os.X_OK):
        return Path(tempfile.gettempdir()).resolve()
    return memory if shutil.disk_usage(memory).free >= MEMORY_FREE_BYTES else Path(tempfile.gettempdir()).resolve()


def _abandoned_remove(parent: Path) -> None:
    """Remove the folders of test sessions that were killed: ours, old, and locked by nobody."""
    for folder in parent.glob(f"{TEMPORARY_PREFIX}*"):
        with contextlib.suppress(OSError, EmbeddedError):
            found = (folder / "lock").stat()
            if found.st_uid == os.geteuid() and found.st_mtime < time.time() - ABANDONED_SECONDS:
                lock = InstanceLock(folder / "lock")
                lock.acquire()
                shutil.rmtree(folder, ignore_errors=True)
                lock.release()


def template_ensure(cache: Path, account: ServiceAccount) -> Path:
    """The template for these programs, roles and account; made when there is none."""
    folders_make(cache, account.directory_mode)
    with (cache / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test sessions at once: the second waits and uses the first one's
        programs = postgres_programs(postgres_bin_locate(), account=account, copies=cache)
        key = f"{TEMPLATE_FORMAT}\n{programs}\n{account.uid}\n{bootstrap_sql()}"
        template = cache / f"template-pg{programs.version}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        if not template.exists():
            with temporary_data_dir(account) as data_dir:
                with EmbeddedServices(programs_dir=cache) as services:
                    services.start(data_dir, durable=False)
                _publish(DataDirectory(data_dir, account), programs.bin / "pg_controldata", template)
    return template


def template_copy(template: Path, directory: DataDirectory) -> None:
    """Fill an empty data folder from the template; from then on it is a stopped installation like any other."""
    for source in template.iterdir():
        if (source / "postmaster.pid").exists():
            raise EmbeddedError("EMBEDDED_TEMPLATE_IN_USE", f"A server has been started on the template {template}.")
        _copy_owned(source, directory.root / source.name)


def _publish(directory: DataDirectory, controldata: Path, template: Path) -> None:
    clusters = list(directory.root.glob("pg[0-9][0-9]"))
    for cluster in clusters:
        state = directory.account.run([controldata, cluster]).stdout
        if (cluster / "postmaster.pid").exists() or "Database cluster state:               shut down\n" not in state:
            raise EmbeddedError("EMBEDDED_TEMPLATE_UNCLEAN", f"The cluster {cluster} did not stop cleanly.")
    unfinished = Path(tempfile.mkdtemp(prefix=f"{template.name}.new-", dir=template.parent))
    for part in [*clusters, directory.secrets, directory.not_durable_mark]:
        _copy_owned(part, unfinished / part.name)
    unfinished.rename(template)


def _copy_owned(source: Path, target: Path) -> None:
    """Copy a file or a tree with its modes and, for root, its owners."""
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True)
    else:
        shutil.copy2(source, target)
    if os.geteuid() == 0:
        for path in [source, *source.rglob("*")]:
            found = path.lstat()
            os.chown(target / path.relative_to(source), found.st_uid, found.st_gid, follow_symlinks=False)
