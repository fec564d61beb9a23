"""Every score: contributions are its points, many people get what each one gets, bad input is refused by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.equations.abcd2 import ABCD2
from ml.equations.bdsi import BDSI
from ml.equations.caide import CAIDE_1, CAIDE_2
from ml.equations.catalogue import RISK_EQUATIONS
from ml.equations.cha2ds2 import CHA2DS2_VA, CHA2DS2_VASC
from ml.equations.fsrp_1991 import FSRP_1991
from ml.equations.libra import LIBRA
from ml.equations.points import PointsScore, explained_points, points_of_people
from tests.ml.equations.people import people_of
from tests.ml.equations.score_properties import (
    assert_contributions_are_the_score,
    assert_every_bad_input_is_refused_by_name,
    assert_many_people_get_what_each_one_gets,
    explained,
    points,
    reference_person,
)

SCORES = (FSRP_1991, CAIDE_1, CAIDE_2, BDSI, CHA2DS2_VASC, CHA2DS2_VA, ABCD2, LIBRA)
each_score = pytest.mark.parametrize("score", SCORES, ids=lambda score: score.name)


def any_person_of(score: PointsScore) -> st.SearchStrategy[dict[str, object]]:
    (horizon_years,) = score.rules
    return people_of(score, horizon_years)


def zero_person(score: PointsScore) -> dict[str, object]:
    return reference_person(score, {rule.field: "female" for rule in score.inputs})


def test_every_score_of_the_catalogue_is_tested_here() -> None:
    in_catalogue = {name for name, equation in RISK_EQUATIONS.items() if isinstance(equation, PointsScore)}
    assert in_catalogue == {score.name for score in SCORES}


@each_score
@given(values=st.data())
def test_contributions_are_the_points_and_the_reference_person_has_none(
    score: PointsScore, values: st.DataObject
) -> None:
    assert_contributions_are_the_score(score, values.draw(any_person_of(score)))


@each_score
@given(values=st.data())
def test_many_people_get_what_each_one_gets(score: PointsScore, values: st.DataObject) -> None:
    assert_many_people_get_what_each_one_gets(
        score, values.draw(st.lists(any_person_of(score), min_size=1, max_size=6))
    )


@each_score
def test_bad_input_is_refused_by_name_for_one_person_and_for_many(score: PointsScore) -> None:
    assert_every_bad_input_is_refused_by_name(score, zero_person(score))


@each_score
def test_columns_of_a_data_frame_give_the_same_points(score: PointsScore) -> None:
    people = [zero_person(score), zero_person(score)]
    if "age_years" in people[1]:
        people[1]["age_years"] = next(rule.high for rule in score.inputs if rule.field == "age_years")
    found = points_of_people(score, people=pd.DataFrame(people).assign(name="ignored"))
    assert found.score.tolist() == [points(score, person) for person in people]


@each_score
def test_a_score_has_one_horizon_and_refuses_another_as_a_programming_error(score: PointsScore) -> None:
    with pytest.raises(ValueError, match=f"{score.name} has no"):
        explained_points(score, outcome=score.outcomes[0], horizon_years=7, person=zero_person(score))


@each_score
def test_only_the_printed_table_gives_a_risk(score: PointsScore) -> None:
    person = zero_person(score) | {"has_hypertension": True, "has_diabetes": True}
    found = explained(score, {name: person[name] for name in zero_person(score)})
    assert (found.risk is not None) == (score is FSRP_1991)


@each_score
def test_meaning_never_speaks_of_annual_rates_and_names_a_year(score: PointsScore) -> None:
    for total in np.arange(np.ceil(score.score_low), score.score_high + 1):
        sentence = score.meaning(float(total))
        assert "per year" not in sentence and "annual stroke" not in sentence
        assert any(year in sentence for year in ("1991", "2006", "2007", "2014", "2018", "2024"))


def test_sum_carries_no_binary_noise() -> None:
    worst = zero_person(LIBRA) | {
        "has_coronary_heart_disease": True,
        "is_physically_active": False,
        "egfr_ml_min_173m2": 30.0,
        "has_diabetes": True,
        "total_cholesterol_mmol_l": 8.0,
        "is_current_smoker": True,
        "bmi_kg_m2": 40.0,
        "has_hypertension": True,
        "has_depressive_symptoms": True,
    }
    assert points(LIBRA, worst) == 12.7
