"""Taking the synthetic patients in, through the same services that a hospital's messages go through."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from cdss.accounts import scopes
from cdss.accounts.actors import Actor, actor_of
from cdss.accounts.models import ApiClient, Organisation, Role, User
from cdss.accounts.services import organisation_create, token_digest, user_create
from cdss.assessments.policy.document import policy_document
from cdss.assessments.policy.in_force import policy_current
from cdss.assessments.services.policy import policy_adopt, policy_try
from cdss.demo.hospital_rows import condition_bodies, medication_bodies, observation_bodies, patient_body
from cdss.demo.processes import PASSWORD
from cdss.jobs.models import Job
from cdss.jobs.running import job_run
from imaging.models import Study
from imaging.services.ingest import instance_store
from imaging.services.lifecycle import study_close
from imaging.storage import StagedObject
from patients.identity import PatientIdentity
from patients.models import Patient
from patients.services.clinical_rows import (
    NewCondition,
    NewMedicationStatement,
    NewObservation,
    NewRow,
    clinical_rows_record,
)
from patients.services.patients import patient_resolve

TIME_ZONES = {"north": "America/New_York", "lakeside": "Europe/Dublin"}
REGIONS = {"north": "US", "lakeside": "EUROPE"}
PUBLISHED, CLIENT = "north", "demonstration"  # whose token is printed
SCORE2_REGIONS = {"lakeside": "moderate"}
TRIAL_LIMIT_SECONDS = 60
SOURCE = "demo:synthetic"


class DemoDataError(Exception):
    """A row of the synthetic hospital that our own door refuses: a defect, not to be passed over."""


def hospital_load(*, folder: Path, api_token: str, now: datetime, say: Callable[[str], None]) -> None:
    """Load everything under `folder`; what is there already is left as it is, so an interrupted load can go on."""
    patients = json.loads((folder / "cohort.json").read_text(encoding="utf-8"))["patients"]
    hospitals = {item["organisation"]["slug"]: item["organisation"]["name"] for item in patients}
    actors = {slug: _hospital(slug, name, api_token) for slug, name in hospitals.items()}
    for number, item in enumerate(patients, start=1):
        organisation, actor = actors[item["organisation"]["slug"]]
        with transaction.atomic():  # a patient is there with all rows or not at all: hospital_state counts them
            patient = _patient(actor, organisation, item)
            _rows(actor, patient, item, now)
        images = _images(actor, organisation, folder / item["identity"]["mrn"])
        for study in Study.objects.filter(patient=patient):
            study_close(actor=actor, study=study)
        if images or number == len(patients):
            say(f"  {number} of {len(patients)}: {images} images of {item['identity']['mrn']}")


def foreign_organisation(*, is_our_database: bool) -> str | None:
    """The name of an organisation that is not the demonstration's; in a database of our own everything is."""
    if is_our_database or Organisation._meta.db_table not in connection.introspection.table_names():
        return None
    ours = User.objects.filter(is_demonstration=True, organisation__slug__in=TIME_ZONES)
    return Organisation.objects.exclude(id__in=ours.values("organisation_id")).values_list("name", flat=True).first()


def hospital_state(*, patients: int, api_token: str | None) -> str:
    """What the database holds of the demonstration: `missing` (all or a part of it), `token differs`, or `loaded`."""
    if not {Patient._meta.db_table, User._meta.db_table} <= set(connection.introspection.table_names()):
        return "missing"
    users = User.objects.filter(is_demonstration=True)
    hospitals = users.filter(organisation__slug__in=TIME_ZONES).values("organisation_id").distinct()
    if hospitals.count() < len(TIME_ZONES) or Patient.objects.filter(organisation__in=hospitals).count() < patients:
        return "missing"
    clients = ApiClient.objects.filter(organisation__slug=PUBLISHED, name=CLIENT, is_demonstration=True)
    is_valid = api_token is not None and clients.filter(token_sha256=token_digest(api_token)).exists()
    return "loaded" if is_valid else "token differs"


def token_renew(*, api_token: str) -> None:
    """Let this token be the one that works: the one that will be printed."""
    for organisation in Organisation.objects.filter(slug__in=TIME_ZONES):
        _client(organisation, api_token)


@transaction.atomic
def _organisation(slug: str, name: str) -> Organisation:
    """With its users or not at all: by them it is known as the demonstration's."""
    organisation = Organisation.objects.filter(slug=slug).first()
    if organisation is None:
        organisation = organisation_create(name=name, slug=slug, time_zone=TIME_ZONES[slug], region=REGIONS[slug])
    for role in (Role.CLINICIAN, Role.AUDITOR, Role.ADMINISTRATOR):
        username = role.lower() if slug == PUBLISHED else f"{role.lower()}.{slug}"
        if not User.objects.filter(username=username).exists():
            full_name = f"Demo {role.label}"
            user_create(
                organisation=organisation,
                username=username,
                full_name=full_name,
                role=role,
                password=PASSWORD,
                is_demonstration=True,
            )
    return organisation


def _hospital(slug: str, name: str, api_token: str) -> tuple[Organisation, Actor]:
    organisation = _organisation(slug, name)
    if slug in SCORE2_REGIONS:
        _policy(organisation, SCORE2_REGIONS[slug])
    return organisation, actor_of(_client(organisation, api_token))


def _client(organisation: Organisation, api_token: str) -> ApiClient:
    # Only the first hospital's token is published; the second one's is made for loading and known to nobody.
    token = api_token if organisation.slug == PUBLISHED else f"{api_token}-{organisation.slug}"
    client, _ = ApiClient.objects.update_or_create(
        organisation=organisation,
        name=CLIENT,
        defaults={"token_sha256": token_digest(token)},
        create_defaults={
            "token_sha256": token_digest(token),
            "scopes": sorted(scopes.OF_INTEGRATION),
            "is_demonstration": True,
        },
    )
    return client


def _policy(organisation: Organisation, score2_region: str) -> None:
    """What the hospital's administrator does first: say in which risk region of Europe it is."""
    current = policy_current(organisation.id)
    if current.number:
        return
    administrator = actor_of(User.objects.get(organisation=organisation, role=Role.ADMINISTRATOR))
    document = policy_document(replace(current.policy, score2_region=score2_region))
    trial = policy_try(actor=administrator, document=document)
    job_id, give_up_at = Job.objects.get(subject_id=trial.id).id, time.monotonic() + TRIAL_LIMIT_SECONDS
    while trial.finished_at is None and time.monotonic() < give_up_at:
        if not job_run(job_id):  # a worker was quicker
            time.sleep(0.1)
        trial.refresh_from_db()
    reason = f"The clinic is in a country of {score2_region} risk; for the demonstration."
    policy_adopt(actor=administrator, trial_id=trial.id, reason=reason)


def _patient(actor: Actor, organisation: Organisation, item: dict[str, Any]) -> Patient:
    body = patient_body(item)
    stated = PatientIdentity(
        system=body["identifier"]["system"],
        value=body["identifier"]["value"],
        family_name=body["family_name"],
        given_name=body["given_name"],
        birth_date=date.fromisoformat(body["birth_date"]),
        sex=body["sex"],
    )
    return patient_resolve(actor=actor, organisation_id=organisation.id, identity=stated).patient


def clinical_rows(item: dict[str, Any]) -> list[NewRow]:
    """The rows that REST would make of the same bodies."""
    observations = [
        NewObservation(
            **{
                **body,
                "effective_at": datetime.fromisoformat(body["effective_at"]),
                "value": Decimal(body["value"]) if "value" in body else None,
            }
        )
        for body in observation_bodies(item)
    ]
    conditions = [
        NewCondition(**{**body, "onset_date": date.fromisoformat(body["onset_date"])})
        for body in condition_bodies(item)
    ]
    medication = [
        NewMedicationStatement(**{**body, "start_date": date.fromisoformat(body["start_date"])})
        for body in medication_bodies(item)
    ]
    return [*observations, *conditions, *medication]


def _rows(actor: Actor, patient: Patient, item: dict[str, Any], now: datetime) -> None:
    outcomes = clinical_rows_record(
        actor=actor,
        patient=patient,
        rows=clinical_rows(item),
        source=SOURCE,
        now=now,
        assess_delay=timedelta(0),
    )
    refused = [outcome.error for outcome in outcomes if outcome.error is not None]
    if refused:
        raise DemoDataError(f"{len(refused)} rows of {item['identity']['mrn']} were refused: {refused[0].sentence}")


def _images(actor: Actor, organisation: Organisation, folder: Path) -> int:
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    for path in files:
        with StagedObject() as staged:
            staged.write(path.read_bytes())
            instance_store(actor=actor, organisation=organisation, staged=staged, source=SOURCE)
    return len(files)
