"""What every comparison of reference cases shares: the shape of a row, of its differences, and how cells are read.

A comparison takes one row and returns, for each expected column that it compares, how far this project's output lies
from what is expected. A blank expected cell is no expectation: leave its column out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from ml.equations.catalogue import RISK_EQUATIONS
from ml.equations.equation import RiskEquation, risk_of_person
from ml.types import Sex

Row = Mapping[str, str]
Person = dict[str, object]
# Column -> difference from what is expected; infinite where a label differs, or a number stands for a refusal or the
# reverse. Of a column whose tolerance is relative, the difference divided by what is expected.
Differences = dict[str, float]
Comparison = Callable[[Row], Differences]

SEXES: Mapping[str, Sex] = {"female": "female", "male": "male"}


class NotShippedError(Exception):
    """This row is not for an equation shipped here, and why."""


def number(cell: str) -> float | None:
    """The number in a cell; None where it is blank."""
    return float(cell) if cell else None


def yes_no(cell: str) -> bool:
    return {"0": False, "1": True}[cell]


def differences(row: Row, found: Mapping[str, float]) -> Differences:
    """|found - expected| of every column with an expectation in this row."""
    return {column: abs(value - float(row[column])) for column, value in found.items() if row[column]}


def label_difference(found: str, expected: str) -> float:
    return 0.0 if found == expected else math.inf


def clamped(percent: float, low: float, high: float = math.inf) -> float:
    """As some sources print it: never below `low`, never above `high`."""
    return min(max(percent, low), high)


def risk(name: str, outcome: str, horizon_years: int, person: Person) -> float:
    """The risk by the equation `name`; raises what it raises."""
    equation = RISK_EQUATIONS[name]
    if not isinstance(equation, RiskEquation):
        raise TypeError(f"{name} is not a risk equation")
    return risk_of_person(equation, outcome=outcome, horizon_years=horizon_years, person=person)
