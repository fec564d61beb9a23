"""PET: stored values to SUVbw by the QIBA rules, vendors' private elements included.

QIBA FDG-PET/CT profile, SUV pseudocode ("happy path" and vendor rules); the MIT-licensed calculate-suv library follows
the same rules. SUVbw = (stored value x slope + intercept) x factor, one slope per slice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydicom.dataset import Dataset

from ml.errors import Refusal
from ml.preprocessing.dicom import UNREADABLE, Instance, header_number, header_text

SUV_BW_UNIT = "g/mL{SUVbw}"  # UCUM
UNIT_OF_UNITS = {"BQML": "Bq/mL", "CNTS": "{counts}", "GML": "g/mL", "CM2ML": "cm2/mL", "PROPCNTS": "{counts}"}

_DATETIME = re.compile(r"(\d{8})(\d{4}|\d{6})(\.\d{1,6})?([+-]\d{4})?")


@dataclass(frozen=True, slots=True)
class SuvInputs:
    """Everything the SUVbw factor depends on; None or "" is missing. Times are on the scanner's clock."""

    units: str
    corrected_image: tuple[str, ...]
    decay_correction: str
    patient_weight_kg: float | None
    dose_bq: float | None
    half_life_s: float | None
    start_at: datetime | None
    series_at: datetime | None
    acquisition_at: datetime | None  # the earliest of the series
    ge_scan_at: datetime | None = None  # (0009,xx0D) of GEMS_PETD_01
    philips_suv_scale: float | None = None  # (7053,xx00)
    philips_activity_scale: float | None = None  # (7053,xx09)
    suv_type: str = ""


def suv_bw_factor(inputs: SuvInputs) -> float:
    """The factor from rescaled values to SUVbw in g/mL.

    Raises
    ------
    Refusal
        SUV_NOT_CORRECTED, SUV_DECAY_CORRECTION, SUV_UNITS, SUV_TYPE, SUV_PRIVATE_SCALE, SUV_WEIGHT, SUV_DOSE,
        SUV_HALF_LIFE, SUV_TIMES or SUV_START_AFTER_SCAN.

    Examples
    --------
    >>> at = parse_datetime("20240315110703")
    >>> factor = suv_bw_factor(SuvInputs("BQML", ("ATTN", "DECY"), "START", 80.0, 4e8, 6586.2, at, at, at))
    >>> round(factor, 10)
    0.0002
    """
    if not {"ATTN", "DECY"} <= set(inputs.corrected_image):
        raise Refusal("SUV_NOT_CORRECTED", "Corrected Image does not list both ATTN and DECY.")
    if inputs.decay_correction != "START":
        stated = inputs.decay_correction or "missing"
        raise Refusal("SUV_DECAY_CORRECTION", f"Decay Correction is {stated}; only START is understood.")
    if inputs.units == "GML":
        if inputs.suv_type not in ("", "BW"):
            raise Refusal("SUV_TYPE", f"The values are SUV normalised by {inputs.suv_type}, not by body weight.")
        return 1.0
    if inputs.units == "CNTS":
        return _counts_factor(inputs)
    if inputs.units == "BQML":
        return _activity_factor(inputs)
    raise Refusal("SUV_UNITS", f"Units {inputs.units or '(missing)'} cannot be turned into SUVbw.")


def _counts_factor(inputs: SuvInputs) -> float:
    if inputs.philips_suv_scale:
        return inputs.philips_suv_scale
    if inputs.philips_activity_scale:
        return inputs.philips_activity_scale * _activity_factor(inputs)
    raise Refusal("SUV_PRIVATE_SCALE", "Units are counts (CNTS) and no Philips scale factor is there to convert them.")


def _activity_factor(inputs: SuvInputs) -> float:
    weight_kg = _positive(inputs.patient_weight_kg, "SUV_WEIGHT", "Patient's Weight")
    dose_bq = _positive(inputs.dose_bq, "SUV_DOSE", "Radionuclide Total Dose")
    half_life_s = _positive(inputs.half_life_s, "SUV_HALF_LIFE", "Radionuclide Half Life")
    if inputs.start_at is None or inputs.series_at is None or inputs.acquisition_at is None:
        raise Refusal("SUV_TIMES", "The start of the injection, of the series or of the acquisition is missing.")
    decay_s = (_scan_at(inputs.series_at, inputs.acquisition_at, inputs.ge_scan_at) - inputs.start_at).total_seconds()
    if decay_s < 0:
        # A start time without a date may lie on the day before; which day it was is not guessed.
        raise Refusal("SUV_START_AFTER_SCAN", "The injection is stated to have started after the scan.")
    remaining_bq = dose_bq * math.exp2(-decay_s / half_life_s)
    return 1000.0 * weight_kg / remaining_bq


def _scan_at(series_at: datetime, acquisition_at: datetime, ge_scan_at: datetime | None) -> datetime:
    """The moment of decay correction: a series time after the acquisition was rewritten by a workstation."""
    if series_at <= acquisition_at:
        return series_at
    return ge_scan_at or acquisition_at


def _positive(value: float | None, reason_code: str, noun: str) -> float:
    if value is None or value <= 0:
        raise Refusal(reason_code, f"{noun} is missing or not positive.")
    return value


def parse_datetime(text: str, default_offset: str = "") -> datetime | None:
    """Read a DICOM DT with at least hours and minutes; None when it is not one.

    Times without an offset are the scanner's clock. An offset counts only when the scanner's own is known
    (`default_offset`, Timezone Offset From UTC), otherwise the two clocks cannot be compared and None is returned.
    The UTC attached to the result is that common clock, not a claim about the time zone.

    Examples
    --------
    >>> parse_datetime("20240315110703.5").isoformat()
    '2024-03-15T11:07:03.500000+00:00'
    >>> parse_datetime("20240315110703+0100", default_offset="+0200").hour
    12
    >>> parse_datetime("20240315110703+0100") is None
    True
    """
    match = _DATETIME.fullmatch(text.strip())
    if match is None:
        return None
    date, time, fraction, offset = match.groups()
    try:
        moment = datetime.strptime(date + time.ljust(6, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    moment += timedelta(seconds=float(fraction or 0))
    if offset is None:
        return moment
    scanner = _offset(default_offset)
    own = _offset(offset)
    return None if scanner is None or own is None else moment - own + scanner


def _offset(text: str) -> timedelta | None:
    if not re.fullmatch(r"[+-]\d{4}", text):
        return None
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    return timedelta(minutes=-minutes if text[0] == "-" else minutes)


def suv_inputs(header: Dataset, instances: Sequence[Instance]) -> SuvInputs:
    """Collect what the factor needs from one header and the acquisition times of all slices."""
    series_date = header_text(header, "SeriesDate")
    offset = header_text(header, "TimezoneOffsetFromUTC")
    tracer = _single_radiopharmaceutical(header)
    start = header_text(tracer, "RadiopharmaceuticalStartDateTime") or (
        series_date + header_text(tracer, "RadiopharmaceuticalStartTime")
    )
    acquired = [parse_datetime(one.acquisition_date + one.acquisition_time, offset) for one in instances]
    known = [moment for moment in acquired if moment is not None]
    ge_scan = _private(header, 0x0009, "GEMS_PETD_01", 0x0D)
    return SuvInputs(
        units=header_text(header, "Units"),
        corrected_image=tuple(header_text(header, "CorrectedImage").split("\\")),
        decay_correction=header_text(header, "DecayCorrection"),
        patient_weight_kg=header_number(header, "PatientWeight"),
        dose_bq=header_number(tracer, "RadionuclideTotalDose"),
        half_life_s=header_number(tracer, "RadionuclideHalfLife"),
        start_at=parse_datetime(start, offset),
        series_at=parse_datetime(series_date + header_text(header, "SeriesTime"), offset),
        acquisition_at=min(known) if len(known) == len(instances) else None,
        ge_scan_at=parse_datetime(ge_scan, offset),
        philips_suv_scale=_number(_private(header, 0x7053, "Philips PET Private Group", 0x00)),
        philips_activity_scale=_number(_private(header, 0x7053, "Philips PET Private Group", 0x09)),
        suv_type=header_text(header, "SUVType"),
    )


def _single_radiopharmaceutical(header: Dataset) -> Dataset:
    try:
        items = header.get("RadiopharmaceuticalInformationSequence") or []
    except UNREADABLE:
        items = []
    return items[0] if len(items) == 1 else Dataset()


def _private(header: Dataset, group: int, creator: str, offset: int) -> str:
    try:
        value = header.private_block(group, creator)[offset].value
    except UNREADABLE:
        return ""
    return value.decode("latin-1").strip("\x00 ") if isinstance(value, bytes) else str(value).strip()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
