from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from ml.preprocessing.grouping import series_paths
from ml.reading import read_series
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


def test_unreadable_files_stand_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "empty").touch()
    assert names(tmp_path) == [["empty"], ["notes.txt"]]


def test_folder_of_links_to_files_is_the_series_they_lead_to(tmp_path: Path) -> None:
    for path in ct_series_write(tmp_path / "store", VALUES):
        (tmp_path / "export").mkdir(exist_ok=True)
        (tmp_path / "export" / f"link-{path.name}").symlink_to(path)
    assert names(tmp_path / "export") == [["link-0000.dcm", "link-0001.dcm", "link-0002.dcm"]]
    reading = read_series(series_paths(tmp_path / "export")[0])
    assert (reading.accepted, reading.shape_zyx) == (True, (3, 4, 4))


def test_file_and_links_to_it_are_one_file(tmp_path: Path) -> None:
    paths = ct_series_write(tmp_path, VALUES)
    (tmp_path / "again.dcm").symlink_to(paths[0])
    (tmp_path / "and-again.dcm").symlink_to(tmp_path / "again.dcm")
    assert names(tmp_path) == [["0000.dcm", "0001.dcm", "0002.dcm"]]


def test_links_to_folders_and_to_nothing_are_refused_by_name_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "itself").symlink_to("itself")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to-pipe").symlink_to(tmp_path / "pipe")
    assert names(tmp_path) == [["broken"], ["itself"], ["loop"]]
    for group in series_paths(tmp_path):
        reading = read_series(group)
        assert reading.reason_code == "UNREADABLE_FILE"
        assert reading.sentence is not None
        assert reading.sentence.startswith(f"{group[0].name} could not be opened: ")
