"""The fields of the form that changes a policy, each with what was typed and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cdss.assessments.models import Section
from cdss.assessments.policy.table import Policy, Row
from cdss.dashboard.form_policy import HIGH, LOW, ROLE, SENTENCE, SHOWN, PolicyForm
from cdss.dashboard.presenters_policy import OWN_AGES, REGION_WORDS, category_words, fact_words, number_words


@dataclass(frozen=True, slots=True)
class RowField:
    id: str
    title: str
    regions: str
    role_name: str
    role: str
    role_error: str
    low_name: str
    low: str
    high_name: str
    high: str
    own_ages: str
    ages_error: str


@dataclass(frozen=True, slots=True)
class SectionFields:
    title: str
    rows: list[RowField]


@dataclass(frozen=True, slots=True)
class SentenceField:
    id: str
    name: str
    code: str
    value: str
    error: str


@dataclass(frozen=True, slots=True)
class SentenceFields:
    title: str
    fields: list[SentenceField]

    @property
    def has_errors(self) -> bool:
        return any(item.error for item in self.fields)


@dataclass(frozen=True, slots=True)
class ShownField:
    name: str
    words: str
    is_shown: bool
    is_verified: bool  # otherwise it is named, with nothing to tick


@dataclass(frozen=True, slots=True)
class PolicyEdit:
    sections: list[SectionFields]
    sentences: list[SentenceFields]
    categories: list[ShownField]
    score2_region: str
    errors: list[str]


def present_policy_edit(policy: Policy, form: PolicyForm) -> PolicyEdit:
    changeable = [(place, row) for place, row in enumerate(policy.rows) if row.refusal is None]
    return PolicyEdit(
        sections=[
            SectionFields(label, [_row(place, row, form) for place, row in changeable if row.section == value])
            for value, label in Section.choices
        ],
        sentences=[
            _sentences("stops", "Refusals", [stop.code for stop in policy.stops], form),
            _sentences("questions", "Questions that are open", [item.fact for item in policy.questions], form),
            _sentences("notes", "Notes beside a number", [note.code for note in policy.notes], form),
        ],
        categories=[
            ShownField(SHOWN + item.key, category_words(item), form.values.get(SHOWN + item.key) == "on", item.verified)
            for item in policy.categories
        ],
        score2_region=form.values["score2_region"],
        errors=[sentence for place, sentence in form.errors.items() if not place],
    )


def _row(place: int, row: Row, form: PolicyForm) -> RowField:
    own = OWN_AGES.get(row.key)
    values = form.values
    return RowField(
        id=f"row-{place}",
        title=number_words(row.equation, row.outcome, row.horizon_years),
        regions=REGION_WORDS[row.regions[0]] if len(row.regions) == 1 else "",
        role_name=ROLE + row.key,
        role=values[ROLE + row.key],
        role_error=form.errors.get(ROLE + row.key, ""),
        low_name=LOW + row.key if own else "",
        low=values.get(LOW + row.key, ""),
        high_name=HIGH + row.key if own else "",
        high=values.get(HIGH + row.key, ""),
        own_ages=f"{own[0]} to {own[1]}" if own else "",
        ages_error=form.errors.get(LOW + row.key, ""),
    )


def _sentences(part: str, title: str, names: Iterable[str], form: PolicyForm) -> SentenceFields:
    keys = [(name, f"{SENTENCE}{part}/{name}") for name in names]
    return SentenceFields(
        title,
        [
            SentenceField(
                f"{part}-{name}",
                key,
                name if name.isupper() else fact_words(name),
                form.values[key],
                form.errors.get(key, ""),
            )
            for name, key in keys
        ],
    )
