"""CT: stored values to Hounsfield units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.errors import SeriesRefusal
from ml.preprocessing.dicom import Instance, instance_text
from ml.preprocessing.volume import Rescale, Volume
from ml.types import QualityFinding

HOUNSFIELD_UNIT = "[hnsf'U]"  # UCUM
PADDING_HU = -1024.0  # what padding is set to: as little as air, so that it is neither tissue nor calcium nor metal


def hu_rescales(instances: Sequence[Instance]) -> tuple[Rescale, ...]:
    """Slope and intercept of each slice, HU = stored value x slope + intercept (PS3.3 C.8.2.1).

    Raises
    ------
    SeriesRefusal
        RESCALE_MISSING or RESCALE_TYPE: without them a stored value is not a Hounsfield unit.
    """
    types = [instance_text(instance, "RescaleType") for instance in instances]
    other = [rescale_type for rescale_type in types if rescale_type not in ("", "HU")]
    if other:
        where = "" if len(other) == len(types) else f" in {len(other)} of {len(types)} slices"
        named = ", ".join(sorted(set(other))[:4])
        raise SeriesRefusal(
            "RESCALE_TYPE", f"The CT values{where} are in {named} (Rescale Type), not Hounsfield units."
        )
    return required_rescales(instances)


def padding_fill(hu: Volume, instances: Sequence[Instance], rescales: Sequence[Rescale]) -> tuple[QualityFinding, ...]:
    """Set what is stated to be padding (Pixel Padding Value, PS3.3 C.7.5.1.1.2) to -1024 HU, in place, and say so.

    Padding fills the corners that were not scanned. It has no value, yet as a number it could be any: metal, calcium,
    or an impossible minimum. Slices that state no padding are not looked at.

    Parameters
    ----------
    hu : float32 array, (z, y, x)
        As `volume_decode` gave it with these rescales.

    Returns
    -------
    tuple of QualityFinding
        PIXEL_PADDING, or nothing where no voxel is padding.
    """
    count = 0
    for plane, instance, (slope, intercept) in zip(hu, instances, rescales, strict=True):
        if instance.stored_padding is None:
            continue
        # In the volume's own arithmetic, so that a padded voxel is exactly equal.
        ends = np.array(instance.stored_padding, np.float32) * np.float32(slope) + np.float32(intercept)
        is_padding = (plane >= ends.min()) & (plane <= ends.max()) if ends[0] != ends[1] else plane == ends[0]
        count += int(np.count_nonzero(is_padding))
        plane[is_padding] = PADDING_HU
    if count == 0:
        return ()
    percent = 100 * count / hu.size
    sentence = (
        f"{count} voxels ({percent:.2g} %) are padding, not measured (Pixel Padding Value); they were set to "
        f"{PADDING_HU:g} HU."
    )
    return (QualityFinding("PIXEL_PADDING", sentence),)


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
