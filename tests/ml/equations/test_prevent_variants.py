"""PREVENT with HbA1c, albumin-creatinine ratio and deprivation index: measured, not measured, out of range."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.equations import prevent_full, prevent_hba1c, prevent_sdi, prevent_uacr
from ml.equations.equation import RiskEquation, risk_of_people, risk_of_person
from ml.equations.prevent_base import COEFFICIENTS as BASE_COEFFICIENTS
from ml.equations.prevent_base import PREVENT_BASE
from ml.equations.prevent_full import PREVENT_FULL
from ml.equations.prevent_hba1c import PREVENT_HBA1C
from ml.equations.prevent_sdi import PREVENT_SDI
from ml.equations.prevent_terms import HBA1C, OPTIONAL_INPUTS, OUTCOMES, SDI, TERMS, UACR
from ml.equations.prevent_uacr import PREVENT_UACR
from ml.errors import EquationRefusal
from tests.ml.equations.people import AHA_WOMAN
from tests.ml.equations.properties import explained

MEASURED: dict[str, object] = {HBA1C: 7.0, UACR: 30.0, SDI: 8}
MODELS = (PREVENT_HBA1C, PREVENT_UACR, PREVENT_SDI, PREVENT_FULL)
COEFFICIENTS = {
    "prevent_hba1c": prevent_hba1c.COEFFICIENTS,
    "prevent_uacr": prevent_uacr.COEFFICIENTS,
    "prevent_sdi": prevent_sdi.COEFFICIENTS,
    "prevent_full": prevent_full.COEFFICIENTS,
}


def optional_fields(equation: RiskEquation) -> list[str]:
    return [rule.field for rule in equation.rules[10] if rule.is_optional]


each_input = pytest.mark.parametrize(
    ("equation", "field"),
    [pytest.param(model, field, id=f"{model.name}-{field}") for model in MODELS for field in optional_fields(model)],
)


def woman(equation: RiskEquation, **changed: object) -> dict[str, object]:
    return AHA_WOMAN | {field: MEASURED[field] for field in optional_fields(equation)} | changed


def risk(equation: RiskEquation, person: dict[str, object], outcome: str = "ascvd", horizon: int = 10) -> float:
    return risk_of_person(equation, outcome=outcome, horizon_years=horizon, person=person)


def log_odds(equation: RiskEquation, person: dict[str, object], horizon: int = 10) -> float:
    return explained(equation, person, "ascvd", horizon).linear_predictor


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_coefficient_belongs_to_a_term_and_every_optional_term_has_one(model: RiskEquation) -> None:
    for (horizon, _), table in COEFFICIENTS[model.name].items():
        assert set(table) <= set(TERMS)
        assert ("age_squared" in table) == (horizon == 30)
        prefixes = {"hba1c": HBA1C, "ln_uacr": UACR, "uacr": UACR, "sdi": SDI}
        present = {field for prefix, field in prefixes.items() if any(term.startswith(prefix) for term in table)}
        assert present == set(optional_fields(model))
        assert set(BASE_COEFFICIENTS[horizon, "female"]) <= set(table)


@each_input
def test_optional_input_not_measured_gives_the_models_own_number(equation: RiskEquation, field: str) -> None:
    without = risk(equation, woman(equation, **{field: None}))
    assert 0 < without < 1
    assert without != risk(equation, woman(equation))


def test_missing_indicator_is_the_printed_coefficient() -> None:
    at_reference = log_odds(PREVENT_HBA1C, woman(PREVENT_HBA1C, hba1c_percent=5.3))
    missing = log_odds(PREVENT_HBA1C, woman(PREVENT_HBA1C, hba1c_percent=None))
    column = OUTCOMES.index("ascvd")
    printed = prevent_hba1c.COEFFICIENTS[10, "female"]["hba1c_missing"][column]
    assert missing - at_reference == pytest.approx(printed, abs=1e-12)


@pytest.mark.parametrize(("has_diabetes", "term"), [(True, "hba1c_with_diabetes"), (False, "hba1c_without_diabetes")])
def test_hba1c_counts_by_diabetes(has_diabetes: bool, term: str) -> None:
    low, high = (
        log_odds(PREVENT_HBA1C, woman(PREVENT_HBA1C, has_diabetes=has_diabetes, hba1c_percent=value))
        for value in (6, 8)
    )
    per_percent = prevent_hba1c.COEFFICIENTS[10, "female"][term][OUTCOMES.index("ascvd")]
    assert high - low == pytest.approx(2 * per_percent, abs=1e-12)


def test_ratio_counts_by_its_natural_logarithm() -> None:
    low, high = (log_odds(PREVENT_UACR, woman(PREVENT_UACR, **{UACR: value})) for value in (10, 1000))
    per_unit = prevent_uacr.COEFFICIENTS[10, "female"]["ln_uacr"][OUTCOMES.index("ascvd")]
    assert high - low == pytest.approx(per_unit * math.log(100), abs=1e-12)


def test_deciles_fall_into_three_groups_with_1_to_3_as_reference() -> None:
    by_decile = [log_odds(PREVENT_SDI, woman(PREVENT_SDI, sdi_decile=decile)) for decile in range(1, 11)]
    assert [len(set(group)) for group in (by_decile[:3], by_decile[3:6], by_decile[6:])] == [1, 1, 1]
    table = prevent_sdi.COEFFICIENTS[10, "female"]
    column = OUTCOMES.index("ascvd")
    assert by_decile[3] - by_decile[0] == pytest.approx(table["sdi_4_to_6"][column], abs=1e-12)
    assert by_decile[6] - by_decile[0] == pytest.approx(table["sdi_7_to_10"][column], abs=1e-12)


@each_input
def test_optional_input_at_its_limits_is_accepted_and_outside_refused(equation: RiskEquation, field: str) -> None:
    rule = OPTIONAL_INPUTS[field]
    low, high = rule.low, rule.high  # type: ignore[attr-defined]
    for value in (low, high):
        assert 0 < risk(equation, woman(equation, **{field: value})) < 1
    for value, side in (
        (low - 0.5 if low >= 1 else low / 2, "BELOW"),
        (high + 1, "ABOVE"),
        (math.nan, ""),
        (math.inf, ""),
    ):
        with pytest.raises(EquationRefusal) as caught:
            risk(equation, woman(equation, **{field: value}))
        expected = f"{rule.code}_{side}_RANGE" if side else f"{rule.code}_NOT_A_NUMBER"  # type: ignore[attr-defined]
        assert (caught.value.reason_code, caught.value.field) == (expected, field)
        assert "; source: " in (caught.value.limit or "")


@pytest.mark.parametrize("value", ["7", True, np.bool_(False)])
@each_input
def test_optional_input_that_is_no_number_is_refused_and_not_taken_as_missing(
    equation: RiskEquation, field: str, value: object
) -> None:
    with pytest.raises(EquationRefusal, match="not a finite number"):
        risk(equation, woman(equation, **{field: value}))


@pytest.mark.parametrize("decile", [1.5, 3.0000001, 9.99])
def test_decile_between_two_deciles_is_refused(decile: float) -> None:
    with pytest.raises(EquationRefusal, match="is not a whole number") as caught:
        risk(PREVENT_SDI, woman(PREVENT_SDI, sdi_decile=decile))
    assert (caught.value.reason_code, caught.value.value) == ("SDI_DECILE_NOT_WHOLE", decile)


@pytest.mark.parametrize("equation", MODELS, ids=lambda model: model.name)
def test_required_inputs_are_required_in_every_model(equation: RiskEquation) -> None:
    for field in AHA_WOMAN:
        with pytest.raises(EquationRefusal) as caught:
            risk(equation, woman(equation, **{field: None}))
        assert caught.value.field == field


def test_many_people_are_refused_exactly_where_one_is() -> None:
    values = [math.nan, 4.4, 4.5, 7.0, 15.0, 15.1, math.inf, -1.0]
    people = AHA_WOMAN | {HBA1C: values, UACR: None, SDI: [math.nan, 3.5, 1, 10, 11, 4, 4, 4]}
    found = risk_of_people(PREVENT_FULL, outcome="ascvd", horizon_years=10, people=people)
    for row, (hba1c, decile) in enumerate(zip(values, people[SDI], strict=True)):  # type: ignore[call-overload]
        person = AHA_WOMAN | {
            HBA1C: None if math.isnan(hba1c) else hba1c, UACR: None, SDI: None if math.isnan(decile) else decile
        }  # fmt: skip
        try:
            assert risk(PREVENT_FULL, person) == found.risk[row]
        except EquationRefusal:
            assert found.refused[row] and math.isnan(found.risk[row])
    assert found.refused.tolist() == [False, True, False, False, True, True, True, True]


def test_contributions_show_what_is_not_measured_and_the_reference_names_its_values() -> None:
    person = woman(PREVENT_FULL, **{UACR: None})
    found = explained(PREVENT_FULL, person, "heart_failure")
    shares = {one.input: one for one in found.contributions}
    assert (shares[UACR].value, shares[UACR].reference_value, shares[UACR].unit) == ("not measured", 10.0, "mg/g")
    assert (shares[SDI].value, shares[SDI].reference_value) == (8.0, 1.0)
    assert found.reference_person.endswith(
        "HbA1c 5.3 %, urine albumin-creatinine ratio 10 mg/g, social deprivation index decile 1."
    )
    assert shares[UACR].log_odds_or_hazard is not None
    printed = prevent_full.COEFFICIENTS[10, "female"]
    column = OUTCOMES.index("heart_failure")
    expected = printed["uacr_missing"][column] - printed["ln_uacr"][column] * math.log(10)
    assert shares[UACR].log_odds_or_hazard == pytest.approx(expected, abs=1e-12)


def test_sexes_have_coefficients_of_their_own_in_every_model() -> None:
    for equation in (PREVENT_BASE, *MODELS):
        person = AHA_WOMAN if equation is PREVENT_BASE else woman(equation)
        assert risk(equation, person) != risk(equation, person | {"sex": "male"})
