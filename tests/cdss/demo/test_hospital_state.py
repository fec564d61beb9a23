"""The demonstration asks the database, not a file, whether its hospital is there, and mixes with nobody else's.

Not covered: images (tests/journeys/test_demo.py loads them all).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from cdss.accounts.models import Organisation, Role, User
from cdss.demo import hospital as demo_hospital
from cdss.embedded.urls import ServiceUrls
from ml.synthetic.__main__ import _plain
from ml.synthetic.cohort import demo_cohort
from patients.models import Observation, Patient
from tests import factories
from tests.factories import Hospital
from tests.processes import free_port

ROOT = Path(__file__).resolve().parents[3]
PATIENTS = 2


@pytest.fixture(autouse=True)
def demonstration(settings: Settings) -> None:
    settings.DEMONSTRATION = True


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One patient of each of the two hospitals, without images."""
    cohort = [patient for patient in demo_cohort(1, date(2026, 1, 15)) if not patient.studies]
    chosen = {patient.organisation.slug: patient for patient in cohort}
    text = json.dumps({"patients": [asdict(patient) for patient in chosen.values()]}, default=_plain)
    (tmp_path / "cohort.json").write_text(text, encoding="utf-8")
    return tmp_path


def run(token_file: Path, *arguments: str) -> str:
    out = StringIO()
    call_command("load_demo_hospital", *arguments, "--token-file", str(token_file), stdout=out)
    return out.getvalue().strip()


def state(token_file: Path, patients: int = PATIENTS) -> str:
    return run(token_file, "--state", "--patients", str(patients))


def opens(token_file: Path) -> bool:
    bearer = {"Authorization": f"Bearer {token_file.read_text()}"}
    return Client().get("/api/v1/patients", headers=bearer).status_code != 401


@pytest.mark.django_db
def test_the_database_says_what_it_holds_and_the_printed_token_is_made_the_valid_one(folder: Path) -> None:
    first, second = folder / "first", folder / "second"
    assert state(first) == "missing"
    assert not first.exists(), "asking makes nothing"
    run(first, str(folder))
    assert state(first) == "loaded"
    assert state(first, PATIENTS + 1) == "missing", "an interrupted load goes on"
    assert opens(first)
    assert state(second) == "token differs"
    second.write_text("cdss_demo_another-data-folder", encoding="utf-8")
    assert not opens(second)
    run(second, "--renew-token")
    assert (opens(first), opens(second), state(second)) == (False, True, "loaded")
    assert Patient.objects.count() == PATIENTS
    user = User.objects.get(username="clinician")
    assert user.is_demonstration and user.role == Role.CLINICIAN


@pytest.mark.django_db
def test_a_patient_whose_rows_fail_is_not_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise demo_hospital.DemoDataError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(demo_hospital, "_rows", fails)
        with pytest.raises(demo_hospital.DemoDataError):
            run(folder / "token", str(folder))
    assert Patient.objects.count() == 0
    run(folder / "token", str(folder))
    assert (Patient.objects.count(), state(folder / "token")) == (PATIENTS, "loaded")


@pytest.mark.django_db
def test_another_organisation_is_refused_even_under_a_name_of_ours(folder: Path, hospital: Hospital) -> None:
    """`hospital` is called north, as the demonstration's first one is; its people are real."""
    for arguments in ([str(folder)], ["--state"], ["--renew-token"]):
        with pytest.raises(CommandError, match="already holds 'North Hospital', which is not the demonstration's"):
            run(folder / "token", *arguments)
    assert (Organisation.objects.count(), Patient.objects.count(), Observation.objects.count()) == (1, 0, 0)
    assert not User.objects.filter(is_demonstration=True).exists()
    assert not (folder / "token").exists()


@pytest.mark.django_db
def test_in_a_database_of_its_own_a_newcomers_organisation_does_not_matter(folder: Path) -> None:
    factories.hospital("mine")
    run(folder / "token", str(folder), "--database-is-ours")
    assert run(folder / "token", "--state", "--patients", "2", "--database-is-ours") == "loaded"
    with pytest.raises(CommandError, match="not the demonstration's"):
        state(folder / "token")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_make_demo_leaves_a_real_hospitals_database_alone(
    services: ServiceUrls, hospital: Hospital, tmp_path: Path
) -> None:
    named = {"DATABASE_URL": services.database_url, "DATABASE_OWNER_URL": services.database_owner_url}
    environment = {**os.environ, **named, "BROKER_URL": services.broker_url}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    argv = [sys.executable, "-m", "cdss.demo", "--port", str(free_port()), "--data-dir", str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Stopping",
        "The demonstration stopped: The database already holds 'North Hospital', which is not the demonstration's; "
        "synthetic patients are not mixed with real ones: name an empty database in DATABASE_URL.",
    ]
    assert list(Organisation.objects.values_list("name", flat=True)) == ["North Hospital"]
