"""Every input of every equation: at its limits, outside, missing, not a number."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.equations.ckd_epi_2021 import egfr_ckd_epi_2021
from ml.equations.equation import RiskEquation, risk_of_person
from ml.equations.inputs import Choice, Quantity, YesNo
from ml.equations.mesa_chd import MESA_CHD, MESA_CHD_CAC
from ml.equations.prevent_base import PREVENT_BASE
from ml.errors import EquationRefusal
from tests.ml.equations.people import AHA_WOMAN, MESA_MAN, MG_DL

CASES = [
    (PREVENT_BASE, 10, AHA_WOMAN),
    (PREVENT_BASE, 30, AHA_WOMAN),
    (MESA_CHD, 10, MESA_MAN),
    (MESA_CHD_CAC, 10, MESA_MAN | {"agatston_score": 0}),
]
QUANTITIES = [
    pytest.param(equation, horizon, person, rule, id=f"{equation.name}-{horizon}-{rule.field}")
    for equation, horizon, person in CASES
    for rule in equation.rules[horizon]
    if isinstance(rule, Quantity)
]
ANSWERS = [
    pytest.param(equation, horizon, person, rule, id=f"{equation.name}-{horizon}-{rule.field}")
    for equation, horizon, person in CASES
    for rule in equation.rules[horizon]
    if isinstance(rule, YesNo | Choice)
]


def risk(equation: RiskEquation, horizon: int, person: dict[str, object]) -> float:
    return risk_of_person(equation, outcome=equation.outcomes[0], horizon_years=horizon, person=person)


def refusal(equation: RiskEquation, horizon: int, person: dict[str, object]) -> EquationRefusal:
    with pytest.raises(EquationRefusal) as caught:
        risk(equation, horizon, person)
    return caught.value


@pytest.mark.parametrize(("equation", "horizon", "person", "rule"), QUANTITIES)
def test_quantity_at_its_limits_gives_a_risk(
    equation: RiskEquation, horizon: int, person: dict[str, object], rule: Quantity
) -> None:
    for limit in (rule.low, rule.high):
        assert 0 < risk(equation, horizon, person | {rule.field: limit}) < 1
        for noise in (1 - 1e-12, 1 + 1e-12):
            assert 0 < risk(equation, horizon, person | {rule.field: limit * noise}) < 1


@pytest.mark.parametrize(("equation", "horizon", "person", "rule"), QUANTITIES)
def test_quantity_outside_its_limits_is_refused_naming_field_value_and_limit(
    equation: RiskEquation, horizon: int, person: dict[str, object], rule: Quantity
) -> None:
    step = 1.001 * rule.tolerance + 1e-6 * rule.high
    for value, side in ((rule.low - step, "BELOW"), (rule.high + step, "ABOVE"), (-1.0, "BELOW")):
        found = refusal(equation, horizon, person | {rule.field: value})
        assert found.reason_code == f"{rule.code}_{side}_RANGE"
        assert (found.field, found.value) == (rule.field, value)
        assert found.limit == rule.limit
        assert "source: " in rule.limit
        assert found.sentence.startswith(equation.label)
        assert found.sentence.endswith(".")


@pytest.mark.parametrize(("equation", "horizon", "person", "rule"), QUANTITIES)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "160", True, np.bool_(True)])
def test_quantity_that_is_no_finite_number_is_refused(
    equation: RiskEquation, horizon: int, person: dict[str, object], rule: Quantity, value: object
) -> None:
    found = refusal(equation, horizon, person | {rule.field: value})
    assert found.reason_code == f"{rule.code}_NOT_A_NUMBER"
    assert found.value == str(value)


@pytest.mark.parametrize(("equation", "horizon", "person", "rule"), QUANTITIES)
def test_missing_quantity_is_refused_by_name(
    equation: RiskEquation, horizon: int, person: dict[str, object], rule: Quantity
) -> None:
    found = refusal(equation, horizon, person | {rule.field: None})
    expected = "NOT_CONFIRMED" if rule.field == "agatston_score" else f"MISSING_{rule.code}"
    assert (found.reason_code, found.field, found.value) == (expected, rule.field, None)


@pytest.mark.parametrize(("equation", "horizon", "person", "rule"), ANSWERS)
def test_missing_answer_is_refused_and_never_taken_as_no(
    equation: RiskEquation, horizon: int, person: dict[str, object], rule: YesNo | Choice
) -> None:
    found = refusal(equation, horizon, person | {rule.field: None})
    expected = f"MISSING_{rule.code}" if isinstance(rule, YesNo) else rule.code
    assert (found.reason_code, found.field, found.value) == (expected, rule.field, None)


@pytest.mark.parametrize(("equation", "horizon", "person", "rule"), ANSWERS)
@pytest.mark.parametrize("value", ["maybe", 2, math.nan])
def test_answer_outside_the_options_is_refused(
    equation: RiskEquation, horizon: int, person: dict[str, object], rule: YesNo | Choice, value: object
) -> None:
    found = refusal(equation, horizon, person | {rule.field: value})
    assert found.field == rule.field
    assert found.reason_code == (f"{rule.code}_NOT_YES_OR_NO" if isinstance(rule, YesNo) else rule.code)
    assert str(value) in found.sentence


@pytest.mark.parametrize("equation", [PREVENT_BASE, MESA_CHD])
@pytest.mark.parametrize(
    ("field", "mg_dl", "two_decimals_mmol_l"),
    [
        ("total_cholesterol_mmol_l", 130, 3.36),
        ("total_cholesterol_mmol_l", 320, 8.28),
        ("hdl_cholesterol_mmol_l", 20, 0.52),
        ("hdl_cholesterol_mmol_l", 100, 2.59),
    ],
)
def test_cholesterol_limit_survives_unit_conversion_and_rounding(
    equation: RiskEquation, field: str, mg_dl: int, two_decimals_mmol_l: float
) -> None:
    person = AHA_WOMAN if equation is PREVENT_BASE else MESA_MAN
    exact = mg_dl * MG_DL
    for value in (exact, exact / MG_DL * MG_DL, round(exact, 4), two_decimals_mmol_l):
        assert 0 < risk(equation, 10, person | {field: value}) < 1
    outward = -1 if mg_dl in (130, 20) else 1
    assert refusal(equation, 10, person | {field: (mg_dl + outward) * MG_DL}).field == field


def test_sentences_read_as_the_policy_asks() -> None:
    sentences = {
        "PREVENT over 10 years ends at age 79; this person is 84.": (PREVENT_BASE, AHA_WOMAN, {"age_years": 84}),
        "PREVENT over 10 years is not shown: systolic blood pressure 185 mmHg is above 180 mmHg, the highest value "
        "it accepts.": (PREVENT_BASE, AHA_WOMAN, {"systolic_bp_mmhg": 185}),
        "PREVENT over 10 years is not shown: HDL cholesterol is not recorded.": (
            PREVENT_BASE,
            AHA_WOMAN,
            {"hdl_cholesterol_mmol_l": None},
        ),
        "PREVENT over 10 years is not shown: it is not recorded whether this person currently smokes.": (
            PREVENT_BASE,
            AHA_WOMAN,
            {"is_current_smoker": None},
        ),
        "PREVENT over 10 years needs the sex recorded as female or male; 'other' is recorded.": (
            PREVENT_BASE,
            AHA_WOMAN,
            {"sex": "other"},
        ),
        "MESA needs one of the four groups it studied, as stated by the patient; none is recorded.": (
            MESA_CHD,
            MESA_MAN,
            {"mesa_race_ethnicity": None},
        ),
        "Calcium not scored: not confirmed.": (MESA_CHD_CAC, MESA_MAN, {"agatston_score": None}),
    }
    for sentence, (equation, person, change) in sentences.items():
        assert refusal(equation, 10, person | change).sentence == sentence


@pytest.mark.parametrize("outcome", PREVENT_BASE.outcomes)
@pytest.mark.parametrize("field", ["bmi_kg_m2", "total_cholesterol_mmol_l"])
def test_prevent_refuses_every_outcome_for_any_input_out_of_range(outcome: str, field: str) -> None:
    with pytest.raises(EquationRefusal) as caught:
        risk_of_person(PREVENT_BASE, outcome=outcome, horizon_years=10, person=AHA_WOMAN | {field: 1000})
    assert caught.value.field == field


def test_prevent_over_30_years_ends_at_59_and_over_10_years_at_79() -> None:
    assert risk(PREVENT_BASE, 10, AHA_WOMAN | {"age_years": 60}) > 0
    assert risk(PREVENT_BASE, 30, AHA_WOMAN | {"age_years": 59}) > 0
    assert refusal(PREVENT_BASE, 30, AHA_WOMAN | {"age_years": 60}).reason_code == "AGE_ABOVE_RANGE"


@pytest.mark.parametrize(
    ("age_years", "creatinine_umol_l", "code"),
    [
        (17, 80.0, "AGE_BELOW_RANGE"),
        (50, 1.0, "CREATININE_BELOW_RANGE"),
        (50, 0.0, "CREATININE_BELOW_RANGE"),
        (50, -80.0, "CREATININE_BELOW_RANGE"),
        (50, 5000.0, "CREATININE_ABOVE_RANGE"),
        (50, None, "MISSING_CREATININE"),
        (50, math.nan, "CREATININE_NOT_A_NUMBER"),
    ],
)
def test_ckd_epi_refuses_children_and_implausible_creatinine(
    age_years: float, creatinine_umol_l: float | None, code: str
) -> None:
    with pytest.raises(EquationRefusal) as caught:
        egfr_ckd_epi_2021(age_years=age_years, sex="male", creatinine_umol_l=creatinine_umol_l)
    assert caught.value.reason_code == code


@pytest.mark.parametrize(("outcome", "horizon"), [("dementia", 10), ("ascvd", 20)])
def test_unknown_outcome_or_horizon_is_a_programming_error(outcome: str, horizon: int) -> None:
    with pytest.raises(ValueError, match="prevent_base has no"):
        risk_of_person(PREVENT_BASE, outcome=outcome, horizon_years=horizon, person=AHA_WOMAN)


def test_unknown_or_forgotten_input_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match=r"missing \['sex'\], unknown \['gender'\]"):
        risk(PREVENT_BASE, 10, {("gender" if name == "sex" else name): value for name, value in AHA_WOMAN.items()})
