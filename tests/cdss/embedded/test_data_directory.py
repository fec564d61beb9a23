import os
import stat
from pathlib import Path

import pytest

from cdss.embedded import data_directory
from cdss.embedded.account import ServiceAccount
from cdss.embedded.data_directory import (
    DataDirectory,
    InstanceLock,
    data_directory_fill,
    data_directory_open,
    default_data_dir,
    file_system_type,
    folders_make,
)
from cdss.embedded.errors import EmbeddedError

MOUNTS = """\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 21 0:44 / /mnt/share rw,relatime - nfs4 server:/export rw,vers=4.2
31 21 0:50 /sub /mnt/with\\040space rw - fuse.sshfs host:/ rw
"""


@pytest.mark.parametrize(
    ("device", "expected"),
    [((254, 0), "ext4"), ((0, 44), "nfs4"), ((0, 50), "fuse.sshfs"), ((8, 1), None)],
)
def test_file_system_type_is_found_by_device(device, expected):
    assert file_system_type(MOUNTS, os.makedev(*device)) == expected


def test_data_folder_on_a_network_file_system_is_refused(tmp_path, account, monkeypatch):
    monkeypatch.setattr(data_directory, "file_system_type", lambda mountinfo, device: "nfs4")
    with pytest.raises(EmbeddedError, match="network file system") as refused:
        data_directory_open(tmp_path / "data", account)
    assert refused.value.reason_code == "EMBEDDED_DATA_DIR_NETWORK"


def test_default_folder_is_the_named_one_then_the_users_own(monkeypatch):
    monkeypatch.setenv("CDSS_DATA_DIR", "/srv/cdss")
    assert default_data_dir() == Path("/srv/cdss")
    monkeypatch.delenv("CDSS_DATA_DIR")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/cdss")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/xdg")
    assert default_data_dir() == Path("/xdg/cdss")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert default_data_dir() == Path("/home/somebody/.local/share/cdss")


def test_secret_is_made_once_long_and_private(tmp_path, account):
    directory = DataDirectory(tmp_path, account)
    directory.secrets.mkdir()
    first = directory.secret("valkey")
    assert directory.secret("valkey") == first
    assert directory.secret("postgres-app") != first
    assert len(first) >= 43
    assert stat.S_IMODE((directory.secrets / "valkey").stat().st_mode) == 0o600
    assert sorted(path.name for path in directory.secrets.iterdir()) == ["postgres-app", "valkey"]


def test_made_folders_have_the_mode_whatever_the_umask_and_old_ones_keep_theirs(tmp_path):
    old = tmp_path / "old"
    old.mkdir(mode=0o750)
    before = os.umask(0o077)
    try:
        folders_make(old / "a" / "b", 0o711)
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (old, old / "a", old / "a/b")] == [0o750, 0o711, 0o711]


def test_lock_names_its_holder_and_is_free_after_release(tmp_path):
    first, second = InstanceLock(tmp_path / "lock"), InstanceLock(tmp_path / "lock")
    first.acquire()
    with pytest.raises(EmbeddedError, match=f"Process {os.getpid()} already runs the services in {tmp_path}"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_file_in_place_of_the_data_folder_is_refused(tmp_path, account):
    (tmp_path / "data").write_text("")
    with pytest.raises(EmbeddedError) as refused:
        data_directory_open(tmp_path / "data" / "inner", account)
    assert refused.value.reason_code == "EMBEDDED_DATA_DIR_UNUSABLE"


@pytest.mark.parametrize("trap", ["link", "open"])
def test_prepared_socket_folder_of_somebody_else_is_refused(data_dir, account, trap):
    run = data_dir / "run"
    if trap == "link":
        (data_dir / "elsewhere").mkdir(mode=0o700)
        run.symlink_to(data_dir / "elsewhere")
    else:
        run.mkdir()
        run.chmod(0o777)
        account.give(run)
    with pytest.raises(EmbeddedError, match="is not a private folder of user") as refused:
        data_directory_fill(data_directory_open(data_dir, account))
    assert refused.value.reason_code == "EMBEDDED_FOLDER_FOREIGN"


@pytest.mark.parametrize(("length", "inside"), [(103, True), (104, False)])
def test_sockets_move_out_when_their_path_gets_too_long(length, inside):
    root = Path("/" + "d" * (length - len("/run/.s.PGSQL.5432") - 1))
    directory = DataDirectory(root, ServiceAccount("nobody", 65534, 65534, is_dropped=True))
    assert len(os.fsencode(root / "run" / ".s.PGSQL.5432")) == length
    assert (directory.run == root / "run") is inside
    assert len(os.fsencode(directory.run / ".s.PGSQL.5432")) <= 103
