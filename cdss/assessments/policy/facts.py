"""From features to what a policy asks: yes, no or unknown, with the words, the date and the feature behind it.

"Not recorded" stays unknown. Only known and usable values count: one that is too old or from acute care states nothing,
but that a disease once had stays had.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from cdss.assessments.features import Feature, Features
from cdss.assessments.models import FeatureState
from patients.terminology import QUESTIONS

Answer = Literal["yes", "no", "unknown"]

CHILDBEARING_AGES = (18, 50)
FH_RANGE_LDL_MMOL_L = 4.9  # 190 mg/dL
# Severe target organ damage in diabetes, ESC 2021 (Eur Heart J 2021;42:3227-3337, table 4): eGFR below 45; or 45 to 59
# with an albumin-creatinine ratio from 30 mg/g; or a ratio above 300 mg/g. Disease of small vessels at three sites
# counts too, and is not among the features. In the same table chronic kidney disease with eGFR below 30 is very high
# risk, and familial hypercholesterolaemia high risk, by themselves.
KIDNEY_FAILURE_EGFR, SEVERE_CKD_EGFR, ORGAN_DAMAGE_EGFR, REDUCED_EGFR = 15.0, 30.0, 45.0, 60.0
MICROALBUMINURIA_MG_G, PROTEINURIA_MG_G = 30.0, 300.0

# A yes whose age makes it unusable as an input is still a reason to stop; of pregnancy, dialysis, palliative care or a
# drug it says nothing any more.
LASTING = frozenset(question.feature for question in QUESTIONS if question.is_yes_lasting)
# Stage 1 of the AHA/ACC guideline of 2025 in somebody for whom risk decides: 130-139 or 80-89 mmHg, no drug, none of
# the conditions in which drugs are advised whatever the risk (from memory: diabetes, chronic kidney disease).
STAGE_1_SYSTOLIC, STAGE_1_DIASTOLIC = (130.0, 140.0), (80.0, 90.0)
# European guidelines class somebody with one of these by it, whatever SCORE2 says (from memory).
MARKED_CHOLESTEROL_MMOL_L, MARKED_SYSTOLIC, MARKED_DIASTOLIC = 8.0, 180.0, 110.0
SAME_SAMPLE = timedelta(days=1)
TIA_DAYS = timedelta(days=7)  # somebody stated only that it was within them

HEART_FAILURE_WORDS = "heart failure"
TIA_WORDS = "transient ischaemic attack"
STATED = {
    "prior_cardiovascular_disease": "known cardiovascular disease",
    "heart_failure": "heart failure",
    "prior_stroke": "a previous stroke",
    "prior_tia": "a previous TIA",
    "prior_stroke_or_tia": "a previous stroke or TIA",
    "atrial_fibrillation": "atrial fibrillation",
    "valvular_atrial_fibrillation": "a mechanical heart valve or moderate to severe mitral stenosis",
    "dialysis": "dialysis",
    "familial_hypercholesterolaemia": "familial hypercholesterolaemia",
    "type_1_diabetes": "type 1 diabetes",
    "metal_in_ct": "a coronary stent or bypass",
}


class Known(Protocol):
    """A feature as gathered, or as recorded in a snapshot."""

    @property
    def state(self) -> str: ...
    @property
    def value(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Fact:
    answer: Answer
    feature: str = ""  # which somebody would have to state or correct
    words: str = ""
    effective_at: datetime | None = None

    @property
    def recorded(self) -> str:
        return f"{self.words} ({self.effective_at:%B %Y})" if self.effective_at else self.words


Facts = Mapping[str, Fact]


def facts_of(features: Features, *, region: str, score2_region: str | None) -> dict[str, Fact]:
    """Everything a policy's stops, questions, roles and notes refer to, by name."""
    simple = ("diabetes", "cognitive_disorder", "atrial_fibrillation", "dialysis", "palliative_care")
    facts = {name: _stated(features, name) for name in (*simple, "valvular_atrial_fibrillation")}
    facts |= _history(features)
    facts |= _circumstances(features)
    facts |= _of_age(features)
    in_europe = _is(region == "EUROPE")
    facts["in_europe"] = in_europe
    facts["score2_region"] = Fact("yes" if score2_region else "no", "score2_region")
    facts["anticoagulated_atrial_fibrillation"] = _both(
        facts["atrial_fibrillation"], _stated(features, "anticoagulant_treatment")
    )
    facts["male_atrial_fibrillation"] = _both(facts["atrial_fibrillation"], _is(_value(features, "sex") == "male"))
    facts["fh_range"] = _first_yes(_stated(features, "familial_hypercholesterolaemia"), _ldl_in_fh_range(features))
    facts["high_risk_by_diagnosis"] = _high_risk_by_diagnosis(features)
    facts["class_by_finding"] = _class_by_finding(features)
    facts["class_by_score2"] = _is(facts["class_by_finding"].answer == "no" and facts["fh_range"].answer != "yes")
    facts["stage_1_hypertension"] = _stage_1_hypertension(features)
    facts["treated_without_hypertension"] = _both(
        _is(_value(features, "antihypertensive_treatment") == "yes"), _is(_value(features, "hypertension") == "no")
    )
    facts["kidney_failure"] = _egfr_below(KIDNEY_FAILURE_EGFR, features)
    is_undiagnosed = facts["cognitive_disorder"].answer != "yes"
    facts["aged_80_or_more_undiagnosed"] = _both(facts["aged_80_or_more"], _is(is_undiagnosed))
    for name in ("diabetes", "high_risk_by_diagnosis"):
        facts[f"{name}_in_europe"] = _both(facts[name], in_europe)
    return facts


def may_be_pregnant(features: Mapping[str, Known]) -> bool:
    """Asked of women of 18 to 50, of everybody whose sex or age is not recorded, and of whoever has answered yes.

    A yes in a man's record stops numbers too: which of the two is wrong is for a person to say.
    """
    sex, age, pregnancy = features["sex"], features["age_years"], features.get("pregnancy")
    if pregnancy is not None and pregnancy.state == FeatureState.USED and pregnancy.value == "yes":
        return True
    if sex.state == FeatureState.USED and sex.value == "male":
        return False
    if age.state != FeatureState.USED:
        return True
    return CHILDBEARING_AGES[0] <= int(age.value) <= CHILDBEARING_AGES[1]


@functools.cache
def _bare(answer: Answer, feature: str) -> Fact:
    """Most facts have neither words nor a date; each of those is made once."""
    return Fact(answer, feature)


def _is(answer: bool, feature: str = "") -> Fact:
    return _bare("yes" if answer else "no", feature)


def _used(features: Features, name: str) -> Feature | None:
    feature = features.get(name)
    return feature if feature is not None and feature.state == FeatureState.USED else None


def _value(features: Features, name: str) -> str:
    feature = _used(features, name)
    return feature.value if feature else ""


def _number(features: Features, name: str) -> float | None:
    value = _value(features, name)
    return float(value) if value else None


def _stated(features: Features, name: str) -> Fact:
    """A yes/no feature; the words and the date are those of the problem list where it was found there."""
    feature = features.get(name)
    if feature is None or feature.value not in {"yes", "no"}:
        return _bare("unknown", name)
    if feature.state != FeatureState.USED and (feature.value == "no" or name not in LASTING):
        return _bare("unknown", name)
    if feature.value == "no":
        return _bare("no", name)
    is_listed = feature.source_type == "CONDITION"
    words = feature.sentence if is_listed and feature.sentence else STATED.get(name, feature.title.lower())
    return Fact("yes", name, words, feature.effective_at if is_listed else None)


def _first_yes(*facts: Fact) -> Fact:
    """The first that is yes; otherwise unknown where any is, and no where all are."""
    for answer in ("yes", "unknown"):
        for fact in facts:
            if fact.answer == answer:
                return fact
    return facts[0]


def _both(first: Fact, second: Fact) -> Fact:
    """No where either is no; the words are the first one's."""
    if "no" in {first.answer, second.answer}:
        return _bare("no", first.feature)
    for fact in (first, second):
        if fact.answer == "unknown":
            return fact
    return first


def _history(features: Features) -> dict[str, Fact]:
    """A2 to A4. Heart failure and TIA have codes of their own, also where only the wider question was answered."""
    disease, failure = _stated(features, "prior_cardiovascular_disease"), _stated(features, "heart_failure")
    if disease.answer == "yes" and _is_heart_failure_alone(features, disease, failure):
        disease, failure = _bare("no", disease.feature), failure if failure.answer == "yes" else disease
    if failure.answer == "unknown" and disease.answer == "no":
        failure = _bare("no", failure.feature)
    either = _stated(features, "prior_stroke_or_tia")
    stroke, tia = _stated(features, "prior_stroke"), _stated(features, "prior_tia")
    if either.answer == "yes" and "yes" not in {stroke.answer, tia.answer}:
        is_tia = TIA_WORDS in either.words or (stroke.answer, tia.answer) == ("no", "unknown")
        stroke, tia = (stroke, either) if is_tia else (either, tia)
    if either.answer == "no":
        stroke, tia = (_bare("no", fact.feature) if fact.answer == "unknown" else fact for fact in (stroke, tia))
    recent = _stated(features, "tia_within_7_days")
    if recent.answer == "unknown" and tia.answer == "no":
        recent = _bare("no", recent.feature)
    return {
        "pregnancy": _stated(features, "pregnancy") if may_be_pregnant(features) else _bare("no", "pregnancy"),
        "prior_cardiovascular_disease": disease,
        "heart_failure": failure,
        "prior_cardiovascular_disease_or_heart_failure": _first_yes(disease, failure),
        "prior_stroke": stroke,
        "prior_tia": tia,
        "prior_stroke_or_tia": _first_yes(either, stroke, tia) if either.answer != "no" else either,
        "tia_within_7_days": recent,
        "stroke_since_tia": _stroke_since_tia(_stated(features, "prior_stroke"), recent, features),
        "contradiction": _contradiction(features, disease),
    }


def _stroke_since_tia(stroke: Fact, recent: Fact, features: Features) -> Fact:
    """Symptoms that became a stroke are no TIA. A stroke without a date may be the one of these days."""
    if (stroke.answer, recent.answer) != ("yes", "yes"):
        return _bare("no", stroke.feature)
    since, on = _began_at(recent, features), stroke.effective_at
    # Days are those of the hospital, in whose zone a date on the problem list stands; an answer carries UTC.
    is_earlier = since is not None and on is not None and on.date() < since.astimezone(on.tzinfo).date()
    return _bare("no", stroke.feature) if is_earlier else stroke


def _began_at(recent: Fact, features: Features) -> datetime | None:
    """The first day on which the TIA can have been: its own on the problem list, otherwise a week before the answer."""
    if recent.effective_at is not None:
        return recent.effective_at
    stated_at = features[recent.feature].effective_at
    return stated_at - TIA_DAYS if stated_at is not None else None


def _is_heart_failure_alone(features: Features, disease: Fact, failure: Fact) -> bool:
    """The wider question was answered by heart failure: in its words, or because it follows from that answer."""
    if _stated(features, "coronary_heart_disease").answer == "yes":
        return False
    is_following = features["prior_cardiovascular_disease"].source_type == "DERIVED" and failure.answer == "yes"
    return is_following or HEART_FAILURE_WORDS in disease.words


def _contradiction(features: Features, disease: Fact) -> Fact:
    """A5: a reader saw a stent or a bypass, and nobody has recorded a coronary disease; heart failure is none."""
    metal = _stated(features, "metal_in_ct")
    if metal.answer != "yes" or disease.answer == "yes":
        return _bare("no", metal.feature)
    return Fact("yes", "prior_cardiovascular_disease", features["metal_in_ct"].sentence or metal.words)


def _circumstances(features: Features) -> dict[str, Fact]:
    measured = [
        _used(features, name) is not None
        for name in ("hba1c_percent", "urine_albumin_creatinine_ratio_mg_g", "sdi_decile")
    ]
    return {
        "hba1c_measured": _is(measured[0]),
        "uacr_measured": _is(measured[1]),
        "sdi_known": _is(measured[2]),
        "two_of_hba1c_uacr_sdi_known": _is(sum(measured) >= 2),
        "one_of_hba1c_uacr_sdi_missing": _is(sum(measured) == 2),
        "lipids_of_two_samples": _lipids_of_two_samples(features),
        "apoe_e4_tested": _is(_used(features, "apoe_e4") is not None),
        "pce_race_other": _is(_value(features, "pce_race") == "other"),
    }


def _of_age(features: Features) -> dict[str, Fact]:
    text = _value(features, "age_years")
    age = int(text) if text else None
    answers: Iterable[tuple[str, bool]] = (
        ("aged_30_to_59", age is not None and 30 <= age <= 59),
        ("aged_under_70_or_unknown", age is None or age < 70),
        ("aged_65_or_more", age is not None and age >= 65),
        ("aged_70_or_more", age is not None and age >= 70),
        ("aged_80_or_more", age is not None and age >= 80),
    )
    return {name: _is(answer, "age_years") for name, answer in answers}


def _lipids_of_two_samples(features: Features) -> Fact:
    total, hdl = (_used(features, name) for name in ("total_cholesterol_mmol_l", "hdl_cholesterol_mmol_l"))
    if total is None or hdl is None or total.effective_at is None or hdl.effective_at is None:
        return _bare("no", "hdl_cholesterol_mmol_l")
    return _is(abs(total.effective_at - hdl.effective_at) > SAME_SAMPLE, "hdl_cholesterol_mmol_l")


def _ldl_in_fh_range(features: Features) -> Fact:
    ldl = _number(features, "ldl_cholesterol_mmol_l")
    if ldl is None:
        return _bare("unknown", "ldl_cholesterol_mmol_l")
    return _is(ldl >= FH_RANGE_LDL_MMOL_L, "ldl_cholesterol_mmol_l")


def _class_by_finding(features: Features) -> Fact:
    """Unknown as long as one of the findings may be there: what nobody measured is not normal.

    A diastolic pressure may be missing beside its systolic one, as some systems send it.
    """
    total, systolic = (_number(features, name) for name in ("total_cholesterol_mmol_l", "systolic_bp_mmhg"))
    diastolic, egfr = _number(features, "diastolic_bp_mmhg"), _egfr_below(REDUCED_EGFR, features)
    if (
        (total is not None and total > MARKED_CHOLESTEROL_MMOL_L)
        or (systolic is not None and systolic >= MARKED_SYSTOLIC)
        or (diastolic is not None and diastolic >= MARKED_DIASTOLIC)
        or egfr.answer == "yes"
    ):
        return _bare("yes", "")
    return _bare("unknown" if None in (total, systolic) or egfr.answer == "unknown" else "no", "")


def _stage_1_hypertension(features: Features) -> Fact:
    """Yes only where everything that it depends on is known."""
    systolic, diastolic = _number(features, "systolic_bp_mmhg"), _number(features, "diastolic_bp_mmhg")
    egfr = _number(features, "egfr_ml_min_173m2")
    if systolic is None or egfr is None:
        return _bare("unknown", "systolic_bp_mmhg")
    is_below_stage_2 = systolic < STAGE_1_SYSTOLIC[1] and (diastolic is None or diastolic < STAGE_1_DIASTOLIC[1])
    is_raised = systolic >= STAGE_1_SYSTOLIC[0] or (diastolic is not None and diastolic >= STAGE_1_DIASTOLIC[0])
    is_free = all(_value(features, name) == "no" for name in ("antihypertensive_treatment", "diabetes"))
    ratio = _number(features, "urine_albumin_creatinine_ratio_mg_g")
    has_kidney_disease = egfr < REDUCED_EGFR or (ratio is not None and ratio >= MICROALBUMINURIA_MG_G)
    return _is(is_below_stage_2 and is_raised and is_free and not has_kidney_disease, "systolic_bp_mmhg")


def _high_risk_by_diagnosis(features: Features) -> Fact:
    for name in ("familial_hypercholesterolaemia", "dialysis"):
        fact = _stated(features, name)
        if fact.answer == "yes":
            return fact
    severe = _egfr_below(SEVERE_CKD_EGFR, features)
    if severe.answer == "yes":
        return severe
    type_1 = _stated(features, "type_1_diabetes")
    egfr, ratio = _number(features, "egfr_ml_min_173m2"), _number(features, "urine_albumin_creatinine_ratio_mg_g")
    damage = _organ_damage(egfr, ratio)
    if type_1.answer == "yes" and damage:
        return Fact("yes", type_1.feature, f"{type_1.words} with severe organ damage ({damage})")
    return _bare("no", type_1.feature)


def _organ_damage(egfr: float | None, ratio_mg_g: float | None) -> str:
    """What shows it, in words; empty where nothing known does."""
    if egfr is not None and egfr < ORGAN_DAMAGE_EGFR:
        return _egfr_words(egfr, ORGAN_DAMAGE_EGFR)
    if ratio_mg_g is None:
        return ""
    if ratio_mg_g > PROTEINURIA_MG_G:
        return f"albumin-creatinine ratio {_told_apart(ratio_mg_g, PROTEINURIA_MG_G)} mg/g, above {PROTEINURIA_MG_G:g}"
    if egfr is not None and egfr < REDUCED_EGFR and ratio_mg_g >= MICROALBUMINURIA_MG_G:
        ratio = _told_apart(ratio_mg_g, MICROALBUMINURIA_MG_G)
        return (
            f"{_egfr_words(egfr, REDUCED_EGFR)}, and albumin-creatinine ratio {ratio} mg/g, "
            f"from {MICROALBUMINURIA_MG_G:g}"
        )
    return ""


def _egfr_below(limit: float, features: Features) -> Fact:
    egfr = _number(features, "egfr_ml_min_173m2")
    if egfr is None:
        return _bare("unknown", "egfr_ml_min_173m2")
    if egfr >= limit:
        return _bare("no", "egfr_ml_min_173m2")
    return Fact("yes", "egfr_ml_min_173m2", _egfr_words(egfr, limit))


def _egfr_words(egfr: float, limit: float) -> str:
    return f"eGFR {_told_apart(egfr, limit)} mL/min/1.73 m², below {limit:g}"


def _told_apart(value: float, limit: float) -> str:
    """Rounded to a whole number, or with as many decimals as it takes not to round onto the limit or over it.

    >>> _told_apart(29.4, 30), _told_apart(29.96, 30), _told_apart(30.0, 30)
    ('29', '29.96', '30')
    """
    for places in range(6):
        shown = round(value, places)
        if (shown < limit) == (value < limit) and (shown > limit) == (value > limit):
            return f"{shown:.{places}f}"
    return repr(value)
