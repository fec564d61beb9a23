"""What is on file beside the record: values that nothing uses, and values that were refused at the door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cdss.dashboard.presenters_inputs import source_words
from cdss.dashboard.words import number_words, unit_words
from patients.models import Observation, RefusedObservation, Setting
from patients.selectors import UnusedObservation
from patients.terminology import LOINC, QUANTITY_OF_CODE, QUESTION_OF_CODE, SNOMED_CT

SYSTEMS = {LOINC: "LOINC", SNOMED_CT: "SNOMED CT"}


@dataclass(frozen=True, slots=True)
class UnusedRow:
    title: str
    code: str
    value: str
    effective_at: datetime
    setting: str
    source: str
    reason_code: str
    sentence: str


def present_unused(items: Iterable[UnusedObservation], names: Mapping[str, str]) -> list[UnusedRow]:
    return [
        _row(item.row, _sent(item.row.value_quantity, item.row), item.reason_code, item.sentence, names)
        for item in items
    ]


def present_refused(rows: Iterable[RefusedObservation], names: Mapping[str, str]) -> list[UnusedRow]:
    return [_row(row, _sent(row.value, row), row.reason_code, row.sentence, names) for row in rows]


def _sent(value: object, row: Observation | RefusedObservation) -> str:
    """Exactly what the source sent: nothing was understood of it, or nothing is done with it."""
    if value is None or value == "":
        return row.value_code
    return f"{number_words(str(value))} {unit_words(row.unit)}".strip()


def _row(
    row: Observation | RefusedObservation, value: str, reason_code: str, sentence: str, names: Mapping[str, str]
) -> UnusedRow:
    code = (row.code_system, row.code)
    known = QUANTITY_OF_CODE.get(code) or QUESTION_OF_CODE.get(code)
    return UnusedRow(
        title=known.title if known else "",
        code=f"{SYSTEMS.get(row.code_system, row.code_system)} {row.code}",
        value=value,
        effective_at=row.effective_at,
        setting=Setting(row.setting).label.lower(),
        source=source_words(row.source, names),
        reason_code=reason_code,
        sentence=sentence,
    )
