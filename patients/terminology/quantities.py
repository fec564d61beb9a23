"""What is measured: the LOINC codes and units understood, and what can be right of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from cdss.core.errors import DomainError
from patients.terminology import units
from patients.terminology.systems import LOCAL_QUESTION, LOINC
from patients.terminology.units import Conversions, unit_spelled

LIFELONG, FIVE_YEARS, TWO_YEARS = 36525, 1826, 731


# What systems write where nothing was measured. A true 999 is refused with them: seldom, and for everybody to see.
SENTINELS = frozenset(Decimal(text) for text in ("-1", "-9", "-99", "-999", "-9999", "999", "9999", "99999", "999999"))


class UnknownUnitError(DomainError):
    status = 422
    code = "UNKNOWN_UNIT"


class ImplausibleValueError(DomainError):
    status = 422
    code = "IMPLAUSIBLE_VALUE"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measured feature: its canonical unit, the units accepted, and what is plausible."""

    feature: str
    title: str
    unit: str  # canonical, UCUM
    conversions: Conversions  # accepted UCUM unit -> conversion to the canonical unit
    plausible: tuple[Decimal, Decimal]  # in the canonical unit, inclusive
    max_age_days: int  # older than this it is too old to score
    loinc: tuple[str, ...] = ()
    local: str = ""  # its code among the questions of this product, where LOINC has none
    only_units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # code -> the units it can be in
    is_whole: bool = False
    unused_sentence: str = ""  # why no equation of this product uses it

    @property
    def codes(self) -> tuple[tuple[str, str], ...]:
        local = ((LOCAL_QUESTION, self.local),) if self.local else ()
        return tuple((LOINC, code) for code in self.loinc) + local

    def conversions_of(self, code: str) -> Conversions:
        only = self.only_units.get(code)
        return {unit: self.conversions[unit] for unit in only} if only else self.conversions


def _range(least: str, most: str) -> tuple[Decimal, Decimal]:
    return Decimal(least), Decimal(most)


_NO_TERM = "No equation of this product has a term for it; the value is kept and shown."

QUANTITIES = (
    Quantity(
        "systolic_bp_mmhg",
        "Systolic blood pressure",
        "mm[Hg]",
        units.PRESSURE,
        _range("50", "300"),
        TWO_YEARS,
        # 8480-6 is also the systolic component of the panels 85354-9 and 55284-4; sitting; by non-invasive method
        ("8480-6", "8459-0", "76534-7"),
    ),
    Quantity(
        "diastolic_bp_mmhg",
        "Diastolic blood pressure",
        "mm[Hg]",
        units.PRESSURE,
        _range("20", "200"),
        TWO_YEARS,
        ("8462-4", "8453-3", "76535-4"),
    ),
    Quantity(
        "total_cholesterol_mmol_l",
        "Total cholesterol",
        "mmol/L",
        units.CHOLESTEROL,
        _range("1.5", "20"),
        FIVE_YEARS,
        ("2093-3", "14647-2"),
    ),
    Quantity(
        "hdl_cholesterol_mmol_l",
        "HDL cholesterol",
        "mmol/L",
        units.CHOLESTEROL,
        _range("0.2", "5"),
        FIVE_YEARS,
        ("2085-9", "14646-4"),
    ),
    Quantity(
        "ldl_cholesterol_mmol_l",
        "LDL cholesterol",
        "mmol/L",
        units.CHOLESTEROL,
        _range("0.25", "20"),
        FIVE_YEARS,
        # mass: not stated, calculated, direct; molar: not stated, calculated, direct
        ("2089-1", "13457-7", "18262-6", "22748-8", "39469-2", "69419-0"),
    ),
    Quantity(
        "triglycerides_mmol_l",
        "Triglycerides",
        "mmol/L",
        units.TRIGLYCERIDES,
        _range("0.2", "60"),
        FIVE_YEARS,
        # mass and molar; then the same, fasting
        ("2571-8", "14927-8", "1644-4", "30524-3"),
        unused_sentence=_NO_TERM,
    ),
    Quantity(
        "glucose_mmol_l",
        "Glucose",
        "mmol/L",
        units.GLUCOSE,
        _range("1", "60"),
        TWO_YEARS,
        # serum or plasma and blood, mass and molar; then serum or plasma fasting, mass and molar
        ("2345-7", "14749-6", "2339-0", "15074-8", "1558-6", "14771-0"),
        unused_sentence=_NO_TERM,
    ),
    Quantity(
        "creatinine_umol_l",
        "Creatinine",
        "umol/L",
        units.CREATININE,
        _range("20", "2000"),
        TWO_YEARS,
        # serum or plasma, mass and molar; then blood
        ("2160-0", "14682-9", "38483-4", "59826-8"),
    ),
    Quantity(
        "hba1c_percent",
        "HbA1c",
        "%",
        units.HBA1C,
        _range("3.5", "20"),
        TWO_YEARS,
        ("4548-4", "17856-6", "59261-8"),
        # An IFCC result in % is another scale (a tenth of mmol/mol), not the NGSP's.
        only_units={"59261-8": ("mmol/mol",)},
    ),
    Quantity(
        "urine_albumin_creatinine_ratio_mg_g",
        "Urine albumin/creatinine ratio",
        "mg/g",
        units.ALBUMIN_CREATININE_RATIO,
        _range("0.1", "30000"),
        TWO_YEARS,
        ("9318-7", "14959-1", "32294-1", "30000-4", "14585-4"),
    ),
    Quantity(
        "lipoprotein_a_mg_dl",
        "Lipoprotein(a), by mass",
        "mg/dL",
        units.LIPOPROTEIN_A_MASS,
        _range("0.5", "500"),
        LIFELONG,
        ("10835-7",),
        unused_sentence=_NO_TERM,
    ),
    Quantity(
        "lipoprotein_a_nmol_l",
        "Lipoprotein(a), by amount",
        "nmol/L",
        units.LIPOPROTEIN_A_MOLAR,
        _range("1", "1000"),
        LIFELONG,
        ("43583-4",),
        unused_sentence=_NO_TERM,
    ),
    Quantity(
        "bmi_kg_m2",
        "Body mass index",
        "kg/m2",
        units.BODY_MASS_INDEX,
        _range("10", "90"),
        TWO_YEARS,
        ("39156-5",),
    ),
    Quantity(
        "body_weight_kg",
        "Body weight",
        "kg",
        units.MASS,
        _range("20", "400"),
        TWO_YEARS,
        ("29463-7", "3141-9"),
    ),
    Quantity(
        "body_height_cm",
        "Body height",
        "cm",
        units.LENGTH,
        _range("100", "250"),
        LIFELONG,
        ("8302-2", "3137-7", "8308-9"),
    ),
    Quantity(
        "body_temperature_cel",
        "Body temperature",
        "Cel",
        units.TEMPERATURE,
        _range("25", "45"),
        30,
        ("8310-5", "8331-1"),
        unused_sentence=_NO_TERM,
    ),
    Quantity(
        "cigarettes_per_day",
        "Cigarettes a day",
        "{cigarettes}/d",
        units.CIGARETTES_PER_DAY,
        _range("0", "200"),
        TWO_YEARS,
        ("64218-1",),
        unused_sentence="No equation of this product counts cigarettes; pack-years are computed from it and shown.",
    ),
    Quantity(
        "smoking_years",
        "Years of smoking",
        "a",
        units.YEARS,
        _range("0", "100"),
        TWO_YEARS,
        local="smoking-years",
        unused_sentence="No equation of this product counts years of smoking; pack-years are computed from it and "
        "shown.",
    ),
    Quantity(
        "pack_years",
        "Pack-years",
        "{PackYears}",
        units.PACK_YEARS,
        _range("0", "400"),
        TWO_YEARS,
        ("8664-5",),
        unused_sentence=_NO_TERM,
    ),
    Quantity(
        "education_years",
        "Years of education",
        "a",
        units.YEARS,
        _range("0", "40"),
        LIFELONG,
        local="education-years",
    ),
    Quantity(
        "sdi_decile",
        "Social deprivation index, decile",
        "1",
        units.NUMBER,
        _range("1", "10"),
        FIVE_YEARS,
        local="sdi-decile",
        is_whole=True,
    ),
    Quantity(
        "tia_duration_minutes",
        "Duration of the TIA's symptoms",
        "min",
        units.MINUTES,
        _range("0", "1440"),  # longer than a day it is a stroke
        14,
        local="tia-duration",
    ),
)
QUANTITY_OF_LOINC = {code: quantity for quantity in QUANTITIES for code in quantity.loinc}
QUANTITY_OF_CODE = {code: quantity for quantity in QUANTITIES for code in quantity.codes}
QUANTITY_OF_FEATURE = {quantity.feature: quantity for quantity in QUANTITIES}

_EGFR = "Not used: eGFR is computed here from creatinine by CKD-EPI 2021, so that every patient's is by one equation."
_POSTURE = "Not used: the risk equations are for the pressure of a seated person."
_NON_HDL = "Not used: non-HDL cholesterol is computed here from total and HDL cholesterol."
_RATIO = "Not used: the equations take total and HDL cholesterol themselves, not their ratio."
# Codes that are known, and not used for a reason worth telling.
UNUSED_LOINC: Mapping[str, str] = {
    **dict.fromkeys(("33914-3", "48642-3", "48643-1", "62238-1", "77147-7", "88293-6", "88294-4", "98979-8"), _EGFR),
    **dict.fromkeys(("8460-8", "8461-6", "8454-1", "8455-8"), _POSTURE),
    "43396-1": _NON_HDL,
    "9830-1": _RATIO,
    "85354-9": "A panel has no value of its own; send its components, 8480-6 and 8462-4.",
    "21619-2": "Not used: a genotype is not interpreted here; answer whether APOE e4 is carried.",
    "8663-7": "Not used: send cigarettes a day (64218-1); packs differ in size between countries.",
}


def unit_is_understood(*, quantity: Quantity, unit: str, code: str = "") -> bool:
    return unit_spelled(unit, quantity.conversions_of(code)) is not None


def unknown_unit_sentence(*, quantity: Quantity, unit: str, code: str = "") -> str:
    known = ", ".join(quantity.conversions_of(code))
    under = f" under {code}" if code in quantity.only_units else ""
    return f"{quantity.title} is not understood in {unit or 'no unit'!r}{under}; the units understood are {known}."


def quantity_canonical(*, quantity: Quantity, value: Decimal, unit: str, code: str = "") -> Decimal:
    """The value in the feature's canonical unit; refused, never guessed, when unit or value cannot be right.

    `code` is the LOINC code it was sent under: a few codes allow fewer units than their feature.

    >>> quantity_canonical(quantity=QUANTITY_OF_LOINC["2093-3"], value=Decimal(200), unit="mg/dL")
    Decimal('5.172')
    """
    known = quantity.conversions_of(code)
    spelled = unit_spelled(unit, known)
    if spelled is None:
        raise UnknownUnitError(unknown_unit_sentence(quantity=quantity, unit=unit, code=code), field="unit")
    if value in SENTINELS:
        raise ImplausibleValueError(_sentinel_sentence(quantity, value, spelled), field="value")
    canonical = known[spelled].to_canonical(value)
    if not _is_plausible(quantity, canonical):
        raise ImplausibleValueError(_implausible_sentence(quantity, value, spelled, known), field="value")
    return canonical


def _sentinel_sentence(quantity: Quantity, value: Decimal, unit: str) -> str:
    return (
        f"{quantity.title} {value.normalize():f} {unit} is refused: many systems write {value.normalize():f} for "
        "a missing value. Send nothing where nothing was measured."
    )


def _is_plausible(quantity: Quantity, canonical: Decimal) -> bool:
    least, most = quantity.plausible
    return least <= canonical <= most and not (quantity.is_whole and canonical % 1)


def _implausible_sentence(quantity: Quantity, value: Decimal, unit: str, known: Conversions) -> str:
    least, most = (known[unit].from_canonical(limit) for limit in quantity.plausible)
    whole = " in whole numbers" if quantity.is_whole else ""
    sentence = (
        f"{quantity.title} {value.normalize():f} {unit} cannot be right: "
        f"{least:.3g} to {most:.3g} {unit} is plausible{whole}."
    )
    likely = [
        other
        for other, conversion in known.items()
        if conversion != known[unit] and _is_plausible(quantity, conversion.to_canonical(value))
    ]
    return sentence + (f" It would be plausible in {likely[0]}; nothing was converted." if likely else "")
