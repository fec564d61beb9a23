"""What `ml` raises when it cannot answer. Every refusal has a reason code and one human sentence."""

from __future__ import annotations


class Refusal(Exception):
    """An honest no: the caller turns it into a result, never into a traceback.

    Parameters
    ----------
    reason_code : str
        Upper case, stable: what other programs compare.
    sentence : str
        What a person reads, with the value and its unit.

    Examples
    --------
    >>> Refusal("NOISE", "noise is 31 HU").reason_code
    'NOISE'
    """

    def __init__(self, reason_code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason_code = reason_code
        self.sentence = sentence


class SeriesRefusal(Refusal):
    """A series, or one file of it, that cannot be read as one regular volume of known values."""


class EquationRefusal(Refusal):
    """An equation that does not apply: names the field, its value, and the limit with the limit's source.

    Parameters
    ----------
    reason_code, sentence : str
        As in `Refusal`.
    field : str
        The input, with its unit in its name.
    value : float, str or None
        As recorded, in the unit of `field`; None is not recorded.
    limit : str or None
        What is accepted, with unit and source.

    Examples
    --------
    >>> from ml.equations.ckd_epi_2021 import egfr_ckd_epi_2021
    >>> try:
    ...     egfr_ckd_epi_2021(age_years=17, sex="female", creatinine_umol_l=70.0)
    ... except EquationRefusal as refusal:
    ...     refusal.reason_code, refusal.field, refusal.value
    ('AGE_BELOW_RANGE', 'age_years', 17.0)
    """

    def __init__(
        self,
        reason_code: str,
        sentence: str,
        *,
        field: str,
        value: float | str | None = None,
        limit: str | None = None,
    ) -> None:
        super().__init__(reason_code, sentence)
        self.field = field
        self.value = value
        self.limit = limit


class ReleaseError(Exception):
    """A release folder that is incomplete, altered, or does not reproduce its own expected outputs."""
