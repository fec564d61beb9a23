"""The default policy: for each number, whom it is for and what must be known before it is shown."""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "default-1"

PRIOR_CARDIOVASCULAR_DISEASE = "prior_cardiovascular_disease"
PRIOR_STROKE_OR_TIA = "prior_stroke_or_tia"
ATRIAL_FIBRILLATION = "atrial_fibrillation"
PREGNANCY = "pregnancy"


@dataclass(frozen=True, slots=True)
class Stop:
    """A fact under which an equation does not apply; it must be answered before the equation is shown."""

    feature: str
    code: str
    sentence: str  # {recorded} is what is on the list, with its date
    unknown_sentence: str


STOPS = {
    PREGNANCY: Stop(
        PREGNANCY,
        "PREGNANCY",
        "Not shown during pregnancy: cholesterol, blood pressure and creatinine do not reflect long-term risk.",
        "Not shown until someone states whether this person is pregnant or gave birth in the last three months.",
    ),
    PRIOR_CARDIOVASCULAR_DISEASE: Stop(
        PRIOR_CARDIOVASCULAR_DISEASE,
        "PRIOR_ASCVD",
        "Not shown: {recorded} is recorded. This equation is for people without known cardiovascular disease; "
        "secondary-prevention care applies whatever the number.",
        "Not shown until someone states whether this person has known cardiovascular disease.",
    ),
    PRIOR_STROKE_OR_TIA: Stop(
        PRIOR_STROKE_OR_TIA,
        "PRIOR_STROKE",
        "Not shown: {recorded} is recorded. This equation is for people without a previous stroke or TIA; "
        "secondary-prevention care applies whatever the number.",
        "Not shown until someone states whether this person had a stroke or TIA.",
    ),
    ATRIAL_FIBRILLATION: Stop(
        ATRIAL_FIBRILLATION,
        "NO_AF_TERM",
        "Not shown: {recorded} is recorded, and PREVENT has no term for it.",
        "Not shown until someone states whether this person has atrial fibrillation.",
    ),
}
# Diagnoses with a code of their own, by the words of patients.terminology.CONDITION_ANSWERS.
CODE_OF_DIAGNOSIS = {
    "heart failure": "PRIOR_HF",
    "congestive heart failure": "PRIOR_HF",
    "left heart failure": "PRIOR_HF",
    "heart failure with reduced ejection fraction": "PRIOR_HF",
    "heart failure with preserved ejection fraction": "PRIOR_HF",
    "transient ischaemic attack": "PRIOR_TIA",
}

PRIMARY_PREVENTION = (PREGNANCY, PRIOR_CARDIOVASCULAR_DISEASE, PRIOR_STROKE_OR_TIA)


@dataclass(frozen=True, slots=True)
class Row:
    equation: str
    outcome: str
    horizon_years: int
    role: str
    stops: tuple[str, ...] = PRIMARY_PREVENTION
    regions: tuple[str, ...] = ("US", "EUROPE")
    ages: tuple[int, int] | None = None  # outside it the row is not asked for at all


US = ("US",)
NOT_FOR_REGION = "Not shown: PREVENT is for the United States, and the European equations are not part of this release."

TABLE = (
    Row("prevent_base", "total_cvd", 10, "PRIMARY", regions=US),
    Row("prevent_base", "ascvd", 10, "PRIMARY", regions=US),
    Row("prevent_base", "heart_failure", 10, "PRIMARY", regions=US),
    Row("prevent_base", "stroke", 10, "PRIMARY", (*PRIMARY_PREVENTION, ATRIAL_FIBRILLATION), regions=US),
    Row("mesa_chd", "chd", 10, "SECOND"),
    Row("mesa_chd_cac", "chd", 10, "SECOND"),
    Row("prevent_base", "total_cvd", 30, "SECOND", ages=(30, 59), regions=US),
    Row("prevent_base", "ascvd", 30, "SECOND", ages=(30, 59), regions=US),
)
