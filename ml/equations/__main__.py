"""`python -m ml.equations DIR`: compare a folder of reference cases with the equations shipped here."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.equations.reference_cases import FileResult, reference_case_files, reference_cases_compare

_LAYOUT = "{:<26} {:<36} {:>6} {:>8} {:>12} {:>14}  {}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line a file and column; 0 when all are within tolerance, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m ml.equations", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of <equation>.csv files of reference cases")
    folder = parser.parse_args(arguments).folder
    shipped, others = reference_case_files(folder)
    if not shipped:
        sys.stdout.write("".join(map(_skipped, others)))
        sys.stderr.write(f"{folder} holds no reference cases of the equations shipped here\n")
        return 1
    sys.stdout.write(_LAYOUT.format("file", "column", "rows", "compared", "largest", "tolerance", "result"))
    results = [reference_cases_compare(path) for path in shipped]
    for result in results:
        sys.stdout.write(_file_report(result))
    sys.stdout.write("".join(map(_skipped, others)))
    return 0 if all(result.passed for result in results) else 1


def _skipped(path: Path) -> str:
    return f"{path.name:<26} skipped: this equation is not shipped\n"


def _file_report(result: FileResult) -> str:
    lines = []
    for column in result.columns:
        verdict = "pass"
        if column.failed_ids:
            verdict = f"FAIL: {len(column.failed_ids)} rows, ids {', '.join(column.failed_ids[:5])}"
        elif not column.compared:
            verdict = "FAIL: nothing compared"
        largest, tolerance = f"{column.largest_difference:.2e}", column.tolerance_text
        lines.append(
            _LAYOUT.format(result.file, column.column, result.rows, column.compared, largest, tolerance, verdict)
        )
    lines += [f"{result.file:<26} {column:<36} not compared: {why}\n" for column, why in result.not_compared.items()]
    lines += [f"{result.file:<26} rows skipped: {count}: {reason}\n" for reason, count in result.skipped.items()]
    lines += [f"{result.file:<26} RAISED {problem}\n" for problem in result.raised]
    return "".join(lines)


if __name__ == "__main__":
    sys.exit(main())
