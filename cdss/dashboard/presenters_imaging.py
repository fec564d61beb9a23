"""Studies and series: what arrived, what was measured, what was refused, and the calcium waiting for a reader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from cdss.assessments.inference import calcium_category
from cdss.assessments.models import Outcome
from cdss.dashboard.words import MEASUREMENTS, MODALITIES, named, quantity_words, unit_words
from imaging.models import (
    CalciumCandidate,
    CalciumReading,
    CalciumVerdict,
    KeyImage,
    MetalKind,
    Series,
    SeriesResult,
    SeriesState,
    SeriesVersion,
    Study,
)

NOT_SEARCHED = "Not searched for: bleeding, infarct, embolism, dissection."
DEVICE_OFFSET = re.compile(r"DICOM offset ([+-])(\d\d)(\d\d)")
CALCIUM, GATE_PASSED = "agatston_score", "NOT_CONFIRMED"


@dataclass(frozen=True, slots=True)
class MeasurementRow:
    title: str
    value: str
    method: str


@dataclass(frozen=True, slots=True)
class RefusalRow:
    title: str
    reason_code: str
    sentence: str


@dataclass(slots=True)
class CandidateRow:
    candidate: CalciumCandidate
    position: str
    recorded: str  # in the newest reading
    chosen: str = ""  # in the form
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class LargeRow:
    """A structure too large to be a candidate: the reader sees it; it has no verdict and no score."""

    number: int
    slices: str
    position: str
    volume_mm3: float
    peak_hu: float
    image: KeyImage | None


@dataclass(slots=True)
class Calcium:
    """The reader's form; `reading` is the newest one, when somebody has read."""

    version: SeriesVersion
    rows: list[CandidateRow]
    reading: CalciumReading | None
    score: str
    earlier: list[tuple[str, CalciumReading]]
    refusal: RefusalRow | None
    large: list[LargeRow]
    has_large: bool  # also of an earlier result, which kept only how many there are
    attests_gated_whole_heart: bool = False
    attests_no_metal: bool = False
    attests_large_structures_not_coronary: bool = False
    metal: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class SeriesRow:
    series: Series
    version: SeriesVersion | None
    result: SeriesResult | None
    modality: str
    state_words: str
    geometry: str
    measurements: list[MeasurementRow]
    refusals: list[RefusalRow]
    images: list[KeyImage]
    calcium: Calcium | None


@dataclass(slots=True)
class StudyRow:
    study: Study
    at: datetime | None  # on the clock that `study_at_zone` names
    modalities: str
    outcome_words: str
    outcome_code: str
    outcome_sentence: str
    series: list[SeriesRow]


def present_studies(studies: Iterable[Study]) -> list[StudyRow]:
    return [_study(study) for study in studies]


def _study(study: Study) -> StudyRow:
    series = [_series(item) for item in study.series.all()]
    outcome = getattr(study, "outcome", None)
    return StudyRow(
        study=study,
        at=_device_time(study),
        modalities=", ".join(dict.fromkeys(row.modality for row in series)),
        outcome_words=Outcome(outcome.outcome).label if outcome else "In progress",
        outcome_code=outcome.reason_code if outcome else "",
        outcome_sentence=outcome.sentence if outcome else "",
        series=series,
    )


def _device_time(study: Study) -> datetime | None:
    """As the device wrote it, where it sent its offset: without a zone, so that no page turns it into another."""
    named = DEVICE_OFFSET.match(study.study_at_zone)
    if study.study_at is None or named is None:
        return study.study_at
    sign, hours, minutes = named.groups()
    shift = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    return study.study_at.astimezone(timezone(shift)).replace(tzinfo=None)


def _series(series: Series) -> SeriesRow:
    version = next(iter(series.versions.all()), None)
    result = getattr(version, "result", None)
    refusals = [_refusal(item) for item in result.refusals] if result else []
    calcium = _calcium(version, result, refusals) if version and result else None
    if calcium and calcium.reading:
        refusals = [row for row in refusals if row is not calcium.refusal]  # a reader has lifted it since
    return SeriesRow(
        series=series,
        version=version,
        result=result,
        modality=MODALITIES.get(series.modality, series.modality),
        state_words=SeriesState(series.state).label,
        geometry=_geometry(result) if result else "",
        measurements=_measurements(version) if version else [],
        refusals=refusals,
        images=_images(version) if version else [],
        calcium=calcium,
    )


def _refusal(item: dict[str, Any]) -> RefusalRow:
    return RefusalRow(MEASUREMENTS.get(item["name"]) or named(item["name"]), item["reason_code"], item["sentence"])


def _geometry(result: SeriesResult) -> str:
    """`212 slices of 512 × 512, 0.98 × 0.98 × 3 mm, −1024 to 1895 HU`."""
    parts = []
    if result.shape_zyx:
        z, y, x = result.shape_zyx
        parts.append(f"{z} slices of {x} × {y}")
    if result.spacing_zyx_mm:
        z, y, x = result.spacing_zyx_mm
        parts.append(f"{x:.3g} × {y:.3g} × {z:.3g} mm")
    if result.value_range:
        low, high = result.value_range
        parts.append(f"{low:.4g} to {high:.4g} {unit_words(result.value_unit)}".strip().replace("-", "−"))
    return ", ".join(parts)


def _measurements(version: SeriesVersion) -> list[MeasurementRow]:
    """The newest of each name; a reader's score names its reader, and does not outlive metal seen since."""
    newest = {row.name: row for row in version.measurements.all()}
    if any(reading.metal for reading in version.calcium_readings.all()[:1]):
        newest.pop(CALCIUM, None)
    return [
        MeasurementRow(
            title=MEASUREMENTS.get(row.name) or named(row.name),
            value=quantity_words(repr(row.value), row.unit),
            method=f"{row.method} (version {row.method_version})"
            + (f", read by {row.reading.reader_name}" if row.reading else ""),
        )
        for row in newest.values()
    ]


def _images(version: SeriesVersion) -> list[KeyImage]:
    """Pictures that no row of the calcium form shows already."""
    of_candidates = {candidate.key_image_id for candidate in version.calcium_candidates.all()}
    of_large = {item["key_image"] for item in version.result.large_structures} if hasattr(version, "result") else set()
    images = version.key_images.all()
    return [image for image in images if image.id not in of_candidates and image.name not in of_large]


def _calcium(version: SeriesVersion, result: SeriesResult, refusals: list[RefusalRow]) -> Calcium | None:
    refusal = next((row for row in refusals if row.title == MEASUREMENTS[CALCIUM]), None)
    if refusal is None or refusal.reason_code != GATE_PASSED:
        return None
    readings = list(version.calcium_readings.all())
    newest = readings[0] if readings else None
    rows = [_candidate(candidate, newest) for candidate in version.calcium_candidates.all()]
    said = [(_reading_words(reading), reading) for reading in readings]
    return Calcium(
        version=version,
        rows=rows,
        reading=newest,
        score=said[0][0] if said else "",
        earlier=said[1:],
        refusal=refusal,
        large=_large(version, result),
        has_large=result.has_large_structures,
    )


def _large(version: SeriesVersion, result: SeriesResult) -> list[LargeRow]:
    images = {image.name: image for image in version.key_images.all()}
    return [
        LargeRow(
            number=item["number"],
            slices=f"{item['first_slice_index'] + 1} to {item['last_slice_index'] + 1}",
            position=_position(item["position_xyz_mm"]),
            volume_mm3=item["volume_mm3"],
            peak_hu=item["peak_hu"],
            image=images.get(item["key_image"]),
        )
        for item in result.large_structures
    ]


def _candidate(candidate: CalciumCandidate, newest: CalciumReading | None) -> CandidateRow:
    recorded = newest.verdicts.get(str(candidate.number), "") if newest else ""
    return CandidateRow(candidate, _position(candidate.position_xyz_mm), recorded, chosen=recorded)


def _reading_words(reading: CalciumReading) -> str:
    """`Agatston score 120 (CAC-DRS 2018: A2)`, or `Not scored: coronary stent seen`."""
    if reading.agatston_score is not None:
        category = calcium_category(reading.agatston_score)
        of_it = f" (CAC-DRS 2018: {category})" if category else ""
        return f"Agatston score {quantity_words(repr(reading.agatston_score), '1')}{of_it}"
    return f"Not scored: {' and '.join(MetalKind(kind).label for kind in reading.metal).lower()} seen"


def _position(position_xyz_mm: Sequence[float]) -> str:
    x, y, z = position_xyz_mm
    return f"{x:.0f}, {y:.0f}, {z:.0f}".replace("-", "−")


VERDICTS = [(verdict.value, verdict.label) for verdict in CalciumVerdict]
METAL = [(kind.value, kind.label) for kind in MetalKind]
