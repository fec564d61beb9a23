"""A synthetic patient as a hospital system would send it: the bodies of REST requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from patients.terminology import ATC, LOINC, QUANTITY_OF_FEATURE, QUESTION_OF_FEATURE, SNOMED_CT

Json = dict[str, Any]


def patient_body(item: Json) -> Json:
    identity = item["identity"]
    return {
        "identifier": {"system": identity["issuer"], "value": identity["mrn"]},
        "family_name": f"Synthetic-{identity['plain_family_name']}",
        "given_name": identity["given_name"],
        "birth_date": identity["birth_date"],
        "sex": {"F": "female", "M": "male"}[identity["sex"]],
    }


def observation_bodies(item: Json) -> list[Json]:
    measured = [
        {
            "code_system": LOINC,
            "code": row["loinc"],
            "value": row["value"],
            "unit": row["unit"],
            "effective_at": row["effective_at"],
            "setting": "ambulatory",
            "source_id": source_id(item, "observation", number),
        }
        for number, row in enumerate(item["observations"])
    ]
    stated = [
        {
            **_answer(row["question"], row["value"]),
            "effective_at": row["answered_at"],
            "source_id": source_id(item, "answer", number),
        }
        for number, row in enumerate(item["answers"])
    ]
    return measured + stated


def _answer(feature: str, value: str) -> Json:
    if question := QUESTION_OF_FEATURE.get(feature):
        return {"code_system": question.code_system, "code": question.code, "value_code": value}
    quantity = QUANTITY_OF_FEATURE[feature]
    code_system, code = quantity.codes[0]
    return {"code_system": code_system, "code": code, "value": value, "unit": quantity.unit}


def condition_bodies(item: Json) -> list[Json]:
    return [
        {
            "code_system": SNOMED_CT,
            "code": row["snomed_ct"],
            "onset_date": row["onset_date"],
            "source_id": source_id(item, "condition", number),
        }
        for number, row in enumerate(item["conditions"])
    ]


def medication_bodies(item: Json) -> list[Json]:
    return [
        {
            "code_system": ATC,
            "code": row["atc"],
            "start_date": row["start_date"],
            "source_id": source_id(item, "medication", number),
        }
        for number, row in enumerate(item["medications"])
    ]


def source_id(item: Json, kind: str, number: int) -> str:
    """An id of its own for each row, so that sending it twice is once."""
    return f"{item['identity']['mrn']}-{kind}-{number}"


ROWS_OF_KIND: dict[str, Callable[[Json], list[Json]]] = {
    "observations": observation_bodies,
    "conditions": condition_bodies,
    "medication-statements": medication_bodies,
}
