"""Find the series in a folder: by Series Instance UID, or where it is empty by folder, frame and shape."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from pathlib import Path

from ml.errors import SeriesRefusal
from ml.preprocessing.dicom import Instance, instance_read


def series_paths(folder: Path) -> tuple[tuple[Path, ...], ...]:
    """Group every file under a folder into series; a file that cannot be read is a group of its own.

    Parameters
    ----------
    folder : Path
        Searched recursively. A symbolic link to a file is that file, under its first name; exports are often folders
        of links. A link to a folder or to nothing is not followed: it is a group of its own, to be refused by name.

    Returns
    -------
    tuple of tuple of Path
        Ordered by the first file of each group.

    Examples
    --------
    >>> [[path.name for path in group] for group in series_paths(Path("ml/measurements")) if len(group) > 1]
    []
    """
    groups: defaultdict[Hashable, list[Path]] = defaultdict(list)
    seen: set[Path] = set()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            if (file := path.resolve()) not in seen:
                seen.add(file)
                groups[_series_key(path)].append(path)
        elif path.is_symlink() and (path.is_dir() or not path.exists()):
            groups[path].append(path)
    return tuple(tuple(group) for group in groups.values())


def _series_key(path: Path) -> Hashable:
    try:
        instance = instance_read(path)
    except SeriesRefusal:
        return path
    return instance.series_instance_uid or _shape_key(instance)


def _shape_key(instance: Instance) -> Hashable:
    orientation = instance.image_orientation_patient
    rounded = None if orientation is None else tuple(round(cosine, 3) for cosine in orientation)
    form = instance.pixel_format
    size = None if form is None else (form.rows, form.columns)
    return instance.path.parent, instance.frame_of_reference_uid, instance.modality, rounded, size
