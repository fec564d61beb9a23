"""The codes and units understood. An unknown code or unit is stored and shown as unused; nothing is converted silently.

Every conversion of the product is in `patients.terminology.units`.
"""

from patients.terminology.conditions import CONDITIONS, CodedCondition
from patients.terminology.genetics import GENETIC_CODES, GENETIC_FEATURES, GENETIC_VALUE
from patients.terminology.medications import medication_answers
from patients.terminology.quantities import (
    QUANTITIES,
    QUANTITY_OF_CODE,
    QUANTITY_OF_FEATURE,
    QUANTITY_OF_LOINC,
    UNUSED_LOINC,
    ImplausibleValueError,
    Quantity,
    UnknownUnitError,
    quantity_canonical,
    unit_is_understood,
    unknown_unit_sentence,
)
from patients.terminology.questions import (
    ENTERED_QUANTITIES,
    ENTERED_QUANTITY_OF_FEATURE,
    QUESTION_OF_CODE,
    QUESTION_OF_FEATURE,
    QUESTIONS,
    SMOKING_ANSWERS,
    YES_NO,
    Asked,
    EnteredQuantity,
    Question,
    QuestionGroup,
)
from patients.terminology.systems import ATC, LOCAL_QUESTION, LOINC, SNOMED_CT, UCUM
from patients.terminology.units import CHOLESTEROL_MMOL_L_PER_MG_DL, CREATININE_UMOL_L_PER_MG_DL

__all__ = [
    "ATC",
    "CHOLESTEROL_MMOL_L_PER_MG_DL",
    "CONDITIONS",
    "CREATININE_UMOL_L_PER_MG_DL",
    "ENTERED_QUANTITIES",
    "ENTERED_QUANTITY_OF_FEATURE",
    "GENETIC_CODES",
    "GENETIC_FEATURES",
    "GENETIC_VALUE",
    "LOCAL_QUESTION",
    "LOINC",
    "QUANTITIES",
    "QUANTITY_OF_CODE",
    "QUANTITY_OF_FEATURE",
    "QUANTITY_OF_LOINC",
    "QUESTIONS",
    "QUESTION_OF_CODE",
    "QUESTION_OF_FEATURE",
    "SMOKING_ANSWERS",
    "SNOMED_CT",
    "UCUM",
    "UNUSED_LOINC",
    "YES_NO",
    "Asked",
    "CodedCondition",
    "EnteredQuantity",
    "ImplausibleValueError",
    "Quantity",
    "Question",
    "QuestionGroup",
    "UnknownUnitError",
    "medication_answers",
    "quantity_canonical",
    "unit_is_understood",
    "unknown_unit_sentence",
]
