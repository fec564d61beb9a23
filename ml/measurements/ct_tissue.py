"""Noise, contrast agent and metal, estimated from the voxels of a CT without knowing where the heart is.

The volume is cut into cubes of 5 mm. Noise is the lower quartile of the standard deviation in cubes of soft tissue,
because anatomy can only add to it. Blood without contrast is 30 to 60 HU and never 100. So a connected region of 25 mL
or more whose cubes are even (little noisier than soft tissue) and between 100 and 700 HU is enhanced blood or
parenchyma: chambers and aorta hold hundreds of mL. The marrow of one vertebra can be as bright and as even, but holds
15 to 20 mL and is cut off from the next by end plates and disc. Where marrow still passes for contrast, the score is
refused, which is the safe error.

Between 70 and 100 HU the voxels alone cannot decide: late or thin contrast agent looks like a dense liver or muscle.
50 mL or more of it is told to the reader and refuses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ml.preprocessing.volume import Volume

BLOCK_MM = 5.0
SOFT_TISSUE_HU = (0.0, 90.0)
MAX_SOFT_TISSUE_SD_HU = 60.0
MIN_SOFT_TISSUE_ML = 10.0
ENHANCED_HU = (100.0, 700.0)
MAX_EVENNESS = 1.5  # standard deviation over noise
MIN_ENHANCED_ML = 25.0
DENSE_HU = (70.0, 100.0)
MIN_DENSE_ML = 50.0
METAL_HU = 2500.0  # beyond cortical bone and calcium

Blocks = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TissueEstimate:
    """What the voxels of a CT say about it.

    Parameters
    ----------
    noise_sd_hu, soft_tissue_hu : float or None
        HU; None where there is not enough soft tissue to tell.
    enhanced_ml : float
        Largest connected region of even bright tissue, mL.
    enhanced_hu : float or None
        Its median, HU; None where there is none.
    metal_mm3 : float
        Voxels from METAL_HU, mm3.
    dense_ml : float
        Largest even region between 70 and 100 HU, mL.
    dense_hu : float or None
        Its median, HU; None where there is none.

    Examples
    --------
    >>> TissueEstimate(12.0, 45.0, 180.0, 320.0, 0.0).is_enhanced
    True
    """

    noise_sd_hu: float | None
    soft_tissue_hu: float | None
    enhanced_ml: float
    enhanced_hu: float | None
    metal_mm3: float
    dense_ml: float = 0.0
    dense_hu: float | None = None

    @property
    def is_enhanced(self) -> bool:
        return self.enhanced_ml >= MIN_ENHANCED_ML

    @property
    def is_dense(self) -> bool:
        return self.dense_ml >= MIN_DENSE_ML


def tissue_estimate(hu: Volume, spacing_zyx_mm: tuple[float, float, float]) -> TissueEstimate:
    """Estimate noise, enhancement and metal; the module says how.

    Parameters
    ----------
    hu : float32 array, (z, y, x)
        HU.
    spacing_zyx_mm : tuple of float, (3,)
        mm.

    Returns
    -------
    TissueEstimate
        Noise and tissue in HU, enhanced volume in mL, metal in mm3.

    Examples
    --------
    >>> water = np.random.default_rng(0).normal(40, 10, (20, 64, 64)).astype(np.float32)
    >>> estimate = tissue_estimate(water, (3.0, 1.0, 1.0))
    >>> 9 < estimate.noise_sd_hu < 11, estimate.is_enhanced
    (True, False)
    """
    sizes = tuple(max(1, round(BLOCK_MM / step_mm)) for step_mm in spacing_zyx_mm)
    voxel_mm3 = float(np.prod(spacing_zyx_mm))
    block_ml = float(np.prod(sizes)) * voxel_mm3 / 1000
    means, deviations, metal_voxels = _blocks(hu, sizes)

    is_soft = _between(means, SOFT_TISSUE_HU) & (deviations < MAX_SOFT_TISSUE_SD_HU)
    metal_mm3 = metal_voxels * voxel_mm3
    if np.count_nonzero(is_soft) * block_ml < MIN_SOFT_TISSUE_ML:
        return TissueEstimate(None, None, 0.0, None, metal_mm3)
    noise_sd_hu = float(np.percentile(deviations[is_soft], 25))
    soft_tissue_hu = float(np.median(means[is_soft & (deviations <= MAX_EVENNESS * noise_sd_hu)]))

    is_even = deviations <= MAX_EVENNESS * noise_sd_hu
    enhanced_blocks, enhanced_hu = _largest_region(means, is_even & _between(means, ENHANCED_HU))
    dense_blocks, dense_hu = _largest_region(means, is_even & _between(means, DENSE_HU))
    return TissueEstimate(
        noise_sd_hu,
        soft_tissue_hu,
        enhanced_blocks * block_ml,
        enhanced_hu,
        metal_mm3,
        dense_blocks * block_ml,
        dense_hu,
    )


def _largest_region(means: Blocks, is_in_it: npt.NDArray[np.bool_]) -> tuple[int, float | None]:
    """How many blocks the largest connected region has, and their median."""
    labels, count = ndimage.label(is_in_it)
    if count == 0:
        return 0, None
    counts = np.bincount(labels.ravel())[1:]
    return int(counts.max()), float(np.median(means[labels == int(counts.argmax()) + 1]))


def _blocks(hu: Volume, sizes: tuple[int, ...]) -> tuple[Blocks, Blocks, int]:
    """Mean and standard deviation of each whole block, slab by slab so that little more than the volume is held."""
    depth, height, width = sizes
    rows, columns = hu.shape[1] // height, hu.shape[2] // width
    means, deviations, metal_voxels = [], [], 0
    for start in range(0, hu.shape[0], depth):
        slab = hu[start : start + depth]
        metal_voxels += int(np.count_nonzero(slab >= METAL_HU))
        if len(slab) < depth:  # the slices after the last whole block have no blocks, but can have metal
            break
        blocks = slab[:, : rows * height, : columns * width].reshape(depth, rows, height, columns, width)
        mean = blocks.mean(axis=(0, 2, 4), keepdims=True)
        means.append(mean.reshape(rows, columns))
        deviations.append(np.sqrt(np.square(blocks - mean).mean(axis=(0, 2, 4))))
    if not means:
        empty = np.empty((0, rows, columns), dtype=np.float32)
        return empty, empty, metal_voxels
    return np.stack(means), np.stack(deviations), metal_voxels


def _between(values: Blocks, limits: tuple[float, float]) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = (values >= limits[0]) & (values <= limits[1])
    return inside
