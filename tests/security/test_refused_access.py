"""Whoever asks for what is not theirs leaves an entry; what was asked for stays hidden, and nobody can flood the log.

Not covered: addresses that do not exist at all, which say nothing of a patient and leave no entry.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import DatabaseError
from django.test import Client

from cdss.accounts.models import User
from cdss.audit import middleware
from cdss.audit.models import AuditEntry
from tests import factories
from tests.factories import Hospital

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    cache.clear()


def refusals() -> list[dict[str, Any]]:
    return [json.loads(entry.body) for entry in AuditEntry.objects.filter(action="access.refused").order_by("seq")]


@pytest.mark.parametrize("view", ["patient", "assessment"])
def test_a_stranger_at_a_patients_page_is_in_the_strangers_log(
    hospital: Hospital, other_hospital: Hospital, signed_in: Callable[[User], Client], view: str
) -> None:
    who = factories.complete_patient(hospital)
    address = {"patient": f"/patients/{who.id}/", "assessment": f"/assessments/{uuid.uuid4()}/"}[view]
    assert signed_in(other_hospital.clinician).get(address).status_code == 404
    [entry] = refusals()
    assert entry["actor"]["id"] == str(other_hospital.clinician.id)
    assert entry["organisation"] == str(other_hospital.organisation.id)
    assert (entry["subject"]["id"], entry["patient"]) == (address.split("/")[2], None)
    assert entry["outcome"] == "failure" and entry["details"] == {"method": "GET", "status": 404}


def test_a_page_of_another_role_and_a_scope_that_is_missing_leave_an_entry_each(
    hospital: Hospital, signed_in: Callable[[User], Client]
) -> None:
    assert signed_in(hospital.clinician).get("/audit/").status_code == 404
    token = {"Authorization": "Bearer wrong"}
    assert Client().get("/api/v1/patients", headers=token).status_code == 401
    assert Client().post("/dicom-web/studies", headers=token).status_code == 401
    assert [(entry["actor"]["kind"], entry["details"]["status"]) for entry in refusals()] == [
        ("USER", 404),
        ("ANONYMOUS", 401),
        ("ANONYMOUS", 401),
    ]


def test_nobody_fills_the_log_without_an_account(hospital: Hospital) -> None:
    for _ in range(middleware.MOST_OF_NOBODY + 5):
        Client().get("/api/v1/patients", headers={"Authorization": "Bearer wrong"})
    assert len(refusals()) == middleware.MOST_OF_NOBODY


def test_what_is_refused_stays_refused_when_the_log_cannot_be_written(
    hospital: Hospital, signed_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwritable(**_: object) -> int:
        raise DatabaseError

    monkeypatch.setattr(middleware, "audit_append", unwritable)
    assert signed_in(hospital.clinician).get("/audit/").status_code == 404


def test_an_address_that_does_not_exist_leaves_none(hospital: Hospital, signed_in: Callable[[User], Client]) -> None:
    assert signed_in(hospital.clinician).get("/nothing/here/").status_code == 404
    assert refusals() == []
