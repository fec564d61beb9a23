from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.terminology import (
    GENETIC_CODES,
    LOINC,
    QUANTITIES,
    QUANTITY_OF_CODE,
    QUANTITY_OF_FEATURE,
    QUANTITY_OF_LOINC,
    QUESTION_OF_CODE,
    QUESTION_OF_FEATURE,
    QUESTIONS,
    UNUSED_LOINC,
    ImplausibleValueError,
    Quantity,
    UnknownUnitError,
    quantity_canonical,
    unit_is_understood,
)
from patients.terminology.quantities import SENTINELS
from patients.terminology.units import AS_SENT

GENETIC_LOINC = sorted(code for system, code in GENETIC_CODES if system == LOINC)


def _loinc_check_digit(number: str) -> int:
    """Mod 10, as LOINC defines it (Luhn)."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[::2]]
    return -sum(doubled + digits[1::2]) % 10


@pytest.mark.parametrize("code", [*QUANTITY_OF_LOINC, *UNUSED_LOINC, *GENETIC_LOINC, "72166-2"])
def test_every_loinc_code_has_its_check_digit(code: str) -> None:
    number, _, digit = code.partition("-")
    assert _loinc_check_digit(number) == int(digit)


def test_every_code_means_one_thing() -> None:
    assert sum(len(quantity.codes) for quantity in QUANTITIES) == len(QUANTITY_OF_CODE)
    assert len(QUESTION_OF_CODE) == len(QUESTIONS)
    assert not set(QUANTITY_OF_CODE) & set(QUESTION_OF_CODE)
    assert not set(QUANTITY_OF_LOINC) & set(UNUSED_LOINC)
    assert not set(QUANTITY_OF_FEATURE) & set(QUESTION_OF_FEATURE)


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.feature)
def test_every_quantity_has_a_code_its_own_unit_and_a_range(quantity: Quantity) -> None:
    assert quantity.codes
    assert quantity.conversions[quantity.unit] == AS_SENT
    assert quantity.plausible[0] < quantity.plausible[1]
    assert not [code for code in quantity.only_units if code not in quantity.loinc]


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.feature)
@given(sent=st.decimals(min_value=-(10**6), max_value=10**6, places=3), number=st.integers(0, 9))
def test_accepted_value_is_within_its_limits_and_a_refused_one_is_not(
    quantity: Quantity, sent: Decimal, number: int
) -> None:
    unit = list(quantity.conversions)[number % len(quantity.conversions)]
    canonical = quantity.conversions[unit].to_canonical(sent)
    least, most = quantity.plausible
    is_right = least <= canonical <= most and sent not in SENTINELS and not (quantity.is_whole and canonical % 1)
    try:
        assert quantity_canonical(quantity=quantity, value=sent, unit=unit) == canonical
    except ImplausibleValueError:
        assert not is_right
    else:
        assert is_right


@pytest.mark.parametrize(
    ("code", "value", "unit", "likely"),
    [
        ("2093-3", "5.2", "mg/dL", "mmol/L"),
        ("2093-3", "200", "mmol/L", "mg/dL"),
        ("2085-9", "1.3", "mg/dL", "mmol/L"),
        ("13457-7", "130", "mmol/L", "mg/dL"),
        ("2571-8", "150", "mmol/L", "mg/dL"),
        ("2345-7", "5.5", "mg/dL", "mmol/L"),
        ("2160-0", "0.9", "umol/L", "mg/dL"),
        ("2160-0", "80", "mg/dL", "umol/L"),
        ("4548-4", "48", "%", "mmol/mol"),
        ("4548-4", "6.5", "mmol/mol", "%"),
        ("29463-7", "70000", "kg", "g"),
        ("8302-2", "1.75", "cm", "m"),
        ("8302-2", "70", "cm", "[in_i]"),
        ("8310-5", "98.6", "Cel", "[degF]"),
        ("8310-5", "37", "[degF]", "Cel"),
    ],
)
def test_implausible_value_names_the_unit_it_was_probably_in(code: str, value: str, unit: str, likely: str) -> None:
    with pytest.raises(ImplausibleValueError) as refused:
        quantity_canonical(quantity=QUANTITY_OF_LOINC[code], value=Decimal(value), unit=unit)
    assert f"It would be plausible in {likely}; nothing was converted." in refused.value.sentence
    assert refused.value.code == "IMPLAUSIBLE_VALUE"


def test_limits_are_told_in_the_unit_that_was_sent() -> None:
    with pytest.raises(ImplausibleValueError) as refused:
        quantity_canonical(quantity=QUANTITY_OF_LOINC["4548-4"], value=Decimal(300), unit="mmol/mol")
    assert "14.7 to 195 mmol/mol is plausible." in refused.value.sentence


@pytest.mark.parametrize("value", ["999", "9999", "-1", "-9", "999.0"])
def test_what_systems_write_for_a_missing_value_is_refused_even_where_it_could_be_one(value: str) -> None:
    ratio = QUANTITY_OF_LOINC["9318-7"]
    with pytest.raises(ImplausibleValueError, match="for a missing value"):
        quantity_canonical(quantity=ratio, value=Decimal(value), unit="mg/g")
    assert quantity_canonical(quantity=ratio, value=Decimal(998), unit="mg/g") == 998


def test_ifcc_result_in_percent_is_not_read_as_an_ngsp_result() -> None:
    hba1c = QUANTITY_OF_LOINC["59261-8"]
    assert not unit_is_understood(quantity=hba1c, unit="%", code="59261-8")
    with pytest.raises(UnknownUnitError, match="under 59261-8; the units understood are mmol/mol"):
        quantity_canonical(quantity=hba1c, value=Decimal("4.8"), unit="%", code="59261-8")
    assert quantity_canonical(quantity=hba1c, value=Decimal("4.8"), unit="%", code="4548-4") == Decimal("4.8")


def test_decile_is_a_whole_number() -> None:
    decile = QUANTITY_OF_FEATURE["sdi_decile"]
    assert quantity_canonical(quantity=decile, value=Decimal("10"), unit="1") == 10
    with pytest.raises(ImplausibleValueError, match="in whole numbers"):
        quantity_canonical(quantity=decile, value=Decimal("3.5"), unit="1")
