"""What only a person can state, for whom it matters: each with what is on record and who said it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cdss.assessments.equation_inputs import FEATURE_OF_FIELD
from cdss.assessments.models import Assessment, EstimateRole
from cdss.assessments.services.answers import is_asked_again
from cdss.assessments.services.known_rows import KnownRows
from cdss.assessments.services.snapshot_acute import readable_of_moment
from cdss.assessments.services.snapshot_moment import Moment
from cdss.core.errors import DomainError
from cdss.dashboard.presenters_inputs import FORM, SOURCE_TYPES, source_words
from cdss.dashboard.words import quantity_words, unit_words
from patients.models import Patient
from patients.terminology import (
    ENTERED_QUANTITIES,
    QUESTIONS,
    Asked,
    EnteredQuantity,
    Question,
    QuestionGroup,
    quantity_canonical,
)

ASKED_FIRST = frozenset(
    {
        "prior_cardiovascular_disease",
        "prior_stroke_or_tia",
        "atrial_fibrillation",
        "pregnancy",
        "cognitive_disorder",
    }
)
LACKS = ("MISSING_", "VALUE_TOO_OLD")


@dataclass(slots=True)
class QuestionRow:
    """`recorded_yes` names the diagnosis or drug that answers by itself; the form then asks nothing.

    An answer that is too old to count stands in `expired`; the question is open again.
    """

    question: Question
    answer: str = ""
    answered_at: datetime | None = None
    answered_by: str = ""
    recorded_yes: str = ""
    expired: str = ""
    chosen: str = ""
    errors: list[str] = field(default_factory=list)

    @property
    def feature(self) -> str:
        return self.question.feature

    @property
    def options(self) -> list[tuple[str, str]]:
        return [*self.question.answers.items(), ("", "Not stated")]

    @property
    def answer_words(self) -> str:
        return self.question.answers.get(self.answer, self.answer)

    @property
    def is_open(self) -> bool:
        return not self.answer and not self.recorded_yes


@dataclass(slots=True)
class NumberRow:
    """A number that is entered on the page; `answer` is the one on record, in the entry's own unit."""

    entered: EnteredQuantity
    unit: str
    plausible: str
    answer: str = ""
    words: str = ""
    answered_at: datetime | None = None
    answered_by: str = ""
    is_from_form: bool = False
    typed: str = ""
    errors: list[str] = field(default_factory=list)

    @property
    def feature(self) -> str:
        return self.entered.quantity.feature

    @property
    def unit_to_tell(self) -> str:
        """Not "Years of education (years)"."""
        return "" if self.unit in self.entered.quantity.title.lower().split() else self.unit

    @property
    def is_open(self) -> bool:
        return not self.answer


@dataclass(slots=True)
class QuestionGroupRows:
    title: str
    questions: list[QuestionRow] = field(default_factory=list)
    numbers: list[NumberRow] = field(default_factory=list)
    is_wanted: bool = False  # a number of the page is withheld for want of one of its answers

    @property
    def rows(self) -> list[QuestionRow | NumberRow]:
        return [*self.questions, *self.numbers]

    @property
    def open_count(self) -> int:
        return sum(row.is_open for row in self.rows)

    @property
    def has_errors(self) -> bool:
        return any(row.errors for row in self.rows)


@dataclass(slots=True)
class Questions:
    """`first` is what keeps every number back until somebody states it; `groups` is the rest."""

    first: QuestionGroupRows
    groups: list[QuestionGroupRows]

    @property
    def all_groups(self) -> list[QuestionGroupRows]:
        return [self.first, *self.groups]

    @property
    def questions(self) -> list[QuestionRow]:
        return [row for group in self.all_groups for row in group.questions]

    @property
    def numbers(self) -> list[NumberRow]:
        return [row for group in self.all_groups for row in group.numbers]

    @property
    def has_errors(self) -> bool:
        return any(group.has_errors for group in self.all_groups)


@dataclass(frozen=True, slots=True)
class Withheld:
    """The features that withheld numbers wait for: histories, asked before anything else, and inputs."""

    needed: frozenset[str]
    wanted: frozenset[str]


def withheld_for(current: Assessment | None) -> Withheld:
    """The histories are asked for all at once, though each refusal names only the first that is open.

    What a number that would be shown first lacks is asked with them, where it is a question.
    """
    if current is None:
        return Withheld(ASKED_FIRST, frozenset())
    shown = [item for item in current.estimates.all() if item.role != EstimateRole.API]
    unknown = {item.field for item in shown if item.reason_code == "UNKNOWN_HISTORY"}
    lacking = {item.field for item in shown if item.role == EstimateRole.PRIMARY and item.reason_code.startswith(LACKS)}
    wanted = {FEATURE_OF_FIELD.get(name, name) for name in lacking}
    return Withheld((ASKED_FIRST | unknown if unknown else frozenset()) | wanted, frozenset(wanted))


def present_questions(
    patient: Patient,
    known: KnownRows,
    names: Mapping[str, str],
    *,
    age_years: int | None,
    now: datetime,
    withheld: Withheld,
    may_see_genetics: bool,
) -> Questions:
    """Only what matters for this person."""
    answers = {name: row.value_code for name, row in known.answers.items()} | dict.fromkeys(known.recorded_yes, "yes")

    def is_asked(asked: Asked) -> bool:
        return asked.is_for(age_years=age_years, sex=patient.sex, answers=answers, region=patient.organisation.region)

    moment = Moment.of(patient, now)
    first = QuestionGroupRows("")
    groups = {group: QuestionGroupRows(group.words) for group in QuestionGroup}
    for question in QUESTIONS:
        is_wanted = (question.on_page and is_asked(question.asked)) or _is_to_correct(question, known)
        if is_wanted and (may_see_genetics or not question.is_genetic):
            row = _question_row(question, known, names, moment)
            is_first = row.is_open and question.feature in withheld.needed
            (first if is_first else groups[question.group]).questions.append(row)
    for entered in ENTERED_QUANTITIES:
        if is_asked(entered.asked):
            groups[entered.group].numbers.append(_number_row(entered, known, names))
    for group in groups.values():
        group.is_wanted = any(row.is_open and row.feature in withheld.wanted for row in group.rows)
    return Questions(first, [group for group in groups.values() if group.questions or group.numbers])


def _is_to_correct(question: Question, known: KnownRows) -> bool:
    """A history that somebody stated stops numbers for whomever it is told of: there alone can it be taken back."""
    stated = known.answers.get(question.feature)
    is_history = question.is_yes_lasting or question.group in {QuestionGroup.HISTORY, QuestionGroup.STROKE}
    is_yes = stated is not None and stated.value_code == "yes"
    return is_history and is_yes and question.feature not in known.recorded_yes


def _question_row(question: Question, known: KnownRows, names: Mapping[str, str], moment: Moment) -> QuestionRow:
    row = QuestionRow(question)
    if yes := known.recorded_yes.get(question.feature):
        where = SOURCE_TYPES.get(yes.source_type, "record")
        row.recorded_yes = f"{yes.words} ({where}, {source_words(yes.source, names)})"
        row.answered_at = yes.effective_at
        return row  # the list answers, whatever somebody stated beside it
    stated = known.answers.get(question.feature)
    if stated is None:
        return row
    if is_asked_again(question, stated, known, moment):
        row.expired = question.answers.get(stated.value_code, stated.value_code)
    else:
        row.answer = row.chosen = stated.value_code
    row.answered_at, row.answered_by = stated.effective_at, source_words(stated.source, names)
    return row


def _number_row(entered: EnteredQuantity, known: KnownRows, names: Mapping[str, str]) -> NumberRow:
    quantity = entered.quantity
    least, most = (f"{limit.normalize():f}" for limit in quantity.plausible)
    row = NumberRow(entered, unit_words(quantity.unit), f"{least} to {most}")
    rows = known.observations.get(quantity.feature, [])
    stated = readable_of_moment(rows, rows[0]) if rows else None
    if stated is not None and stated.value_quantity is not None:
        row.words = quantity_words(f"{stated.value_quantity.normalize():f}", stated.unit)
        row.answered_at, row.answered_by = stated.effective_at, source_words(stated.source, names)
        row.is_from_form = stated.source.startswith(FORM)
        with contextlib.suppress(DomainError):  # not understood: what was sent is shown, and the field stays empty
            canonical = quantity_canonical(
                quantity=quantity, value=stated.value_quantity, unit=stated.unit, code=stated.code
            )
            row.answer = row.typed = f"{canonical.normalize():f}"
    return row
