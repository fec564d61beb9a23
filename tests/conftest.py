"""One real PostgreSQL and Valkey for the session; tests run as the application's own database role."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connections
from django.test import Client, TransactionTestCase
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from cdss.accounts.models import User
from cdss.embedded.testing import temporary_services
from cdss.embedded.urls import ServiceUrls
from cdss.settings.env import database_from_url
from tests import factories


@pytest.fixture(scope="session")
def services() -> Iterator[ServiceUrls]:
    with temporary_services() as urls:
        yield urls


@pytest.fixture(scope="session")
def django_db_setup(services: ServiceUrls, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Migrate as the owner, then be the application: what it may not do, no test may do either."""
    from cdss.celery import app

    app.conf.broker_url = django_settings.BROKER_URL = services.broker_url
    with django_db_blocker.unblock():
        _connect_as(services.database_owner_url)
        call_command("migrate", verbosity=0)
        _connect_as(services.database_url)
        with psycopg.connect(services.database_owner_url, autocommit=True) as owner:
            rows = owner.execute(
                "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE '%no_truncate'"
            )
            # Flushing between transactional tests truncates; only this trigger, only here.
            for table, trigger in rows.fetchall():
                owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")  # type: ignore[arg-type]
    TransactionTestCase._fixture_teardown = _emptier(services)  # type: ignore[method-assign]
    yield
    connections["default"].close()


def _emptier(services: ServiceUrls) -> Callable[[TransactionTestCase], None]:
    """Transactional tests are cleaned up by the owner: the application's role cannot empty a table."""

    def empty(self: TransactionTestCase) -> None:
        # A journey's sweeper and worker run on while its tables are emptied; where each waits for the other, the
        # database makes one of the two give way, and that may be us.
        for _ in range(10):
            with contextlib.suppress(psycopg.errors.DeadlockDetected):
                return empty_once()
        raise AssertionError("the tables could not be emptied: other processes deadlocked with it ten times")

    def empty_once() -> None:
        with psycopg.connect(services.database_owner_url) as owner:
            tables = _tables(
                owner,
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                " AND tablename NOT IN ('django_migrations', 'django_content_type', 'auth_permission')",
            )
            owner.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")  # type: ignore[arg-type]
            owner.execute("INSERT INTO audit_audithead VALUES (1, 0, decode(repeat('00', 32), 'hex'))")

    return empty


def _tables(connection: psycopg.Connection, query: str) -> list[str]:
    return [row[0] for row in connection.execute(query).fetchall()]  # type: ignore[arg-type]


def _connect_as(url: str) -> None:
    connection = connections["default"]
    connection.close()
    connection.settings_dict.update(database_from_url(url))
    connection.settings_dict["TEST"] = {"MIRROR": None, "NAME": None}


@pytest.fixture(autouse=True)
def storage_root(settings: Settings, tmp_path: Path) -> Path:
    settings.STORAGE_ROOT = tmp_path / "storage"
    settings.STORAGE_ROOT.mkdir()
    return settings.STORAGE_ROOT


@pytest.fixture
def hospital(db: None) -> factories.Hospital:
    return factories.hospital("north", region="US")


@pytest.fixture
def other_hospital(db: None) -> factories.Hospital:
    return factories.hospital("lakeside", region="US")


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in
