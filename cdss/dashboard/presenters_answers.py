"""The questions only a person can answer, each with what is on record and who said it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cdss.assessments.policy.apply import CHILDBEARING_AGES
from cdss.assessments.services.known_rows import KnownRows
from cdss.dashboard.presenters_inputs import SOURCE_TYPES, source_words
from patients.models import Patient
from patients.terminology import QUESTIONS, Question


@dataclass(slots=True)
class QuestionRow:
    """`recorded_yes` names the diagnosis or drug that answers by itself; the form then asks nothing."""

    question: Question
    answer: str = ""
    answered_at: datetime | None = None
    answered_by: str = ""
    recorded_yes: str = ""
    chosen: str = ""
    errors: list[str] = field(default_factory=list)

    @property
    def options(self) -> list[tuple[str, str]]:
        return [*self.question.answers.items(), ("", "Not stated")]

    @property
    def answer_words(self) -> str:
        return self.question.answers.get(self.answer, self.answer)

    @property
    def is_open(self) -> bool:
        return not self.answer and not self.recorded_yes


def questions_asked(patient: Patient, age_years: int | None) -> list[Question]:
    """Pregnancy is asked where the policy asks it: of women of 18 to 50, and where sex or age is not recorded."""
    is_young = age_years is None or CHILDBEARING_AGES[0] <= age_years <= CHILDBEARING_AGES[1]
    may_be_pregnant = patient.sex != "male" and is_young
    return [question for question in QUESTIONS if question.feature != "pregnancy" or may_be_pregnant]


def present_questions(
    patient: Patient, known: KnownRows, names: Mapping[str, str], age_years: int | None
) -> list[QuestionRow]:
    rows = []
    for question in questions_asked(patient, age_years):
        row = QuestionRow(question)
        if yes := known.recorded_yes.get(question.feature):
            where = SOURCE_TYPES.get(yes.source_type, "record")
            row.recorded_yes = f"{yes.words} ({where}, {source_words(yes.source, names)})"
            row.answered_at = yes.effective_at
        if stated := known.answers.get(question.feature):
            row.answer = row.chosen = stated.value_code
            if not row.recorded_yes:
                row.answered_at, row.answered_by = stated.effective_at, source_words(stated.source, names)
        rows.append(row)
    return rows
