"""Attributes of a header that pydicom has read: "" or None where one is missing or unreadable, never an error."""

from __future__ import annotations

import math
import struct

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

# What pydicom and its decoder plugins raise on bytes they do not understand.
UNREADABLE = (ArithmeticError, AttributeError, EOFError, LookupError, RuntimeError, TypeError, ValueError, struct.error)


def header_text(header: Dataset, keyword: str) -> str:
    """One attribute as text, values joined by a backslash; "" when it is missing, empty or unreadable.

    Parameters
    ----------
    header : Dataset
    keyword : str
        DICOM keyword, such as "SeriesDescription".

    Returns
    -------
    str

    Examples
    --------
    >>> header = Dataset()
    >>> header.Modality = "CT"
    >>> header_text(header, "Modality"), header_text(header, "BodyPartExamined")
    ('CT', '')
    """
    value = _header_value(header, keyword)
    if value is None:
        return ""
    return "\\".join(str(part) for part in value) if isinstance(value, MultiValue) else str(value).strip()


def header_items(header: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """The items of one sequence; none when it is missing, empty or unreadable.

    Parameters
    ----------
    header : Dataset
    keyword : str
        DICOM keyword of a sequence.

    Returns
    -------
    tuple of Dataset

    Examples
    --------
    >>> header_items(Dataset(), "ContrastBolusAgentSequence")
    ()
    """
    try:
        return tuple(header.get(keyword) or ())
    except UNREADABLE:
        return ()


def header_number(header: Dataset, keyword: str) -> float | None:
    """One attribute as a finite number; None when it is missing, empty, unreadable or has several values.

    Parameters
    ----------
    header : Dataset
    keyword : str
        DICOM keyword, such as "KVP".

    Returns
    -------
    float or None
        In the unit that DICOM gives the attribute.

    Examples
    --------
    >>> header = Dataset()
    >>> header.KVP = "120"
    >>> header_number(header, "KVP"), header_number(header, "EchoTime")
    (120.0, None)
    """
    try:
        number = float(_header_value(header, keyword))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _header_value(header: Dataset, keyword: str) -> object:
    try:
        return header.get(keyword)
    except UNREADABLE:
        return None
