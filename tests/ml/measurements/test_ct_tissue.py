from __future__ import annotations

import numpy as np
import pytest

from ml.measurements.ct_tissue import tissue_estimate

SPACING = (3.0, 1.0, 1.0)


def tissue(hu: float = 45, noise: float = 15) -> np.ndarray:
    return np.random.default_rng(2).normal(hu, noise, (40, 96, 96)).astype(np.float32)


@pytest.mark.parametrize("noise", [5, 15, 25])
def test_noise_and_soft_tissue_are_recovered_among_lung_fat_and_bone(noise: float) -> None:
    hu = tissue(noise=noise)
    hu[:, :, :30] -= 895  # lung
    hu[:, :20, :] -= 140  # fat
    hu[::2, 80:, 80:] += 600  # bone, uneven
    estimate = tissue_estimate(hu, SPACING)
    assert estimate.noise_sd_hu == pytest.approx(noise, rel=0.12)
    assert estimate.soft_tissue_hu == pytest.approx(45, abs=3)
    assert not estimate.is_enhanced


@pytest.mark.parametrize("enhanced_hu", [120, 200, 350, 600])
def test_enhanced_chamber_is_found_at_any_brightness(enhanced_hu: float) -> None:
    hu = tissue()
    hu[10:30, 30:70, 30:70] += enhanced_hu - 45  # 96 mL
    estimate = tissue_estimate(hu, SPACING)
    assert estimate.is_enhanced
    assert estimate.enhanced_hu == pytest.approx(enhanced_hu, abs=3)
    assert 60 < estimate.enhanced_ml < 110


def test_marrow_of_separate_vertebrae_is_not_contrast() -> None:
    hu = tissue()
    for start in (2, 15, 28):  # three bodies of 27 x 26 x 24 mm = 17 mL, bright and even, with discs between
        hu[start : start + 9, 60:86, 30:54] += 125
    estimate = tissue_estimate(hu, SPACING)
    assert not estimate.is_enhanced
    assert 5 < estimate.enhanced_ml < 20


def test_trabecular_texture_is_not_contrast() -> None:
    hu = tissue()
    texture = np.random.default_rng(3).normal(200, 60, (40, 50, 50))
    hu[:, 20:70, 20:70] += texture
    assert not tissue_estimate(hu, SPACING).is_enhanced


def test_metal_is_measured() -> None:
    hu = tissue()
    hu[5, 40:50, 40] = 3071
    assert tissue_estimate(hu, SPACING).metal_mm3 == pytest.approx(30)


@pytest.mark.parametrize("slices", [40, 41])
@pytest.mark.parametrize("from_the_end", [1, 2])
def test_metal_in_the_last_slices_is_measured(slices: int, from_the_end: int) -> None:
    """5 mm are two slices: of an odd number the last belongs to no whole block."""
    hu = np.random.default_rng(2).normal(45, 15, (slices, 96, 96)).astype(np.float32)
    hu[-from_the_end, 40:50, 40] = 3071
    assert tissue_estimate(hu, SPACING).metal_mm3 == pytest.approx(30)


@pytest.mark.parametrize(("blood_hu", "is_dense"), [(45, False), (60, False), (80, True), (92, True), (150, False)])
def test_dense_blood_pool_is_told_and_not_called_enhanced(blood_hu: float, is_dense: bool) -> None:
    hu = tissue()
    hu[10:30, 30:70, 30:70] += blood_hu - 45  # 96 mL
    estimate = tissue_estimate(hu, SPACING)
    assert (estimate.is_dense, estimate.is_enhanced) == (is_dense, blood_hu == 150)
    if is_dense:
        assert estimate.dense_hu == pytest.approx(blood_hu, abs=3)
        assert 60 < estimate.dense_ml < 110


@pytest.mark.parametrize("hu", [np.full((10, 64, 64), -1000, np.float32), np.zeros((1, 4, 4), np.float32)])
def test_without_soft_tissue_nothing_is_known(hu: np.ndarray) -> None:
    estimate = tissue_estimate(hu, SPACING)
    assert estimate.noise_sd_hu is None
    assert estimate.soft_tissue_hu is None
