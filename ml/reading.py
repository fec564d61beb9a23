"""Read one series from its files: headers, checks, geometry, volume, measurements, key images. Top to bottom."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom.dataset import Dataset

from ml.errors import Refusal, SeriesRefusal
from ml.measurements import brain_volumes, calcium_agatston, calcium_protocol, pet_suv
from ml.measurements.ct_tissue import tissue_estimate
from ml.preprocessing import ct, mr, pet
from ml.preprocessing.decoders import decoders_used
from ml.preprocessing.dicom import Instance, header_read, instance_read
from ml.preprocessing.geometry import Geometry, order_and_geometry
from ml.preprocessing.key_images import mid_slice, percentile_window
from ml.preprocessing.quality import instance_check, series_check, series_findings
from ml.preprocessing.volume import Rescale, Volume, value_range, volume_decode, volume_sha256
from ml.types import (
    CalciumCandidate,
    KeyImage,
    LargeStructure,
    Measurement,
    MeasurementRefusal,
    QualityFinding,
    SeriesReading,
)

CT_WINDOW_HU = (40.0, 400.0)
PET_WINDOW_SUV_BW = (5.0, 10.0)


def read_series(paths: Sequence[Path]) -> SeriesReading:
    """Read the files of one series; bad input is a refused reading, never an exception.

    Parameters
    ----------
    paths : sequence of Path
        Every file of one series, in any order; the reading does not depend on it.

    Returns
    -------
    SeriesReading
        Accepted with its measurements, or refused with a reason code and one sentence.

    Examples
    --------
    >>> reading = read_series([Path("pyproject.toml")])
    >>> reading.accepted, reading.reason_code, reading.sentence
    (False, 'NOT_DICOM', 'pyproject.toml is refused: it is not a DICOM file (no DICM prefix).')
    """
    instances: tuple[Instance, ...] = ()
    # What pydicom and its plugins warn of is either refused by our own checks or has no bearing on the values.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            instances = headers_read(paths)
            return _reading(instances)
        except SeriesRefusal as refusal:
            return _refused(instances, len(paths), refusal)


def headers_read(paths: Sequence[Path]) -> tuple[Instance, ...]:
    """Read every header, in the order of the file names so that the first problem named is always the same.

    Parameters
    ----------
    paths : sequence of Path
        Every file of one series, in any order.

    Returns
    -------
    tuple of Instance

    Raises
    ------
    SeriesRefusal
        NO_FILES, or the first file's reason.

    Examples
    --------
    >>> headers_read([])
    Traceback (most recent call last):
    ml.errors.SeriesRefusal: There are no files to read.
    """
    if not paths:
        raise SeriesRefusal("NO_FILES", "There are no files to read.")
    return tuple(instance_read(path) for path in sorted(paths))


@dataclass(frozen=True, slots=True, eq=False)
class DecodedSeries:
    """One regular volume of known values, before anything is measured in it.

    Parameters
    ----------
    instances : tuple of Instance, (z,)
        In the order of the slices.
    header : Dataset
        Of the first slice, without pixel data.
    geometry : Geometry
    volume : float32 array, (z, y, x)
        In `unit`.
    unit : str
        UCUM: [hnsf'U] for CT, g/mL{SUVbw} for PET, 1 for MR.
    decoders : tuple of str
        As `decoders_used` names them.
    suv_refusal : Refusal or None
        Why a PET is not in SUVbw.
    """

    instances: tuple[Instance, ...]
    header: Dataset
    geometry: Geometry
    volume: Volume
    unit: str
    decoders: tuple[str, ...]
    suv_refusal: Refusal | None = None
    findings: tuple[QualityFinding, ...] = ()


def series_decode(instances: Sequence[Instance]) -> DecodedSeries:
    """Check, order and decode one series.

    Parameters
    ----------
    instances : sequence of Instance
        From `headers_read`.

    Returns
    -------
    DecodedSeries
        CT in HU, PET in SUVbw (or in its own unit with the reason why not), MR as stored and rescaled.

    Raises
    ------
    SeriesRefusal
        With the reason code of the first check that fails.

    Examples
    --------
    >>> from datetime import UTC, date, datetime
    >>> from tempfile import TemporaryDirectory
    >>> from ml.synthetic.dicom_writer import series_write
    >>> from ml.synthetic.identity import PatientIdentity
    >>> from ml.synthetic.studies import SyntheticStudy, study_identity, study_series
    >>> study = SyntheticStudy("PT", datetime(2026, 1, 5, 9, tzinfo=UTC), 3)
    >>> anna = PatientIdentity("Moreau", "Anna", date(1961, 4, 2), "F", "N-1", "north")
    >>> with TemporaryDirectory() as folder:
    ...     size = series_write(Path(folder), study_series(study), study_identity(anna, study, institution="N"))
    ...     series = series_decode(headers_read([*Path(folder).iterdir()]))
    >>> series.volume.shape, series.unit
    ((90, 128, 128), 'g/mL{SUVbw}')
    """
    for instance in instances:
        instance_check(instance)
    series_check(instances)
    ordered, geometry = order_and_geometry(instances)
    decoders = decoders_used(instance.part10.transfer_syntax_uid for instance in ordered)
    header = header_read(ordered[0])
    rescales, unit, suv_refusal = _modality_rescales(ordered, header)
    volume = volume_decode(ordered, rescales)
    findings = ct.padding_fill(volume, ordered, rescales) if ordered[0].modality == "CT" else ()
    return DecodedSeries(ordered, header, geometry, volume, unit, decoders, suv_refusal, findings)


def _modality_rescales(instances: Sequence[Instance], header: Dataset) -> tuple[Sequence[Rescale], str, Refusal | None]:
    modality = instances[0].modality
    if modality == "CT":
        return ct.hu_rescales(instances), ct.HOUNSFIELD_UNIT, None
    if modality == "MR":
        return mr.mr_rescales(instances), mr.NO_UNIT, None
    rescales = ct.required_rescales(instances)
    inputs = pet.suv_inputs(header, instances)
    try:
        factor = pet.suv_bw_factor(inputs)
    except Refusal as refusal:
        return rescales, pet.UNIT_OF_UNITS.get(inputs.units, "1"), refusal
    return [(slope * factor, intercept * factor) for slope, intercept in rescales], pet.SUV_BW_UNIT, None


@dataclass(frozen=True, slots=True)
class _Measured:
    measurements: tuple[Measurement, ...] = ()
    refusals: tuple[MeasurementRefusal, ...] = ()
    candidates: tuple[CalciumCandidate, ...] = ()
    large_structures: tuple[LargeStructure, ...] = ()
    key_images: tuple[KeyImage, ...] = ()
    findings: tuple[QualityFinding, ...] = ()


def _reading(instances: Sequence[Instance]) -> SeriesReading:
    series = series_decode(instances)
    lowest_highest = value_range(series.volume)
    with ThreadPoolExecutor(max_workers=1) as hashing:
        sha256 = hashing.submit(volume_sha256, series.volume)
        modality = series.instances[0].modality
        measured = {"CT": _measure_ct, "MR": _measure_mr, "PT": _measure_pet}[modality](series)
        key_image = _mid_slice(series, modality)
        findings = series_findings(series.instances, series.geometry)
        return SeriesReading(
            series_instance_uid=_stated(instances, "series_instance_uid"),
            study_instance_uid=_stated(instances, "study_instance_uid"),
            modality=modality,
            accepted=True,
            instance_count=len(instances),
            shape_zyx=series.geometry.shape_zyx,
            spacing_zyx_mm=series.geometry.spacing_zyx_mm,
            value_range=lowest_highest,
            value_unit=series.unit,
            volume_sha256=sha256.result(),
            decoders=series.decoders,
            quality=(*findings, *series.findings, *measured.findings),
            measurements=measured.measurements,
            refusals=measured.refusals,
            candidates=measured.candidates,
            large_structures=measured.large_structures,
            key_images=(key_image, *measured.key_images),
        )


def _refused(instances: Sequence[Instance], count: int, refusal: Refusal) -> SeriesReading:
    return SeriesReading(
        series_instance_uid=_stated(instances, "series_instance_uid"),
        study_instance_uid=_stated(instances, "study_instance_uid"),
        modality=_stated(instances, "modality"),
        accepted=False,
        reason_code=refusal.reason_code,
        sentence=refusal.sentence,
        instance_count=count,
    )


def _stated(instances: Sequence[Instance], attribute: str) -> str:
    """The one value that the instances agree on; "" where there is none or more than one."""
    values = {value for instance in instances if (value := getattr(instance, attribute))}
    return str(values.pop()) if len(values) == 1 else ""


def _measure_ct(series: DecodedSeries) -> _Measured:
    protocol = calcium_protocol.calcium_protocol(series.header, series.geometry, series.instances)
    broken = calcium_protocol.protocol_refusals(protocol)
    findings: tuple[QualityFinding, ...] = ()
    if not broken:
        tissue = tissue_estimate(series.volume, series.geometry.spacing_zyx_mm)
        broken = calcium_protocol.tissue_refusals(tissue)
        findings = calcium_protocol.tissue_findings(tissue)
    if broken:
        return _Measured(refusals=(_first_naming_all(broken),), findings=findings)
    uids = [instance.sop_instance_uid for instance in series.instances]
    try:
        search = calcium_agatston.find_candidates(series.volume, series.geometry, uids)
    except Refusal as refusal:
        refused = calcium_protocol.refusal(refusal.reason_code, refusal.sentence)
        return _Measured(refusals=(refused,), findings=findings)
    return _Measured(
        refusals=(calcium_protocol.NOT_CONFIRMED,),
        candidates=search.candidates,
        large_structures=search.large_structures,
        key_images=search.key_images,
        findings=(*findings, *_large_structure_findings(search.large_structures)),
    )


def _large_structure_findings(structures: tuple[LargeStructure, ...]) -> tuple[QualityFinding, ...]:
    if not structures:
        return ()
    is_one = len(structures) == 1
    sentence = (
        f"{len(structures)} bright {'structure' if is_one else 'structures'} too large to be a coronary lesion (over "
        f"{calcium_agatston.MAX_VOLUME_MM3:g} mm³ or {calcium_agatston.MAX_EXTENT_MM:g} mm) "
        f"{'is' if is_one else 'are'} not listed as candidates; each can touch or contain one."
    )
    return (QualityFinding("LARGE_STRUCTURES_NOT_LISTED", sentence),)


def _first_naming_all(refusals: tuple[MeasurementRefusal, ...]) -> MeasurementRefusal:
    """One refusal for one measurement: the first reason's code, and a sentence that names every reason."""
    prefix = "Calcium not scored: "
    reasons = "; ".join(refusal.sentence.removeprefix(prefix).removesuffix(".") for refusal in refusals)
    return replace(refusals[0], sentence=f"{prefix}{reasons}.")


def _measure_mr(series: DecodedSeries) -> _Measured:
    try:
        brain_volumes.check_protocol(brain_volumes.head_protocol(series.header, series.geometry))
        measurement = brain_volumes.intracranial_volume_ml(series.volume, series.geometry)
    except Refusal as refusal:
        sentence = f"Intracranial volume not measured: {refusal.sentence}."
        return _Measured(refusals=(MeasurementRefusal(brain_volumes.NAME, refusal.reason_code, sentence),))
    return _Measured(measurements=(measurement,))


def _measure_pet(series: DecodedSeries) -> _Measured:
    if series.suv_refusal is None:
        return _Measured(measurements=pet_suv.suv_bw_statistics(series.volume))
    code, sentence = series.suv_refusal.reason_code, f"SUVbw not computed: {series.suv_refusal.sentence}"
    return _Measured(refusals=tuple(MeasurementRefusal(name, code, sentence) for name in pet_suv.NAMES))


def _mid_slice(series: DecodedSeries, modality: str) -> KeyImage:
    if modality == "CT":
        window, unit = CT_WINDOW_HU, "HU"
    elif series.unit == pet.SUV_BW_UNIT:
        window, unit = PET_WINDOW_SUV_BW, "SUVbw"
    else:
        window, unit = percentile_window(series.volume), "(no unit)"
    uids = tuple(instance.sop_instance_uid for instance in series.instances)
    return mid_slice(series.volume, series.geometry, uids, window, unit)
