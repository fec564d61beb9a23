"""The operating-system account under which the services run: PostgreSQL refuses to run as root, and rightly."""

from __future__ import annotations

import errno
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cdss.embedded.errors import EmbeddedError

SERVICE_USER_VARIABLE = "CDSS_SERVICE_USER"


@dataclass(frozen=True)
class ServiceAccount:
    """Who the services run as; `is_dropped` when that is another account than the one that starts them."""

    name: str
    uid: int
    gid: int
    is_dropped: bool

    @property
    def popen_user(self) -> int | None:
        return self.uid if self.is_dropped else None

    @property
    def popen_group(self) -> int | None:
        return self.gid if self.is_dropped else None

    @property
    def popen_extra_groups(self) -> list[int] | None:
        # Without this the program would keep root's supplementary groups, gid 0 among them.
        return [] if self.is_dropped else None

    @property
    def directory_mode(self) -> int:
        """Mode of the folders shared by root and the account: root lets it pass through, never list."""
        return 0o711 if self.is_dropped else 0o700

    def give(self, path: Path) -> None:
        if self.is_dropped:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def first_unreachable(self, folder: Path) -> Path | None:
        """The outermost folder on the way to `folder` that the account may not enter."""
        if not self.is_dropped:
            return None if os.access(folder, os.X_OK) else folder
        way = [*reversed(folder.parents), folder]
        asked = self.run(["/bin/sh", "-c", 'for p; do [ -x "$p" ] || { printf %s "$p"; exit 0; }; done', "sh", *way])
        return Path(asked.stdout) if asked.stdout else None

    def run(self, argv: list[str | Path]) -> subprocess.CompletedProcess[str]:
        """Run a short program as the account and return its output."""
        try:
            return subprocess.run(  # noqa: S603
                argv,
                user=self.popen_user,
                group=self.popen_group,
                extra_groups=self.popen_extra_groups,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            # EACCES is the program out of reach; these two are the change of user itself.
            if self.is_dropped and error.errno in (errno.EPERM, errno.EINVAL):
                raise EmbeddedError(
                    "EMBEDDED_CANNOT_CHANGE_USER",
                    f"PostgreSQL does not run as root and this process may not change to user {self.name}; "
                    "run the command as an ordinary user, or set DATABASE_URL and BROKER_URL.",
                ) from error
            raise


def service_account() -> ServiceAccount:
    """The calling user, or for root the user named in CDSS_SERVICE_USER, `nobody` when that is unset."""
    uid = os.geteuid()
    if uid != 0:
        try:
            name = pwd.getpwuid(uid).pw_name
        except KeyError:
            raise EmbeddedError(
                "EMBEDDED_USER_UNKNOWN",
                f"User id {uid} has no entry in the password database, which PostgreSQL's initdb needs; "
                "run as a user that has one, or set DATABASE_URL and BROKER_URL.",
            ) from None
        return ServiceAccount(name, uid, os.getegid(), is_dropped=False)
    wanted = os.environ.get(SERVICE_USER_VARIABLE) or "nobody"
    try:
        entry = pwd.getpwnam(wanted)
    except KeyError:
        entry = None
    if entry is None or entry.pw_uid == 0:
        raise EmbeddedError(
            "EMBEDDED_USER_UNKNOWN",
            f"PostgreSQL does not run as root and there is no ordinary user named {wanted!r} on this machine; "
            f"set {SERVICE_USER_VARIABLE} to one, or run the command as an ordinary user.",
        )
    return ServiceAccount(entry.pw_name, entry.pw_uid, entry.pw_gid, is_dropped=True)
