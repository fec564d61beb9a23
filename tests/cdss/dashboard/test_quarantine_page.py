"""Objects kept apart: identities side by side, and a decision with its reason."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from imaging.models import Instance, Quarantine, QuarantineState
from ml.synthetic.identity import PatientIdentity
from patients.models import Patient
from tests import factories
from tests.cdss.dashboard.conftest import SignIn
from tests.cdss.dashboard.reading import study_send, text_of
from tests.factories import MRN_SYSTEM, Hospital
from tests.imaging.part10 import ct_part10
from tests.security.world import stow

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(hospital: Hospital) -> Patient:
    return factories.patient(hospital, mrn="N-1")


@pytest.fixture
def apart(hospital: Hospital, who: Patient) -> Quarantine:
    """An image that names the identifier of one person and the birth date of another."""
    stated = PatientIdentity("Okafor", "Ada", date(1971, 2, 3), "F", "N-1", MRN_SYSTEM)
    assert study_send(hospital, stated) == ""
    return Quarantine.objects.get()


def test_what_is_stated_stands_beside_what_is_recorded(administrator: Client, apart: Quarantine) -> None:
    page = text_of(administrator.get("/quarantine/").content)
    assert "The identifier belongs to somebody else" in page
    assert "IDENTITY_MISMATCH" in page
    assert "Birth date 3 February 1971 14 March 1966 different" in page
    assert "Family name Synthetic-Okafor Synthetic-Okafor Given name" in page
    assert apart.sop_instance_uid in page


def test_a_uid_used_again_stands_beside_the_object_that_has_it(
    hospital: Hospital, administrator: Client, who: Patient
) -> None:
    stated = {
        "PatientID": "N-1",
        "PatientName": "Synthetic-Okafor^Ada",
        "PatientBirthDate": "19660314",
        "PatientSex": "F",
    }
    assert stow(hospital, ct_part10(0, seed="uid", **stated)).status_code == 200
    changed = ct_part10(0, seed="uid", **stated, StudyDescription="Changed")
    assert stow(hospital, changed).status_code == 409
    assert Quarantine.objects.get().reason == "UID_CONFLICT"
    page = text_of(administrator.get("/quarantine/").content)
    patient = Instance.objects.get().series.study.patient
    assert "The image says Stored under this UID" in page
    assert f"Identifier N-1 {patient.identifiers.get().value}" in page
    assert "The object stored under this UID arrived" in page


def test_linking_with_a_reason_takes_the_image_in(administrator: Client, who: Patient, apart: Quarantine) -> None:
    response = administrator.post(
        f"/quarantine/{apart.id}/", {"decision": "link", "comment": "Typing error at the scanner."}
    )
    assert (response.status_code, response["Location"]) == (303, "/quarantine/")
    apart.refresh_from_db()
    assert apart.state == QuarantineState.LINKED
    assert Instance.objects.get().series.study.patient == who
    page = text_of(administrator.get("/quarantine/").content)
    assert "Nothing is kept apart." in page
    assert "Linked to the patient Administrator of north Typing error at the scanner." in page


def test_rejecting_keeps_the_image_out(administrator: Client, apart: Quarantine) -> None:
    administrator.post(f"/quarantine/{apart.id}/", {"decision": "reject", "comment": "Another person."})
    apart.refresh_from_db()
    assert apart.state == QuarantineState.REJECTED
    assert not Instance.objects.exists()


@pytest.mark.parametrize(
    ("sent", "status", "sentence"),
    [
        ({"decision": "link", "comment": ""}, 422, "Say in a few words how you know."),
        ({"decision": "", "comment": "typed before"}, 422, "Link the object or reject it: one of the two."),
    ],
)
def test_a_mistake_is_said_beside_the_field_and_what_was_typed_is_kept(
    administrator: Client, apart: Quarantine, sent: dict[str, str], status: int, sentence: str
) -> None:
    response = administrator.post(f"/quarantine/{apart.id}/", sent)
    assert response.status_code == status
    assert sentence in text_of(response.content)
    assert f">{sent['comment']}</textarea>" in response.content.decode()
    apart.refresh_from_db()
    assert apart.state == QuarantineState.OPEN


def test_images_of_one_study_are_one_decision_and_another_person_is_another(
    hospital: Hospital, administrator: Client, who: Patient, apart: Quarantine
) -> None:
    stated = PatientIdentity("Okafor", "Ada", date(1971, 2, 3), "F", "N-1", MRN_SYSTEM)
    study_send(hospital, stated, at_least_apart=3)
    study_send(hospital, PatientIdentity("Other", "Ada", date(1971, 2, 3), "F", "N-1", MRN_SYSTEM), phantom_seed=8)
    page = text_of(administrator.get("/quarantine/").content)
    assert page.count("How do you know?") == 2
    assert "for all 3 images of this study" in page
    decided = administrator.post(f"/quarantine/{apart.id}/", {"decision": "link", "comment": "Typing error."})
    assert decided.status_code == 303, text_of(decided.content)
    assert list(Quarantine.objects.order_by("state").values_list("state", flat=True)) == ["LINKED"] * 3 + ["OPEN"]
    assert Instance.objects.count() == 3


def test_what_was_decided_is_not_decided_again(administrator: Client, apart: Quarantine) -> None:
    sent = {"decision": "reject", "comment": "Another person."}
    administrator.post(f"/quarantine/{apart.id}/", sent)
    response = administrator.post(f"/quarantine/{apart.id}/", sent)
    assert response.status_code == 409
    assert "This was already decided by Administrator of north." in text_of(response.content)


def test_only_the_hospitals_administrator_sees_and_decides(
    hospital: Hospital, other_hospital: Hospital, apart: Quarantine, signed_in: SignIn
) -> None:
    sent = {"decision": "link", "comment": "x"}
    for user in (hospital.clinician, hospital.auditor):
        assert signed_in(user).get("/quarantine/").status_code == 404
        assert signed_in(user).post(f"/quarantine/{apart.id}/", sent).status_code == 404
    stranger = signed_in(other_hospital.administrator)
    assert "Nothing is kept apart." in text_of(stranger.get("/quarantine/").content)
    assert stranger.post(f"/quarantine/{apart.id}/", sent).status_code == 404
    assert signed_in(hospital.administrator).post(f"/quarantine/{uuid.uuid4()}/", sent).status_code == 404
    assert Client().get("/quarantine/").status_code == 302
    apart.refresh_from_db()
    assert apart.state == QuarantineState.OPEN


def test_query_count_does_not_grow_with_the_list(
    hospital: Hospital, administrator: Client, apart: Quarantine, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    study_send(hospital, PatientIdentity("Other", "Ada", date(1971, 2, 3), "F", "N-1", MRN_SYSTEM), phantom_seed=8)
    assert Quarantine.objects.count() == 2
    with django_assert_max_num_queries(11):
        administrator.get("/quarantine/")
