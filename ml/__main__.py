"""`python -m ml read DIR [--json]`: read every series under a folder, without the web application.

Exit status: 0 when the folder was read, a refused series included (that is a result, printed with its reason code);
2 when DIR is not a folder or the arguments are wrong, with the reason on standard error and nothing on standard output.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.preprocessing.ct import HOUNSFIELD_UNIT
from ml.preprocessing.grouping import series_paths
from ml.reading import read_series
from ml.types import SeriesReading


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when the folder could be read, 2 when it could not."""
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m ml", description=__doc__, formatter_class=as_written)
    commands = parser.add_subparsers(dest="command", required=True)
    help_line = "read every series under a folder"
    read = commands.add_parser("read", help=help_line, description=__doc__, formatter_class=as_written)
    read.add_argument("folder", type=Path, metavar="DIR")
    read.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)

    if not options.folder.is_dir():
        sys.stderr.write(f"{_printable(str(options.folder))} is not a folder.\n")
        return 2
    readings = [read_series(paths) for paths in series_paths(options.folder)]
    if options.json:
        text = json.dumps({"series": [_reading_as_json(reading) for reading in readings]}, allow_nan=False)
    else:
        text = "\n\n".join(map(_reading_as_text, readings)) or f"No files under {_printable(str(options.folder))}."
    sys.stdout.write(f"{text}\n")
    return 0


def _reading_as_json(reading: SeriesReading) -> dict[str, object]:
    """One reading as the JSON object that other programs depend on."""
    return {
        "series_instance_uid": reading.series_instance_uid,
        "study_instance_uid": reading.study_instance_uid,
        "modality": reading.modality,
        "accepted": reading.accepted,
        "reason_code": reading.reason_code,
        "sentence": reading.sentence,
        "instance_count": reading.instance_count,
        "shape_zyx": reading.shape_zyx,
        "spacing_zyx_mm": reading.spacing_zyx_mm,
        "value_range": reading.value_range,
        "value_unit": reading.value_unit,
        "volume_sha256": reading.volume_sha256,
        "decoders": reading.decoders,
        "quality": [{"code": finding.code, "sentence": finding.sentence} for finding in reading.quality],
        "measurements": {
            one.name: {"value": one.value, "unit": one.unit, "method": one.method, "version": one.version}
            for one in reading.measurements
        },
        "not_measured": {
            one.name: {"reason_code": one.reason_code, "sentence": one.sentence} for one in reading.refusals
        },
        "calcium_candidates": len(reading.candidates),
    }


def _reading_as_text(reading: SeriesReading) -> str:
    """One reading as lines for a terminal."""
    head = f"{reading.modality or '--'}  {reading.series_instance_uid or '(no Series Instance UID)'}"
    if not reading.accepted:
        return _lines(head, f"  refused   {reading.reason_code}: {reading.sentence}")
    lines = [head, f"  accepted  {_dimensions(reading)}"]
    lines += [f"  note      {finding.sentence}" for finding in reading.quality]
    lines += [f"  measured  {one.name} = {one.value:.4g} {_unit(one.unit)}" for one in reading.measurements]
    lines += [f"  not made  {one.name}: {one.sentence}" for one in reading.refusals]
    return _lines(*lines)


def _lines(*lines: str) -> str:
    return "\n".join(map(_printable, lines))


def _printable(text: str) -> str:
    """What a file name or a header holds may steer a terminal: control characters are written as their escapes."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode() for char in text
    )


def _unit(ucum: str | None) -> str:
    """As people write it; JSON keeps the UCUM code."""
    return "HU" if ucum == HOUNSFIELD_UNIT else ucum or ""


def _dimensions(reading: SeriesReading) -> str:
    shape = " x ".join(map(str, reading.shape_zyx or ()))
    spacing = " x ".join(f"{step_mm:.4g}" for step_mm in reading.spacing_zyx_mm or ())
    lowest, highest = reading.value_range or (0.0, 0.0)
    return f"{shape} voxels of {spacing} mm, {lowest:g} to {highest:g} {_unit(reading.value_unit)}"


if __name__ == "__main__":
    raise SystemExit(main())
