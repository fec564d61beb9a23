"""Nothing that was committed is lost, whatever is killed, and no stranger is touched."""

import os
import signal
import subprocess

import psycopg
import pytest
import redis

from cdss.embedded import leftovers
from cdss.embedded.errors import EmbeddedError
from cdss.embedded.leftovers import processes_in
from cdss.embedded.supervisor import EmbeddedServices

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("victim", ["postgres", "valkey"])
def test_killed_server_is_reported_and_restarts_with_its_data(data_dir, rows_kept, victim):
    with EmbeddedServices() as services:
        urls = services.start(data_dir)
        with psycopg.connect(urls.database_owner_url) as owner:
            owner.execute("CREATE TABLE kept (note text)")
            owner.execute("INSERT INTO kept VALUES ('before')")
        with redis.Redis.from_url(urls.cache_url) as cache:
            cache.set("key", "before")
        child = next(child for child in services._children if child.name == victim)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(5)
        death = services.death()
        assert death.name == victim
        assert death.returncode == -signal.SIGKILL
        assert f"{victim} ended unexpectedly with signal SIGKILL" in death.sentence
    with EmbeddedServices() as services:
        urls = services.start(data_dir)
        assert rows_kept(urls.database_url) == ["before"]
        with redis.Redis.from_url(urls.cache_url) as cache:
            assert cache.get("key") == b"before"


def test_killed_parent_takes_both_servers_with_it_cleanly(data_dir, run_services, row_keep, rows_kept, until):
    parent = run_services(data_dir)
    answer = parent.answer()
    row_keep(answer["database_url"], "last")
    open_transaction = psycopg.connect(answer["database_url"])
    open_transaction.execute("INSERT INTO kept VALUES ('never committed')")
    parent.kill()
    until(lambda: not processes_in(data_dir / "pg18", "postgres"))
    until(lambda: not processes_in(data_dir / "valkey", "valkey-server"))
    open_transaction.close()
    assert "database system is shut down" in (data_dir / "logs/postgres.log").read_text()
    with EmbeddedServices() as services:
        assert rows_kept(services.start(data_dir).database_url) == ["last"]
    assert "was not properly shut down" not in (data_dir / "logs/postgres.log").read_text()


def test_start_right_after_a_killed_parent_waits_for_its_servers(data_dir, run_services, row_keep, rows_kept):
    parent = run_services(data_dir)
    row_keep(parent.answer()["database_url"], "last")
    parent.kill()
    with EmbeddedServices() as services:  # at once: the predecessor's servers are still stopping
        assert rows_kept(services.start(data_dir).database_url) == ["last"]


def test_everything_killed_at_once_recovers_the_last_commit(data_dir, run_services, row_keep, rows_kept):
    parent = run_services(data_dir)
    answer = parent.answer()
    os.kill(parent.process.pid, signal.SIGSTOP)
    row_keep(answer["database_url"], "last")
    for pid in answer["pids"].values():
        os.kill(pid, signal.SIGKILL)
    parent.kill()
    with EmbeddedServices() as services:
        assert rows_kept(services.start(data_dir).database_url) == ["last"]
    assert "was not properly shut down" in (data_dir / "logs/postgres.log").read_text()


def test_recycled_pid_of_a_stranger_is_ignored_and_the_stranger_lives(data_dir, account, rows_kept):
    with EmbeddedServices() as services:
        urls = services.start(data_dir)
        with psycopg.connect(urls.database_owner_url) as owner:
            owner.execute("CREATE TABLE kept (note text)")
            owner.execute("INSERT INTO kept VALUES ('before')")
        os.kill(services._children[-1].pid, signal.SIGKILL)
        services._children[-1].wait(5)
    # Processes of the same user have the dead server's pid: PostgreSQL by itself would refuse to start.
    locks = (data_dir / "pg18/postmaster.pid", data_dir / "run/.s.PGSQL.5432.lock")
    strangers = [subprocess.Popen(["sleep", "600"], user=account.popen_user, group=account.popen_group) for _ in locks]
    try:
        for lock, stranger in zip(locks, strangers, strict=True):
            lines = lock.read_text().splitlines(keepends=True)
            lock.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
        with EmbeddedServices() as services:
            assert rows_kept(services.start(data_dir).database_url) == ["before"]
        assert [stranger.poll() for stranger in strangers] == [None, None]
    finally:
        for stranger in strangers:
            stranger.kill()
            stranger.wait()


def test_server_still_in_use_is_not_joined_by_a_second_one(data_dir, run_services, monkeypatch):
    parent = run_services(data_dir)
    postgres = parent.answer()["pids"]["postgres"]
    os.kill(postgres, signal.SIGSTOP)  # cannot obey the signal of its parent's death
    try:
        parent.kill()
        monkeypatch.setattr(leftovers, "WAIT_SECONDS", 0.5)
        with pytest.raises(EmbeddedError, match=rf"Process {postgres} \(postgres\) of an earlier run still uses"):
            EmbeddedServices().start(data_dir)
        os.kill(postgres, 0)
    finally:
        os.kill(postgres, signal.SIGCONT)
    with EmbeddedServices() as services:
        services.start(data_dir)


def test_killed_initdb_leaves_nothing_that_is_taken_for_a_database(data_dir, run_services, until):
    parent = run_services(data_dir)
    until(lambda: list(data_dir.glob("pg18.init-*/PG_VERSION")))
    parent.kill()
    assert not (data_dir / "pg18").exists()
    assert list(data_dir.glob("pg18.init-*"))
    with EmbeddedServices() as services:
        urls = services.start(data_dir)
        with psycopg.connect(urls.database_url) as app:
            assert app.execute("SELECT current_database()").fetchone() == ("cdss",)
        assert list(data_dir.glob("pg18.init-*")) == []


def test_interrupted_first_start_stops_everything_and_the_next_one_works(data_dir, run_services, until):
    interrupted = run_services(data_dir)
    until(lambda: list(data_dir.glob("pg18.init-*/PG_VERSION")))
    interrupted.process.send_signal(signal.SIGINT)
    assert interrupted.finish() != 0
    assert not processes_in(data_dir / "valkey", "valkey-server")
    again = run_services(data_dir)
    assert "database_url" in again.answer()
    assert again.finish() == 0


def test_half_written_append_only_file_is_loaded_up_to_the_tear(data_dir):
    with EmbeddedServices() as services:
        urls = services.start(data_dir)
        with redis.Redis.from_url(urls.cache_url) as cache:
            cache.set("key", "before")
    (tail,) = (data_dir / "valkey").glob("appendonlydir/*.incr.aof")
    with tail.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$3\r\nke")
    with EmbeddedServices() as services:
        services.start(data_dir)
        with redis.Redis.from_url(urls.cache_url) as cache:
            assert cache.get("key") == b"before"


@pytest.mark.skipif(os.geteuid() != 0, reason="runs as an ordinary user already in every other test")
def test_ordinary_user_starts_kills_and_recovers_too(data_dir, run_services, row_keep, rows_kept):
    own = data_dir / "own"
    own.mkdir()
    os.chown(own, 65534, 65534)
    parent = run_services(own, "--user", "nobody")
    answer = parent.answer()
    assert answer["uid"] == 65534
    row_keep(answer["database_url"], "last")
    parent.kill()
    again = run_services(own, "--user", "nobody")
    assert rows_kept(again.answer()["database_url"]) == ["last"]
    assert again.finish() == 0
    assert {path.stat().st_uid for path in own.iterdir()} == {65534}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become an ordinary user")
def test_ordinary_user_is_refused_roots_data_politely(data_dir, run_services):
    with EmbeddedServices() as services:
        services.start(data_dir)
    refused = run_services(data_dir, "--user", "nobody")
    answer = refused.answer()
    assert answer["reason_code"] == "EMBEDDED_DATA_DIR_UNUSABLE"
    assert "run as its owner" in answer["sentence"]
    assert refused.finish() == 1
