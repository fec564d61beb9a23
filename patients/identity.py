"""Is this the same person? Compared without case, diacritics and component groups; missing is not different."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from patients.models import AdministrativeSex, Patient

EARLIEST_DAY = date(1850, 1, 1)  # nobody alive was born before

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


def latest_day() -> date:
    """The last day that has begun somewhere on Earth."""
    return (timezone.now() + timedelta(hours=14)).date()


def name_normalised(name: str) -> str:
    """Letters only, without case and diacritics, of the alphabetic component group.

    >>> name_normalised("Müller-Lüdenscheidt=山田") == name_normalised("MULLER LUDENSCHEIDT")
    True
    """
    alphabetic = name.split("=", 1)[0]
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", alphabetic).casefold())
    return "".join(letter for letter in decomposed if letter.isalnum()).translate(_LETTERS)


def names_by_group(name: str) -> dict[int, str]:
    """The component groups (PS3.5 6.2.1: alphabetic, ideographic, phonetic) that state a name, normalised.

    >>> names_by_group("Yamada=山田")
    {0: 'yamada', 1: '山田'}
    """
    groups = {number: name_normalised(group) for number, group in enumerate(name.split("="))}
    return {number: group for number, group in groups.items() if group}


def _is_another_name(recorded: str, stated: str) -> bool:
    """Missing is not different; a name in another group than the recorded one is there, and nothing confirms it."""
    ours, theirs = names_by_group(recorded), names_by_group(stated)
    shared = ours.keys() & theirs.keys()
    return bool(ours and theirs) and (not shared or any(ours[group] != theirs[group] for group in shared))


def identity_differences(patient: Patient, identity: PatientIdentity) -> list[str]:
    """The names of the items that contradict each other; empty when nothing does."""
    differences = []
    if _is_another_name(patient.family_name, identity.family_name):
        differences.append("family name")
    if patient.birth_date and identity.birth_date and patient.birth_date != identity.birth_date:
        differences.append("birth date")
    stated = {AdministrativeSex.FEMALE, AdministrativeSex.MALE}
    if patient.sex in stated and identity.sex in stated and patient.sex != identity.sex:
        differences.append("sex")
    return differences
