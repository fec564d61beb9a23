"""STOW-RS (PS3.18 10.5): what a sender is told of every object, through Django's client and over real HTTP.

Over real HTTP (marker slow): a granian process as in production, a real DICOMweb client, and bare sockets for what no
library would send. Not covered here: who may call what else (tests/patients/test_access.py).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from django.test import Client
from pydicom.dataset import Dataset
from pytest_django import Settings

from cdss.accounts import scopes
from cdss.accounts.services import api_client_create
from cdss.embedded.urls import ServiceUrls
from cdss.jobs.sweeping import jobs_sweep
from imaging.dicomweb.parsers import CHUNK_BYTES
from imaging.models import Instance, Quarantine, Series, Study
from imaging.storage import StagedObject, object_path
from patients.models import Patient
from tests.factories import Hospital
from tests.imaging.conftest import StowServer
from tests.imaging.part10 import ct_dataset, ct_part10, part10
from tests.processes import environment, free_port, granian, resident_bytes, started, wait_for_answer

BOUNDARY = "a-boundary-of-tests"
QUOTED = f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"'
UNQUOTED = f"multipart/related; type=application/dicom; boundary={BOUNDARY}"
GARBAGE = b"this is not DICOM"
Json = dict[str, Any]


def multipart(*contents: bytes, closed: bool = True) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    body = b"".join(head + content + b"\r\n" for content in contents)
    return body + (f"--{BOUNDARY}--\r\n".encode() if closed else b"")


def post(at: Hospital, body: bytes, *, content_type: str = QUOTED, study: str = "", **headers: str) -> Any:
    path = f"/dicom-web/studies/{study}" if study else "/dicom-web/studies"
    return Client().post(path, data=body, content_type=content_type, headers={**at.bearer, **headers})


def items(body: Json, tag: str) -> list[Json]:
    return body.get(tag, {"Value": []})["Value"]  # type: ignore[no-any-return]


def value(item: Json, tag: str) -> Any:
    [only] = item[tag]["Value"]
    return only


REFERENCED, FAILED, OTHER_FAILURES, RETRIEVE_URL = "00081199", "00081198", "0008119A", "00081190"
SOP_CLASS, SOP_INSTANCE, REASON = "00081150", "00081155", "00081197"


def incoming(root: Path) -> list[Path]:
    return list((root / "incoming").iterdir())


@pytest.mark.django_db
@pytest.mark.parametrize("content_type", [
    QUOTED, UNQUOTED, QUOTED.replace("multipart/related", "Multipart/Related"),
    f"multipart/related; boundary={BOUNDARY}",
    f'multipart/related; type="application/dicom; transfer-syntax=1.2.840.10008.1.2.1"; boundary={BOUNDARY}',
])  # fmt: skip
def test_objects_are_stored_and_named(hospital: Hospital, content_type: str) -> None:
    datasets = [ct_dataset(index) for index in range(2)]
    response = post(hospital, multipart(*map(part10, datasets)), content_type=content_type)
    assert (response.status_code, response["Content-Type"]) == (200, "application/dicom+json")
    body = response.json()
    assert [value(item, SOP_INSTANCE) for item in items(body, REFERENCED)] == [d.SOPInstanceUID for d in datasets]
    assert {value(item, SOP_CLASS) for item in items(body, REFERENCED)} == {datasets[0].SOPClassUID}
    assert value(body, RETRIEVE_URL).endswith(f"/dicom-web/studies/{datasets[0].StudyInstanceUID}")
    assert FAILED not in body and OTHER_FAILURES not in body
    assert Instance.objects.count() == 2
    assert set(Instance.objects.values_list("source", flat=True)) != {""}


@pytest.mark.django_db
def test_sent_again_it_is_there_and_that_is_success(hospital: Hospital) -> None:
    for _ in range(2):
        assert post(hospital, multipart(ct_part10())).status_code == 200
    assert Instance.objects.count() == 1


@pytest.mark.django_db
def test_some_good_some_bad_is_202_and_each_is_named(hospital: Hospital, storage_root: Path) -> None:
    good, truncated = ct_dataset(0), ct_dataset(1)
    other_patient = ct_dataset(2, seed="door", PatientID="SOMEBODY-ELSE")
    body = multipart(GARBAGE, part10(good), part10(truncated)[:-20], part10(other_patient))
    response = post(hospital, body)
    assert response.status_code == 202
    answer = response.json()
    assert [value(item, SOP_INSTANCE) for item in items(answer, REFERENCED)] == [good.SOPInstanceUID]
    failed = {value(item, SOP_INSTANCE): value(item, REASON) for item in items(answer, FAILED)}
    assert failed == {truncated.SOPInstanceUID: 0xC000, other_patient.SOPInstanceUID: 0x0110}
    assert all(type(reason) is int for reason in failed.values())
    assert all(value(item, SOP_CLASS) == good.SOPClassUID for item in items(answer, FAILED))
    [other] = items(answer, OTHER_FAILURES)
    assert value(other, REASON) == 0xC000 and SOP_INSTANCE not in other
    assert Instance.objects.count() == 1 and Quarantine.objects.count() == 1
    assert not incoming(storage_root)


@pytest.mark.django_db
@pytest.mark.parametrize(("content", "study", "status", "reason", "code"), [
    (GARBAGE, "", 400, 0xC000, "NOT_DICOM"),
    (b"", "", 400, 0xC000, "EMPTY_OBJECT"),
    (ct_part10(), "1.2.3", 409, 0xA900, "STUDY_UID_MISMATCH"),
    (part10(ct_dataset(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")), "", 409, 0x0122, "SOP_CLASS_NOT_SUPPORTED"),
    (part10(ct_dataset(PatientID="")), "", 409, 0xA900, "PATIENT_ID_MISSING"),
    (ct_part10()[:-100], "", 409, 0xC000, "TRUNCATED"),
])  # fmt: skip
def test_nothing_stored_says_why(
    hospital: Hospital, content: bytes, study: str, status: int, reason: int, code: str
) -> None:
    response = post(hospital, multipart(content), study=study)
    assert (response.status_code, response["Content-Type"]) == (status, "application/dicom+json")
    answer = response.json()
    assert REFERENCED not in answer and RETRIEVE_URL not in answer
    [item] = items(answer, FAILED) + items(answer, OTHER_FAILURES)
    assert value(item, REASON) == reason
    assert code in json.dumps(item)
    assert not Instance.objects.exists() and not Patient.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("content_type", "status", "code"), [
    ("application/dicom", 415, "MEDIA_TYPE"), ("application/json", 415, "MEDIA_TYPE"), ("", 415, "MEDIA_TYPE"),
    (f"multipart/form-data; boundary={BOUNDARY}", 415, "MEDIA_TYPE"),
    (f'multipart/related; type="application/dicom+xml"; boundary={BOUNDARY}', 415, "MEDIA_TYPE"),
    ('multipart/related; type="application/dicom"', 400, "MULTIPART"),
    (f'multipart/related; type="application/dicom"; boundary={"x" * 71}', 400, "MULTIPART"),
    ('multipart/related; type="application/dicom"; boundary="\xe9"', 400, "MULTIPART"),
    ("multipart/related; type=application/dicom; boundary*=utf-8''%E2%82%AC", 400, "MULTIPART"),
    ('multipart/related; type="application/dicom"; boundary=another', 400, "MULTIPART"),
])  # fmt: skip
def test_what_is_not_stow_is_refused_with_a_problem(
    hospital: Hospital, content_type: str, status: int, code: str
) -> None:
    response = post(hospital, multipart(ct_part10()), content_type=content_type)
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert response.json()["code"] == code
    assert not Instance.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("body", [f"--{BOUNDARY}--\r\n".encode(), b"\r\n" * 9, b"no boundary at all"])
def test_a_body_without_objects_is_a_bad_request(hospital: Hospital, body: bytes) -> None:
    response = post(hospital, body)
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.django_db
@pytest.mark.parametrize("ending", ["in a part", "before the closing boundary", "in garbage"])
def test_what_came_complete_is_kept_when_the_rest_does_not(hospital: Hospital, storage_root: Path, ending: str) -> None:
    body = multipart(ct_part10(0), ct_part10(1), closed=False)
    if ending == "in a part":
        body = body[:-300]
    if ending == "in garbage":
        body += f"--{BOUNDARY}\r\n: no header at all\x00\r\n\r\n".encode()
    response = post(hospital, body)
    assert response.status_code == 202
    [failure] = items(response.json(), OTHER_FAILURES)
    assert ("MULTIPART" if ending == "in garbage" else "TRUNCATED_UPLOAD") in json.dumps(failure)
    # Without its boundary nobody can say whether the second is complete.
    assert Instance.objects.count() == (2 if ending == "in garbage" else 1)
    assert Series.objects.count() == Study.objects.count() == 1
    assert not incoming(storage_root)


@pytest.mark.django_db
def test_nobody_stores_without_a_token_that_may(hospital: Hospital) -> None:
    body = multipart(ct_part10())
    _, reader = api_client_create(organisation=hospital.organisation, name="reader", scopes=[scopes.STUDIES_READ])
    for header, status in ((None, 401), ("Bearer wrong", 401), ("Basic dXNlcjpwdw==", 401), (f"Bearer {reader}", 403)):
        headers = {"Authorization": header} if header else {}
        response = Client().post("/dicom-web/studies", data=body, content_type=QUOTED, headers=headers)
        assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
        assert (status == 401) is response.has_header("WWW-Authenticate")
    clinician = Client()
    clinician.force_login(hospital.clinician)
    assert clinician.post("/dicom-web/studies", data=body, content_type=QUOTED).status_code == 401
    assert not Instance.objects.exists()


@pytest.mark.django_db
def test_a_part_over_the_limit_is_refused_and_the_others_are_stored(hospital: Hospital, settings: Settings) -> None:
    settings.STOW_MAX_INSTANCE_BYTES = 100_000
    body = multipart(ct_part10(0), part10(ct_dataset(1, size=400)), ct_part10(2))
    response = post(hospital, body)
    assert response.status_code == 202
    assert len(items(response.json(), REFERENCED)) == 2
    [failure] = items(response.json(), OTHER_FAILURES)
    assert "OBJECT_TOO_LARGE" in json.dumps(failure)


@pytest.mark.django_db
def test_a_full_disk_is_507_and_names_the_object(
    hospital: Hospital, storage_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills while bytes arrive (tests/imaging/test_storage.py fills a real one)."""

    def no_space(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "replace", no_space)
        response = post(hospital, multipart(ct_part10(0), ct_part10(1)))
    assert response.status_code == 507
    assert [value(item, REASON) for item in items(response.json(), FAILED)] == [0xA700, 0xA700]
    assert not incoming(storage_root)
    with monkeypatch.context() as full:
        full.setattr(StagedObject, "__init__", lambda self: no_space())
    assert post(hospital, multipart(ct_part10(0), ct_part10(1))).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("offset", [-70, -40, -21, -3, -1, 0, 1, 5])
def test_pixels_that_look_like_boundaries_are_pixels(hospital: Hospital, offset: int) -> None:
    """Bytes that begin like the delimiter, also across the chunks in which the body is read."""
    size = 400
    almost = b"\r\n--" + BOUNDARY.encode()[:-1]
    pixels = bytearray(size * size * 2)
    fake = almost + b"\r\n" + almost + b"--\r\n\r\n--\r\r" + f"--{BOUNDARY}--\r\n".encode() + b"\r" + almost[:-4]
    dataset = ct_dataset(size=size)
    dataset.PixelData = bytes(pixels)
    content = part10(dataset)
    head = len(multipart(b"", closed=False)) - 2
    at = CHUNK_BYTES - head + offset - (len(content) - len(pixels))
    pixels[at : at + len(fake)] = fake
    dataset.PixelData = bytes(pixels)
    content = part10(dataset)
    response = post(hospital, multipart(content, ct_part10(1)))
    assert response.status_code == 200, response.content
    instance = Instance.objects.get(sop_instance_uid=dataset.SOPInstanceUID)
    assert object_path(bytes(instance.sha256)).read_bytes() == content


# --- over real HTTP -------------------------------------------------------------------------------------------------


def over_http(function: Any) -> Any:
    return pytest.mark.slow(pytest.mark.django_db(transaction=True)(function))


def send(
    stow: StowServer, at: Hospital, body: bytes | Iterable[bytes], *, content_type: str = QUOTED, path: str = "/studies"
) -> requests.Response:
    headers = {**at.bearer, "Content-Type": content_type}
    return requests.post(stow.url + path, data=body, headers=headers, timeout=120)


@over_http
def test_a_real_dicomweb_client_stores_and_reads_the_answer(hospital: Hospital, stow: StowServer) -> None:
    client = DICOMwebClient(url=stow.url, headers=hospital.bearer)
    datasets = [_as_file(ct_dataset(index)) for index in range(3)]
    answer = client.store_instances(datasets)
    assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [
        dataset.SOPInstanceUID for dataset in datasets
    ]
    bad = _as_file(ct_dataset(3, PatientID=""))
    answer = client.store_instances([bad, datasets[0]])
    [failed] = answer.FailedSOPSequence
    assert (failed.ReferencedSOPInstanceUID, failed.FailureReason) == (bad.SOPInstanceUID, 0xA900)
    assert len(answer.ReferencedSOPSequence) == 1
    with pytest.raises(requests.HTTPError, match="409"):
        client.store_instances([bad], study_instance_uid="1.2.3")
    assert Instance.objects.count() == 3


def _as_file(dataset: Dataset) -> Dataset:
    """With what makes the client write a file: it leaves out the preamble of a data set that has none."""
    part10(dataset)
    dataset.preamble = b"\x00" * 128
    return dataset


@over_http
def test_a_chunked_body_of_unknown_length_is_stored(hospital: Hospital, stow: StowServer) -> None:
    def pieces() -> Iterator[bytes]:
        body = multipart(*(ct_part10(index) for index in range(5)))
        for start in range(0, len(body), 777):
            yield body[start : start + 777]

    response = send(stow, hospital, pieces(), content_type=UNQUOTED)
    assert response.status_code == 200, response.text
    assert Instance.objects.count() == 5
    assert not incoming(stow.storage_root)


@over_http
@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("ending", ["in the second part", "before the closing boundary"])
def test_a_sender_that_hangs_up_leaves_whole_objects_only(
    hospital: Hospital, stow: StowServer, is_chunked: bool, ending: str
) -> None:
    body = multipart(ct_part10(0), ct_part10(1, size=600), closed=False)
    if ending == "in the second part":
        body = body[:-300_000]
    length = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {len(body) + 500_000}"
    head = _head(hospital, stow.port, length)
    with socket.create_connection(("127.0.0.1", stow.port), timeout=30) as connection:
        connection.sendall(head)
        connection.sendall(f"{len(body):x}\r\n".encode() + body + b"\r\n" if is_chunked else body)
        _wait(lambda: Instance.objects.count() == 1)
    _wait(lambda: not incoming(stow.storage_root))
    assert Instance.objects.get().sop_instance_uid == ct_dataset(0).SOPInstanceUID
    assert (Patient.objects.count(), Study.objects.count(), Series.objects.count()) == (1, 1, 1)
    assert send(stow, hospital, multipart(ct_part10(0), ct_part10(1, size=600))).status_code == 200
    assert Instance.objects.count() == 2, "sent again, the rest is taken in"


@over_http
def test_a_server_killed_in_mid_upload_leaves_whole_objects_and_a_leftover_that_is_swept(
    hospital: Hospital, services: ServiceUrls, storage_root: Path, tmp_path: Path
) -> None:
    body = multipart(ct_part10(0), ct_part10(1, size=600), closed=False)[:-300_000]
    port = free_port()
    env, log = environment(services, storage_root), tmp_path / "granian.log"
    with started(granian(port), env=env, log=log) as server:
        wait_for_answer(f"http://127.0.0.1:{port}/healthz", server)
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(_head(hospital, port, f"Content-Length: {len(body) + 500_000}") + body)
            _wait(lambda: Instance.objects.count() == 1 and len(incoming(storage_root)) == 1)
            server.kill_group()
    assert Instance.objects.count() == Patient.objects.count() == Study.objects.count() == 1
    [leftover] = incoming(storage_root)
    os.utime(leftover, (0, 0))
    assert jobs_sweep() >= 1
    assert not incoming(storage_root)
    assert post(hospital, multipart(ct_part10(0), ct_part10(1, size=600))).status_code == 200
    assert Instance.objects.count() == 2


def _head(at: Hospital, port: int, length: str) -> bytes:
    return (
        f"POST /dicom-web/studies HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {QUOTED}\r\n"
        f"Authorization: Bearer {at.token}\r\n{length}\r\n\r\n"
    ).encode()


@over_http
def test_a_body_that_ends_without_its_last_boundary_is_answered(hospital: Hospital, stow: StowServer) -> None:
    response = send(stow, hospital, multipart(ct_part10(0), ct_part10(1), closed=False))
    assert response.status_code == 202
    assert "TRUNCATED_UPLOAD" in response.text
    assert Instance.objects.count() == 1


@over_http
def test_the_connection_survives_a_refusal(hospital: Hospital, stow: StowServer) -> None:
    """The body of a refused request is read off the connection, so that the next request on it is understood."""
    connection = http.client.HTTPConnection("127.0.0.1", stow.port, timeout=30)
    with contextlib.closing(connection):
        for token, body, status in (
            ("wrong", multipart(ct_part10(0)), 401),
            (hospital.token, multipart(GARBAGE), 400),
            (hospital.token, multipart(ct_part10(0), b"x" * (5 * 1024**2)), 202),
            (hospital.token, multipart(ct_part10(1)) + b"an epilogue" * 100_000, 200),
            (hospital.token, multipart(ct_part10(1)), 200),
        ):
            headers = {"Authorization": f"Bearer {token}", "Content-Type": QUOTED}
            connection.request("POST", "/dicom-web/studies", body=body, headers=headers)
            response = connection.getresponse()
            answer = response.read()
            assert response.status == status, answer
    assert Instance.objects.count() == 2


@over_http
def test_three_hundred_slices_stream_through_without_growing_the_server(
    hospital: Hospital, stow: StowServer, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = [ct_part10(index, size=512) for index in range(4)]
    uids = [ct_dataset(index).SOPInstanceUID for index in range(4)]
    send(stow, hospital, multipart(*contents[:2]))

    def pieces() -> Iterator[bytes]:
        for number in range(300):
            uid = str(uids[number % 4])
            # Another UID of the same length in the file header and in the data set: another object.
            yield multipart(
                contents[number % 4].replace(uid.encode(), f"{uid[:-6]}9{number:05d}".encode()), closed=False
            )
        yield f"--{BOUNDARY}--\r\n".encode()

    before = resident_bytes(stow.worker_pid)
    started = time.monotonic()
    response = send(stow, hospital, pieces())
    seconds = time.monotonic() - started
    assert response.status_code == 200, response.text[:500]
    grown = resident_bytes(stow.worker_pid, "VmHWM") - before
    with capsys.disabled():
        sys.stdout.write(
            f"\n300 parts, {300 * len(contents[0]) / 1e6:.0f} MB in {seconds:.1f} s; "
            f"server {before / 1e6:.0f} MB, peak +{grown / 1e6:.1f} MB "
        )
    assert Instance.objects.count() == 302
    assert grown < 64 * 1024**2


def _wait(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
