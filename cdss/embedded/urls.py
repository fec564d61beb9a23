"""Addresses of the services, as the settings read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from cdss.embedded.roles import APP_ROLE, DATABASE, MIGRATOR_ROLE, OWNER_ROLE


@dataclass(frozen=True, kw_only=True)
class ServiceUrls:
    """Every address holds a password, hence nothing here is shown by `repr`."""

    database_url: str = field(repr=False)
    """As the application's role."""
    database_owner_url: str = field(repr=False)
    """As the migrator, which becomes the owner of the schema when it connects."""
    database_admin_url: str = field(repr=False)
    """As superuser: for the bootstrap, and for tests that make databases."""
    broker_url: str = field(repr=False)
    cache_url: str = field(repr=False)


def service_urls_build(
    *,
    socket_dir: Path,
    port: int,
    admin: tuple[str, str],
    app_password: str,
    migrator_password: str,
    valkey_socket: Path,
    valkey_password: str,
    database: str = DATABASE,
) -> ServiceUrls:
    """Addresses of one PostgreSQL and one Valkey behind Unix sockets."""

    def postgresql(user: str, password: str, **more: str) -> str:
        # The port too: it is part of the socket's name, and PGPORT in the environment would change it.
        query = urlencode({"host": str(socket_dir), "port": str(port)} | more, quote_via=quote, safe="/")
        return f"postgresql://{quote(user)}:{quote(password, safe='')}@/{database}?{query}"

    valkey = f":{quote(valkey_password, safe='')}@{quote(str(valkey_socket))}"
    return ServiceUrls(
        database_url=postgresql(APP_ROLE, app_password),
        database_owner_url=postgresql(MIGRATOR_ROLE, migrator_password, options=f"-c role={OWNER_ROLE}"),
        database_admin_url=postgresql(*admin),
        broker_url=f"redis+socket://{valkey}",
        # A database of its own: clearing the cache must not clear the queue.
        cache_url=f"unix://{valkey}?db=1",
    )
