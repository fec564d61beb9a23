"""The product reads what is written here: its own calcium candidates and uptake against the phantoms' truth."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from ml.pipeline import read_series
from ml.synthetic.dicom_writer import series_write
from ml.synthetic.identity import PatientIdentity
from ml.synthetic.studies import SyntheticStudy, ct_phantom_of, study_identity, study_series

ANNA = PatientIdentity("Moreau", "Anna", date(1961, 4, 2), "F", "N0000001", "SYNTHETIC-NORTH")
STARTED_AT = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


def reading_of(study, folder, transfer_syntax="jpeg-ls-lossless"):
    identity = study_identity(ANNA, study, institution="N")
    series_write(folder, study_series(study), identity, transfer_syntax=transfer_syntax)
    return read_series(sorted(folder.iterdir()))


@pytest.mark.parametrize("seed", [1, 2])
def test_every_true_calcification_is_a_candidate_with_nearly_its_score(tmp_path, seed):
    study = SyntheticStudy("CT", STARTED_AT, seed, plaque_count=4, confounder_count=2)
    candidates = reading_of(study, tmp_path / "ct").candidates
    truth = ct_phantom_of(study)
    confirmed = 0.0
    for item in truth.calcifications:
        distances = [np.linalg.norm(np.subtract(c.position_xyz_mm, item.position_xyz_mm)) for c in candidates]
        nearest = candidates[int(np.argmin(distances))]
        assert min(distances) < 2.0, item
        confirmed += nearest.agatston if item.is_coronary else 0.0
    assert confirmed == pytest.approx(truth.agatston, rel=0.15)


def test_contrast_is_read_but_not_scored(tmp_path):
    reading = reading_of(SyntheticStudy("CT", STARTED_AT, 3, ct_kind="CORONARY_ANGIOGRAPHY"), tmp_path / "cta")
    assert reading.accepted
    assert [refusal.reason_code for refusal in reading.refusals] == ["CONTRAST_PRESENT"]


def test_pet_is_read_in_suv_the_same_from_both_transfer_syntaxes(tmp_path):
    study = SyntheticStudy("PT", STARTED_AT, 3, weight_kg=82.4)
    native, packed = (
        reading_of(study, tmp_path / syntax, syntax) for syntax in ("explicit-little-endian", "jpeg-ls-lossless")
    )
    assert native.volume_sha256 == packed.volume_sha256
    assert packed.value_unit == "g/mL{SUVbw}"
    # The hottest organ is the bladder, 12 within 10 per cent; blur and noise move the single hottest voxel.
    assert 9.5 < packed.value_range[1] < 14.5
