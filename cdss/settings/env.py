"""Typed readers of the environment: VAR, or VAR_FILE naming a file that holds the value (secrets)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def env_text(name: str, default: str | None = None) -> str:
    """The value of `name`, or of the file that `name`_FILE points to; refuses to start when both are set."""
    value, file = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if value is not None and file is not None:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one.")
    if file is not None:
        try:
            value = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error}.") from error
    if value is None:
        value = default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set, and there is no safe default for it.")
    return value


def env_bool(name: str, default: bool) -> bool:
    text = env_text(name, "yes" if default else "no").strip().lower()
    if text not in _TRUE | _FALSE:
        raise ImproperlyConfigured(f"{name}={text!r} is neither yes nor no.")
    return text in _TRUE


def env_int(name: str, default: int, *, least: int = 0) -> int:
    text = env_text(name, str(default))
    try:
        number = int(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={text!r} is not a whole number.") from error
    if number < least:
        raise ImproperlyConfigured(f"{name}={number} is below {least}.")
    return number


def env_choice(name: str, default: str, choices: Sequence[str]) -> str:
    text = env_text(name, default)
    if text not in choices:
        raise ImproperlyConfigured(f"{name}={text!r} is not one of {', '.join(choices)}.")
    return text


def env_list(name: str, default: Sequence[str] = ()) -> list[str]:
    return [item.strip() for item in env_text(name, ",".join(default)).split(",") if item.strip()]


def address_check(name: str, url: str, *, of_hosts: Sequence[str], of_sockets: Sequence[str]) -> None:
    """Refuse an address of another scheme, or without its host or socket. It is never printed: it holds a password."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  read only then; raises ValueError as urlsplit does
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} is not an address; percent-encode what is special in its password, such as %2F for /."
        ) from None
    if parts.scheme in of_hosts and not parts.hostname:
        raise ImproperlyConfigured(f"{name} names no host; write {parts.scheme}://HOST:PORT/.")
    if parts.scheme in of_sockets and not parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} names no socket; write {parts.scheme}:///PATH/OF/THE/SOCKET.")
    if parts.scheme not in {*of_hosts, *of_sockets}:
        schemes = ", ".join(f"{scheme}://" for scheme in (*of_hosts, *of_sockets))
        raise ImproperlyConfigured(f"{name} must start with one of {schemes}; nothing else is supported.")


def database_from_url(url: str) -> dict[str, object]:
    """Django's database settings from postgresql://user:password@host:port/name?host=/socket/folder&option=value."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  read only then; raises ValueError as urlsplit does
    except ValueError:
        raise ImproperlyConfigured(
            "DATABASE_URL is not an address; percent-encode what is special in its password, such as %2F for /."
        ) from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured("DATABASE_URL must start with postgresql://; no other database is supported.")
    options: dict[str, object] = dict(parse_qsl(parts.query))
    host = str(options.pop("host", "") or parts.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(options.pop("port", "") or parts.port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }
