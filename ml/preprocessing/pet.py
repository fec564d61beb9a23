"""PET: stored values to SUVbw by the QIBA rules, vendors' private elements included.

QIBA FDG-PET/CT profile, SUV pseudocode ("happy path" and vendor rules); the MIT-licensed calculate-suv library follows
the same rules. SUVbw = (stored value x slope + intercept) x factor, one slope per slice.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pydicom.dataset import Dataset

from ml.errors import Refusal
from ml.preprocessing.dicom import Instance, header_read
from ml.preprocessing.header import UNREADABLE, header_number, header_text
from ml.preprocessing.pet_nuclides import half_life_problem, nuclide_of

SUV_BW_UNIT = "g/mL{SUVbw}"  # UCUM
UNIT_OF_UNITS = {"BQML": "Bq/mL", "CNTS": "{counts}", "GML": "g/mL", "CM2ML": "cm2/mL", "PROPCNTS": "{counts}"}

# What lies outside these is a wrong unit or a wrong digit, not a patient: 70000 is 70 kg in grams.
WEIGHT_KG_RANGE = (1.0, 350.0)  # from a premature newborn to beyond what the tables of PET scanners carry
# From well below the smallest FDG dose of the EANM's paediatric dosage card (14 MBq) to well above the largest doses
# of PET, Rb-82 and O-15 water at about 2 GBq. 370 is 370 MBq with the mega left out.
DOSE_BQ_RANGE = (1e6, 5e9)
# 1/256 of the dose is left: FDG after 14.6 hours. QIBA asks for 55 to 75 minutes with FDG; C-11 is met at 5.6
# half-lives, and Cu-64, Zr-89 and I-124 are imaged after days.
MAX_UPTAKE_HALF_LIVES = 8.0
MAX_NAMED = 4  # values of a mixed series that its sentence names

_DATETIME = re.compile(r"(\d{8})(\d{4}|\d{6})(\.\d{1,6})?([+-]\d{4})?")


@dataclass(frozen=True, slots=True)
class SuvInputs:
    """Everything the SUVbw factor depends on; None or "" is missing. Times are on the scanner's clock.

    `mixed` holds (reason code, sentence) for each value that is not the same in every slice.
    """

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
    nuclide: str = ""  # as in pet_nuclides.HALF_LIVES_S
    is_start_date_stated: bool = True
    mixed: tuple[tuple[str, str], ...] = ()


def suv_bw_factor(inputs: SuvInputs) -> float:
    """The factor from rescaled values to SUVbw in g/mL.

    From Bq/mL: 1000 x weight / (dose x 2 ** -(scan - injection) / half-life); 1 from g/mL; Philips' private factor from
    counts.

    Parameters
    ----------
    inputs : SuvInputs
        kg, Bq and s; all moments on one clock.

    Returns
    -------
    float
        g/mL per unit of the rescaled value.

    Raises
    ------
    Refusal
        SUV_NOT_CORRECTED, SUV_DECAY_CORRECTION, SUV_UNITS, SUV_TYPE, SUV_PRIVATE_SCALE, SUV_WEIGHT, SUV_DOSE,
        SUV_HALF_LIFE, SUV_TIMES or SUV_START_AFTER_SCAN. A value that is missing, out of its plausible range or not
        the same in every slice has the code of its field.

    References
    ----------
    QIBA FDG-PET/CT profile, SUV pseudocode.

    Examples
    --------
    >>> at = parse_datetime("20240315110703")
    >>> factor = suv_bw_factor(SuvInputs("BQML", ("ATTN", "DECY"), "START", 80.0, 4e8, 6586.2, at, at, at))
    >>> round(factor, 10)
    0.0002
    """
    if inputs.mixed:
        raise Refusal(*inputs.mixed[0])
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
    weight_kg = _plausible(inputs.patient_weight_kg, "SUV_WEIGHT", "Patient's Weight", "kg", WEIGHT_KG_RANGE)
    dose_bq = _plausible(inputs.dose_bq, "SUV_DOSE", "Radionuclide Total Dose", "Bq", DOSE_BQ_RANGE)
    half_life_s = _positive(inputs.half_life_s, "SUV_HALF_LIFE", "Radionuclide Half Life")
    problem = half_life_problem(half_life_s, inputs.nuclide)
    if problem is not None:
        raise Refusal("SUV_HALF_LIFE", f"Radionuclide Half Life is {half_life_s:.6g} s, but {problem}.")
    remaining_bq = dose_bq * math.exp2(-_uptake_s(inputs, half_life_s) / half_life_s)
    return 1000.0 * weight_kg / remaining_bq


def _uptake_s(inputs: SuvInputs, half_life_s: float) -> float:
    """From the injection to the moment of decay correction."""
    if inputs.start_at is None or inputs.series_at is None or inputs.acquisition_at is None:
        sentence = "The start of the injection, of the series or of the acquisition is missing or is not a moment."
        raise Refusal("SUV_TIMES", sentence)
    uptake_s = (_scan_at(inputs.series_at, inputs.acquisition_at, inputs.ge_scan_at) - inputs.start_at).total_seconds()
    if uptake_s < 0:
        if inputs.is_start_date_stated:
            raise Refusal("SUV_START_AFTER_SCAN", "The injection is stated to have started after the scan.")
        # It may lie on the day before, or the date of the series be a later one; which day it was is not guessed.
        sentence = "The injection has a time but no date; on the date of the series it would lie after the scan."
        raise Refusal("SUV_START_AFTER_SCAN", sentence)
    limit_s = MAX_UPTAKE_HALF_LIVES * half_life_s
    if uptake_s > limit_s:
        raise Refusal(
            "SUV_TIMES",
            f"The scan is stated {_duration(uptake_s)} after the injection; at most {_duration(limit_s)} "
            f"({MAX_UPTAKE_HALF_LIVES:g} half-lives) is plausible.",
        )
    return uptake_s


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:,.4f} h" if seconds < 3600 else f"{seconds / 3600:,.2f} h"


def _scan_at(series_at: datetime, acquisition_at: datetime, ge_scan_at: datetime | None) -> datetime:
    """The moment of decay correction: a series time after the acquisition was rewritten by a workstation."""
    if series_at <= acquisition_at:
        return series_at
    return ge_scan_at or acquisition_at


def _positive(value: float | None, reason_code: str, noun: str) -> float:
    if value is None or value <= 0:
        raise Refusal(reason_code, f"{noun} is missing or not positive.")
    return value


def _plausible(
    value: float | None, reason_code: str, noun: str, unit: str, lowest_highest: tuple[float, float]
) -> float:
    positive = _positive(value, reason_code, noun)
    lowest, highest = lowest_highest
    if not lowest <= positive <= highest:
        sentence = f"{noun} is {positive:.8g} {unit}; {lowest:g} to {highest:g} {unit} is plausible."
        raise Refusal(reason_code, sentence)
    return positive


def parse_datetime(text: str, default_offset: str = "") -> datetime | None:
    """Read a DICOM DT with at least hours and minutes; None when it is not one.

    Times without an offset are the scanner's clock. An offset counts only when the scanner's own is known, otherwise
    the two clocks cannot be compared and None is returned. The UTC attached to the result is that common clock, not a
    claim about the time zone.

    Parameters
    ----------
    text : str
        YYYYMMDDHHMM[SS[.FFFFFF]][+-ZZZZ].
    default_offset : str
        Timezone Offset From UTC of the header, +-ZZZZ; "" where it is not stated.

    Returns
    -------
    datetime or None

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
    scanner, own = (timedelta(), timedelta()) if offset is None else (_offset(default_offset), _offset(offset))
    if scanner is None or own is None:
        return None
    try:
        return moment + timedelta(seconds=float(fraction or 0)) - own + scanner
    except OverflowError:  # before the year 1 or after 9999
        return None


def _offset(text: str) -> timedelta | None:
    if not re.fullmatch(r"[+-]\d{4}", text):
        return None
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    return timedelta(minutes=-minutes if text[0] == "-" else minutes)


def suv_inputs(header: Dataset, instances: Sequence[Instance]) -> SuvInputs:
    """Collect what the factor needs from the header of every slice.

    Parameters
    ----------
    header : Dataset
        Of the first slice, from `header_read`.
    instances : sequence of Instance, (z,)
        Every slice, the one of `header` first.

    Returns
    -------
    SuvInputs
        None or "" for what is missing, unreadable or of several units; nothing is judged here.

    Raises
    ------
    SeriesRefusal
        UNREADABLE_HEADER.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> header = Dataset()
    >>> header.Units, header.PatientWeight = "BQML", 80
    >>> inputs = suv_inputs(header, [SimpleNamespace(acquisition_date="20240315", acquisition_time="110703")])
    >>> inputs.units, inputs.patient_weight_kg, inputs.dose_bq, inputs.acquisition_at.hour
    ('BQML', 80.0, None, 11)
    """
    stated = _stated(header)
    others = [_stated(header_read(instance)) for instance in instances[1:]]
    mixed = _mixed([stated, *others])
    offset = header_text(header, "TimezoneOffsetFromUTC")
    acquired = [parse_datetime(one.acquisition_date + one.acquisition_time, offset) for one in instances]
    known = [moment for moment in acquired if moment is not None]
    return replace(
        stated,
        # Values of several units have none.
        units="" if any(one.units != stated.units for one in others) else stated.units,
        acquisition_at=min(known) if len(known) == len(instances) else None,
        mixed=mixed,
    )


def _stated(header: Dataset) -> SuvInputs:
    """What the header of one slice says; the acquisition is that of the whole series and comes later."""
    series_date = header_text(header, "SeriesDate")
    offset = header_text(header, "TimezoneOffsetFromUTC")
    tracer = _single_radiopharmaceutical(header)
    start = header_text(tracer, "RadiopharmaceuticalStartDateTime")
    start_time = header_text(tracer, "RadiopharmaceuticalStartTime")
    ge_scan = _private(header, 0x0009, "GEMS_PETD_01", 0x0D)
    return SuvInputs(
        units=header_text(header, "Units"),
        corrected_image=tuple(header_text(header, "CorrectedImage").split("\\")),
        decay_correction=header_text(header, "DecayCorrection"),
        patient_weight_kg=header_number(header, "PatientWeight"),
        dose_bq=header_number(tracer, "RadionuclideTotalDose"),
        half_life_s=header_number(tracer, "RadionuclideHalfLife"),
        start_at=parse_datetime(start or series_date + start_time, offset),
        series_at=parse_datetime(series_date + header_text(header, "SeriesTime"), offset),
        acquisition_at=None,
        ge_scan_at=parse_datetime(ge_scan, offset),
        philips_suv_scale=_number(_private(header, 0x7053, "Philips PET Private Group", 0x00)),
        philips_activity_scale=_number(_private(header, 0x7053, "Philips PET Private Group", 0x09)),
        suv_type=header_text(header, "SUVType"),
        nuclide=nuclide_of(tracer),
        is_start_date_stated=bool(start),
    )


def _mixed(slices: Sequence[SuvInputs]) -> tuple[tuple[str, str], ...]:
    found = []
    for reason_code, noun, words_of in _JUDGED:
        counts = Counter(map(words_of, slices))
        if len(counts) > 1:
            named = [f"{words or 'not recorded'} in {count}" for words, count in sorted(counts.items())[:MAX_NAMED]]
            more = ["..."] if len(counts) > MAX_NAMED else []
            sentence = f"The series mixes {noun} ({', '.join(named + more)} of {len(slices)} slices)."
            found.append((reason_code, sentence))
    return tuple(found)


def _words(number: float | None, unit: str) -> str:
    return "" if number is None else f"{number:.10g} {unit}"


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S.%f").removesuffix(".000000")


def _private_scales(one: SuvInputs) -> str:
    if one.units != "CNTS":  # otherwise they are not used
        return ""
    return " and ".join(_words(scale, "").strip() for scale in (one.philips_suv_scale, one.philips_activity_scale))


_JUDGED: tuple[tuple[str, str, Callable[[SuvInputs], str]], ...] = (
    ("SUV_UNITS", "units", lambda one: one.units),
    ("SUV_NOT_CORRECTED", "corrections", lambda one: "+".join(sorted(filter(None, one.corrected_image)))),
    ("SUV_DECAY_CORRECTION", "decay corrections", lambda one: one.decay_correction),
    ("SUV_TYPE", "kinds of SUV", lambda one: one.suv_type),
    ("SUV_PRIVATE_SCALE", "private scale factors", _private_scales),
    ("SUV_WEIGHT", "patient's weights", lambda one: _words(one.patient_weight_kg, "kg")),
    ("SUV_DOSE", "doses", lambda one: _words(one.dose_bq, "Bq")),
    ("SUV_HALF_LIFE", "half-lives", lambda one: _words(one.half_life_s, "s")),
    ("SUV_HALF_LIFE", "nuclides", lambda one: one.nuclide),
    ("SUV_TIMES", "starts of the injection", lambda one: _moment(one.start_at)),
    ("SUV_TIMES", "starts of the series", lambda one: _moment(one.series_at)),
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
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
