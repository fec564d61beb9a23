"""A row and what it points to belong to one organisation: composite foreign keys, made by migrations.

Django has no composite foreign keys, so they stand beside its own ones, as append-only triggers do.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

_KEY_SQL = "ALTER TABLE {table} ADD CONSTRAINT {table}_organisation_key UNIQUE (id, organisation_id);"
_KEY_REVERSE_SQL = "ALTER TABLE {table} DROP CONSTRAINT {table}_organisation_key;"

# Deferred like Django's own: the parent is locked at commit, not while the transaction still wants more locks.
# A NULL column points to nothing, and nothing is checked.
_REFERENCE_SQL = """
ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_organisation FOREIGN KEY ({column}, organisation_id)
REFERENCES {parent} (id, organisation_id) DEFERRABLE INITIALLY DEFERRED;
"""
_REFERENCE_REVERSE_SQL = "ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_organisation;"


class OrganisationKey(migrations.RunSQL):
    """Let other tables point to a row of this one together with its organisation."""

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(_KEY_SQL.format(table=table), _KEY_REVERSE_SQL.format(table=table))

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        return (self.__class__.__qualname__, (self.table,), {})


class SameOrganisation(migrations.RunSQL):
    """Refuse a row whose organisation is not that of the row its column points to; the parent has its key."""

    def __init__(self, table: str, column: str, parent: str) -> None:
        self.arguments = (table, column, parent)
        names = {"table": table, "column": column, "parent": parent}
        super().__init__(_REFERENCE_SQL.format(**names), _REFERENCE_REVERSE_SQL.format(**names))

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        return (self.__class__.__qualname__, self.arguments, {})
