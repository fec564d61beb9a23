"""Every URL by every method asked by everybody: who may, and that nobody else learns one word of another hospital's."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.urls import reverse

from cdss.audit.models import AuditEntry
from tests.factories import PASSWORD
from tests.security.matrix import METHODS, OPEN, ROWS, WHERE, Row, patterns
from tests.security.world import CLINICAL, IDENTIFYING, INSTITUTIONAL, PNG, ROLES, Caller, World, caller

pytestmark = pytest.mark.django_db


def ask(world: World, row: Row, who: Caller, method: str = "") -> Any:
    """One request whose effects are taken back, so that every row meets the same world."""
    cookies = who.client.cookies.copy()
    with transaction.atomic():
        response = who.ask(method or row.method, row.path(world), row.sent(world), row.content_type)
        response.body = response.getvalue() if response.streaming else response.content
        transaction.set_rollback(True)
    who.client.cookies = cookies
    return response


def leaks(world: World, response: Any, asked: str) -> list[str]:
    """Everything of the first hospital that stands in the answer, except what the question itself already named."""
    text = response.body.decode("utf-8", "replace") + "\n".join(f"{k}: {v}" for k, v in response.headers.items())
    words = (*IDENTIFYING, *CLINICAL, *INSTITUTIONAL, *world.numbers, *world.identifiers, "Kanarienpixel")
    return [word for word in words if word.lower() in text.lower() and word not in asked]


def test_every_address_stands_in_the_matrix() -> None:
    named = {pattern.name for pattern in patterns() if pattern.name}
    assert named == {row.name for row in ROWS}


def test_only_one_address_has_no_name_and_nothing_is_there(world: World) -> None:
    unnamed = [str(pattern.pattern) for pattern in patterns() if not pattern.name]
    assert unnamed == [""]  # what is left under api/v1/
    for who in (caller(None, "anonymous"), caller(world.own, "client"), caller(world.own, "clinician")):
        for method in METHODS:
            assert who.ask(method, "/api/v1/nothing-here").status_code == 404


@pytest.mark.parametrize("role", ["anonymous", *ROLES])
def test_own_hospital_is_open_to_exactly_those_who_may(world: World, role: str) -> None:
    who = caller(None if role == "anonymous" else world.own, role)
    wrong = []
    for row in ROWS:
        response = ask(world, row, who)
        expected = row.expected(who, is_own=True)
        if response.status_code != expected:
            wrong.append((row.name, row.method, row.path(world), response.status_code, expected))
        is_refused = role == "anonymous" or role not in row.may
        if is_refused and (found := leaks(world, response, row.path(world) + ".north" * (row.name == "sign-in"))):
            # The head of a page says who is signed in, and where.
            wrong += [(row.name, word) for word in found if role == "anonymous" or word not in INSTITUTIONAL]
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_another_hospital_sees_no_word_and_changes_nothing(world: World, role: str) -> None:
    who = caller(world.other, role)
    before = fingerprint(world)
    wrong: list[Any] = []
    for row in ROWS:
        response = ask(world, row, who)
        expected = row.expected(who, is_own=False)
        if response.status_code != expected:
            wrong.append((row.name, row.method, row.path(world), response.status_code, expected))
        asked = row.path(world) + str(row.sent(world))
        wrong += [(row.name, row.path(world), word) for word in leaks(world, response, asked) if row.door != "DICOMWEB"]
        assert fingerprint(world) == before
    assert wrong == []


def fingerprint(world: World) -> list[Any]:
    """What of the first hospital a stranger's request could change."""
    world.patient.refresh_from_db()
    own = world.own.organisation
    counts = [manager.filter(organisation=own).count() for manager in _managers()]
    entry, apart = world.patient.worklist_entry, world.quarantine
    entry.refresh_from_db()
    apart.refresh_from_db()
    return [counts, world.patient.family_name, entry.state, entry.assessment_id, apart.state]


def _managers() -> list[Any]:
    return [model.objects for model in apps.get_models() if any(f.name == "organisation" for f in model._meta.fields)]


def test_the_canaries_are_there_to_be_found(world: World) -> None:
    """Without this the silence above proves nothing: everyone who may read does find the words."""
    clinician, administrator = caller(world.own, "clinician"), caller(world.own, "administrator")
    seen = b"".join(
        ask(world, row, who).body
        for row in ROWS
        for who in (clinician, administrator)
        if row.method == "GET" and who.role in row.may
    )
    expected = ("Quetzalcoatlus", "Brunhildegard", "MRN-7749-ZX", "1961-07-19", "19 July 1961", "Pachycephalo")
    written_on_decision = {CLINICAL[4]}
    for word in (*expected, *(set(CLINICAL) - written_on_decision), *world.identifiers[:5], "North Hospital"):
        assert word.encode() in seen, word
    assert PNG in seen
    assert len(world.numbers) > 2


@pytest.mark.parametrize("role", ["anonymous", *ROLES])
def test_method_without_a_row_is_refused_by_every_address(world: World, role: str) -> None:
    """HEAD is GET without its body; OPTIONS tells the methods to who may know; nothing else does anything."""
    who = caller(None if role == "anonymous" else world.own, role)
    allowed = {(row.name, row.method) for row in ROWS}
    wrong = []
    before = fingerprint(world)
    for name, row in WHERE.items():
        for method in METHODS:
            if (name, method) in allowed or (method == "HEAD" and (name, "GET") in allowed):
                continue
            with transaction.atomic():
                status = who.ask(method, reverse(name, kwargs=row.of(world))).status_code
                assert fingerprint(world) == before
                transaction.set_rollback(True)
            refused = {405} if row.door == "PAGE" or name in OPEN - {"schema"} else {401, 403, 405}
            if method == "OPTIONS" and (row.door in {"API", "DICOMWEB"} or name == "schema"):
                refused |= {200}
            if status not in refused:
                wrong.append((name, method, status))
    assert wrong == []


@pytest.mark.parametrize("role", ["clinician", "auditor", "client"])
def test_head_is_answered_as_get_without_a_body(world: World, role: str) -> None:
    who = caller(world.own, role)
    for row in ROWS:
        if row.method == "GET":
            got, head = ask(world, row, who), ask(world, row, who, "HEAD")
            assert (head.status_code, head.body) == (got.status_code, b""), row.name


CHANGING = re.compile(rb"[0-9a-f]{8}-[0-9a-f-]{27}|[A-Za-z0-9_-]{64}|[0-9]+(\.[0-9]+){5,}")


@pytest.mark.parametrize("role", ROLES)
def test_foreign_object_looks_exactly_like_one_that_never_was(world: World, role: str) -> None:
    who = caller(world.other, role)
    for row in ROWS:
        if row.foreign != 404:
            continue
        absent = {name: "2.25.1234" if "uid" in name else uuid.uuid4() for name in row.of(world)}
        with transaction.atomic():
            nothing = who.ask(row.method, reverse(row.name, kwargs=absent), row.sent(world), row.content_type)
            transaction.set_rollback(True)
        foreign = ask(world, row, who)
        assert foreign.status_code == nothing.status_code
        assert CHANGING.sub(b"", foreign.body) == CHANGING.sub(b"", nothing.content), row.name
        assert set(foreign.headers) == set(nothing.headers)


def test_foreign_cursor_is_refused_like_one_that_never_was(world: World) -> None:
    who = caller(world.other, "client")
    for name, cursor in (("api-patients", world.patient.id), ("api-assessments", world.assessment.id)):
        foreign, absent = (who.ask("GET", f"{reverse(name)}?cursor={value}").json() for value in (cursor, uuid.uuid4()))
        assert {**foreign, "request_id": ""} == {**absent, "request_id": ""}


def test_refused_and_foreign_requests_write_nothing_about_the_other_hospital(world: World) -> None:
    """What a stranger does is in the stranger's own log, and never in ours."""
    ours = AuditEntry.objects.filter(organisation_id=world.own.organisation.id)
    count = ours.count()
    for role in ROLES:
        who = caller(world.other, role)
        for row in ROWS:
            if row.name not in {"sign-in", "stow", "stow-study"}:
                who.ask(row.method, row.path(world), row.sent(world), row.content_type)
                if row.name == "sign-out":
                    who = caller(world.other, role)
    assert ours.count() == count


def test_no_entry_of_the_log_holds_a_name_or_a_value(world: World) -> None:
    """After everybody has done everything they may, and tried everything they may not."""
    for role in ROLES:
        who = caller(world.own, role)
        for row in ROWS:
            if row.name != "sign-out":
                who.ask(row.method, row.path(world), row.sent(world), row.content_type)
    caller(None, "anonymous").ask("POST", "/sign-in/", {"username": "Quetzalcoatlus", "password": PASSWORD})
    bodies = list(AuditEntry.objects.values_list("body", flat=True))
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"patient.viewed", "quarantine.resolved", "calcium.confirmed", "assessment.overridden"} <= actions
    words = (*IDENTIFYING, *CLINICAL, *world.numbers, world.study.study_instance_uid)
    assert [(word, body) for word in words for body in bodies if word.lower() in body.lower()] == []
