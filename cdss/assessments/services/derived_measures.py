"""Values computed from others, each with its formula, all the rows it came from, and the older one's date."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from cdss.assessments.features import Feature, Features
from cdss.assessments.inference import egfr_ml_min_173m2
from cdss.assessments.models import FeatureState
from cdss.assessments.policy.facts import SAME_SAMPLE
from cdss.assessments.services.snapshot_quantities import decimal_text


def measures_derive(features: Features) -> None:
    _bmi(features)
    features["non_hdl_cholesterol_mmol_l"] = _non_hdl(
        features["total_cholesterol_mmol_l"], features["hdl_cholesterol_mmol_l"]
    )
    features["egfr_ml_min_173m2"] = _egfr(features)
    _pack_years(features)


def _set(feature: Feature, *, value: str, rule: str, parents: list[Feature]) -> Feature:
    feature.state, feature.value, feature.rule, feature.source_type = FeatureState.USED, value, rule, "DERIVED"
    feature.source_ids = list(dict.fromkeys(row_id for parent in parents for row_id in parent.source_ids))
    feature.effective_at = min((parent.effective_at for parent in parents if parent.effective_at), default=None)
    feature.expires_at = _earliest(parents)
    settings = {parent.setting for parent in parents if parent.setting}
    feature.setting = settings.pop() if len(settings) == 1 else ""
    feature.sentence = feature.source = feature.sent_value = feature.sent_unit = ""
    return feature


def _earliest(parents: list[Feature]) -> datetime | None:
    return min((parent.expires_at for parent in parents if parent.expires_at), default=None)


def _unusable(feature: Feature, parents: list[Feature]) -> bool:
    """Whether a parent is missing or not usable; the first one that is says why, until one before it expires."""
    place = next((place for place, parent in enumerate(parents) if not parent.is_used), None)
    if place is None:
        return False
    feature.state, feature.expires_at = parents[place].state, _earliest(parents[:place])
    feature.sentence = _said_of(parents[place])
    return True


def _said_of(parent: Feature) -> str:
    """One sentence, also inside another one: `Creatinine had risen ...`, not `Creatinine: Creatinine had risen ...`."""
    sentence = parent.sentence or "None is recorded."
    if sentence.startswith(parent.title):
        return sentence
    return f"{parent.title}: {sentence[:1].lower()}{sentence[1:]}"


def _refuse(feature: Feature, sentence: str, parents: list[Feature], code: str = "") -> Feature:
    feature.state, feature.sentence, feature.reason_code = FeatureState.REFUSED, sentence, code
    feature.expires_at = _earliest(parents)
    return feature


def _bmi(features: Features) -> None:
    """Weight over height squared, where no index was sent since that weight, be it one that is not used."""
    bmi, weight, height = (features[name] for name in ("bmi_kg_m2", "body_weight_kg", "body_height_cm"))
    if not (weight.is_used and height.is_used) or weight.effective_at is None:
        return
    if bmi.effective_at is not None and bmi.effective_at >= weight.effective_at:
        return
    value = Decimal(weight.value) / (Decimal(height.value) / 100) ** 2
    _set(bmi, value=decimal_text(value.quantize(Decimal("1e-6"))), rule="weight / height²", parents=[weight, height])


def _non_hdl(total: Feature, hdl: Feature) -> Feature:
    feature = Feature("non_hdl_cholesterol_mmol_l", "Non-HDL cholesterol", unit="mmol/L", source_type="DERIVED")
    if _unusable(feature, [total, hdl]) or total.effective_at is None or hdl.effective_at is None:
        return feature
    if abs(total.effective_at - hdl.effective_at) > SAME_SAMPLE:
        feature.sentence = "Total and HDL cholesterol are not of one sample, so that no difference is recorded."
        feature.expires_at = _earliest([total, hdl])
        return feature
    value = Decimal(total.value) - Decimal(hdl.value)
    if value <= 0:
        return _refuse(feature, "HDL is not below total cholesterol: one of them is wrong.", [total, hdl])
    rule = "total minus HDL cholesterol of the same sample"
    return _set(feature, value=decimal_text(value), rule=rule, parents=[total, hdl])


def _egfr(features: Features) -> Feature:
    creatinine, age, sex = (features[name] for name in ("creatinine_umol_l", "age_years", "sex"))
    feature = Feature("egfr_ml_min_173m2", "eGFR", unit="mL/min/{1.73_m2}", source_type="DERIVED")
    if _unusable(feature, [creatinine, age, sex]):
        return feature
    if features["pregnancy"].said("yes"):
        sentence = "CKD-EPI 2021 is not for pregnancy, in which creatinine falls."
        return _refuse(feature, sentence, [creatinine, features["pregnancy"]], "PREGNANCY")
    value = egfr_ml_min_173m2(
        creatinine_umol_l=float(creatinine.value),
        age_years=int(age.value),
        sex="female" if sex.value == "female" else "male",
    )
    if value is None:
        changing = [creatinine, age] if age.value == "17" else [creatinine]
        return _refuse(feature, "CKD-EPI 2021 is for adults from 18.", changing)
    rule = "CKD-EPI 2021 from creatinine, age and sex"
    return _set(feature, value=repr(value), rule=rule, parents=[creatinine, age, sex])


def _pack_years(features: Features) -> None:
    """As it was recorded; else cigarettes a day / 20 x years of smoking."""
    pack_years, daily, years = (features[name] for name in ("pack_years", "cigarettes_per_day", "smoking_years"))
    if pack_years.is_used or not (daily.is_used and years.is_used):
        return
    value = Decimal(daily.value) / 20 * Decimal(years.value)
    _set(pack_years, value=decimal_text(value), rule="cigarettes a day / 20 × years of smoking", parents=[daily, years])
