from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from ml.preprocessing.grouping import series_paths
from tests.dicom import ct_series_write, mr_series_write

VALUES = np.arange(48).reshape(3, 4, 4)


def names(folder: Path) -> list[list[str]]:
    return [[str(path.relative_to(folder)) for path in group] for group in series_paths(folder)]


def test_series_in_one_folder_are_told_apart_by_their_uid(tmp_path: Path) -> None:
    ct_series_write(tmp_path / "a", VALUES)
    for path in mr_series_write(tmp_path / "b", VALUES):
        path.rename(tmp_path / "a" / f"mr-{path.name}")
    (tmp_path / "b").rmdir()
    assert sorted(map(len, series_paths(tmp_path))) == [3, 3]


def test_series_without_uid_are_told_apart_by_folder_and_shape(tmp_path: Path) -> None:
    def edit(dataset: Dataset, _: int) -> None:
        dataset.SeriesInstanceUID = ""

    ct_series_write(tmp_path / "a", VALUES, edit=edit)
    ct_series_write(tmp_path / "b", VALUES, edit=edit)
    for path in ct_series_write(tmp_path / "c", np.arange(75).reshape(3, 5, 5), edit=edit):
        path.rename(tmp_path / "a" / f"large-{path.name}")
    assert sorted(names(tmp_path)) == [
        ["a/0000.dcm", "a/0001.dcm", "a/0002.dcm"],
        ["a/large-0000.dcm", "a/large-0001.dcm", "a/large-0002.dcm"],
        ["b/0000.dcm", "b/0001.dcm", "b/0002.dcm"],
    ]


def test_unreadable_files_stand_alone_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to("/etc/hostname")
    assert names(tmp_path) == [["empty"], ["notes.txt"]]
