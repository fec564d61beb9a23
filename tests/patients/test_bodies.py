"""Request bodies at the WSGI door: who may send one, in which way, and which headers Django itself cannot read.

Django's test client sends neither chunks nor half a body, so these tests call the WSGI application as granian does;
the slow ones are granian itself. Not covered: half-sent sign-in forms, which the proxy keeps away (threats.md).
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.core.signals import request_started
from django.db import close_old_connections
from django.test import Client, RequestFactory

from cdss.accounts.models import IdempotentRequest
from cdss.embedded.urls import ServiceUrls
from cdss.wsgi import application
from patients.models import Patient
from tests.factories import Hospital
from tests.patients.rest import V1, token_of
from tests.patients.test_idempotency import PERSON
from tests.processes import environment, free_port, granian, started, wait_for_answer


@dataclass
class Body:
    """A body that arrives piece by piece, and knows how much of it was asked for."""

    pieces: list[bytes]
    is_broken: bool = False
    asked: list[int] = field(default_factory=list)

    def read(self, size: int = -1) -> bytes:
        self.asked.append(size)
        if not self.pieces:
            if self.is_broken:
                raise OSError("the sender went away")
            return b""
        piece = self.pieces.pop(0)
        if 0 <= size < len(piece):
            self.pieces.insert(0, piece[size:])
            piece = piece[:size]
        return piece

    readline = read  # the WSGI standard asks for one


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["Content-Type"] == "application/problem+json"
        body: dict[str, Any] = json.loads(self.content)
        assert (body["status"], body["request_id"]) == (self.status, self.headers["X-Request-Id"])
        assert body["detail"]
        return body


def ask(path: str, body: Body, **environ: str) -> Answer:
    answered: list[Any] = []
    asked = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "CONTENT_TYPE": "application/json", "wsgi.input": body}
    base = RequestFactory()._base_environ(**{**asked, **environ})
    # It would close the connection that holds the test's transaction; Django's own test client does the same.
    request_started.disconnect(close_old_connections)
    try:
        content = b"".join(application(base, lambda status, headers: answered.extend((status, headers))))
    finally:
        request_started.connect(close_old_connections)
    return Answer(int(answered[0].split()[0]), dict(answered[1]), content)


def chunked(at: Hospital, *pieces: bytes, is_broken: bool = False, **environ: str) -> Answer:
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {at.token}", "HTTP_TRANSFER_ENCODING": "chunked"}
    return ask(f"{V1}/patients", Body(list(pieces), is_broken), **{**bearer, **environ})


@pytest.mark.django_db
def test_a_body_in_chunks_is_read_whole(hospital: Hospital) -> None:
    text = json.dumps(PERSON).encode()
    answer = chunked(hospital, text[:5], text[5:40], text[40:])
    assert answer.status == 201, answer.content
    assert Patient.objects.get().family_name == PERSON["family_name"]


@pytest.mark.django_db
def test_the_idempotency_key_of_a_body_in_chunks_is_of_what_was_sent(hospital: Hospital) -> None:
    key = {"HTTP_IDEMPOTENCY_KEY": "k-1"}
    text = json.dumps(PERSON).encode()
    first, again = chunked(hospital, text[:9], text[9:], **key), chunked(hospital, text, **key)
    assert (first.status, again.status, again.content) == (201, 201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    other = {**PERSON, "identifier": {"system": "urn:test:mrn", "value": "T-2"}}
    answer = chunked(hospital, json.dumps(other).encode(), **key)
    assert answer.problem["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert Patient.objects.count() == IdempotentRequest.objects.count() == 1


@pytest.mark.django_db
def test_a_body_in_chunks_is_bounded(hospital: Hospital) -> None:
    body = Body([b" " * 65536] * 1000)
    answer = ask(
        f"{V1}/patients", body, HTTP_AUTHORIZATION=f"Bearer {hospital.token}", HTTP_TRANSFER_ENCODING="chunked"
    )
    assert (answer.status, answer.problem["code"]) == (413, "BODY_TOO_LARGE")
    assert len(body.pieces) >= 1000 - settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 65536 - 1
    assert max(body.asked) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1


@pytest.mark.django_db
def test_a_body_in_chunks_that_breaks_off_does_nothing(hospital: Hospital) -> None:
    answer = chunked(hospital, json.dumps(PERSON).encode(), is_broken=True)
    assert (answer.status, answer.problem["code"]) == (400, "PARSE_ERROR")
    assert not Patient.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("length", [{"CONTENT_LENGTH": "500"}, {"HTTP_TRANSFER_ENCODING": "chunked"}])
@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_of_who_may_not_send_it_no_byte_is_read(hospital: Hospital, length: dict[str, str], content_type: str) -> None:
    reader = token_of(hospital, "patients.read")
    for token, status in (("", 401), ("Bearer wrong", 401), (f"Bearer {reader}", 403)):
        body = Body([b"{"])
        headers = {"HTTP_AUTHORIZATION": token} if token else {}
        answer = ask(f"{V1}/patients", body, CONTENT_TYPE=content_type, **length, **headers)
        assert (answer.status, body.asked) == (status, []), answer.content


@pytest.mark.django_db
def test_a_browsers_form_with_files_is_refused_and_not_an_error(hospital: Hospital) -> None:
    """Django reads it for the CSRF check of the session, so that nobody else can."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(hospital.clinician)
    token = "a" * 32
    browser.cookies[settings.CSRF_COOKIE_NAME] = token
    path = f"{V1}/series/1.2.3/calcium-reading"
    response = browser.post(path, {"a": "b"}, headers={"X-CSRFToken": token})
    assert (response.status_code, response["Content-Type"]) == (415, "application/problem+json")


MALFORMED = ["application/json; charset*=undefined''a", "application/json; x*=idna''%ff", "text/html; a*=no-codec''b"]
headers_of_one = pytest.mark.parametrize(("name", "variable", "value"), [
    *[("Content-Type", "CONTENT_TYPE", value) for value in MALFORMED],
    *[("Content-Type", "CONTENT_TYPE", f"application/json; charset={codec}") for codec in ("undefined", "idna", "hex")],
    *[("Accept", "HTTP_ACCEPT", f"text/html, {value}") for value in MALFORMED],
])  # fmt: skip


@pytest.mark.django_db
@headers_of_one
@pytest.mark.parametrize("path", [f"{V1}/patients", "/dicom-web/studies", "/sign-in/", "/healthz"])
def test_a_header_that_django_cannot_read_is_a_bad_request(
    hospital: Hospital, path: str, name: str, variable: str, value: str
) -> None:
    offered = {"HTTP_X_REQUEST_ID": "request-4711", "HTTP_AUTHORIZATION": f"Bearer {hospital.token}"}
    answer = ask(path, Body([b"{}"]), **{**offered, variable: value, "QUERY_STRING": "q=%ff"})
    assert answer.status == 400
    assert answer.problem["detail"].startswith(f"The header {name} cannot be read")
    assert answer.headers["X-Request-Id"] == "request-4711"
    for header in ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"):
        assert answer.headers[header]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "value", ["application/json", "application/json; charset=utf-8", "", 'Application/JSON; a="b,c"']
)
def test_headers_that_can_be_read_are_left_alone(hospital: Hospital, value: str) -> None:
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {hospital.token}", "HTTP_ACCEPT": "application/json;q=0.9, */*"}
    answer = ask("/api/v1/patients", Body([]), REQUEST_METHOD="GET", CONTENT_TYPE=value, **bearer)
    assert answer.status == 200, answer.content


@pytest.fixture
def server(services: ServiceUrls, storage_root: Path, tmp_path: Path) -> Iterator[int]:
    port = free_port()
    with started(granian(port), env=environment(services, storage_root), log=tmp_path / "granian.log") as process:
        wait_for_answer(f"http://127.0.0.1:{port}/healthz", process)
        yield port


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_half_sent_bodies_without_a_token_hold_nobody_up(server: int) -> None:
    """Twice as many as there are threads; each is answered, and the next caller too."""
    senders = []
    for _ in range(8):
        sender = socket.create_connection(("127.0.0.1", server), timeout=10)
        sender.sendall(
            f"POST {V1}/patients HTTP/1.1\r\nHost: 127.0.0.1:{server}\r\nContent-Type: application/json\r\n"
            "Content-Length: 500\r\n\r\n{".encode()
        )
        senders.append(sender)
    before = time.monotonic()
    assert requests.get(f"http://127.0.0.1:{server}/healthz", timeout=10).status_code == 200
    assert time.monotonic() - before < 5
    for sender in senders:
        assert sender.recv(12) == b"HTTP/1.1 401"
        sender.close()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_chunks_and_malformed_headers_over_real_http(hospital: Hospital, server: int) -> None:
    text = json.dumps(PERSON).encode()
    url = f"http://127.0.0.1:{server}{V1}/patients"
    headers = {**hospital.bearer, "Content-Type": "application/json"}
    assert requests.post(url, data=iter([text[:7], text[7:]]), headers=headers, timeout=30).status_code == 201
    assert Patient.objects.count() == 1
    response = requests.post(url, data=text, headers={**headers, "Content-Type": MALFORMED[0]}, timeout=30)
    assert (response.status_code, response.headers["Content-Type"]) == (400, "application/problem+json")
    assert response.json()["request_id"] == response.headers["X-Request-Id"]
