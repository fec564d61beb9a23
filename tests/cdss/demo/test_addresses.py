"""Which servers the demonstration uses: the user's or its own, and never half of each database."""

from __future__ import annotations

import pytest

from cdss.demo.processes import environment_with
from cdss.embedded.urls import ServiceUrls

EMBEDDED = ServiceUrls(
    database_url="embedded-app",
    database_owner_url="embedded-owner",
    database_admin_url="embedded-admin",
    broker_url="embedded-broker",
    cache_url="embedded-cache",
)


@pytest.mark.parametrize(
    ("named", "database", "owner", "broker"),
    [
        ({}, "embedded-app", "embedded-owner", "embedded-broker"),
        ({"DATABASE_URL": "mine"}, "mine", "mine", "embedded-broker"),
        ({"DATABASE_URL": "mine", "DATABASE_OWNER_URL": "my-owner"}, "mine", "my-owner", "embedded-broker"),
        ({"BROKER_URL": "my-broker"}, "embedded-app", "embedded-owner", "my-broker"),
        ({"DATABASE_OWNER_URL": "my-owner"}, "embedded-app", "embedded-owner", "embedded-broker"),
    ],
)
def test_both_addresses_of_the_database_are_of_one_server(
    named: dict[str, str], database: str, owner: str, broker: str
) -> None:
    environment = environment_with({**named, "PATH": "/bin"}, EMBEDDED)
    found = [environment[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "BROKER_URL", "PATH")]
    assert found == [database, owner, broker, "/bin"]


def test_without_embedded_servers_the_users_database_is_its_own_owner() -> None:
    environment = environment_with({"DATABASE_URL": "mine", "BROKER_URL": "my-broker"}, None)
    assert environment == {"DATABASE_URL": "mine", "DATABASE_OWNER_URL": "mine", "BROKER_URL": "my-broker"}


@pytest.mark.parametrize("embedded", [None, EMBEDDED])
@pytest.mark.parametrize(
    ("named", "cache"),
    [
        ({"BROKER_URL": "redis://mine:6379/0"}, "redis://mine:6379/0"),
        ({"BROKER_URL": "redis+socket:///run/mine.sock"}, "unix:///run/mine.sock"),
        ({"BROKER_URL": "redis://mine", "CACHE_URL": "redis://my-cache"}, "redis://my-cache"),
    ],
)
def test_a_users_own_redis_is_the_cache_too(named: dict[str, str], cache: str, embedded: ServiceUrls | None) -> None:
    assert environment_with({"DATABASE_URL": "mine", **named}, embedded)["CACHE_URL"] == cache


def test_a_broker_that_is_no_cache_leaves_the_embedded_one() -> None:
    assert environment_with({"BROKER_URL": "amqp://mine"}, EMBEDDED)["CACHE_URL"] == "embedded-cache"
