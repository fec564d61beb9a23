"""What was true and known of a patient at one moment, each value with its code, unit, source and age, or "missing"."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from cdss.assessments.features import Feature, Features
from cdss.assessments.inference import egfr_ml_min_173m2
from cdss.assessments.models import FeatureSnapshot, FeatureState, SnapshotFeature
from cdss.assessments.services.calcium import AGATSTON_SCORE, calcium_feature
from cdss.assessments.services.known_rows import KnownRows, rows_known_at
from cdss.audit.canonical import canonical_json
from cdss.core.errors import DomainError
from patients import terminology
from patients.models import Observation, Patient, Setting
from patients.terminology import QUANTITIES, QUESTIONS, Quantity, Question


def snapshot_take(*, patient: Patient, as_of: datetime) -> Features:
    """Gather the features of a patient at `as_of`; nothing recorded later is seen, nothing missing is filled in."""
    known = rows_known_at(patient, as_of)
    features: Features = {}
    for feature in (_age(patient, as_of), _sex(patient)):
        features[feature.feature] = feature
    for quantity in QUANTITIES:
        features[quantity.feature] = _quantity(quantity, known.observations.get(quantity.feature, []), as_of)
    _derive_bmi(features)
    _derive_egfr(features)
    for question in QUESTIONS:
        features[question.feature] = _answer(question, known, as_of)
    # Only what an equation receives; every other measurement is shown with its study.
    features[AGATSTON_SCORE] = calcium_feature(patient, as_of)
    return features


def snapshot_body(*, patient: Patient, as_of: datetime, features: Features) -> str:
    """The canonical text of a snapshot, whose SHA-256 names it."""
    return canonical_json(
        {
            "version": 1,
            "patient": str(patient.id),
            "as_of": as_of.isoformat(),
            "features": [features[name].as_body() for name in sorted(features)],
        }
    )


def snapshot_record(*, patient: Patient, as_of: datetime, features: Features) -> FeatureSnapshot:
    """Write the snapshot; the caller holds the transaction."""
    body = snapshot_body(patient=patient, as_of=as_of, features=features)
    snapshot = FeatureSnapshot.objects.create(
        organisation_id=patient.organisation_id,
        patient=patient,
        as_of=as_of,
        body=body,
        sha256=hashlib.sha256(body.encode()).hexdigest(),
    )
    SnapshotFeature.objects.bulk_create(
        SnapshotFeature(
            organisation_id=patient.organisation_id,
            snapshot=snapshot,
            feature=item.feature,
            title=item.title,
            state=item.state,
            value=item.value,
            unit=item.unit,
            sent_value=item.sent_value,
            sent_unit=item.sent_unit,
            source_type=item.source_type,
            source_ids=item.source_ids,
            source=item.source,
            effective_at=item.effective_at,
            rule=item.rule,
            sentence=item.sentence,
        )
        for item in features.values()
    )
    return snapshot


def _decimal_text(value: Decimal) -> str:
    return f"{value.normalize():f}"


def age_completed_years(birth_date: date, on: date) -> int:
    """Age as people count it; somebody born on 29 February has the birthday on 1 March of other years."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def _age(patient: Patient, as_of: datetime) -> Feature:
    feature = Feature("age_years", "Age", unit="a", source_type="PATIENT", source_ids=[str(patient.id)])
    if patient.birth_date is None:
        feature.sentence = "No birth date is recorded."
        return feature
    today = as_of.astimezone(ZoneInfo(patient.organisation.time_zone)).date()
    feature.value = str(age_completed_years(patient.birth_date, today))
    feature.state = FeatureState.USED
    feature.rule = f"completed years on the day in {patient.organisation.time_zone}"
    return feature


def _sex(patient: Patient) -> Feature:
    feature = Feature("sex", "Sex", value=patient.sex, source_type="PATIENT", source_ids=[str(patient.id)])
    feature.state = FeatureState.USED if patient.sex in {"female", "male"} else FeatureState.MISSING
    return feature


def _quantity(quantity: Quantity, rows: list[Observation], as_of: datetime) -> Feature:
    """The latest value that is not from acute care; a value too old or not understood is named, and not used."""
    feature = Feature(quantity.feature, quantity.title, unit=quantity.unit)
    chosen = next((row for row in rows if row.setting not in {"inpatient", "emergency"}), None)
    if chosen is None:
        if rows:
            _from_row(feature, rows[0], FeatureState.ACUTE)
            feature.sentence = "Only values from an acute admission are on file; a stable outpatient value is needed."
        return feature
    _from_row(feature, chosen, FeatureState.USED)
    feature.rule = "latest value not from acute care"
    if chosen.setting == Setting.UNKNOWN:
        feature.rule = "latest value; where it was measured is not stated"
    try:
        canonical = terminology.quantity_canonical(
            quantity=quantity, value=chosen.value_quantity or Decimal(0), unit=chosen.unit
        )
    except DomainError as error:
        feature.state, feature.sentence = FeatureState.REFUSED, error.sentence
        return feature
    feature.value = _decimal_text(canonical)
    if (as_of - chosen.effective_at).days > quantity.max_age_days:
        years = quantity.max_age_days // 365
        feature.state = FeatureState.TOO_OLD
        feature.sentence = f"Measured on {chosen.effective_at:%d %B %Y}: older than {years} years, so it is not used."
    return feature


def _from_row(feature: Feature, row: Observation, state: FeatureState) -> None:
    feature.state = state
    feature.source_type, feature.source_ids, feature.source = "OBSERVATION", [str(row.id)], row.source
    feature.effective_at = row.effective_at
    feature.sent_value = _decimal_text(row.value_quantity) if row.value_quantity is not None else row.value_code
    feature.sent_unit = row.unit


def _derive_bmi(features: Features) -> None:
    """Weight over height squared, where no index was sent since that weight."""
    bmi, weight, height = (features[name] for name in ("bmi_kg_m2", "body_weight_kg", "body_height_cm"))
    if weight.state != FeatureState.USED or height.state != FeatureState.USED or weight.effective_at is None:
        return
    if bmi.state == FeatureState.USED and bmi.effective_at is not None and bmi.effective_at >= weight.effective_at:
        return
    metres = Decimal(height.value) / 100
    bmi.state, bmi.source_type, bmi.rule = FeatureState.USED, "DERIVED", "weight / height^2"
    bmi.value = _decimal_text((Decimal(weight.value) / metres**2).quantize(Decimal("1e-6")))
    bmi.source_ids, bmi.effective_at = [*weight.source_ids, *height.source_ids], weight.effective_at
    bmi.sentence = bmi.source = bmi.sent_value = bmi.sent_unit = ""


def _derive_egfr(features: Features) -> None:
    creatinine, age, sex = (features[name] for name in ("creatinine_umol_l", "age_years", "sex"))
    egfr = Feature("egfr_ml_min_173m2", "eGFR", unit="mL/min/{1.73_m2}", source_type="DERIVED")
    features[egfr.feature] = egfr
    if creatinine.state != FeatureState.USED:
        egfr.state, egfr.sentence = creatinine.state, creatinine.sentence or "No creatinine is recorded."
        return
    if age.state != FeatureState.USED or sex.state != FeatureState.USED:
        egfr.sentence = "eGFR needs age and sex."
        return
    value = egfr_ml_min_173m2(
        creatinine_umol_l=float(creatinine.value),
        age_years=int(age.value),
        sex="female" if sex.value == "female" else "male",
    )
    if value is None:
        egfr.state, egfr.sentence = FeatureState.REFUSED, "CKD-EPI 2021 is for adults."
        return
    egfr.state, egfr.rule = FeatureState.USED, "CKD-EPI 2021 from creatinine, age and sex"
    egfr.value = repr(value)
    egfr.source_ids, egfr.effective_at = creatinine.source_ids, creatinine.effective_at


def _answer(question: Question, known: KnownRows, as_of: datetime) -> Feature:
    """A recorded diagnosis or current medication answers yes by itself; otherwise only somebody's explicit answer."""
    feature = Feature(question.feature, question.title)
    if recorded := known.recorded_yes.get(question.feature):
        feature.state, feature.value = FeatureState.USED, "yes"
        feature.source_type, feature.source_ids = recorded.source_type, [recorded.row_id]
        feature.source, feature.sentence, feature.effective_at = recorded.source, recorded.words, recorded.effective_at
        feature.rule = "recorded on the problem or medication list"
        return feature
    row = known.answers.get(question.feature)
    if row is None:
        feature.sentence = "Nobody has stated this."
        return feature
    _from_row(feature, row, FeatureState.USED)
    feature.source_type, feature.value, feature.rule = "ANSWER", row.value_code, "latest answer"
    is_lasting = question.is_yes_lasting and row.value_code == "yes"
    if question.max_age_days and not is_lasting and (as_of - row.effective_at).days > question.max_age_days:
        feature.state = FeatureState.TOO_OLD
        feature.sentence = f"Stated on {row.effective_at:%d %B %Y}: too long ago, so it has to be asked again."
    return feature
