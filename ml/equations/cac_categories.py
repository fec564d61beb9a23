"""Categories of the Agatston score: CAC-DRS 2018 and Rumberger 1999. Words for an amount of calcium, not a risk.

Hecht HS, Blaha MJ, Kazerooni EA, et al. CAC-DRS: Coronary Artery Calcium Data and Reporting System. J Cardiovasc Comput
Tomogr 2018;12:185-191. doi:10.1016/j.jcct.2018.03.008: A0 0, A1 1-99, A2 100-299, A3 from 300 (400 is a common error).
The other grouping is in general use after Rumberger JA et al., Mayo Clin Proc 1999; its paper was not read.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from ml.equations.equation import PublishedEquation
from ml.equations.inputs import FloatArray, Quantity, checked_person

CacDrs = Literal["A0", "A1", "A2", "A3"]
RumbergerCategory = Literal["none", "minimal", "mild", "moderate", "severe"]
CAC_DRS: tuple[CacDrs, ...] = ("A0", "A1", "A2", "A3")
RUMBERGER: tuple[RumbergerCategory, ...] = ("none", "minimal", "mild", "moderate", "severe")

CAC_CATEGORIES = PublishedEquation(
    name="cac_categories",
    version="2018",
    label="Calcium categories",
    citation="Hecht HS, Blaha MJ, Kazerooni EA, et al. J Cardiovasc Comput Tomogr 2018;12:185-191",
    doi="10.1016/j.jcct.2018.03.008",
    module=__name__,
)
AGATSTON = Quantity(
    field="agatston_score",
    code="AGATSTON_SCORE",
    words="coronary calcium",
    unit="Agatston units",
    ucum="{Agatston_score}",
    low=0,
    high=50_000,
    source="plausibility limit of this project",
    missing_code="NOT_CONFIRMED",
    missing_sentence="Calcium not scored: not confirmed.",
)


def cac_drs(agatston_score: float | None) -> CacDrs:
    """The CAC-DRS category of an Agatston score: A0 0, A1 above 0 and below 100, A2 below 300, A3 from 300.

    Parameters
    ----------
    agatston_score : float or None
        Agatston units, 0-50 000, confirmed by a reader; None is "not scored" and refused, never taken as 0.

    Returns
    -------
    {"A0", "A1", "A2", "A3"}

    Raises
    ------
    EquationRefusal
        NOT_CONFIRMED without a score; not a finite number, below 0 or above 50 000.

    References
    ----------
    Hecht HS et al. J Cardiovasc Comput Tomogr 2018;12:185-191. doi:10.1016/j.jcct.2018.03.008

    Examples
    --------
    >>> cac_drs(0), cac_drs(99), cac_drs(100), cac_drs(300)
    ('A0', 'A1', 'A2', 'A3')
    """
    return CAC_DRS[int(_drs_index(_checked(agatston_score))[0])]


def rumberger_category(agatston_score: float | None) -> RumbergerCategory:
    """The word for an Agatston score: none 0, minimal to 10, mild to 100, moderate to 400, severe above 400.

    Parameters
    ----------
    agatston_score : float or None
        Agatston units, as in `cac_drs`.

    Returns
    -------
    {"none", "minimal", "mild", "moderate", "severe"}

    Raises
    ------
    EquationRefusal
        As `cac_drs`.

    References
    ----------
    In general use after Rumberger JA et al., Mayo Clin Proc 1999; the paper was not read.

    Examples
    --------
    >>> rumberger_category(10), rumberger_category(100), rumberger_category(400), rumberger_category(401)
    ('minimal', 'mild', 'moderate', 'severe')
    """
    return RUMBERGER[int(_rumberger_index(_checked(agatston_score))[0])]


def cac_categories_of_people(agatston_score: object) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    """The CAC-DRS categories and the words of many Agatston scores; empty where one score would be refused.

    Parameters
    ----------
    agatston_score : array of numbers, any shape
        Agatston units, NaN where there is no score.

    Returns
    -------
    tuple of two arrays of str
        As `cac_drs` and as `rumberger_category`, in the shape of `agatston_score`.

    Raises
    ------
    TypeError
        The dtype cannot hold numbers.

    References
    ----------
    As `cac_drs` and `rumberger_category`.

    Examples
    --------
    >>> cac_categories_of_people([0, 250, float("nan")])
    (array(['A0', 'A2', ''], dtype='<U2'), array(['none', 'moderate', ''], dtype='<U8'))
    """
    scores = AGATSTON.encode_array(AGATSTON.read_array(agatston_score))
    accepted = AGATSTON.accepts(scores)
    drs = np.where(accepted, np.array(CAC_DRS)[_drs_index(scores)], "")
    return drs, np.where(accepted, np.array(RUMBERGER)[_rumberger_index(scores)], "")


def _checked(agatston_score: float | None) -> FloatArray:
    return checked_person((AGATSTON,), {"agatston_score": agatston_score}, CAC_CATEGORIES.label)["agatston_score"]


def _drs_index(scores: FloatArray) -> npt.NDArray[np.intp]:
    return ((scores > 0).astype(np.intp) + (scores >= 100) + (scores >= 300)).astype(np.intp)


def _rumberger_index(scores: FloatArray) -> npt.NDArray[np.intp]:
    return ((scores > 0).astype(np.intp) + (scores > 10) + (scores > 100) + (scores > 400)).astype(np.intp)
