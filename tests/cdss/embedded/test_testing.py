import os
import signal
import time

import psycopg
import pytest
import redis

from cdss.embedded import testing
from cdss.embedded.data_directory import DataDirectory, InstanceLock
from cdss.embedded.errors import EmbeddedError
from cdss.embedded.testing import template_copy, template_ensure, temporary_data_dir, temporary_services

pytestmark = pytest.mark.slow


def test_template_is_made_once_and_sessions_do_not_see_each_other(data_dir, account):
    cache = data_dir / "cache"
    with temporary_services(cache=cache) as urls:
        with psycopg.connect(urls.database_owner_url) as owner:
            owner.execute("CREATE TABLE mine (id int)")
        (template,) = cache.glob("template-*/")
        made = template.stat().st_ctime_ns
        with temporary_services(cache=cache) as others, psycopg.connect(others.database_url) as app:
            assert app.execute("SELECT to_regclass('mine')").fetchone() == (None,)
            assert app.execute("SHOW fsync").fetchone() == ("off",)
    assert template.stat().st_ctime_ns == made
    assert template_ensure(cache, account) == template
    with redis.Redis.from_url(urls.cache_url) as cache_client, pytest.raises(redis.ConnectionError):
        cache_client.ping()


def test_template_on_which_a_server_ran_is_refused(data_dir, account):
    template = template_ensure(data_dir / "cache", account)
    (template / "pg18/postmaster.pid").write_text("1\n")
    with pytest.raises(EmbeddedError) as refused:
        template_copy(template, DataDirectory(data_dir, account))
    assert refused.value.reason_code == "EMBEDDED_TEMPLATE_IN_USE"


def test_cluster_that_did_not_stop_cleanly_becomes_no_template(data_dir, account, monkeypatch):
    cache = data_dir / "cache"
    monkeypatch.setattr(testing.EmbeddedServices, "stop", stop_uncleanly)
    with pytest.raises(EmbeddedError) as refused:
        template_ensure(cache, account)
    assert refused.value.reason_code == "EMBEDDED_TEMPLATE_UNCLEAN"
    assert not list(cache.glob("template-*/"))


def stop_uncleanly(services) -> None:
    for child in services._children:
        # Immediate shutdown: like a kill for the data, but it does give the shared memory back.
        child.send_signal(signal.SIGQUIT if child.name == "postgres" else signal.SIGKILL)
        child.wait(20)
        child.kill()
    if services._lock is not None:
        services._lock.release()


def test_abandoned_folders_are_removed_but_none_in_use_or_recent(data_dir, account, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(data_dir))
    monkeypatch.setattr(testing.tempfile, "tempdir", None)
    locks = {}
    for name in ("abandoned", "in-use", "recent"):
        folder = data_dir / f"cdss-test-{name}"
        folder.mkdir()
        locks[name] = InstanceLock(folder / "lock")
        locks[name].acquire()
        if name != "recent":
            os.utime(folder / "lock", (0, time.time() - 7200))
    locks["abandoned"].release()
    locks["recent"].release()
    with temporary_data_dir(account) as folder:
        assert folder.parent == data_dir
        left = {path.name for path in data_dir.iterdir()}
    locks["in-use"].release()
    assert left == {"cdss-test-in-use", "cdss-test-recent", folder.name}
