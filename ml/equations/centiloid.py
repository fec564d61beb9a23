"""Centiloid: amyloid PET on one scale, CL = slope x SUVR + intercept. A measure with its pipeline, not a risk.

Klunk WE, Koeppe RA, Price JC, et al. The Centiloid Project: standardizing quantitative amyloid plaque estimation by
PET. Alzheimers Dement 2015;11:1-15. doi:10.1016/j.jalz.2014.07.003.

A line holds only for its tracer, pipeline and reference region: one SUVR gives 46 or 52 Centiloid by different lines.
Anything that is not registered here is refused, never converted by a neighbouring line.
"""

from __future__ import annotations

from dataclasses import dataclass

from ml.equations.equation import PublishedEquation, evaluated_people
from ml.equations.inputs import BoolArray, FloatArray, Quantity, checked_person
from ml.errors import EquationRefusal


@dataclass(frozen=True, slots=True)
class CentiloidLine:
    """One registered calibration and where it was read."""

    tracer: str
    pipeline: str
    reference_region: str
    slope: float
    intercept: float
    source: str


_KLUNK = "Klunk 2015, doi:10.1016/j.jalz.2014.07.003: 0 CL at SUVR 1.009, 100 CL at 2.076; paper not read"
_ROWE = "Rowe 2017, doi:10.1007/s00259-017-3749-6, abstract"
_NAVITSKY = "Navitsky 2018, doi:10.1016/j.jalz.2018.06.1353, as in admiralneuro"
_SIMS = "Sims 2023, doi:10.1001/jama.2023.13239, as in admiralneuro"
_ROYSE = "Royse 2021, doi:10.1186/s13195-021-00836-1, as in admiralneuro"
_WHOLE_CEREBELLUM = "Whole Cerebellum"

LINES: tuple[CentiloidLine, ...] = (
    CentiloidLine(
        "11C-PiB", "GAAIN standard (Klunk 2015)", _WHOLE_CEREBELLUM, 100 / 1.067, -100 * 1.009 / 1.067, _KLUNK
    ),
    CentiloidLine("18F-Florbetaben", "GAAIN standard (Rowe 2017)", _WHOLE_CEREBELLUM, 153.4, -154.9, _ROWE),
    CentiloidLine("18F-Florbetapir", "AVID FBP SUVR PIPELINE", _WHOLE_CEREBELLUM, 183.07, -177.26, _NAVITSKY),
    CentiloidLine("18F-Florbetaben", "AVID FBB SUVR PIPELINE", _WHOLE_CEREBELLUM, 156.06, -148.13, _SIMS),
    CentiloidLine("18F-Florbetapir", "BERKELEY FBP SUVR PIPELINE", _WHOLE_CEREBELLUM, 188.22, -189.16, _ROYSE),
    CentiloidLine("18F-Florbetaben", "BERKELEY FBB SUVR PIPELINE", _WHOLE_CEREBELLUM, 157.15, -151.87, _ROYSE),
)

CENTILOID = PublishedEquation(
    name="centiloid",
    version="2015",
    label="Centiloid",
    citation="Klunk WE, Koeppe RA, Price JC, et al. Alzheimers Dement 2015;11:1-15",
    doi="10.1016/j.jalz.2014.07.003",
    module=__name__,
)
# A ratio of 0 or less is an error; beyond these limits so is a ratio of amyloid tracers.
SUVR = Quantity(
    field="suvr",
    code="SUVR",
    words="SUVR",
    unit="",
    ucum="{SUVR}",
    low=0.1,
    high=10,
    source="plausibility limit of this project; 0 or less is an error",
)


def _registered_line(*, tracer: str, pipeline: str, reference_region: str) -> CentiloidLine:
    """The line of exactly this tracer, pipeline and reference region; case does not matter.

    Raises
    ------
    EquationRefusal
        PIPELINE_NOT_CALIBRATED: there is none.

    Examples
    --------
    >>> _registered_line(tracer="18F-Florbetaben", pipeline="GAAIN standard (Rowe 2017)",
    ...     reference_region="Whole Cerebellum").slope
    153.4
    """
    asked = tuple(name.casefold() for name in (tracer, pipeline, reference_region))
    for line in LINES:
        if tuple(name.casefold() for name in (line.tracer, line.pipeline, line.reference_region)) == asked:
            return line
    raise EquationRefusal(
        "PIPELINE_NOT_CALIBRATED",
        f"This pipeline has no registered calibration for {tracer}.",
        field="pipeline",
        value=f"{pipeline}, {reference_region}",
        limit="; ".join(f"{line.tracer}: {line.pipeline}, {line.reference_region}" for line in LINES),
    )


def centiloid(*, suvr: float | None, tracer: str, pipeline: str, reference_region: str) -> float:
    """Centiloid of a standardised uptake value ratio.

    CL = slope x SUVR + intercept, with the line registered for the tracer, pipeline and reference region.

    Parameters
    ----------
    suvr
        Cortical uptake over that of the reference region, 0.1-10.
    tracer, pipeline, reference_region
        As in `LINES`.

    Returns
    -------
    float
        Centiloid units (CL), not rounded; below 0 is possible.

    Raises
    ------
    EquationRefusal
        PIPELINE_NOT_CALIBRATED, or the SUVR is missing, not a finite number, 0 or less, or outside its limits.

    References
    ----------
    Klunk WE et al. Alzheimers Dement 2015;11:1-15. doi:10.1016/j.jalz.2014.07.003

    Examples
    --------
    >>> round(centiloid(suvr=1.3, tracer="18F-Florbetaben", pipeline="AVID FBB SUVR PIPELINE",
    ...     reference_region="Whole Cerebellum"), 3)
    54.748
    """
    line = _registered_line(tracer=tracer, pipeline=pipeline, reference_region=reference_region)
    columns = checked_person((SUVR,), {"suvr": suvr}, CENTILOID.label)
    return float(line.slope * columns["suvr"][0] + line.intercept)


def centiloid_of_people(
    *, suvr: object, tracer: str, pipeline: str, reference_region: str
) -> tuple[FloatArray, BoolArray]:
    """The same for an array of ratios of one pipeline.

    Parameters
    ----------
    suvr : array of numbers, any shape
        Cortical uptake over that of the reference region, 0.1-10; NaN where unknown.
    tracer, pipeline, reference_region : str
        As in `LINES`; case does not matter.

    Returns
    -------
    tuple of arrays
        Centiloid units (CL), NaN where refused, and the mask of what was refused; both in the shape of `suvr`.

    Raises
    ------
    EquationRefusal
        PIPELINE_NOT_CALIBRATED.
    TypeError
        The dtype of `suvr` cannot hold numbers.

    References
    ----------
    Klunk WE et al. Alzheimers Dement 2015;11:1-15. doi:10.1016/j.jalz.2014.07.003

    Examples
    --------
    >>> centiloid_of_people(suvr=[1.0, 0.0], tracer="18F-Florbetaben", pipeline="GAAIN standard (Rowe 2017)",
    ...     reference_region="Whole Cerebellum")[0].round(1)
    array([-1.5,  nan])
    """
    line = _registered_line(tracer=tracer, pipeline=pipeline, reference_region=reference_region)
    found = evaluated_people((SUVR,), {"suvr": suvr}, lambda columns: line.slope * columns["suvr"] + line.intercept)
    return found.risk, found.refused
