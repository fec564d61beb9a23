"""CHA2DS2-VASc 2010 and CHA2DS2-VA 2024: points for stroke in atrial fibrillation.

Lip GYH, Nieuwlaat R, Pisters R, Lane DA, Crijns HJGM. Chest 2010;137:263-272. doi:10.1378/chest.09-1584. Without sex:
Van Gelder IC, Rienstra M, Bunting KV, et al. 2024 ESC Guidelines for the management of atrial fibrillation. Eur Heart J
2024;45:3314-3414. doi:10.1093/eurheartj/ehae176.

Points only: published tables of annual stroke rates disagree, so none is attached. The scores mean something only in
atrial fibrillation without a mechanical valve or moderate to severe mitral stenosis; who has that is decided by whoever
asks for them.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ml.equations import vocabulary
from ml.equations.inputs import Columns, FloatArray, Rule, YesNo
from ml.equations.points import PointsScore, points_of_person
from ml.equations.score_inputs import ADULT_AGE, HYPERTENSION
from ml.types import Sex

AGE_75_OR_MORE, AGE_65_TO_74, FEMALE = 2, 1, 1
HEART_FAILURE, HYPERTENSIVE, DIABETES, STROKE_OR_TIA, VASCULAR_DISEASE = 1, 1, 1, 2, 1

HAS_HEART_FAILURE = YesNo(
    field="has_heart_failure",
    code="HEART_FAILURE",
    question="has heart failure",
    absent="no heart failure",
    present="heart failure",
)
PRIOR_STROKE_OR_TIA = YesNo(
    field="has_prior_stroke_or_tia",
    code="PRIOR_STROKE_OR_TIA",
    question="has had a stroke or TIA",
    absent="no prior stroke or TIA",
    present="a prior stroke or TIA",
)
HAS_VASCULAR_DISEASE = YesNo(
    field="has_vascular_disease",
    code="VASCULAR_DISEASE",
    question="has vascular disease",
    absent="no vascular disease",
    present="vascular disease",
)
_RULES: tuple[Rule, ...] = (
    ADULT_AGE,
    HAS_HEART_FAILURE,
    HYPERTENSION,
    vocabulary.DIABETES,
    PRIOR_STROKE_OR_TIA,
    HAS_VASCULAR_DISEASE,
)


def _points(person: Columns) -> dict[str, FloatArray]:
    age = person["age_years"]
    points: dict[str, FloatArray] = {
        "age_years": np.where(age >= 75, AGE_75_OR_MORE, np.where(age >= 65, AGE_65_TO_74, 0.0)),
        "has_heart_failure": HEART_FAILURE * person["has_heart_failure"],
        "has_hypertension": HYPERTENSIVE * person["has_hypertension"],
        "has_diabetes": DIABETES * person["has_diabetes"],
        "has_prior_stroke_or_tia": STROKE_OR_TIA * person["has_prior_stroke_or_tia"],
        "has_vascular_disease": VASCULAR_DISEASE * person["has_vascular_disease"],
    }
    if "sex" in person:
        points["sex"] = FEMALE * (person["sex"] == vocabulary.FEMALE).astype(np.float64)
    return points


def _meaning(advice: str, score: float) -> str:
    return (
        "Points order people with atrial fibrillation by their risk of stroke; no annual rate is attached, because "
        f"published tables disagree; {advice}."
    )


_REFERENCE = {
    "age_years": 64.0,
    "has_heart_failure": 0.0,
    "has_hypertension": 0.0,
    "has_diabetes": 0.0,
    "has_prior_stroke_or_tia": 0.0,
    "has_vascular_disease": 0.0,
}

CHA2DS2_VASC = PointsScore(
    name="cha2ds2_vasc",
    version="2010",
    label="CHA2DS2-VASc",
    citation="Lip GYH, Nieuwlaat R, Pisters R, et al. Chest 2010;137:263-272",
    doi="10.1378/chest.09-1584",
    module=__name__,
    outcomes=("stroke",),
    rules={0: (*_RULES, vocabulary.SEX)},
    reference={**_REFERENCE, "sex": float(vocabulary.SEX.options.index("male"))},
    points=_points,
    score_low=0.0,
    score_high=9.0,
    meaning=partial(_meaning, "the European guideline of 2024 uses CHA2DS2-VA, without sex, in its place"),
)
CHA2DS2_VA = PointsScore(
    name="cha2ds2_va",
    version="2024",
    label="CHA2DS2-VA",
    citation="Van Gelder IC, Rienstra M, Bunting KV, et al. Eur Heart J 2024;45:3314-3414",
    doi="10.1093/eurheartj/ehae176",
    module=__name__,
    outcomes=("stroke",),
    rules={0: _RULES},
    reference=_REFERENCE,
    points=_points,
    score_low=0.0,
    score_high=8.0,
    meaning=partial(
        _meaning,
        "the European guideline of 2024 recommends anticoagulation from 2 points and asks to consider it at 1",
    ),
)


def cha2ds2_vasc_points(
    *,
    age_years: float | None,
    sex: Sex | None,
    has_heart_failure: bool | None,
    has_hypertension: bool | None,
    has_diabetes: bool | None,
    has_prior_stroke_or_tia: bool | None,
    has_vascular_disease: bool | None,
) -> int:
    """CHA2DS2-VASc, 0 to 9 points; only meaningful in atrial fibrillation.

    Heart failure or ejection fraction of 40 % or less 1, hypertension 1, age from 75 2, diabetes 1, stroke, TIA or
    thromboembolism 2, vascular disease 1, age 65-74 1, women 1. Many people at once: `points_of_people(CHA2DS2_VASC)`.

    Parameters
    ----------
    age_years
        Completed years, from 18.
    sex
        "female" or "male".
    has_vascular_disease
        Myocardial infarction, peripheral artery disease or aortic plaque.
    has_heart_failure, has_hypertension, has_diabetes, has_prior_stroke_or_tia
        True or False; None is not recorded and refused.

    Returns
    -------
    int
        Points; no rate of stroke is attached.

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range.

    References
    ----------
    Lip GYH et al. Chest 2010;137:263-272. doi:10.1378/chest.09-1584

    Examples
    --------
    >>> cha2ds2_vasc_points(age_years=75, sex="female", has_heart_failure=False, has_hypertension=True,
    ...     has_diabetes=False, has_prior_stroke_or_tia=True, has_vascular_disease=False)
    6
    """
    return int(points_of_person(CHA2DS2_VASC, person=locals()))


def cha2ds2_va_points(
    *,
    age_years: float | None,
    has_heart_failure: bool | None,
    has_hypertension: bool | None,
    has_diabetes: bool | None,
    has_prior_stroke_or_tia: bool | None,
    has_vascular_disease: bool | None,
) -> int:
    """CHA2DS2-VA, 0 to 8 points: CHA2DS2-VASc without sex; only meaningful in atrial fibrillation.

    Many people at once: `points_of_people(CHA2DS2_VA)`.

    Parameters
    ----------
    age_years, has_vascular_disease
        As in `cha2ds2_vasc_points`.
    has_heart_failure, has_hypertension, has_diabetes, has_prior_stroke_or_tia
        True or False; None is not recorded and refused.

    Returns
    -------
    int
        Points; no rate of stroke is attached.

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range.

    References
    ----------
    Van Gelder IC et al. Eur Heart J 2024;45:3314-3414. doi:10.1093/eurheartj/ehae176

    Examples
    --------
    >>> cha2ds2_va_points(age_years=75, has_heart_failure=False, has_hypertension=True, has_diabetes=False,
    ...     has_prior_stroke_or_tia=True, has_vascular_disease=False)
    5
    """
    return int(points_of_person(CHA2DS2_VA, person=locals()))
