"""Fields that refuse what they would have to guess: naive times, truthy words, unknown names, inexact numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn

from django.db import models
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from patients.identity import EARLIEST_DAY, latest_day

_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?", re.ASCII)
_NOTHING = {"", "nan", "n/a", "na", "null", "none", "-", "--", "unknown"}


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses a name it does not know: a misspelt field is never read as an absent one."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [str(name) for name in data if name not in self.fields]
            if unknown:
                known = ", ".join(self.fields) or "none"
                sentence = f"This is not a field of the request; the fields are: {known}."
                raise serializers.ValidationError({name: [sentence] for name in unknown})
        return super().to_internal_value(data)


class EmptyRequest(StrictSerializer):
    """A request that needs no body; anything in it is refused."""


class TextField(serializers.CharField):
    """Text only: a number sent where a code belongs is not turned into one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class CodeField(serializers.ChoiceField):
    """One code of a named list, in exactly its own letters."""

    def __init__(self, codes: type[models.TextChoices], **kwargs: Any) -> None:
        self.codes = codes
        super().__init__(codes.choices, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return str(super().to_internal_value(data))


class TrueFalseField(serializers.BooleanField):
    """JSON's true and false; "yes", 1 and "on" are not a statement."""

    default_error_messages = {"invalid": "Must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class AwareDateTimeField(serializers.DateTimeField):
    """A moment with its offset; a time without one is refused, because no zone can be assumed for it."""

    default_error_messages = {
        "naive": "This time has no time zone; write its offset, for example 2026-05-04T09:30:00+02:00 or ...Z.",
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        if timezone.is_naive(value):
            self.fail("naive")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            self.fail("overflow")


class PastDateField(serializers.DateField):
    """A day that has begun somewhere on Earth, and lies within living memory."""

    default_error_messages = {
        "future": "This date is in the future.",
        "too_early": "This date is before 1850; nobody alive was born then.",
    }

    def to_internal_value(self, value: Any) -> date:
        parsed: date = super().to_internal_value(value)
        if parsed > latest_day():
            self.fail("future")
        if parsed < EARLIEST_DAY:
            self.fail("too_early")
        return parsed


@extend_schema_field({"oneOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$"}]})
class ExactNumberField(serializers.Field[Decimal, Any, str, Any]):
    """A decimal exactly as sent, as a JSON number or as text; shown as text, without trailing zeros."""

    default_error_messages = {
        "invalid": "Must be a number.",
        "comparator": "{text!r} is a limit, not a number; a value below or above what can be measured is not recorded.",
        "nothing": "{text!r} is not a number; send no row where nothing was measured.",
        "range": "The value is not a number that can be stored: at most 12 digits before the point.",
    }

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, Decimal | int | str):
            self.fail("invalid")
        if isinstance(data, str) and not _NUMBER.fullmatch(data):
            self._fail_of_text(data.strip())
        if isinstance(data, int) and abs(data) >= 10**12:
            self.fail("range")
        value = Decimal(data)
        # Looked at by its exponent: arithmetic on 1e999999999 overflows, and its digits would fill the memory.
        if value and not -30 <= value.adjusted() < 12:
            self.fail("range")
        return value if value else Decimal(0)

    def _fail_of_text(self, text: str) -> NoReturn:
        if text.startswith(("<", ">", "≤", "≥", "~")):
            self.fail("comparator", text=text[:30])
        if text.lower() in _NOTHING:
            self.fail("nothing", text=text[:30])
        self.fail("invalid")

    def to_representation(self, value: Decimal) -> str:
        return f"{value.normalize():f}"


@extend_schema_field(OpenApiTypes.STR)
class DigestField(serializers.Field[bytes, Any, str, Any]):
    """A SHA-256 as 64 hexadecimal digits."""

    def to_representation(self, value: bytes) -> str:
        return bytes(value).hex()
