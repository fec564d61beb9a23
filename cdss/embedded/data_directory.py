"""The folder that holds everything the embedded services keep, and the lock that gives it to one instance."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cdss.embedded.account import ServiceAccount
from cdss.embedded.errors import EmbeddedError

DATA_DIR_VARIABLE = "CDSS_DATA_DIR"
# 107 bytes on Linux, 103 on macOS.
SOCKET_PATH_LIMIT_BYTES = 103
LONGEST_SOCKET_NAME = ".s.PGSQL.5432"
NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs"})


def default_data_dir() -> Path:
    """CDSS_DATA_DIR, else /var/lib/cdss for root and the XDG data folder for everybody else."""
    if named := os.environ.get(DATA_DIR_VARIABLE):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/lib/cdss")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "cdss"


@dataclass(frozen=True)
class DataDirectory:
    """The places inside one data folder."""

    root: Path
    account: ServiceAccount

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def programs(self) -> Path:
        return self.root / "programs"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def not_durable_mark(self) -> Path:
        return self.root / "not-durable"

    @property
    def run(self) -> Path:
        """The folder of the sockets: inside the data folder, or a short one elsewhere when its path is too long."""
        inside = self.root / "run"
        if len(os.fsencode(inside / LONGEST_SOCKET_NAME)) <= SOCKET_PATH_LIMIT_BYTES:
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path("/tmp") / f"cdss-{self.account.uid}-{digest}"  # noqa: S108

    def cluster(self, major: int) -> Path:
        return self.root / f"pg{major}"

    def other_clusters(self, major: int) -> list[Path]:
        """Complete database folders of other PostgreSQL major versions."""
        versions = self.root.glob("pg[0-9][0-9]/PG_VERSION")
        return [version.parent for version in versions if version.parent != self.cluster(major)]

    def run_release(self) -> None:
        """Remove the folder of the sockets when it lies elsewhere and is empty."""
        if self.run.parent != self.root:
            with contextlib.suppress(OSError):
                self.run.rmdir()

    def secret(self, name: str) -> str:
        """The password called `name`, made on first use; only the user who starts the services can read it."""
        path = self.secrets / name
        if path.exists():
            return path.read_text().strip()
        password = secrets.token_urlsafe(32)
        descriptor, temporary = tempfile.mkstemp(prefix=f"{name}.", dir=self.secrets)  # mode 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(password + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        directory_sync(self.secrets)
        return password


class InstanceLock:
    """An advisory lock on the data folder; the kernel releases it when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unusable(self._path.parent, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise EmbeddedError(
                "EMBEDDED_ALREADY_RUNNING",
                f"Process {holder or 'unknown'} already runs the services in {self._path.parent}; "
                "stop it first, or choose another data folder.",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def data_directory_open(root: Path, account: ServiceAccount) -> DataDirectory:
    """Make the data folder when there is none, and prove that it can be used. No existing folder changes its mode."""
    root = root.expanduser().absolute()
    try:
        folders_make(root, account.directory_mode)
        root = root.resolve()
    except OSError as error:
        raise unusable(root, error) from error
    _refuse_network_file_system(root)
    return DataDirectory(root, account)


def data_directory_fill(directory: DataDirectory) -> None:
    """Make the folders inside; called with the lock held."""
    account = directory.account
    blocked = account.first_unreachable(directory.root)
    if blocked is not None:
        raise EmbeddedError(
            "EMBEDDED_DATA_DIR_UNREACHABLE",
            f"User {account.name}, under which the services run, may not enter {blocked}; "
            "choose another data folder, such as /var/lib/cdss.",
        )
    try:
        for shared in (directory.logs, directory.programs):
            folders_make(shared, account.directory_mode)
        folders_make(directory.secrets, 0o700)
        for owned in (directory.valkey, directory.run):
            _private_folder_make(owned, account)
    except OSError as error:
        raise unusable(directory.root, error) from error


def folders_make(folder: Path, mode: int) -> None:
    """Make a folder and its missing parents with this mode whatever the umask; leave existing ones as they are."""
    if folder.is_dir():
        return
    folders_make(folder.parent, mode)
    folder.mkdir()
    folder.chmod(mode)


def directory_sync(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_system_type(mountinfo: str, device: int) -> str | None:
    """The type of the mounted file system with this device number, from the text of /proc/self/mountinfo."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2] == wanted:
            return after.split()[0]
    return None


def _refuse_network_file_system(root: Path) -> None:
    mountinfo = Path("/proc/self/mountinfo")
    if not mountinfo.exists():
        return
    kind = file_system_type(mountinfo.read_text(errors="replace"), root.stat().st_dev)
    if kind in NETWORK_FILE_SYSTEMS:
        raise EmbeddedError(
            "EMBEDDED_DATA_DIR_NETWORK",
            f"{root} lies on a network file system ({kind}), on which a database is not safe; "
            "choose a data folder on a local disk.",
        )


def _private_folder_make(folder: Path, account: ServiceAccount) -> None:
    try:
        folder.mkdir(mode=0o700)
        account.give(folder)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or stat.S_IMODE(found.st_mode) != 0o700:
            raise EmbeddedError(
                "EMBEDDED_FOLDER_FOREIGN",
                f"{folder} is not a private folder of user {account.name} (user id {found.st_uid}, "
                f"mode {stat.S_IMODE(found.st_mode):o}); run as its owner, or choose another data folder.",
            ) from None


def unusable(root: Path, error: OSError) -> EmbeddedError:
    """The refusal of a data folder that the file system does not let us use."""
    return EmbeddedError(
        "EMBEDDED_DATA_DIR_UNUSABLE",
        f"The data folder {root} cannot be used ({error.strerror}: {error.filename}); "
        "run as its owner, or choose another data folder.",
    )
