"""A file that nobody can hold in the head is a file that nobody reviews."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 500


def python_files(root: Path) -> list[Path]:
    """Every Python file that is part of the project, committed or about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [path for name in listed.stdout.splitlines() if (path := root / name).is_file()]


def too_long(files: list[Path]) -> dict[str, int]:
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    return {name: length for name, length in lengths.items() if length > MOST_LINES}


def test_no_python_file_is_longer_than_five_hundred_lines() -> None:
    files = python_files(ROOT)

    assert ROOT / "tests" / "conftest.py" in files and ROOT / "manage.py" in files
    assert too_long(files) == {}


def test_a_longer_file_is_named(tmp_path: Path) -> None:
    just_fits, too_much = tmp_path / "fits.py", tmp_path / "long.py"
    just_fits.write_text("pass\n" * MOST_LINES)
    too_much.write_text("pass\n" * (MOST_LINES + 1))

    assert too_long([just_fits, too_much]) == {str(too_much): MOST_LINES + 1}
