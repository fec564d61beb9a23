"""The CT phantom: anatomy in HU, calcium where it is said to be, and a truth that an independent count agrees with.

Not covered here: that the product's own calcium measurement finds these deposits; that is tested with the measurement.
"""

import numpy as np
import pytest
from scipy import ndimage

from ml.synthetic.calcium import ARTERIES, Deposit, calcification_measure, deposits_place
from ml.synthetic.chest import Heart
from ml.synthetic.ct import CALCIUM_SCORE, CORONARY_ANGIOGRAPHY, THIN_CHEST, CtProtocol, ct_phantom

SPACING = (3.0, 0.5, 0.5)


def plain_volume(*squares):
    """Water with squares of (slice, first row, first column, side in voxels, HU)."""
    hu = np.zeros((5, 40, 40), dtype=np.int16)
    for index, row, column, side, value in squares:
        hu[index, row : row + side, column : column + side] = value
    return hu


def measured(hu, spacing=SPACING):
    deposit = Deposit("LAD", (10.0, 10.0, -6.0), (1.0, 0.0, 0.0), 9.0, 9.0, 500.0)
    return calcification_measure(hu, deposit, spacing_zyx_mm=spacing, origin_xyz_mm=(0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("peak_hu", "weight"), [(130, 1), (199, 1), (200, 2), (299, 2), (300, 3), (399, 3), (400, 4), (1200, 4)]
)
def test_the_weight_follows_the_peak_of_the_region(peak_hu, weight):
    found = measured(plain_volume((2, 20, 20, 4, peak_hu)))
    assert found.area_mm2 == pytest.approx(4.0)
    assert found.agatston == pytest.approx(4.0 * weight)


def test_a_value_below_130_is_no_calcium():
    assert measured(plain_volume((2, 20, 20, 6, 129))) is None


def test_a_region_below_one_square_millimetre_does_not_count():
    hu = plain_volume((2, 20, 20, 2, 500))
    hu[2, 20, 20] = 0  # three voxels of 0.25 mm2
    assert measured(hu) is None
    assert measured(plain_volume((2, 20, 20, 2, 500))).agatston == pytest.approx(4.0)


def test_slices_and_regions_are_weighted_by_their_own_peak_and_summed():
    found = measured(plain_volume((1, 20, 20, 4, 150), (2, 20, 20, 4, 450), (2, 28, 28, 4, 250)))
    assert found.agatston == pytest.approx(4 * 1 + 4 * 4 + 4 * 2)
    assert found.volume_mm3 == pytest.approx(3 * 16 * 0.75)
    assert found.slice_indices == (1, 2)
    assert found.peak_hu == 450


def test_the_position_is_the_centroid_in_patient_coordinates():
    found = measured(plain_volume((2, 18, 22, 3, 500)))
    assert found.position_xyz_mm == pytest.approx((23 * 0.5, 19 * 0.5, -6.0))


def test_a_bright_neighbour_in_the_corner_of_the_box_is_not_counted():
    alone, crowded = plain_volume((2, 20, 20, 4, 300)), plain_volume((2, 20, 20, 4, 300), (1, 37, 37, 3, 900))
    assert measured(alone) == measured(crowded)


def test_a_deposit_outside_the_volume_has_no_truth():
    hu = plain_volume((2, 20, 20, 4, 500))
    for z_mm in (90.0, -90.0):
        deposit = Deposit("LAD", (10.0, 10.0, z_mm), (1.0, 0.0, 0.0), 9.0, 9.0, 500.0)
        assert calcification_measure(hu, deposit, spacing_zyx_mm=SPACING, origin_xyz_mm=(0.0, 0.0, 0.0)) is None


def test_slices_other_than_three_millimetres_have_no_agatston_score():
    found = measured(plain_volume((2, 20, 20, 4, 500), (3, 20, 20, 4, 500)), spacing=(2.5, 0.5, 0.5))
    assert found.agatston is None
    assert found.volume_mm3 > 0


@pytest.fixture(scope="module")
def clean():
    return ct_phantom(11, plaque_count=4, confounder_count=2, noise_sd_hu=0)


@pytest.fixture(scope="module")
def noisy():
    return ct_phantom(11, plaque_count=4, confounder_count=2)


def test_the_same_seed_gives_the_same_voxels_and_another_seed_others(noisy):
    again = ct_phantom(11, plaque_count=4, confounder_count=2)
    assert np.array_equal(noisy.hu, again.hu)
    assert noisy.calcifications == again.calcifications
    assert not np.array_equal(noisy.hu, ct_phantom(12, plaque_count=4, confounder_count=2).hu)


def test_the_truth_does_not_depend_on_the_noise(clean, noisy):
    assert clean.calcifications == noisy.calcifications
    assert clean.agatston == pytest.approx(sum(c.agatston for c in clean.calcifications if c.is_coronary))


def test_every_deposit_asked_for_is_there_and_named(clean):
    structures = [item.structure for item in clean.calcifications]
    assert sum(structure in ARTERIES for structure in structures) == 4
    assert len(structures) == 6
    assert all(item.is_coronary == (item.structure in ARTERIES) for item in clean.calcifications)


def test_each_true_position_is_bright_and_inside_the_heart_or_on_the_aorta(clean):
    x0, y0, z0 = clean.origin_xyz_mm
    dz, dy, dx = clean.spacing_zyx_mm
    for item in clean.calcifications:
        x, y, z = item.position_xyz_mm
        index, row, column = round((z0 - z) / dz), round((y - y0) / dy), round((x - x0) / dx)
        near = clean.hu[index, row - 2 : row + 3, column - 2 : column + 3]
        assert near.max() >= 130, item
        assert index in item.slice_indices


def test_tissues_have_their_hounsfield_numbers(clean):
    x0, y0, z0 = clean.origin_xyz_mm
    dz, dy, dx = clean.spacing_zyx_mm

    def hu_at(x, y, z):
        return clean.hu[round((z0 - z) / dz), round((y - y0) / dy), round((x - x0) / dx)]

    assert hu_at(-90, 0, 30) == pytest.approx(-850, abs=5)  # right lung
    assert hu_at(28, 40, 0) == pytest.approx(42, abs=6)  # descending aorta, no contrast
    assert hu_at(0, 87, 0) == pytest.approx(25, abs=5)  # spinal canal
    assert 40 <= hu_at(12, -18, 0) <= 60  # heart
    assert clean.hu.min() >= -1024


def test_noise_has_the_asked_deviation_and_leaves_the_mean_alone(clean, noisy):
    difference = noisy.hu[20].astype(float) - clean.hu[20]
    inside = clean.hu[20] > -900  # air is clipped at -1024
    assert difference[inside].std() == pytest.approx(CALCIUM_SCORE.noise_sd_hu, rel=0.05)
    assert abs(difference[inside].mean()) < 0.3


def test_the_rule_on_noisy_voxels_stays_near_the_truth(noisy):
    """The same rule in the same places on the noisy grid: what noise alone does to a score."""
    geometry = {"spacing_zyx_mm": noisy.spacing_zyx_mm, "origin_xyz_mm": noisy.origin_xyz_mm}
    found = [calcification_measure(noisy.hu, deposit, **geometry) for deposit in noisy.deposits]
    assert sum(item.agatston for item in found if item.is_coronary) == pytest.approx(noisy.agatston, rel=0.15)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_the_truth_of_a_deposit_is_exactly_its_own_bright_structure(seed):
    phantom = ct_phantom(seed, plaque_count=6, confounder_count=2, noise_sd_hu=0)
    structures, _ = ndimage.label(phantom.hu >= 130, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(structures.ravel()) * float(np.prod(phantom.spacing_zyx_mm))
    x0, y0, z0 = phantom.origin_xyz_mm
    dz, dy, dx = phantom.spacing_zyx_mm
    numbers = []
    for item in phantom.calcifications:
        x, y, z = item.position_xyz_mm
        near = structures[round((z0 - z) / dz), round((y - y0) / dy), round((x - x0) / dx)]
        numbers.append(near)
        assert near > 0
        assert sizes[near] == pytest.approx(item.volume_mm3)
    assert len(set(numbers)) == len(numbers)


def test_contrast_fills_the_blood_and_has_no_score():
    phantom = ct_phantom(3, protocol=CORONARY_ANGIOGRAPHY)
    x0, y0, _ = phantom.origin_xyz_mm
    aorta = phantom.hu[:, round((40 - y0) / 0.48828125), round((28 - x0) / 0.48828125)]
    assert np.median(aorta) > 300
    assert phantom.agatston is None
    assert phantom.calcifications == ()


def test_a_heart_without_calcium_scores_zero():
    phantom = ct_phantom(5, plaque_count=0, confounder_count=0)
    assert phantom.calcifications == ()
    assert phantom.agatston == 0


def test_thin_slices_have_calcium_but_no_agatston_score():
    few = CtProtocol("Chest thin", slice_mm=THIN_CHEST.slice_mm, slice_count=96, body_part="CHEST")
    phantom = ct_phantom(5, protocol=few, plaque_count=3, confounder_count=0)
    assert phantom.hu.shape == (96, 512, 512)
    assert phantom.calcifications
    assert phantom.agatston is None


def test_more_deposits_than_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        deposits_place(np.random.default_rng(1), Heart(), plaque_count=60, confounder_count=0)


@pytest.mark.parametrize("seed", range(30))
def test_deposits_of_any_seed_keep_clear_of_each_other(seed):
    placed = deposits_place(np.random.default_rng(seed), Heart(), plaque_count=6, confounder_count=2)
    for i, one in enumerate(placed):
        for other in placed[i + 1 :]:
            distance = np.linalg.norm(np.subtract(one.centre_mm, other.centre_mm))
            assert distance > one.along_mm + other.along_mm
