"""Which measured value is used: the latest stable one, if it is understood and not too old."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from cdss.assessments.features import Feature
from cdss.assessments.models import FeatureState
from cdss.assessments.services.known_rows import KnownRows
from cdss.assessments.services.snapshot_acute import (
    NOT_CHANGED_BY_ILLNESS,
    KidneyInjury,
    Window,
    canonical_of,
    canonical_or_none,
    coronary_event_windows,
    kidney_injury,
    readable_of_moment,
    why_not_stable,
)
from cdss.assessments.services.snapshot_moment import Moment
from cdss.core.errors import DomainError
from patients.models import Observation, Setting
from patients.terminology import QUANTITIES, Quantity

CREATININE, LDL, HEIGHT = "creatinine_umol_l", "ldl_cholesterol_mmol_l", "body_height_cm"
GROWN_UP_YEARS = 18
ONLY_ACUTE = "Only values from an acute admission are on file; enter or confirm stable outpatient values."
ONLY_AFTER_EVENT = (
    "Only values from within 8 weeks of an acute coronary syndrome, which lowers cholesterol, are on file; enter or "
    "confirm stable values."
)
LDL_IS_MEASURED = "None is recorded. LDL cholesterol is taken from the laboratory and never computed here."
NOT_READ = "of the same moment that cannot be read"


def quantity_features(known: KnownRows, moment: Moment) -> list[Feature]:
    events = coronary_event_windows(known, moment)
    return [
        _quantity(quantity, known.observations.get(quantity.feature, []), events, moment) for quantity in QUANTITIES
    ]


def _quantity(quantity: Quantity, rows: Sequence[Observation], events: Sequence[Window], moment: Moment) -> Feature:
    """A value too old or not understood is named and not used; no older one takes its place."""
    feature = Feature(quantity.feature, quantity.title, unit=quantity.unit)
    if not rows:
        feature.sentence = LDL_IS_MEASURED if quantity.feature == LDL else ""
        return feature
    reasons = [why_not_stable(quantity.feature, row, events) for row in rows]
    stable = [row for row, reason in zip(rows, reasons, strict=True) if not reason]
    chosen = readable_of_moment(stable, stable[0]) if stable else None
    injury = kidney_injury(rows) if quantity.feature == CREATININE else None
    if injury is not None and (chosen is None or not injury.is_over_by(chosen)):
        return _injured(feature, injury, moment)
    if chosen is None:
        from_row(feature, rows[0], FeatureState.ACUTE)
        feature.sentence = ONLY_ACUTE if "from acute care" in reasons else ONLY_AFTER_EVENT
        return feature
    feature.rule = _rule(quantity.feature, chosen, [*reasons, *_unread_beside(chosen, stable)], len(rows))
    _judged(feature, quantity, chosen, moment)
    if feature.state == FeatureState.REFUSED:
        feature.sentence += _in_the_way(chosen, stable, moment)
    return feature


def _unread_beside(chosen: Observation, stable: Sequence[Observation]) -> list[str]:
    if canonical_or_none(chosen) is None:
        return []
    together = [row for row in stable if row.effective_at == chosen.effective_at]
    return [NOT_READ for row in together if canonical_or_none(row) is None]


def _in_the_way(chosen: Observation, stable: Sequence[Observation], moment: Moment) -> str:
    """The sender meant the newer value to count: what it says is unknown, and the older one may be out of date."""
    older = next((row for row in stable if canonical_or_none(row) is not None), None)
    if older is None:
        return ""
    on, since = moment.words(chosen.effective_at), moment.words(older.effective_at)
    return f" This newer value, of {on}, cannot be read and stands in the way of the older one of {since}."


def _judged(feature: Feature, quantity: Quantity, chosen: Observation, moment: Moment) -> None:
    from_row(feature, chosen, FeatureState.USED)
    try:
        feature.value = decimal_text(canonical_of(chosen))
    except DomainError as error:
        feature.state, feature.sentence = FeatureState.REFUSED, error.sentence
        return
    grows_old_at = chosen.effective_at + timedelta(days=quantity.max_age_days)
    why = f"older than {age_words(quantity.max_age_days)}"
    grown_up_at = moment.age_reached_at(GROWN_UP_YEARS) if quantity.feature == HEIGHT else None
    if grown_up_at is not None and chosen.effective_at < grown_up_at:
        grows_old_at, why = grown_up_at, "before the 18th birthday, when people still grow"
    if moment.as_of < grows_old_at:
        feature.expires_at = grows_old_at
        return
    feature.state = FeatureState.TOO_OLD
    feature.sentence = f"Measured on {moment.words(chosen.effective_at)}: {why}, so it is not used."


def _injured(feature: Feature, injury: KidneyInjury, moment: Moment) -> Feature:
    """Creatinine in an acute kidney injury says nothing of the kidneys' lasting function."""
    from_row(feature, injury.peak, FeatureState.ACUTE)
    feature.source_ids.append(str(injury.lowest.id))
    feature.rule = "KDIGO 2012: at least 1.5 times the lowest value of the 7 days before"
    feature.sentence = (
        f"Creatinine had risen to {injury.ratio:.2g} times its lowest value of the week before on "
        f"{moment.words(injury.peak.effective_at)}, an acute kidney injury; an ambulatory value from at least 7 days "
        "later is needed."
    )
    return feature


def _rule(name: str, chosen: Observation, reasons: Sequence[str], count_of_all: int) -> str:
    """Why this value and not another: `latest value not from acute care: newest of 4; 2 from acute care not ...`."""
    is_stated = chosen.setting != Setting.UNKNOWN or name in NOT_CHANGED_BY_ILLNESS
    rule = "latest value not from acute care" if is_stated and name not in NOT_CHANGED_BY_ILLNESS else "latest value"
    if count_of_all > 1:
        lost = Counter(reason for reason in reasons if reason)
        rule += f": newest of {count_of_all}"
        rule += "".join(f"; {count} {reason} not considered" for reason, count in sorted(lost.items()))
    return rule if is_stated else f"{rule}; where it was measured is not stated"


def from_row(feature: Feature, row: Observation, state: FeatureState) -> None:
    feature.state = state
    feature.source_type, feature.source_ids, feature.source = "OBSERVATION", [str(row.id)], row.source
    feature.effective_at, feature.setting = row.effective_at, row.setting
    feature.sent_value = decimal_text(row.value_quantity) if row.value_quantity is not None else row.value_code
    feature.sent_unit = row.unit


def decimal_text(value: Decimal) -> str:
    return f"{value.normalize():f}"


def age_words(days: int) -> str:
    """
    >>> age_words(731), age_words(366), age_words(30)
    ('2 years', '1 year', '30 days')
    """
    years = days // 365
    count, unit = (years, "year") if years else (days, "day")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
