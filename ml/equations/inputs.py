"""What an equation accepts: the limits of each input, the refusal that names field, value and limit, a person checked.

The same limit decides for one person and for an array: `accepts` works on float64 arrays of any shape.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as field_of
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ml.errors import EquationRefusal

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Columns = Mapping[str, FloatArray]  # field -> (N,) values; yes/no as 1/0, a choice as the index of its option
AnyArray = npt.NDArray[np.generic]


class Table(Protocol):
    """Columns by name: a mapping of arrays and scalars, or a pandas DataFrame."""

    def __iter__(self) -> Iterator[Any]: ...

    def __getitem__(self, name: Any, /) -> Any: ...


NOT_MEASURED = "not measured"

_NUMBERS = (int, float, np.integer, np.floating)
_ANSWERS = (bool, np.bool_)

# Room for floating-point noise of a unit conversion, as a share of the limit; nothing clinical fits into it.
RELATIVE_TOLERANCE = 1e-9


def number_text(value: float) -> str:
    """Up to ten significant digits, so that a value just outside a limit never prints as the limit.

    Parameters
    ----------
    value : float
        In any unit; the unit is the caller's to add.

    Returns
    -------
    str

    Examples
    --------
    >>> number_text(180.0), number_text(39.9000001), number_text(2 / 3)
    ('180', '39.9000001', '0.6666666667')
    """
    return f"{value:.10g}"


def _number_beside(value: float, bound: float) -> str:
    """With two decimals at most, or as many as it takes not to print a value outside a bound as the bound.

    >>> _number_beside(7.105766233, 15), _number_beside(14.9996, 15), _number_beside(230.4, 180)
    ('7.11', '14.9996', '230.4')
    """
    for places in range(2, 10):
        rounded = round(value, places)
        if (rounded < bound) == (value < bound) and (rounded > bound) == (value > bound):
            return number_text(rounded)
    return number_text(value)


def _numeric_array(field: str, values: object, kinds: str = "iuf") -> AnyArray:
    """Numbers as they are; a pandas column with a dtype of its own as float64 with NaN for its NA."""
    dtype: Any = getattr(values, "dtype", None)
    if hasattr(dtype, "na_value") and dtype.kind in kinds:
        array: AnyArray = values.to_numpy(dtype=np.float64, na_value=np.nan)  # type: ignore[attr-defined]
        return array
    array = np.asarray(np.nan if values is None else values)
    if array.dtype.kind not in kinds:
        kind = "numeric or boolean" if "b" in kinds else "numeric"
        raise TypeError(f"{field}: expected a {kind} array with NaN for unknown, got dtype {dtype or array.dtype}")
    return array


def _value_text(value: object) -> float | str:
    is_plain_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return float(value) if is_plain_number and math.isfinite(value) else str(value)  # type: ignore[arg-type]


class Rule(Protocol):
    """One input of an equation: how it is read, when it is accepted, how its refusal reads."""

    @property
    def field(self) -> str: ...

    @property
    def ucum(self) -> str: ...

    @property
    def is_optional(self) -> bool:
        """The equation itself says what it does without this input."""

    def encode(self, value: object) -> float:
        """One value as a float; NaN when it is missing or unusable."""

    def read_array(self, values: object) -> AnyArray:
        """A column as an array of a dtype that can hold its values; raises TypeError."""

    def encode_array(self, values: AnyArray) -> FloatArray:
        """What `read_array` returned, or a part of it, as float64; NaN where missing or unusable."""

    def accepts(self, encoded: FloatArray | float) -> BoolArray | bool:
        """True where the equation may be evaluated; the same comparisons for one value and for a column."""

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
    is_optional: bool = False
    lowest: float = field_of(init=False, repr=False)  # `low` and `high` with their tolerances
    highest: float = field_of(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lowest", self.low - self.tolerance - RELATIVE_TOLERANCE * abs(self.low))
        object.__setattr__(self, "highest", self.high + self.tolerance + RELATIVE_TOLERANCE * abs(self.high))

    @property
    def limit(self) -> str:
        also = f" ({self.also})" if self.also else ""
        return f"{number_text(self.low)} to {self._with_unit(self.high)}{also}; source: {self.source}"

    def encode(self, value: object) -> float:
        if type(value) is float:  # nearly always
            return value
        if isinstance(value, _NUMBERS) and not isinstance(value, bool):
            return float(value)
        return math.nan

    def read_array(self, values: object) -> AnyArray:
        return _numeric_array(self.field, values)

    def encode_array(self, values: AnyArray) -> FloatArray:
        return values.astype(np.float64, copy=False)

    def accepts(self, encoded: FloatArray | float) -> BoolArray | bool:
        is_inside: BoolArray | bool = (encoded >= self.lowest) & (encoded <= self.highest)
        return is_inside | (encoded != encoded) if self.is_optional else is_inside  # NaN is unknown

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
        shown = f"{_number_beside(number, bound)} {self.unit}".rstrip()
        return (
            f"{label} is not shown: {self.words} {shown} is {side} {self._with_unit(bound)}, "
            f"the {end} value it accepts."
        )

    def _with_unit(self, number: float) -> str:
        return f"{number_text(number)} {self.unit}".rstrip()

    def shown(self, encoded: float) -> float | str:
        return NOT_MEASURED if math.isnan(encoded) else encoded

    def phrase(self, encoded: float) -> str:
        return f"{self.words} {NOT_MEASURED if math.isnan(encoded) else self._with_unit(encoded)}"


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
class WholeNumber(Quantity):
    """A rank such as a decile: nothing lies between two of its values."""

    def accepts(self, encoded: FloatArray | float) -> BoolArray | bool:
        is_between: BoolArray | bool = np.floor(encoded) < encoded  # False for NaN
        return np.logical_not(is_between) & Quantity.accepts(self, encoded)

    def refusal(self, value: object, label: str) -> EquationRefusal:
        number = self.encode(value)
        if not (Quantity.accepts(self, number) and np.floor(number) < number):
            return Quantity.refusal(self, value, label)
        return EquationRefusal(
            f"{self.code}_NOT_WHOLE",
            f"{label} is not shown: {self.words} {number_text(number)} is not a whole number.",
            field=self.field,
            value=number,
            limit=self.limit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class YesNo:
    """A question that somebody must have answered: "not recorded" is not "no"."""

    field: str
    code: str
    question: str  # reads after "it is not recorded whether this person"
    absent: str  # "no" as it stands in the sentence about the reference person
    present: str
    ucum: str = ""
    is_optional: bool = False

    def encode(self, value: object) -> float:
        return float(value) if isinstance(value, _ANSWERS) else math.nan

    def read_array(self, values: object) -> AnyArray:
        return _numeric_array(self.field, values, kinds="biuf")

    def encode_array(self, values: AnyArray) -> FloatArray:
        return values.astype(np.float64, copy=False)

    def accepts(self, encoded: FloatArray | float) -> BoolArray | bool:
        return (encoded == 0.0) | (encoded == 1.0)

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
    is_optional: bool = False

    def encode(self, value: object) -> float:
        return float(self.options.index(value)) if isinstance(value, str) and value in self.options else math.nan

    def read_array(self, values: object) -> AnyArray:
        dtype: Any = getattr(values, "dtype", None)
        if hasattr(values, "isna") and dtype.kind == "O":  # a pandas column, whose NA cannot be compared
            values = values.to_numpy(dtype=object, na_value=None)  # type: ignore[attr-defined]
        array = np.asarray(values)
        if (dtype or array.dtype).kind not in "UO":
            raise TypeError(f"{self.field}: expected strings out of {self.options}, got dtype {dtype or array.dtype}")
        return array

    def encode_array(self, values: AnyArray) -> FloatArray:
        column, is_known = np.zeros(values.shape), np.zeros(values.shape, dtype=np.bool_)
        for index, option in enumerate(self.options):
            is_option = values == option
            is_known |= is_option
            column += np.multiply(is_option, float(index))
        column[~is_known] = np.nan
        return column

    def accepts(self, encoded: FloatArray | float) -> BoolArray | bool:
        is_known: BoolArray | bool = encoded == encoded  # NaN is none of the options
        return is_known

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


def checked_person(rules: Sequence[Rule], person: Mapping[str, object], label: str) -> dict[str, FloatArray]:
    """One person as columns of length 1.

    Parameters
    ----------
    rules : sequence of Rule
        In the order in which inputs are checked.
    person : mapping
        Exactly the fields of `rules`, in the units of their names; None is not known.
    label : str
        What the refusal calls the equation.

    Returns
    -------
    dict of str to float64 array, (1,)
        By field, yes/no as 1/0, a choice as the index of its option.

    Raises
    ------
    EquationRefusal
        For the first input, in the order of `rules`, that is missing or not accepted.
    ValueError
        A field is missing or unknown: a programming error, not a refusal.

    Examples
    --------
    >>> checked_person((Age(low=30, high=79, source="paper"),), {"age_years": 60}, "PREVENT")
    {'age_years': array([60.])}
    """
    return {field: np.array([value]) for field, value in encoded_person(rules, person, label).items()}


def encoded_person(rules: Sequence[Rule], person: Mapping[str, object], label: str) -> dict[str, float]:
    """As `checked_person`, each value a float.

    Parameters
    ----------
    rules : sequence of Rule
    person : mapping
    label : str
        All three as in `checked_person`.

    Returns
    -------
    dict of str to float
        In the order of `rules`; NaN where an optional input is not known.

    Raises
    ------
    EquationRefusal, ValueError
        As `checked_person`.

    Examples
    --------
    >>> encoded_person((Age(low=30, high=79, source="paper"),), {"age_years": 84}, "PREVENT")
    Traceback (most recent call last):
    ml.errors.EquationRefusal: PREVENT ends at age 79; this person is 84.
    """
    check_names(rules, person)
    encoded = {}
    for rule in rules:
        value = person[rule.field]
        number = rule.encode(value)
        # Missing is None; what is recorded and is no number is refused even where the input is optional.
        is_unreadable = number != number and value is not None
        if is_unreadable or not rule.accepts(number):
            raise rule.refusal(value, label)
        encoded[rule.field] = number
    return encoded


def check_names(rules: Sequence[Rule], given: Table) -> None:
    """Refuse inputs that are not those of the equation; a DataFrame may have further columns.

    Parameters
    ----------
    rules : sequence of Rule
    given : Table
        Whose names are compared with the fields of `rules`, in any order.

    Returns
    -------
    None

    Raises
    ------
    ValueError
        A name is missing, or a mapping has one that no rule knows.

    Examples
    --------
    >>> check_names((Age(low=30, high=79, source="paper"),), {"age": 60})
    Traceback (most recent call last):
    ValueError: inputs do not match the equation: missing ['age_years'], unknown ['age']
    """
    fields = [rule.field for rule in rules]
    if fields == list(given):
        return
    expected, names = set(fields), set(given)
    # A table of people has columns of its own; a further name in a mapping is a typing error.
    unknown = names - expected if isinstance(given, Mapping) else set()
    if unknown or not expected <= names:
        raise ValueError(
            f"inputs do not match the equation: missing {sorted(expected - names)}, unknown {sorted(unknown)}"
        )
