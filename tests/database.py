"""Rows written past every service, as the application's own role: which constraint refuses them, if any."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, connection, models, transaction

from cdss.core.append_only import AppendOnlyModel

Rows = Mapping[type[models.Model], models.Model]
Fresh = Mapping[type[models.Model], Mapping[str, Any]]
"""Per table that is written once, what makes a copy of its row another row."""
Case = tuple[type[models.Model], dict[str, Any], str]


def refusal(row: models.Model, wrong: Mapping[str, Any], fresh: Fresh) -> str:
    """Write the row with these columns changed; the constraint that refuses it, or "". Nothing stays written."""
    try:
        with transaction.atomic():
            _write(row, {**fresh.get(type(row), {}), **wrong})
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # otherwise foreign keys are asked at commit
            transaction.set_rollback(True)
    except IntegrityError as error:
        return str(error.__cause__.diag.constraint_name)  # type: ignore[union-attr]
    return ""


def _write(row: models.Model, columns: Mapping[str, Any]) -> None:
    model = type(row)
    if not isinstance(row, AppendOnlyModel):
        assert model._default_manager.filter(pk=row.pk).update(**{model._meta.pk.attname: row.pk, **columns}) == 1
        return
    same = {field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields}
    key = model._meta.pk
    same[key.attname] = None if isinstance(key, models.BigAutoField) else uuid.uuid4()
    model(**{**same, **columns}).save()


def references(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """Its foreign keys to tables whose rows belong to an organisation, where its own do, too."""
    if not _of_an_organisation(model):
        return []
    return [
        field for field in model._meta.concrete_fields if field.is_relation and _of_an_organisation(field.related_model)
    ]


def _of_an_organisation(model: Any) -> bool:
    return any(field.name == "organisation" for field in model._meta.concrete_fields)


def across_organisations(rows: Rows, elsewhere: Rows) -> list[Case]:
    """Each row pointing to a row of the other organisation, by each of its foreign keys."""
    return [
        (
            model,
            {field.attname: elsewhere[field.related_model].pk},
            f"{model._meta.db_table}_{field.column}_organisation"[:63],  # as long as PostgreSQL keeps a name
        )
        for model in rows
        for field in references(model)
    ]


def wrongly_answered(rows: Rows, fresh: Fresh, cases: Sequence[Case]) -> list[str]:
    """What the database does otherwise than the cases say; and each row itself, unchanged, has to be taken."""
    good: list[Case] = [(model, {}, "") for model in rows]
    answers = [(case, refusal(rows[case[0]], case[1], fresh)) for case in [*good, *cases]]
    return [
        f"{model.__name__} {wrong}: {answer or 'taken'}, not {expected or 'taken'}"
        for (model, wrong, expected), answer in answers
        if answer != expected
    ]
