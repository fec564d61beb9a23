from __future__ import annotations

from pathlib import Path

import pytest
from django.core.cache import cache
from pytest_django import Settings

from cdss.embedded.urls import ServiceUrls
from tests.factories import Hospital
from tests.security.world import World, world_make


@pytest.fixture(autouse=True)
def static_root(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()


@pytest.fixture(autouse=True)
def valkey(services: ServiceUrls, settings: Settings) -> None:
    """The real cache, empty: attempts to sign in are counted there."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": services.cache_url}}
    cache.clear()


@pytest.fixture
def world(hospital: Hospital, other_hospital: Hospital, storage_root: Path) -> World:
    return world_make(hospital, other_hospital)
