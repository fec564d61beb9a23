"""Refusals as the page says them: one reason once, with every number it stands for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cdss.assessments.models import EstimateRole, RiskEstimate
from cdss.dashboard.words import equation_words, outcome_words

# An equation made for other people: there is nothing to do about it, so it is not pressed on the reader.
REGION = "REGION"
FOR_OTHERS = {REGION, "NO_AF", "NO_TIA", "NOT_IN_RELEASE"}
ONE_NUMBER = re.compile(r"^.{1,80}? is not shown: ")
# Its numbers are there for who asks; the page does not press them on anybody.
LIMITED_HORIZON = "LIMITED_HORIZON"
AGE_CODES = {"AGE_BELOW_RANGE", "AGE_ABOVE_RANGE"}
# What is not there, or cannot count, is outside no limit.
WITHOUT_LIMIT = ("MISSING_", "ACUTE_VALUES", "VALUE_TOO_OLD", "VALUE_NOT_UNDERSTOOD")


@dataclass(frozen=True, slots=True)
class Note:
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Refusal:
    reason_code: str
    sentence: str
    limit: str
    notes: list[Note]
    is_said: bool  # its sentence stands further up in the same section, alone under its code
    equations: list[str]  # "PREVENT: total cardiovascular disease (10 and 30 years), heart failure (10 years)"


def notes_of(estimate: RiskEstimate) -> list[Note]:
    """Each as a sentence, whatever the policy's author began and ended it with."""
    return [
        Note(item["code"], f"{item['sentence'][:1].upper()}{item['sentence'][1:].rstrip('.')}.")
        for item in estimate.notes
    ]


def present_refusals(estimates: Iterable[RiskEstimate], said: Iterable[Refusal] = ()) -> list[Refusal]:
    """`said` are those that stand above; a code that stands there with several sentences points to none of them."""
    reasons = Counter((refusal.reason_code, refusal.sentence, refusal.limit) for refusal in said)
    codes = Counter(code for code, _, _ in reasons.elements())
    found = [_refusal(group) for group in _groups(estimates)]
    return [
        replace(
            item,
            is_said=(item.reason_code, item.sentence, item.limit) in reasons and codes[item.reason_code] == 1,
        )
        for item in found
    ]


def without_notes(refusals: Iterable[Refusal], said: Iterable[Note]) -> list[Refusal]:
    """The refusals without the notes that are said for the whole section."""
    common = set(said)
    return [replace(item, notes=[note for note in item.notes if note not in common]) for item in refusals]


def refusals_by_weight(
    estimates: Iterable[RiskEstimate], *, has_primary: bool, has_number: bool
) -> tuple[list[Refusal], list[Refusal]]:
    """Those to be read in place of a number, and those that only complete the list."""
    groups = _groups(estimates)
    loud = [group for group in groups if _is_loud(group, has_primary)]
    if not loud and not has_primary:
        loud = _loud_without_primary(groups, has_number)
    return [_refusal(group) for group in loud], [_refusal(group) for group in groups if group not in loud]


def _loud_without_primary(groups: list[list[RiskEstimate]], has_number: bool) -> list[list[RiskEstimate]]:
    """That an equation is for another continent says why there is no number only where nothing else does."""
    for_this_person = [group for group in groups if group[0].reason_code not in FOR_OTHERS]
    if for_this_person or has_number:
        return for_this_person
    return [group for group in groups if group[0].reason_code != REGION] or groups


def _groups(estimates: Iterable[RiskEstimate]) -> list[list[RiskEstimate]]:
    groups: dict[tuple[str, str, str], list[RiskEstimate]] = {}
    for estimate in estimates:
        if estimate.reason_code:
            key = (estimate.reason_code, _without_name(estimate), _limit(estimate))
            groups.setdefault(key, []).append(estimate)
    return list(groups.values())


def _limit(estimate: RiskEstimate) -> str:
    return "" if estimate.reason_code.startswith(WITHOUT_LIMIT) else estimate.limit


def _without_name(estimate: RiskEstimate) -> str:
    """Equations of one family say the same with their own names and horizons in it."""
    named = estimate.sentence.replace(f" over {estimate.horizon_years} years", "", 1)
    return named.replace(equation_words(estimate.equation), "")


def _is_loud(group: list[RiskEstimate], has_primary: bool) -> bool:
    code = group[0].reason_code
    is_primary = any(item.role == EstimateRole.PRIMARY for item in group)
    return is_primary and code not in FOR_OTHERS and not (has_primary and code in AGE_CODES)


def _refusal(group: list[RiskEstimate]) -> Refusal:
    first = group[0]
    names = dict.fromkeys(item.equation for item in group)
    is_shared = len({item.sentence for item in group}) > 1
    return Refusal(
        reason_code=first.reason_code,
        sentence=ONE_NUMBER.sub("Not shown: ", first.sentence) if is_shared else first.sentence,
        limit=_limit(first),
        notes=list(dict.fromkeys(note for item in group for note in notes_of(item) if note.code != LIMITED_HORIZON)),
        is_said=False,
        equations=[_numbers_words([item for item in group if item.equation == name]) for name in names],
    )


def _numbers_words(estimates: list[RiskEstimate]) -> str:
    """One equation with the outcomes and horizons it would have given."""
    horizons: dict[str, list[int]] = {}
    for item in estimates:
        horizons.setdefault(outcome_words(item.outcome).title.lower(), []).append(item.horizon_years)
    outcomes = [f"{outcome}{_years_words(years)}" for outcome, years in horizons.items()]
    return f"{equation_words(estimates[0].equation)}: {', '.join(outcomes)}"


def _years_words(years: list[int]) -> str:
    told = [str(value) for value in years if value]
    return f" ({' and '.join(told)} years)" if told else ""
