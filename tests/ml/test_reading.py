from __future__ import annotations

import dataclasses
import json
import random
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from ml.__main__ import main
from ml.errors import SeriesRefusal
from ml.preprocessing.decoders import decoders_used, frame_decode
from ml.preprocessing.dicom import instance_read
from ml.preprocessing.quality import instance_check
from ml.reading import read_series
from ml.types import KeyImage, SeriesReading
from tests.dicom import ct_series_write, mr_series_write, pt_series_write

ROOT = Path(__file__).parents[2]
# Only what lies inside the installed package: pydicom's own look-up would also download.
PYDICOM_FILES = sorted(
    path for path in (Path(pydicom.data.__file__).parent / "test_files").rglob("*") if path.is_file()
)


def calcium_ct() -> np.ndarray:
    hu = 40 + np.random.default_rng(7).normal(0, 12, (40, 72, 72)).clip(-60, 60)
    hu[30, 20:23, 50:53] = 450
    hu[12, 40:42, 40:42] = 250
    return hu


def plain(reading: SeriesReading) -> dict[str, object]:
    """A reading as comparable values: arrays become lists."""

    def value(field: object) -> object:
        if isinstance(field, KeyImage):
            return [getattr(field, one.name) for one in dataclasses.fields(field)[:-1]], field.pixels.tolist()
        return [value(part) for part in field] if isinstance(field, tuple) else field

    return {one.name: value(getattr(reading, one.name)) for one in dataclasses.fields(reading)}


def test_text_says_hu_and_json_keeps_the_ucum_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ct_series_write(tmp_path, calcium_ct())
    assert main(["read", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert " to 450 HU" in text
    assert "hnsf" not in text
    assert main(["read", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["series"][0]["value_unit"] == "[hnsf'U]"


@pytest.mark.parametrize("seed", range(5))
def test_reading_is_identical_in_any_order_of_files(tmp_path: Path, seed: int) -> None:
    paths = ct_series_write(tmp_path, calcium_ct())
    expected = read_series(paths)
    random.Random(seed).shuffle(paths)
    assert expected.accepted
    assert len(expected.candidates) == 2
    assert plain(read_series(paths)) == plain(expected)


def test_reading_does_not_depend_on_names_or_instance_numbers(tmp_path: Path) -> None:
    paths = ct_series_write(tmp_path, calcium_ct())
    expected = read_series(paths)
    renamed = [path.rename(path.with_name(f"{hash(path.name) % 10**6}-{place}")) for place, path in enumerate(paths)]
    assert plain(read_series(renamed)) == plain(expected)


def test_reading_describes_the_volume(tmp_path: Path) -> None:
    hu = calcium_ct()
    reading = read_series(ct_series_write(tmp_path, hu, spacing_zyx_mm=(3.0, 0.5, 0.75)))
    assert (reading.modality, reading.value_unit, reading.instance_count) == ("CT", "[hnsf'U]", 40)
    assert reading.shape_zyx == (40, 72, 72)
    assert reading.spacing_zyx_mm == (3.0, 0.5, 0.75)
    assert reading.value_range == (hu.round().min(), 450)
    assert reading.decoders[0].startswith("1.2.840.10008.1.2.1 numpy ")
    assert reading.volume_sha256 is not None
    assert [image.name for image in reading.key_images] == ["mid-slice", "calcium-1", "calcium-2"]
    assert reading.key_images[0].sop_instance_uid != reading.key_images[1].sop_instance_uid


def test_one_bad_file_refuses_the_series_by_name(tmp_path: Path) -> None:
    paths = ct_series_write(tmp_path, calcium_ct())
    paths[7].write_bytes(paths[7].read_bytes()[:-100])
    reading = read_series(paths)
    assert (reading.accepted, reading.reason_code, reading.instance_count) == (False, "TRUNCATED", 40)
    assert reading.sentence is not None
    assert reading.sentence.startswith("0007.dcm is refused: ")
    assert read_series(paths[::-1]).sentence == reading.sentence


def test_nothing_to_read_is_refused() -> None:
    assert read_series([]).reason_code == "NO_FILES"


@given(st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_damaged_files_never_raise_or_warn(
    tmp_path_factory: pytest.TempPathFactory, damage_originals: dict[str, list[bytes]], data: st.DataObject
) -> None:
    modality = data.draw(st.sampled_from(sorted(damage_originals)))
    contents = [bytearray(content) for content in damage_originals[modality]]
    for _ in range(data.draw(st.integers(1, 8))):
        content = data.draw(st.sampled_from(contents))
        content[data.draw(st.integers(128, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del contents[0][data.draw(st.integers(0, len(contents[0]))) :]
    folder = tmp_path_factory.mktemp("damaged")
    paths = [folder / str(place) for place in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    reading = read_series(paths)
    assert reading.accepted == (reading.reason_code is None)
    assert reading.accepted == (reading.shape_zyx is not None)
    if not reading.accepted:
        assert reading.reason_code is not None
        assert reading.reason_code.isupper()
        assert reading.sentence


@pytest.fixture(scope="module")
def damage_originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes]]:
    values = np.arange(4 * 36).reshape(4, 6, 6)
    written = {
        "CT": ct_series_write(tmp_path_factory.mktemp("ct"), values),
        "MR": mr_series_write(tmp_path_factory.mktemp("mr"), values, transfer_syntax_uid="1.2.840.10008.1.2.5"),
        "PT": pt_series_write(tmp_path_factory.mktemp("pt"), values.astype(float)),
        "implicit": ct_series_write(tmp_path_factory.mktemp("im"), values, transfer_syntax_uid="1.2.840.10008.1.2"),
    }
    return {name: [path.read_bytes() for path in paths] for name, paths in written.items()}


def test_every_file_that_pydicom_ships_is_accepted_or_refused_with_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(PYDICOM_FILES) > 100
    reason_codes = set()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in PYDICOM_FILES:
            reading = read_series([path])
            # No single file is a volume.
            assert not reading.accepted
            assert reading.reason_code, path.name
            assert reading.sentence, path.name
            reason_codes.add(reading.reason_code)
    assert {"SINGLE_SLICE", "SOP_CLASS", "NOT_DICOM", "TRANSFER_SYNTAX", "NO_PIXEL_DATA"} <= reason_codes
    assert capsys.readouterr() == ("", "")


def decoded_or_reason(path: Path) -> np.ndarray | str:
    try:
        instance = instance_read(path)
        instance_check(instance)
        decoders_used([instance.part10.transfer_syntax_uid])
        assert instance.pixel_format is not None
        return frame_decode(instance, instance.pixel_format)
    except SeriesRefusal as refusal:
        return refusal.reason_code


def test_every_slice_that_pydicom_ships_decodes_as_pydicom_decodes_it() -> None:
    compared = set()
    for path in PYDICOM_FILES:
        stored = decoded_or_reason(path)
        if isinstance(stored, str):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer = pydicom.dcmread(path)  # noqa: TID251  # the independent reading that ours is compared with
            np.testing.assert_array_equal(stored, peer.pixel_array, err_msg=path.name)
        compared.add(str(peer.file_meta.TransferSyntaxUID))
    native_and_compressed = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"}
    assert native_and_compressed | {"1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"} <= compared


def test_command_prints_one_json_object_for_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ct_series_write(tmp_path / "ct", calcium_ct())
    pt_series_write(tmp_path / "deep" / "pt", np.linspace(0, 9000, 4 * 64).reshape(4, 8, 8))
    (tmp_path / "notes.txt").write_text("not an image")
    assert main(["read", str(tmp_path), "--json"]) == 0
    series = json.loads(capsys.readouterr().out)["series"]
    by_modality = {one["modality"]: one for one in series}
    assert len(series) == 3
    assert by_modality["CT"]["accepted"]
    assert by_modality["CT"]["shape_zyx"] == [40, 72, 72]
    assert by_modality["CT"]["measurements"] == {}
    assert by_modality["CT"]["not_measured"]["agatston_score"]["reason_code"] == "NOT_CONFIRMED"
    assert by_modality["PT"]["measurements"]["suv_bw_max"].keys() == {"value", "unit", "method", "version"}
    assert by_modality["PT"]["measurements"]["suv_bw_max"]["unit"] == "g/mL{SUVbw}"
    assert by_modality[""]["reason_code"] == "NOT_DICOM"
    assert "notes.txt" in by_modality[""]["sentence"]
    documented = (
        "series_instance_uid modality accepted reason_code sentence shape_zyx spacing_zyx_mm value_range quality"
    )
    assert {*documented.split(), "measurements", "not_measured"} <= by_modality["CT"].keys()


def test_command_prints_a_readable_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ct_series_write(tmp_path, calcium_ct(), attributes={"SliceThickness": "2"})
    assert main(["read", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "accepted  40 x 72 x 72 voxels of 3 x 1 x 1 mm" in text
    assert "note      Slices leave gaps" in text
    assert "not made  agatston_score: Calcium not scored: slices are 2 mm thick" in text


def test_command_on_an_empty_folder_reads_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"series": []}


def test_command_on_a_missing_folder_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(tmp_path / "nowhere")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "nowhere is not a folder." in printed.err


@pytest.mark.parametrize(("slope", "intercept"), [("1e38", "0"), ("1e300", "0"), ("1", "1e39"), ("1e-300", "0")])
def test_values_that_32_bit_numbers_cannot_hold_are_not_said_to_be_equal(
    tmp_path: Path, slope: str, intercept: str
) -> None:
    rescale = {"RescaleSlope": slope, "RescaleIntercept": intercept}
    reading = read_series(ct_series_write(tmp_path, calcium_ct(), attributes=rescale))
    assert (reading.accepted, reading.reason_code) == (False, "RESCALE_RANGE")
    assert reading.sentence is not None
    assert f"rescaled by {float(slope):g} and {float(intercept):g} do not fit" in reading.sentence


def test_position_that_no_room_holds_is_refused_in_few_digits(tmp_path: Path) -> None:
    def edit(dataset: Dataset, index: int) -> None:
        dataset.ImagePositionPatient = ["0", "0", f"{index}e306"]

    reading = read_series(ct_series_write(tmp_path, np.arange(48).reshape(3, 4, 4), edit=edit))
    assert reading.reason_code == "BAD_POSITION"
    assert reading.sentence == "Image Position (Patient) 2e+306 mm is impossible; at most 100000 mm is read."


def test_file_names_and_headers_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a\x1b[2Jb\nPT  1.2.3\n  accepted\u202e.dcm").write_text("not an image")
    ct_series_write(tmp_path / "ct", calcium_ct(), attributes={"ConvolutionKernel": "B\x1b]0;title\x07"})
    assert main(["read", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert r"a\x1b[2Jb\nPT  1.2.3\n  accepted\u202e.dcm is refused" in text
    assert all(char == "\n" or char.isprintable() for char in text)
    assert len([line for line in text.splitlines() if "accepted  " in line]) == 1


def test_help_states_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["read", "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        assert "Exit status: 0 when the folder was read, a refused series included" in capsys.readouterr().out


def test_command_needs_neither_django_nor_torch(tmp_path: Path) -> None:
    ct_series_write(tmp_path, calcium_ct())
    code = (
        "import sys; from ml.__main__ import main; main(['read', sys.argv[1]]);"
        "print([name for name in ('django', 'torch', 'deepbet', 'celery') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.endswith("[]\n")
