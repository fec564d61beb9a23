"""Calcium categories: every boundary of both groupings, and never a category without a score."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.equations.cac_categories import (
    CAC_DRS,
    RUMBERGER,
    cac_categories_of_people,
    cac_drs,
    rumberger_category,
)
from ml.errors import EquationRefusal


@pytest.mark.parametrize(
    ("score", "drs", "word"),
    [
        (0, "A0", "none"),
        (0.4, "A1", "minimal"),
        (1, "A1", "minimal"),
        (10, "A1", "minimal"),
        (11, "A1", "mild"),
        (99, "A1", "mild"),
        (99.9, "A1", "mild"),
        (100, "A2", "mild"),
        (101, "A2", "moderate"),
        (299, "A2", "moderate"),
        (300, "A3", "moderate"),
        (400, "A3", "moderate"),
        (401, "A3", "severe"),
        (5000, "A3", "severe"),
    ],
)
def test_boundaries(score: float, drs: str, word: str) -> None:
    assert (cac_drs(score), rumberger_category(score)) == (drs, word)


@pytest.mark.parametrize("category", [cac_drs, rumberger_category])
@pytest.mark.parametrize(
    ("score", "code"),
    [
        (None, "NOT_CONFIRMED"),
        (-1.0, "AGATSTON_SCORE_BELOW_RANGE"),
        (math.nan, "AGATSTON_SCORE_NOT_A_NUMBER"),
        (math.inf, "AGATSTON_SCORE_NOT_A_NUMBER"),
        (60_000.0, "AGATSTON_SCORE_ABOVE_RANGE"),
    ],
)
def test_score_that_is_none_is_refused_and_never_category_0(category: object, score: float | None, code: str) -> None:
    with pytest.raises(EquationRefusal) as caught:
        category(score)  # type: ignore[operator]
    assert (caught.value.reason_code, caught.value.field) == (code, "agatston_score")


@given(scores=st.lists(st.floats(0, 50_000), min_size=1, max_size=20))
def test_many_scores_get_what_each_one_gets(scores: list[float]) -> None:
    drs, words = cac_categories_of_people(scores)
    assert drs.tolist() == [cac_drs(score) for score in scores]
    assert words.tolist() == [rumberger_category(score) for score in scores]


@given(pair=st.tuples(st.floats(0, 50_000), st.floats(0, 50_000)))
def test_more_calcium_is_never_a_lower_category(pair: tuple[float, float]) -> None:
    low, high = sorted(pair)
    assert CAC_DRS.index(cac_drs(low)) <= CAC_DRS.index(cac_drs(high))
    assert RUMBERGER.index(rumberger_category(low)) <= RUMBERGER.index(rumberger_category(high))


def test_refused_entries_of_many_are_empty() -> None:
    drs, words = cac_categories_of_people([math.nan, -1, 0, 1e9])
    assert drs.tolist() == ["", "", "A0", ""]
    assert words.tolist() == ["", "", "none", ""]
