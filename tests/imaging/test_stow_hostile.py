"""STOW-RS against who means harm: one object never costs the others, and nobody's image becomes somebody else's.

What a single header may be is in tests/imaging/test_header.py; here it is what the sender is told and what is stored.
Not covered: text that UTF-8 cannot hold, which no character set of DICOM decodes to any more.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from imaging.dicomweb import parsers, stow
from imaging.models import Instance, Quarantine, Study
from imaging.services import ingest
from imaging.storage import StagedObject
from patients.models import Patient
from tests.factories import Hospital
from tests.imaging.part10 import ct_dataset, ct_part10, in_character_set, part10
from tests.imaging.test_stow import (
    BOUNDARY,
    FAILED,
    OTHER_FAILURES,
    REASON,
    REFERENCED,
    SOP_INSTANCE,
    incoming,
    items,
    multipart,
    post,
    value,
)

EMPTY_PART = f"--{BOUNDARY}\r\n\r\n\r\n".encode()


@pytest.mark.django_db
def test_names_that_decode_to_half_a_surrogate_pair_cost_only_themselves(
    hospital: Hospital, storage_root: Path
) -> None:
    good = [ct_dataset(0), ct_dataset(1)]
    name = in_character_set(ct_dataset(2, PatientName="AAAAAAAA^X"), b"unicode_escape").replace(
        b"AAAAAAAA", rb"A\ud800B"
    )
    described = in_character_set(ct_dataset(3, StudyDescription="+2AA-"), b"utf-7")
    response = post(hospital, multipart(part10(good[0]), name, described, part10(good[1])))
    assert response.status_code == 202
    answer = response.json()
    assert [value(item, SOP_INSTANCE) for item in items(answer, REFERENCED)] == [d.SOPInstanceUID for d in good]
    assert [value(item, REASON) for item in items(answer, FAILED)] == [0xC000, 0xC000]
    assert json.dumps(answer).count("CHARACTER_SET_NOT_SUPPORTED") == 2
    assert (Instance.objects.count(), Patient.objects.count(), Quarantine.objects.count()) == (2, 1, 0)
    assert not incoming(storage_root)


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["storing", "the door"])
def test_a_fault_of_ours_costs_one_object_and_its_log_line_quotes_nobody(
    hospital: Hospital,
    storage_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: str,
) -> None:
    module, name = (ingest, "_record") if where == "storing" else (stow, "instance_store")
    original, calls = getattr(module, name), []

    def fails_once(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("CANARY^Name")
        return original(*arguments, **named)

    monkeypatch.setattr(module, name, fails_once)
    datasets = [ct_dataset(index) for index in range(3)]
    with caplog.at_level(logging.DEBUG):
        response = post(hospital, multipart(*map(part10, datasets)), **{"X-Request-Id": "request-4711"})
    assert response.status_code == 202
    answer = response.json()
    stored = [value(item, SOP_INSTANCE) for item in items(answer, REFERENCED)]
    assert stored == [datasets[0].SOPInstanceUID, datasets[2].SOPInstanceUID]
    [failure] = items(answer, FAILED if where == "storing" else OTHER_FAILURES)
    assert value(failure, REASON) == 0x0110
    if where == "storing":
        assert value(failure, SOP_INSTANCE) == datasets[1].SOPInstanceUID
    assert "RuntimeError" in caplog.text
    assert "CANARY" not in caplog.text + response.content.decode()
    assert Instance.objects.count() == 2
    assert not incoming(storage_root)


@pytest.mark.django_db
def test_a_database_that_is_away_is_still_come_again(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*arguments: Any) -> None:
        raise OperationalError("CANARY^Name")

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "_record", away)
        response = post(hospital, multipart(ct_part10(0), ct_part10(1)))
    assert response.status_code == 503
    assert [value(item, REASON) for item in items(response.json(), FAILED)] == [0xA700, 0xA700]
    assert response.content.decode().count("DATABASE_UNAVAILABLE") == 2
    assert post(hospital, multipart(ct_part10(0), ct_part10(1))).status_code == 200


@pytest.mark.django_db
def test_parts_that_nobody_has_looked_at_hold_no_file_open(
    hospital: Hospital, storage_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them arrive in one chunk: the parser finishes every part before the first is looked at."""
    opened: list[int] = []
    original = StagedObject.__init__

    def counted(self: StagedObject) -> None:
        original(self)
        opened.append(len(os.listdir("/proc/self/fd")))

    monkeypatch.setattr(StagedObject, "__init__", counted)
    empty, tiny = 2000, 60
    body = EMPTY_PART * empty + multipart(*[b"x"] * tiny, ct_part10())
    assert len(body) < parsers.CHUNK_BYTES
    response = post(hospital, body)
    assert response.status_code == 202
    answer = response.json()
    assert len(items(answer, REFERENCED)) == Instance.objects.count() == 1
    assert json.dumps(answer).count("EMPTY_OBJECT") == empty
    assert json.dumps(answer).count("NOT_DICOM") == tiny
    assert len(opened) == tiny + 1, "an empty part makes no file"
    assert max(opened) - min(opened) <= 2
    assert not incoming(storage_root)


@pytest.mark.django_db
def test_a_request_of_too_many_parts_is_stopped_and_what_came_before_is_kept(
    hospital: Hospital, storage_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsers, "MAX_PARTS", 2)
    exactly = post(hospital, multipart(ct_part10(0), ct_part10(1)))
    assert exactly.status_code == 200
    response = post(hospital, multipart(ct_part10(0), ct_part10(2), ct_part10(3), ct_part10(4)))
    assert response.status_code == 202
    assert len(items(response.json(), REFERENCED)) == 2
    [failure] = items(response.json(), OTHER_FAILURES)
    assert "TOO_MANY_PARTS: A request holds at most 2 objects" in json.dumps(failure)
    assert Instance.objects.count() == 3
    assert not incoming(storage_root)


@pytest.mark.django_db
@pytest.mark.parametrize(("stated", "code", "is_kept_apart"), [
    ({"PatientName": "JONES^Mary"}, "IDENTITY_MISMATCH", True),
    ({"PatientName": "=JONES^Mary"}, "IDENTITY_MISMATCH", True),
    ({"PatientName": "==JONES^Mary"}, "IDENTITY_MISMATCH", True),
    ({"PatientName": "***=JONES^Mary"}, "IDENTITY_MISMATCH", True),
    ({"PatientName": ["JONES^Mary", "X^Y"]}, "PATIENT_NAME_AMBIGUOUS", False),
    ({"PatientName": ["SMITH^John", "JONES^Mary"]}, "PATIENT_NAME_AMBIGUOUS", False),
    ({"PatientBirthDate": "99991231"}, "BIRTH_DATE_IMPOSSIBLE", False),
])  # fmt: skip
def test_another_patients_image_is_never_linked_silently(
    hospital: Hospital, stated: dict[str, Any], code: str, is_kept_apart: bool
) -> None:
    smith = {"PatientID": "N-1", "PatientName": "SMITH^John"}
    assert post(hospital, multipart(part10(ct_dataset(**smith)))).status_code == 200
    other = part10(ct_dataset(seed="other", **{**smith, **stated}))
    response = post(hospital, multipart(other))
    assert response.status_code == 409
    assert code in response.content.decode()
    assert Study.objects.count() == Instance.objects.count() == Patient.objects.count() == 1
    assert Quarantine.objects.count() == is_kept_apart


@pytest.mark.django_db
def test_a_patient_known_by_another_script_only_is_found_again(hospital: Hospital) -> None:
    yamada = {"PatientID": "N-1", "PatientName": "=山田^太郎", "SpecificCharacterSet": "ISO_IR 192"}
    for index in range(2):
        assert post(hospital, multipart(part10(ct_dataset(seed=f"study{index}", **yamada)))).status_code == 200
    assert (Patient.objects.count(), Study.objects.count()) == (1, 2)
    assert (
        post(hospital, multipart(part10(ct_dataset(seed="other", **{**yamada, "PatientName": "=山本"})))).status_code
        == 409
    )
    assert Study.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(("birth_date", "words"), [("99991231", "9999-12-31, which is in the future"),
                                                   ("00010101", "0001-01-01, which is before 1850")])  # fmt: skip
def test_a_birth_date_that_nobody_has_is_named_and_refused(hospital: Hospital, birth_date: str, words: str) -> None:
    response = post(hospital, multipart(part10(ct_dataset(PatientBirthDate=birth_date))))
    assert response.status_code == 409
    assert words in response.content.decode()
    assert not Patient.objects.exists() and not Instance.objects.exists()


@pytest.mark.django_db
def test_an_identifier_is_not_rewritten_into_another_patients(hospital: Hospital) -> None:
    known = {"PatientID": "IDB-1", "PatientName": "SMITH^John"}
    assert post(hospital, multipart(part10(ct_dataset(**known)))).status_code == 200
    nul = part10(ct_dataset(seed="nul", **{**known, "PatientID": "IDBX-1"})).replace(b"IDBX-1", b"IDB\x00-1")
    plain = ct_dataset(seed="escaped", **{**known, "PatientID": "Zu0049DB-1"})
    escaped = in_character_set(plain, b"unicode_escape").replace(b"Zu0049", rb"\u0049")
    response = post(hospital, multipart(nul, escaped))
    assert response.status_code == 409
    assert [value(item, REASON) for item in items(response.json(), FAILED)] == [0xA900, 0xC000]
    assert Study.objects.count() == 1
