"""Loss that no attribute admits. Not covered: a reversible JPEG 2000 stream cut short, which looks like a whole one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSNearLossless

from ml.preprocessing.compression import is_compressed_with_loss
from ml.preprocessing.dicom import instance_read
from ml.preprocessing.part10 import Part10
from ml.reading import read_series
from tests.dicom import CALCIUM_ATTRIBUTES, ct_series_write, slice_dataset

HU = 40 + np.random.default_rng(0).normal(0, 10, (44, 64, 64)).clip(-60, 60)


def calcium_series(folder: Path, syntax: str, **options: object) -> list[Path]:
    """A calcium CT whose pixels are compressed as said, and which does not say so."""
    stored = (HU + 1024).round().astype(np.uint16)
    paths = []
    for index in range(len(stored)):
        dataset = slice_dataset(stored, index, modality="CT")
        for keyword, value in {**CALCIUM_ATTRIBUTES, "RescaleSlope": "1", "RescaleIntercept": "-1024"}.items():
            setattr(dataset, keyword, value)
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.compress(syntax, generate_instance_uid=False, **options)
        for keyword in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
            if keyword in dataset:
                del dataset[keyword]
        paths.append(folder / f"{index:04d}.dcm")
        dataset.save_as(paths[-1], enforce_file_format=True)
    return paths


@pytest.mark.parametrize(("syntax", "options"), [(JPEG2000, {"j2k_cr": [10]}), (JPEGLSNearLossless, {"jls_error": 3})])
def test_lossy_images_without_the_tag_are_not_scored(tmp_path: Path, syntax: str, options: dict[str, object]) -> None:
    reading = read_series(calcium_series(tmp_path, syntax, **options))
    assert [refusal.reason_code for refusal in reading.refusals] == ["LOSSY"]
    assert "LOSSY_COMPRESSION" in {finding.code for finding in reading.quality}


def test_lossless_images_in_a_syntax_that_allows_loss_are_not_lossy(tmp_path: Path) -> None:
    """The transform decides between the two uses of .91, and nothing in .90 or in raw pixels is suspected."""
    (path, *_) = calcium_series(tmp_path, JPEG2000Lossless)
    assert not instance_read(path).is_lossy
    renamed = path.read_bytes().replace(b"1.2.840.10008.1.2.4.90", b"1.2.840.10008.1.2.4.91")
    path.write_bytes(renamed)
    assert not instance_read(path).is_lossy
    assert not instance_read(ct_series_write(tmp_path / "raw", HU[:2])[0]).is_lossy


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"])
def test_8_and_12_bit_jpeg_are_lossy_by_their_syntax(syntax: str) -> None:
    assert is_compressed_with_loss(b"", Part10(syntax, 0, "PixelData", is_encapsulated=True))


SIZ = bytes.fromhex("ff4fff5100040000")
COD = "ff52000c0000000100050404000{}"
COC = "ff5300090000050404000{}"
SOT_SOD = "ff90000a0000{length:08x}0001"


@pytest.mark.parametrize(
    ("segments", "is_lossy"),
    [
        ([COD.format(1)], False),
        ([COD.format(0)], True),
        ([COD.format(1), COC.format(0)], True),
        ([], True),  # says no transform at all
        (
            [COD.format(1), SOT_SOD.format(length=12 + 14 + 2 + 2), COD.format(0), "ff930000"],
            True,
        ),  # in a tile's header
        ([COD.format(1), SOT_SOD.format(length=12 + 2 + 2), "ff93ff52", "ffd9"], False),  # data are no markers
    ],
)
def test_every_place_that_can_name_the_transform_is_read(segments: list[str], is_lossy: bool) -> None:
    stream = SIZ + b"".join(map(bytes.fromhex, segments)) + b"\xff\xd9" + bytes(16)
    part10 = Part10(JPEG2000, 0, "PixelData", 0, len(stream), is_encapsulated=True)
    assert is_compressed_with_loss(stream, part10) == is_lossy


def test_a_stream_that_never_ends_or_never_begins_is_not_called_lossless() -> None:
    for stream in (bytes(64), SIZ + bytes.fromhex(COD.format(1)) + b"\xff\x64\x00\x02" * 20_000):
        part10 = Part10(JPEG2000, 0, "PixelData", 0, len(stream), is_encapsulated=True)
        assert is_compressed_with_loss(stream, part10)
