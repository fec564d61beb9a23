"""From a policy and features to the rows of a record: what the equations refuse, and why, in one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from cdss.assessments.features import Feature, Features
from cdss.assessments.inference import release_manifest
from cdss.assessments.models import FeatureState
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.table import EQUATIONS, Policy
from cdss.assessments.services.estimates import estimates_make
from tests.cdss.assessments.policy.people import IN_EUROPE, person, used

RELEASE = "equations-1.1.0"
MEASURED = {
    "systolic_bp_mmhg": "138",
    "total_cholesterol_mmol_l": "5.5",
    "hdl_cholesterol_mmol_l": "1.2",
    "bmi_kg_m2": "28",
    "egfr_ml_min_173m2": "85",
    "antihypertensive_treatment": "yes",
    "statin_treatment": "no",
    "lipid_lowering_treatment": "no",
    "family_history_heart_attack": "no",
    "smoking": "never",
    "mesa_race_ethnicity": "hispanic",
}
TOTAL, MESA, CALCIUM = ("prevent_base", "total_cvd", 10), ("mesa_chd", "chd", 10), ("mesa_chd_cac", "chd", 10)


def rows(who: Features, region: str = "US", policy: Policy = DEFAULT_POLICY) -> dict[tuple[str, str, int], Any]:
    made = estimates_make(policy=policy, features=who, region=region, release_name=RELEASE)
    return {(row["equation"], row["outcome"], row["horizon_years"]): row for row, _ in made.rows}


def known(age: int = 58, *features: Feature, **changed: str) -> Features:
    return person(age, *features, **{**MEASURED, **changed})


def test_every_equation_of_the_release_has_its_place_in_the_policy() -> None:
    placed = {row.equation for row in DEFAULT_POLICY.rows}
    released = {name for name, said in release_manifest(RELEASE)["equations"].items() if "outcomes" in said}
    assert placed - {"none", "centiloid"} == released
    assert placed == EQUATIONS.keys()


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"sex": ""}, "SEX_UNKNOWN", "sex"),
        ({"egfr_ml_min_173m2": "14"}, "EGFR_BELOW_RANGE", "egfr_ml_min_173m2"),
        ({"systolic_bp_mmhg": "230"}, "SYSTOLIC_BP_ABOVE_RANGE", "systolic_bp_mmhg"),
        ({"smoking": ""}, "MISSING_SMOKING", "is_current_smoker"),
    ],
)
def test_what_the_equation_refuses_names_field_value_and_limit(changed: dict[str, str], code: str, field: str) -> None:
    row = rows(known(58, **changed))[TOTAL]
    assert (row["risk"], row["reason_code"], row["field"]) == (None, code, field)
    assert row["sentence"] and row["limit"]


@pytest.mark.parametrize(
    ("state", "code"),
    [("TOO_OLD", "VALUE_TOO_OLD"), ("ACUTE", "ACUTE_VALUES"), ("REFUSED", "VALUE_NOT_UNDERSTOOD")],
)
def test_a_value_that_is_there_and_unusable_says_so(state: str, code: str) -> None:
    pressure = Feature("systolic_bp_mmhg", "Systolic blood pressure", FeatureState(state), "150", sentence="Because.")
    row = rows(known(58, pressure))[TOTAL]
    assert (row["reason_code"], row["sentence"]) == (code, "Systolic blood pressure: because.")


def test_all_that_an_equation_needs_and_is_from_acute_care_is_named_at_once() -> None:
    acute = [
        Feature(name, title, FeatureState.ACUTE, sentence="Only values from acute care.")
        for name, title in (
            ("systolic_bp_mmhg", "Systolic blood pressure"),
            ("total_cholesterol_mmol_l", "Total cholesterol"),
            ("hdl_cholesterol_mmol_l", "HDL cholesterol"),
            ("hba1c_percent", "HbA1c"),  # not an input of the base model
        )
    ]
    row = rows(known(58, *acute))[TOTAL]
    assert row["sentence"].endswith(": only values from acute care.")
    named = set(row["sentence"].removesuffix(": only values from acute care.").lower().split(", "))
    assert named == {"systolic blood pressure", "total cholesterol", "hdl cholesterol"}


def test_calcium_says_why_there_is_none_and_mesa_without_it_stays() -> None:
    score = Feature("agatston_score", "Agatston score", reason_code="CONTRAST_PRESENT", sentence="Calcium not scored.")
    found = rows(known(58, score))
    assert (found[CALCIUM]["reason_code"], found[CALCIUM]["risk"]) == ("CONTRAST_PRESENT", None)
    assert found[MESA]["risk"] is not None


def test_without_a_group_mesa_alone_is_refused() -> None:
    found = rows(known(58, mesa_race_ethnicity=""))
    assert {found[MESA]["reason_code"], found[CALCIUM]["reason_code"]} == {"RACE_UNKNOWN"}
    assert found[TOTAL]["risk"] is not None


def test_what_is_always_said_of_a_number_is_not_said_beside_a_refusal() -> None:
    without = rows(known(58, mesa_race_ethnicity="", palliative_care="yes"))[MESA]
    assert [note["code"] for note in without["notes"]] == ["LIMITED_HORIZON"]
    assert [note["code"] for note in rows(known(58))[MESA]["notes"]] == ["CORONARY_EVENTS"]


def test_score2_takes_the_region_of_the_organisation() -> None:
    risk = rows(known(58), "EUROPE", IN_EUROPE)["score2", "cvd", 10]
    assert risk["risk"] is not None and [word["year"] for word in risk["categories"]] == [2025, 2021]
    shown = {word["guideline"] for word in risk["categories"]}
    assert shown == {"ESC/EAS dyslipidaemias", "ESC prevention"}


def test_the_worked_example_of_mesa_comes_out_of_the_whole_line() -> None:
    """A Hispanic man of 70, pressure 130 treated, HDL 50 and cholesterol 190 mg/dL: 8.61 %, with calcium 0 3.06 %."""
    lipids = {"total_cholesterol_mmol_l": str(190 * 0.02586), "hdl_cholesterol_mmol_l": str(50 * 0.02586)}
    who = known(70, used("agatston_score", "0"), sex="male", systolic_bp_mmhg="130", **lipids)
    found = rows(who)
    assert found[MESA]["risk"] == pytest.approx(0.0861, abs=5e-5)
    assert found[CALCIUM]["risk"] == pytest.approx(0.0306, abs=5e-5)


def test_a_refused_value_is_named_once() -> None:
    sentence = "Total cholesterol is not understood in 'MG/DL'; the units understood are mg/dL."
    refused = Feature("total_cholesterol_mmol_l", "Total cholesterol", FeatureState.REFUSED, sentence=sentence)
    row = rows(known(58, refused))[TOTAL]
    assert (row["reason_code"], row["sentence"]) == ("VALUE_NOT_UNDERSTOOD", sentence)
