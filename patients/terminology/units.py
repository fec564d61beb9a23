"""Units as hospitals write them, and the exact conversions between those of one analyte. Every conversion is here.

No UCUM library: the best kept one (ucumvert 0.3 over pint, MIT) computes in binary floats and takes % and mmol/mol for
the same scale, so that an HbA1c of 48 mmol/mol would become 4.8 % instead of 6.5 %.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

# PREVENT's own factor; the reference cases of every equation use it.
CHOLESTEROL_MMOL_L_PER_MG_DL = Decimal("0.02586")
CREATININE_UMOL_L_PER_MG_DL = Decimal("88.4")
# AMA Manual of Style, SI conversion factors.
TRIGLYCERIDES_MMOL_L_PER_MG_DL = Decimal("0.01129")
GLUCOSE_MMOL_L_PER_MG_DL = Decimal("0.0555")
# KDIGO: 1 mg/mmol is 8.84 mg/g, the molar mass of creatinine being 113.12 g/mol.
ALBUMIN_CREATININE_MG_G_PER_MG_MMOL = Decimal("8.84")
# The NGSP's master equation: NGSP % = 0.09148 x IFCC mmol/mol + 2.152.
HBA1C_PERCENT_PER_MMOL_MOL, HBA1C_PERCENT_AT_ZERO = Decimal("0.09148"), Decimal("2.152")


@dataclass(frozen=True, slots=True)
class Conversion:
    """canonical = sent x factor + offset, exactly."""

    factor: Fraction
    offset: Fraction = Fraction(0)

    def to_canonical(self, value: Decimal) -> Decimal:
        return _decimal(Fraction(value) * self.factor + self.offset)

    def from_canonical(self, canonical: Decimal) -> Decimal:
        return _decimal((Fraction(canonical) - self.offset) / self.factor)


def _decimal(value: Fraction) -> Decimal:
    """Exact where decimals can be; else to the 28 digits of Python's decimals."""
    return Decimal(value.numerator) / Decimal(value.denominator)


Conversions = Mapping[str, Conversion]


AS_SENT = Conversion(Fraction(1))


def times(factor: Decimal | str | int) -> Conversion:
    return Conversion(Fraction(factor))


# Every unit in which a value of these is understood; between any two other units there is no conversion.
CHOLESTEROL: Conversions = {
    "mmol/L": AS_SENT,
    "mg/dL": times(CHOLESTEROL_MMOL_L_PER_MG_DL),
    "g/L": times(CHOLESTEROL_MMOL_L_PER_MG_DL * 100),
}
TRIGLYCERIDES: Conversions = {
    "mmol/L": AS_SENT,
    "mg/dL": times(TRIGLYCERIDES_MMOL_L_PER_MG_DL),
    "g/L": times(TRIGLYCERIDES_MMOL_L_PER_MG_DL * 100),
}
GLUCOSE: Conversions = {
    "mmol/L": AS_SENT,
    "mg/dL": times(GLUCOSE_MMOL_L_PER_MG_DL),
    "g/L": times(GLUCOSE_MMOL_L_PER_MG_DL * 100),
}
CREATININE: Conversions = {
    "umol/L": AS_SENT,
    "mg/dL": times(CREATININE_UMOL_L_PER_MG_DL),
    "mg/L": times(CREATININE_UMOL_L_PER_MG_DL / 10),
    "mmol/L": times(1000),
}
HBA1C: Conversions = {
    "%": AS_SENT,
    "mmol/mol": Conversion(Fraction(HBA1C_PERCENT_PER_MMOL_MOL), Fraction(HBA1C_PERCENT_AT_ZERO)),
}
ALBUMIN_CREATININE_RATIO: Conversions = {
    "mg/g": AS_SENT,
    "ug/mg": AS_SENT,
    "mg/mmol": times(ALBUMIN_CREATININE_MG_G_PER_MG_MMOL),
    "g/mol": times(ALBUMIN_CREATININE_MG_G_PER_MG_MMOL),
    "g/g": times(1000),
    "mg/mg": times(1000),
}
# Lp(a): particles differ in mass, so no factor leads from mg/dL to nmol/L or back.
LIPOPROTEIN_A_MASS: Conversions = {"mg/dL": AS_SENT, "mg/L": times("0.1"), "g/L": times(100)}
LIPOPROTEIN_A_MOLAR: Conversions = {"nmol/L": AS_SENT}
PRESSURE: Conversions = {"mm[Hg]": AS_SENT}
BODY_MASS_INDEX: Conversions = {"kg/m2": AS_SENT}
MASS: Conversions = {"kg": AS_SENT, "g": times("0.001"), "[lb_av]": times("0.45359237")}
LENGTH: Conversions = {"cm": AS_SENT, "m": times(100), "[in_i]": times("2.54")}
TEMPERATURE: Conversions = {"Cel": AS_SENT, "[degF]": Conversion(Fraction(5, 9), Fraction(-160, 9))}
CIGARETTES_PER_DAY: Conversions = {"{cigarettes}/d": AS_SENT, "/d": AS_SENT, "1/d": AS_SENT}
PACK_YEARS: Conversions = {"{PackYears}": AS_SENT, "1": AS_SENT}
YEARS: Conversions = {"a": AS_SENT}
MINUTES: Conversions = {"min": AS_SENT, "h": times(60)}
NUMBER: Conversions = {"1": AS_SENT}

# UCUM is case-sensitive, and stays so here: MG/DL could be megagrams. The litre alone has two symbols in it, l and L.
_LITRE = re.compile(r"(?<![A-Za-z])([munµμ]?mol|[munµμ]?g)/([dm]?)l(?![A-Za-z])")
# What hospitals write and UCUM does not know, where it can mean one thing only.
_SPELLINGS = {
    "mmHg": "mm[Hg]",
    "mm Hg": "mm[Hg]",
    "kg/m²": "kg/m2",
    "kg/m^2": "kg/m2",
    "°C": "Cel",
    "°F": "[degF]",
    "degF": "[degF]",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "in": "[in_i]",
}
_ANNOTATION = re.compile(r"\{[^{}]*\}")


def unit_spelled(unit: str, known: Conversions) -> str | None:
    """The key of `known` that this unit is a spelling of; None when it is not one of them.

    >>> unit_spelled("mg/dl", CHOLESTEROL), unit_spelled("µmol/L", CREATININE), unit_spelled("MG/DL", CHOLESTEROL)
    ('mg/dL', 'umol/L', None)

    An annotation in braces means nothing in UCUM.

    >>> unit_spelled("mg/g{creat}", ALBUMIN_CREATININE_RATIO), unit_spelled("{#}/d", CIGARETTES_PER_DAY)
    ('mg/g', '/d')
    """
    unit = unit.strip()
    spelled = _SPELLINGS.get(unit, unit).replace("µ", "u").replace("μ", "u")
    spelled = _LITRE.sub(r"\1/\2L", spelled)
    for candidate in (unit, spelled, _ANNOTATION.sub("", spelled) or "1"):
        if candidate in known:
            return candidate
    return None
