"""Words for numbers: each guideline's own, at the unrounded value, with everything that makes a word readable."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdss.assessments.policy.categories import categories_of, range_words
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.facts import Fact, facts_of
from cdss.assessments.policy.table import Policy
from cdss.core.templatetags.cdss import percent
from tests.cdss.assessments.policy.people import decided, notes, person

STAGE_1 = {"stage_1_hypertension": Fact("yes"), "class_by_score2": Fact("yes")}
ALL_SHOWN = replace(DEFAULT_POLICY, categories=tuple(replace(c, is_shown=True) for c in DEFAULT_POLICY.categories))


def words(
    equation: str,
    outcome: str,
    risk: float | None,
    *,
    age: int | None = 58,
    policy: Policy = ALL_SHOWN,
    years: int = 10,
) -> list[tuple[str, str, int, str]]:
    found = categories_of(
        policy, STAGE_1, equation=equation, outcome=outcome, horizon_years=years, age_years=age, risk=risk
    )
    assert all(item["outcome"] == outcome for item in found)
    return [(str(i["word"]), str(i["guideline"]), int(str(i["year"])), str(i["range"])) for i in found]


@pytest.mark.parametrize(
    ("risk", "word", "shown_range"),
    [
        (0.0299999, "Low", "< 3 %"),
        (0.03, "Borderline", "3 % to < 5 %"),
        (math.nextafter(0.05, 0), "Borderline", "3 % to < 5 %"),
        (0.05, "Intermediate", "5 % to < 10 %"),
        (0.0999999, "Intermediate", "5 % to < 10 %"),
        (0.1, "High", "≥ 10 %"),
    ],
)
def test_prevent_ascvd_words_follow_the_unrounded_value(risk: float, word: str, shown_range: str) -> None:
    assert words("prevent_base", "ascvd", risk) == [(word, "ACC/AHA dyslipidemia", 2026, shown_range)]


@pytest.mark.parametrize(
    ("risk", "exact"),
    [
        (0.07496, "7.496 %, below 7.5 %"),
        (0.07450001, "7.45 %, below 7.5 %"),
        (math.nextafter(0.075, 0), "7.499999999999998 %, below 7.5 %"),
        (0.0744, ""),
        (0.075, ""),
        (0.0754, ""),
    ],
)
def test_a_number_below_by_rounding_is_given_exactly(risk: float, exact: str) -> None:
    [found] = categories_of(
        DEFAULT_POLICY,
        STAGE_1,
        equation="prevent_base",
        outcome="total_cvd",
        horizon_years=10,
        age_years=58,
        risk=risk,
    )
    assert found["exact"] == exact


@given(st.floats(0, 1, exclude_max=True))
def test_no_word_contradicts_the_printed_number(risk: float) -> None:
    """What is printed either lies in the range that stands beside it, or the exact value stands there too."""
    printed = Decimal(percent(risk).removesuffix(" %"))
    for category in ALL_SHOWN.categories:
        [found] = categories_of(
            replace(ALL_SHOWN, categories=(replace(category, ages=None),)), STAGE_1,
            equation=category.equations[0], outcome=category.outcome, horizon_years=10, age_years=58, risk=risk,
        )  # fmt: skip
        [band] = [band for band in category.bands if range_words(band) == found["range"]]
        is_within = not band.high or printed < Decimal(band.high) * 100
        assert (found["exact"] == "") is is_within
        assert not band.low or printed >= Decimal(band.low) * 100
        if found["exact"]:
            exact = Decimal(str(found["exact"]).split(" %")[0])
            assert exact < Decimal(band.high) * 100 and abs(exact - Decimal(risk) * 100) < Decimal("0.005")


def test_words_read_second_hand_are_marked_and_off_by_default() -> None:
    unverified = [category for category in DEFAULT_POLICY.categories if not category.verified]
    assert [category.key for category in unverified] == ["acc-aha-2026"]
    assert not any(category.is_shown for category in unverified)
    assert words("prevent_base", "ascvd", 0.2, policy=DEFAULT_POLICY) == []


@pytest.mark.parametrize(("risk", "start"), [(0.0749, "Below"), (0.075, "At or above"), (0.3, "At or above")])
def test_prevent_total_cvd_says_where_blood_pressure_treatment_begins(risk: float, start: str) -> None:
    [(word, guideline, year, _)] = words("prevent_base", "total_cvd", risk, policy=DEFAULT_POLICY)
    assert word.startswith(f"{start} the threshold for drug treatment") and (guideline, year) == (
        "AHA/ACC high blood pressure",
        2025,
    )


@pytest.mark.parametrize(
    ("age", "risk", "of_2025", "of_2021"),
    [
        (49, 0.019, "Low", "Low to moderate"),
        (49, 0.025, "Moderate", "High"),
        (49, 0.075, "Moderate", "Very high"),
        (50, 0.049, "Moderate", "Low to moderate"),
        (69, 0.05, "Moderate", "High"),
        (69, 0.10, "High", "Very high"),
        (70, 0.0749, "Moderate", "Low to moderate"),
        (89, 0.15, "High", "Very high"),
        (89, 0.20, "Very high", "Very high"),
    ],
)
def test_two_documents_have_two_words_for_one_number(age: int, risk: float, of_2025: str, of_2021: str) -> None:
    found = words("score2" if age < 70 else "score2_op", "cvd", risk, age=age, policy=DEFAULT_POLICY)
    assert [(word, year) for word, _, year, _ in found] == [(of_2025, 2025), (of_2021, 2021)]


@pytest.mark.parametrize(
    ("equation", "outcome", "years", "risk"),
    [
        ("prevent_base", "ascvd", 30, 0.2),
        ("prevent_base", "heart_failure", 10, 0.2),
        ("mesa_chd", "chd", 10, 0.2),
        ("pce_2013", "ascvd", 10, 0.2),
        ("score2", "cvd", 10, None),
    ],
)
def test_a_number_without_a_guideline_or_without_a_value_has_no_word(
    equation: str, outcome: str, years: int, risk: float | None
) -> None:
    assert words(equation, outcome, risk, years=years) == []


def test_every_band_begins_where_the_one_before_ends() -> None:
    for category in DEFAULT_POLICY.categories:
        assert category.bands[0].low == "" and category.bands[-1].high == ""
        for lower, upper in zip(category.bands, category.bands[1:], strict=False):
            assert lower.high == upper.low and float(upper.low) > 0


@pytest.mark.parametrize(
    ("known", "is_said"),
    [
        ({}, True),
        ({"systolic_bp_mmhg": "129.9"}, False),
        ({"systolic_bp_mmhg": "120", "diastolic_bp_mmhg": "82"}, True),
        ({"systolic_bp_mmhg": "141"}, False),  # stage 2: drugs whatever the risk
        ({"diastolic_bp_mmhg": "92"}, False),
        ({"antihypertensive_treatment": "yes"}, False),
        ({"antihypertensive_treatment": ""}, False),
        ({"diabetes": "yes"}, False),
        ({"egfr_ml_min_173m2": "59"}, False),
        ({"egfr_ml_min_173m2": ""}, False),
        ({"urine_albumin_creatinine_ratio_mg_g": "30"}, False),
    ],
)
def test_the_words_on_stage_1_hypertension_are_for_those_in_whom_risk_decides(
    known: dict[str, str], is_said: bool
) -> None:
    stage_1 = {"systolic_bp_mmhg": "134", "antihypertensive_treatment": "no", "egfr_ml_min_173m2": "80"}
    facts = facts_of(person(58, **{**stage_1, **known}), region="US", score2_region=None)
    found = categories_of(
        DEFAULT_POLICY,
        facts,
        equation="prevent_base",
        outcome="total_cvd",
        horizon_years=10,
        age_years=58,
        risk=0.08,
    )
    assert bool(found) is is_said


NORMAL = {
    "total_cholesterol_mmol_l": "6",
    "systolic_bp_mmhg": "150",
    "diastolic_bp_mmhg": "95",
    "egfr_ml_min_173m2": "75",
    "ldl_cholesterol_mmol_l": "4",
}


@pytest.mark.parametrize(
    ("changed", "is_said", "is_told"),
    [
        ({}, True, False),
        ({"total_cholesterol_mmol_l": "8"}, True, False),
        ({"total_cholesterol_mmol_l": "8.01"}, False, True),
        ({"systolic_bp_mmhg": "180"}, False, True),
        ({"diastolic_bp_mmhg": "110"}, False, True),
        ({"egfr_ml_min_173m2": "59.9"}, False, True),
        ({"egfr_ml_min_173m2": "60", "systolic_bp_mmhg": "179"}, True, False),
        ({"diastolic_bp_mmhg": ""}, True, False),
        ({"egfr_ml_min_173m2": ""}, False, False),
        ({"ldl_cholesterol_mmol_l": "4.9"}, False, False),
    ],
)
def test_esc_words_are_for_whom_no_finding_decides(changed: dict[str, str], is_said: bool, is_told: bool) -> None:
    who = person(52, **NORMAL | changed)
    facts = facts_of(who, region="EUROPE", score2_region="low")
    found = categories_of(
        DEFAULT_POLICY, facts, equation="score2", outcome="cvd", horizon_years=10, age_years=52, risk=0.018
    )
    assert [item["guideline"] for item in found] == (["ESC/EAS dyslipidaemias", "ESC prevention"] if is_said else [])
    assert ("CLASS_BY_FINDING" in notes(decided(who, "EUROPE")["score2 cvd"])) == is_told
