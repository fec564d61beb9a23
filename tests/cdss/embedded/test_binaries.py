import os
import shutil
import stat
from pathlib import Path

import psycopg
import pytest

from cdss.embedded import binaries
from cdss.embedded.account import ServiceAccount, service_account
from cdss.embedded.binaries import (
    postgres_bin_locate,
    postgres_programs,
    valkey_program,
    valkey_server_locate,
)
from cdss.embedded.errors import EmbeddedError
from cdss.embedded.supervisor import EmbeddedServices


def test_wheels_programs_are_found_and_named_ones_win(tmp_path, monkeypatch):
    bundled = postgres_bin_locate()
    assert (bundled / "postgres").is_file()
    assert valkey_server_locate().is_file()
    monkeypatch.setenv("CDSS_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(EmbeddedError, match=f"CDSS_POSTGRES_BIN names {tmp_path}, which has no initdb"):
        postgres_bin_locate()
    for name in ("initdb", "postgres"):
        (tmp_path / name).symlink_to(bundled / name)
    assert postgres_bin_locate() == tmp_path
    monkeypatch.setenv("CDSS_VALKEY_SERVER", str(tmp_path / "absent"))
    with pytest.raises(EmbeddedError, match="is not a program"):
        valkey_server_locate()


def test_nothing_installed_says_what_to_do(monkeypatch):
    monkeypatch.setattr(binaries, "_package_folder", lambda name: None)
    monkeypatch.setattr(binaries, "_postgres_candidates", lambda: iter([Path("/nonexistent")]))
    monkeypatch.setenv("PATH", "/nonexistent")
    for locate in (postgres_bin_locate, valkey_server_locate):
        with pytest.raises(EmbeddedError, match=r"install the extra cdss\[embedded\].*or set DATABASE_URL") as refused:
            locate()
        assert refused.value.reason_code == "EMBEDDED_PROGRAMS_MISSING"


def test_programs_of_the_system_path_are_a_second_choice(tmp_path, monkeypatch):
    bundled, valkey = postgres_bin_locate(), valkey_server_locate()
    for program in (bundled / "initdb", bundled / "postgres", valkey):
        (tmp_path / program.name).symlink_to(program)
    monkeypatch.setattr(binaries, "_package_folder", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert postgres_bin_locate() == bundled
    assert valkey_server_locate() == tmp_path / "valkey-server"


@pytest.mark.parametrize(("version", "major"), [("15.4", 15), ("18.6", 18), ("19", 19)])
def test_version_is_read_from_initdb(tmp_path, version, major):
    initdb = tmp_path / "initdb"
    initdb.write_text(f"#!/bin/sh\necho 'initdb (PostgreSQL) {version}'\n")
    initdb.chmod(0o755)
    us = ServiceAccount("us", os.geteuid(), os.getegid(), is_dropped=False)
    programs = postgres_programs(tmp_path, account=us, copies=tmp_path)
    assert (programs.version, programs.major) == (version, major)


def test_too_old_and_broken_programs_are_refused(tmp_path):
    initdb = tmp_path / "initdb"
    us = ServiceAccount("us", os.geteuid(), os.getegid(), is_dropped=False)
    for script, code in [
        ("echo 'initdb (PostgreSQL) 14.9'", "EMBEDDED_POSTGRES_TOO_OLD"),
        ("echo 'libpq.so.5: cannot open shared object file' >&2; exit 127", "EMBEDDED_PROGRAMS_UNUSABLE"),
    ]:
        initdb.write_text(f"#!/bin/sh\n{script}\n")
        initdb.chmod(0o755)
        with pytest.raises(EmbeddedError) as refused:
            postgres_programs(tmp_path, account=us, copies=tmp_path)
        assert refused.value.reason_code == code


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to drop it")
def test_programs_behind_a_private_folder_are_copied_once_and_run(data_dir, tmp_path, monkeypatch):
    # A checkout in root's home: the account cannot reach its programs. Root's pytest folder is private too.
    package = postgres_bin_locate().parents[1]
    private = tmp_path / "site-packages"
    private.mkdir(mode=0o700)
    shutil.copytree(package, private / package.name, symlinks=True)
    libraries = package.with_name(package.name + ".libs")
    shutil.copytree(libraries, private / libraries.name)
    shutil.copy2(valkey_server_locate(), private / "valkey-server")
    monkeypatch.setenv("CDSS_POSTGRES_BIN", str(private / package.name / "pginstall/bin"))
    monkeypatch.setenv("CDSS_VALKEY_SERVER", str(private / "valkey-server"))
    for _ in range(2):
        with EmbeddedServices() as services:
            urls = services.start(data_dir, durable=False)
            with psycopg.connect(urls.database_url) as app:
                assert app.execute("SELECT '[1]'::vector").fetchone() == ("[1]",)
    copies = sorted(path.name.split("-")[0] for path in (data_dir / "programs").iterdir())
    assert copies == ["postgresql", "valkey"]
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    account = service_account()
    assert valkey_program(private / "valkey-server", account=account, copies=data_dir / "programs").is_file()
    assert not list((data_dir / "programs").rglob("*.a"))
