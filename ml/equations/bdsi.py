"""Brief Dementia Screening Indicator 2014: whom to consider for cognitive testing, ages 65 to 79.

Barnes DE, Beiser AS, Lee A, et al. Development and validation of a brief dementia screening indicator for primary care.
Alzheimers Dement 2014;10:656-665.e1. doi:10.1016/j.jalz.2013.11.006. Dementia within 6 years in four US cohorts.

Points are those of the abstract. That age 65 itself scores 0, and the cut-off of 22, rest on one public code. No
percentage is attached to the points.
"""

from __future__ import annotations

import numpy as np

from ml.equations import vocabulary
from ml.equations.inputs import Age, Columns, FloatArray, Rule, YesNo
from ml.equations.points import PointsScore, points_of_person
from ml.equations.score_inputs import BMI, DEPRESSIVE_SYMPTOMS, EDUCATION

FIRST_AGE_YEARS, LAST_AGE_YEARS = 65, 79
EDUCATION_BELOW_12_YEARS, STROKE, DIABETES, BMI_BELOW_18_5, NEEDS_HELP, DEPRESSION = 9, 6, 3, 8, 10, 6
CUT_OFF = 22

PRIOR_STROKE = YesNo(
    field="has_prior_stroke",
    code="PRIOR_STROKE",
    question="has had a stroke",
    absent="no prior stroke",
    present="a prior stroke",
)
NEEDS_HELP_WITH_MONEY_OR_MEDICATION = YesNo(
    field="needs_help_with_money_or_medication",
    code="NEEDS_HELP",
    question="needs help with money or medication",
    absent="no need of help with money or medication",
    present="a need of help with money or medication",
)
_RULES: tuple[Rule, ...] = (
    Age(low=FIRST_AGE_YEARS, high=LAST_AGE_YEARS, source="ages studied, Alzheimers Dement 2014;10:656-665.e1"),
    EDUCATION,
    BMI,
    vocabulary.DIABETES,
    PRIOR_STROKE,
    NEEDS_HELP_WITH_MONEY_OR_MEDICATION,
    DEPRESSIVE_SYMPTOMS,
)


def _points(person: Columns) -> dict[str, FloatArray]:
    return {
        "age_years": np.floor(person["age_years"]) - FIRST_AGE_YEARS,
        "education_years": EDUCATION_BELOW_12_YEARS * (person["education_years"] < 12).astype(np.float64),
        "bmi_kg_m2": BMI_BELOW_18_5 * (person["bmi_kg_m2"] < 18.5).astype(np.float64),
        "has_diabetes": DIABETES * person["has_diabetes"],
        "has_prior_stroke": STROKE * person["has_prior_stroke"],
        "needs_help_with_money_or_medication": NEEDS_HELP * person["needs_help_with_money_or_medication"],
        "has_depressive_symptoms": DEPRESSION * person["has_depressive_symptoms"],
    }


def is_high_risk(points: float) -> bool:
    """Whether the points reach the cut-off of 22, which rests on one public code: a screening indicator.

    Parameters
    ----------
    points : float
        Of `bdsi_points`, 0-56.

    Returns
    -------
    bool
        True from 22 points.

    References
    ----------
    Barnes DE et al. Alzheimers Dement 2014;10:656-665.e1. doi:10.1016/j.jalz.2013.11.006

    Examples
    --------
    >>> is_high_risk(21), is_high_risk(22)
    (False, True)
    """
    return points >= CUT_OFF


def _meaning(score: float) -> str:
    side = "At or above" if is_high_risk(score) else "Below"
    return (
        f"{side} the cut-off of {CUT_OFF} points, which rests on one public code: a screening indicator of whom to "
        "consider for cognitive testing, derived for dementia within 6 years in four US cohorts of 2014; no percentage "
        "is attached to it."
    )


BDSI = PointsScore(
    name="bdsi",
    version="2014",
    label="Brief Dementia Screening Indicator",
    citation="Barnes DE, Beiser AS, Lee A, et al. Alzheimers Dement 2014;10:656-665.e1",
    doi="10.1016/j.jalz.2013.11.006",
    module=__name__,
    outcomes=("dementia",),
    rules={6: _RULES},
    reference={
        "age_years": 65.0,
        "education_years": 12.0,
        "bmi_kg_m2": vocabulary.REFERENCE_BMI_KG_M2,
        "has_diabetes": 0.0,
        "has_prior_stroke": 0.0,
        "needs_help_with_money_or_medication": 0.0,
        "has_depressive_symptoms": 0.0,
    },
    points=_points,
    score_low=0.0,
    score_high=56.0,
    meaning=_meaning,
)


def bdsi_points(
    *,
    age_years: float | None,
    education_years: float | None,
    bmi_kg_m2: float | None,
    has_diabetes: bool | None,
    has_prior_stroke: bool | None,
    needs_help_with_money_or_medication: bool | None,
    has_depressive_symptoms: bool | None,
) -> int:
    """Points of the Brief Dementia Screening Indicator, 0 to 56.

    1 for each year above 65, 9 for less than 12 years of education, 8 for a body mass index below 18.5 kg/m², 3 for
    diabetes, 6 for a stroke, 10 for needing help with money or medication, 6 for depressive symptoms.
    Many people at once: `points_of_people(BDSI)`.

    Parameters
    ----------
    age_years
        65-79 completed years.
    education_years, bmi_kg_m2
        0-40 years, 10-90 kg/m²: plausibility limits.
    has_diabetes, has_prior_stroke, needs_help_with_money_or_medication, has_depressive_symptoms
        True or False; None is not recorded and refused.

    Returns
    -------
    int
        Points; `is_high_risk` from 22.

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range.

    References
    ----------
    Barnes DE et al. Alzheimers Dement 2014;10:656-665.e1. doi:10.1016/j.jalz.2013.11.006

    Examples
    --------
    >>> bdsi_points(age_years=65, education_years=15, bmi_kg_m2=18.4, has_diabetes=False, has_prior_stroke=True,
    ...     needs_help_with_money_or_medication=True, has_depressive_symptoms=False)
    24
    """
    return int(points_of_person(BDSI, person=locals()))
