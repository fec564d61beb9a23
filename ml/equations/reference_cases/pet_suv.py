"""Reference cases of the SUVbw factor: no risk equation, read by the PET reader itself."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ml.equations.reference_cases.rows import Comparison, Differences, Row, number
from ml.errors import Refusal
from ml.preprocessing.pet import SuvInputs, parse_datetime, suv_bw_factor


def _pet_suv(row: Row) -> Differences:
    """The relative difference of the factor; 0 where the source stops with an error and the reader refuses."""
    try:
        factor = suv_bw_factor(_inputs(row))
    except Refusal:
        return {"suvbw_factor": 0.0 if row["error"] else math.inf}
    if row["error"]:
        return {"suvbw_factor": math.inf}
    expected = float(row["suvbw_factor"])
    return {"suvbw_factor": abs(factor - expected) / expected}


def _inputs(row: Row) -> SuvInputs:
    start = row["radiopharm_start_datetime"] or row["series_date"] + row["radiopharm_start_time"]
    return SuvInputs(
        units=row["units"],
        corrected_image=tuple(row["corrected_image"].split("|")),
        decay_correction="START",  # of every case; the table has no column for it
        patient_weight_kg=number(row["patient_weight_kg"]),
        dose_bq=number(row["dose_bq"]),
        half_life_s=number(row["half_life_s"]),
        start_at=parse_datetime(start),
        series_at=parse_datetime(row["series_date"] + row["series_time"]),
        acquisition_at=parse_datetime(row["acq_date"] + row["acq_time"]),
        ge_scan_at=parse_datetime(row["ge_scan_datetime"]),
        philips_suv_scale=number(row["philips_suv_scale"]),
        philips_activity_scale=number(row["philips_act_scale"]),
    )


COMPARISONS: Mapping[str, Comparison] = {"pet_suv": _pet_suv}
