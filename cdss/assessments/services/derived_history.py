"""What one answer says of another: a part of a history from the whole, the whole from a part, and by dates."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from cdss.assessments.features import Feature, Features
from cdss.assessments.models import FeatureState
from cdss.assessments.services.known_rows import Diagnosis, KnownRows
from cdss.assessments.services.snapshot_moment import Moment, day_words

ACS, TIA = "acute_coronary_syndrome_recent", "tia_within_7_days"
# (part, whole), the narrowest first. A yes to the part is a yes to the whole; a no to the whole is a no to the part.
PARTS = (
    (ACS, "coronary_heart_disease"),
    (TIA, "prior_tia"),
    ("coronary_heart_disease", "prior_cardiovascular_disease"),
    ("heart_failure", "prior_cardiovascular_disease"),
    ("prior_stroke", "prior_stroke_or_tia"),
    ("prior_tia", "prior_stroke_or_tia"),
    ("type_1_diabetes", "diabetes"),
)
# Nothing else makes the whole: a no to both is a no to it.
BOTH_PARTS = (("prior_stroke", "prior_tia", "prior_stroke_or_tia"),)
# Aortic plaque is vascular disease without being known cardiovascular disease: only the "no" follows.
NO_FOLLOWS = (("vascular_disease", "prior_cardiovascular_disease"),)
# CHA2DS2-VA of 2024 counts coronary disease as vascular disease. Who stated no to the vascular question may have been
# asked when it named a heart attack only, and who takes no statin may take another drug: only the "yes" follows.
YES_FOLLOWS = (("coronary_heart_disease", "vascular_disease"), ("statin_treatment", "lipid_lowering_treatment"))
PCE_RACE = {"white": "white", "black": "black", "chinese": "other", "hispanic": "other"}


def history_follow(features: Features, known: KnownRows, moment: Moment) -> None:
    """Fill in what follows; nothing that is known is replaced, except a stated no by a part's yes."""
    for part, whole in PARTS:
        _whole_from_part(features, part, whole, moment)
    for part, whole in YES_FOLLOWS:
        if features[part].is_used:  # a statin stated years ago is not taken today
            expires_at = features[part].expires_at
            _whole_from_part(features, part, whole, moment, expires_at)
    for first, second, whole in BOTH_PARTS:
        _no_from_parts(features, first, second, whole)
    for part, whole in (*reversed(PARTS), *NO_FOLLOWS):
        _part_from_whole(features, part, whole)
    for name, days in ((ACS, "8 weeks"), (TIA, "7 days")):
        _past_by_date(features[name], known, days)
    features["pce_race"] = _pce_race(features["mesa_race_ethnicity"])


def _whole_from_part(
    features: Features, part: str, whole: str, moment: Moment, expires_at: datetime | None = None
) -> None:
    """Whoever had a TIA in the last 7 days has had one, also when that answer has grown old since."""
    given, broader = features[part], features[whole]
    has_been = given.value == "yes" and given.state in {FeatureState.USED, FeatureState.TOO_OLD}
    if not has_been or broader.said("yes"):
        return
    rule = f'follows from "{given.title}": yes'
    if broader.value == "no" and broader.effective_at is not None:  # told of an old one too, or time would untell it
        rule += f', which outweighs the "no" that somebody stated on {moment.words(broader.effective_at)}'
    features[whole] = _following(broader, given, "yes", rule)
    features[whole].expires_at = expires_at


def _no_from_parts(features: Features, first: str, second: str, whole: str) -> None:
    parts, broader = [features[first], features[second]], features[whole]
    if broader.is_used or not all(part.said("no") for part in parts):
        return
    rule = f'follows from "{parts[0].title}" and "{parts[1].title}": no'
    features[whole] = _following(broader, parts[0], "no", rule)
    features[whole].source_ids = list(dict.fromkeys(row_id for part in parts for row_id in part.source_ids))
    features[whole].effective_at = min((part.effective_at for part in parts if part.effective_at), default=None)
    features[whole].expires_at = min((part.expires_at for part in parts if part.expires_at), default=None)


def _part_from_whole(features: Features, part: str, whole: str) -> None:
    narrower, given = features[part], features[whole]
    if not narrower.is_used and given.said("no"):
        features[part] = _following(narrower, given, "no", f'follows from "{given.title}": no')


def _following(feature: Feature, given: Feature, value: str, rule: str) -> Feature:
    return replace(
        given,
        feature=feature.feature,
        title=feature.title,
        is_genetic=feature.is_genetic,
        state=FeatureState.USED,
        value=value,
        source_type="DERIVED",
        source_ids=list(given.source_ids),
        sent_value="",
        sentence="",
        rule=rule,
    )


def _past_by_date(feature: Feature, known: KnownRows, limit: str) -> None:
    """An event with its date on the list, longer ago than the limit, is a no; one without its date is a question."""
    if feature.is_used:
        return
    feature.value = ""  # a recent event that was stated too long ago is neither recent nor known not to be
    events = [item for item in known.diagnoses if feature.feature in item.coded.answers_if_recent]
    undated = next((item for item in events if item.onset is None), None)
    if undated is not None:
        feature.sentence = f"Recorded without its date: {undated.coded.words}; whether it is recent has to be stated."
        return
    if events and (onset := events[-1].onset):
        _long_ago(feature, events[-1], f"{events[-1].coded.words} of {day_words(onset)} was more than {limit} ago")


def _long_ago(feature: Feature, latest: Diagnosis, rule: str) -> None:
    feature.state, feature.value, feature.source_type = FeatureState.USED, "no", "DERIVED"
    feature.source_ids, feature.source, feature.setting = [str(latest.row.id)], latest.row.source, ""
    feature.effective_at, feature.sent_value, feature.expires_at = None, "", None
    feature.rule, feature.sentence = rule, ""


def _pce_race(group: Feature) -> Feature:
    """The Pooled Cohort Equations know White and African American; who is neither has no equation of their own."""
    feature = Feature("pce_race", "Group as the Pooled Cohort Equations defined it", source_type="DERIVED")
    if not group.is_used or group.value not in PCE_RACE:
        feature.sentence = "No group is recorded."
        return feature
    return _following(feature, group, PCE_RACE[group.value], "follows from the group as MESA defined it")
