"""Is the process alive (healthz), and can it do its work (readyz)?"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from kombu import Connection
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

BROKER_SECONDS = 2


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "alive"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when everything a request needs answers, otherwise 503 naming what does not."""
    checks: dict[str, Callable[[], str]] = {
        "database": _database,
        "broker": _broker,
        "cache": _cache,
        "storage": _storage,
    }
    results = {name: check() for name, check in checks.items()}
    is_ready = all(result == "ok" for result in results.values())
    return JsonResponse(
        {"status": "ready" if is_ready else "not ready", "checks": results}, status=200 if is_ready else 503
    )


def _database() -> str:
    try:
        pending = MigrationExecutor(connection).migration_plan(MigrationExecutor(connection).loader.graph.leaf_nodes())
    except DatabaseError:
        return "the database does not answer"
    return f"{len(pending)} migrations are not applied" if pending else "ok"


def _broker() -> str:
    """A connection of its own, closed again: the cache may be another server."""
    url, options = settings.BROKER_URL, {}
    if url.startswith("redis"):  # its transport does not know connect_timeout
        options = {"socket_connect_timeout": BROKER_SECONDS, "socket_timeout": BROKER_SECONDS}
    try:
        with Connection(url, connect_timeout=BROKER_SECONDS, transport_options=options) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_SECONDS)
    except (KombuError, RedisError, OSError):
        return "the broker does not answer; work is accepted and kept, and starts when it returns"
    return "ok"


def _cache() -> str:
    try:
        cache.get("readyz")
    except (RedisError, OSError):
        return "the cache does not answer"
    return "ok"


def _storage() -> str:
    root = settings.STORAGE_ROOT
    try:
        with tempfile.TemporaryFile(dir=root, buffering=0) as probe:  # quotas and inodes run out too
            probe.write(bytes(4096))
        free_bytes = shutil.disk_usage(root).free
    except OSError:
        return "the storage folder cannot be written"
    if free_bytes < settings.STOW_MAX_INSTANCE_BYTES:
        return f"the storage has {free_bytes // 1024**2} MiB left, less than the largest object that is accepted"
    return "ok"
