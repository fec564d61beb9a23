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
    """Slope and intercept of each slice, HU = stored value x slope + intercept.

    Parameters
    ----------
    instances : sequence of Instance, (z,)
        The Rescale Type of each must be HU or absent.

    Returns
    -------
    tuple of (float, float), (z,)
        In HU, in the order of `instances`.

    Raises
    ------
    SeriesRefusal
        RESCALE_MISSING or RESCALE_TYPE: without them a stored value is not a Hounsfield unit.

    References
    ----------
    DICOM PS3.3 C.8.2.1.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> hu_rescales([SimpleNamespace(rescale_slope=1.0, rescale_intercept=-1024.0, part10=SimpleNamespace(values={}))])
    ((1.0, -1024.0),)
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
    instances : sequence of Instance, (z,)
        The slices of `hu`, in its order.
    rescales : sequence of (float, float), (z,)
        Slope and intercept of each slice.

    Returns
    -------
    tuple of QualityFinding
        PIXEL_PADDING, or nothing where no voxel is padding.

    References
    ----------
    DICOM PS3.3 C.7.5.1.1.2.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> hu = np.array([[[40.0, 62512.0]]], dtype=np.float32)
    >>> [finding] = padding_fill(hu, [SimpleNamespace(stored_padding=(63536, 63536))], [(1.0, -1024.0)])
    >>> finding.code, hu.tolist()
    ('PIXEL_PADDING', [[[40.0, -1024.0]]])
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

    Parameters
    ----------
    instances : sequence of Instance, (z,)

    Returns
    -------
    tuple of (float, float), (z,)
        In the unit of the rescaled values, in the order of `instances`.

    Raises
    ------
    SeriesRefusal
        RESCALE_MISSING.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> required_rescales([SimpleNamespace(rescale_slope=0.5, rescale_intercept=0.0)])
    ((0.5, 0.0),)
    """
    rescales = []
    for instance in instances:
        slope, intercept = instance.rescale_slope, instance.rescale_intercept
        if not slope or intercept is None:
            sentence = f"{instance.path.name} has no usable Rescale Slope and Rescale Intercept."
            raise SeriesRefusal("RESCALE_MISSING", sentence)
        rescales.append((slope, intercept))
    return tuple(rescales)
