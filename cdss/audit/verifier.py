"""Proving that nobody edited the log: every hash recomputed outside the database, every copy compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cdss.audit.models import AuditEntry, AuditHead

DOMAIN = b"cdss.audit.v1\n"
GENESIS = bytes(32)
BATCH = 5_000
COPIED = ("action", "organisation", "patient")  # out of the body, into columns to search by


@dataclass(frozen=True, slots=True)
class ChainVerification:
    is_intact: bool
    entry_count: int
    head_hash: str
    broken_at_seq: int | None = None
    sentence: str = "Every entry is as it was written."


@dataclass(frozen=True, slots=True)
class Link:
    """One entry as it is hashed, with the searchable copies that must agree with its body."""

    seq: int
    recorded_at: datetime
    body: str
    prev_hash: bytes
    hash: bytes
    action: str
    organisation: str | None
    patient: str | None


def link_hash(*, prev_hash: bytes, seq: int, recorded_at: datetime, body: str) -> bytes:
    """SHA-256 over domain, previous hash, number, time in microseconds and the canonical body."""
    whole = int(recorded_at.timestamp()) * 1_000_000 + recorded_at.microsecond
    numbers = seq.to_bytes(8, "big", signed=True) + whole.to_bytes(8, "big", signed=True)
    return hashlib.sha256(DOMAIN + prev_hash + numbers + body.encode()).digest()


def links_verify(links: Iterable[Link]) -> ChainVerification:
    """Walk the chain from its first entry; the first thing that does not fit is named."""
    expected_seq, previous = 1, GENESIS
    for link in links:
        problem = _problem(link, expected_seq, previous)
        if problem:
            return ChainVerification(False, expected_seq - 1, previous.hex(), expected_seq, problem)
        previous = link.hash
        expected_seq += 1
    return ChainVerification(True, expected_seq - 1, previous.hex())


def _problem(link: Link, expected_seq: int, previous: bytes) -> str | None:
    if link.seq != expected_seq:
        return f"Entry {expected_seq} is missing; entry {link.seq} stands in its place."
    if link.prev_hash != previous:
        return f"Entry {link.seq} does not follow from the entry before it."
    if link_hash(prev_hash=previous, seq=link.seq, recorded_at=link.recorded_at, body=link.body) != link.hash:
        return f"Entry {link.seq} was changed after it was written."
    parsed = _parsed(link.body)
    if parsed is None:
        return f"Entry {link.seq} is not of the form that every entry of this log has."
    if tuple(parsed[name] for name in COPIED) != (link.action, link.organisation, link.patient):
        return f"The searchable columns of entry {link.seq} do not say what the entry says."
    return None


def _parsed(body: str) -> dict[str, Any] | None:
    try:
        parsed = json.loads(body)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) and parsed.keys() >= set(COPIED) else None


def chain_verify() -> ChainVerification:
    """Verify the whole log in the database, and that its head is the entry it names."""
    # The head is read first: entries appended while we walk are beyond it and are verified too.
    head = AuditHead.objects.get(id=1)
    result = links_verify(_stored_links())
    if result.is_intact and result.entry_count < head.seq:
        sentence = f"The log should have at least {head.seq} entries and has {result.entry_count}: its end was cut off."
        return ChainVerification(False, result.entry_count, result.head_hash, result.entry_count + 1, sentence)
    if result.is_intact and _hash_at(head.seq) != bytes(head.hash):
        sentence = f"The log's head does not carry the hash of entry {head.seq}, which it names."
        return ChainVerification(False, result.entry_count, result.head_hash, head.seq, sentence)
    return result


def _hash_at(seq: int) -> bytes:
    return bytes(AuditEntry.objects.get(seq=seq).hash) if seq else GENESIS


def _stored_links() -> Iterator[Link]:
    last = 0
    while batch := list(AuditEntry.objects.filter(seq__gt=last).order_by("seq")[:BATCH]):
        for entry in batch:
            yield Link(
                seq=entry.seq,
                recorded_at=entry.recorded_at,
                body=entry.body,
                prev_hash=bytes(entry.prev_hash),
                hash=bytes(entry.hash),
                action=entry.action,
                organisation=str(entry.organisation_id) if entry.organisation_id else None,
                patient=str(entry.patient_id) if entry.patient_id else None,
            )
        last = batch[-1].seq
