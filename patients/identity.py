"""Is this the same person? Compared after normalising case, diacritics and component groups; missing is not different."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date

from patients.models import AdministrativeSex, Patient


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
    decomposed = unicodedata.normalize("NFKD", alphabetic.replace("ß", "ss").replace("ø", "o").replace("Ø", "O"))
    return "".join(letter for letter in decomposed if letter.isalnum()).casefold()


def identity_differences(patient: Patient, identity: PatientIdentity) -> list[str]:
    """The names of the items that contradict each other; empty when nothing does."""
    differences = []
    if patient.family_name and identity.family_name:
        if name_normalised(patient.family_name) != name_normalised(identity.family_name):
            differences.append("family name")
    if patient.birth_date and identity.birth_date and patient.birth_date != identity.birth_date:
        differences.append("birth date")
    stated = {AdministrativeSex.FEMALE, AdministrativeSex.MALE}
    if patient.sex in stated and identity.sex in stated and patient.sex != identity.sex:
        differences.append("sex")
    return differences
