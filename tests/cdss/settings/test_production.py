"""A hospital's settings start, pass Django's own deployment checks, and refuse what is not fit for production."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
KEY = "Zq9-xW4_bT7k" * 5
CODE = str(ROOT)
CACHE = "redis://cache.example:6379/1"
SECRET = "SECRET_KEY must be a random value of at least 50 characters"
STORAGE = f"STORAGE_ROOT must be the absolute path of a folder outside the code's own, {CODE};"


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
        ({"SECRET_KEY": "short"}, SECRET),
        ({"SECRET_KEY": "demo-" + KEY}, SECRET),
        ({"SECRET_KEY": "test-only-key-that-guards-nothing-and-is-long-enough-to-be-accepted"}, SECRET),
        ({"SECRET_KEY": "Zq9-xW4_b" * 6}, SECRET),  # 54 characters, 9 of them different
        ({"DATABASE_URL": "sqlite:///x.db"}, "DATABASE_URL must start with postgresql://"),
        ({"HTTPS_ONLY": "perhaps"}, "HTTPS_ONLY='perhaps' is neither yes nor no."),
        ({"SECRET_KEY_FILE": "/run/secrets/key"}, "SECRET_KEY and SECRET_KEY_FILE are both set; keep one."),
        ({"STORAGE_ROOT": ""}, STORAGE),
        ({"STORAGE_ROOT": "storage"}, STORAGE),
        ({"STORAGE_ROOT": CODE}, STORAGE),
        ({"STORAGE_ROOT": f"{CODE}/storage"}, STORAGE),
        ({"STORAGE_ROOT": f"/var/..{CODE}/cdss/../storage"}, STORAGE),
        ({"MODEL_RELEASE": ""}, "MODEL_RELEASE='' is no release; set one of equations-1.0.0, equations-1.1.0"),
        ({"MODEL_RELEASE": "equations-9.9.9"}, "MODEL_RELEASE='equations-9.9.9' is no release; set one of"),
        ({"MODEL_RELEASE": "../releases/equations-1.1.0"}, "MODEL_RELEASE='../releases/equations-1.1.0' is no release"),
        ({"MODEL_RELEASE": "equations-1.1.0/"}, "MODEL_RELEASE='equations-1.1.0/' is no release"),
        ({"ALLOWED_HOSTS": "cdss.example,*"}, "ALLOWED_HOSTS must not contain *; list the names"),
        ({"ALLOWED_HOSTS": "*.cdss.example"}, "ALLOWED_HOSTS must not contain *; list the names"),
        (
            {"BROKER_URL": "memory://"},
            "BROKER_URL must start with one of redis://, rediss://, amqp://, amqps://, redis+",
        ),
        ({"BROKER_URL": "queue.example:6379"}, "BROKER_URL must start with one of redis://, rediss://"),
        ({"BROKER_URL": "amqp://"}, "BROKER_URL names no host; write amqp://HOST:PORT/."),
        ({"BROKER_URL": "amqp:///vhost", "CACHE_URL": CACHE}, "BROKER_URL names no host; write amqp://HOST:PORT/."),
        ({"BROKER_URL": "redis://:secret@/0"}, "BROKER_URL names no host; write redis://HOST:PORT/."),
        ({"BROKER_URL": "redis+socket://"}, "BROKER_URL names no socket; write redis+socket:///PATH"),
        ({"BROKER_URL": "redis://:se/cret@queue.example/0"}, "BROKER_URL is not an address; percent-encode"),
        ({"BROKER_URL": "amqp://queue.example//"}, "CACHE_URL is not set and BROKER_URL is no Redis; set CACHE_URL"),
        (
            {"CACHE_URL": "redis+socket:///run/valkey.sock"},
            "CACHE_URL must start with one of redis://, rediss://, unix",
        ),
        ({"CACHE_URL": "memcached://cache.example"}, "CACHE_URL must start with one of redis://, rediss://, unix://"),
        ({"CACHE_URL": "unix://"}, "CACHE_URL names no socket; write unix:///PATH"),
        ({"LOG_LEVEL": "verbose"}, "LOG_LEVEL='verbose' is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL."),
        ({"LOG_LEVEL": "info"}, "LOG_LEVEL='info' is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL."),
    ],
)
def test_a_value_unfit_for_production_refuses_to_start(
    variables: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    done = manage("check", storage=tmp_path, **variables)

    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert sentence in last
    assert "cret" not in last  # no address is printed, for its password


@pytest.mark.parametrize(
    "variables",
    [
        {"BROKER_URL": "redis+socket://:secret@/run/valkey.sock"},  # the cache is on the same socket
        {"BROKER_URL": "rediss://:secret@queue.example:6380/0", "LOG_LEVEL": "CRITICAL"},
        {"BROKER_URL": "amqps://cdss:secret@queue.example//", "CACHE_URL": CACHE},
        {"CACHE_URL": "unix://:secret@/run/valkey.sock?db=1", "MODEL_RELEASE": "equations-1.0.0"},
        {"ALLOWED_HOSTS": ".cdss.example,127.0.0.1"},
    ],
)
def test_what_is_fit_starts(variables: dict[str, str], tmp_path: Path) -> None:
    done = manage("check", storage=tmp_path, **variables)

    assert done.returncode == 0, done.stderr
