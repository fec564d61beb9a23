"""Golden cases always run; the full reference set runs where it is present."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ml.equations.__main__ import main
from ml.equations.reference_cases import reference_case_files, reference_cases_compare

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
REFERENCE = ROOT.parent / "shared" / "reference" / "risk"
EQUATIONS = ("ckd_epi_2021", "mesa_chd", "prevent", "prevent_range_handling")
needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the full reference cases are not part of the project"
)


@pytest.mark.parametrize("name", EQUATIONS)
def test_golden_cases_are_within_tolerance(name: str) -> None:
    result = reference_cases_compare(GOLDEN / f"{name}.csv")
    assert result.raised == []
    assert all(column.compared >= 10 for column in result.columns)
    assert {column.column: column.failed_ids for column in result.columns if column.failed_ids} == {}


@needs_reference
@pytest.mark.parametrize("name", [*EQUATIONS, "pet_suv"])
def test_full_reference_cases_are_within_tolerance(name: str) -> None:
    result = reference_cases_compare(REFERENCE / "cases" / f"{name}.csv")
    assert result.passed, (result.raised, result.columns)


@needs_reference
def test_every_row_of_every_prevent_model_is_compared() -> None:
    result = reference_cases_compare(REFERENCE / "cases" / "prevent.csv")
    assert result.rows == 1130
    assert {column.compared for column in result.columns} == {1130}
    assert not result.skipped


@needs_reference
def test_command_on_the_full_reference_set_passes_and_skips_only_what_is_not_shipped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([str(REFERENCE / "cases")]) == 0
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines() if line.endswith("is not shipped")] == ["qrisk3.csv"]


@needs_reference
def test_tolerances_are_those_of_the_reference_set() -> None:
    def read(path: Path) -> dict[tuple[str, str], str]:
        with path.open(encoding="utf-8", newline="") as lines:
            return {(row["file"], row["column"]): row["absolute_tolerance"] for row in csv.DictReader(lines)}

    assert read(ROOT / "ml" / "equations" / "tolerances.csv") == read(REFERENCE / "columns.csv")


def test_command_on_golden_cases_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(GOLDEN)]) == 0
    printed = capsys.readouterr().out
    assert "exp_prob_with_cac_preventr" in printed
    assert "FAIL" not in printed


def test_command_names_the_failing_column_and_row_and_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (GOLDEN / "mesa_chd.csv").read_text(encoding="utf-8")
    assert "0.086136542" in text
    (tmp_path / "mesa_chd.csv").write_text(text.replace("0.086136542", "0.086136642"), encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    failing = [line for line in capsys.readouterr().out.splitlines() if "FAIL" in line]
    assert len(failing) == 1
    assert "exp_prob_no_cac_preventr" in failing[0]
    assert "ids 1" in failing[0]


def test_command_with_a_row_that_raises_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (GOLDEN / "ckd_epi_2021.csv").read_text(encoding="utf-8")
    (tmp_path / "ckd_epi_2021.csv").write_text(text + "999,17,male,1.0,100,100\n", encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    assert "RAISED id 999: EquationRefusal: CKD-EPI 2021 starts at age 18" in capsys.readouterr().out


def test_command_with_a_number_where_a_refusal_is_expected_exits_1(tmp_path: Path) -> None:
    text = (GOLDEN / "prevent_range_handling.csv").read_text(encoding="utf-8")
    assert "15,sbp89," in text
    (tmp_path / "prevent_range_handling.csv").write_text(text.replace("15,sbp89,", "15,sbp90,"), encoding="utf-8")
    assert main([str(tmp_path)]) == 1


def test_command_lists_equations_not_shipped_as_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(GOLDEN / "prevent.csv", tmp_path)
    (tmp_path / "score9.csv").write_text("id\n1\n", encoding="utf-8")
    assert main([str(tmp_path)]) == 0
    assert "score9.csv" in capsys.readouterr().out
    assert [path.name for path in reference_case_files(tmp_path)[1]] == ["score9.csv"]


def test_blank_expected_cell_is_no_expectation(tmp_path: Path) -> None:
    text = (GOLDEN / "mesa_chd.csv").read_text(encoding="utf-8")
    (tmp_path / "mesa_chd.csv").write_text(text.replace("0.086136542", ""), encoding="utf-8")
    before, after = (reference_cases_compare(folder / "mesa_chd.csv") for folder in (GOLDEN, tmp_path))
    assert after.passed
    assert after.columns[0].compared == before.columns[0].compared - 1


def test_optional_input_that_the_source_drops_must_be_refused_here(tmp_path: Path) -> None:
    """The row says that HbA1c 4.4 % is dropped; with a value in range the same row must fail."""
    text = (GOLDEN / "prevent_range_handling.csv").read_text(encoding="utf-8")
    assert "39,hba1c4.4," in text
    path = tmp_path / "prevent_range_handling.csv"
    path.write_text(text.replace("39,hba1c4.4,", "39,hba1c4.6,"), encoding="utf-8")
    result = reference_cases_compare(path)
    assert {tuple(column.failed_ids) for column in result.columns} == {("39",)}


SUV_CASE = (
    "id,units,corrected_image,patient_weight_kg,dose_bq,half_life_s,radiopharm_start_time,radiopharm_start_datetime,"
    "series_date,series_time,acq_date,acq_time,ge_scan_datetime,philips_suv_scale,philips_act_scale,suvbw_factor,error\n"
    "1,BQML,ATTN|DECY,80,400000000,6586.2,110703,,20240315,110703,20240315,110703,,,,{factor},{error}\n"
)


@pytest.mark.parametrize(
    ("factor", "error", "passes"),
    [("0.0002", "", True), ("0.0002000000000006", "", False), ("", "Units has an invalid value", False)],
)
def test_relative_tolerance_and_errors_of_the_suv_factor(tmp_path: Path, factor: str, error: str, passes: bool) -> None:
    path = tmp_path / "pet_suv.csv"
    path.write_text(SUV_CASE.format(factor=factor, error=error), encoding="utf-8")
    result = reference_cases_compare(path)
    assert result.passed is passes
    assert "suvbsa_factor" in result.not_compared


def test_command_on_a_folder_without_cases_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 1
    assert "no reference cases" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "spoil", "problem"),
    [
        ("prevent", lambda line: line.replace(",base,", ",bsae,"), "PREVENT has no model 'bsae'"),
        ("prevent", lambda line: line.rsplit(",", 4)[0], "not as many cells"),
        ("prevent", lambda line: line + ",0.1", "not as many cells"),
        ("prevent_range_handling", lambda line: line.replace("age29,", "age29,0.1"), "FAIL"),
    ],
)
def test_command_fails_on_a_spoiled_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, spoil: Callable[[str], str], problem: str
) -> None:
    head, *lines = (GOLDEN / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    place = next(place for place, line in enumerate(lines) if spoil(line) != line)
    lines[place] = spoil(lines[place])
    (tmp_path / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    assert problem in capsys.readouterr().out


def test_command_names_what_is_not_shipped_where_nothing_else_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "qrisk3.csv").write_text("id\n1\n", encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    assert "qrisk3.csv" in capsys.readouterr().out
