"""What `ml` raises when it cannot answer. Every refusal has a reason code and one human sentence."""

from __future__ import annotations


class Refusal(Exception):
    """An honest no: the caller turns it into a result, never into a traceback."""

    def __init__(self, reason_code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason_code = reason_code
        self.sentence = sentence


class SeriesRefusal(Refusal):
    """A series, or one file of it, that cannot be read as one regular volume of known values."""


class EquationRefusal(Refusal):
    """An equation that does not apply: names the field, its value, and the limit with the limit's source."""

    def __init__(
        self,
        reason_code: str,
        sentence: str,
        *,
        field: str,
        value: float | str | None = None,
        limit: str | None = None,
    ) -> None:
        super().__init__(reason_code, sentence)
        self.field = field
        self.value = value
        self.limit = limit


class ReleaseError(Exception):
    """A release folder that is incomplete, altered, or does not reproduce its own expected outputs."""
