"""Files of reference cases, `<equation>.csv`: each row through its comparison, each column against its tolerance."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ml.equations.reference_cases import cardiovascular, ckd_epi_2021, mesa_chd, pet_suv, prevent, scores
from ml.equations.reference_cases.rows import Comparison, NotShippedError
from ml.errors import EquationRefusal

TOLERANCES = Path(__file__).parents[1] / "tolerances.csv"

COMPARISONS: Mapping[str, Comparison] = {
    **prevent.COMPARISONS,
    **mesa_chd.COMPARISONS,
    **cardiovascular.COMPARISONS,
    **scores.COMPARISONS,
    **ckd_epi_2021.COMPARISONS,
    **pet_suv.COMPARISONS,
}
# Columns of a shipped file that this project has no output for.
NOT_SHIPPED_COLUMNS: Mapping[str, frozenset[str]] = {
    "pet_suv": frozenset({"suvlbm_james_factor", "suvlbm_janma_factor", "suvbsa_factor"}),
}


@dataclass(slots=True)
class ColumnResult:
    """One expected column of one file; `tolerance_text` is the tolerance as the table states it."""

    column: str
    tolerance_text: str
    compared: int = 0
    largest_difference: float = 0.0
    failed_ids: list[str] = field(default_factory=list)

    @property
    def tolerance(self) -> float:
        return float(self.tolerance_text.removesuffix(" relative"))

    def add(self, row_id: str, difference: float) -> None:
        self.compared += 1
        self.largest_difference = max(self.largest_difference, difference)
        if not difference <= self.tolerance:
            self.failed_ids.append(row_id)


@dataclass(slots=True)
class FileResult:
    """One file: what was compared, skipped (reason -> rows), which columns are not, and which rows raised."""

    file: str
    rows: int = 0
    columns: list[ColumnResult] = field(default_factory=list)
    not_compared: dict[str, str] = field(default_factory=dict)  # column -> why
    skipped: Counter[str] = field(default_factory=Counter)
    raised: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.raised and all(column.compared and not column.failed_ids for column in self.columns)


def reference_case_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """The CSV files of `folder`: those of equations shipped here, and the others.

    Parameters
    ----------
    folder : Path
        Of files `<equation>.csv`; not searched below.

    Returns
    -------
    tuple of two lists of Path
        Each in the order of the names.

    Examples
    --------
    >>> reference_case_files(Path("ml/releases"))
    ([], [])
    """
    paths = sorted(folder.glob("*.csv"))
    return [path for path in paths if path.stem in COMPARISONS], [p for p in paths if p.stem not in COMPARISONS]


def reference_cases_compare(path: Path) -> FileResult:
    """Every row of one file through the equation it belongs to.

    Parameters
    ----------
    path : Path
        `<equation>.csv`: a column `id`, the inputs, and the expected outputs that tolerances.csv lists.

    Returns
    -------
    FileResult
        Differences in the unit of each expected column, against its tolerance.

    Raises
    ------
    KeyError
        No comparison is known for a file of this name.

    Examples
    --------
    >>> reference_cases_compare(Path("no_such_equation.csv"))
    Traceback (most recent call last):
    KeyError: 'no_such_equation'
    """
    compare = COMPARISONS[path.stem]
    result = _result_of(path)
    by_name = {column.column: column for column in result.columns}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            result.rows += 1
            if None in row or None in row.values():
                result.raised.append(f"id {row.get('id')}: has not as many cells as the file has columns")
                continue
            try:
                differences = compare(row)
            except NotShippedError as reason:
                result.skipped[str(reason)] += 1
                continue
            except (EquationRefusal, ValueError, KeyError, TypeError) as error:
                result.raised.append(f"id {row.get('id')}: {type(error).__name__}: {error}")
                continue
            for column in differences.keys() - result.not_compared.keys():
                difference = differences[column]
                by_name[column].add(row["id"], math.inf if math.isnan(difference) else difference)
    return result


def _result_of(path: Path) -> FileResult:
    result = FileResult(file=path.name)
    with TOLERANCES.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["file"] != path.stem:
                continue
            if not row["absolute_tolerance"]:
                result.not_compared[row["column"]] = row["note"]
            elif row["column"] in NOT_SHIPPED_COLUMNS.get(path.stem, ()):
                result.not_compared[row["column"]] = "not shipped"
            else:
                result.columns.append(ColumnResult(row["column"], row["absolute_tolerance"]))
    return result
