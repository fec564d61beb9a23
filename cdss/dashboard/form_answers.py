"""The answers that somebody changed on the patient page, as rows to record; what was typed is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.http import QueryDict

from cdss.assessments.services.known_rows import KnownRows
from cdss.core.errors import DomainError
from cdss.dashboard.forms import typed
from cdss.dashboard.presenters_answers import NumberRow, QuestionRow, Questions
from patients.models import Observation, ObservationStatus
from patients.services.clinical_rows import NewObservation, NewRow
from patients.terminology import quantity_canonical

ANSWER, NUMBER, SEEN = "answer-", "number-", "seen-"
A_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,8})?")


def answers_of(posted: QueryDict, questions: Questions, now: datetime, known: KnownRows) -> list[NewRow]:
    """A question is changed when its answer differs from the one the page showed (`seen-...`).

    "Not stated", or an empty field, where an answer stood withdraws that answer; it does not become a "no" or a zero.
    """
    choices = [
        _choice(row, now, known.answers)
        for row in questions.questions
        if not row.recorded_yes and ANSWER + row.feature in posted and _is_choice_changed(row, posted)
    ]
    numbers = [
        _number(row, now, known.observations.get(row.feature, []))
        for row in questions.numbers
        if NUMBER + row.feature in posted and _is_number_changed(row, posted)
    ]
    return [*choices, *numbers]


def _is_choice_changed(row: QuestionRow, posted: QueryDict) -> bool:
    row.chosen = typed(posted, ANSWER + row.feature)
    seen = posted.get(SEEN + row.feature, row.answer)
    if row.chosen == seen:
        row.chosen = row.answer
    elif row.chosen and row.chosen not in row.question.answers:
        row.errors.append("This is not one of the answers.")
    elif seen != row.answer:
        row.errors.append(_meanwhile(row.answer_words))
    return row.chosen != row.answer and not row.errors


def _meanwhile(answer_words: str) -> str:
    return f"Somebody has answered this meanwhile: {answer_words or 'not stated'}. Check it again."


def _choice(row: QuestionRow, now: datetime, stated: Mapping[str, Observation]) -> NewObservation:
    question = row.question
    before = stated.get(row.feature)
    if row.chosen or before is None:
        return NewObservation(question.code_system, question.code, now, value_code=row.chosen)
    return _withdrawn(before)


def _is_number_changed(row: NumberRow, posted: QueryDict) -> bool:
    row.typed = typed(posted, NUMBER + row.feature)
    seen = posted.get(SEEN + row.feature, row.answer)
    if row.typed == seen:
        row.typed = row.answer
        return False
    if seen != row.answer:
        row.errors.append(_meanwhile(row.words))
    elif row.typed:
        row.errors += _number_errors(row)
    elif not row.is_from_form:
        row.errors.append(f"This value was sent by {row.answered_by}; correct it where it is recorded.")
    return not row.errors


def _number_errors(row: NumberRow) -> list[str]:
    quantity = row.entered.quantity
    if not A_NUMBER.fullmatch(row.typed):
        return ["Write one number with digits, and a point where it has decimals, such as 12.5."]
    try:
        quantity_canonical(quantity=quantity, value=Decimal(row.typed), unit=quantity.unit, code=row.entered.code)
    except DomainError as error:
        return [error.sentence]
    return []


def _number(row: NumberRow, now: datetime, stated: list[Observation]) -> NewObservation:
    entered = row.entered
    if row.typed or not stated:
        unit = entered.quantity.unit
        return NewObservation(entered.code_system, entered.code, now, value=Decimal(row.typed), unit=unit)
    return _withdrawn(stated[0])


def _withdrawn(row: Observation) -> NewObservation:
    return NewObservation(
        row.code_system,
        row.code,
        row.effective_at,
        value=row.value_quantity,
        unit=row.unit,
        value_code=row.value_code,
        status=ObservationStatus.ENTERED_IN_ERROR,
        replaces=row.id,
    )
