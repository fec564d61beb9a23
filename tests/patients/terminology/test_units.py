from __future__ import annotations

import doctest
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.terminology import QUANTITIES, QUANTITY_OF_FEATURE, Quantity, medications, quantities, questions, units
from patients.terminology.units import unit_spelled

PAIRS = [(quantity, unit) for quantity in QUANTITIES for unit in quantity.conversions]
EVERY_UNIT = sorted({unit for _, unit in PAIRS})
values = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(9999), places=4)


@pytest.mark.parametrize("module", [units, quantities, questions, medications])
def test_examples_in_the_text_are_true(module: object) -> None:
    failed, attempted = doctest.testmod(module)  # type: ignore[arg-type]
    assert attempted and not failed


@pytest.mark.parametrize(
    ("feature", "value", "unit", "canonical"),
    [
        ("total_cholesterol_mmol_l", "200", "mg/dL", "5.172"),
        ("total_cholesterol_mmol_l", "2", "g/L", "5.172"),
        ("hdl_cholesterol_mmol_l", "50", "mg/dL", "1.293"),
        ("ldl_cholesterol_mmol_l", "190", "mg/dL", "4.9134"),
        ("triglycerides_mmol_l", "150", "mg/dL", "1.6935"),
        ("glucose_mmol_l", "100", "mg/dL", "5.55"),
        ("creatinine_umol_l", "1", "mg/dL", "88.4"),
        ("creatinine_umol_l", "0.08", "mmol/L", "80"),
        ("hba1c_percent", "48", "mmol/mol", "6.54304"),
        ("hba1c_percent", "53", "mmol/mol", "7.00044"),
        ("urine_albumin_creatinine_ratio_mg_g", "3", "mg/mmol", "26.52"),
        ("urine_albumin_creatinine_ratio_mg_g", "0.03", "g/g", "30"),
        ("body_weight_kg", "150", "[lb_av]", "68.0388555"),
        ("body_height_cm", "70", "[in_i]", "177.8"),
        ("body_height_cm", "1.75", "m", "175"),
        ("body_temperature_cel", "98.6", "[degF]", "37"),
        ("tia_duration_minutes", "1.5", "h", "90"),
        ("lipoprotein_a_mg_dl", "300", "mg/L", "30"),
    ],
)
def test_conversion_gives_exactly_the_published_value(feature: str, value: str, unit: str, canonical: str) -> None:
    conversion = QUANTITY_OF_FEATURE[feature].conversions[unit]
    assert conversion.to_canonical(Decimal(value)) == Decimal(canonical)


@pytest.mark.parametrize(("quantity", "unit"), PAIRS, ids=lambda part: getattr(part, "feature", part))
@given(value=values)
def test_there_and_back_is_the_same_value(quantity: Quantity, unit: str, value: Decimal) -> None:
    conversion = quantity.conversions[unit]
    back = conversion.from_canonical(conversion.to_canonical(value))
    assert abs(back - value) <= abs(value) * Decimal("1e-23") + Decimal("1e-24")
    if conversion.factor.denominator == 1 or unit != "[degF]":
        assert conversion.to_canonical(value) == Fraction(value) * conversion.factor + conversion.offset


@pytest.mark.parametrize(("quantity", "unit"), PAIRS, ids=lambda part: getattr(part, "feature", part))
@given(smaller=values, larger=values)
def test_conversion_keeps_the_order_of_values(quantity: Quantity, unit: str, smaller: Decimal, larger: Decimal) -> None:
    conversion = quantity.conversions[unit]
    assert (smaller < larger) == (conversion.to_canonical(smaller) < conversion.to_canonical(larger))


@given(quantity=st.sampled_from(QUANTITIES), unit=st.sampled_from(EVERY_UNIT) | st.text(max_size=12))
def test_unit_of_another_quantity_is_never_a_spelling_of_one_of_this(quantity: Quantity, unit: str) -> None:
    spelled = unit_spelled(unit, quantity.conversions)
    assert spelled is None or spelled in quantity.conversions
    if unit in EVERY_UNIT and unit not in quantity.conversions:
        # The bare count is what an annotated count is without its annotation; nothing else changes its kind.
        assert spelled is None or {unit, spelled} in ({"{cigarettes}/d", "/d"}, {"{PackYears}", "1"})


def test_no_conversion_leads_between_mass_and_amount_of_lipoprotein_a() -> None:
    by_mass, by_amount = QUANTITY_OF_FEATURE["lipoprotein_a_mg_dl"], QUANTITY_OF_FEATURE["lipoprotein_a_nmol_l"]
    assert not set(by_mass.conversions) & set(by_amount.conversions)
    assert not set(by_mass.loinc) & set(by_amount.loinc)


@pytest.mark.parametrize(
    ("sent", "known", "read_as"),
    [
        ("mg/dl", units.CHOLESTEROL, "mg/dL"),
        ("mmol/l", units.CHOLESTEROL, "mmol/L"),
        ("g/l", units.CHOLESTEROL, "g/L"),
        ("umol/l", units.CREATININE, "umol/L"),
        ("µmol/L", units.CREATININE, "umol/L"),  # U+00B5
        ("μmol/l", units.CREATININE, "umol/L"),  # U+03BC
        ("nmol/l", units.LIPOPROTEIN_A_MOLAR, "nmol/L"),
        ("mmHg", units.PRESSURE, "mm[Hg]"),
        ("mm Hg", units.PRESSURE, "mm[Hg]"),
        (" mm[Hg] ", units.PRESSURE, "mm[Hg]"),
        ("kg/m²", units.BODY_MASS_INDEX, "kg/m2"),
        ("%{HbA1c}", units.HBA1C, "%"),
        ("mg/mmol{creat}", units.ALBUMIN_CREATININE_RATIO, "mg/mmol"),
        ("°F", units.TEMPERATURE, "[degF]"),
        ("degF", units.TEMPERATURE, "[degF]"),
        ("lb", units.MASS, "[lb_av]"),
        ("lbs", units.MASS, "[lb_av]"),
        ("in", units.LENGTH, "[in_i]"),
        ("{#}/d", units.CIGARETTES_PER_DAY, "/d"),
        ("{pack-years}", units.PACK_YEARS, "1"),
    ],
)
def test_spelling_that_can_mean_one_thing_only_is_understood(sent: str, known: units.Conversions, read_as: str) -> None:
    assert unit_spelled(sent, known) == read_as


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        ("MG/DL", units.CHOLESTEROL),
        ("MMOL/L", units.CHOLESTEROL),
        ("Mg/dL", units.CHOLESTEROL),
        ("mg%", units.CHOLESTEROL),
        ("mg", units.CHOLESTEROL),
        ("mg/dLx", units.CHOLESTEROL),
        ("", units.CHOLESTEROL),
        ("1", units.CHOLESTEROL),
        ("MM[HG]", units.PRESSURE),
        ("mm", units.PRESSURE),
        ("kPa", units.PRESSURE),
        ("C", units.TEMPERATURE),  # a coulomb
        ("F", units.TEMPERATURE),  # a farad
        ("KG", units.MASS),
        ("percent", units.HBA1C),
        ("mmol/L", units.HBA1C),
        ("%", units.ALBUMIN_CREATININE_RATIO),
        ("mg/dL", units.LIPOPROTEIN_A_MOLAR),
        ("nmol/L", units.LIPOPROTEIN_A_MASS),
    ],
)
def test_unit_that_is_not_exactly_one_of_them_is_not_understood(sent: str, known: units.Conversions) -> None:
    assert unit_spelled(sent, known) is None
