"""The comparisons of the stroke and dementia scores, calcium categories and Centiloid with their reference cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.equations.reference_cases import reference_cases_compare

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
REFERENCE = ROOT.parent / "shared" / "reference" / "risk" / "cases"
FULL = {
    "fsrp": (156, 0),
    "caide": (144, 0),
    "bdsi": (48, 0),
    "cha2ds2": (110, 0),
    "abcd2": (86, 0),
    "libra": (36, 0),
    "cac_categories": (16, 7),
    "centiloid": (36, 0),
}


@pytest.mark.parametrize("name", FULL)
def test_every_golden_row_and_column_is_compared_and_within_tolerance(name: str) -> None:
    result = reference_cases_compare(GOLDEN / f"{name}.csv")
    assert result.passed, (result.raised, result.columns)
    assert result.skipped.total() == 0
    assert all(column.compared >= 9 for column in result.columns)


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the full reference cases are not part of the project")
@pytest.mark.parametrize(("name", "rows", "skipped"), [(name, *counts) for name, counts in FULL.items()])
def test_every_row_of_the_full_set_is_within_our_range_and_tolerance(name: str, rows: int, skipped: int) -> None:
    result = reference_cases_compare(REFERENCE / f"{name}.csv")
    assert result.passed, (result.raised, result.columns)
    assert (result.rows, result.skipped.total()) == (rows, skipped)


@pytest.mark.parametrize("name", FULL)
def test_a_changed_expectation_fails_its_column(tmp_path: Path, name: str) -> None:
    header, first, *rest = (GOLDEN / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    compared = {column.column for column in reference_cases_compare(GOLDEN / f"{name}.csv").columns}
    for column in compared:
        cells = first.split(",")
        index = header.split(",").index(column)
        cells[index] = "wrong" if name == "cac_categories" else str(float(cells[index]) + 0.5)
        (tmp_path / f"{name}.csv").write_text("\n".join([header, ",".join(cells), *rest]) + "\n", encoding="utf-8")
        result = reference_cases_compare(tmp_path / f"{name}.csv")
        failed = {found.column: found.failed_ids for found in result.columns if found.failed_ids}
        assert failed == {column: [cells[0]]}


def test_risk_expected_beyond_the_printed_table_fails(tmp_path: Path) -> None:
    header, *rows = (GOLDEN / "fsrp.csv").read_text(encoding="utf-8").splitlines()
    index = header.split(",").index("exp_fsrp1991_pct")
    row = next(row for row in rows if not row.split(",")[index]).split(",")
    row[index] = "84"
    (tmp_path / "fsrp.csv").write_text(f"{header}\n{','.join(row)}\n", encoding="utf-8")
    assert not reference_cases_compare(tmp_path / "fsrp.csv").passed
