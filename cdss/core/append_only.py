"""Rows that are written once: the database refuses to change them, whoever asks."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

FUNCTION_SQL = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'table % is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
"""
FUNCTION_REVERSE_SQL = "DROP FUNCTION refuse_change();"

_TABLE_SQL = """
CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_change;
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_truncate;
REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM cdss_app;
"""
_TABLE_REVERSE_SQL = """
DROP TRIGGER {table}_no_change ON {table};
DROP TRIGGER {table}_no_truncate ON {table};
GRANT UPDATE, DELETE ON {table} TO cdss_app;
"""


class AppendOnly(migrations.RunSQL):
    """Make a table append-only: no right to change it, and a trigger that refuses even its owner."""

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(_TABLE_SQL.format(table=table), _TABLE_REVERSE_SQL.format(table=table))

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        return (self.__class__.__qualname__, (self.table,), {})


class AppendOnlyModel(models.Model):
    """A row that is never saved twice; the migration adds the AppendOnly operation for its table."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **{**kwargs, "force_insert": True})
