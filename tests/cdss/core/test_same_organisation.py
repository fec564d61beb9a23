"""Every foreign key between rows of organisations has its composite key beside it, also those of tables to come.

Not covered: ids without a foreign key (the subject of a job, the log), and that a row's several parents are about the
same patient.
"""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection

from tests.database import references

QUERY = """
SELECT conrelid::regclass::text, attname, confrelid::regclass::text
FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
WHERE contype = 'f' AND convalidated AND cardinality(conkey) = 2
  AND (SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[2]) = 'organisation_id'
  AND (SELECT attname FROM pg_attribute WHERE attrelid = confrelid AND attnum = confkey[1]) = 'id'
  AND (SELECT attname FROM pg_attribute WHERE attrelid = confrelid AND attnum = confkey[2]) = 'organisation_id'
"""


@pytest.mark.django_db
def test_every_reference_between_rows_of_an_organisation_is_kept_inside_it() -> None:
    wanted = {
        (model._meta.db_table, field.column, field.related_model._meta.db_table)
        for model in apps.get_models()
        for field in references(model)
    }
    with connection.cursor() as cursor:
        cursor.execute(QUERY)
        found = set(cursor.fetchall())
    assert wanted
    assert found == wanted
