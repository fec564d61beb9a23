"""What ABCD2 scores of one attack, the newest: its symptoms, its duration, and the first blood pressure after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from cdss.assessments.features import Feature, Features
from cdss.assessments.models import FeatureState
from cdss.assessments.services.derived_history import TIA
from cdss.assessments.services.known_rows import KnownRows
from cdss.assessments.services.snapshot_acute import canonical_of, readable_of_moment
from cdss.assessments.services.snapshot_moment import Moment
from cdss.assessments.services.snapshot_quantities import decimal_text, from_row
from cdss.core.errors import DomainError
from patients.models import Observation
from patients.terminology import QUANTITY_OF_FEATURE, Quantity

OF_ONE_ATTACK = ("tia_clinical_features", "tia_duration_minutes")
# Somebody who states an attack without its day has usually just measured the pressure; a value from further back may
# be from before the attack.
BEFORE_STATEMENT = timedelta(hours=24)
NO_DATE = (
    "The date of the attack is not recorded, and no value was measured in the 24 hours before its statement or since."
)


def earlier_attack_forget(features: Features, known: KnownRows, moment: Moment) -> None:
    """What was stated before the newest attack can have happened is of another one."""
    since = _newest_attack_not_before(known, moment)
    for name in OF_ONE_ATTACK:
        found = features[name]
        if since is not None and found.effective_at is not None and found.effective_at < since:
            on = moment.words(found.effective_at)
            sentence = f"Stated of an earlier attack, on {on}: it has to be stated of this one."
            features[name] = Feature(name, found.title, unit=found.unit, sentence=sentence)


def _newest_attack_not_before(known: KnownRows, moment: Moment) -> datetime | None:
    """The day of the newest onset on the list; of an attack that was only stated, the first of the 7 days it means."""
    days = [_newest_onset(known, moment)]
    stated = known.answers.get(TIA)
    if stated is not None and stated.value_code == "yes":
        days.append(moment.start_of((stated.effective_at - timedelta(days=7)).astimezone(moment.zone).date()))
    return max((day for day in days if day), default=None)


def _newest_onset(known: KnownRows, moment: Moment) -> datetime | None:
    onsets = [item.onset for item in known.diagnoses if TIA in item.coded.answers_if_recent]
    newest = max((onset for onset in onsets if onset), default=None)
    return moment.start_of(newest) if newest else None


def tia_pressure_features(features: Features, known: KnownRows, moment: Moment) -> Iterator[Feature]:
    attack = features[TIA]
    for name in ("systolic_bp_mmhg", "diastolic_bp_mmhg"):
        quantity, rows = QUANTITY_OF_FEATURE[name], known.observations.get(name, [])
        feature = Feature(f"tia_{name}", f"{quantity.title} after the TIA", unit=quantity.unit)
        if not attack.said("yes"):
            feature.sentence = "No TIA within 7 days is recorded."
        elif attack.source_type == "CONDITION" and (began_at := _newest_onset(known, moment)):
            _first_since(feature, quantity, rows, began_at)
        elif attack.effective_at is not None:
            _nearest_to_statement(feature, quantity, rows, attack.effective_at)
        if feature.is_used:
            feature.expires_at = attack.expires_at
        yield feature


def _first_since(feature: Feature, quantity: Quantity, rows: Sequence[Observation], began_at: datetime) -> None:
    since = [row for row in rows if row.effective_at >= began_at]
    if since:
        _use(feature, quantity, readable_of_moment(since, since[-1]), "first value since the TIA, in any setting")
    else:
        feature.sentence = "None measured since the TIA is recorded."


def _nearest_to_statement(feature: Feature, quantity: Quantity, rows: Sequence[Observation], at: datetime) -> None:
    """`rows` are newest first: the newest of the day before the statement, else the first after it."""
    before = [row for row in rows if at - BEFORE_STATEMENT <= row.effective_at <= at]
    after = [row for row in rows if row.effective_at > at]
    if before:
        rule = "the date of the TIA is not recorded: newest value of the 24 hours before it was stated, in any setting"
        _use(feature, quantity, readable_of_moment(before, before[0]), rule)
    elif after:
        rule = "the date of the TIA is not recorded: first value since it was stated, in any setting"
        _use(feature, quantity, readable_of_moment(after, after[-1]), rule)
    else:
        feature.sentence = NO_DATE


def _use(feature: Feature, quantity: Quantity, row: Observation, rule: str) -> None:
    from_row(feature, row, FeatureState.USED)
    try:
        feature.value, feature.rule = decimal_text(canonical_of(row)), rule
    except DomainError as error:
        feature.state, feature.sentence = FeatureState.REFUSED, error.sentence
