"""Framingham Stroke Risk Profile 1991, with the treatment table of 1994: points and the 10-year risk they stand for.

Wolf PA, D'Agostino RB, Belanger AJ, Kannel WB. Probability of stroke: a risk profile from the Framingham Study. Stroke
1991;22:312-318. doi:10.1161/01.STR.22.3.312. D'Agostino RB, Wolf PA, Belanger AJ, Kannel WB. Stroke risk profile:
adjustment for antihypertensive medication. Stroke 1994;25:40-43. doi:10.1161/01.STR.25.1.40.

The points were compared with an independent implementation except those of left ventricular hypertrophy, which rest on
one academic code. The Cox coefficients behind the table are not public, so 0 points and points beyond it have no risk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml.equations import vocabulary
from ml.equations.fsrp_2017 import SYSTOLIC_BP
from ml.equations.inputs import Age, Columns, FloatArray, Rule, YesNo
from ml.equations.points import PointsScore, explained_points, points_of_person
from ml.equations.score_inputs import ATRIAL_FIBRILLATION, PRIOR_CARDIOVASCULAR_DISEASE
from ml.types import Sex


@dataclass(frozen=True, slots=True)
class _Chart:
    """One sex's chart: upper ends of the bands for 0 to 9 points (10 above), points of diseases, percent by points."""

    age_years: tuple[int, ...]
    untreated_sbp_mmhg: tuple[int, ...]
    treated_sbp_mmhg: tuple[int, ...]
    disease_points: Mapping[str, int]
    percent_from_1_point: tuple[int, ...]


def _disease_points(diabetes: int, smoking: int, cvd: int, af: int, lvh: int) -> Mapping[str, int]:
    return {
        "has_diabetes": diabetes,
        "is_current_smoker": smoking,
        "has_prior_cardiovascular_disease": cvd,
        "has_atrial_fibrillation": af,
        "has_left_ventricular_hypertrophy": lvh,
    }


# fmt: off
_WOMEN_PERCENT = (
    1, 1, 2, 2, 2, 3, 4, 4, 5, 6, 8, 9, 11, 13, 16, 19, 23, 27, 32, 37, 43, 50, 57, 64, 71, 78, 84,
)
_MEN_PERCENT = (
    3, 3, 4, 4, 5, 5, 6, 7, 8, 10, 11, 13, 15, 17, 20, 22, 26, 29, 33, 37, 42, 47, 52, 57, 63, 68, 74, 79, 84, 88,
)
# fmt: on
WOMEN = _Chart(
    age_years=(56, 59, 62, 64, 67, 70, 73, 76, 78, 81),
    untreated_sbp_mmhg=(94, 106, 118, 130, 143, 155, 167, 180, 192, 204),
    treated_sbp_mmhg=(94, 106, 113, 119, 125, 131, 139, 148, 160, 204),
    disease_points=_disease_points(diabetes=3, smoking=3, cvd=2, af=6, lvh=4),
    percent_from_1_point=_WOMEN_PERCENT,
)
MEN = _Chart(
    age_years=(56, 59, 62, 65, 68, 72, 75, 78, 81, 84),
    untreated_sbp_mmhg=(105, 115, 125, 135, 145, 155, 165, 175, 185, 195),
    treated_sbp_mmhg=(105, 112, 117, 123, 129, 135, 142, 150, 161, 176),
    disease_points=_disease_points(diabetes=2, smoking=3, cvd=4, af=4, lvh=5),
    percent_from_1_point=_MEN_PERCENT,
)

LEFT_VENTRICULAR_HYPERTROPHY = YesNo(
    field="has_left_ventricular_hypertrophy",
    code="LEFT_VENTRICULAR_HYPERTROPHY",
    question="has left ventricular hypertrophy on the ECG",
    absent="no left ventricular hypertrophy on the ECG",
    present="left ventricular hypertrophy on the ECG",
)
_RULES: tuple[Rule, ...] = (
    Age(low=55, high=86, source="scope of the profile, Stroke 1991;22:312-318"),
    vocabulary.SEX,
    SYSTOLIC_BP,
    vocabulary.ANTIHYPERTENSIVE,
    vocabulary.DIABETES,
    vocabulary.SMOKING,
    PRIOR_CARDIOVASCULAR_DISEASE,
    ATRIAL_FIBRILLATION,
    LEFT_VENTRICULAR_HYPERTROPHY,
)


def _band_points(upper_ends: tuple[int, ...], values: FloatArray) -> FloatArray:
    return np.searchsorted(upper_ends, values, side="left").astype(np.float64)


def _chart(person: Columns) -> _Chart:
    """Scores are evaluated for people of one sex at a time."""
    return WOMEN if person["sex"][0] == vocabulary.FEMALE else MEN


def _points(person: Columns) -> dict[str, FloatArray]:
    """The pressure by the untreated table; the drug by what the treated table gives on top at the same pressure."""
    chart = _chart(person)
    untreated = _band_points(chart.untreated_sbp_mmhg, person["systolic_bp_mmhg"])
    treated = _band_points(chart.treated_sbp_mmhg, person["systolic_bp_mmhg"])
    return {
        "age_years": _band_points(chart.age_years, person["age_years"]),
        "systolic_bp_mmhg": untreated,
        "takes_antihypertensive": person["takes_antihypertensive"] * (treated - untreated),
        **{field: points * person[field] for field, points in chart.disease_points.items()},
    }


def _printed_risk(score: FloatArray, person: Columns) -> FloatArray:
    percents = np.array(_chart(person).percent_from_1_point)
    is_printed = (score >= 1) & (score <= percents.size)
    risk = np.full(score.shape, np.nan)
    risk[is_printed] = percents[score[is_printed].astype(np.intp) - 1] / 100.0
    return risk


def _meaning(score: float) -> str:
    return (
        "Framingham Heart Study, 1991, 10 years of follow-up: the authors printed a risk of stroke for 1 to 30 points "
        "in men and 1 to 27 in women and none outside; the points for left ventricular hypertrophy rest on one "
        "academic code."
    )


FSRP_1991 = PointsScore(
    name="fsrp_1991",
    version="1991",
    label="Framingham Stroke 1991",
    citation="Wolf PA, D'Agostino RB, Belanger AJ, Kannel WB. Stroke 1991;22:312-318",
    doi="10.1161/01.STR.22.3.312",
    module=__name__,
    outcomes=("stroke",),
    rules={10: _RULES},
    # 0 points in both charts
    reference={
        "age_years": 56.0,
        "systolic_bp_mmhg": 94.0,
        "takes_antihypertensive": 0.0,
        "has_diabetes": 0.0,
        "is_current_smoker": 0.0,
        "has_prior_cardiovascular_disease": 0.0,
        "has_atrial_fibrillation": 0.0,
        "has_left_ventricular_hypertrophy": 0.0,
    },
    points=_points,
    score_low=0.0,
    score_high=38.0,
    meaning=_meaning,
    risk_of_score=_printed_risk,
)


def fsrp_1991_points(
    *,
    age_years: float | None,
    sex: Sex | None,
    systolic_bp_mmhg: float | None,
    takes_antihypertensive: bool | None,
    has_diabetes: bool | None,
    is_current_smoker: bool | None,
    has_prior_cardiovascular_disease: bool | None,
    has_atrial_fibrillation: bool | None,
    has_left_ventricular_hypertrophy: bool | None,
) -> int:
    """Points of the Framingham stroke chart, 0 to 38.

    Age and systolic pressure score 0 to 10 by band, pressure by one table if untreated and another if treated; then
    diabetes, smoking, cardiovascular disease, atrial fibrillation and left ventricular hypertrophy score 2, 3, 4, 4, 5
    in men and 3, 3, 2, 6, 4 in women. Many people at once: `points_of_people(FSRP_1991)`.

    Parameters
    ----------
    age_years
        55-86 completed years.
    sex
        "female" or "male".
    systolic_bp_mmhg
        90-210 mmHg.
    has_prior_cardiovascular_disease
        Coronary heart disease, heart failure or intermittent claudication.
    has_left_ventricular_hypertrophy
        On the ECG; unknown (None) is refused, never taken as no.
    takes_antihypertensive, has_diabetes, is_current_smoker, has_atrial_fibrillation
        True or False; None is not recorded and refused.

    Returns
    -------
    int
        Points, not a risk: see `fsrp_1991_risk`.

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range.

    References
    ----------
    Wolf PA et al. Stroke 1991;22:312-318. doi:10.1161/01.STR.22.3.312
    D'Agostino RB et al. Stroke 1994;25:40-43. doi:10.1161/01.STR.25.1.40

    Examples
    --------
    >>> fsrp_1991_points(age_years=84, sex="male", systolic_bp_mmhg=154, takes_antihypertensive=False,
    ...     has_diabetes=False, is_current_smoker=True, has_prior_cardiovascular_disease=False,
    ...     has_atrial_fibrillation=False, has_left_ventricular_hypertrophy=False)
    17
    """
    return int(points_of_person(FSRP_1991, person=locals()))


def fsrp_1991_risk(**person: object) -> float | None:
    """10-year risk of stroke that the authors printed for a person's points, or None where they printed none.

    Parameters
    ----------
    **person
        The inputs of `fsrp_1991_points`.

    Returns
    -------
    float or None
        Probability in whole percent for 1-30 points (men) or 1-27 points (women); None for 0 points and beyond.

    Raises
    ------
    EquationRefusal
        As `fsrp_1991_points`.

    References
    ----------
    Wolf PA et al. Stroke 1991;22:312-318. doi:10.1161/01.STR.22.3.312

    Examples
    --------
    >>> fsrp_1991_risk(age_years=84, sex="male", systolic_bp_mmhg=154, takes_antihypertensive=False,
    ...     has_diabetes=False, is_current_smoker=True, has_prior_cardiovascular_disease=False,
    ...     has_atrial_fibrillation=False, has_left_ventricular_hypertrophy=False)
    0.26
    """
    return explained_points(FSRP_1991, outcome="stroke", horizon_years=10, person=person).risk
