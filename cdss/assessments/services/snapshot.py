"""What was true and known of a patient at one moment, each value with its code, unit, source and age, or "missing"."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime

from cdss.assessments.features import Feature, Features
from cdss.assessments.models import FeatureSnapshot, FeatureState, SnapshotFeature
from cdss.assessments.services.answers import answer_features
from cdss.assessments.services.calcium import calcium_features
from cdss.assessments.services.derived_history import history_follow
from cdss.assessments.services.derived_measures import measures_derive
from cdss.assessments.services.known_rows import rows_known_at
from cdss.assessments.services.snapshot_moment import Moment, birthday_in
from cdss.assessments.services.snapshot_quantities import quantity_features
from cdss.assessments.services.tia_pressure import earlier_attack_forget, tia_pressure_features
from cdss.audit.canonical import canonical_json
from patients.models import Patient


def snapshot_take(*, patient: Patient, as_of: datetime) -> Features:
    """Gather the features of a patient at `as_of`; nothing recorded later is seen, nothing missing is filled in."""
    moment = Moment.of(patient, as_of)
    known = rows_known_at(patient, as_of)
    features: Features = {}
    _add(features, [_age(patient, moment), _sex(patient)])
    _add(features, quantity_features(known, moment))
    _add(features, answer_features(known, moment))
    history_follow(features, known, moment)
    earlier_attack_forget(features, known, moment)
    _add(features, tia_pressure_features(features, known, moment))
    measures_derive(features)
    # Only what an equation or the policy receives; every other measurement is shown with its study.
    _add(features, calcium_features(patient, moment))
    return features


def _add(features: Features, found: Iterable[Feature]) -> None:
    features.update((item.feature, item) for item in found)


def snapshot_body(*, patient: Patient, as_of: datetime, features: Features) -> str:
    """The canonical text of a snapshot, whose SHA-256 names it."""
    return canonical_json(
        {
            "version": 2,
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
            setting=item.setting,
        )
        for item in features.values()
    )
    return snapshot


def age_completed_years(birth_date: date, on: date) -> int:
    """Age as people count it; somebody born on 29 February has the birthday on 1 March of other years."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def next_birthday(birth_date: date, after: date) -> date:
    """
    >>> next_birthday(date(2000, 2, 29), date(2026, 2, 28)), next_birthday(date(2000, 2, 29), date(2027, 3, 1))
    (datetime.date(2026, 3, 1), datetime.date(2028, 2, 29))
    """
    return birthday_in(birth_date, birth_date.year + age_completed_years(birth_date, after) + 1)


def _age(patient: Patient, moment: Moment) -> Feature:
    feature = Feature("age_years", "Age", unit="a", source_type="PATIENT", source_ids=[str(patient.id)])
    if patient.birth_date is None:
        feature.sentence = "No birth date is recorded."
        return feature
    feature.value = str(age_completed_years(patient.birth_date, moment.today))
    feature.state = FeatureState.USED
    feature.rule = f"completed years on the day in {moment.zone.key}"
    feature.expires_at = moment.start_of(next_birthday(patient.birth_date, moment.today))
    return feature


def _sex(patient: Patient) -> Feature:
    feature = Feature("sex", "Sex", value=patient.sex, source_type="PATIENT", source_ids=[str(patient.id)])
    feature.state = FeatureState.USED if patient.sex in {"female", "male"} else FeatureState.MISSING
    return feature
