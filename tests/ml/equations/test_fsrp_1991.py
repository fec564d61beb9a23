"""Framingham Stroke 1991: every band edge of both charts, the printed table and where it ends."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ml.equations.fsrp_1991 import FSRP_1991, MEN, WOMEN, fsrp_1991_points, fsrp_1991_risk
from tests.ml.equations.score_properties import explained, points, refusal, shares

GOLDEN = Path(__file__).parents[2] / "golden" / "fsrp.csv"
ZERO: dict[str, object] = {
    "age_years": 56,
    "sex": "male",
    "systolic_bp_mmhg": 94,
    "takes_antihypertensive": False,
    "has_diabetes": False,
    "is_current_smoker": False,
    "has_prior_cardiovascular_disease": False,
    "has_atrial_fibrillation": False,
    "has_left_ventricular_hypertrophy": False,
}
DISEASES = {
    "has_diabetes": (3, 2),
    "is_current_smoker": (3, 3),
    "has_prior_cardiovascular_disease": (2, 4),
    "has_atrial_fibrillation": (6, 4),
    "has_left_ventricular_hypertrophy": (4, 5),
}
each_chart = pytest.mark.parametrize(("sex", "chart"), [("female", WOMEN), ("male", MEN)], ids=["women", "men"])


@each_chart
def test_age_scores_one_point_more_just_above_each_band(sex: str, chart: object) -> None:
    for band_points, end in enumerate(chart.age_years):  # type: ignore[attr-defined]
        assert points(FSRP_1991, ZERO | {"sex": sex, "age_years": end}) == band_points
        assert points(FSRP_1991, ZERO | {"sex": sex, "age_years": end + 1}) == band_points + 1


@each_chart
@pytest.mark.parametrize("treated", [False, True])
def test_pressure_scores_by_its_own_table_with_and_without_treatment(sex: str, chart: object, treated: bool) -> None:
    ends = chart.treated_sbp_mmhg if treated else chart.untreated_sbp_mmhg  # type: ignore[attr-defined]
    person = ZERO | {"sex": sex, "takes_antihypertensive": treated}
    for band_points, end in enumerate(ends):
        assert points(FSRP_1991, person | {"systolic_bp_mmhg": end}) == band_points
        assert points(FSRP_1991, person | {"systolic_bp_mmhg": end + 0.5}) == band_points + 1
    assert points(FSRP_1991, person | {"systolic_bp_mmhg": 210}) == 10


@pytest.mark.parametrize(("field", "expected"), DISEASES.items())
def test_disease_scores_differ_between_women_and_men(field: str, expected: tuple[int, int]) -> None:
    found = tuple(int(points(FSRP_1991, ZERO | {"sex": sex, field: True})) for sex in ("female", "male"))
    assert found == expected


def test_drug_is_shown_with_what_treatment_adds_at_the_same_pressure() -> None:
    person = ZERO | {"systolic_bp_mmhg": 145, "takes_antihypertensive": True}
    found = shares(FSRP_1991, person)
    assert (found["systolic_bp_mmhg"], found["takes_antihypertensive"]) == (4.0, 3.0)
    assert points(FSRP_1991, person) == 7.0


@pytest.mark.parametrize(
    ("sex", "score", "risk"),
    [
        ("male", 0, None),
        ("male", 1, 0.03),
        ("male", 10, 0.10),
        ("male", 30, 0.88),
        ("male", 31, None),
        ("female", 0, None),
        ("female", 1, 0.01),
        ("female", 27, 0.84),
        ("female", 28, None),
    ],
)
def test_printed_risk_and_where_the_table_ends(sex: str, score: int, risk: float | None) -> None:
    person = _person_with(sex, score)
    found = explained(FSRP_1991, person)
    assert (found.score, found.risk) == (score, risk)
    assert fsrp_1991_risk(**person) == risk


def _person_with(sex: str, score: int) -> dict[str, object]:
    """Somebody with exactly so many points: diseases while they fit, then pressure, then age."""
    person, left = ZERO | {"sex": sex}, score
    chart = {"female": WOMEN, "male": MEN}[sex]
    for field, by_sex in sorted(DISEASES.items(), key=lambda item: -item[1][sex == "male"]):
        if by_sex[sex == "male"] <= left:
            person, left = person | {field: True}, left - by_sex[sex == "male"]
    from_pressure = min(left, 10)
    person["systolic_bp_mmhg"] = (*chart.untreated_sbp_mmhg, 209)[from_pressure]
    person["age_years"] = (*chart.age_years, 86)[left - from_pressure]
    return person


@each_chart
def test_table_is_printed_for_every_score_from_1(sex: str, chart: object) -> None:
    percents = chart.percent_from_1_point  # type: ignore[attr-defined]
    assert len(percents) == {"female": 27, "male": 30}[sex]
    assert list(percents) == sorted(percents)


def test_unknown_left_ventricular_hypertrophy_is_refused_and_never_taken_as_no() -> None:
    found = refusal(FSRP_1991, ZERO | {"has_left_ventricular_hypertrophy": None})
    assert found.reason_code == "MISSING_LEFT_VENTRICULAR_HYPERTROPHY"
    assert "left ventricular hypertrophy on the ECG" in found.sentence


def test_meaning_says_where_the_hypertrophy_points_come_from() -> None:
    assert "one academic code" in explained(FSRP_1991, ZERO).meaning


def test_named_function_gives_whole_points() -> None:
    found = fsrp_1991_points(**ZERO | {"age_years": 86, "systolic_bp_mmhg": 210} | dict.fromkeys(DISEASES, True))
    assert (found, type(found)) == (38, int)
    assert found == FSRP_1991.score_high


def test_golden_rows_without_a_printed_risk_get_none_here() -> None:
    with GOLDEN.open(encoding="utf-8", newline="") as lines:
        blanks = [row for row in csv.DictReader(lines) if not row["exp_fsrp1991_pct"]]
    assert len(blanks) >= 2
    for row in blanks:
        person = {
            "age_years": float(row["age"]),
            "sex": row["sex"],
            "systolic_bp_mmhg": float(row["sbp"]),
            "takes_antihypertensive": row["bp_tx"] == "1",
            "has_diabetes": row["diabetes"] == "1",
            "is_current_smoker": row["smoker"] == "1",
            "has_prior_cardiovascular_disease": row["cvd"] == "1",
            "has_atrial_fibrillation": row["af"] == "1",
            "has_left_ventricular_hypertrophy": row["lvh"] == "1",
        }
        assert fsrp_1991_risk(**person) is None
        assert points(FSRP_1991, person) == float(row["exp_fsrp1991_points"])
