"""What is on file beside the record: values nothing uses, and values refused at the door, each with its reason."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cdss.accounts.models import User
from cdss.jobs.running import jobs_run_due
from patients.models import Patient, RefusedObservation
from patients.services.clinical_rows import NewObservation
from tests import factories
from tests.cdss.dashboard.conftest import SignIn
from tests.cdss.dashboard.reading import text_of
from tests.factories import Hospital

pytestmark = pytest.mark.django_db
TOTAL_CHOLESTEROL = "2093-3"


def send(at: Hospital, who: Patient, code: str, value: str, unit: str, *, days_ago: int = 30) -> int:
    """Over the API, as a hospital's system does."""
    body = {
        "code_system": "http://loinc.org",
        "code": code,
        "value": value,
        "unit": unit,
        "effective_at": (timezone.now() - timedelta(days=days_ago)).isoformat(),
        "setting": "ambulatory",
    }
    address = f"/api/v1/patients/{who.id}/observations"
    return Client().post(address, json.dumps(body), content_type="application/json", headers=at.bearer).status_code


def page_of(client: Client, who: Patient) -> str:
    return text_of(client.get(f"/patients/{who.id}/").content)


def test_a_refused_value_is_shown_as_sent_with_what_to_do_until_a_right_one_comes(
    hospital: Hospital, clinician: Client
) -> None:
    who = factories.patient(hospital)
    assert send(hospital, who, TOTAL_CHOLESTEROL, "5.2", "mg/dL") == 422
    page = page_of(clinician, who)
    refused = page[page.index("Refused values") :]
    assert "Total cholesterol LOINC 2093-3 5.2 mg/dL" in refused
    assert "ambulatory laboratory Total cholesterol 5.2 mg/dL cannot be right" in refused
    assert "nothing was converted. IMPLAUSIBLE_VALUE" in refused
    assert "its source has to send it, with its unit" in refused
    assert send(hospital, who, TOTAL_CHOLESTEROL, "5.2", "mmol/L", days_ago=1) == 201
    assert "Refused values" not in page_of(clinician, who)


def test_unused_values_are_listed_with_their_reason(hospital: Hospital, clinician: Client, assessed: Patient) -> None:
    factories.record(
        hospital,
        assessed,
        factories.quantity("718-7", "13.2", "g/dL"),
        factories.quantity(TOTAL_CHOLESTEROL, "5.1", "mmol/cup"),
    )
    jobs_run_due()
    page = page_of(clinician, assessed)
    unused = page[page.index("On file and not used") : page.index("All records of this patient")]
    assert "2 values that no equation uses" in unused
    assert "LOINC 718-7 13.2 g/dL" in unused
    assert "No equation of this release uses this code; the row is kept. CODE_NOT_USED" in unused
    assert "Total cholesterol LOINC 2093-3 5.1 mmol/cup" in unused
    assert "UNKNOWN_UNIT" in unused


def test_a_patient_with_nothing_unused_has_no_empty_section(clinician: Client, assessed: Patient) -> None:
    page = page_of(clinician, assessed)
    assert "On file and not used" not in page
    assert "Refused values" not in page


def test_a_genotype_on_file_is_shown_to_those_alone_who_may_see_genetics(
    hospital: Hospital, clinician: Client, assessed: Patient, signed_in: SignIn
) -> None:
    at = timezone.now() - timedelta(days=30)
    genotype = NewObservation("http://loinc.org", "21619-2", at, value_code="e4/e4")
    local = NewObservation("urn:lab", "APOE-GT", at, value_code="E3/E4")
    factories.record(hospital, assessed, genotype, local, factories.quantity("718-7", "13.2", "g/dL"))
    page = page_of(clinician, assessed)
    assert "1 value that no equation uses" in page
    for told in ("21619-2", "e4/e4", "APOE-GT", "E3/E4"):
        assert told not in page
    User.objects.filter(id=hospital.clinician.id).update(may_see_genetics=True)
    hospital.clinician.refresh_from_db()
    page = page_of(signed_in(hospital.clinician), assessed)
    assert "3 values that no equation uses" in page
    assert "LOINC 21619-2 e4/e4" in page
    assert "urn:lab APOE-GT E3/E4" in page


def test_a_refused_value_of_a_genetic_code_is_not_shown_either(
    hospital: Hospital, clinician: Client, assessed: Patient
) -> None:
    RefusedObservation.objects.create(
        organisation=hospital.organisation,
        patient=assessed,
        code_system="http://loinc.org",
        code="42315-2",
        value="44",
        effective_at=timezone.now() - timedelta(days=1),
        source="api:laboratory",
        content_sha256=bytes(32),
        reason_code="IMPLAUSIBLE_VALUE",
        sentence="It cannot be right.",
    )
    page = page_of(clinician, assessed)
    assert "42315-2" not in page
    assert "Refused values" not in page
