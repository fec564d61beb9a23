from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from ml.errors import SeriesRefusal
from ml.preprocessing import decoders, volume
from ml.preprocessing.decoders import PINNED_DECODERS, decoders_used, frame_decode
from ml.preprocessing.dicom import instance_read
from ml.reading import read_series
from tests.dicom import ct_series_write, instance_save, series_write, slice_dataset

STORED = np.random.default_rng(0).integers(0, 4096, (2, 65, 49), dtype=np.uint16)


def decoded(path: Path) -> np.ndarray:
    instance = instance_read(path)
    assert instance.pixel_format is not None
    return frame_decode(instance, instance.pixel_format)


def refusal_of(path: Path) -> SeriesRefusal:
    with pytest.raises(SeriesRefusal) as refused:
        decoded(path)
    return refused.value


@pytest.mark.parametrize(
    ("transfer_syntax_uid", "dtype"),
    [
        (uid, dtype)
        for uid in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", RLELossless, JPEGLSLossless, JPEG2000Lossless)
        for dtype in (np.uint8, np.uint16, np.int16)
        if (uid, dtype) != (JPEGLSLossless, np.int16)  # pyjpegls does not encode signed values
    ],
)
def test_lossless_syntaxes_give_back_what_was_stored(tmp_path: Path, transfer_syntax_uid: str, dtype: type) -> None:
    stored = (STORED.astype(np.int32) // (16 if dtype is np.uint8 else 1) - (2048 if dtype is np.int16 else 0)).astype(
        dtype
    )
    path = series_write(tmp_path, stored, modality="MR", transfer_syntax_uid=transfer_syntax_uid)[1]
    np.testing.assert_array_equal(decoded(path), stored[1])


def test_unused_high_bits_do_not_reach_the_values(tmp_path: Path) -> None:
    dataset = slice_dataset(np.array([[[-5, 7]]], dtype=np.int16), 0, modality="MR")
    dataset.BitsStored, dataset.HighBit = 12, 11
    dataset.PixelData = np.array([0x3FFB, 0xF007], dtype="<u2").tobytes()  # -5 and 7 in 12 bits, with litter above
    path = instance_save(dataset, tmp_path / "a.dcm")
    assert decoded(path).tolist() == [[-5, 7]]


def test_odd_length_of_eight_bit_pixels_is_read(tmp_path: Path) -> None:
    path = series_write(tmp_path, np.arange(9, dtype=np.uint8).reshape(1, 3, 3), modality="MR")[0]
    assert decoded(path).tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


@pytest.mark.parametrize("rows", [64, 66, 4000])
def test_pixel_data_of_another_length_are_refused(tmp_path: Path, rows: int) -> None:
    dataset = slice_dataset(STORED, 0, modality="MR")
    dataset.Rows = rows
    assert refusal_of(instance_save(dataset, tmp_path / "a.dcm")).reason_code == "PIXEL_LENGTH"


@pytest.mark.parametrize("transfer_syntax_uid", [JPEGLSLossless, JPEG2000Lossless])
def test_codestream_of_another_size_is_refused_before_decoding(
    tmp_path: Path, transfer_syntax_uid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = series_write(tmp_path, STORED, modality="MR", transfer_syntax_uid=transfer_syntax_uid)[0]
    content = path.read_bytes()
    size = (
        (b"\x00\x41\x00\x31", b"\xff\xff\xff\xff")
        if transfer_syntax_uid == JPEGLSLossless
        else (
            b"\x00\x00\x00\x31\x00\x00\x00\x41",
            b"\x00\x00\xff\xff\x00\x00\xff\xff",
        )
    )
    assert size[0] in content
    path.write_bytes(content.replace(*size, 1))
    monkeypatch.setattr(decoders, "get_decoder", lambda uid: pytest.fail("the decoder was reached"))
    refusal = refusal_of(path)
    assert refusal.reason_code == "UNDECODABLE"
    assert "65535 x 65535" in refusal.sentence


@pytest.mark.parametrize("is_in_comment", [True, False])
def test_a_size_in_a_comment_does_not_hide_the_codestreams_own(
    tmp_path: Path, is_in_comment: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame header that the decoder will believe is the one that counts, wherever another one is written."""
    dataset = slice_dataset(STORED, 0, modality="MR")
    path = instance_save(dataset, tmp_path / "a.dcm", transfer_syntax_uid=JPEGLSLossless)
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    start = frame.index(b"\xff\xf7")
    header = frame[start : start + 11]
    rows, columns = header[5:7], header[7:9]
    huge = frame.replace(header, header[:5] + b"\xff\xff\xff\xff" + header[9:], 1)
    decoy = b"\xff\xfe" + (2 + len(header)).to_bytes(2, "big") + header if is_in_comment else b""
    dataset.PixelData = encapsulate([huge[:2] + decoy + huge[2:]])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.save_as(path, enforce_file_format=True)
    monkeypatch.setattr(decoders, "get_decoder", lambda uid: pytest.fail("the decoder was reached"))
    assert (int.from_bytes(rows, "big"), int.from_bytes(columns, "big")) == STORED.shape[1:]
    assert "65535 x 65535" in refusal_of(path).sentence


def test_a_codestream_left_in_its_jp2_file_is_read(tmp_path: Path) -> None:
    dataset = slice_dataset(STORED, 0, modality="MR")
    instance_save(dataset, tmp_path / "a.dcm", transfer_syntax_uid=JPEG2000Lossless)
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    siz = decoders._siz(frame)
    boxes = b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x14ftypjp2 \0\0\0\0jp2 " + b"\0\0\0\0jp2c"
    assert decoders._siz(decoders._unboxed(boxes + frame)) == siz == STORED.shape[1:]


@pytest.mark.parametrize("transfer_syntax_uid", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_damaged_stream_is_refused_by_name(tmp_path: Path, transfer_syntax_uid: str) -> None:
    dataset = slice_dataset(STORED, 0, modality="MR")
    path = instance_save(dataset, tmp_path / "a.dcm", transfer_syntax_uid=transfer_syntax_uid)
    dataset.PixelData = encapsulate([b"\x05\x04not an image at all"])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path, enforce_file_format=True)
    assert refusal_of(path).reason_code == "UNDECODABLE"


def damaged_series(folder: Path, segments: list[bytes]) -> list[Path]:
    """A series of 64 x 64 x 16 bits whose middle slice has these RLE segments."""
    stored = np.arange(3 * 64 * 64, dtype=np.uint16).reshape(3, 64, 64)
    paths = series_write(folder, stored, modality="MR", transfer_syntax_uid=RLELossless)
    starts = [64 + sum(map(len, segments[:place])) for place in range(len(segments))]
    header = struct.pack("<16I", len(segments), *starts, *[0] * (15 - len(segments)))
    dataset = slice_dataset(stored, 1, modality="MR")
    instance_save(dataset, paths[1], transfer_syntax_uid=RLELossless)
    dataset.PixelData = encapsulate([header + b"".join(segments)])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(paths[1], enforce_file_format=True)
    return paths


@pytest.mark.parametrize(
    "segments",
    [
        [b"\x81\x00" * 33] * 2,  # 128 bytes each, 33 times: more than the 4096 of a plane
        [b"\x81\x00" * 4000] * 2,
        [b"\x81\x00" * 31] * 2,  # less
        [b"\x81\x00" * 32],  # one plane of two
        [b"\x05\x00"] * 2,  # a run that goes on after its segment
    ],
)
def test_damaged_run_lengths_refuse_the_series_and_the_command_still_answers(
    tmp_path: Path, segments: list[bytes]
) -> None:
    # The decoder is written in Rust and panics on some of these: a BaseException, which ended the whole command.
    reading = read_series(damaged_series(tmp_path, segments))
    assert (reading.accepted, reading.reason_code) == (False, "UNDECODABLE")
    assert reading.sentence == "The RLE Lossless pixel data of 0001.dcm could not be decoded."
    command = [sys.executable, "-m", "ml", "read", str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert [one["reason_code"] for one in json.loads(done.stdout)["series"]] == ["UNDECODABLE"]


class PanicException(BaseException):
    """What PyO3 raises where Rust panics: it belongs to a module that cannot be imported."""

    __module__ = "pyo3_runtime"


class TimeIsUpError(Exception):
    """As a worker's time limit is raised in the middle of whatever runs."""


@pytest.mark.parametrize("transfer_syntax_uid", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize(
    "raised", [PanicException, RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit, TimeIsUpError]
)
def test_only_what_a_decoder_says_of_the_bytes_becomes_a_refusal(
    tmp_path: Path, transfer_syntax_uid: str, raised: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = series_write(tmp_path, STORED, modality="MR", transfer_syntax_uid=transfer_syntax_uid)[0]

    class Decoder:
        def as_array(self, *arguments: object, **options: object) -> None:
            raise raised

    monkeypatch.setattr(decoders, "get_decoder", lambda uid: Decoder())
    expected = SeriesRefusal if raised in (PanicException, RuntimeError) else raised
    with pytest.raises(expected):
        decoded(path)


def test_raw_pixels_under_a_compressed_syntax_are_refused(tmp_path: Path) -> None:
    path = series_write(tmp_path, STORED, modality="MR")[0]
    content = path.read_bytes().replace(b"1.2.840.10008.1.2.1\x00", b"1.2.840.10008.1.2.5\x00", 1)
    path.write_bytes(content)
    assert refusal_of(path).reason_code == "UNDECODABLE"


def test_syntax_without_a_permissive_decoder_is_refused_by_name() -> None:
    for uid, name in {
        "1.2.840.10008.1.2.4.50": "JPEG Baseline",
        "1.2.840.10008.1.2.4.70": "JPEG Lossless",
        "1.2.3": "1.2.3",
    }.items():
        with pytest.raises(SeriesRefusal, match=name) as refused:
            decoders_used([uid])
        assert refused.value.reason_code == "TRANSFER_SYNTAX"


def test_decoder_is_recorded_with_its_version(tmp_path: Path) -> None:
    labels = decoders_used(PINNED_DECODERS)
    assert len(labels) == len(PINNED_DECODERS)
    assert all(len(label.split()) == 3 for label in labels)
    reading = read_series(ct_series_write(tmp_path, STORED, transfer_syntax_uid=RLELossless))
    assert [label.rsplit(" ", 1)[0] for label in reading.decoders] == ["1.2.840.10008.1.2.5 pylibjpeg-rle"]


def test_frame_and_volume_limits_come_before_allocation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def edit(dataset: Dataset, _: int) -> None:
        dataset.Rows = dataset.Columns = 65535

    bomb = read_series(ct_series_write(tmp_path / "bomb", STORED, edit=edit))
    assert bomb.reason_code == "VOLUME_TOO_LARGE"
    paths = ct_series_write(tmp_path / "small", STORED)
    monkeypatch.setattr(decoders, "MAX_FRAME_BYTES", 1000)
    assert read_series(paths).reason_code == "FRAME_TOO_LARGE"
    monkeypatch.setattr(volume, "MAX_VOLUME_BYTES", 1000)
    assert read_series(paths).reason_code == "VOLUME_TOO_LARGE"
