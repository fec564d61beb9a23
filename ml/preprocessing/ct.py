"""CT: stored values to Hounsfield units."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset

from ml.errors import SeriesRefusal
from ml.preprocessing.dicom import Instance, header_text
from ml.preprocessing.volume import Rescale

HOUNSFIELD_UNIT = "[hnsf'U]"  # UCUM


def hu_rescales(instances: Sequence[Instance], header: Dataset) -> tuple[Rescale, ...]:
    """Slope and intercept of each slice, HU = stored value x slope + intercept (PS3.3 C.8.2.1).

    Raises
    ------
    SeriesRefusal
        RESCALE_MISSING or RESCALE_TYPE: without them a stored value is not a Hounsfield unit.
    """
    rescale_type = header_text(header, "RescaleType")
    if rescale_type not in ("", "HU"):
        raise SeriesRefusal(
            "RESCALE_TYPE", f"The CT values are in {rescale_type} (Rescale Type), not Hounsfield units."
        )
    return required_rescales(instances)


def required_rescales(instances: Sequence[Instance]) -> tuple[Rescale, ...]:
    """Slope and intercept of each slice, both of which must be stated and the slope must not be 0.

    Raises
    ------
    SeriesRefusal
        RESCALE_MISSING.
    """
    rescales = []
    for instance in instances:
        slope, intercept = instance.rescale_slope, instance.rescale_intercept
        if not slope or intercept is None:
            sentence = f"{instance.path.name} has no usable Rescale Slope and Rescale Intercept."
            raise SeriesRefusal("RESCALE_MISSING", sentence)
        rescales.append((slope, intercept))
    return tuple(rescales)
