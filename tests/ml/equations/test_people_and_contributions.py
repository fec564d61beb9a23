"""One formula for one person and for many, and contributions that add up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.equations.ckd_epi_2021 import egfr_ckd_epi_2021, egfr_ckd_epi_2021_of_people
from ml.equations.equation import (
    BLOCK_ROWS,
    RiskEquation,
    risk_of_people,
    risk_of_person,
)
from ml.equations.mesa_chd import COEFFICIENTS, MESA_CHD, MESA_CHD_CAC, _terms, mesa_chd_cac_risk, mesa_chd_risk
from ml.equations.prevent_base import PREVENT_BASE, prevent_base_risk
from ml.equations.prevent_full import PREVENT_FULL
from ml.equations.prevent_hba1c import PREVENT_HBA1C
from ml.equations.prevent_sdi import PREVENT_SDI
from ml.equations.prevent_uacr import PREVENT_UACR
from ml.errors import EquationRefusal
from tests.ml.equations.people import AHA_WOMAN, MESA_MAN, MG_DL, columns_of, people_of
from tests.ml.equations.properties import explained

PREVENT_VARIANTS = ((PREVENT_HBA1C, 10), (PREVENT_UACR, 30), (PREVENT_SDI, 10), (PREVENT_FULL, 10), (PREVENT_FULL, 30))
QUESTIONS = [
    *((PREVENT_BASE, outcome, horizon) for horizon in (10, 30) for outcome in PREVENT_BASE.outcomes),
    *((model, outcome, horizon) for model, horizon in PREVENT_VARIANTS for outcome in ("ascvd", "heart_failure")),
    (MESA_CHD, "chd", 10),
    (MESA_CHD_CAC, "chd", 10),
]
each_question = pytest.mark.parametrize(("equation", "outcome", "horizon"), QUESTIONS)


def of_person(equation: RiskEquation, outcome: str, horizon: int, person: dict[str, object]) -> float:
    return risk_of_person(equation, outcome=outcome, horizon_years=horizon, person=person)


@each_question
@given(values=st.data())
def test_contributions_and_reference_add_up_to_the_person(
    equation: RiskEquation, outcome: str, horizon: int, values: st.DataObject
) -> None:
    person = values.draw(people_of(equation, horizon))
    found = explained(equation, person, outcome, horizon)
    total = found.reference_linear_predictor + math.fsum(c.log_odds_or_hazard for c in found.contributions)
    assert abs(total - found.linear_predictor) <= 1e-12
    assert found.risk == of_person(equation, outcome, horizon, person)
    reference = person | {name: _decoded(equation, horizon, name) for name in equation.reference}
    assert found.reference_risk == of_person(equation, outcome, horizon, reference)


@each_question
@given(values=st.data())
def test_an_input_at_its_reference_value_contributes_exactly_nothing(
    equation: RiskEquation, outcome: str, horizon: int, values: st.DataObject
) -> None:
    person = values.draw(people_of(equation, horizon))
    name = values.draw(st.sampled_from(sorted(equation.reference)))
    changed = person | {name: _decoded(equation, horizon, name)}
    shares = {c.input: c.log_odds_or_hazard for c in explained(equation, changed, outcome, horizon).contributions}
    assert shares.get(name, 0.0) == 0.0


def _decoded(equation: RiskEquation, horizon: int, name: str) -> object:
    rule = next(rule for rule in equation.rules[horizon] if rule.field == name)
    shown = rule.shown(equation.reference[name])
    return shown == "yes" if shown in ("yes", "no") else shown


@pytest.mark.parametrize("age", [30, 55, 79])
def test_age_interactions_belong_to_the_other_input(age: int) -> None:
    found = explained(PREVENT_BASE, AHA_WOMAN | {"age_years": age}, "total_cvd", 10)
    shares = {c.input: c.log_odds_or_hazard for c in found.contributions}
    assert "age_years" not in shares
    assert shares["has_diabetes"] == pytest.approx(0.8667604 - 0.27057 * (age - 55) / 10, abs=1e-12)


def test_treated_pressure_counts_with_the_pressure_and_the_drug_at_the_reference_pressure() -> None:
    shares = {c.input: c.log_odds_or_hazard for c in explained(PREVENT_BASE, AHA_WOMAN, "total_cvd", 10).contributions}
    age, reference_sbp, sbp = -0.5, (120 - 130) / 20, (160 - 130) / 20
    assert shares["takes_antihypertensive"] == pytest.approx(0.3151672 - 0.0663612 * reference_sbp, abs=1e-12)
    per_step = 0.3600781 - 0.0663612 - 0.0946348 * age
    assert shares["systolic_bp_mmhg"] == pytest.approx(per_step * (sbp - reference_sbp), abs=1e-12)


def test_mesa_contributions_are_coefficient_times_difference() -> None:
    person = MESA_MAN | {"agatston_score": 100}
    shares = {c.input: c for c in explained(MESA_CHD_CAC, person, "chd", 10).contributions}
    assert shares["agatston_score"].log_odds_or_hazard == pytest.approx(0.2743 * math.log(101), abs=1e-12)
    assert shares["systolic_bp_mmhg"].log_odds_or_hazard == pytest.approx(0.0066 * 10, abs=1e-12)
    assert shares["total_cholesterol_mmol_l"].log_odds_or_hazard == pytest.approx(
        0.0043 * (190 - 4.4 / MG_DL), abs=1e-12
    )
    assert (shares["agatston_score"].value, shares["agatston_score"].reference_value) == (100.0, 0.0)
    assert shares["takes_antihypertensive"].value == "yes"
    assert "mesa_race_ethnicity" not in shares


def test_contributions_are_listed_only_for_inputs_with_a_term() -> None:
    failure = {c.input for c in explained(PREVENT_BASE, AHA_WOMAN, "heart_failure", 10).contributions}
    coronary = {c.input for c in explained(PREVENT_BASE, AHA_WOMAN, "chd", 10).contributions}
    lipids = {"total_cholesterol_mmol_l", "hdl_cholesterol_mmol_l", "takes_statin"}
    assert "bmi_kg_m2" in failure - coronary
    assert lipids <= coronary - failure


@given(person=people_of(PREVENT_BASE, 30), horizon=st.sampled_from([10, 30]))
def test_inputs_not_listed_do_not_move_the_risk(person: dict[str, object], horizon: int) -> None:
    for outcome in PREVENT_BASE.outcomes:
        for name in PREVENT_BASE.unused[outcome]:
            same = person | {name: AHA_WOMAN[name]}
            assert of_person(PREVENT_BASE, outcome, horizon, same) == of_person(PREVENT_BASE, outcome, horizon, person)


def test_reference_person_is_one_sentence_with_age_sex_and_group() -> None:
    sentence = explained(MESA_CHD_CAC, MESA_MAN | {"agatston_score": 100}, "chd", 10).reference_person
    assert sentence.startswith("A man of 70 of the same group (hispanic) with no blood pressure drug, ")
    assert "total cholesterol 4.4 mmol/L" in sentence
    assert sentence.endswith("coronary calcium 0 Agatston units.")
    woman = explained(PREVENT_BASE, AHA_WOMAN, "heart_failure", 10).reference_person
    assert woman.startswith("A woman of 50 with ")
    assert "cholesterol" not in woman


@each_question
@given(values=st.data())
def test_many_people_get_what_each_one_gets(
    equation: RiskEquation, outcome: str, horizon: int, values: st.DataObject
) -> None:
    people = values.draw(st.lists(people_of(equation, horizon), min_size=1, max_size=5))
    # Enough rows for the vectorised loops, not only for their tails.
    found = risk_of_people(equation, outcome=outcome, horizon_years=horizon, people=columns_of(people * 40))
    alone = [of_person(equation, outcome, horizon, person) for person in people]
    assert not found.refused.any()
    np.testing.assert_array_equal(found.risk, alone * 40)


def test_refused_entries_are_nan_and_masked_exactly_where_one_person_is_refused() -> None:
    sexes: list[object] = ["female", "male", "other", None]
    pressures = [160.0, math.nan, math.inf, -5.0, 181.0, 90.0]
    smoking = [0.0, 1.0, math.nan, 2.0]
    grid = np.meshgrid(np.arange(len(sexes)), pressures, smoking, indexing="ij")
    people = AHA_WOMAN | {
        "sex": np.array(sexes, dtype=object)[grid[0].astype(int)],
        "systolic_bp_mmhg": grid[1],
        "is_current_smoker": grid[2],
    }
    found = risk_of_people(PREVENT_BASE, outcome="ascvd", horizon_years=10, people=people)
    assert found.risk.shape == found.refused.shape == (4, 6, 4)
    np.testing.assert_array_equal(np.isnan(found.risk), found.refused)
    assert found.refused.sum() == 4 * 6 * 4 - 2 * 2 * 2
    for index in np.ndindex(found.risk.shape):
        smokes = {0.0: False, 1.0: True}.get(grid[2][index], math.nan)
        person = AHA_WOMAN | {
            "sex": sexes[index[0]], "systolic_bp_mmhg": pressures[index[1]], "is_current_smoker": smokes
        }  # fmt: skip
        try:
            assert found.risk[index] == pytest.approx(of_person(PREVENT_BASE, "ascvd", 10, person), rel=1e-14)
        except EquationRefusal:
            assert found.refused[index]


def test_blocks_do_not_show_in_the_result() -> None:
    ages = np.arange(2 * BLOCK_ROWS + 7) % 60 + 25
    found = risk_of_people(PREVENT_BASE, outcome="stroke", horizon_years=10, people=AHA_WOMAN | {"age_years": ages})
    one_cycle = found.risk[:60]
    np.testing.assert_array_equal(found.risk, np.resize(one_cycle, ages.size))
    np.testing.assert_array_equal(found.refused, (ages < 30) | (ages > 79))


def test_column_not_known_at_all_refuses_everybody() -> None:
    found = risk_of_people(
        MESA_CHD_CAC, outcome="chd", horizon_years=10, people=MESA_MAN | {"age_years": [50, 60], "agatston_score": None}
    )
    assert found.refused.all()


@pytest.mark.parametrize(
    ("name", "column"),
    [("systolic_bp_mmhg", [120, None]), ("systolic_bp_mmhg", ["120"]), ("systolic_bp_mmhg", [True]), ("sex", [1.0])],
)
def test_column_of_an_unusable_dtype_is_a_programming_error(name: str, column: list[object]) -> None:
    with pytest.raises(TypeError, match=name):
        risk_of_people(PREVENT_BASE, outcome="chd", horizon_years=10, people=AHA_WOMAN | {name: column})


def test_named_functions_give_the_published_worked_examples() -> None:
    printed = {"total_cvd": 0.146839, "ascvd": 0.091951, "heart_failure": 0.080561}
    for outcome, expected in printed.items():
        found = prevent_base_risk(outcome=outcome, horizon_years=10, **AHA_WOMAN)
        assert found == pytest.approx(expected, abs=5e-7)
    assert round(100 * mesa_chd_risk(**MESA_MAN), 2) == 8.61
    assert round(100 * mesa_chd_cac_risk(agatston_score=0, **MESA_MAN), 2) == 3.06


def test_female_ascvd_falls_with_age_times_low_egfr() -> None:
    """A public implementation has the sign of this coefficient wrong; only eGFR below 60 shows it."""
    low = AHA_WOMAN | {"egfr_ml_min_173m2": 45, "age_years": 65}
    share = {c.input: c.log_odds_or_hazard for c in explained(PREVENT_BASE, low, "ascvd", 10).contributions}
    assert share["egfr_ml_min_173m2"] == pytest.approx(0.4864619 - 0.1671492 + 0.0397779 * 2, abs=1e-12)


def test_mesa_terms_and_coefficients_have_the_same_names() -> None:
    columns = {name: np.array([1.0]) for name in (*MESA_MAN, "agatston_score")}
    assert _terms(columns).keys() == COEFFICIENTS.keys()


def test_egfr_of_people_equals_egfr_of_each_and_is_nan_where_refused() -> None:
    ages, creatinine = np.array([17, 18, 40, 90]), np.array([[61.88], [79.56], [500.0], [math.nan]])
    found, refused = egfr_ckd_epi_2021_of_people({"age_years": ages, "sex": "male", "creatinine_umol_l": creatinine})
    np.testing.assert_array_equal(np.isnan(found), refused)
    assert refused.sum() == 4 + 3
    for row, column in zip(*np.nonzero(~refused), strict=True):
        alone = egfr_ckd_epi_2021(
            age_years=ages[column].item(), sex="male", creatinine_umol_l=creatinine[row, 0].item()
        )
        assert found[row, column] == pytest.approx(alone, rel=1e-14)
