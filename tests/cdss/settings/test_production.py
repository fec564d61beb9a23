"""A hospital's settings start, pass Django's own deployment checks, and refuse what is not fit for production."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
KEY = "Zq9-x" * 13


def manage(*arguments: str, storage: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "cdss.settings.production",
        "DATABASE_URL": "postgresql://cdss_app@db.example/cdss",
        "BROKER_URL": "redis://queue.example:6379/0",
        "SECRET_KEY": KEY,
        "STORAGE_ROOT": str(storage),
        "STATIC_ROOT": str(storage / "static"),
        "ALLOWED_HOSTS": "cdss.example",
        "BEHIND_TLS_PROXY": "yes",
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_deployment_checks_are_clean(tmp_path: Path) -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", storage=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


def test_every_static_file_a_page_names_can_be_hashed(tmp_path: Path) -> None:
    done = manage("collectstatic", "--no-input", storage=tmp_path)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "static" / "staticfiles.json").is_file()


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY must be a random value of at least 50 characters"),
        ({"SECRET_KEY": "demo-" + KEY}, "SECRET_KEY must be a random value of at least 50 characters"),
        ({"DATABASE_URL": "sqlite:///x.db"}, "DATABASE_URL must start with postgresql://"),
        ({"HTTPS_ONLY": "perhaps"}, "HTTPS_ONLY='perhaps' is neither yes nor no."),
        ({"SECRET_KEY_FILE": "/run/secrets/key"}, "SECRET_KEY and SECRET_KEY_FILE are both set; keep one."),
    ],
)
def test_a_value_unfit_for_production_refuses_to_start(
    variables: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    done = manage("check", storage=tmp_path, **variables)

    assert done.returncode != 0
    assert sentence in done.stderr
