"""Estimates as the page shows them: by section its numbers, what stands beside and behind them, each refusal once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cdss.assessments.models import EstimateRole, RiskEstimate, Section
from cdss.dashboard.presenters_refusals import (
    LIMITED_HORIZON,
    Note,
    Refusal,
    notes_of,
    present_refusals,
    refusals_by_weight,
    without_notes,
)
from cdss.dashboard.presenters_shares import Share, present_shares
from cdss.dashboard.words import OUTCOMES, equation_words, named, outcome_words, score_words

NO_INTERVAL = "This equation publishes no interval."
MESA, MESA_WITH_CALCIUM = "mesa_chd", "mesa_chd_cac"
NO_EQUATION = "none"  # a number that a policy says does not exist
AT_ONCE = {"FH_RANGE"}  # of the person and not of a number: read before the number it stands beside
SECTION_WORDS = {value: words.lower() for value, words in Section.choices}

ICON_COLUMNS, ICON_STEP = 20, 10


@dataclass(frozen=True, slots=True)
class IconArray:
    """One hundred people as two SVG paths, those with the event first."""

    count: int
    with_event: str
    without_event: str
    words: str


@dataclass(frozen=True, slots=True)
class Card:
    """One estimate with a number: a risk in percent, or a score in points; a score's own risk never leads."""

    estimate: RiskEstimate
    title: str
    event: str
    equation: str
    horizon: str
    score: str
    interval: str
    warnings: list[Note]
    notes: list[Note]
    categories: list[str]
    icons: IconArray | None
    shares: list[Share]
    no_difference: str
    scale: str


@dataclass(frozen=True, slots=True)
class CalciumPair:
    """MESA without and with calcium: one line, never beside PREVENT's total cardiovascular disease."""

    without: Card | None
    with_calcium: Card | None
    without_refused: RiskEstimate | None
    with_calcium_refused: RiskEstimate | None

    @property
    def shown(self) -> Card:
        card = self.without or self.with_calcium
        assert card is not None  # noqa: S101  a pair without a number is a refusal
        return card


@dataclass(frozen=True, slots=True)
class RiskRow:
    """One equation over one horizon: its risk of each outcome of the table, None where it has none."""

    equation: str
    horizon: str
    risks: list[Card | None]
    notes: list[Note]


@dataclass(frozen=True, slots=True)
class Beside:
    """Numbers that do not lead: risks as a table of equation by outcome, and scores."""

    cards: list[Card]
    outcomes: list[str]
    risks: list[RiskRow]
    scores: list[Card]

    @property
    def interval(self) -> str:
        """Said once where all have the same to say."""
        said = {card.interval for row in self.risks for card in row.risks if card}
        return said.pop() if len(said) == 1 else ""


@dataclass(frozen=True, slots=True)
class EstimateSection:
    """`notes` are what holds for every number of the section, and are said before the first one."""

    key: str
    title: str
    notes: list[Note]
    primary: list[Card]
    pair: CalciumPair | None
    second: Beside
    refusals: list[Refusal]
    quiet_refusals: list[Refusal]
    never_given: list[Refusal]
    older: Beside
    older_refusals: list[Refusal]
    explained: list[Card]
    collapsed_because: str

    @property
    def words(self) -> str:
        return SECTION_WORDS.get(self.key, self.title.lower())

    @property
    def has_number(self) -> bool:
        return bool(self.primary or self.pair or self.second.cards)


@dataclass(frozen=True, slots=True)
class Estimates:
    sections: list[EstimateSection]

    @property
    def collapsed_because(self) -> str:
        """The one sentence for which every section is collapsed."""
        said = {section.collapsed_because for section in self.sections}
        return said.pop() if len(said) == 1 else ""

    @property
    def explained(self) -> list[Card]:
        """Nothing of a collapsed section: its terms would tell its number."""
        return [card for section in self.sections if not section.collapsed_because for card in section.explained]


def present_estimates(estimates: Iterable[RiskEstimate], *, may_see_genetics: bool) -> Estimates:
    shown = [
        estimate
        for estimate in estimates
        if estimate.role != EstimateRole.API and (may_see_genetics or not estimate.is_genetic)
    ]
    sections = [
        _section(key, [item for item in shown if section_of(item) == key])
        for key in Section.values
        if any(section_of(item) == key for item in shown)
    ]
    return Estimates(sections)


def section_of(estimate: RiskEstimate) -> str:
    """Records from before there were sections have them all in the first; a stroke is still a stroke."""
    return Section.STROKE if estimate.outcome == "stroke" else estimate.section


def _section(key: str, estimates: Sequence[RiskEstimate]) -> EstimateSection:
    older = [item for item in estimates if item.role == EstimateRole.OLDER]
    never = [item for item in estimates if item.equation == NO_EQUATION]
    current = [item for item in estimates if item not in older and item not in never]
    mesa = {item.equation: item for item in current if item.equation in {MESA, MESA_WITH_CALCIUM}}
    is_pair = any(has_number(item) for item in mesa.values())
    rest = [item for item in current if not (is_pair and item.equation in mesa)]
    common = _common_notes(current, older)
    primary = _cards(rest, common, EstimateRole.PRIMARY)
    second = _cards(rest, common, EstimateRole.SECOND)
    pair = _pair(mesa, common) if is_pair else None
    in_pair = [card for card in (pair.without, pair.with_calcium) if card] if pair else []
    loud, quiet = refusals_by_weight(rest, has_primary=bool(primary), has_number=bool(primary or second or is_pair))
    in_line = [item for item in mesa.values() if is_pair and not has_number(item)]
    above = [*loud, *quiet, *present_refusals(in_line)]
    return EstimateSection(
        key=key,
        title=Section(key).label,
        notes=[note for note in common if note.code != LIMITED_HORIZON],
        primary=primary,
        pair=pair,
        second=beside(second),
        refusals=without_notes(loud, common),
        quiet_refusals=without_notes(quiet, common),
        never_given=present_refusals(never),
        older=beside([present_card(item, common) for item in older if has_number(item)]),
        older_refusals=without_notes(present_refusals(older, said=above), common),
        explained=[item for item in (*primary, *in_pair, *second) if item.shares],
        collapsed_because=_collapsed_because(estimates),
    )


def has_number(estimate: RiskEstimate) -> bool:
    return estimate.risk is not None or estimate.score is not None


def _collapsed_because(estimates: Sequence[RiskEstimate]) -> str:
    said = (note for item in estimates for note in notes_of(item))
    return next((note.sentence for note in said if note.code == LIMITED_HORIZON), "")


def _common_notes(current: Sequence[RiskEstimate], older: Sequence[RiskEstimate]) -> list[Note]:
    """What every number of a section says, so that it is said once; what is of the person, with the refusals too."""
    numbers = [notes_of(item) for item in current if has_number(item)]
    everywhere = [note for item in (*current, *older) for note in notes_of(item)]
    of_person = [note for note in dict.fromkeys(everywhere) if note.code in AT_ONCE and everywhere.count(note) > 1]
    of_numbers = (
        numbers[0] if len(numbers) > 1 else [n for notes in numbers for n in notes if n.code == LIMITED_HORIZON]
    )
    found = dict.fromkeys((*of_person, *of_numbers))
    return [note for note in found if all(note in notes for notes in numbers)]


def _cards(estimates: Sequence[RiskEstimate], said: Sequence[Note], role: EstimateRole) -> list[Card]:
    return [present_card(item, said) for item in estimates if item.role == role and has_number(item)]


def beside(cards: list[Card]) -> Beside:
    risks = [card for card in cards if not card.score]
    outcomes = list(dict.fromkeys(card.title for card in risks))
    rows: dict[tuple[str, str], dict[str, Card]] = {}
    for card in risks:
        rows.setdefault((card.equation, card.horizon), {})[card.title] = card
    return Beside(
        cards=cards,
        outcomes=outcomes,
        risks=[_risk_row(equation, horizon, found, outcomes) for (equation, horizon), found in rows.items()],
        scores=[card for card in cards if card.score],
    )


def _risk_row(equation: str, horizon: str, found: dict[str, Card], outcomes: list[str]) -> RiskRow:
    notes = dict.fromkeys(note for card in found.values() for note in (*card.warnings, *card.notes))
    return RiskRow(equation, horizon, [found.get(outcome) for outcome in outcomes], list(notes))


def _pair(mesa: dict[str, RiskEstimate], said: Sequence[Note]) -> CalciumPair:
    cards = {name: present_card(item, said) for name, item in mesa.items() if has_number(item)}
    refused = {name: item for name, item in mesa.items() if not has_number(item)}
    return CalciumPair(
        without=cards.get(MESA),
        with_calcium=cards.get(MESA_WITH_CALCIUM),
        without_refused=refused.get(MESA),
        with_calcium_refused=refused.get(MESA_WITH_CALCIUM),
    )


def present_card(estimate: RiskEstimate, said: Sequence[Note]) -> Card:
    """`said` are notes that stand elsewhere on the page."""
    words = outcome_words(estimate.outcome)
    shares = present_shares(list(estimate.attributions.all()))
    score = score_words(estimate.score, estimate.score_low, estimate.score_high) if estimate.score is not None else ""
    notes = [note for note in notes_of(estimate) if note not in said and note.code != LIMITED_HORIZON]
    return Card(
        estimate=estimate,
        title=words.title,
        event=words.event,
        equation=_versioned(equation_words(estimate.equation), estimate.equation_version),
        horizon=f"{estimate.horizon_years} years" if estimate.horizon_years else "",
        score=score,
        interval="" if score else _interval(estimate),
        warnings=[note for note in notes if note.code in AT_ONCE],
        notes=[note for note in notes if note.code not in AT_ONCE],
        categories=[_category(item) for item in estimate.categories],
        icons=icon_array(estimate.risk) if estimate.risk is not None and not score else None,
        shares=shares,
        no_difference=", ".join(item.label for item in shares if item.direction == "none"),
        scale=estimate.scale or "linear predictor",
    )


def _versioned(label: str, version: str) -> str:
    return label if not version or version in label else f"{label} {version}"


def _category(item: dict[str, Any]) -> str:
    """Word, range, outcome, guideline and year: the word never stands without them."""
    outcome = str(item["outcome"])
    title = OUTCOMES[outcome].title if outcome in OUTCOMES else named(outcome)
    second_hand = "" if item.get("verified", True) else "; read second-hand"
    return f"{item['word']} ({_range(item)}): {title}, {item['guideline']} {item['year']}{second_hand}"


def _range(item: dict[str, Any]) -> str:
    """Where the printed number equals the threshold that the unrounded one is below, the unrounded one is told."""
    held, exact = str(item["range"]), item.get("exact", "")
    return f"{held}; {exact} unrounded, below {held.rpartition('< ')[2]}" if exact else held


def _interval(estimate: RiskEstimate) -> str:
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
