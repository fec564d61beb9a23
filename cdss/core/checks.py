"""Conditions of check constraints that several apps' models use."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import Exact


def is_sha256(field: str) -> Exact[int]:
    """A SHA-256 kept as its 32 bytes; `max_length` of a binary column is known to Django only."""
    return Exact(Length(field), 32)


def is_sha256_text(field: str) -> models.Q:
    """A SHA-256 kept as text, as `hexdigest` writes it."""
    return models.Q((f"{field}__regex", "^[0-9a-f]{64}$"))


def is_not_empty(*fields: str) -> models.Q:
    return models.Q(*(~models.Q((field, "")) for field in fields))
