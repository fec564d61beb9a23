"""Signing in, staying in and getting out; tokens; and that nothing else opens a door."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from cdss.accounts import attempts
from cdss.accounts.models import ApiClient
from cdss.assessments.models import AssessmentReview
from tests.factories import PASSWORD, Hospital
from tests.security.matrix import ROWS, Row
from tests.security.world import Caller, World, caller, ct, stow_body

pytestmark = pytest.mark.django_db
CHANGES = [row for row in ROWS if row.method == "POST" and row.door in {"PAGE", "OPEN"}]
SESSION_CHANGES = [row for row in ROWS if row.method == "POST" and row.door == "API" and row.may & {"clinician"}]
CHANGING = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"|nonce="[^"]+"')
BAD_TOKENS = ["", "x", "a" * 32, "a" * 64, "<script>", "é" * 32]


def may(row: Row) -> str:
    return next(role for role in ("clinician", "auditor", "administrator") if role in row.may)


def token_of(client: Client) -> str:
    page = client.get("/about/").content.decode()
    return page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]


def attempt(
    username: str = "clinician.north", password: str = PASSWORD, client: Client | None = None, **more: Any
) -> Any:
    return (client or Client()).post("/sign-in/", {"username": username, "password": password}, **more)


@pytest.mark.parametrize("row", CHANGES, ids=lambda row: row.name)
def test_form_from_elsewhere_changes_nothing(world: World, row: Row) -> None:
    """No token, a wrong one, the right one with a foreign Origin: refused. The right one: done."""
    who = caller(world.own, may(row), enforce_csrf_checks=True)
    token = token_of(who.client)
    sent, path = row.sent(world) or {}, row.path(world)
    assert who.ask("POST", path, sent).status_code == 403
    for bad in BAD_TOKENS:
        assert who.ask("POST", path, {**sent, "csrfmiddlewaretoken": bad}).status_code == 403
    for origin in ("https://evil.example", "null", "http://testserver.evil.example", "http://testserver:81"):
        refused = who.ask("POST", path, {**sent, "csrfmiddlewaretoken": token}, Origin=origin)
        assert (refused.status_code, "CSRF" in refused.content.decode()) == (403, True), origin
    assert not AssessmentReview.objects.filter(assessment=world.assessment).exists()
    world.quarantine.refresh_from_db()
    assert world.quarantine.state == "OPEN"
    done = who.ask("POST", path, {**sent, "csrfmiddlewaretoken": token}, Origin="http://testserver")
    assert done.status_code == row.own


@pytest.mark.parametrize("row", SESSION_CHANGES, ids=lambda row: row.name)
def test_rest_with_a_browser_session_needs_its_csrf_token(world: World, row: Row) -> None:
    who = caller(world.own, "clinician", enforce_csrf_checks=True)
    token, path = token_of(who.client), row.path(world)
    refused = who.ask("POST", path, row.sent(world), row.content_type)
    assert (refused.status_code, refused.json()["code"]) == (403, "CSRF")
    assert who.ask("POST", path, row.sent(world), row.content_type, **{"X-CSRFToken": token}).status_code == row.own


def test_session_never_opens_dicomweb(world: World) -> None:
    for role in ("clinician", "administrator"):
        response = caller(world.own, role).ask(
            "POST", "/dicom-web/studies", stow_body(ct(5)), 'multipart/related; type="application/dicom"; boundary=b'
        )
        assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")


def test_signing_in_gives_another_session_and_another_csrf_token(hospital: Hospital) -> None:
    client = Client()
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    client.get("/sign-in/")
    before = client.cookies["csrftoken"].value
    assert attempt(client=client).status_code == 303
    after = client.cookies["sessionid"].value
    assert after != planted
    assert client.cookies["csrftoken"].value != before
    assert not Session.objects.filter(session_key=planted).exists()
    attacker = Client()
    attacker.cookies["sessionid"] = planted
    assert attacker.get("/patients/").status_code == 302


def test_signing_in_as_somebody_else_keeps_nothing_of_the_first(hospital: Hospital, other_hospital: Hospital) -> None:
    client = Client()
    attempt(client=client)
    session = client.session
    session["remembered"] = "of the first"
    session.save()
    first = client.cookies["sessionid"].value
    attempt("auditor.lakeside", client=client)
    assert "remembered" not in client.session
    assert not Session.objects.filter(session_key=first).exists()


def test_signing_out_kills_the_session_also_for_who_copied_it(hospital: Hospital) -> None:
    client = Client()
    attempt(client=client)
    copied = client.cookies["sessionid"].value
    client.post("/sign-out/")
    thief = Client()
    thief.cookies["sessionid"] = copied
    assert thief.get("/patients/").status_code == 302
    assert thief.get("/api/v1/patients").status_code == 401
    assert not Session.objects.filter(session_key=copied).exists()


@pytest.mark.parametrize("change", ["closed", "demonstration", "password"])
def test_running_session_ends_when_the_account_does(hospital: Hospital, settings: Settings, change: str) -> None:
    client = Client()
    attempt(client=client)
    assert client.get("/patients/").status_code == 200
    user = hospital.clinician
    if change == "closed":
        user.is_active = False
    elif change == "demonstration":
        user.is_demonstration = True
    else:
        user.set_password("another-password-for-tests")
    user.save()
    assert client.get("/patients/").status_code == 302
    assert client.get("/api/v1/patients").status_code == 401


def test_session_of_another_key_or_of_nobody_opens_nothing(hospital: Hospital) -> None:
    for key in ("a" * 32, "../../etc/passwd", "' OR 1=1 --", "x" * 5000, "\x00"):
        client = Client()
        client.cookies["sessionid"] = key
        assert client.get("/patients/").status_code == 302


def test_closed_and_demonstration_accounts_are_refused_in_the_same_words(
    hospital: Hospital, settings: Settings
) -> None:
    hospital.auditor.is_active = False
    hospital.auditor.save()
    hospital.administrator.is_demonstration = True
    hospital.administrator.save()
    tried = {
        "clinician.north": "wrong-password",
        "nobody.at.all": PASSWORD,
        "auditor.north": PASSWORD,
        "administrator.north": PASSWORD,
        "": "",
    }
    answers = set()
    for name, password in tried.items():
        response = attempt(name, password)
        page = CHANGING.sub("", response.content.decode().replace(f'value="{name}"', 'value=""'))
        answers.add((response.status_code, page))
        assert "sessionid" not in response.cookies
    assert len(answers) == 1
    assert next(iter(answers))[0] == 422
    settings.DEMONSTRATION = True
    assert attempt("administrator.north").status_code == 303


@pytest.mark.parametrize("spoiled", ["expired", "revoked", "demonstration"])
def test_spent_token_opens_no_interface(hospital: Hospital, settings: Settings, spoiled: str) -> None:
    system = caller(hospital, "client")
    assert system.ask("GET", "/api/v1/patients").status_code == 200
    changed: dict[str, Any] = {
        "expired": {"expires_at": timezone.now()},
        "revoked": {"revoked_at": timezone.now() - timedelta(seconds=1)},
        "demonstration": {"is_demonstration": True},
    }[spoiled]
    ApiClient.objects.filter(id=hospital.client.id).update(**changed)
    refused = system.ask("GET", "/api/v1/patients")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")
    stow = system.ask("POST", "/dicom-web/studies", b"", 'multipart/related; type="application/dicom"; boundary=b')
    assert (stow.status_code, stow["WWW-Authenticate"]) == (401, "Bearer")
    if spoiled == "demonstration":
        settings.DEMONSTRATION = True
        assert system.ask("GET", "/api/v1/patients").status_code == 200


def test_token_opens_nothing_but_as_a_bearer_header(hospital: Hospital) -> None:
    token = hospital.token
    for name in ("token", "access_token", "api_key", "Authorization"):
        for path in ("/api/v1/patients", "/dicom-web/studies", "/api/v1/studies"):
            assert Client().get(f"{path}?{name}={token}").status_code in {401, 405}
            assert Client().post(path, {name: token}).status_code == 401
    for header in ("Token", "Basic", "Digest", "bearer\t"):
        assert Client().get("/api/v1/patients", headers={"Authorization": f"{header} {token}"}).status_code == 401
    for mangled in (token[:-1], token + "x", token.upper(), f"{token},{token}", "", "\x00", "é", "x" * 100_000):
        assert Client().get("/api/v1/patients", headers={"Authorization": f"Bearer {mangled}"}).status_code == 401
    client = Client()
    client.cookies["token"] = client.cookies["sessionid"] = token
    assert client.get("/api/v1/patients").status_code == 401


ELSEWHERE = [
    "https://evil.example/", "http://evil.example", "//evil.example", "///evil.example", "////evil.example",
    "/\\evil.example", "\\\\evil.example", "http:///evil.example", "https:evil.example", "javascript:alert(1)",
    "data:text/html,x", " //evil.example", "\t//evil.example", "//evil.example@testserver/", "/\t/evil.example",
    "http://testserver@evil.example/", "http://testserver.evil.example/", "//testserver:80@evil.example",
]  # fmt: skip


@pytest.mark.parametrize("goal", ELSEWHERE)
def test_sign_in_leads_to_no_other_host(hospital: Hospital, goal: str) -> None:
    for method in ("posted", "in the address", "signed in already"):
        client = Client()
        if method == "posted":
            response = client.post("/sign-in/", {"username": "clinician.north", "password": PASSWORD, "next": goal})
        else:
            response = client.post(f"/sign-in/?{_query(goal)}", {"username": "clinician.north", "password": PASSWORD})
        if method == "signed in already":
            response = client.get(f"/sign-in/?{_query(goal)}")
        assert response.status_code == 303
        assert response["Location"] in {"/", "/%09/evil.example"}, method


@pytest.mark.parametrize(
    "goal", ["/patients/\r\nSet-Cookie: a=b", "/patients/\n", "/x\x00", "/patients/?q=Müller", "/山田"]
)
def test_odd_address_to_return_to_is_quoted_or_dropped(hospital: Hospital, goal: str) -> None:
    """Header injection, and that a link with a name in it does not break signing in."""
    client = Client(raise_request_exception=False)
    response = client.post("/sign-in/", {"username": "clinician.north", "password": PASSWORD, "next": goal})
    assert response.status_code == 303
    assert response["Location"].isascii()
    assert not response["Location"].startswith("=?")
    assert client.get(f"/sign-in/?{_query(goal)}").status_code == 303
    assert "a" not in client.cookies


def _query(goal: str) -> str:
    return urlencode({"next": goal})


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_method_is_the_one_of_the_request_line(world: World, header: str) -> None:
    system = caller(world.own, "client")
    path = reverse("api-patient", args=[world.patient.id])
    assert system.ask("GET", path, **{header: "DELETE"}).status_code == 200
    assert system.ask("POST", path, {"_method": "GET"}, **{header: "GET"}).status_code == 405
    assert caller(world.own, "clinician").ask("GET", "/sign-out/?_method=POST", **{header: "POST"}).status_code == 405


def test_trace_echoes_nothing_and_options_names_no_patient(world: World) -> None:
    for who in (caller(world.own, "clinician"), caller(world.own, "client"), caller(None, "anonymous")):
        for path in ("/", f"/patients/{world.patient.id}/", f"/api/v1/patients/{world.patient.id}"):
            echoed = who.ask("TRACE", path, **{"X-Secret": "Zebrafink"})
            assert echoed.status_code in {401, 403, 405}
            assert b"Zebrafink" not in echoed.content
            assert b"Quetzal" not in who.ask("OPTIONS", path).content


def test_eleventh_password_is_not_looked_at_for_a_while(hospital: Hospital) -> None:
    for _ in range(attempts.MOST_ATTEMPTS):
        assert attempt(password="wrong").status_code == 422
    refused = attempt()
    assert refused.status_code == 429
    assert refused["Retry-After"] == str(attempts.WINDOW_SECONDS)
    page = refused.content.decode()
    assert "TOO_MANY_ATTEMPTS" in page
    assert "until 5 minutes after the first" in page
    assert "sessionid" not in refused.cookies
    assert attempt("auditor.north").status_code == 303
    assert attempt(REMOTE_ADDR="192.0.2.7").status_code == 303


def test_attempts_for_unknown_names_are_counted_in_the_same_way(hospital: Hospital) -> None:
    statuses = [attempt("nobody.at.all", "x").status_code for _ in range(attempts.MOST_ATTEMPTS + 1)]
    assert statuses == [422] * attempts.MOST_ATTEMPTS + [429]


def test_signing_in_forgets_the_attempts_before(hospital: Hospital) -> None:
    for _ in range(3):
        for _ in range(attempts.MOST_ATTEMPTS - 1):
            assert attempt(password="wrong").status_code == 422
        assert attempt().status_code == 303


def test_pause_ends_by_itself(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "WINDOW_SECONDS", 1)
    statuses = [attempt(password="wrong").status_code for _ in range(attempts.MOST_ATTEMPTS)]
    assert statuses == [422] * attempts.MOST_ATTEMPTS
    time.sleep(1.3)
    assert attempt().status_code == 303


def test_address_a_client_claims_is_believed_only_from_the_proxy(hospital: Hospital, settings: Settings) -> None:
    def claimed(address: str) -> int:
        return int(attempt(password="wrong", headers={"X-Forwarded-For": address}).status_code)

    assert [claimed(f"198.51.100.{n}") for n in range(11)].count(429) == 1
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert [claimed(f"spoofed-{n}, 203.0.113.9") for n in range(11)].count(429) == 1
    assert claimed("203.0.113.10") == 422


def test_people_can_sign_in_while_the_cache_is_away(hospital: Hospital, settings: Settings, caplog: Any) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/valkey.sock"}}
    assert attempt(password="wrong").status_code == 422
    assert attempt().status_code == 303
    assert "attempts to sign in are not counted" in caplog.text
    assert "clinician.north" not in caplog.text


def test_very_long_address_leads_to_sign_in_and_not_back(db: None) -> None:
    response = Client().get("/patients/?q=" + "a" * 3000)
    assert (response.status_code, response["Location"]) == (302, "/sign-in/")


def test_page_for_a_signed_out_person_keeps_no_more_than_the_way_back(world: World) -> None:
    anonymous: Caller = caller(None, "anonymous")
    response = anonymous.ask("GET", f"/patients/{world.patient.id}/?tab=1")
    assert response["Location"] == f"/sign-in/?next=%2Fpatients%2F{world.patient.id}%2F%3Ftab%3D1"
    posted = anonymous.ask("POST", reverse("review", args=[world.assessment.id]), {"comment": "Zebrafink"})
    assert posted["Location"] == "/sign-in/?ended=1"
