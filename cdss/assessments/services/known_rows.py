"""The rows that were known at a moment: recorded by then, not replaced by then, not entered in error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeVar

from django.db.models import F, Q, QuerySet

from cdss.assessments.services.snapshot_moment import Moment, day_words
from patients.models import Condition, ConditionStatus, MedicationStatement, Observation, ObservationStatus, Patient
from patients.services.clinical_rows import CLOCK_TOLERANCE
from patients.terminology import (
    ATC,
    CONDITIONS,
    QUANTITY_OF_CODE,
    QUESTION_OF_CODE,
    QUESTION_OF_FEATURE,
    SNOMED_CT,
    CodedCondition,
    medication_answers,
)

_CODES = {code for _, code in (*QUANTITY_OF_CODE, *QUESTION_OF_CODE)}
PREGNANCY = "pregnancy"
HEART_FAILURE = "heart_failure"
AFTER_BIRTH_DAYS = 91
# Forty weeks and three months: after that a pregnancy that nobody has closed answers nothing any more.
PREGNANCY_DAYS = 280 + AFTER_BIRTH_DAYS
ON_THE_LIST = "recorded on the problem or medication list"


@dataclass(frozen=True, slots=True)
class RecordedYes:
    """A diagnosis or medication that answers a question by being on the list."""

    source_type: str
    row_id: str
    source: str
    words: str
    effective_at: datetime | None
    known_since: datetime  # when it was true from, or, where nobody said, when it was recorded
    expires_at: datetime | None = None
    rule: str = ON_THE_LIST


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """An entry of the problem list that is understood."""

    coded: CodedCondition
    row: Condition
    onset: date | None  # None also where the date recorded cannot be: from before the patient was born


@dataclass(frozen=True, slots=True)
class KnownRows:
    observations: dict[str, list[Observation]]  # feature -> newest first
    answers: dict[str, Observation]  # feature -> the latest
    recorded_yes: dict[str, RecordedYes]
    diagnoses: list[Diagnosis] = field(default_factory=list)  # earliest onset first, those without one last
    answer_counts: Counter[str] = field(default_factory=Counter)
    pregnancy_told_at: datetime | None = None  # an answer from before then is of an earlier pregnancy, or of before it


def rows_known_at(patient: Patient, as_of: datetime) -> KnownRows:
    """Three queries, whatever there is."""
    moment = Moment.of(patient, as_of)
    diagnoses = _diagnoses(patient, moment)
    known = KnownRows({}, {}, {}, diagnoses, pregnancy_told_at=_pregnancy_told_at(diagnoses, moment))
    _observations(known, patient, as_of)
    # Of cardiovascular disease, heart failure is named only where there is no other: it has a code of its own.
    for diagnosis in sorted(known.diagnoses, key=lambda item: HEART_FAILURE in item.coded.answers):
        _answered_by_diagnosis(known.recorded_yes, diagnosis, moment)
    for drug in _medication(patient, moment):
        _answered_by_drug(known.recorded_yes, drug, moment)
    return known


Row = TypeVar("Row", Observation, Condition, MedicationStatement)


def _known(rows: QuerySet[Row], as_of: datetime) -> QuerySet[Row]:
    return rows.filter(recorded_at__lte=as_of).filter(
        Q(replaced_by__isnull=True) | Q(replaced_by__recorded_at__gt=as_of)
    )


def _observations(known: KnownRows, patient: Patient, as_of: datetime) -> None:
    rows = _known(Observation.objects.filter(patient=patient, code__in=_CODES), as_of)
    # The sender's clock may run a little ahead of the database's, as far as the door tolerates.
    for row in rows.filter(effective_at__lte=as_of + CLOCK_TOLERANCE).order_by("-effective_at", "-recorded_at", "-id"):
        code = (row.code_system, row.code)
        question, quantity = QUESTION_OF_CODE.get(code), QUANTITY_OF_CODE.get(code)
        is_withdrawn = row.status == ObservationStatus.ENTERED_IN_ERROR
        if question is not None and row.value_code:
            # A withdrawn answer counts as the latest word: what was answered before it does not come back.
            known.answers.setdefault(question.feature, row)
            known.answer_counts[question.feature] += not is_withdrawn
        elif quantity is not None and row.value_quantity is not None and not is_withdrawn:
            known.observations.setdefault(quantity.feature, []).append(row)
    for name in [name for name, row in known.answers.items() if row.status == ObservationStatus.ENTERED_IN_ERROR]:
        del known.answers[name]


def _diagnoses(patient: Patient, moment: Moment) -> list[Diagnosis]:
    rows = _known(Condition.objects.filter(patient=patient, code_system=SNOMED_CT, code__in=CONDITIONS), moment.as_of)
    there = rows.filter(status__in=[ConditionStatus.ACTIVE, ConditionStatus.RESOLVED])
    found = [
        Diagnosis(CONDITIONS[row.code], row, _possible(row.onset_date, moment))
        for row in there.order_by("recorded_at", "id")
    ]
    return sorted(found, key=lambda item: item.onset or date.max)


def _possible(onset: date | None, moment: Moment) -> date | None:
    """Systems write a day like 1900-01-01 for "not known"; what began before birth began at a time nobody knows."""
    return None if onset and moment.birth_date and onset < moment.birth_date else onset


def _answered_by_diagnosis(found: dict[str, RecordedYes], diagnosis: Diagnosis, moment: Moment) -> None:
    """The earliest entry that answers is the one named; of what counts only while recent, the latest."""
    coded, row = diagnosis.coded, diagnosis.row
    if PREGNANCY in coded.answers:
        _answered_by_pregnancy(found, diagnosis, moment)
        return
    for feature in coded.answers:
        # "Resolved" ends diabetes; it does not undo an infarction or a stroke.
        if row.status == ConditionStatus.RESOLVED and QUESTION_OF_FEATURE[feature].ends_when_resolved:
            continue
        found.setdefault(feature, _on_the_list(diagnosis, moment))
    for feature, days in coded.answers_if_recent.items():
        expires_at = moment.start_of(diagnosis.onset, days_later=days + 1) if diagnosis.onset else None
        if expires_at is not None and moment.as_of < expires_at:
            found[feature] = _on_the_list(diagnosis, moment, expires_at)


def _answered_by_pregnancy(found: dict[str, RecordedYes], diagnosis: Diagnosis, moment: Moment) -> None:
    """Pregnant, or within three months after: the entry that holds longest is the one named."""
    row, rule = diagnosis.row, ON_THE_LIST
    ends = [_over_at(diagnosis, moment)]
    if row.status == ConditionStatus.RESOLVED:
        resolved_on = row.recorded_at.astimezone(moment.zone).date()
        # An import years later must not make somebody pregnant again: where the onset is known, it ends the wait too.
        ends = [moment.start_of(resolved_on, days_later=AFTER_BIRTH_DAYS), *(ends if diagnosis.onset else [])]
        rule = (
            f"recorded as resolved on {day_words(resolved_on)}; when the pregnancy ended is not recorded, so it counts "
            f"for {AFTER_BIRTH_DAYS} days from then"
        )
    expires_at = min((end for end in ends if end), default=None)
    held = found.get(PREGNANCY)
    if expires_at is None or moment.as_of >= expires_at:
        return
    if held is None or held.expires_at is None or held.expires_at < expires_at:
        found[PREGNANCY] = replace(_on_the_list(diagnosis, moment, expires_at), rule=rule)


def _over_at(diagnosis: Diagnosis, moment: Moment) -> datetime | None:
    since = diagnosis.onset or diagnosis.row.recorded_at.astimezone(moment.zone).date()
    return moment.start_of(since, days_later=PREGNANCY_DAYS)


def _pregnancy_told_at(diagnoses: Iterable[Diagnosis], moment: Moment) -> datetime | None:
    """An answer from before then is of a pregnancy on the list or from before it: its recording, or its end by then."""
    told = []
    for item in diagnoses:
        if PREGNANCY in item.coded.answers:
            begun = (moment.start_of(item.onset) if item.onset else None) or item.row.recorded_at
            over_at = _over_at(item, moment) or item.row.recorded_at
            told.append(min(max(item.row.recorded_at, begun), over_at))
    return max(told, default=None)


def _on_the_list(diagnosis: Diagnosis, moment: Moment, expires_at: datetime | None = None) -> RecordedYes:
    row = diagnosis.row
    return RecordedYes(
        source_type="CONDITION",
        row_id=str(row.id),
        source=row.source,
        words=diagnosis.coded.words,
        effective_at=moment.dated(diagnosis.onset),
        known_since=(moment.start_of(diagnosis.onset) if diagnosis.onset else None) or row.recorded_at,
        expires_at=expires_at,
    )


def _medication(patient: Patient, moment: Moment) -> QuerySet[MedicationStatement]:
    """Current medication; what is taken longest comes first."""
    rows = _known(MedicationStatement.objects.filter(patient=patient, code_system=ATC), moment.as_of)
    current = rows.filter(status="active").filter(Q(end_date__isnull=True) | Q(end_date__gte=moment.today))
    return current.order_by(F("end_date").desc(nulls_first=True), "start_date", "recorded_at", "id")


def _answered_by_drug(found: dict[str, RecordedYes], drug: MedicationStatement, moment: Moment) -> None:
    for feature in medication_answers(drug.code):
        answer = RecordedYes(
            source_type="MEDICATION",
            row_id=str(drug.id),
            source=drug.source,
            words=f"ATC {drug.code}",
            effective_at=moment.dated(drug.start_date),
            known_since=(moment.start_of(drug.start_date) if drug.start_date else None) or drug.recorded_at,
            expires_at=moment.start_of(drug.end_date, days_later=1) if drug.end_date else None,
        )
        found.setdefault(feature, answer)
