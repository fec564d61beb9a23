import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from cdss.embedded.account import ServiceAccount, service_account
from cdss.embedded.errors import EmbeddedError


def test_ordinary_user_runs_the_services_itself(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwnam("nobody").pw_uid)
    account = service_account()
    assert (account.name, account.is_dropped) == ("nobody", False)
    assert (account.popen_user, account.popen_group, account.popen_extra_groups) == (None, None, None)


def test_root_drops_to_nobody_or_the_named_user(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.delenv("CDSS_SERVICE_USER", raising=False)
    account = service_account()
    nobody = pwd.getpwnam("nobody")
    assert (account.popen_user, account.popen_group, account.popen_extra_groups) == (nobody.pw_uid, nobody.pw_gid, [])
    monkeypatch.setenv("CDSS_SERVICE_USER", "daemon")
    assert service_account().uid == pwd.getpwnam("daemon").pw_uid


@pytest.mark.parametrize("name", ["root", "no-such-user"])
def test_root_is_never_the_service_user(monkeypatch, name):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("CDSS_SERVICE_USER", name)
    with pytest.raises(EmbeddedError, match="set CDSS_SERVICE_USER to one") as refused:
        service_account()
    assert refused.value.reason_code == "EMBEDDED_USER_UNKNOWN"


def test_user_without_a_name_is_refused_as_initdb_would(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 987_654)
    with pytest.raises(EmbeddedError, match="User id 987654 has no entry") as refused:
        service_account()
    assert refused.value.reason_code == "EMBEDDED_USER_UNKNOWN"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_that_may_not_change_user_is_told_so():
    script = (
        "from cdss.embedded.account import service_account\n"
        "from cdss.embedded.errors import EmbeddedError\n"
        "try:\n    service_account().run(['/bin/true'])\n"
        "except EmbeddedError as error:\n    print(error.reason_code)\n"
    )
    done = subprocess.run(
        ["setpriv", "--bounding-set=-setuid,-setgid", sys.executable, "-c", script],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "EMBEDDED_CANNOT_CHANGE_USER", done.stderr


def test_first_folder_that_cannot_be_entered_is_named(tmp_path):
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        account = ServiceAccount("nobody", nobody.pw_uid, nobody.pw_gid, is_dropped=True)
        base = tmp_path.parents[0]  # pytest's folders for root are private
        assert account.first_unreachable(tmp_path) in [base, *base.parents]
    else:
        us = ServiceAccount("us", os.geteuid(), os.getegid(), is_dropped=False)
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o600)
        assert us.first_unreachable(tmp_path) is None
        assert us.first_unreachable(closed) == closed
