"""/readyz says whether work can be done; here storage, broker and cache (the rest: tests/security, tests/journeys)."""

from __future__ import annotations

import os
import shutil
import socket
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.test import Client
from pytest_django import Settings

from cdss.embedded.urls import ServiceUrls


@pytest.fixture(autouse=True)
def broker_and_database(services: ServiceUrls, settings: Settings, db: None) -> None:
    """Everything else that is looked at answers."""
    settings.BROKER_URL = services.broker_url
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": services.cache_url}}


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def storage() -> tuple[int, str]:
    response = Client().get("/readyz")
    return response.status_code, response.json()["checks"]["storage"]


def test_a_storage_with_room_is_ready_and_the_look_at_it_leaves_nothing(storage_root: Path) -> None:
    assert storage() == (200, "ok")
    assert not list(storage_root.iterdir())


@pytest.mark.parametrize(("free", "status"), [(0, 503), (9_999, 503), (10_000, 200)])
def test_a_storage_without_room_for_one_object_is_not_ready(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free: int, status: int
) -> None:
    settings.STOW_MAX_INSTANCE_BYTES = 10_000
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9 - free, free))
    code, words = storage()
    assert code == status
    assert ("less than the largest object" in words) is (status == 503)


def test_a_storage_that_takes_no_byte_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quota, or no inode left: the free space alone looks well (tests/imaging/test_storage.py fills a real disk)."""
    original = os.open

    def no_quota(path: Any, flags: int, *arguments: Any, **named: Any) -> int:
        if flags & os.O_ACCMODE != os.O_RDONLY:
            raise OSError(122, "Disk quota exceeded")
        return original(path, flags, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", no_quota)
        assert storage() == (503, "the storage folder cannot be written")
    assert storage()[0] == 200


def test_a_storage_that_is_not_there_is_not_ready(settings: Settings, tmp_path: Path) -> None:
    settings.STORAGE_ROOT = tmp_path / "gone"
    assert storage() == (503, "the storage folder cannot be written")


@pytest.mark.parametrize("url", ["redis+socket:///nowhere/valkey.sock", "redis://127.0.0.1:9/0", "amqp://127.0.0.1:9"])
def test_a_broker_that_does_not_answer_is_named_though_the_cache_does(settings: Settings, url: str) -> None:
    settings.BROKER_URL = url
    response = Client().get("/readyz")
    checks = response.json()["checks"]
    assert (response.status_code, checks["cache"]) == (503, "ok")
    assert checks["broker"].startswith("the broker does not answer")


def test_a_broker_that_accepts_and_is_silent_costs_seconds(settings: Settings) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings.BROKER_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        begun = time.monotonic()
        assert Client().get("/readyz").status_code == 503
        assert time.monotonic() - begun < 10


def test_a_cache_that_does_not_answer_is_named_though_the_broker_does(settings: Settings) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:9/0"}}
    response = Client().get("/readyz")
    checks = response.json()["checks"]
    assert (response.status_code, checks["broker"], checks["cache"]) == (503, "ok", "the cache does not answer")
