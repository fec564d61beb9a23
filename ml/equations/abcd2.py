"""ABCD2 2007: points for stroke in the days after a transient ischaemic attack.

Johnston SC, Rothwell PM, Nguyen-Huynh MN, et al. Validation and refinement of scores to predict very early stroke risk
after transient ischaemic attack. Lancet 2007;369:283-292. doi:10.1016/S0140-6736(07)60150-0.

Guidelines do not use it to decide how urgently somebody is seen. It means something only after a TIA; who had one is
decided by whoever asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.equations import vocabulary
from ml.equations.inputs import Choice, Columns, FloatArray, Quantity, Rule
from ml.equations.points import PointsScore, points_of_person
from ml.equations.score_inputs import ADULT_AGE, PLAUSIBLE
from ml.types import TiaClinicalFeatures

AGE_60_OR_MORE, HIGH_BLOOD_PRESSURE, WEAKNESS, SPEECH, FROM_60_MINUTES, FROM_10_MINUTES, DIABETES = 1, 1, 2, 1, 2, 1, 1
# (from, to) points, percent with a stroke within 2, 7 and 90 days
OBSERVED_PERCENT = ((0, 3, 1.0, 1.2, 3.1), (4, 5, 4.1, 5.9, 9.8), (6, 7, 8.1, 11.7, 17.8))


@dataclass(frozen=True, slots=True, kw_only=True)
class _ClinicalFeatures(Choice):
    def phrase(self, encoded: float) -> str:
        return {
            "weakness": "unilateral weakness",
            "speech": "speech impairment without weakness",
            "neither": "neither weakness nor speech impairment",
        }[self.options[int(encoded)]]


CLINICAL_FEATURES = _ClinicalFeatures(
    field="tia_clinical_features",
    options=("weakness", "speech", "neither"),
    code="TIA_CLINICAL_FEATURES_UNKNOWN",
    needs="{label} needs the clinical features of the attack recorded as weakness, speech or neither",
)
DURATION = Quantity(
    field="tia_duration_minutes",
    code="TIA_DURATION",
    words="duration of the attack",
    unit="minutes",
    ucum="min",
    low=0,
    high=1439,
    source="an attack of 24 hours or more is a stroke by the definition of the paper's time",
)


def _pressure(field: str, code: str, words: str, low: float, high: float) -> Quantity:
    return Quantity(
        field=field,
        code=code,
        words=f"{words} blood pressure after the attack",
        unit="mmHg",
        ucum="mm[Hg]",
        low=low,
        high=high,
        source=PLAUSIBLE,
    )


_RULES: tuple[Rule, ...] = (
    ADULT_AGE,
    _pressure("tia_systolic_bp_mmhg", "TIA_SYSTOLIC_BP", "systolic", 50, 300),
    _pressure("tia_diastolic_bp_mmhg", "TIA_DIASTOLIC_BP", "diastolic", 20, 200),
    CLINICAL_FEATURES,
    DURATION,
    vocabulary.DIABETES,
)


def _points(person: Columns) -> dict[str, FloatArray]:
    """The one point of the blood pressure stands with the systolic one, unless only the diastolic one earns it."""
    is_systolic, is_diastolic = person["tia_systolic_bp_mmhg"] >= 140, person["tia_diastolic_bp_mmhg"] >= 90
    features, minutes = person["tia_clinical_features"], person["tia_duration_minutes"]
    has_weakness, has_speech = (features == CLINICAL_FEATURES.options.index(name) for name in ("weakness", "speech"))
    return {
        "age_years": AGE_60_OR_MORE * (person["age_years"] >= 60).astype(np.float64),
        "tia_systolic_bp_mmhg": HIGH_BLOOD_PRESSURE * is_systolic.astype(np.float64),
        "tia_diastolic_bp_mmhg": HIGH_BLOOD_PRESSURE * (is_diastolic & ~is_systolic).astype(np.float64),
        "tia_clinical_features": np.where(has_weakness, WEAKNESS, np.where(has_speech, SPEECH, 0.0)),
        "tia_duration_minutes": np.where(minutes >= 60, FROM_60_MINUTES, np.where(minutes >= 10, FROM_10_MINUTES, 0.0)),
        "has_diabetes": DIABETES * person["has_diabetes"],
    }


def _meaning(score: float) -> str:
    low, high, two, seven, ninety = next(band for band in OBSERVED_PERCENT if band[0] <= score <= band[1])
    return (
        f"Of people with {low} to {high} points in the authors' cohorts (2007), {two:.1f} % had a stroke within "
        f"2 days, {seven:.1f} % within 7 and {ninety:.1f} % within 90; guidelines do not use this score to decide "
        "urgency."
    )


ABCD2 = PointsScore(
    name="abcd2",
    version="2007",
    label="ABCD2",
    citation="Johnston SC, Rothwell PM, Nguyen-Huynh MN, et al. Lancet 2007;369:283-292",
    doi="10.1016/S0140-6736(07)60150-0",
    module=__name__,
    outcomes=("stroke",),
    rules={0: _RULES},
    reference={
        "age_years": 59.0,
        "tia_systolic_bp_mmhg": vocabulary.REFERENCE_SYSTOLIC_BP_MMHG,
        "tia_diastolic_bp_mmhg": 80.0,
        "tia_clinical_features": float(CLINICAL_FEATURES.options.index("neither")),
        "tia_duration_minutes": 9.0,
        "has_diabetes": 0.0,
    },
    points=_points,
    score_low=0.0,
    score_high=7.0,
    meaning=_meaning,
)


def abcd2_points(
    *,
    age_years: float | None,
    tia_systolic_bp_mmhg: float | None,
    tia_diastolic_bp_mmhg: float | None,
    tia_clinical_features: TiaClinicalFeatures | None,
    tia_duration_minutes: float | None,
    has_diabetes: bool | None,
) -> int:
    """ABCD2, 0 to 7 points; only meaningful after a TIA, and not for deciding urgency.

    Age from 60 1; systolic pressure from 140 or diastolic from 90 mmHg 1; unilateral weakness 2, speech impairment
    without weakness 1; duration from 60 minutes 2, 10-59 minutes 1; diabetes 1.
    Many people at once: `points_of_people(ABCD2)`.

    Parameters
    ----------
    age_years
        Completed years, from 18.
    tia_clinical_features
        "weakness" (unilateral), "speech" (disturbed, without weakness) or "neither".
    tia_systolic_bp_mmhg, tia_diastolic_bp_mmhg
        First pressures after the attack, 50-300 and 20-200 mmHg: plausibility limits.
    tia_duration_minutes
        0-1439 minutes.
    has_diabetes
        True or False; None is not recorded and refused.

    Returns
    -------
    int
        Points.

    Raises
    ------
    EquationRefusal
        An input is missing (None), not a finite number, or outside its range.

    References
    ----------
    Johnston SC et al. Lancet 2007;369:283-292. doi:10.1016/S0140-6736(07)60150-0

    Examples
    --------
    >>> abcd2_points(age_years=59, tia_systolic_bp_mmhg=120, tia_diastolic_bp_mmhg=90, tia_clinical_features="speech",
    ...     tia_duration_minutes=10, has_diabetes=True)
    4
    """
    return int(points_of_person(ABCD2, person=locals()))
