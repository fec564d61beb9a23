"""Pages are tested as a browser or a plain HTTP client sees them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from cdss.accounts.models import User
from cdss.jobs.running import jobs_run_due
from patients.models import Patient
from tests import factories
from tests.factories import Hospital

SignIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def static_root(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()


@pytest.fixture
def assessed(hospital: Hospital) -> Patient:
    """Somebody with a record that shows a risk."""
    who = factories.complete_patient(hospital)
    jobs_run_due()
    return who


@pytest.fixture
def clinician(hospital: Hospital, signed_in: SignIn) -> Client:
    return signed_in(hospital.clinician)


@pytest.fixture
def auditor(hospital: Hospital, signed_in: SignIn) -> Client:
    return signed_in(hospital.auditor)


@pytest.fixture
def administrator(hospital: Hospital, signed_in: SignIn) -> Client:
    return signed_in(hospital.administrator)
