"""What the free words of a CT header say of gating, contrast agent and rendering. Negated forms are always read first.

Scanners and technicians write "non-gated", "Thorax ohne EKG", "w/o contrast": a word that is found is not yet said.
Where words contradict each other the answer is the one that refuses the score.
"""

from __future__ import annotations

import re

_START, _END = r"(?<![a-z])", r"(?![a-z])"
_GAP = r"[^\w,;]*"  # a comma parts what is said: "no contrast, ECG" and "Chest no, ECG" deny no ECG
_NOT = rf"{_START}(?:non|no|not|without|w/?o|ohne|nicht|kein\w*|sans|sin|senza|un)"

_SIGNAL = r"(?:ecg|ekg|gat(?:ed|ing|e)|getriggert|trigger\w*|synchron\w*)"
_FILLER = r"(?:(?:cardiac|heart|prospective(?:ly)?|retrospective(?:ly)?|any|the|use|of)[^\w,;]+)*"
_UNGATED = re.compile(
    rf"{_NOT}{_GAP}{_FILLER}{_SIGNAL}"
    rf"|{_SIGNAL}{_GAP}(?:off|none|aus|disabled|absent|failed|false){_END}"
    rf"|{_SIGNAL}\s*[:=]\s*(?:no|n|0){_END}",
    re.IGNORECASE,
)
CALCIUM_SCORE = rf"calcium{_GAP}scor|{_START}ca[\W_]?sc(?!an|re)"  # "CaSc", "Ca Score", not "Ca scan" or "Ca screen"
_GATED = re.compile(rf"ecg|ekg|{_START}(?:gated|gating)|{CALCIUM_SCORE}", re.IGNORECASE)

_AGENT = (
    rf"(?:(?:iv|i\.v\.|intravenous){_GAP})?"
    rf"(?:con(?:trast\w*)?{_END}|kontrast\w*|km{_END}|enhance\w*|c?cta{_END}|angio(?!plast)\w*)"
)
_BOTH = re.compile(rf"{_START}(?:with|mit|w){_GAP}(?:(?:and|und){_GAP})?(?:without|ohne|w/?o){_END}", re.IGNORECASE)
_NO_CONTRAST = re.compile(
    rf"(?:{_NOT}|{_START}(?:pre|before|vor)){_GAP}{_AGENT}"
    rf"|(?:contrast|kontrast|km){_GAP}(?:none|no|off|nil|0){_END}"
    rf"|{_START}(?:nati[fv]e?|plain|ncct|nect){_END}",
    re.IGNORECASE,
)
_CONTRAST = re.compile(
    rf"{_START}(?:with|w|mit|avec|con|post|after|nach){_GAP}{_AGENT}"
    rf"|{_START}(?:c?cta|cect|bolus|enhanced){_END}|{_START}angio(?!plast)\w*|(?:contrast|kontrast)\w*"
    rf"|{_START}(?:arterial|venous|portal){_GAP}phase",
    re.IGNORECASE,
)
# Of letters alone, in capitals.
_NONE = re.compile(
    r"N|NA|NIL|NULL|FALSE|PLAIN|NATIVE?|UNENHANCED|NOT(?:APPLIED|GIVEN)|NOAGENT"
    r"|(?:NO|NONE|NON|WITHOUT|WO|OHNE)(?:IV)?(?:CONTRAST|KONTRAST|KONTRASTMITTEL|KM)?"
)
_ZERO = re.compile(r"0+(?:[.,:]0+)*(?:\s*ml)?", re.IGNORECASE)

_RENDERED = re.compile(
    rf"{_START}(?:mip|min[\W_]?ip|aip|vnc|vue|virtual\w*|mono[\W_]?e\w*|monoenerg\w*|monochrom\w*|projection"
    rf"{_GAP}image){_END}",
    re.IGNORECASE,
)


def ungated_words(text: str) -> str:
    """The words that say "not gated", or "".

    Parameters
    ----------
    text : str
        One attribute, or several put together.

    Returns
    -------
    str
        As they stand in the text.

    Examples
    --------
    >>> [ungated_words(text) for text in ("Chest non-gated low dose", "Thorax ohne EKG", "ECG gated, no contrast")]
    ['non-gated', 'ohne EKG', '']
    """
    return _found(_UNGATED, text)


def gated_words(text: str) -> str:
    """The words that say "gated", or ""; nothing where others deny it.

    Parameters
    ----------
    text : str
        One attribute, or several put together.

    Returns
    -------
    str
        As they stand in the text.

    Examples
    --------
    >>> [gated_words(text) for text in ("CaScSeq 3.0", "ECG gated", "UNGATED CHEST", "Navigated", "Lung Ca screen")]
    ['CaSc', 'ECG', '', '', '']
    """
    return "" if ungated_words(text) else _found(_GATED, text)


def contrast_words(text: str) -> str:
    """The words that say that contrast agent was given, or "".

    Parameters
    ----------
    text : str
        One attribute, or several put together.

    Returns
    -------
    str
        As they stand in the text.

    Examples
    --------
    >>> [contrast_words(text) for text in ("Coronary CTA", "CT heart w/wo", "Chest without contrast", "unenhanced")]
    ['CTA', 'w/wo', '', '']
    """
    return _found(_BOTH, text) or _found(_CONTRAST, _NO_CONTRAST.sub(" ", text.replace("_", " ")))


def no_contrast_words(text: str) -> str:
    """The words that say that none was given, or "".

    Parameters
    ----------
    text : str
        One attribute, or several put together.

    Returns
    -------
    str
        As they stand in the text.

    Examples
    --------
    >>> [no_contrast_words(text) for text in ("CT HEART W/O CONTRAST", "Thorax nativ", "Calcium score")]
    ['W/O CONTRAST', 'nativ', '']
    """
    return _found(_NO_CONTRAST, text)


def is_none(text: str) -> bool:
    """Whether the value of an attribute says "none": empty, zero, or a word for it.

    Parameters
    ----------
    text : str
        One attribute, or several put together.

    Returns
    -------
    bool

    Examples
    --------
    >>> [is_none(text) for text in ("", "NONE", "Unenhanced", "0.0", "w/o", "0 mL", "APPLIED", "80")]
    [True, True, True, True, True, True, False, False]
    """
    return (
        not text.strip()
        or bool(_ZERO.fullmatch(text.strip()))
        or bool(_NONE.fullmatch(re.sub(r"[\W_]", "", text).upper()))
    )


def rendered_words(text: str) -> str:
    """The words that say that the images are computed from others: projections, virtual or one-energy images.

    Parameters
    ----------
    text : str
        One attribute, or several put together.

    Returns
    -------
    str
        As they stand in the text.

    Examples
    --------
    >>> [rendered_words(text) for text in ("Heart MIP 8 mm", "VNC", "Calcium score")]
    ['MIP', 'VNC', '']
    """
    return _found(_RENDERED, text)


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text.replace("_", " "))
    return match[0].strip() if match else ""
