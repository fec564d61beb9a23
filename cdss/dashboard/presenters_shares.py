"""What a number is made of: each input's share of it against the reference person, as a bar and in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdss.assessments.models import Attribution
from cdss.dashboard.words import input_words, points_words, quantity_words

HALF_WIDTH = 96  # of a drawing 200 wide whose middle is the reference
LEAST = 0.005  # below it a share is 0.00 in the table, and no bar


@dataclass(frozen=True, slots=True)
class Share:
    """One input's share; `left` and `width` are its bar."""

    label: str
    value: str
    reference: str
    share: float
    share_words: str
    direction: str
    left: float
    width: float


def present_shares(attributions: Sequence[Attribution]) -> list[Share]:
    """In order of size, so that what matters most is read first."""
    rows = sorted(attributions, key=lambda row: (-abs(_amount(row)), row.position))
    largest = max((abs(_amount(row)) for row in rows), default=0.0) or 1.0
    return [_share(row, largest) for row in rows]


def _amount(row: Attribution) -> float:
    return float(row.points if row.points is not None else row.log_odds_or_hazard or 0.0)


def _share(row: Attribution, largest: float) -> Share:
    share = _amount(row)
    width = round(abs(share) / largest * HALF_WIDTH, 1)
    is_nothing = abs(share) < LEAST
    amount = points_words(abs(share)) if row.points is not None else f"{abs(share):.2f}"
    return Share(
        label=input_words(row.input),
        value=quantity_words(row.value, row.unit),
        reference=quantity_words(row.reference_value, row.unit),
        share=share,
        share_words=amount if is_nothing else f"{'+' if share > 0 else '−'}{amount}",
        direction="none" if is_nothing else "raises" if share > 0 else "lowers",
        left=round(100 - width, 1) if share < 0 else 100.0,
        width=width,
    )
