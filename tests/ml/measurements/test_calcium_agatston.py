from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.errors import Refusal
from ml.measurements import calcium_agatston
from ml.measurements.calcium_agatston import _agatston_weight, _lesion_agatston, agatston_score, find_candidates
from ml.preprocessing.geometry import Geometry
from ml.reading import read_series
from ml.synthetic.ct import ct_phantom
from ml.types import CalciumLesion
from tests.dicom import ct_series_write


def axial(shape: tuple[int, int, int], pixel_mm: float = 1.0, step_mm: float = 3.0) -> Geometry:
    return Geometry(shape, (step_mm, pixel_mm, pixel_mm), (-20.0, -20.0, 0.0), (1, 0, 0), (0, 1, 0), (0, 0, 1))


def soft_tissue(depth: int = 6, size: int = 40) -> np.ndarray:
    return np.full((depth, size, size), 40, dtype=np.float32)


def search(hu: np.ndarray, geometry: Geometry | None = None) -> calcium_agatston.CandidateSearch:
    return find_candidates(hu, geometry or axial(hu.shape), [f"uid-{index}" for index in range(len(hu))])


@pytest.mark.parametrize(
    ("peak_hu", "weight"),
    [(129.9, 0), (130, 1), (199, 1), (199.9, 1), (200, 2), (299, 2), (300, 3), (399, 3), (400, 4), (3071, 4)],
)
def test_weight_follows_the_peak(peak_hu: float, weight: int) -> None:
    assert _agatston_weight(peak_hu) == weight
    assert _lesion_agatston(2.5, peak_hu) == 2.5 * weight


@pytest.mark.parametrize(("area_mm2", "expected"), [(0.0, 0.0), (0.99, 0.0), (1.0, 4.0), (1.01, 4.04)])
def test_lesion_needs_one_square_millimetre(area_mm2: float, expected: float) -> None:
    assert _lesion_agatston(area_mm2, 400) == pytest.approx(expected)


def test_score_sums_every_lesion_and_nothing_scores_zero_lesions() -> None:
    lesions = [CalciumLesion(1, "", 10, 450, 40.0), CalciumLesion(2, "", 4, 250, 8.0)]
    assert agatston_score(lesions) == 48
    assert agatston_score([]) == 0


@given(st.floats(1, 200), st.floats(130, 3000), st.floats(0.1, 100), st.floats(0, 500))
def test_score_never_falls_with_area_or_peak(area: float, peak: float, more_area: float, more_peak: float) -> None:
    assert _lesion_agatston(area + more_area, peak + more_peak) > _lesion_agatston(area, peak)


def test_threshold_is_130_and_included() -> None:
    hu = soft_tissue()
    hu[1, 5:7, 5:7] = 129.9
    hu[3, 5:7, 5:7] = 130
    (candidate,) = search(hu).candidates
    assert (candidate.slice_index, candidate.peak_hu, candidate.area_mm2, candidate.agatston) == (3, 130, 4, 4)


@pytest.mark.parametrize(("pixel_mm", "found"), [(0.9949, 0), (1.0, 1)])
def test_single_pixel_counts_from_one_square_millimetre(pixel_mm: float, found: int) -> None:
    hu = soft_tissue()
    hu[2, 9, 9] = 500
    assert len(search(hu, axial(hu.shape, pixel_mm)).candidates) == found


def test_area_of_exactly_one_square_millimetre_counts_in_binary_fractions() -> None:
    hu = soft_tissue()
    hu[2, 9, 5:15] = 500  # ten pixels of 0.1 mm2, which sum to 0.9999999999999999
    pixel_mm = float(np.sqrt(0.1))
    (candidate,) = search(hu, axial(hu.shape, pixel_mm)).candidates
    assert candidate.lesions[0].agatston == 4


def test_lesions_that_overlap_in_neighbouring_slices_are_one_candidate() -> None:
    hu = soft_tissue()
    hu[2, 10:12, 10:12] = 350
    hu[3, 11:14, 11:14] = 250
    hu[4, 20:22, 20:22] = 150
    first, second = search(hu).candidates
    assert [lesion.slice_index for lesion in first.lesions] == [4]
    assert [(lesion.slice_index, lesion.area_mm2, lesion.peak_hu, lesion.agatston) for lesion in second.lesions] == [
        (2, 4, 350, 12),
        (3, 9, 250, 18),
    ]
    assert (second.agatston, second.volume_mm3, second.peak_hu, second.area_mm2) == (30, 39, 350, 4)
    assert [lesion.sop_instance_uid for lesion in second.lesions] == ["uid-2", "uid-3"]


def test_diagonal_pixels_are_one_lesion_and_a_gap_parts_them() -> None:
    hu = soft_tissue()
    hu[2, 10, 10] = hu[2, 11, 11] = 200
    hu[2, 20, 20] = hu[2, 20, 22] = 200
    assert sorted(candidate.area_mm2 for candidate in search(hu).candidates) == [1, 1, 2]


def test_thinner_slices_are_scaled_to_three_millimetres() -> None:
    hu = soft_tissue()
    hu[2:5, 10:12, 10:12] = 450
    (candidate,) = search(hu, axial(hu.shape, step_mm=2.5)).candidates
    assert candidate.agatston == pytest.approx(3 * 4 * 4 * 2.5 / 3)


def test_candidates_are_numbered_from_superior_to_inferior() -> None:
    hu = soft_tissue()
    for index in (0, 2, 5):
        hu[index, 10:12, 10:12] = 300
    assert [(one.number, one.slice_index) for one in search(hu).candidates] == [(1, 5), (2, 2), (3, 0)]


def test_bone_is_counted_and_not_listed() -> None:
    hu = soft_tissue(depth=8, size=200)
    hu[:, 150:160, 20:40] = 600  # 8 x 3 mm x 200 mm2 = 4,800 mm3
    hu[3, 10, 5:170] = 200  # 165 mm long
    hu[2, 60:62, 60:62] = 300
    found = search(hu)
    assert len(found.candidates) == 1
    assert found.large_structure_count == 2
    bone, line = found.large_structures
    assert (line.number, line.slice_index, line.peak_hu, line.volume_mm3) == (2, 3, 200, 495)
    assert (bone.first_slice_index, bone.last_slice_index, bone.volume_mm3, bone.peak_hu) == (0, 7, 4800, 600)
    assert bone.position_xyz_mm == pytest.approx((9.5, 134.5, 10.5))
    assert [image.name for image in found.key_images] == ["calcium-1", "large-1", "large-2"]
    assert found.key_images[1].caption.startswith("Too large to be listed, 1, slice 1 of 8, peak 600 HU")
    assert (found.key_images[1].pixels == (255, 64, 64)).all(axis=-1).any()


def test_calcium_that_touches_something_large_is_shown_with_it_and_not_as_a_candidate() -> None:
    hu = soft_tissue(depth=8, size=200)
    hu[:, 150:160, 20:40] = 300
    hu[4, 146:150, 30:34] = 900  # a plaque against it
    found = search(hu)
    assert found.candidates == ()
    (structure,) = found.large_structures
    assert (structure.peak_hu, structure.slice_index, structure.volume_mm3) == (900, 4, 4848)


def test_too_many_large_structures_are_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calcium_agatston, "MAX_CANDIDATES", 2)
    hu = soft_tissue(depth=1, size=200)
    hu[0, 10:40:10, 5:170] = 200  # three lines of 165 mm
    with pytest.raises(Refusal) as refused:
        search(hu)
    assert refused.value.reason_code == "TOO_MANY_CANDIDATES"


def test_too_many_candidates_are_refused() -> None:
    hu = soft_tissue(depth=3, size=60)
    hu[1, ::2, ::2] = 200
    hu[1, 1::2] = 40
    with pytest.raises(Refusal) as refused:
        search(hu)
    assert refused.value.reason_code == "TOO_MANY_CANDIDATES"


def test_no_candidate_is_an_empty_list() -> None:
    assert search(soft_tissue()).candidates == ()


def test_key_image_of_each_candidate_outlines_it() -> None:
    hu = soft_tissue()
    hu[2, 10:12, 30:32] = 350
    found = search(hu)
    (candidate,), (image,) = found.candidates, found.key_images
    assert (candidate.row, candidate.column) == (10, 30)
    assert image.name == candidate.key_image
    assert image.slice_index == candidate.slice_index == 2
    assert image.pixels.shape == (202, 202, 3)
    red = np.argwhere((image.pixels == (255, 64, 64)).all(axis=-1))
    # The candidate's row and column are rows and columns 100 and 101 of the doubled picture; it has two of each.
    assert red.mean(axis=0).tolist() == [101.5, 101.5]


STORED_ORIENTATIONS = {
    "as usual": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), np.s_[:, :, :], (-64.0, -64.0, -64.5)),
    "mirrored": ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), np.s_[::-1, :, ::-1], (63.0, -64.0, 64.5)),
    "turned by 180": ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), np.s_[:, ::-1, ::-1], (63.0, 63.0, -64.5)),
}


@pytest.mark.parametrize("name", STORED_ORIENTATIONS)
def test_calcium_on_the_patients_left_stays_left_however_it_is_stored(tmp_path: Path, name: str) -> None:
    row, column, flips, origin = STORED_ORIENTATIONS[name]
    rng = np.random.default_rng(5)
    hu = 40 + rng.normal(0, 10, (44, 128, 128)).clip(-40, 40)  # x from -64 (right) to 63 mm (left)
    hu[30, 40:43, 100:103] = 450  # left (x = 37), anterior (y = -23), above the middle (z = 25.5)
    reading = read_series(
        ct_series_write(tmp_path, hu[flips], row_direction=row, column_direction=column, origin_xyz_mm=origin)
    )
    (candidate,) = reading.candidates
    assert candidate.position_xyz_mm == pytest.approx((37, -23, 25.5), abs=1e-4)
    assert candidate.agatston == 36
    picture = next(image for image in reading.key_images if image.name == candidate.key_image)
    assert picture.caption.endswith("left edge R, top edge A")
    # The crop reaches beyond the slice at the patient's left and in front of the patient: black at its right and top.
    assert not picture.pixels[:, -1].any() and not picture.pixels[0].any()
    assert picture.pixels[-1, 0].all() and picture.pixels[-1, 101].all() and picture.pixels[101, 0].all()


@pytest.mark.parametrize("seed", [0, 1])
def test_every_true_calcification_of_a_phantom_is_found_with_its_true_score(tmp_path: Path, seed: int) -> None:
    # The truth is computed by the phantom, not by the code under test. Rib ends at the edge of the stack are
    # candidates too: that is why a reader decides.
    phantom = ct_phantom(seed, noise_sd_hu=0)
    x, y, top = phantom.origin_xyz_mm
    bottom = top - (len(phantom.hu) - 1) * phantom.spacing_zyx_mm[0]
    hu = phantom.hu[::-1] + np.random.default_rng(0).integers(-3, 4, phantom.hu.shape) * (phantom.hu[::-1] < 100)
    reading = read_series(
        ct_series_write(tmp_path, hu, spacing_zyx_mm=phantom.spacing_zyx_mm, origin_xyz_mm=(x, y, bottom))
    )
    assert len(phantom.calcifications) >= 3
    for truth in phantom.calcifications:
        found = [one for one in reading.candidates if np.allclose(one.position_xyz_mm, truth.position_xyz_mm, atol=0.5)]
        assert [one.agatston for one in found] == pytest.approx([truth.agatston])
