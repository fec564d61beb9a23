"""Objects kept apart: a person of the same hospital, with that right, links or rejects them; nobody else does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cdss.accounts.actors import Actor, actor_of
from cdss.audit.models import AuditEntry
from cdss.core.errors import ConflictError, DomainError, NotFoundError
from imaging.dicom import InstanceRefusedError
from imaging.models import Instance, Quarantine, QuarantineState, SeriesState, Study
from imaging.selectors import quarantine_visible_to
from imaging.services.quarantine import quarantine_resolve
from patients.models import Patient
from tests.concurrency import at_once
from tests.factories import Hospital
from tests.imaging.part10 import ct_part10
from tests.imaging.test_ingest import refused, store

pytestmark = pytest.mark.django_db
STATED = {"PatientID": "N-1", "PatientName": "Brown^Ann"}
OTHER = {"PatientID": "N-1", "PatientName": "Braun^Ann"}


@pytest.fixture
def apart(hospital: Hospital) -> Quarantine:
    store(hospital, ct_part10(**STATED))
    refused(hospital, ct_part10(0, seed="mismatch", **OTHER))
    return Quarantine.objects.get()


def administrator(at: Hospital) -> Actor:
    return actor_of(at.administrator)


def resolved_entries() -> list[dict[str, Any]]:
    return [json.loads(entry.body) for entry in AuditEntry.objects.filter(action="quarantine.resolved")]


def test_an_administrator_links_it_and_it_is_read_like_any_other(hospital: Hospital, apart: Quarantine) -> None:
    row = quarantine_resolve(
        actor=administrator(hospital), quarantine_id=apart.id, link=True, comment="Checked by telephone."
    )
    assert row.state == QuarantineState.LINKED
    study = Study.objects.exclude(study_instance_uid=Study.objects.earliest("created_at").study_instance_uid).get()
    assert study.patient == Patient.objects.get()
    assert study.series.get().state == SeriesState.RECEIVING
    stored = Quarantine.objects.get()
    assert (stored.resolved_by, stored.resolution_comment) == (
        hospital.administrator.full_name,
        "Checked by telephone.",
    )
    assert stored.resolved_at is not None
    [entry] = resolved_entries()
    assert entry["actor"]["id"] == str(hospital.administrator.id)
    assert (entry["details"]["decision"], entry["patient"]) == ("LINKED", str(study.patient_id))
    assert "Braun" not in json.dumps(entry)
    assert not store(hospital, ct_part10(0, seed="mismatch", **OTHER)).is_new, "sent again, it is simply there"


def test_an_administrator_rejects_it_and_it_stays_on_record(hospital: Hospital, apart: Quarantine) -> None:
    quarantine_resolve(actor=administrator(hospital), quarantine_id=apart.id, link=False, comment="Another person.")
    assert Instance.objects.count() == 1
    assert Quarantine.objects.get().state == QuarantineState.REJECTED
    error = refused(hospital, ct_part10(0, seed="mismatch", **OTHER))
    assert "rejected" in error.sentence
    assert Quarantine.objects.get().state == QuarantineState.REJECTED, "sending again does not reopen it"


def test_one_decision_holds_for_all_that_ask_the_same(hospital: Hospital, apart: Quarantine) -> None:
    """A study is hundreds of images; what states another person, or belongs to another study, still waits."""
    for index in range(1, 5):
        refused(hospital, ct_part10(index, seed="mismatch", **OTHER))
    refused(hospital, ct_part10(5, seed="mismatch", **{**OTHER, "PatientName": "Third^Ann"}))
    refused(hospital, ct_part10(0, seed="another study", **OTHER))
    quarantine_resolve(actor=administrator(hospital), quarantine_id=apart.id, link=True, comment="Misspelt.")
    assert Quarantine.objects.filter(state=QuarantineState.LINKED).count() == 5
    assert Quarantine.objects.filter(state=QuarantineState.OPEN).count() == 2
    assert Instance.objects.count() == 1 + 5
    [entry] = resolved_entries()
    assert len(entry["details"]["sha256"]) == 5


@pytest.mark.parametrize("who", ["clinician", "auditor", "client", "foreigner"])
@pytest.mark.parametrize("link", [True, False])
def test_nobody_else_decides_or_sees_it(
    hospital: Hospital, other_hospital: Hospital, apart: Quarantine, who: str, link: bool
) -> None:
    actors = {
        "clinician": hospital.clinician_actor,
        "auditor": actor_of(hospital.auditor),
        "client": hospital.client_actor,
        "foreigner": administrator(other_hospital),
    }
    assert not quarantine_visible_to(actors[who]).exists()
    with pytest.raises(NotFoundError):
        quarantine_resolve(actor=actors[who], quarantine_id=apart.id, link=link, comment="mine")
    assert Quarantine.objects.get().state == QuarantineState.OPEN
    assert Instance.objects.count() == 1
    assert not resolved_entries()


def test_a_decision_needs_a_reason_and_is_made_once(hospital: Hospital, apart: Quarantine) -> None:
    actor = administrator(hospital)
    with pytest.raises(DomainError) as caught:
        quarantine_resolve(actor=actor, quarantine_id=apart.id, link=False, comment="  ")
    assert (caught.value.code, caught.value.field) == ("COMMENT_MISSING", "comment")
    quarantine_resolve(actor=actor, quarantine_id=apart.id, link=False, comment="Another person.")
    for link in (True, False):
        with pytest.raises(ConflictError) as conflict:
            quarantine_resolve(actor=actor, quarantine_id=apart.id, link=link, comment="On second thoughts.")
        assert conflict.value.code == "ALREADY_RESOLVED"
    assert len(resolved_entries()) == 1


@pytest.mark.parametrize("other", [
    {"SeriesDescription": "altered"}, {"PatientID": "N-2", "SOPInstanceUID": "1.2.3.4"},
], ids=["same UID, other bytes", "study of another patient"])  # fmt: skip
def test_what_contradicts_recorded_images_can_only_be_rejected(hospital: Hospital, other: dict[str, str]) -> None:
    store(hospital, ct_part10(**STATED))
    refused(hospital, ct_part10(**{**STATED, **other}))
    row = Quarantine.objects.get()
    with pytest.raises(ConflictError) as caught:
        quarantine_resolve(actor=administrator(hospital), quarantine_id=row.id, link=True, comment="It is theirs.")
    assert caught.value.code == "NOT_LINKABLE"
    quarantine_resolve(actor=administrator(hospital), quarantine_id=row.id, link=False, comment="A copy.")
    assert Quarantine.objects.get().state == QuarantineState.REJECTED


def test_an_object_whose_place_was_taken_meanwhile_is_not_linked(hospital: Hospital, apart: Quarantine) -> None:
    store(hospital, ct_part10(0, seed="mismatch", **STATED))
    with pytest.raises(InstanceRefusedError) as caught:
        quarantine_resolve(actor=administrator(hospital), quarantine_id=apart.id, link=True, comment="Checked.")
    assert caught.value.code == "UID_CONFLICT"
    assert Quarantine.objects.get().state == QuarantineState.OPEN
    assert not resolved_entries()


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_make_one_decision(hospital: Hospital, apart: Quarantine) -> None:
    actor = administrator(hospital)
    calls = [
        lambda link=link: quarantine_resolve(actor=actor, quarantine_id=apart.id, link=link, comment="Mine.")
        for link in (True, False, True, False)
    ]
    results = at_once(calls)
    assert sum(isinstance(result, Quarantine) for result in results) == 1, results
    assert sum(isinstance(result, ConflictError) for result in results) == 3
    assert len(resolved_entries()) == 1
