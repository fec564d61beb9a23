"""What somebody stated or a list records: a diagnosis or current medication answers yes by itself."""

from __future__ import annotations

from datetime import timedelta

from cdss.assessments.features import Feature
from cdss.assessments.models import FeatureState
from cdss.assessments.services.known_rows import PREGNANCY, PREGNANCY_DAYS, KnownRows, RecordedYes
from cdss.assessments.services.snapshot_moment import Moment
from cdss.assessments.services.snapshot_quantities import from_row
from patients.models import Observation
from patients.terminology import QUESTIONS, Question

NOBODY = "Nobody has stated this."


def answer_features(known: KnownRows, moment: Moment) -> list[Feature]:
    return [_answer(question, known, moment) for question in QUESTIONS]


def _answer(question: Question, known: KnownRows, moment: Moment) -> Feature:
    feature = Feature(question.feature, question.title, is_genetic=question.is_genetic)
    recorded, stated = known.recorded_yes.get(question.feature), known.answers.get(question.feature)
    if recorded is not None:
        return _recorded(feature, recorded, stated, moment)
    if stated is None:
        feature.sentence = NOBODY
        return feature
    if feature.feature == PREGNANCY and (sentence := _of_a_past_pregnancy(stated, known, moment)):
        feature.sentence = sentence
        return feature
    from_row(feature, stated, FeatureState.USED)
    feature.source_type, feature.value = "ANSWER", stated.value_code
    count = known.answer_counts[question.feature]
    feature.rule = "latest answer" if count < 2 else f"latest of {count} answers"
    holds_days = _holds_days(question, stated)
    if holds_days is None:
        return feature
    grows_old_at = stated.effective_at + timedelta(days=holds_days)
    if moment.as_of < grows_old_at:
        feature.expires_at = grows_old_at
    else:
        feature.state = FeatureState.TOO_OLD
        on = moment.words(stated.effective_at)
        feature.sentence = f"Stated on {on}: too long ago, so it has to be asked again."
    return feature


def is_asked_again(question: Question, stated: Observation, known: KnownRows, moment: Moment) -> bool:
    """Whether what was stated says nothing of today any more; a page that asks has to agree with the snapshot."""
    if question.feature == PREGNANCY and _of_a_past_pregnancy(stated, known, moment):
        return True
    holds_days = _holds_days(question, stated)
    return holds_days is not None and moment.as_of >= stated.effective_at + timedelta(days=holds_days)


def _holds_days(question: Question, stated: Observation) -> int | None:
    if stated.value_code == "yes":
        if question.is_yes_lasting:
            return None
        if question.feature == PREGNANCY:
            return PREGNANCY_DAYS
    return question.max_age_days


def _of_a_past_pregnancy(stated: Observation, known: KnownRows, moment: Moment) -> str:
    """Why an answer says nothing of today, other than its age; empty when it may."""
    on = moment.words(stated.effective_at)
    if known.pregnancy_told_at is not None and stated.effective_at < known.pregnancy_told_at:
        return f"Last stated on {on}, before or during a pregnancy that is over by now: it has to be asked again."
    if stated.value_code == "yes" and moment.as_of >= stated.effective_at + timedelta(days=PREGNANCY_DAYS):
        return f"The pregnancy stated on {on} is over by now: it has to be asked again."
    return ""


def _recorded(feature: Feature, recorded: RecordedYes, stated: Observation | None, moment: Moment) -> Feature:
    """The list outweighs a "no"; that somebody said it, knowing or not of the entry, is told."""
    feature.state, feature.value = FeatureState.USED, "yes"
    feature.source_type, feature.source_ids = recorded.source_type, [recorded.row_id]
    feature.source, feature.sentence, feature.effective_at = recorded.source, recorded.words, recorded.effective_at
    feature.expires_at = recorded.expires_at
    feature.rule = recorded.rule
    if stated is not None and stated.value_code == "no" and stated.effective_at > recorded.known_since:
        feature.rule += f', which outweighs the "no" that somebody stated on {moment.words(stated.effective_at)}'
    return feature
