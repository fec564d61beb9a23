"""The positron emitters of DICOM PS3.16 CID 4020 and whether a stated half-life is one of theirs.

Half-lives: ICRP Publication 107, Nuclear decay data for dosimetric calculations, Ann ICRP 2008;38(3). The two
calibration sources of CID 4020, sodium-22 (2.6 years) and germanium-68 (271 days), are never injected and are left out.
"""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from ml.preprocessing.header import UNREADABLE, header_text

# Scanners differ in the last digits (6584 to 6600 s for F-18, 75 to 76.4 s for Rb-82), and no half-life in minutes or
# hours that is read as seconds falls this close to another nuclide's (Ga-66 in minutes is Cu-62, and nothing else).
HALF_LIFE_TOLERANCE = 0.02

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
HALF_LIVES_S = {
    "C-11": 20.39 * _MINUTE,
    "N-13": 9.965 * _MINUTE,
    "O-14": 70.606,
    "O-15": 122.24,
    "F-18": 109.77 * _MINUTE,
    "K-38": 7.636 * _MINUTE,
    "Ti-45": 184.8 * _MINUTE,
    "Fe-52": 8.275 * _HOUR,
    "Mn-52": 5.591 * _DAY,
    "Cu-60": 23.7 * _MINUTE,
    "Cu-61": 3.333 * _HOUR,
    "Cu-62": 9.673 * _MINUTE,
    "Zn-62": 9.186 * _HOUR,
    "Cu-64": 12.7 * _HOUR,
    "Ga-66": 9.49 * _HOUR,
    "Ga-68": 67.71 * _MINUTE,
    "As-72": 26.0 * _HOUR,
    "Se-73": 7.15 * _HOUR,
    "Br-75": 96.7 * _MINUTE,
    "Br-76": 16.2 * _HOUR,
    "Br-77": 57.036 * _HOUR,
    "Rb-82": 1.273 * _MINUTE,
    "Y-86": 14.74 * _HOUR,
    "Zr-89": 78.41 * _HOUR,
    "Y-90": 64.1 * _HOUR,
    "Tc-94m": 52.0 * _MINUTE,
    "I-124": 4.176 * _DAY,
}
# PS3.16 CID 4020: SNOMED CT, and the SNOMED-RT style codes of older scanners (some send them as 99SDM).
NUCLIDE_OF_CODE = {
    **dict.fromkeys(("40565003", "C-105A1"), "C-11"),
    **dict.fromkeys(("21576001", "C-107A1"), "N-13"),
    **dict.fromkeys(("424875009", "C-1018C"), "O-14"),
    **dict.fromkeys(("129504001", "C-B1038"), "O-15"),
    **dict.fromkeys(("77004003", "C-111A1"), "F-18"),
    **dict.fromkeys(("423764008", "C-135A4"), "K-38"),
    **dict.fromkeys(("75696008", "C-166A2"), "Ti-45"),
    **dict.fromkeys(("69089000", "C-130A1"), "Fe-52"),
    **dict.fromkeys(("37225000", "C-149A1"), "Mn-52"),
    **dict.fromkeys(("425364008", "C-127A4"), "Cu-60"),
    **dict.fromkeys(("71425003", "C-127A1"), "Cu-61"),
    **dict.fromkeys(("422934004", "C-127A5"), "Cu-62"),
    **dict.fromkeys(("65054007", "C-141A1"), "Zn-62"),
    **dict.fromkeys(("3932008", "C-127A2"), "Cu-64"),
    **dict.fromkeys(("79477007", "C-131A1"), "Ga-66"),
    **dict.fromkeys(("35337001", "C-131A3"), "Ga-68"),
    **dict.fromkeys(("2705002", "C-115A2"), "As-72"),
    **dict.fromkeys(("87437000", "C-116A2"), "Se-73"),
    **dict.fromkeys(("17910003", "C-113A1"), "Br-75"),
    **dict.fromkeys(("79523006", "C-113A2"), "Br-76"),
    **dict.fromkeys(("86521004", "C-113A3"), "Br-77"),
    **dict.fromkeys(("79197006", "C-159A2"), "Rb-82"),
    **dict.fromkeys(("10738001", "C-162A3"), "Y-86"),
    **dict.fromkeys(("63360001", "C-168A4"), "Zr-89"),
    **dict.fromkeys(("14691008", "C-162A7"), "Y-90"),
    **dict.fromkeys(("424079002", "C-163AA"), "Tc-94m"),
    **dict.fromkeys(("40937006", "C-114A5"), "I-124"),
}
_SYMBOLS = {
    **{"carbon": "C", "nitrogen": "N", "oxygen": "O", "fluorine": "F", "potassium": "K", "titanium": "Ti"},
    **{"iron": "Fe", "manganese": "Mn", "copper": "Cu", "zinc": "Zn", "gallium": "Ga", "arsenic": "As"},
    **{"selenium": "Se", "bromine": "Br", "rubidium": "Rb", "yttrium": "Y", "zirconium": "Zr", "technetium": "Tc"},
    "iodine": "I",
}
_MASS_FIRST = re.compile(r"\^?(\d{2,3}m?)\^?[ -]?([A-Za-z]+)")
_MASS_LAST = re.compile(r"([A-Za-z]+)[ -]?\^?(\d{2,3}m?)\^?")


def nuclide_of(tracer: Dataset) -> str:
    """The nuclide that a Radiopharmaceutical Information item names by its code or its code's meaning; "" for none.

    Parameters
    ----------
    tracer : Dataset
        The item.

    Returns
    -------
    str
        A key of HALF_LIVES_S, or "".

    References
    ----------
    DICOM PS3.16 CID 4020.

    Examples
    --------
    >>> code, tracer = Dataset(), Dataset()
    >>> code.CodeValue = "77004003"
    >>> tracer.RadionuclideCodeSequence = [code]
    >>> nuclide_of(tracer)
    'F-18'
    """
    try:
        items = tracer.get("RadionuclideCodeSequence") or []
    except UNREADABLE:
        return ""
    if len(items) != 1:
        return ""
    return NUCLIDE_OF_CODE.get(header_text(items[0], "CodeValue")) or nuclide_named(
        header_text(items[0], "CodeMeaning")
    )


def nuclide_named(text: str) -> str:
    """The nuclide of the table that a text names, "" for none.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        A key of HALF_LIVES_S, or "".

    Examples
    --------
    >>> nuclide_named("^18^Fluorine"), nuclide_named("F-18"), nuclide_named("68Ga"), nuclide_named("FDG")
    ('F-18', 'F-18', 'Ga-68', '')
    """
    if match := _MASS_FIRST.fullmatch(text.strip()):
        mass, element = match.groups()
    elif match := _MASS_LAST.fullmatch(text.strip()):
        element, mass = match.groups()
    else:
        return ""
    name = f"{_SYMBOLS.get(element.lower(), element.capitalize())}-{mass}"
    return name if name in HALF_LIVES_S else ""


def half_life_problem(half_life_s: float, nuclide: str) -> str | None:
    """What is wrong with a stated half-life, as one clause; None when it is that of the nuclide, or of any PET nuclide.

    Parameters
    ----------
    half_life_s : float
        Seconds.
    nuclide : str
        A key of HALF_LIVES_S, or "" where none is stated.

    Returns
    -------
    str or None

    References
    ----------
    ICRP Publication 107, Ann ICRP 2008;38(3).

    Examples
    --------
    >>> half_life_problem(6586.2, "F-18")
    >>> half_life_problem(109.77, "")
    'no PET nuclide has that half-life in seconds; in minutes it is that of F-18'
    """
    if nuclide:
        expected_s = HALF_LIVES_S[nuclide]
        is_its_own = _is_near(half_life_s, expected_s)
        return None if is_its_own else f"that of the stated nuclide {nuclide} is {expected_s:.5g} s"
    if _nuclide_with(half_life_s):
        return None
    for unit, seconds in (("minutes", _MINUTE), ("hours", _HOUR)):
        if name := _nuclide_with(half_life_s * seconds):
            return f"no PET nuclide has that half-life in seconds; in {unit} it is that of {name}"
    return "no PET nuclide has that half-life"


def _nuclide_with(half_life_s: float) -> str:
    return next((name for name, known_s in HALF_LIVES_S.items() if _is_near(half_life_s, known_s)), "")


def _is_near(half_life_s: float, known_s: float) -> bool:
    return abs(half_life_s - known_s) <= HALF_LIFE_TOLERANCE * known_s
