"""compose.yml as Compose itself reads it, and what must hold of every container.

Not covered: building the image and starting it, which need a Docker engine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cdss.settings.env import database_from_url
from tests.docker.test_entrypoint import DOCKER, run


def compose() -> list[str]:
    """Compose 2 when its plug-in is there, else the older program, which parses and interpolates the same file."""
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if plugin.returncode == 0:
            return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if os.environ.get("CI"):
        pytest.fail("CI has neither docker compose nor docker-compose; .ci/run installs one")
    pytest.skip("neither docker compose nor docker-compose is installed (apt-get install docker-compose)")


def config(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*compose(), "-f", str(DOCKER / "compose.yml"), "--profile", "gpu", "config"],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    done = config(CDSS_HOST="cdss.hospital.example")
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = yaml.safe_load(done.stdout)
    return parsed


def ours(project: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: item for name, item in project["services"].items() if item["image"].startswith("cdss:")}


def test_without_a_host_name_it_refuses_and_says_which() -> None:
    done = config()

    assert done.returncode != 0
    assert "CDSS_HOST" in done.stderr


def test_every_part_of_the_service_is_there(project: dict[str, Any]) -> None:
    parts = {"bootstrap", "migrate", "web", "dicomweb", "worker-imaging", "worker-assess", "sweeper"}
    parts |= {"worker-imaging-gpu"}

    assert set(ours(project)) == parts
    assert set(project["services"]) - parts == {"postgres", "valkey", "proxy"}


def test_our_containers_cannot_change_themselves_nor_gain_rights(project: dict[str, Any]) -> None:
    for name, service in ours(project).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert service.get("privileged", False) is False, name
        assert "user" not in service, f"{name}: the image's own user is not root"
    assert "\nUSER 10001:10001\n" in (DOCKER / "Dockerfile").read_text()


def test_only_the_proxy_hears_the_network_and_it_reaches_no_database(project: dict[str, Any]) -> None:
    services = project["services"]

    assert [name for name, service in services.items() if service.get("ports")] == ["proxy"]
    assert list(services["proxy"]["networks"]) == ["front"]
    assert project["networks"]["back"]["internal"] is True
    for name in ("postgres", "valkey", "worker-imaging", "worker-assess", "sweeper"):
        assert list(services[name]["networks"]) == ["back"], name


def test_every_command_is_one_that_the_entry_point_knows(project: dict[str, Any], tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 0\n")
    python.chmod(0o755)
    for name, service in ours(project).items():
        command = service["command"] if isinstance(service["command"], list) else service["command"].split()
        assert run(*command, python=python)[0] == 0, name
        if test := service.get("healthcheck", {}).get("test"):
            assert test[:2] == ["CMD", "/usr/local/bin/cdss"], name
            (tmp_path / "cdss-sweeper-alive").touch()
            assert run(*test[2:], python=python)[0] == 0, name


def test_no_secret_is_in_the_environment(project: dict[str, Any]) -> None:
    secret = {"SECRET_KEY", "DATABASE_URL", "BROKER_URL", "CACHE_URL", "POSTGRES_PASSWORD", "ADMIN_DATABASE_URL"}
    for name, service in project["services"].items():
        assert not secret & set(service.get("environment") or {}), name


def test_a_service_has_the_secrets_whose_files_it_names(project: dict[str, Any]) -> None:
    for name, service in project["services"].items():
        mounted = {f"/run/secrets/{secret['source']}" for secret in service.get("secrets", [])}
        named = {value for key, value in (service.get("environment") or {}).items() if key.endswith("_FILE")}
        assert named <= mounted, name


def test_only_bootstrap_and_migrate_hold_more_than_the_applications_own_rights(project: dict[str, Any]) -> None:
    holders = {
        secret: {
            name
            for name, service in project["services"].items()
            if secret in [item["source"] for item in service.get("secrets", [])]
        }
        for secret in ("admin_database_url", "database_owner_url", "postgres_password", "migrator_password")
    }

    assert holders == {
        "admin_database_url": {"bootstrap"},
        "database_owner_url": {"migrate"},
        "postgres_password": {"postgres"},
        "migrator_password": {"bootstrap"},
    }


def test_the_queue_survives_a_restart_and_evicts_nothing(project: dict[str, Any]) -> None:
    command = project["services"]["valkey"]["command"]
    words = command if isinstance(command, list) else command.split()

    assert words[words.index("--appendonly") + 1] == "yes"
    assert words[words.index("--maxmemory-policy") + 1] == "noeviction"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed; make-secrets.sh makes the certificate with it")
    folder = tmp_path / "secrets"
    make = [str(DOCKER / "make-secrets.sh"), "cdss.example", str(folder)]
    done = subprocess.run(make, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_secrets_made_are_those_that_compose_names(secrets: Path, project: dict[str, Any]) -> None:
    assert {path.name for path in secrets.iterdir()} == set(project["secrets"])
    assert secrets.stat().st_mode & 0o777 == 0o700  # the folder keeps them from others on the host


def test_the_addresses_made_are_understood_and_name_the_right_roles(secrets: Path) -> None:
    application = database_from_url((secrets / "database_url").read_text())
    migrator = database_from_url((secrets / "database_owner_url").read_text())

    assert (application["USER"], application["HOST"], application["NAME"]) == ("cdss_app", "postgres", "cdss")
    assert application["PASSWORD"] == (secrets / "app_password").read_text()
    assert (migrator["USER"], migrator["OPTIONS"]) == ("cdss_migrator", {"options": "-c role=cdss_owner"})
    assert application["PASSWORD"] != migrator["PASSWORD"]
    assert len((secrets / "secret_key").read_text()) >= 50


def test_secrets_that_are_there_are_never_replaced(secrets: Path) -> None:
    before = {path.name: path.read_bytes() for path in secrets.iterdir()}
    subprocess.run([str(DOCKER / "make-secrets.sh"), "other.example", str(secrets)], capture_output=True, check=True)

    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == before


def test_nginx_accepts_the_proxys_configuration(secrets: Path, tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed (apt-get install nginx-light)")
    text = (DOCKER / "nginx.conf").read_text().replace("/tmp/", f"{tmp_path}/")  # noqa: S108
    text = text.replace("/dev/std", f"{tmp_path}/log-").replace("/run/secrets", str(secrets))
    written = tmp_path / "nginx.conf"
    written.write_text(text)
    done = subprocess.run([nginx, "-t", "-q", "-c", str(written)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
