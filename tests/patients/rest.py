"""Asking the REST interface as a hospital system, or as a person's browser, would."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from cdss.accounts.services import api_client_create
from cdss.audit.models import AuditEntry
from tests.factories import Hospital

V1 = "/api/v1"


class Api:
    """One caller: a token, a signed-in user, or nobody."""

    def __init__(self, *, token: str | None = None, user: Any = None) -> None:
        self.client = Client(raise_request_exception=True)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        if user is not None:
            self.client.force_login(user)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(V1 + path, query, headers=self.headers)

    def pages(self, path: str, **query: Any) -> list[list[dict[str, Any]]]:
        """Every page of a list, by following its cursors."""
        pages, cursor = [], None
        while cursor or not pages:
            body = self.get(path, **query, **({"cursor": cursor} if cursor else {})).json()
            pages.append(body["items"])
            cursor = body["next_cursor"]
            assert len(pages) < 20, "the cursors go round in circles"
        return pages

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        text = body if isinstance(body, str | bytes) else json.dumps(body if body is not None else {})
        wanted = {**self.headers, **headers, **({"Idempotency-Key": key} if key else {})}
        return self.client.post(V1 + path, text, content_type="application/json", headers=wanted)


def token_of(at: Hospital, *scopes: str) -> str:
    """A token with these scopes only."""
    return api_client_create(organisation=at.organisation, name="-".join(scopes) or "none", scopes=scopes)[1]


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("seq").values_list("action", flat=True))


def details(action: str) -> list[dict[str, Any]]:
    entries = AuditEntry.objects.filter(action=action).order_by("seq")
    return [json.loads(entry.body)["details"] for entry in entries]


def assert_problem(response: Any, status: int, code: str | None = None) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["detail"]
    assert body["request_id"] == response["X-Request-Id"]
    if code is not None:
        assert body["code"] == code
    return body
