"""The PET phantom: uptake as stated, counted back from the DICOM attributes the long way round."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from ml.synthetic.pet import REGIONS, pet_phantom, pet_series

STARTED_AT = datetime(2026, 1, 5, 23, 30, tzinfo=timezone(timedelta(hours=-5)))


@pytest.mark.parametrize(
    ("region", "organ"), [("TORSO", "liver"), ("TORSO", "bladder"), ("TORSO", "lung"), ("BRAIN", "cerebellum")]
)
def test_the_core_of_an_organ_has_its_true_uptake(region, organ):
    phantom = pet_phantom(4, region=region)
    core = phantom.core(organ)
    assert core.sum() > 20
    assert phantom.suv_bw[core].mean() == pytest.approx(phantom.true_suv_bw[organ], rel=0.05)


def test_noise_grows_with_the_square_root_of_uptake():
    phantom = pet_phantom(4)
    deviation = {organ: phantom.suv_bw[phantom.core(organ)].std() for organ in ("liver", "lung")}
    expected = np.sqrt(phantom.true_suv_bw["liver"] / phantom.true_suv_bw["lung"])
    assert deviation["liver"] / deviation["lung"] == pytest.approx(expected, rel=0.2)


def test_suv_computed_from_the_dicom_attributes_is_the_true_one_across_midnight():
    phantom = pet_phantom(9, weight_kg=82.4)
    series = pet_series(phantom, STARTED_AT)
    drug = series.attributes["RadiopharmaceuticalInformationSequence"][0]
    injected_at = datetime.strptime(drug.RadiopharmaceuticalStartDateTime, "%Y%m%d%H%M%S%z")
    moment = f"{series.attributes['SeriesDate']}{series.attributes['SeriesTime']}-0500"
    waited_s = (datetime.strptime(moment, "%Y%m%d%H%M%S%z") - injected_at).total_seconds()
    assert waited_s == 3600
    remaining_bq = float(drug.RadionuclideTotalDose) * 2 ** (-waited_s / float(drug.RadionuclideHalfLife))
    factor = float(series.attributes["PatientWeight"]) * 1000 / remaining_bq
    slopes = np.array([float(item["RescaleSlope"]) for item in series.per_slice])
    suv_bw = series.stored * slopes[:, None, None] * factor
    np.testing.assert_allclose(suv_bw, phantom.suv_bw, atol=1e-3)
    assert suv_bw[phantom.core("liver")].mean() == pytest.approx(phantom.true_suv_bw["liver"], rel=0.03)


def test_each_slice_uses_its_own_slope_and_bed_times_run_on():
    series = pet_series(pet_phantom(9), STARTED_AT)
    assert len({item["RescaleSlope"] for item in series.per_slice}) > 80
    assert series.stored.max() == 32767
    times = [float(item["FrameReferenceTime"]) for item in series.per_slice]
    assert sorted(set(times)) == [75_000.0, 225_000.0, 375_000.0]
    assert len({item["AcquisitionTime"] for item in series.per_slice}) == 3


def test_the_same_seed_gives_the_same_voxels_and_another_seed_others():
    assert np.array_equal(pet_phantom(2).suv_bw, pet_phantom(2).suv_bw)
    assert not np.array_equal(pet_phantom(2).suv_bw, pet_phantom(3).suv_bw)


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_every_organ_of_a_region_is_in_the_volume(region):
    phantom = pet_phantom(1, region=region)
    assert set(np.unique(phantom.labels)) == set(range(len(REGIONS[region].organs) + 1))


@pytest.mark.parametrize("weight_kg", [0.0, -70.0, 1.9, 401.0])
def test_a_weight_no_person_has_is_refused(weight_kg):
    with pytest.raises(ValueError, match="not a person's"):
        pet_phantom(1, weight_kg=weight_kg)
