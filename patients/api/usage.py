"""Can this release use a clinical row at all? What is kept and not used is shown as such."""

from __future__ import annotations

from patients.models import ClinicalRow, Condition, MedicationStatement, Observation
from patients.terminology import (
    ATC,
    CONDITION_ANSWERS,
    LOINC,
    QUANTITY_OF_LOINC,
    QUESTION_OF_CODE,
    SNOMED_CT,
    medication_answers,
)

Reason = tuple[str, str]  # code, sentence

NOT_USED: Reason = ("CODE_NOT_USED", "No equation of this release uses this code; the row is kept.")
REPLACED: Reason = ("REPLACED", "A later row corrects this one.")
IN_ERROR: Reason = ("ENTERED_IN_ERROR", "It was entered in error.")


def unused_reason(row: ClinicalRow) -> Reason | None:
    """Why no assessment made now can use the row; None when it can. Each snapshot judges its age and setting."""
    if getattr(row, "replaced_by", None) is not None:
        return REPLACED
    if getattr(row, "status", "") == "entered-in-error":
        return IN_ERROR
    return None if _is_understood(row) else NOT_USED


def _is_understood(row: ClinicalRow) -> bool:
    match row:
        case Observation(value_quantity=None):
            return (row.code_system, row.code) in QUESTION_OF_CODE
        case Observation():
            return row.code_system == LOINC and row.code in QUANTITY_OF_LOINC
        case Condition():
            return row.code_system == SNOMED_CT and row.code in CONDITION_ANSWERS
        case MedicationStatement():
            return row.code_system == ATC and bool(medication_answers(row.code))
    return False
