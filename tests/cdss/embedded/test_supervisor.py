"""Real servers on a new data folder: start, stop, restart, and what stays private."""

import os
import stat
import time
from pathlib import Path

import psycopg
import pytest
import redis
from kombu import Connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from cdss.embedded.errors import EmbeddedError
from cdss.embedded.leftovers import processes_in
from cdss.embedded.supervisor import EmbeddedServices, service_urls

pytestmark = pytest.mark.slow
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to drop it")


def test_first_start_serves_both_and_restart_keeps_everything(data_dir):
    progress: list[str] = []
    with EmbeddedServices(on_progress=progress.append) as services:
        urls = services.start(data_dir)
        with psycopg.connect(urls.database_owner_url) as owner:
            owner.execute("CREATE TABLE kept (note text)")
        with psycopg.connect(urls.database_url) as app:
            app.execute("INSERT INTO kept VALUES ('first')")
        with redis.Redis.from_url(urls.cache_url) as cache:
            cache.set("key", "value")
        assert services.death() is None
    assert any("Making the database" in line for line in progress)
    progress.clear()
    with EmbeddedServices(on_progress=progress.append) as services:
        assert services.start(data_dir) == urls
        with psycopg.connect(urls.database_url) as app:
            assert app.execute("SELECT note FROM kept").fetchall() == [("first",)]
        with redis.Redis.from_url(urls.cache_url) as cache:
            assert cache.get("key") == b"value"
    assert not any("Making the database" in line for line in progress)
    assert processes_in(data_dir / "pg18", "postgres") == []
    assert processes_in(data_dir / "valkey", "valkey-server") == []


def test_broker_url_carries_messages_and_clearing_the_cache_leaves_them(data_dir):
    with EmbeddedServices() as services:
        urls = services.start(data_dir, durable=False)
        with Connection(urls.broker_url) as broker:
            queue = broker.SimpleQueue("tests")
            queue.put({"job": 1})
            with redis.Redis.from_url(urls.cache_url) as cache:
                cache.flushdb()
            message = queue.get(timeout=5)
            assert message.payload == {"job": 1}
            message.ack()
            queue.close()


def test_server_has_checksums_utc_no_tcp_and_logs_no_row_values(data_dir):
    with EmbeddedServices() as services:
        urls = services.start(data_dir)
        with psycopg.connect(urls.database_admin_url, autocommit=True) as admin:

            def shown(name: str) -> str:
                return admin.execute(f"SHOW {name}").fetchone()[0]

            assert shown("data_checksums") == "on"
            assert shown("fsync") == "on"
            assert shown("listen_addresses") == ""
            assert shown("timezone") == "UTC"
            assert admin.execute("SELECT datlocprovider::text FROM pg_database").fetchall() == [("b",)] * 4
            admin.execute("CREATE TABLE patient (mrn text PRIMARY KEY)")
            admin.execute("INSERT INTO patient VALUES ('MRN-4711')")
            with pytest.raises(psycopg.errors.UniqueViolation):
                admin.execute("INSERT INTO patient VALUES ('MRN-4711')")
        with redis.Redis.from_url(urls.cache_url) as cache:
            assert cache.config_get("port") == {"port": "0"}
            assert cache.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert cache.config_get("appendonly") == {"appendonly": "yes"}
    log = (data_dir / "logs" / "postgres.log").read_text()
    assert "duplicate key value" in log
    assert "MRN-4711" not in log


def test_passwords_are_needed_private_and_on_no_command_line(data_dir):
    with EmbeddedServices() as services:
        urls = services.start(data_dir, durable=False)
        passwords = [path.read_text().strip() for path in (data_dir / "secrets").iterdir()]
        assert len(set(passwords)) == 4
        for child in services._children:
            for part in ("cmdline", "environ"):
                seen = Path(f"/proc/{child.pid}/{part}").read_text()
                assert not any(password in seen for password in passwords)
        wrong = urls.database_url.replace((data_dir / "secrets/postgres-app").read_text().strip(), "wrong")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
        with (
            redis.Redis(unix_socket_path=str(data_dir / "run/valkey.sock"), retry=Retry(NoBackoff(), 0)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
        for folder in ("secrets", "run", "pg18", "valkey"):
            assert stat.S_IMODE((data_dir / folder).stat().st_mode) == 0o700
        for secret in (data_dir / "secrets").iterdir():
            assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        logs = "".join(log.read_text() for log in (data_dir / "logs").iterdir())
        assert not any(password in logs for password in passwords)
        assert not any(password in repr(urls) for password in passwords)


def test_caller_environment_does_not_reach_the_servers(data_dir, monkeypatch):
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    with EmbeddedServices() as services:
        urls = services.start(data_dir, durable=False)
        with psycopg.connect(urls.database_url) as app:
            assert app.execute("SELECT current_user").fetchone() == ("cdss_app",)


def test_second_instance_is_refused_naming_the_first(data_dir, run_services):
    with EmbeddedServices() as services:
        services.start(data_dir, durable=False)
        second = run_services(data_dir)
        answer = second.answer()
        assert answer["reason_code"] == "EMBEDDED_ALREADY_RUNNING"
        assert f"Process {os.getpid()} " in answer["sentence"]
        assert second.finish() == 1
        assert services.death() is None


def test_addresses_are_known_without_starting_once_made(data_dir):
    with pytest.raises(EmbeddedError) as refused:
        service_urls(data_dir)
    assert refused.value.reason_code == "EMBEDDED_NOT_INITIALISED"
    with EmbeddedServices() as services:
        urls = services.start(data_dir, durable=False)
    assert service_urls(data_dir) == urls
    assert "@/other?" in service_urls(data_dir, database="other").database_url


def test_long_data_path_gets_its_sockets_elsewhere_and_leaves_none(data_dir):
    deep = data_dir / ("long-" * 20) / "data"
    with EmbeddedServices() as services:
        urls = services.start(deep, durable=False)
        run = services._directory.run
        assert stat.S_IMODE(run.stat().st_mode) == 0o700
        assert len(os.fsencode(run / ".s.PGSQL.5432")) <= 103
        with psycopg.connect(urls.database_url) as app:
            app.execute("SELECT 1")
    assert not run.exists()


def test_cluster_of_another_major_version_is_refused(data_dir):
    (data_dir / "pg16").mkdir()
    (data_dir / "pg16" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedError, match="written by PostgreSQL 16, but the programs are PostgreSQL 18") as refused:
        EmbeddedServices().start(data_dir)
    assert refused.value.reason_code == "EMBEDDED_POSTGRES_MAJOR"
    assert not (data_dir / "pg18").exists()


def test_stopped_data_with_changed_surroundings_is_refused(data_dir):
    with EmbeddedServices() as services:
        services.start(data_dir, durable=False)
    with pytest.raises(EmbeddedError, match="made for tests and cannot be used to last") as refused:
        EmbeddedServices().start(data_dir)
    assert refused.value.reason_code == "EMBEDDED_DURABILITY_MISMATCH"
    secret = data_dir / "secrets/postgres-admin"
    password = secret.read_text()
    secret.write_text("another\n")
    with pytest.raises(EmbeddedError) as refused:
        EmbeddedServices().start(data_dir, durable=False)
    assert refused.value.reason_code == "EMBEDDED_SECRET_MISMATCH"
    secret.unlink()
    with pytest.raises(EmbeddedError) as refused:
        EmbeddedServices().start(data_dir, durable=False)
    assert refused.value.reason_code == "EMBEDDED_SECRET_MISSING"
    secret.write_text(password)
    with EmbeddedServices() as services:
        services.start(data_dir, durable=False)


def test_lost_application_password_is_replaced(data_dir):
    with EmbeddedServices() as services:
        before = services.start(data_dir, durable=False)
    (data_dir / "secrets/postgres-app").unlink()
    with EmbeddedServices() as services:
        after = services.start(data_dir, durable=False)
        assert after.database_url != before.database_url
        psycopg.connect(after.database_url).close()


def test_broken_cluster_is_reported_with_postgres_own_words(data_dir):
    with EmbeddedServices() as services:
        services.start(data_dir, durable=False)
    (data_dir / "pg18/global/pg_control").unlink()
    with pytest.raises(EmbeddedError, match="could not find the database system") as refused:
        EmbeddedServices().start(data_dir, durable=False)
    assert refused.value.reason_code == "EMBEDDED_POSTGRES_DIED"
    assert processes_in(data_dir / "valkey", "valkey-server") == []


@as_root
def test_root_runs_the_servers_as_an_ordinary_user_without_root_groups(data_dir, account):
    with EmbeddedServices() as services:
        services.start(data_dir, durable=False)
        for child in services._children:
            status = Path(f"/proc/{child.pid}/status").read_text()
            lines = dict(line.split(":", 1) for line in status.splitlines())
            assert lines["Uid"].split() == [str(account.uid)] * 4
            assert lines["Gid"].split() == [str(account.gid)] * 4
            assert lines["Groups"].split() == []


@as_root
def test_data_folder_behind_a_private_one_is_refused_and_no_mode_changes(data_dir):
    private = data_dir / "home"
    private.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError) as refused:
        EmbeddedServices().start(private / "data")
    assert refused.value.reason_code == "EMBEDDED_DATA_DIR_UNREACHABLE"
    assert f"may not enter {private};" in refused.value.sentence
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


@as_root
def test_data_of_another_user_are_refused(data_dir):
    with EmbeddedServices() as services:
        services.start(data_dir, durable=False)
    os.chown(data_dir / "run", 12345, 12345)
    with pytest.raises(EmbeddedError) as refused:
        EmbeddedServices().start(data_dir, durable=False)
    assert refused.value.reason_code == "EMBEDDED_FOLDER_FOREIGN"


def test_restart_and_stop_take_less_than_two_seconds(data_dir):
    with EmbeddedServices() as services:
        services.start(data_dir)
    began = time.monotonic()
    with EmbeddedServices() as services:
        services.start(data_dir)
    # Measured at 0.3 s; the margin is for a busy machine.
    assert time.monotonic() - began < 2
