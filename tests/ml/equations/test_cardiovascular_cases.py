"""The comparisons of the Pooled Cohort Equations, SCORE2 and Framingham 2008 with their reference cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.equations.reference_cases import reference_cases_compare

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
REFERENCE = ROOT.parent / "shared" / "reference" / "risk" / "cases"
FILES = ("pce", "score2", "framingham2008")


@pytest.mark.parametrize("name", FILES)
def test_every_golden_row_and_column_is_compared_and_within_tolerance(name: str) -> None:
    result = reference_cases_compare(GOLDEN / f"{name}.csv")
    assert result.passed, (result.raised, result.columns)
    assert (result.skipped.total(), result.not_compared) == (0, {})
    assert all(column.compared >= 10 for column in result.columns)


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the full reference cases are not part of the project")
@pytest.mark.parametrize(("name", "rows"), [("pce", 144), ("score2", 201), ("framingham2008", 122)])
def test_every_row_of_the_full_set_is_within_our_range_and_tolerance(name: str, rows: int) -> None:
    result = reference_cases_compare(REFERENCE / f"{name}.csv")
    assert result.passed, (result.raised, result.columns)
    assert (result.rows, result.skipped.total()) == (rows, 0)


@pytest.mark.parametrize(
    ("name", "column", "row", "changed"),
    [
        ("pce", "exp_pce2013_pct_estimateCVRisk", "1,white,female,55,213,50,120,0,0,0,2.05", "2.07"),
        ("pce", "exp_pce_rev2018_prob_preventr", "0.012075588", "0.012075618"),
        ("score2", "exp_pct_estimateCVRisk_2dp", "1,SCORE2,Low,male,50,1,140,0,6.3,1.4,6.3,6.31", "6.33"),
        ("framingham2008", "exp_frs_lipid_pct_estimateCVRisk", "1,female,55,213,50,120,0,0,0,28.7,5.35,5.35", "5.37"),
    ],
)
def test_number_just_outside_the_tolerance_fails_its_column(
    tmp_path: Path, name: str, column: str, row: str, changed: str
) -> None:
    text = (GOLDEN / f"{name}.csv").read_text(encoding="utf-8")
    assert text.count(row) == 1
    head, _, old = row.rpartition(",")
    new = f"{head},{changed}" if head else changed
    assert old != changed
    (tmp_path / f"{name}.csv").write_text(text.replace(row, new), encoding="utf-8")
    result = reference_cases_compare(tmp_path / f"{name}.csv")
    assert {found.column: found.failed_ids for found in result.columns if found.failed_ids} == {column: ["1"]}


@pytest.mark.parametrize(
    ("name", "column", "floor_or_ceiling"),
    [
        ("pce", "exp_pce2013_pct_CVrisk_floor1", "1"),
        ("framingham2008", "exp_frs_bmi_pct_CVrisk_clamped_1_30", "30"),
    ],
)
def test_golden_rows_reach_the_floor_or_ceiling_of_their_source(name: str, column: str, floor_or_ceiling: str) -> None:
    header, *rows = [line.split(",") for line in (GOLDEN / f"{name}.csv").read_text(encoding="utf-8").splitlines()]
    assert floor_or_ceiling in {row[header.index(column)] for row in rows}
