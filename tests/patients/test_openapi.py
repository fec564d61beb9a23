"""The description of the interface is complete, and the interface does what its description says."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from tests.patients.test_access import OPERATIONS

PROBLEM = "application/problem+json"


@pytest.fixture
def described(db: None) -> dict[str, Any]:
    response = Client().get("/api/schema/")
    assert response.status_code == 200
    document: dict[str, Any] = yaml.safe_load(response.content)
    return document


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/v1/")
    ]


def test_schema_is_valid_and_without_warnings(db: None, tmp_path: Any) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yaml"))


def test_every_operation_is_described_and_every_described_one_has_an_access_test(described: dict[str, Any]) -> None:
    assert len(_operations(described)) == len(OPERATIONS)


def test_every_operation_has_summary_tag_answer_and_its_problems(described: dict[str, Any]) -> None:
    for method, path, operation in _operations(described):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["tags"], where
        responses = operation["responses"]
        assert [status for status in responses if status.startswith("2")], where
        wanted = {"400", "401", "403", "503"} | ({"404"} if "{" in path else set())
        if "requestBody" in operation:
            wanted |= {"413", "415"}
            assert set(operation["requestBody"]["content"]) == {"application/json"}, where
        assert wanted <= set(responses), where
        for status, answer in responses.items():
            expected = PROBLEM if status.startswith(("4", "5")) else "application/json"
            assert set(answer["content"]) == {expected}, f"{where} {status}"


def test_every_post_that_creates_takes_an_idempotency_key(described: dict[str, Any]) -> None:
    without = {
        path.rsplit("/", 1)[1]
        for method, path, operation in _operations(described)
        if method == "POST" and "Idempotency-Key" not in {item["name"] for item in operation.get("parameters", [])}
    }
    assert without == {"close", "reassess"}  # the two that are the same act however often they are asked for
