"""MR: stored values, rescaled where the object says so. The result has no physical unit."""

from __future__ import annotations

from collections.abc import Sequence

from ml.preprocessing.ct import required_rescales
from ml.preprocessing.dicom import Instance
from ml.preprocessing.volume import Rescale

NO_UNIT = "1"  # UCUM


def mr_rescales(instances: Sequence[Instance]) -> tuple[Rescale, ...]:
    """Slope and intercept of each slice; 1 and 0 where no slice has either, as the MR Image IOD has no rescale module.

    Parameters
    ----------
    instances : sequence of Instance, (z,)

    Returns
    -------
    tuple of (float, float), (z,)
        Without a physical unit, in the order of `instances`.

    Raises
    ------
    SeriesRefusal
        RESCALE_MISSING when some slices have a rescale and others do not.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> mr_rescales([SimpleNamespace(rescale_slope=None, rescale_intercept=None)] * 2)
    ((1.0, 0.0), (1.0, 0.0))
    """
    if all(instance.rescale_slope is None and instance.rescale_intercept is None for instance in instances):
        return ((1.0, 0.0),) * len(instances)
    return required_rescales(instances)
