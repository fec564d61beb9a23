"""Organisations, people and patients for tests, made through the product's own services."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from cdss.accounts import scopes
from cdss.accounts.actors import Actor, actor_of
from cdss.accounts.models import ApiClient, Organisation, Role, User
from cdss.accounts.services import api_client_create, organisation_create, user_create
from patients.identity import PatientIdentity
from patients.models import Patient
from patients.services.clinical_rows import NewObservation, NewRow, RowOutcome, clinical_rows_record
from patients.services.patients import patient_resolve
from patients.terminology import LOINC, QUESTION_OF_FEATURE

PASSWORD = "a-password-for-tests-only"
MRN_SYSTEM = "urn:test:mrn"


@dataclass(frozen=True)
class Hospital:
    organisation: Organisation
    clinician: User
    auditor: User
    administrator: User
    client: ApiClient
    token: str

    @property
    def clinician_actor(self) -> Actor:
        return actor_of(self.clinician)

    @property
    def client_actor(self) -> Actor:
        return actor_of(self.client)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def hospital(slug: str, *, region: str = "US", time_zone: str = "America/New_York") -> Hospital:
    organisation = organisation_create(name=f"{slug.title()} Hospital", slug=slug, time_zone=time_zone, region=region)
    people = {
        role: user_create(
            organisation=organisation,
            username=f"{role.lower()}.{slug}",
            full_name=f"{role.title()} of {slug}",
            role=role,
            password=PASSWORD,
        )
        for role in (Role.CLINICIAN, Role.AUDITOR, Role.ADMINISTRATOR)
    }
    client, token = api_client_create(organisation=organisation, name="laboratory", scopes=scopes.OF_INTEGRATION)
    return Hospital(
        organisation, people[Role.CLINICIAN], people[Role.AUDITOR], people[Role.ADMINISTRATOR], client, token
    )


def patient(at: Hospital, *, mrn: str | None = None, **stated: Any) -> Patient:
    identity = PatientIdentity(
        system=MRN_SYSTEM,
        value=mrn or f"T{uuid.uuid4().hex[:10]}",
        **{
            "family_name": "Synthetic-Okafor",
            "given_name": "Ada",
            "birth_date": date(1966, 3, 14),
            "sex": "female",
            **stated,
        },
    )
    return patient_resolve(actor=at.client_actor, organisation_id=at.organisation.id, identity=identity).patient


def record(at: Hospital, who: Patient, *rows: NewRow) -> list[RowOutcome]:
    outcomes = clinical_rows_record(
        actor=at.client_actor,
        patient=who,
        rows=rows,
        source="api:laboratory",
        now=timezone.now(),
        assess_delay=timedelta(0),
    )
    assert [outcome.error for outcome in outcomes] == [None] * len(rows)
    return outcomes


def quantity(code: str, value: str, unit: str, *, days_ago: int = 30, **more: Any) -> NewObservation:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return NewObservation(LOINC, code, at, value=Decimal(value), unit=unit, **more)


def answer(feature: str, value_code: str, *, days_ago: int = 10) -> NewObservation:
    question = QUESTION_OF_FEATURE[feature]
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return NewObservation(question.code_system, question.code, at, value_code=value_code)


def complete_labs() -> list[NewRow]:
    """What PREVENT (base) measures, well inside its range."""
    return [
        quantity("8480-6", "138", "mm[Hg]"),
        quantity("2093-3", "213", "mg/dL"),
        quantity("2085-9", "48", "mg/dL"),
        quantity("2160-0", "0.9", "mg/dL"),
        quantity("39156-5", "28.4", "kg/m2"),
    ]


def complete_answers(**changed: str) -> list[NewRow]:
    """Every question answered, so that nothing is refused for want of an answer."""
    answers = {
        "prior_cardiovascular_disease": "no",
        "prior_stroke_or_tia": "no",
        "atrial_fibrillation": "no",
        "pregnancy": "no",
        "diabetes": "no",
        "smoking": "never",
        "antihypertensive_treatment": "yes",
        "statin_treatment": "no",
        "lipid_lowering_treatment": "no",
        "family_history_heart_attack": "no",
        "mesa_race_ethnicity": "black",
        **changed,
    }
    return [answer(feature, code) for feature, code in answers.items() if code]


def complete_patient(at: Hospital, **stated: Any) -> Patient:
    """Somebody whose risk can be computed."""
    who = patient(at, **stated)
    record(at, who, *complete_labs(), *complete_answers())
    return who
