"""The headers of every kind of answer, one by one, and the cookies of a hospital's installation."""

from __future__ import annotations

import importlib
import logging
import re
import secrets
import uuid
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.factories import PASSWORD
from tests.security.matrix import ROWS
from tests.security.world import ROLES, World, caller

pytestmark = pytest.mark.django_db
CSP = (
    "default-src 'none'; script-src 'nonce-N' 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types htmx"
)
ALWAYS = {
    "Content-Security-Policy": CSP,
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
#: Nothing else leaves Django: no version, no server, no name of a framework.
KNOWN = {
    *ALWAYS,
    *("Allow", "Cache-Control", "Content-Length", "Content-Type", "ETag", "Expires", "Last-Modified", "Location"),
    *("Retry-After", "Vary", "WWW-Authenticate", "X-Request-Id", "Access-Control-Allow-Origin", "HX-Redirect"),
    "Content-Disposition",
}  # fmt: skip
KEPT_OUT_OF_CACHES = re.compile(r"no-store|private, no-cache$")
NONCE = re.compile(r"'nonce-([A-Za-z0-9_-]{22})'")


def assert_armoured(response: Any, what: str, *, cache: str = "no-store") -> None:
    headers = dict(response.headers)
    found = NONCE.findall(headers["Content-Security-Policy"])
    assert len(found) == 1, what
    headers["Content-Security-Policy"] = NONCE.sub("'nonce-N'", headers["Content-Security-Policy"])
    assert {name: headers.get(name) for name in ALWAYS} == ALWAYS, what
    assert set(headers) <= KNOWN, (what, set(headers) - KNOWN)
    assert cache in headers["Cache-Control"], what
    assert uuid.UUID(headers["X-Request-Id"])
    words = " ".join(headers.values()).lower()
    assert [word for word in ("django", "python", "granian", "whitenoise", "postgres") if word in words] == [], what


@pytest.mark.parametrize("role", ["anonymous", *ROLES])
def test_every_address_answers_with_every_header(world: World, role: str) -> None:
    """Whether it shows, refuses or redirects; and nothing about a patient may be kept by a cache without asking."""
    who = caller(None if role == "anonymous" else world.own, role)
    seen = set()
    for row in ROWS:
        if row.name == "sign-out":
            continue
        response = who.ask(row.method, row.path(world), row.sent(world), row.content_type)
        is_image = row.name == "key-image" and response.status_code == 200
        assert_armoured(response, row.path(world), cache="private, no-cache" if is_image else "no-store")
        seen.add(response.status_code)
    assert seen >= ({302, 401} if role == "anonymous" else {200})


def test_key_image_is_shown_again_only_to_who_may_see_it_now(world: World) -> None:
    """The browser may keep the pixels and must ask each time; nobody signed in, nothing shown."""
    who = caller(world.own, "clinician")
    path = f"/key-images/{world.key_image.id}.png"
    first = who.ask("GET", path)
    again = who.ask("GET", path, **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["Cache-Control"]) == (304, b"", "private, no-cache")
    assert "Cookie" in first["Vary"]
    for stranger in (caller(None, "anonymous"), caller(world.own, "auditor"), caller(world.other, "clinician")):
        response = stranger.ask("GET", path, **{"If-None-Match": first["ETag"]})
        assert response.status_code in {302, 404}
        assert "ETag" not in response.headers


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/nothing-here/", {}, 404),
        ("/nothing-here", {"HX-Request": "true"}, 404),
        ("/api/v1/nothing", {}, 404),
        ("/api/nothing", {}, 404),
        ("/dicom-web/nothing", {}, 404),
        ("/static/nothing.css", {}, 404),
        ("/static/%2e%2e/manage.py", {}, 404),
        ("/sign-out/", {}, 405),
        ("/dicom-web/studies", {}, 405),
        ("/api/v1/patients", {"Authorization": "Bearer nobody"}, 401),
        ("/api/v1/patients?limit=x", {"Authorization": "TOKEN"}, 400),
        ("/api/schema/", {}, 200),
        ("/sign-in/", {"Host": "evil.example"}, 400),
        ("/api/v1/patients", {"Host": "evil.example"}, 400),
        ("/static/nothing.css", {"Host": "evil.example"}, 400),
    ],
)
def test_errors_are_as_armoured_as_pages(
    hospital: Any, settings: Settings, path: str, options: dict[str, str], status: int
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    options = {name: hospital.bearer["Authorization"] if value == "TOKEN" else value for name, value in options.items()}
    response = Client().get(path, headers=options)
    assert response.status_code == status
    assert_armoured(response, path)
    expected = "application/problem+json" if path.startswith(("/api/v1", "/dicom-web/n")) else None
    assert expected is None or response["Content-Type"] == expected
    assert b"Traceback" not in response.content


def test_refused_form_and_refused_change_are_armoured(world: World) -> None:
    who = caller(world.own, "clinician", enforce_csrf_checks=True)
    assert_armoured(who.ask("POST", "/sign-out/"), "page")
    fragment = who.ask("POST", "/sign-out/", **{"HX-Request": "true"})
    assert_armoured(fragment, "fragment")
    assert (fragment.status_code, b"<html" in fragment.content) == (403, False)
    change = who.ask("POST", f"/api/v1/assessments/{world.assessment.id}/acknowledge", "{}", "application/json")
    assert_armoured(change, "api")
    assert change.json()["code"] == "CSRF"


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/patients/", {}), ("/patients/", {"HX-Request": "true"}), ("/api/v1/patients", {})],
)
def test_our_own_failure_says_nothing_of_its_cause(
    hospital: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str, headers: dict[str, str]
) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("Zebrafink")

    monkeypatch.setattr("patients.selectors.patients_search", fail)
    who = caller(hospital, "clinician", raise_request_exception=False)
    with caplog.at_level(logging.CRITICAL, "django.request"):
        response = who.ask("GET", path, **headers)
    assert response.status_code == 500
    assert_armoured(response, path)
    text = response.content.decode()
    assert "SERVER_ERROR" in text
    assert response["X-Request-Id"] in text
    assert not re.search("Zebrafink|RuntimeError|Traceback|selectors", text)


def test_static_files_may_be_kept_and_are_armoured(db: None) -> None:
    for path in ("/static/css/cdss.css", "/static/vendor/htmx-4.0.1/htmx.min.js", "/static/img/favicon.svg"):
        response = Client().get(path)
        assert response.status_code == 200
        assert_armoured(response, path, cache="public")
        assert not response.cookies
        response.close()


def test_nonce_is_another_one_each_time_and_the_one_in_the_page(hospital: Any) -> None:
    who = caller(hospital, "clinician")
    nonces = []
    for _ in range(3):
        response = who.ask("GET", "/")
        nonce = NONCE.findall(response["Content-Security-Policy"])[0]
        assert set(re.findall(r'nonce="([^"]+)"', response.content.decode())) == {nonce}
        nonces.append(nonce)
    assert len(set(nonces)) == 3


@pytest.mark.parametrize("offered", ["abcdefgh", "a" * 64, "3f0c2a44-8f0e-4d53-9d5c-6a1f0f4a7b1e", "trace_1.2-3"])
def test_well_formed_request_id_is_echoed(db: None, offered: str) -> None:
    assert Client().get("/healthz", headers={"X-Request-Id": offered})["X-Request-Id"] == offered


@pytest.mark.parametrize(
    "offered",
    ["", "short", "a" * 65, "abcdefgh\n", "abcdefgh\r\nSet-Cookie: x=1", "abc defgh", "abcdefgh;", "<script>1</script>",
     "abcdefgh\x00", "äbcdefgh", "%0d%0aabcdef", "１２３４５６７８"],
)  # fmt: skip
def test_malformed_request_id_is_replaced(db: None, offered: str) -> None:
    response = Client().get("/healthz", headers={"X-Request-Id": offered})
    assert response.status_code == 200
    assert str(uuid.UUID(response["X-Request-Id"])) == response["X-Request-Id"]


@pytest.fixture
def as_in_a_hospital(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cdss.settings.production sets beyond the tests' own database, cache, storage and static files."""
    monkeypatch.setenv("BEHIND_TLS_PROXY", "yes")
    monkeypatch.setattr("cdss.settings.base.SECRET_KEY", secrets.token_hex(32))
    production = importlib.reload(importlib.import_module("cdss.settings.production"))
    ours = {
        "DATABASES",
        "CACHES",
        "STORAGE_ROOT",
        "STATIC_ROOT",
        "STORAGES",
        "PASSWORD_HASHERS",
        "WHITENOISE_USE_FINDERS",
    }
    for name in dir(production):
        if name.isupper() and name not in ours and getattr(production, name) != getattr(settings, name, None):
            setattr(settings, name, getattr(production, name))
    settings.ALLOWED_HOSTS = ["cdss.example"]


HTTPS = {"Host": "cdss.example", "X-Forwarded-Proto": "https"}
HSTS = "max-age=31536000; includeSubDomains; preload"


def test_in_a_hospital_plain_http_is_sent_to_https(as_in_a_hospital: None, hospital: Any) -> None:
    for path in ("/", "/sign-in/?next=/x", "/api/v1/patients", "/static/css/cdss.css"):
        response = Client().get(path, headers={"Host": "cdss.example"})
        assert (response.status_code, response["Location"]) == (301, f"https://cdss.example{path}")
        assert_armoured(response, path)
        assert not response.cookies
    assert Client().get("/healthz", headers={"Host": "cdss.example"}).status_code == 200


def test_in_a_hospital_every_cookie_is_guarded(as_in_a_hospital: None, hospital: Any) -> None:
    client = Client(headers=HTTPS)
    client.get("/sign-in/")
    response = client.post("/sign-in/", {"username": "clinician.north", "password": PASSWORD})
    assert response.status_code == 303
    assert response["Strict-Transport-Security"] == HSTS
    assert set(response.cookies) == {"sessionid", "csrftoken"}
    for name, cookie in response.cookies.items():
        assert cookie["secure"], name
        assert cookie["samesite"] == "Lax"
        assert cookie["domain"] == ""
    session = response.cookies["sessionid"]
    assert session["httponly"]
    assert session["max-age"] == 12 * 3600


def test_in_a_hospital_another_host_and_a_forged_one_are_refused(as_in_a_hospital: None, db: None) -> None:
    assert Client().get("/sign-in/", headers={**HTTPS, "Host": "evil.example"}).status_code == 400
    forged = Client().get("/sign-in/", headers={**HTTPS, "X-Forwarded-Host": "evil.example"})
    assert forged.status_code == 200
    assert b"evil.example" not in forged.content
