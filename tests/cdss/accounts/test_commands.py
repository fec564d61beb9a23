"""Organisations, people and clients from the command line: made once, audited, and refused with a sentence."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from cdss.accounts.models import ApiClient, Organisation, User
from cdss.audit.models import AuditEntry

pytestmark = pytest.mark.django_db


def organisation() -> Organisation:
    options = {"name": "South Hospital", "time_zone": "Europe/Vienna", "region": "EUROPE", "stdout": io.StringIO()}
    call_command("create_organisation", "south", **options)
    return Organisation.objects.get(slug="south")


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("seq").values_list("action", flat=True))


def test_a_client_made_on_the_command_line_opens_the_api() -> None:
    organisation()
    out = io.StringIO()
    call_command("create_api_client", "lab", organisation="south", scopes="patients.read", stdout=out)
    token = out.getvalue().strip()
    answer = Client().get("/api/v1/patients", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert ApiClient.objects.get().expires_at is not None
    assert actions()[:2] == ["organisation.created", "api_client.created"]
    assert token not in "".join(AuditEntry.objects.values_list("body", flat=True))


def test_a_user_made_on_the_command_line_can_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    organisation()
    monkeypatch.setattr("sys.stdin", io.StringIO("a-long-enough-passphrase\n"))
    call_command(
        "create_user", "anna", "--organisation", "south", "--role", "CLINICIAN", "--full-name", "Anna Test",
        "--password-stdin", stdout=io.StringIO(),
    )  # fmt: skip
    assert Client().login(username="anna", password="a-long-enough-passphrase")
    assert "user.created" in actions()


@pytest.mark.parametrize("flags", [[], ["--may-see-genetics"]])
def test_genetics_are_seen_by_whom_the_command_names(monkeypatch: pytest.MonkeyPatch, flags: list[str]) -> None:
    organisation()
    monkeypatch.setattr("sys.stdin", io.StringIO("a-long-enough-passphrase\n"))
    call_command(
        "create_user", "anna", "--organisation", "south", "--role", "CLINICIAN", "--full-name", "Anna Test",
        "--password-stdin", *flags, stdout=io.StringIO(),
    )  # fmt: skip
    assert User.objects.get(username="anna").may_see_genetics is bool(flags)


def test_a_short_password_is_refused_and_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    organisation()
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    with pytest.raises(CommandError, match="12"):
        call_command(
            "create_user", "anna", "--organisation", "south", "--role", "AUDITOR", "--full-name", "A",
            "--password-stdin",
        )  # fmt: skip
    assert not User.objects.exists()


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["create_organisation", "south", "--name", "Other", "--time-zone", "Europe/Vienna", "--region", "US"], "already"),
    (["create_organisation", "east", "--name", "East", "--time-zone", "Mars/Olympus", "--region", "US"], "IANA"),
    (["create_api_client", "x", "--organisation", "south", "--scopes", "audit.read"], "Not scopes"),
    (["create_api_client", "x", "--organisation", "nowhere"], "no organisation"),
])  # fmt: skip
def test_what_cannot_be_made_is_a_sentence(arguments: list[str], sentence: str) -> None:
    organisation()
    with pytest.raises(CommandError, match=sentence):
        call_command(*arguments)
    assert Organisation.objects.count() == 1
