"""The frozen values that cross the boundary of `ml`: what goes in, what comes out, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Sex = Literal["female", "male"]
MesaRaceEthnicity = Literal["white", "chinese", "black", "hispanic"]
PceRace = Literal["white", "black", "other"]
Score2Region = Literal["low", "moderate", "high", "very_high"]
TiaClinicalFeatures = Literal["weakness", "speech", "neither"]


# --- reading a series ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number measured in one series, with its UCUM unit and how it was obtained.

    Parameters
    ----------
    name : str
        With the unit, as "intracranial_volume_ml".
    value : float
        In `unit`.
    unit : str
        UCUM.
    method, version : str
        How, and by which version of it.
    """

    name: str
    value: float
    unit: str
    method: str
    version: str


@dataclass(frozen=True, slots=True)
class MeasurementRefusal:
    """A measurement that was not made, and the one sentence that says why."""

    name: str
    reason_code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """Something a reader of this series should know; it does not by itself refuse the series."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class CalciumLesion:
    """One candidate's cross-section in one slice: the unit in which the Agatston score is summed.

    Parameters
    ----------
    slice_index : int
        From 0, in the order of the volume.
    sop_instance_uid : str
        Of that slice.
    area_mm2 : float
        mm2.
    peak_hu : float
        Highest voxel, HU.
    agatston : float
        Area x weight, scaled to slices of 3 mm.
    """

    slice_index: int
    sop_instance_uid: str
    area_mm2: float
    peak_hu: float
    agatston: float


@dataclass(frozen=True, slots=True)
class CalciumCandidate:
    """A connected bright structure that a reader must call coronary or not.

    `number` counts from 1 in reading order (superior to inferior); `position_xyz_mm` is the centroid in patient
    coordinates (LPS), `row` and `column` its place in the slice of its highest voxel, `slice_index`.
    """

    number: int
    slice_index: int
    sop_instance_uid: str
    row: int
    column: int
    position_xyz_mm: tuple[float, float, float]
    area_mm2: float
    peak_hu: float
    volume_mm3: float
    agatston: float
    lesions: tuple[CalciumLesion, ...]
    key_image: str


@dataclass(frozen=True, slots=True)
class LargeStructure:
    """A bright structure too large to be listed as a candidate: a reader sees it, but it is never scored.

    `position_xyz_mm` is the centroid (LPS); the key image shows the slice of its highest voxel, `slice_index`.
    """

    number: int
    slice_index: int
    first_slice_index: int
    last_slice_index: int
    sop_instance_uid: str
    position_xyz_mm: tuple[float, float, float]
    peak_hu: float
    volume_mm3: float
    key_image: str


@dataclass(frozen=True, slots=True, eq=False)
class KeyImage:
    """An 8-bit picture of one slice, with the window it was drawn with.

    Parameters
    ----------
    name, caption : str
    sop_instance_uid : str
        Of the slice, whose index is `slice_index`.
    slice_index : int
        From 0, in the order of the volume.
    window_center, window_width : float
        In the unit of the volume.
    pixels : uint8 array, (y, x) grey or (y, x, 3) RGB
    """

    name: str
    caption: str
    sop_instance_uid: str
    slice_index: int
    window_center: float
    window_width: float
    pixels: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class SeriesReading:
    """What `ml.pipeline.read_series` found in one series: measured, or refused with a reason."""

    series_instance_uid: str
    study_instance_uid: str
    modality: str
    accepted: bool
    reason_code: str | None = None
    sentence: str | None = None
    instance_count: int = 0
    shape_zyx: tuple[int, int, int] | None = None
    spacing_zyx_mm: tuple[float, float, float] | None = None
    value_range: tuple[float, float] | None = None
    value_unit: str | None = None  # UCUM: [hnsf'U] for CT, g/mL{SUVbw} for PET, 1 for MR
    volume_sha256: str | None = None
    decoders: tuple[str, ...] = ()  # "<transfer syntax UID> <plugin> <version>", one per syntax met
    quality: tuple[QualityFinding, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    refusals: tuple[MeasurementRefusal, ...] = ()
    candidates: tuple[CalciumCandidate, ...] = ()
    large_structures: tuple[LargeStructure, ...] = ()
    key_images: tuple[KeyImage, ...] = field(default=(), repr=False)


# --- assessing a person -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EquationRequest:
    """One number asked for: which equation, which of its outcomes, over how many years.

    Parameters
    ----------
    equation, outcome : str
        As a release's manifest names them.
    horizon_years : int
        0 for a score that has no horizon.
    """

    equation: str
    outcome: str
    horizon_years: int


@dataclass(frozen=True, slots=True)
class AssessmentInputs:
    """Everything known of one person at one moment, in canonical units; None is "not known", never a default."""

    requests: tuple[EquationRequest, ...]
    age_years: int | None = None
    sex: Sex | None = None
    systolic_bp_mmhg: float | None = None
    total_cholesterol_mmol_l: float | None = None
    hdl_cholesterol_mmol_l: float | None = None
    bmi_kg_m2: float | None = None
    egfr_ml_min_173m2: float | None = None
    hba1c_percent: float | None = None
    urine_albumin_creatinine_ratio_mg_g: float | None = None
    sdi_decile: int | None = None  # social deprivation index of the ZIP code, 1-10
    has_diabetes: bool | None = None
    is_current_smoker: bool | None = None
    takes_antihypertensive: bool | None = None
    takes_statin: bool | None = None
    takes_lipid_lowering: bool | None = None
    has_family_history_of_heart_attack: bool | None = None
    mesa_race_ethnicity: MesaRaceEthnicity | None = None
    pce_race: PceRace | None = None
    score2_region: Score2Region | None = None  # of the organisation, not of the person
    agatston_score: float | None = None  # confirmed by a reader; None is "not scored", never 0
    has_prior_cardiovascular_disease: bool | None = None
    has_heart_failure: bool | None = None
    has_coronary_heart_disease: bool | None = None
    has_vascular_disease: bool | None = None
    has_hypertension: bool | None = None
    has_atrial_fibrillation: bool | None = None
    has_left_ventricular_hypertrophy: bool | None = None  # on the ECG
    has_prior_stroke: bool | None = None
    has_prior_stroke_or_tia: bool | None = None
    tia_systolic_bp_mmhg: float | None = None  # the first measured after the attack, wherever that was
    tia_diastolic_bp_mmhg: float | None = None
    tia_clinical_features: TiaClinicalFeatures | None = None
    tia_duration_minutes: float | None = None
    education_years: float | None = None
    is_physically_active: bool | None = None
    is_apoe_e4_carrier: bool | None = None
    has_depressive_symptoms: bool | None = None
    needs_help_with_money_or_medication: bool | None = None
    has_high_cognitive_activity: bool | None = None
    eats_mediterranean_diet: bool | None = None
    drinks_low_to_moderate_alcohol: bool | None = None


class Contribution(NamedTuple):
    """One input's share against the stated reference person: of the linear predictor, or of the points.

    A person has some three hundred of them; a frozen dataclass takes three times as long to make.

    Parameters
    ----------
    input : str
        Field name, with its unit.
    value, reference_value : float or str
        The person's and the reference person's, in `unit`.
    unit : str
        UCUM; "" for an answer or a group.
    log_odds_or_hazard : float or None
        Signed share of the linear predictor of a risk.
    points : float or None
        Share of a score.
    """

    input: str
    value: float | str
    unit: str
    reference_value: float | str
    log_odds_or_hazard: float | None = None
    points: float | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A risk, a score, or the refusal that stands in their place.

    `reason_code` is set exactly where both `risk` and `score` are None. A score is points on the scale from `score_low`
    to `score_high`, and `meaning` what its authors observed at that score; only a table that its authors printed turns
    points into a `risk`. `horizon_years` is 0 where a score has no horizon.
    """

    equation: str
    equation_version: str
    outcome: str
    horizon_years: int
    risk: float | None = None
    risk_low: float | None = None
    risk_high: float | None = None
    coverage: float | None = None
    score: float | None = None
    score_low: float | None = None
    score_high: float | None = None
    meaning: str | None = None
    scale: str | None = None  # of the contributions: "log-odds", "log-hazard" or "points"
    reason_code: str | None = None
    sentence: str | None = None
    field: str | None = None
    field_value: float | str | None = None
    limit: str | None = None
    reference_risk: float | None = None
    reference_person: str | None = None
    contributions: tuple[Contribution, ...] = ()


@dataclass(frozen=True, slots=True)
class AssessmentResult:
    """The estimates of one assessment, in the order they were requested, and the release that made them."""

    release: str
    release_sha256: str
    code_sha256: str
    estimates: tuple[Estimate, ...]


@dataclass(frozen=True, slots=True)
class ModelRelease:
    """A released risk model as a folder of data; an equations-only release has no weights."""

    name: str
    version: str
    sha256: str  # of the canonical manifest, which itself lists the SHA-256 of every other file
    code_sha256: str  # of the reviewed source that computes it, which may change while no number does
    manifest: Mapping[str, object]

    @property
    def label(self) -> str:
        return f"{self.name}-{self.version}"
