"""Deciding, before anything is computed, which numbers are asked for, which are refused, and where each one stands."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Mapping
from typing import Any

from cdss.assessments.features import Features, age_completed
from cdss.assessments.policy.facts import CHILDBEARING_AGES, Fact, Facts, facts_of, may_be_pregnant
from cdss.assessments.policy.table import EQUATIONS, OFF, Note, Policy, Question, Row, Stop

__all__ = ["CHILDBEARING_AGES", "PolicyDecision", "may_be_pregnant", "policy_apply"]

ORDER_OF_SECTIONS = {"CARDIOVASCULAR": 0, "STROKE": 1, "DEMENTIA": 2}
ORDER_OF_ROLES = {"PRIMARY": 0, "SECOND": 1, "OLDER": 2, "API": 3}
SHOWN = frozenset({"PRIMARY", "SECOND"})


@dataclasses.dataclass(frozen=True, slots=True)
class PolicyDecision:
    """One row of the table for one person: computed when `reason_code` is empty, refused otherwise."""

    section: str
    equation: str
    outcome: str
    horizon_years: int
    role: str
    is_genetic: bool = False
    reason_code: str = ""
    sentence: str = ""
    field: str = ""
    field_value: str = ""
    limit: str = ""
    notes: list[dict[str, str]] = dataclasses.field(default_factory=list)  # [{"code", "sentence"}]

    def columns(self) -> dict[str, Any]:
        """By name, not copied: `dataclasses.asdict` took a third of an assessment's time."""
        return dict(zip(self.__slots__, _values(self), strict=True))


_values = operator.attrgetter(*PolicyDecision.__slots__)


@dataclasses.dataclass(frozen=True, slots=True)
class _Refused:
    code: str
    sentence: str
    field: str = ""
    field_value: str = ""
    limit: str = ""
    is_beside: bool = False  # the row is for other people: what is for this person stands first


@dataclasses.dataclass(frozen=True, slots=True)
class _Words:
    """A policy's stops, questions and notes by name."""

    stops: Mapping[str, Stop]
    questions: Mapping[str, Question]
    notes: Mapping[str, Note]


def _words(policy: Policy) -> _Words:
    return _Words(
        {stop.code: stop for stop in policy.stops},
        {question.fact: question for question in policy.questions},
        {note.code: note for note in policy.notes},
    )


def policy_apply(policy: Policy, features: Features, region: str) -> list[PolicyDecision]:
    """The policy applied to one snapshot."""
    facts = facts_of(features, region=region, score2_region=policy.score2_region)
    return decisions_of(policy, facts, age=age_completed(features), region=region)


def decisions_of(policy: Policy, facts: Facts, *, age: int | None, region: str) -> list[PolicyDecision]:
    """By section, what is shown first on top, otherwise in the table's order."""
    words = _words(policy)
    asked = [row for row in policy.rows if _is_asked(row, facts, region)]
    decisions = [_decide(row, words, facts, region, age) for row in asked]
    return sorted(decisions, key=lambda item: (ORDER_OF_SECTIONS[item.section], ORDER_OF_ROLES[item.role]))


def notes_beside_refusal(policy: Policy, notes: list[dict[str, str]]) -> list[dict[str, str]]:
    """What is still worth saying where there is no number: only what is true of this person."""
    of_a_person = {note.code for note in policy.notes if note.fact and not note.is_of_number}
    return [note for note in notes if note["code"] in of_a_person]


def _is_asked(row: Row, facts: Facts, region: str) -> bool:
    if row.role == OFF or (region not in row.regions and not row.elsewhere):
        return False
    return not row.asked_if or all(facts[name].answer == "yes" for name in row.asked_if)


def _decide(row: Row, words: _Words, facts: Facts, region: str, age: int | None) -> PolicyDecision:
    refused = _refused(row, words, facts, region, age)
    role = _role(row, facts)
    if refused is not None and refused.is_beside and role == "PRIMARY":
        role = "SECOND"
    return PolicyDecision(
        row.section,
        row.equation,
        row.outcome,
        row.horizon_years,
        role,
        row.is_genetic,
        refused.code if refused else "",
        refused.sentence if refused else "",
        refused.field if refused else "",
        refused.field_value if refused else "",
        refused.limit if refused else "",
        _notes(row, words, facts, is_refused=refused is not None),
    )


def _role(row: Row, facts: Facts) -> str:
    role = row.role
    for change in row.roles_if:
        if (role in SHOWN or change.role == "API") and facts[change.fact].answer == "yes":
            role = change.role
    return role


def _refused(row: Row, words: _Words, facts: Facts, region: str, age: int | None) -> _Refused | None:
    """A known reason comes before an open question: it will not go away when the question is answered."""
    if row.refusal is not None:
        return _Refused(row.refusal.code, row.refusal.sentence)
    if region not in row.regions:
        return _Refused("REGION", row.elsewhere, "region", is_beside=True)
    for code in row.stops:
        stop = words.stops[code]
        fact = facts[stop.fact]
        if fact.answer == stop.answer:
            return _Refused(stop.reason_code or code, filled(stop.sentence, fact), fact.feature)
    if (outside := _outside_ages(row, region, age)) is not None:
        return outside
    for name in row.questions:
        if facts[name].answer == "unknown":
            return _Refused("UNKNOWN_HISTORY", words.questions[name].sentence, facts[name].feature)
    return None


def filled(sentence: str, fact: Fact) -> str:
    """The only thing a sentence can hold is {recorded}: organisations word them, and a format string could do more."""
    return sentence.replace("{recorded}", fact.recorded)


def _outside_ages(row: Row, region: str, age: int | None) -> _Refused | None:
    if row.ages is None or age is None or row.ages[0] <= age <= row.ages[1]:
        return None
    scope = EQUATIONS[row.equation]
    own = scope.ages[row.horizon_years]
    side = 0 if age < row.ages[0] else 1
    code, verb, reach = (("AGE_BELOW_RANGE", "start", "from"), ("AGE_ABOVE_RANGE", "end", "to"))[side]
    verb, bound = verb if scope.is_plural else f"{verb}s", row.ages[side]
    over = f" over {row.horizon_years} years" if row.horizon_years else ""
    sentence = f"{scope.label}{over} {verb} at {bound}; this person is {age}."
    low, high, source = *own, scope.source
    if bound != own[side]:
        low, high, source = *row.ages, "the policy of this organisation"
        sentence = f"{scope.label}{over}: shown {reach} {bound} under this organisation's policy; this person is {age}."
    elif row.section == "CARDIOVASCULAR" and _is_last(row, region, age):
        none = f"No ten-year equation in this product for this region is validated at {age}."
        sentence = f"{scope.label} {verb} at {bound}. {none}"
    return _Refused(code, sentence, "age_years", str(age), f"{low} to {high} years; source: {source}")


@functools.cache
def _ten_year_ages(region: str) -> tuple[tuple[int, int], ...]:
    """The ages of every ten-year equation that the product has for this part of the world."""
    elsewhere = "score2" if region == "US" else "prevent"
    return tuple(
        scope.ages[10] for name, scope in EQUATIONS.items() if 10 in scope.ages and not name.startswith(elsewhere)
    )


def _is_last(row: Row, region: str, age: int) -> bool:
    """Whether no ten-year equation is left for somebody of this age."""
    return row.horizon_years == 10 and not any(low <= age <= high for low, high in _ten_year_ages(region))


def _notes(row: Row, words: _Words, facts: Facts, *, is_refused: bool) -> list[dict[str, str]]:
    return [
        {"code": note.code, "sentence": note.sentence}
        for note in map(words.notes.__getitem__, row.notes)
        if not (is_refused and (note.is_of_number or not note.fact))
        and (not note.fact or facts[note.fact].answer == "yes")
    ]
