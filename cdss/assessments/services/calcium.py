"""What the newest CT says to a risk: a reader's score, the reason why there is none, and the metal that was seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from cdss.assessments.features import Feature
from cdss.assessments.models import FeatureState
from cdss.assessments.services.snapshot_moment import Moment
from imaging.models import CORONARY_METAL, CalciumReading, MetalKind, SeriesVersion
from patients.models import Patient
from patients.services.clinical_rows import CLOCK_TOLERANCE

AGATSTON_SCORE, METAL_IN_CT = "agatston_score", "metal_in_ct"
NOT_CONFIRMED, METAL = "NOT_CONFIRMED", "METAL"
MAX_AGE = timedelta(days=5 * 365 + 1)
WORDS = {
    MetalKind.CORONARY_STENT: "a coronary stent",
    MetalKind.BYPASS: "a coronary bypass",
    MetalKind.PROSTHETIC_VALVE: "a prosthetic valve",
    MetalKind.LEAD: "a pacemaker or defibrillator lead",
}


@dataclass(frozen=True, slots=True)
class Read:
    """A series: its newest version, and the newest reading, which may be of an earlier version."""

    version: SeriesVersion
    reading: CalciumReading

    @property
    def is_of_these_images(self) -> bool:
        return self.reading.series_version_id == self.version.id

    @property
    def coronary_metal(self) -> list[str]:
        return [kind for kind in self.reading.metal if kind in CORONARY_METAL]


def calcium_features(patient: Patient, moment: Moment) -> list[Feature]:
    """The Agatston score, and whether a stent or bypass was seen: `metal_in_ct` is yes for these two alone.

    Later images make an earlier score void. They do not take metal out of a body: a stent or bypass seen in any series
    counts until a later reading of that series says otherwise. Three queries.
    """
    score = Feature(AGATSTON_SCORE, "Agatston score, confirmed by a reader", unit="1", source_type="MEASUREMENT")
    metal = Feature(METAL_IN_CT, "Coronary stent or bypass on CT", source_type="READING")
    versions = _versions_read(patient, moment)
    read = _readings(versions, moment)
    coronary = next((one for one in read if one.coronary_metal), None)
    if coronary is not None:
        _seen_metal(score, metal, coronary)
        return [score, metal]
    of_newest = _of_newest_study(read)
    found = _metal_found_since(versions, of_newest)
    if found is not None:
        _refuse(score, METAL, _refusal(found)[1])
        _refuse(metal, METAL, "Metal was found in the CT; a reader has to say whether it is a stent or a bypass.")
    elif confirmed := next((one for one in of_newest if not one.reading.metal), None):
        _scored(score, confirmed, moment)
        _attested(metal, confirmed)
    elif of_newest:
        _seen_metal(score, metal, of_newest[0])
    else:
        _refuse(score, *_reason(versions))
        metal.sentence = "No reader has stated it of a CT."
    return [score, metal]


def _versions_read(patient: Patient, moment: Moment) -> list[SeriesVersion]:
    """The newest version of each CT series whose reading was recorded by then, the newest study first."""
    newest = (
        SeriesVersion.objects.filter(
            series__study__patient=patient, series__modality="CT", result__recorded_at__lte=moment.as_of
        )
        .order_by("series_id", "-number")
        .distinct("series_id")
    )
    rows = SeriesVersion.objects.filter(id__in=newest.values("id")).select_related("result", "series__study")
    return list(rows.order_by("-series__study__study_at", "-result__recorded_at", "id"))


def _readings(versions: list[SeriesVersion], moment: Moment) -> list[Read]:
    """The newest reading of each series that has one, of whichever of its versions; the newest study first."""
    if not versions:
        return []
    series = {version.series_id: version for version in versions}
    newest = (
        CalciumReading.objects.filter(series_version__series__in=series, recorded_at__lte=moment.as_of)
        .order_by("series_version__series", "-series_version__number", "-number")
        .distinct("series_version__series")
        .select_related("series_version")
        .prefetch_related("measurements")
    )
    readings = {reading.series_version.series_id: reading for reading in newest}
    return [Read(version, readings[key]) for key, version in series.items() if key in readings]


def _of_newest_study(read: list[Read]) -> list[Read]:
    """What counts of the newest study that has something that counts, the latest reading first.

    A valve or lead counts in its own series as a stent does; a score counts for the images it was made of.
    """
    counting = [one for one in read if one.is_of_these_images or one.reading.metal]
    of_newest = [one for one in counting if one.version.series.study_id == counting[0].version.series.study_id]
    return sorted(of_newest, key=lambda one: one.reading.recorded_at, reverse=True)


def _metal_found_since(versions: list[SeriesVersion], read: list[Read]) -> SeriesVersion | None:
    """A CT newer than the one that was read, in whose voxels the gate found metal; the score of then is void."""
    if not read:
        return None
    study_id = read[0].version.series.study_id
    place = next(index for index, version in enumerate(versions) if version.series.study_id == study_id)
    return next((version for version in versions[:place] if _refusal(version)[0] == METAL), None)


def _refusal(version: SeriesVersion) -> tuple[str, str]:
    """Why the gate gives no score for this version; a reader's confirmation lifts only NOT_CONFIRMED."""
    result = version.result
    for refusal in result.refusals:
        if refusal["name"] == AGATSTON_SCORE:
            return refusal["reason_code"], refusal["sentence"]
    return result.reason_code or "NO_VALID_CAC", f"Calcium not scored: {result.sentence or 'the CT does not allow it.'}"


def _reason(versions: list[SeriesVersion]) -> tuple[str, str]:
    """Why the newest study has no score: of its series, the one nearest to having one speaks."""
    if not versions:
        return "NO_VALID_CAC", "Calcium not scored: there is no CT on which it could be."
    of_newest = [version for version in versions if version.series.study_id == versions[0].series.study_id]
    return min((_refusal(version) for version in of_newest), key=lambda refusal: _distance(refusal[0]))


def _distance(code: str) -> int:
    """A reader can lift the first; metal must not be hidden by another series that shows less."""
    return {NOT_CONFIRMED: 0, METAL: 1}.get(code, 2)


def _seen_metal(score: Feature, metal: Feature, read: Read) -> None:
    reading = read.reading
    for feature in (score, metal):
        feature.source_type, feature.source_ids = "READING", [str(reading.id)]
        feature.source, feature.effective_at = _reader(reading), read.version.series.study.study_at
    _refuse(score, METAL, f"Calcium not scored: a reader saw {_words(reading.metal)}.")
    if read.coronary_metal:
        metal.state, metal.value, metal.sentence = FeatureState.USED, "yes", _words(read.coronary_metal)
        metal.rule = "seen by a reader, and no later reading of that series says otherwise"
    elif read.is_of_these_images:
        metal.state, metal.value, metal.rule = FeatureState.USED, "no", "newest reading of a CT"
        metal.sentence = f"{_words(reading.metal)}, which is no coronary disease"
    else:
        metal.sentence = f"Later images have arrived for the CT in which a reader saw {_words(reading.metal)}."


def _attested(metal: Feature, read: Read) -> None:
    metal.state, metal.value, metal.rule = FeatureState.USED, "no", "stated by the reader who confirmed the score"
    metal.source_ids, metal.source = [str(read.reading.id)], _reader(read.reading)
    metal.effective_at = read.version.series.study.study_at


def _scored(feature: Feature, read: Read, moment: Moment) -> None:
    study, measured = read.version.series.study, read.reading.measurements.all()[0]
    feature.source_ids, feature.effective_at = [str(measured.id)], measured.effective_at
    feature.source = f"{measured.method}: {read.reading.reader_name}"
    if read.version.result.has_large_structures and not read.reading.attests_large_structures_not_coronary:
        sentence = "Calcium not scored: the reading says nothing of the structures too large to be listed; read again."
        _refuse(feature, NOT_CONFIRMED, sentence)
    elif study.study_at is None:
        _refuse(feature, "STUDY_DATE_MISSING", "Calcium not scored: the study has no date, so its age is not known.")
    elif study.study_at > moment.as_of + CLOCK_TOLERANCE:
        _refuse(feature, "STUDY_DATE_FUTURE", "Calcium not scored: the study is dated in the future.")
        feature.expires_at = study.study_at - CLOCK_TOLERANCE
    elif moment.as_of >= study.study_at + MAX_AGE:
        feature.state = FeatureState.TOO_OLD
        feature.sentence = f"CT of {moment.words(study.study_at)}: older than 5 years, so it is not used."
    else:
        feature.state, feature.value = FeatureState.USED, repr(measured.value)
        feature.rule, feature.expires_at = "newest study, newest reading", study.study_at + MAX_AGE


def _words(metal: Iterable[str]) -> str:
    return " and ".join(WORDS[MetalKind(kind)] for kind in metal)


def _reader(reading: CalciumReading) -> str:
    return f"reading of the CT: {reading.reader_name}"


def _refuse(feature: Feature, code: str, sentence: str) -> None:
    feature.state, feature.reason_code, feature.sentence = FeatureState.MISSING, code, sentence
