"""Who may import whom, checked by import-linter; and each contract is shown to fail when somebody breaks it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cdss", "imaging", "patients", "ml")
# Contract -> (module that breaks it, the import that does, how the report names it). All are planted in one copy.
VIOLATIONS = {
    "Layers of the house": ("cdss.audit.planted", "import imaging.models", "cdss.audit.planted -> imaging.models"),
    "ml is a library: no web framework, no queue, no database": (
        "ml.planted",
        "import django.db",
        "ml.planted -> django",
    ),
    "Only the two adapters import ml": ("imaging.planted", "import ml.types", "imaging.planted -> ml.types"),
    "Nobody but ml imports torch or transformers": (
        "cdss.jobs.planted",
        "import torch",
        "cdss.jobs.planted -> torch",
    ),
    "Inside an app: doors above services, services above adapters and selectors, models at the bottom": (
        "patients.selectors",
        "import patients.services.patients",
        "patients.selectors -> patients.services.patients",
    ),
}


def contracts() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return [contract["name"] for contract in settings["contracts"]]


def lint(folder: Path) -> tuple[int, str]:
    """The exit code and the report of import-linter for one tree."""
    program = (
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder, env={**os.environ, "COLUMNS": "250", "PYTHONPATH": str(folder)},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        for source in (ROOT / package).rglob("*.py"):
            target = tmp_path / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return tmp_path


def test_every_contract_is_kept(copy: Path) -> None:
    code, report = lint(copy)

    assert code == 0, report
    assert f"Contracts: {len(contracts())} kept, 0 broken." in report


def test_every_contract_fails_when_it_is_broken(copy: Path) -> None:
    for module, line, _ in VIOLATIONS.values():
        with (copy / (module.replace(".", "/") + ".py")).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")

    code, report = lint(copy)

    assert code == 1, report
    details = report.split("Broken contracts", 1)[1]
    for contract, (_, _, named) in VIOLATIONS.items():
        assert f"{contract} BROKEN" in report
        assert named in details.split(contract, 1)[1], f"{contract}: {named} is not in the report"


def test_every_contract_has_a_violation_that_proves_it() -> None:
    assert sorted(VIOLATIONS) == sorted(contracts())


def reads_settings(source: str) -> bool:
    return re.search(r"^\s*(?:from django\.conf import|import django\.conf)\b", source, re.MULTILINE) is not None


def test_no_service_looks_up_a_setting() -> None:
    """What a service needs to know is an argument: the doors read the settings (docs/architecture.md)."""
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    services = [path for path in sources if path.parent.name == "services" or path.name == "services.py"]

    assert ROOT / "cdss/assessments/services/assess.py" in services and ROOT / "cdss/audit/services.py" in services
    assert [str(path.relative_to(ROOT)) for path in services if reads_settings(path.read_text(encoding="utf-8"))] == []
    assert reads_settings((ROOT / "cdss/assessments/jobs.py").read_text(encoding="utf-8"))
