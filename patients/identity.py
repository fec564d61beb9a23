"""Is this the same person? Compared without case, diacritics and component groups; missing is not different."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date

from patients.models import AdministrativeSex, Patient

# Letters that Unicode does not decompose into a base and a diacritic, in the spelling that ASCII devices use.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ŋ": "ng"}
)


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """What a sender says of a person. `system` is the issuer of `value`; empty when the sender names none."""

    system: str
    value: str
    family_name: str
    given_name: str
    birth_date: date | None
    sex: str

    @property
    def is_complete(self) -> bool:
        return bool(self.value.strip())


def name_normalised(name: str) -> str:
    """Letters only, without case and diacritics, of the alphabetic component group.

    >>> name_normalised("Müller-Lüdenscheidt=山田") == name_normalised("MULLER LUDENSCHEIDT")
    True
    """
    alphabetic = name.split("=", 1)[0]
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", alphabetic).casefold())
    return "".join(letter for letter in decomposed if letter.isalnum()).translate(_LETTERS)


def identity_differences(patient: Patient, identity: PatientIdentity) -> list[str]:
    """The names of the items that contradict each other; empty when nothing does."""
    differences = []
    names = [name_normalised(name) for name in (patient.family_name, identity.family_name)]
    if all(names) and names[0] != names[1]:
        differences.append("family name")
    if patient.birth_date and identity.birth_date and patient.birth_date != identity.birth_date:
        differences.append("birth date")
    stated = {AdministrativeSex.FEMALE, AdministrativeSex.MALE}
    if patient.sex in stated and identity.sex in stated and patient.sex != identity.sex:
        differences.append("sex")
    return differences
