"""Tables of people: mappings of arrays, pandas DataFrames, nullable columns, both sexes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.equations.equation import BLOCK_ROWS, risk_of_people, risk_of_person
from ml.equations.prevent_base import PREVENT_BASE
from ml.equations.prevent_hba1c import PREVENT_HBA1C
from tests.ml.equations.people import AHA_WOMAN, columns_of, people_of


def found_of(people: object) -> object:
    return risk_of_people(PREVENT_BASE, outcome="ascvd", horizon_years=10, people=people)  # type: ignore[arg-type]


@settings(deadline=None)
@given(people=st.lists(people_of(PREVENT_BASE, 10), min_size=1, max_size=8))
def test_data_frame_gives_the_bits_of_the_arrays(people: list[dict[str, object]]) -> None:
    columns = columns_of(people)
    frame = pd.DataFrame(columns)
    np.testing.assert_array_equal(found_of(frame).risk, found_of(columns).risk)


def test_further_columns_of_a_data_frame_are_ignored_and_a_missing_one_is_named() -> None:
    frame = pd.DataFrame([AHA_WOMAN]).assign(patient="a")
    assert found_of(frame).risk[0] == found_of(AHA_WOMAN).risk
    with pytest.raises(ValueError, match="bmi_kg_m2"):
        found_of(frame.drop(columns="bmi_kg_m2"))


def test_unknown_name_in_a_mapping_is_a_typing_error() -> None:
    with pytest.raises(ValueError, match=r"unknown \['bmi'\]"):
        found_of(AHA_WOMAN | {"bmi": 30})


def test_index_of_a_data_frame_does_not_matter() -> None:
    frame = pd.DataFrame([AHA_WOMAN, AHA_WOMAN | {"age_years": 60}], index=[7, 7])
    ages = [found_of(AHA_WOMAN | {"age_years": age}).risk for age in (50, 60)]
    np.testing.assert_array_equal(found_of(frame).risk, ages)


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("age_years", pd.array([50, None], dtype="Int64")),
        ("systolic_bp_mmhg", pd.array([160, None], dtype="Float64")),
        ("has_diabetes", pd.array([True, None], dtype="boolean")),
        ("sex", pd.array(["female", None], dtype="string")),
        ("sex", pd.Categorical(["female", None])),
        ("sex", np.array(["female", pd.NA], dtype=object)),
        ("sex", np.array(["female", np.nan], dtype=object)),
    ],
)
def test_na_of_a_nullable_column_is_not_known_and_refused(field: str, column: object) -> None:
    frame = pd.DataFrame([AHA_WOMAN, AHA_WOMAN]).assign(**{field: column})
    found = found_of(frame)
    assert found.refused.tolist() == [False, True]
    assert found.risk[0] == risk_of_person(PREVENT_BASE, outcome="ascvd", horizon_years=10, person=AHA_WOMAN)


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("systolic_bp_mmhg", ["160", "170"]),
        ("systolic_bp_mmhg", [True, False]),
        ("systolic_bp_mmhg", pd.array([True, None], dtype="boolean")),
        ("systolic_bp_mmhg", pd.array(["160", None], dtype="string")),
        ("systolic_bp_mmhg", pd.to_datetime(["2024-01-01", "2024-01-02"])),
        ("has_diabetes", np.array([True, None], dtype=object)),
        ("sex", [0, 1]),
        ("sex", pd.array([0, 1], dtype="Int64")),
    ],
)
def test_column_of_a_wrong_kind_is_refused_by_name(field: str, column: object) -> None:
    frame = pd.DataFrame([AHA_WOMAN, AHA_WOMAN]).assign(**{field: column})
    with pytest.raises(TypeError, match=f"{field}: expected"):
        found_of(frame)


def test_wrong_kind_is_refused_even_in_an_empty_table() -> None:
    frame = pd.DataFrame([AHA_WOMAN]).iloc[:0]
    assert found_of(frame).risk.shape == (0,)
    with pytest.raises(TypeError, match="systolic_bp_mmhg"):
        found_of(frame.assign(systolic_bp_mmhg=np.array([], dtype="U3")))


def test_nullable_optional_column_that_is_na_is_not_measured() -> None:
    frame = pd.DataFrame([AHA_WOMAN] * 3).assign(hba1c_percent=pd.array([7, None, 16], dtype="Float64"))
    found = risk_of_people(PREVENT_HBA1C, outcome="ascvd", horizon_years=10, people=frame)
    alone = [
        risk_of_person(PREVENT_HBA1C, outcome="ascvd", horizon_years=10, person=AHA_WOMAN | {"hba1c_percent": value})
        for value in (7, None)
    ]
    np.testing.assert_array_equal(found.risk[:2], alone)
    assert found.refused.tolist() == [False, False, True]


def test_women_and_men_of_one_block_do_not_mix() -> None:
    rng = np.random.default_rng(7)
    number = BLOCK_ROWS + 500
    sex = np.array(["female", "male", "other"])[rng.integers(0, 3, number)]
    pressure = rng.integers(80, 190, number).astype(np.float64)
    found = found_of(AHA_WOMAN | {"sex": sex, "systolic_bp_mmhg": pressure})
    accepted = (sex != "other") & (pressure >= 90) & (pressure <= 180)
    np.testing.assert_array_equal(found.refused, ~accepted)
    for row in rng.choice(np.flatnonzero(accepted), 200, replace=False):
        person = AHA_WOMAN | {"sex": str(sex[row]), "systolic_bp_mmhg": float(pressure[row])}
        assert found.risk[row] == risk_of_person(PREVENT_BASE, outcome="ascvd", horizon_years=10, person=person)


def test_columns_given_are_not_changed() -> None:
    people = {name: np.array([value, value]) for name, value in AHA_WOMAN.items()}
    before = {name: column.copy() for name, column in people.items()}
    found_of(people)
    for name, column in people.items():
        np.testing.assert_array_equal(column, before[name])
