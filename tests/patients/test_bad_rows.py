"""Rows of patients that the database itself refuses. Not covered: what the services refuse before it."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import timezone

from patients.models import (
    Condition,
    MedicationStatement,
    Observation,
    Patient,
    PatientIdentifier,
    RefusedObservation,
)
from patients.services.clinical_rows import NewCondition, NewMedicationStatement
from patients.terminology import ATC, SNOMED_CT
from tests import factories
from tests.database import Rows, across_organisations, wrongly_answered
from tests.factories import Hospital

CASES = [
    (Patient, {"sex": "BANANA"}, "patient_sex_known"),
    (PatientIdentifier, {"value": ""}, "patient_identifier_not_empty"),
    (Observation, {"status": "BANANA"}, "observation_status_known"),
    (Observation, {"setting": "BANANA"}, "observation_setting_known"),
    (Observation, {"content_sha256": b"x"}, "observation_sha256"),
    (Observation, {"value_quantity": None}, "observation_one_value"),
    (Condition, {"status": "BANANA"}, "condition_status_known"),
    (Condition, {"content_sha256": b"x"}, "condition_sha256"),
    (MedicationStatement, {"status": "BANANA"}, "medication_status_known"),
    (MedicationStatement, {"content_sha256": b"x"}, "medication_sha256"),
    (RefusedObservation, {"setting": "BANANA"}, "refused_observation_setting_known"),
    (RefusedObservation, {"content_sha256": b"x"}, "refused_observation_sha256"),
    (RefusedObservation, {"sentence": ""}, "refused_observation_has_reason"),
]
FRESH = {RefusedObservation: {"content_sha256": bytes([1] * 32)}}


def rows_of(at: Hospital) -> Rows:
    who = factories.patient(at)
    pressure = factories.quantity("8480-6", "138", "mm[Hg]")
    hypertension = NewCondition(SNOMED_CT, "38341003")
    statin = NewMedicationStatement(ATC, "C10AA05", start_date=date(2024, 1, 1))
    clinical = [outcome.row for outcome in factories.record(at, who, pressure, hypertension, statin)]
    refused = RefusedObservation.objects.create(
        organisation=at.organisation,
        patient=who,
        code_system="http://loinc.org",
        code="8480-6",
        value="1380",
        effective_at=timezone.now(),
        source="api:laboratory",
        content_sha256=bytes(32),
        reason_code="IMPLAUSIBLE_VALUE",
        sentence="It cannot be right.",
    )
    rows = [who, who.identifiers.get(), *clinical, refused]
    return {type(row): row for row in rows if row is not None}


@pytest.mark.django_db
def test_the_database_refuses_each_bad_row_and_takes_the_good_one(hospital: Hospital, other_hospital: Hospital) -> None:
    rows = rows_of(hospital)
    cases = [*CASES, *across_organisations(rows, rows_of(other_hospital))]
    assert len(cases) == len(CASES) + 8
    assert wrongly_answered(rows, FRESH, cases) == []
