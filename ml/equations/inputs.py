"""What an equation accepts: the limits of each input, and the refusal that names field, value and limit.

The same limit decides for one person and for an array: `accepts` works on float64 arrays of any shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ml.errors import EquationRefusal

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Columns = Mapping[str, FloatArray]  # field -> (N,) values; yes/no as 1/0, a choice as the index of its option

# Room for floating-point noise of a unit conversion, as a share of the limit; nothing clinical fits into it.
RELATIVE_TOLERANCE = 1e-9


def number_text(value: float) -> str:
    """Up to ten significant digits, so that a value just outside a limit never prints as the limit."""
    return f"{value:.10g}"


def _numeric_column(field: str, values: object) -> FloatArray:
    column = np.asarray(np.nan if values is None else values)
    if column.dtype.kind not in "biuf":
        raise TypeError(f"{field}: expected a numeric or boolean array with NaN for unknown, got dtype {column.dtype}")
    return column.astype(np.float64)


def _value_text(value: object) -> float | str:
    is_plain_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return float(value) if is_plain_number and math.isfinite(value) else str(value)  # type: ignore[arg-type]


class Rule(Protocol):
    """One input of an equation: how it is read, when it is accepted, how its refusal reads."""

    @property
    def field(self) -> str: ...

    @property
    def ucum(self) -> str: ...

    def encode(self, value: object) -> float:
        """One value as a float; NaN when it is missing or unusable."""

    def encode_array(self, values: object) -> FloatArray:
        """A column as float64; NaN where missing or unusable."""

    def accepts(self, column: FloatArray) -> BoolArray:
        """True where the equation may be evaluated."""

    def refusal(self, value: object, label: str) -> EquationRefusal:
        """Why this value of the equation called `label` is not accepted."""

    def shown(self, encoded: float) -> float | str:
        """The value as a reader sees it."""

    def phrase(self, encoded: float) -> str:
        """The value in a sentence, with its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A measured number, its unit in words and in UCUM, and the range an equation accepts, with its source."""

    field: str
    code: str
    words: str
    unit: str
    ucum: str
    low: float
    high: float
    source: str
    also: str = ""  # the same limits in the unit of their source
    tolerance: float = 0.0  # absolute, in `unit`, on top of RELATIVE_TOLERANCE
    missing_code: str = ""
    missing_sentence: str = ""

    @property
    def limit(self) -> str:
        also = f" ({self.also})" if self.also else ""
        return f"{number_text(self.low)} to {number_text(self.high)} {self.unit}{also}; source: {self.source}"

    def encode(self, value: object) -> float:
        is_number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        return float(value) if is_number else math.nan  # type: ignore[arg-type]

    def encode_array(self, values: object) -> FloatArray:
        if np.asarray(values).dtype.kind == "b":
            raise TypeError(f"{self.field}: expected numbers, got booleans")
        return _numeric_column(self.field, values)

    def accepts(self, column: FloatArray) -> BoolArray:
        room_low = self.tolerance + RELATIVE_TOLERANCE * abs(self.low)
        room_high = self.tolerance + RELATIVE_TOLERANCE * abs(self.high)
        return (column >= self.low - room_low) & (column <= self.high + room_high)

    def refusal(self, value: object, label: str) -> EquationRefusal:
        number = self.encode(value)
        if value is None:
            code = self.missing_code or f"MISSING_{self.code}"
            sentence = self.missing_sentence or f"{label} is not shown: {self.words} is not recorded."
            return EquationRefusal(code, sentence, field=self.field, value=None, limit=self.limit)
        if not math.isfinite(number):
            code = f"{self.code}_NOT_A_NUMBER"
            sentence = f"{label} is not shown: {self.words} is recorded as {value}, which is not a finite number."
            return EquationRefusal(code, sentence, field=self.field, value=_value_text(value), limit=self.limit)
        is_below = number < self.low
        code = f"{self.code}_{'BELOW' if is_below else 'ABOVE'}_RANGE"
        sentence = self._outside(number, is_below, label)
        return EquationRefusal(code, sentence, field=self.field, value=number, limit=self.limit)

    def _outside(self, number: float, is_below: bool, label: str) -> str:
        side, end, bound = ("below", "lowest", self.low) if is_below else ("above", "highest", self.high)
        return (
            f"{label} is not shown: {self.words} {number_text(number)} {self.unit} is {side} {number_text(bound)} "
            f"{self.unit}, the {end} value it accepts."
        )

    def shown(self, encoded: float) -> float | str:
        return encoded

    def phrase(self, encoded: float) -> str:
        return f"{self.words} {number_text(encoded)} {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Age(Quantity):
    """Age in completed years: where an equation starts and ends."""

    field: str = "age_years"
    code: str = "AGE"
    words: str = "age"
    unit: str = "years"
    ucum: str = "a"

    def _outside(self, number: float, is_below: bool, label: str) -> str:
        verb, bound = ("starts", self.low) if is_below else ("ends", self.high)
        return f"{label} {verb} at age {number_text(bound)}; this person is {number_text(number)}."


@dataclass(frozen=True, slots=True, kw_only=True)
class YesNo:
    """A question that somebody must have answered: "not recorded" is not "no"."""

    field: str
    code: str
    question: str  # reads after "it is not recorded whether this person"
    absent: str  # "no" as it stands in the sentence about the reference person
    present: str
    ucum: str = ""

    def encode(self, value: object) -> float:
        return float(value) if isinstance(value, bool | np.bool_) else math.nan

    def encode_array(self, values: object) -> FloatArray:
        return _numeric_column(self.field, values)

    def accepts(self, column: FloatArray) -> BoolArray:
        return np.isin(column, (0.0, 1.0))

    def refusal(self, value: object, label: str) -> EquationRefusal:
        if value is None:
            code, sentence = f"MISSING_{self.code}", f"it is not recorded whether this person {self.question}"
        else:
            code, sentence = f"{self.code}_NOT_YES_OR_NO", f"whether this person {self.question} is recorded as {value}"
        return EquationRefusal(
            code,
            f"{label} is not shown: {sentence}.",
            field=self.field,
            value=None if value is None else _value_text(value),
            limit="yes or no",
        )

    def shown(self, encoded: float) -> float | str:
        return "yes" if encoded else "no"

    def phrase(self, encoded: float) -> str:
        return self.present if encoded else self.absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the groups an equation was derived in; encoded as the index of the option."""

    field: str
    options: tuple[str, ...]
    code: str
    needs: str  # "MESA needs one of the four groups it studied, as stated by the patient"
    ucum: str = ""

    def encode(self, value: object) -> float:
        return float(self.options.index(value)) if isinstance(value, str) and value in self.options else math.nan

    def encode_array(self, values: object) -> FloatArray:
        given = np.asarray(values)
        if given.dtype.kind not in "UO":
            raise TypeError(f"{self.field}: expected strings out of {self.options}, got dtype {given.dtype}")
        column = np.full(given.shape, np.nan)
        for index, option in enumerate(self.options):
            column[np.asarray(given == option, dtype=np.bool_)] = index
        return column

    def accepts(self, column: FloatArray) -> BoolArray:
        return ~np.isnan(column)

    def refusal(self, value: object, label: str) -> EquationRefusal:
        found = "none is recorded" if value is None else f"{str(value)!r} is recorded"
        return EquationRefusal(
            self.code,
            f"{self.needs.format(label=label)}; {found}.",
            field=self.field,
            value=None if value is None else str(value),
            limit="one of " + ", ".join(self.options),
        )

    def shown(self, encoded: float) -> float | str:
        return self.options[int(encoded)]

    def phrase(self, encoded: float) -> str:
        return self.options[int(encoded)]
