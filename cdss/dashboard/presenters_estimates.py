"""Estimates as the page shows them: score cards, the MESA pair, thirty years, and each input's share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cdss.assessments.models import Attribution, EstimateRole, RiskEstimate
from cdss.dashboard.words import INPUTS, SCALES, equation_words, named, outcome_words, quantity_words

NO_INTERVAL = "This equation publishes no interval."
LONG_HORIZON_YEARS = 30

ICON_COLUMNS, ICON_STEP = 20, 10


@dataclass(frozen=True, slots=True)
class IconArray:
    """One hundred people as two SVG paths, those with the event first."""

    count: int
    with_event: str
    without_event: str
    words: str


@dataclass(frozen=True, slots=True)
class Share:
    """One input's share; `left` and `width` are the bar in a drawing 200 wide whose middle is the reference."""

    label: str
    value: str
    reference: str
    share: float
    share_words: str
    direction: str
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Card:
    estimate: RiskEstimate
    title: str
    event: str
    equation: str
    interval: str
    is_extrapolated: bool
    icons: IconArray | None
    shares: list[Share]
    no_difference: str
    scale: str


@dataclass(frozen=True, slots=True)
class CalciumPair:
    """MESA without and with calcium: one line, never beside PREVENT's total cardiovascular disease."""

    without: Card
    with_calcium: Card
    not_scored: str
    not_scored_code: str


@dataclass(frozen=True, slots=True)
class Estimates:
    primary: list[Card]
    calcium_pair: CalciumPair | None
    second: list[Card]
    explained: list[Card]


def present_estimates(estimates: Sequence[RiskEstimate]) -> Estimates:
    cards = [card(estimate) for estimate in estimates]
    by_equation = {item.estimate.equation: item for item in cards}
    pair = None
    if {"mesa_chd", "mesa_chd_cac"} <= by_equation.keys():
        pair = _calcium_pair(by_equation["mesa_chd"], by_equation["mesa_chd_cac"])
    primary = [item for item in cards if item.estimate.role == EstimateRole.PRIMARY]
    in_pair = {id(pair.without), id(pair.with_calcium)} if pair else set()
    second = [item for item in cards if item.estimate.role != EstimateRole.PRIMARY and id(item) not in in_pair]
    return Estimates(primary, pair, second, [item for item in cards if item.shares])


def card(estimate: RiskEstimate) -> Card:
    words = outcome_words(estimate.outcome)
    shares = present_shares(list(estimate.attributions.all()))
    return Card(
        estimate=estimate,
        title=words.title,
        event=words.event,
        equation=f"{equation_words(estimate.equation)} {estimate.equation_version}".strip(),
        interval=_interval(estimate),
        is_extrapolated=estimate.horizon_years >= LONG_HORIZON_YEARS,
        icons=icon_array(estimate.risk) if estimate.risk is not None else None,
        shares=shares,
        no_difference=", ".join(item.label.lower() for item in shares if item.direction == "none"),
        scale=SCALES.get(estimate.equation, "linear predictor"),
    )


def _interval(estimate: RiskEstimate) -> str:
    if estimate.risk is None:
        return ""
    if estimate.risk_low is None or estimate.risk_high is None or estimate.coverage is None:
        return NO_INTERVAL
    low, high = estimate.risk_low * 100, estimate.risk_high * 100
    return f"{estimate.coverage:.0%} interval {low:.1f} to {high:.1f} %"


def icon_array(risk: float) -> IconArray:
    """A fixed denominator of 100, rounded half up as the sentence beside it is."""
    count = min(100, math.floor(risk * 100 + 0.5))
    people = [_person(place) for place in range(100)]
    words = f"{count} of 100 people" if count else "fewer than 1 of 100 people"
    return IconArray(count, "".join(people[:count]), "".join(people[count:]), words)


def _person(place: int) -> str:
    x, y = place % ICON_COLUMNS * ICON_STEP, place // ICON_COLUMNS * (ICON_STEP + 4)
    head = f"M{x + 3} {y + 2.5}a2 2 0 1 1 4 0a2 2 0 1 1-4 0z"
    return f"{head}M{x + 2} {y + 12}v-4a3 3 0 0 1 6 0v4z"


def present_shares(attributions: Sequence[Attribution]) -> list[Share]:
    """In order of size, so that what matters most is read first."""
    rows = sorted(attributions, key=lambda row: (-abs(row.log_odds_or_hazard), row.position))
    largest = max((abs(row.log_odds_or_hazard) for row in rows), default=0.0) or 1.0
    return [_share(row, largest) for row in rows]


def _share(row: Attribution, largest: float) -> Share:
    share = row.log_odds_or_hazard
    width = round(abs(share) / largest * 96, 1)
    is_nothing = abs(share) < 0.005
    return Share(
        label=INPUTS.get(row.input) or named(row.input),
        value=quantity_words(row.value, row.unit),
        reference=quantity_words(row.reference_value, row.unit),
        share=share,
        share_words="0.00" if is_nothing else f"{'+' if share > 0 else '−'}{abs(share):.2f}",
        direction="none" if is_nothing else "raises" if share > 0 else "lowers",
        left=round(100 - width, 1) if share < 0 else 100.0,
        width=width,
    )


def _calcium_pair(without: Card, with_calcium: Card) -> CalciumPair:
    estimate = with_calcium.estimate
    return CalciumPair(without, with_calcium, estimate.sentence, estimate.reason_code)
