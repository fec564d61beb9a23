"""Which equation for whom, as data: what a policy is made of, and the default policy of an organisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Section = Literal["CARDIOVASCULAR", "STROKE", "DEMENTIA"]
Ages = tuple[int, int]  # inclusive, completed years

VERSION = "default-2"
OFF = "OFF"  # a row that this organisation does not ask for
ROLES = ("PRIMARY", "SECOND", "OLDER", "API", OFF)
REGIONS = ("US", "EUROPE")
SCORE2_REGIONS = ("low", "moderate", "high", "very_high")


@dataclass(frozen=True, slots=True)
class Stop:
    """A fact under which an equation does not apply. Fact and code are binding; the sentence may be worded otherwise.

    In a sentence, {recorded} is what is on file, with its date.
    """

    code: str
    fact: str
    answer: Literal["yes", "no"]  # with which it stops
    sentence: str
    reason_code: str = ""  # what a record says, where it is not `code`: one reason, worded for other equations


@dataclass(frozen=True, slots=True)
class Question:
    """A fact that must be answered before an equation that depends on it is shown: not recorded is not "no"."""

    fact: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence beside a number. With a fact it stands where that fact is true: beside a refusal too, if it is of the
    person and not of the number.
    """

    code: str
    sentence: str
    fact: str = ""
    is_of_number: bool = False


@dataclass(frozen=True, slots=True)
class RoleChange:
    """Where the fact is true, a row shown first or second takes this role; API sets aside whatever its role is."""

    fact: str
    role: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that is always refused."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Row:
    """One number: whom it is for, what stops it, and where it stands."""

    section: Section
    equation: str
    outcome: str
    horizon_years: int
    role: str
    ages: Ages | None = None  # within the equation's own; None where it has none
    regions: tuple[str, ...] = REGIONS
    elsewhere: str = ""  # the sentence of the refusal outside `regions`; empty: not asked for there
    asked_if: tuple[str, ...] = ()  # facts, all of them
    stops: tuple[str, ...] = ()  # codes, in the order in which they are named
    questions: tuple[str, ...] = ()  # facts, in the order in which they are asked
    roles_if: tuple[RoleChange, ...] = ()  # in turn, whatever role an organisation gives
    notes: tuple[str, ...] = ()  # codes
    refusal: Refusal | None = None
    is_genetic: bool = False

    @property
    def key(self) -> str:
        """Names the row within its policy."""
        parts = (self.section, self.equation, self.outcome, str(self.horizon_years), "+".join(self.regions))
        return "/".join(parts)


@dataclass(frozen=True, slots=True)
class Band:
    """A word for risks from `low` to below `high`, both as text of a share of 1; empty is open."""

    low: str
    high: str
    word: str


@dataclass(frozen=True, slots=True)
class Category:
    """A guideline's words for the numbers of some equations; unverified words are not shown by default."""

    key: str
    equations: tuple[str, ...]
    outcome: str
    horizon_years: int
    guideline: str
    year: int
    bands: tuple[Band, ...]
    ages: Ages | None = None
    asked_if: tuple[str, ...] = ()  # facts, all of them: of whom the guideline says it
    verified: bool = True  # False: read second-hand, not in the guideline itself
    is_shown: bool = True


@dataclass(frozen=True, slots=True)
class Policy:
    version: str
    score2_region: str | None  # of the hospital's country; None until somebody sets it
    stops: tuple[Stop, ...]
    questions: tuple[Question, ...]
    notes: tuple[Note, ...]
    rows: tuple[Row, ...]
    categories: tuple[Category, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a policy must know of an equation without computing it."""

    label: str  # as a sentence starts with it
    ages: dict[int, Ages]  # by horizon; empty: for every adult
    source: str = ""
    is_plural: bool = False


_PREVENT_AGES: dict[int, Ages] = {10: (30, 79), 30: (30, 59)}
_PREVENT = "Circulation 2024;149:430-449"
_FRAMINGHAM = "ages studied, Circulation 2008;117:743-753"
EQUATIONS: dict[str, Scope] = {
    "prevent_base": Scope("PREVENT", _PREVENT_AGES, _PREVENT),
    "prevent_hba1c": Scope("PREVENT with HbA1c", _PREVENT_AGES, _PREVENT),
    "prevent_uacr": Scope("PREVENT with UACR", _PREVENT_AGES, _PREVENT),
    "prevent_sdi": Scope("PREVENT with SDI", _PREVENT_AGES, _PREVENT),
    "prevent_full": Scope("PREVENT with HbA1c, UACR and SDI", _PREVENT_AGES, _PREVENT),
    "mesa_chd": Scope("MESA", {10: (45, 84)}, "ages studied, J Am Coll Cardiol 2015;66:1643-1653"),
    "mesa_chd_cac": Scope("MESA with calcium", {10: (45, 84)}, "ages studied, J Am Coll Cardiol 2015;66:1643-1653"),
    "score2": Scope("SCORE2", {10: (40, 69)}, "ages of the model, Eur Heart J 2021;42:2439-2454"),
    "score2_op": Scope("SCORE2-OP", {10: (70, 89)}, "ages of the ESC's charts, Eur Heart J 2021;42:2455-2467"),
    "pce_2013": Scope(
        "The Pooled Cohort Equations",
        {10: (40, 79)},
        "ages of the guideline, Circulation 2014;129(Suppl 2):S49-S73",
        is_plural=True,
    ),
    "pce_2018": Scope(
        "The revised Pooled Cohort Equations",
        {10: (40, 79)},
        "ages studied, Ann Intern Med 2018;169:20-29",
        is_plural=True,
    ),
    "framingham_2008_lipid": Scope("Framingham 2008", {10: (30, 74)}, _FRAMINGHAM),
    "framingham_2008_bmi": Scope("Framingham 2008 with BMI", {10: (30, 74)}, _FRAMINGHAM),
    "fsrp_2017": Scope(
        "The Framingham Stroke Risk Profile", {10: (55, 86)}, "Circulation 2017;135:1145-1159; to 86, the 1991 profile"
    ),
    "fsrp_1991": Scope(
        "The Framingham Stroke Risk Profile of 1991", {10: (55, 86)}, "scope of the profile, Stroke 1991;22:312-318"
    ),
    "cha2ds2_va": Scope("CHA2DS2-VA", {}),
    "cha2ds2_vasc": Scope("CHA2DS2-VASc", {}),
    "abcd2": Scope("ABCD2", {}),
    "caide_1": Scope("CAIDE", {20: (39, 64)}, "ages studied, Lancet Neurol 2006;5:735-741"),
    "caide_2": Scope("CAIDE with APOE", {20: (39, 64)}, "ages studied, Lancet Neurol 2006;5:735-741"),
    "bdsi": Scope("BDSI", {6: (65, 79)}, "ages studied, Alzheimers Dement 2014;10:656-665"),
    "libra": Scope("LIBRA", {}),
    # Refusals in the place of a number.
    "none": Scope("No equation", {}),
    "centiloid": Scope("Centiloid", {}),
}
