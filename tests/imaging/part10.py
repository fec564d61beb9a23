"""Part 10 objects for the door: small valid ones, and the pieces to spoil them with."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from tests.dicom import slice_dataset

MRN_ISSUER = "urn:test:mrn"
EXPLICIT = str(ExplicitVRLittleEndian)


def ct_dataset(index: int = 0, *, seed: str = "door", size: int = 8, **attributes: Any) -> Dataset:
    """One slice of a CT of one patient; the same seed and index give the same UIDs and bytes."""
    rng = np.random.default_rng(index)
    stored = rng.integers(0, 2000, (index + 1, size, size)).astype(np.uint16)
    dataset = slice_dataset(stored, index, modality="CT", seed=seed)
    dataset.IssuerOfPatientID = MRN_ISSUER
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = "1", "-1024", "HU"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def part10(dataset: Dataset, *, transfer_syntax_uid: str = EXPLICIT, **meta: Any) -> bytes:
    """The object as it goes over the wire; `meta` replaces what the file header says."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID") or generate_uid()
    dataset.file_meta.TransferSyntaxUID = EXPLICIT
    native = (EXPLICIT, "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")
    if transfer_syntax_uid not in native:
        dataset.compress(transfer_syntax_uid, generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = transfer_syntax_uid
    for keyword, value in meta.items():
        setattr(dataset.file_meta, keyword, value)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def ct_part10(index: int = 0, **options: Any) -> bytes:
    return part10(ct_dataset(index, **options))


def element(tag: int, vr: bytes, value: bytes, *, length: int | None = None) -> bytes:
    """One explicit VR little endian element, with whatever length it shall claim."""
    size = len(value) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    if vr in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
        return head + struct.pack("<HI", 0, size) + value
    return head + struct.pack("<H", size) + value


def with_element(content: bytes, raw: bytes) -> bytes:
    """The object with a raw element put in just before its pixel data."""
    at = content.index(b"\xe0\x7f\x10\x00")
    return content[:at] + raw + content[at:]


def in_character_set(dataset: Dataset, term: bytes) -> bytes:
    """The object with a Specific Character Set that no library would write."""
    dataset.SpecificCharacterSet = "ISO_IR 6"
    content, old = part10(dataset), element(0x00080005, b"CS", b"ISO_IR 6")
    assert content.count(old) == 1
    return content.replace(old, element(0x00080005, b"CS", term + b" " * (len(term) % 2)))
