"""Lists in pages that cost the same however far one reads: the cursor is the last row seen, not a number of rows."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from rest_framework import serializers

from cdss.core.errors import DomainError
from patients.api.fields import StrictSerializer

LIMIT, MOST = 50, 200
M = TypeVar("M", bound=Model)


class BadCursorError(DomainError):
    status = 400
    code = "BAD_CURSOR"


class PageQuery(StrictSerializer):
    """What every list accepts."""

    cursor = serializers.UUIDField(required=False, help_text="`next_cursor` of the page before.")
    limit = serializers.IntegerField(default=LIMIT, min_value=1, max_value=MOST, help_text="Rows on a page.")


@dataclass(frozen=True, slots=True)
class Page(Generic[M]):
    items: list[M]
    next_cursor: uuid.UUID | None


def page_of(item: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The response serializer of a page of these items."""
    columns = {
        "items": item(many=True),
        "next_cursor": serializers.UUIDField(allow_null=True, help_text="Null on the last page."),
        "__module__": item.__module__,
    }
    return type(f"{item.__name__}Page", (serializers.Serializer,), columns)


def keyset_page(
    rows: QuerySet[M], *, visible: QuerySet[M], order: Sequence[str], cursor: uuid.UUID | None, limit: int
) -> Page[M]:
    """The rows after the one that `cursor` names; `order` ends in a unique column, `visible` is where cursors live."""
    if cursor is not None:
        names = [name.lstrip("-") for name in order]
        last = visible.filter(pk=cursor).values(*names).first()
        if last is None:
            raise BadCursorError("This cursor is not one of this list; start again without it.", field="cursor")
        rows = rows.filter(_beyond(order, last))
    found = list(rows.order_by(*order)[: limit + 1])
    items = found[:limit]
    return Page(items, items[-1].pk if len(found) > limit else None)


def _beyond(order: Sequence[str], last: dict[str, Any]) -> Q:
    """The rows that come after `last`: equal so far, and beyond it in the next column."""
    beyond, equal = Q(), Q()
    for column in order:
        name = column.lstrip("-")
        comparison = "lt" if column.startswith("-") else "gt"
        beyond |= equal & Q(**{f"{name}__{comparison}": last[name]})
        equal &= Q(**{name: last[name]})
    return beyond
