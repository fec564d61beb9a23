"""The audit log: one way in, no way to edit, and a verifier that notices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from cdss.accounts.actors import system_actor
from cdss.audit import verifier
from cdss.audit.canonical import NotCanonicalError, canonical_json
from cdss.audit.models import AuditEntry
from cdss.audit.services import audit_append
from cdss.audit.verifier import Link, chain_verify, links_verify
from cdss.embedded.urls import ServiceUrls


def append(count: int) -> None:
    for number in range(count):
        audit_append(actor=system_actor("test"), action="audit.viewed", subject_type="test", subject_id=number)


@pytest.mark.django_db
def test_entries_are_numbered_without_gaps_and_verify() -> None:
    before = AuditEntry.objects.count()
    append(5)
    assert list(AuditEntry.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, before + 6))
    assert chain_verify().is_intact
    assert chain_verify().entry_count == before + 5


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditentry SET body = '{}'",
        "DELETE FROM audit_auditentry",
        "TRUNCATE audit_auditentry",
        "INSERT INTO audit_auditentry VALUES (9, now(), NULL, 'x', NULL, '{}', '', '')",
        "UPDATE audit_audithead SET seq = 0",
        "ALTER TABLE audit_auditentry DISABLE TRIGGER ALL",
        "DROP TABLE audit_auditentry",
        "CREATE TABLE anything (id int)",
        "SET ROLE cdss_owner",
    ],
)
def test_application_role_cannot_edit_the_log(statement: str) -> None:
    append(1)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert chain_verify().is_intact


@pytest.mark.django_db(transaction=True)
def test_an_edit_by_the_owner_of_the_table_is_refused_and_behind_a_disabled_trigger_is_noticed(
    services: ServiceUrls,
) -> None:
    append(4)
    with psycopg.connect(services.database_owner_url, autocommit=True) as owner:
        with pytest.raises(psycopg.Error, match="append-only"):
            owner.execute("UPDATE audit_auditentry SET action = 'other.done' WHERE seq = 2")
        owner.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER audit_auditentry_no_change")
        owner.execute("UPDATE audit_auditentry SET body = replace(body, 'success', 'failure') WHERE seq = 2")
        owner.execute("ALTER TABLE audit_auditentry ENABLE ALWAYS TRIGGER audit_auditentry_no_change")
    result = chain_verify()
    assert (result.is_intact, result.broken_at_seq) == (False, 2)
    with pytest.raises(SystemExit, match="1"):
        call_command("verify_audit_log")


@pytest.mark.django_db(transaction=True)
def test_a_cut_off_end_is_noticed(services: ServiceUrls) -> None:
    append(3)
    with psycopg.connect(services.database_owner_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER audit_auditentry_no_change")
        owner.execute("DELETE FROM audit_auditentry WHERE seq = 3")
        owner.execute("ALTER TABLE audit_auditentry ENABLE ALWAYS TRIGGER audit_auditentry_no_change")
    assert "cut off" in chain_verify().sentence


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seq", [2, 3])
def test_a_head_that_is_not_the_hash_of_its_entry_is_noticed(services: ServiceUrls, seq: int) -> None:
    append(3)
    with psycopg.connect(services.database_owner_url, autocommit=True) as owner:
        owner.execute("UPDATE audit_audithead SET seq = %s, hash = sha256('other')", [seq])
    result = chain_verify()
    assert (result.is_intact, result.broken_at_seq, result.entry_count) == (False, seq, 3)
    assert f"does not carry the hash of entry {seq}" in result.sentence


@pytest.mark.django_db(transaction=True)
def test_a_log_without_entries_has_the_head_it_began_with(services: ServiceUrls) -> None:
    assert chain_verify().is_intact
    with psycopg.connect(services.database_owner_url, autocommit=True) as owner:
        owner.execute("UPDATE audit_audithead SET hash = sha256('other')")
    assert not chain_verify().is_intact


@pytest.mark.django_db(transaction=True)
def test_entries_appended_while_the_log_is_verified_do_not_disturb_it(monkeypatch: pytest.MonkeyPatch) -> None:
    append(3)
    stored = verifier._stored_links

    def slowly() -> Iterator[Link]:
        for number, link in enumerate(stored()):
            if number == 0:
                append(2)
            yield link

    monkeypatch.setattr(verifier, "BATCH", 2)
    monkeypatch.setattr(verifier, "_stored_links", slowly)
    result = chain_verify()
    assert (result.is_intact, result.entry_count) == (True, 5)


GOOD = {
    "version": 1,
    "action": "audit.viewed",
    "actor": {"kind": "SYSTEM", "id": "test", "name": "test"},
    "organisation": None,
    "subject": {"type": "test", "id": "1"},
    "patient": None,
    "request_id": None,
    "outcome": "success",
    "details": {},
}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"organisation": ...},
        {"details": ...},
        {"details": []},
        {"actor": {"kind": "USER"}},
        {"actor": {"kind": "USER", "id": "1", "name": 7}},
        {"subject": "patient"},
        {"version": 2},
        {"action": None},
        {"patient": 5},
        {"more": "keys"},
    ],
)
def test_the_application_role_cannot_write_what_a_reader_would_stumble_over(change: dict[str, object]) -> None:
    def write(body: dict[str, object]) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT audit_append(%s)", [json.dumps(body)])

    write(GOOD)
    before = AuditEntry.objects.count()
    with pytest.raises(DatabaseError):
        write({name: value for name, value in (GOOD | change).items() if value is not ...})
    assert AuditEntry.objects.count() == before
    assert chain_verify().is_intact


@pytest.mark.parametrize("body", ["", "[]", "{}", "nothing", '{"action": "audit.viewed"}'])
def test_an_entry_without_the_form_is_a_broken_one_and_no_error(body: str) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    link_hash = verifier.link_hash(prev_hash=verifier.GENESIS, seq=1, recorded_at=at, body=body)
    result = links_verify([Link(1, at, body, verifier.GENESIS, link_hash, "audit.viewed", None, None)])
    assert (result.is_intact, result.broken_at_seq) == (False, 1)
    assert result.sentence == "Entry 1 is not of the form that every entry of this log has."


@pytest.mark.django_db
def test_an_unregistered_action_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="not a registered"):
        audit_append(actor=system_actor("test"), action="secret.done", subject_type="test", subject_id=1)


@pytest.mark.django_db(transaction=True)
def test_any_single_change_to_a_chain_is_detected() -> None:
    append(6)
    stored = [
        Link(e.seq, e.recorded_at, e.body, bytes(e.prev_hash), bytes(e.hash), e.action, None, None)
        for e in AuditEntry.objects.order_by("seq")
    ]
    assert links_verify(stored).is_intact

    @given(
        st.integers(0, 5), st.sampled_from(["body", "hash", "prev_hash", "drop", "swap", "double", "action"]), st.data()
    )
    def check(index: int, how: str, data: st.DataObject) -> None:
        links = list(stored)
        link = links[index]
        if how == "drop":
            if index == 5:
                return  # a cut-off end is the head's business
            del links[index]
        elif how == "double":
            links.insert(index, link)
        elif how == "swap":
            other = data.draw(st.integers(0, 5).filter(lambda n: n != index))
            links[index], links[other] = links[other], links[index]
        else:
            value = getattr(link, how)
            position = data.draw(st.integers(0, len(value) - 1))
            if isinstance(value, bytes):
                flipped = bytes([value[position] ^ (1 << data.draw(st.integers(0, 7)))])
                changed = value[:position] + flipped + value[position + 1 :]
            else:
                letter = data.draw(st.sampled_from("abc{}0").filter(lambda text: text != value[position]))
                changed = value[:position] + letter + value[position + 1 :]
            fields = {name: getattr(link, name) for name in Link.__slots__}
            links[index] = Link(**{**fields, how: changed})
        assert not links_verify(links).is_intact

    check()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON_VALUES)
def test_canonical_json_has_one_text_per_value(value: object) -> None:
    import json

    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text


def test_canonical_json_refuses_numbers_with_a_fraction() -> None:
    with pytest.raises(NotCanonicalError):
        canonical_json({"risk": 0.1})
