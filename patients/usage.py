"""Can this release use a clinical row at all? What is kept and not used is shown as such, with the reason."""

from __future__ import annotations

from typing import NamedTuple

from patients.models import ClinicalRow, Condition, MedicationStatement, Observation
from patients.terminology import (
    ATC,
    CONDITIONS,
    LOINC,
    QUANTITY_OF_CODE,
    QUESTION_OF_CODE,
    SNOMED_CT,
    UNUSED_LOINC,
    medication_answers,
    unit_is_understood,
    unknown_unit_sentence,
)


class UnusedReason(NamedTuple):
    code: str
    sentence: str


NOT_USED = UnusedReason("CODE_NOT_USED", "No equation of this release uses this code; the row is kept.")
REPLACED = UnusedReason("REPLACED", "A later row corrects this one.")
IN_ERROR = UnusedReason("ENTERED_IN_ERROR", "It was entered in error.")
NO_ANSWER = UnusedReason("CODE_NOT_USED", "A number was sent where an answer is expected; the row is kept.")
NO_NUMBER = UnusedReason("CODE_NOT_USED", "A coded answer was sent where a number is expected; the row is kept.")


def unused_reason(row: ClinicalRow) -> UnusedReason | None:
    """Why no assessment made now can use the row; None when it can. Each snapshot judges its age and setting."""
    if getattr(row, "replaced_by", None) is not None:
        return REPLACED
    return content_unused_reason(row)


def content_unused_reason(row: ClinicalRow) -> UnusedReason | None:
    """The same of what the row itself says, whatever came after it."""
    if getattr(row, "status", "") == "entered-in-error":
        return IN_ERROR
    match row:
        case Observation():
            return _observation_unused_reason(row)
        case Condition():
            is_used = row.code_system == SNOMED_CT and row.code in CONDITIONS
        case MedicationStatement():
            is_used = row.code_system == ATC and bool(medication_answers(row.code))
        case _:
            is_used = False
    return None if is_used else NOT_USED


def _observation_unused_reason(row: Observation) -> UnusedReason | None:
    code = (row.code_system, row.code)
    if code in QUESTION_OF_CODE:
        return None if row.value_quantity is None else NO_ANSWER
    quantity = QUANTITY_OF_CODE.get(code)
    if quantity is None:
        sentence = UNUSED_LOINC.get(row.code) if row.code_system == LOINC else None
        return UnusedReason(NOT_USED.code, sentence) if sentence else NOT_USED
    if row.value_quantity is None:
        return NO_NUMBER
    if not unit_is_understood(quantity=quantity, unit=row.unit, code=row.code):
        sentence = unknown_unit_sentence(quantity=quantity, unit=row.unit, code=row.code)
        return UnusedReason("UNKNOWN_UNIT", f"{sentence} The value is kept, not used, and nothing was converted.")
    return UnusedReason(NOT_USED.code, quantity.unused_sentence) if quantity.unused_sentence else None
