"""Wrong-patient linking is the worst failure this product can have: who is the same person, and who is not."""

from __future__ import annotations

import json
import unicodedata
from datetime import date
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from cdss.audit.models import AuditEntry
from cdss.jobs.models import Job
from patients.identity import PatientIdentity, identity_differences, name_normalised
from patients.models import Patient, PatientIdentifier
from patients.services.patients import (
    IdentifierMissingError,
    IdentityMismatchError,
    PatientResolution,
    patient_resolve,
)
from tests.concurrency import at_once
from tests.factories import Hospital

ADA: dict[str, Any] = {
    "system": "urn:mrn", "value": "N-1", "family_name": "Okafor", "given_name": "Ada",
    "birth_date": date(1966, 3, 14), "sex": "female",
}  # fmt: skip


def resolve(at: Hospital, **stated: Any) -> PatientResolution:
    identity = PatientIdentity(**{**ADA, **stated})
    return patient_resolve(actor=at.client_actor, organisation_id=at.organisation.id, identity=identity)


@pytest.mark.parametrize(("one", "other"), [
    ("Müller", "MULLER"), ("Müller", "Mu\u0308ller"), ("Strauß", "STRAUSS"), ("Łukasiewicz", "Lukasiewicz"),
    ("Sørensen", "Sorensen"), ("Đorđević", "Dordevic"), ("Æbelø", "Aebelo"), ("İnan", "Inan"), ("O'Brien", "OBRIEN"),
    ("van der Berg", "Van-der-Berg"), ("Yamada=山田=やまだ", "YAMADA"), (" Okafor ", "Okafor"), ("Ⅳan", "IVan"),
])  # fmt: skip
def test_the_same_name_otherwise_spelt_is_the_same(one: str, other: str) -> None:
    assert name_normalised(one) == name_normalised(other) != ""


@pytest.mark.parametrize(("one", "other"), [
    ("Okafor", "Okafo"), ("Schmidt", "Schmitt"), ("山田", "山本"), ("Иванов", "Петров"), ("Kim", "Kin"),
])  # fmt: skip
def test_another_name_is_another(one: str, other: str) -> None:
    assert name_normalised(one) != name_normalised(other)


@given(st.text(max_size=40))
def test_normalising_is_stable_whatever_the_spelling_of_the_letters(name: str) -> None:
    once = name_normalised(name)
    assert name_normalised(once) == once
    assert name_normalised(unicodedata.normalize("NFC", name)) == name_normalised(unicodedata.normalize("NFD", name))


@pytest.mark.parametrize(("recorded", "stated", "is_another"), [
    ("Yamada", "Yamada=山田", False), ("Yamada=山田", "=山田", False), ("=山田", "=山田", False), ("", "=山田", False),
    ("=山田", "", False), ("***=山田", "=山田", False),
    ("Smith", "=Jones", True), ("=山田", "Yamada", True), ("Yamada", "==やまだ", True), ("=山田", "==山田", True),
    ("Yamada=山田", "Yamada=山本", True), ("=山田", "=山本", True),
])  # fmt: skip
def test_names_are_compared_within_the_component_groups_that_both_state(
    recorded: str, stated: str, is_another: bool
) -> None:
    patient = Patient(family_name=recorded, given_name="", birth_date=None, sex="unknown")
    differences = identity_differences(patient, PatientIdentity(**{**ADA, "family_name": stated}))
    assert differences == (["family name"] if is_another else [])


@pytest.mark.parametrize(("changed", "differences"), [
    ({}, []), ({"given_name": "Adaeze"}, []), ({"family_name": ""}, []), ({"birth_date": None}, []),
    ({"sex": "unknown"}, []), ({"sex": "other"}, []), ({"family_name": "***"}, []),
    ({"family_name": "Eze"}, ["family name"]), ({"birth_date": date(1966, 3, 15)}, ["birth date"]),
    ({"sex": "male"}, ["sex"]), ({"sex": "male", "family_name": "Eze"}, ["family name", "sex"]),
])  # fmt: skip
def test_only_what_contradicts_is_a_difference(changed: dict[str, Any], differences: list[str]) -> None:
    ada = Patient(family_name="Okafor", given_name="Ada", birth_date=date(1966, 3, 14), sex="female")
    assert identity_differences(ada, PatientIdentity(**{**ADA, **changed})) == differences


@pytest.mark.django_db
def test_an_identifier_finds_its_patient_again(hospital: Hospital) -> None:
    first = resolve(hospital)
    again = resolve(hospital, value=" N-1 ", family_name="OKAFOR")
    assert (first.is_new, again.is_new, again.patient) == (True, False, first.patient)
    assert AuditEntry.objects.filter(action="patient.created").count() == 1


@pytest.mark.django_db
def test_another_system_or_hospital_is_another_patient(hospital: Hospital, other_hospital: Hospital) -> None:
    patients = {resolve(hospital).patient, resolve(hospital, system="").patient, resolve(other_hospital).patient}
    assert len(patients) == 3


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["", "   "])
def test_without_an_identifier_nobody_is_found_or_made(hospital: Hospital, value: str) -> None:
    with pytest.raises(IdentifierMissingError):
        resolve(hospital, value=value)
    assert not Patient.objects.exists()


@pytest.mark.django_db
def test_a_contradiction_links_nothing_and_tells_no_stranger_who_it_is(hospital: Hospital) -> None:
    patient = resolve(hospital).patient
    with pytest.raises(IdentityMismatchError) as caught:
        resolve(hospital, family_name="Eze", birth_date=date(1990, 1, 1))
    assert (caught.value.patient, caught.value.differences) == (patient, ["family name", "birth date"])
    assert "family name and birth date are different" in caught.value.sentence
    assert not any(word in caught.value.sentence for word in ("Okafor", "Eze", "1966", "1990"))
    patient.refresh_from_db()
    assert patient.family_name == "Okafor"


@pytest.mark.django_db
def test_what_is_missing_is_filled_in_and_the_patient_assessed_anew(hospital: Hospital) -> None:
    resolve(hospital, birth_date=None, sex="unknown", given_name="")
    Job.objects.all().delete()
    patient = resolve(hospital).patient
    assert (patient.birth_date, patient.sex, patient.given_name) == (ADA["birth_date"], "female", "Ada")
    assert Job.objects.get().subject_id == patient.id
    entry = json.loads(AuditEntry.objects.get(action="patient.completed").body)
    assert entry["details"] == {"items": ["birth_date", "given_name", "sex"]}
    with pytest.raises(IdentityMismatchError):
        resolve(hospital, birth_date=date(1980, 1, 1))


@pytest.mark.django_db
def test_what_is_known_is_never_replaced(hospital: Hospital) -> None:
    resolve(hospital)
    patient = resolve(hospital, given_name="Adaeze", family_name="ÓKAFOR", sex="other", birth_date=None).patient
    assert (patient.family_name, patient.given_name, patient.sex) == ("Okafor", "Ada", "female")
    assert patient.birth_date == ADA["birth_date"]
    assert not AuditEntry.objects.filter(action="patient.completed").exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_patient(hospital: Hospital) -> None:
    results = at_once([partial(resolve, hospital)] * 8)
    assert sorted(result.is_new for result in results) == [False] * 7 + [True], results  # type: ignore[union-attr]
    assert Patient.objects.count() == PatientIdentifier.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_people_claiming_a_new_identifier_at_once_are_not_mixed(hospital: Hospital) -> None:
    people = [{"family_name": "Okafor"}, {"family_name": "Eze"}]
    results = at_once([partial(resolve, hospital, **stated) for stated in people * 3])
    assert sum(isinstance(result, IdentityMismatchError) for result in results) == 3, results
    assert Patient.objects.count() == 1


@pytest.mark.django_db
def test_the_database_itself_keeps_an_identifier_to_one_patient(hospital: Hospital) -> None:
    patient = resolve(hospital).patient
    with pytest.raises(IntegrityError):
        PatientIdentifier.objects.create(
            organisation=hospital.organisation, patient=patient, system="urn:mrn", value="N-1"
        )
