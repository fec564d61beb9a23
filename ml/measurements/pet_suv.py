"""Statistics of the standardised uptake value by body weight over a whole PET volume."""

from __future__ import annotations

import numpy as np

from ml.preprocessing.pet import SUV_BW_UNIT
from ml.preprocessing.volume import Volume
from ml.types import Measurement

NAMES = ("suv_bw_max", "suv_bw_mean", "suv_bw_p99_9")
METHOD = "over all voxels of the series, air included; SUVbw by the QIBA rules"
VERSION = "1"


def suv_bw_statistics(suv_bw: Volume) -> tuple[Measurement, ...]:
    """Maximum, mean and 99.9th percentile of SUVbw; they describe the series and enter no risk.

    Parameters
    ----------
    suv_bw : float32 array, (z, y, x)
        SUVbw in g/mL.

    Returns
    -------
    tuple of Measurement, (3,)
        In g/mL, in the order of `NAMES`.

    Examples
    --------
    >>> statistics = suv_bw_statistics(np.array([[[0.0, 1.0, 5.0]]], dtype=np.float32))
    >>> [(one.name, round(one.value, 3)) for one in statistics]
    [('suv_bw_max', 5.0), ('suv_bw_mean', 2.0), ('suv_bw_p99_9', 4.992)]
    """
    values = (suv_bw.max(), suv_bw.mean(dtype=np.float64), np.percentile(suv_bw, 99.9))
    return tuple(
        Measurement(name, float(value), SUV_BW_UNIT, METHOD, VERSION) for name, value in zip(NAMES, values, strict=True)
    )
