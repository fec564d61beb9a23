"""Every operation of the interface, asked by the wrong caller."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cdss.accounts.models import ApiClient
from cdss.accounts.scopes import ALL, OF_INTEGRATION
from tests.factories import Hospital
from tests.patients.rest import Api, assert_problem, token_of

ID = "00000000-0000-4000-8000-000000000000"
OPERATIONS = [
    ("GET", "/patients", "patients.read"),
    ("POST", "/patients", "patients.write"),
    ("GET", f"/patients/{ID}", "patients.read"),
    *[
        (method, f"/patients/{ID}/{kind}", scope)
        for kind in ("observations", "conditions", "medication-statements")
        for method, scope in (("GET", "patients.read"), ("POST", "patients.write"))
    ],
    ("POST", f"/patients/{ID}/reassess", "patients.write"),
    ("GET", "/studies", "studies.read"),
    ("GET", "/studies/1.2.3", "studies.read"),
    ("POST", "/studies/1.2.3/close", "studies.write"),
    ("GET", "/series/1.2.3", "studies.read"),
    ("POST", "/series/1.2.3/rerun", "studies.write"),  # or an administrator's quarantine.resolve
    ("POST", "/series/1.2.3/calcium-reading", "assessments.review"),
    ("POST", "/series/1.2.3/metal-reading", "assessments.review"),
    ("GET", "/measurements", "studies.read"),
    ("GET", "/assessments", "assessments.read"),
    ("GET", f"/assessments/{ID}", "assessments.read"),
    ("POST", f"/assessments/{ID}/acknowledge", "assessments.review"),
    ("POST", f"/assessments/{ID}/override", "assessments.review"),
    ("GET", f"/jobs/{ID}", "patients.read"),
    ("GET", "/policy", "policy.read"),
]
operations = pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)


def _ask(api: Api, method: str, path: str):
    return api.get(path) if method == "GET" else api.post(path)


@operations
def test_nobody_is_asked_for_a_token(db: None, method: str, path: str, scope: str) -> None:
    response = _ask(Api(), method, path)
    assert_problem(response, 401, "NOT_AUTHENTICATED")
    assert response["WWW-Authenticate"] == "Bearer"


@operations
def test_token_of_every_other_scope_is_refused_naming_the_scope(
    hospital: Hospital, method: str, path: str, scope: str
) -> None:
    assert scope in ALL
    api = Api(token=token_of(hospital, *(OF_INTEGRATION - {scope})))
    assert scope in assert_problem(_ask(api, method, path), 403, "MISSING_SCOPE")["detail"]


@operations
def test_auditor_and_administrator_may_what_their_roles_say(
    hospital: Hospital, method: str, path: str, scope: str
) -> None:
    as_auditor = _ask(Api(user=hospital.auditor), method, path)
    assert (as_auditor.status_code == 403) == (scope != "policy.read")
    as_administrator = _ask(Api(user=hospital.administrator), method, path)
    is_open = scope.endswith(".read") or path.endswith("/rerun")
    assert (as_administrator.status_code == 403) == (not is_open)


@operations
def test_other_method_is_not_allowed_rather_than_forbidden(
    hospital: Hospital, method: str, path: str, scope: str
) -> None:
    api = Api(token=hospital.token)
    response = api.client.delete(f"/api/v1{path}", headers=api.headers)
    assert_problem(response, 405, "METHOD_NOT_ALLOWED")


def test_unknown_revoked_and_expired_tokens_are_refused(hospital: Hospital) -> None:
    assert_problem(Api(token="cdss_unknown").get("/patients"), 401)
    expired, revoked = token_of(hospital, "patients.read"), token_of(hospital, "studies.read")
    ApiClient.objects.filter(name="patients.read").update(expires_at=timezone.now() - timedelta(seconds=1))
    ApiClient.objects.filter(name="studies.read").update(revoked_at=timezone.now())
    assert_problem(Api(token=expired).get("/patients"), 401)
    assert_problem(Api(token=revoked).get("/studies"), 401)
