"""Identifiers and random streams that depend on a seed and on nothing else: no clock, no operating-system entropy."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

DicomSex = Literal["F", "M"]

# Any fixed UUID serves as a namespace; changing it changes every UID ever generated.
_NAMESPACE = uuid.UUID("6d1f6c0a-6b7e-5d0e-9a55-0f5c1b1e7a10")
_SEPARATOR = "\x1f"

FAMILY_NAME_PREFIX = "Synthetic-"
SYNTHETIC_COMMENT = "SYNTHETIC - not a real patient"


def synthetic_uid(*parts: object) -> str:
    """Return the DICOM UID that belongs to `parts`: the 2.25 root and a name-based UUID (DICOM PS3.5 B.2, RFC 9562).

    Examples
    --------
    >>> synthetic_uid("study", 1) == synthetic_uid("study", 1), synthetic_uid("study", 1) == synthetic_uid("study", 2)
    (True, False)
    >>> len(synthetic_uid("study", 1)) <= 64 and synthetic_uid("study", 1).startswith("2.25.")
    True
    """
    return f"2.25.{uuid.uuid5(_NAMESPACE, _SEPARATOR.join(map(str, parts))).int}"


def seeded_generator(*parts: object) -> np.random.Generator:
    """Return an independent random stream for `parts`, so that adding one patient does not change another.

    Examples
    --------
    >>> float(seeded_generator("ct", 7).random()) == float(seeded_generator("ct", 7).random())
    True
    """
    digest = hashlib.sha256(_SEPARATOR.join(map(str, parts)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """Who a study says it is about; the family name carries the mark that it is nobody.

    Examples
    --------
    >>> PatientIdentity("Moreau", "Anna", date(1961, 4, 2), "F", "N-1", "north").dicom_name
    'Synthetic-Moreau^Anna'
    """

    plain_family_name: str
    given_name: str
    birth_date: date
    sex: DicomSex
    mrn: str
    issuer: str

    @property
    def family_name(self) -> str:
        return FAMILY_NAME_PREFIX + self.plain_family_name

    @property
    def dicom_name(self) -> str:
        return f"{self.family_name}^{self.given_name}"
