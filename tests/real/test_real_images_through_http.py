"""Real CT, PET and MR through the front door: STOW-RS, processing, and what the record says of each.

Covered: refusals per instance, readings with their geometry, decoder and figures, quarantine of nothing.
Not covered: the reading itself without the web application (test_read_real_images.py).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pydicom
import pytest
from django.test import Client

from cdss.jobs.running import jobs_run_due
from imaging.models import Instance, Quarantine, SeriesResult, Study
from tests.dicom import nifti_mr_series_write
from tests.factories import Hospital

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the real images are not here ({DATA})"),
]


def stow(at: Hospital, paths: list[Path]) -> tuple[int, dict[str, Any]]:
    boundary = "an-unlikely-boundary-7d1f"
    body = b"".join(
        f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode() + path.read_bytes() + b"\r\n"
        for path in paths
    )
    response = Client().post(
        "/dicom-web/studies",
        data=body + f"--{boundary}--\r\n".encode(),
        content_type=f'multipart/related; type="application/dicom"; boundary={boundary}',
        headers=at.bearer,
    )
    return response.status_code, json.loads(response.content)


def close_and_read(at: Hospital) -> SeriesResult:
    study = Study.objects.get(organisation=at.organisation)
    closed = Client().post(
        f"/api/v1/studies/{study.study_instance_uid}/close", {}, content_type="application/json", headers=at.bearer
    )
    assert closed.status_code == 200, closed.content
    jobs_run_due()
    return SeriesResult.objects.get(series_version__series__study=study)


def measurements(result: SeriesResult) -> dict[str, float]:
    return dict(result.series_version.measurements.values_list("name", "value"))


def refusals(result: SeriesResult) -> dict[str, str]:
    return {item["name"]: item["reason_code"] for item in result.refusals}


def with_identifiers(paths: list[Path], folder: Path) -> list[Path]:
    """The same pixels with the identifiers that the de-identification emptied."""
    written = []
    for number, path in enumerate(paths):
        dataset = pydicom.dcmread(path)  # noqa: TID251  a test helper, on files we know
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.1001", "2.25.1002"
        dataset.SOPInstanceUID = f"2.25.1003.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.PatientID, dataset.PatientName = "REAL-1", "Real^Abdomen"
        target = folder / f"{number}.dcm"
        dataset.save_as(target, enforce_file_format=True)
        written.append(target)
    return written


def test_abdomen_ct_with_empty_identifiers_is_refused_instance_by_instance(hospital: Hospital) -> None:
    paths = sorted((DATA / "ct_abdomen").iterdir())
    status, body = stow(hospital, paths)
    assert status in {400, 409}
    failed = [item for key in ("00081198", "0008119A") for item in body.get(key, {}).get("Value", [])]
    assert len(failed) == len(paths)
    assert {item["0040A160"]["Value"][0].split(":")[0] for item in failed} == {"UID_MISSING"}
    assert all(isinstance(item["00081197"]["Value"][0], int) for item in failed)
    assert not Instance.objects.exists() and not Quarantine.objects.exists()


def test_abdomen_ct_with_identifiers_is_read_and_its_calcium_is_not_scored(hospital: Hospital, tmp_path: Path) -> None:
    status, _ = stow(hospital, with_identifiers(sorted((DATA / "ct_abdomen").iterdir()), tmp_path))
    assert status == 200
    result = close_and_read(hospital)
    assert result.is_accepted, result.sentence
    assert any("openjpeg" in decoder for decoder in result.decoders)
    assert refusals(result)["agatston_score"] == "CONTRAST_PRESENT"
    (refusal,) = result.refusals
    assert refusal["sentence"].startswith("Calcium not scored: a contrast agent is recorded (APPLIED); ")
    assert "agatston_score" not in measurements(result)
    assert not result.series_version.calcium_candidates.exists()


def test_tilted_head_ct_is_refused_naming_its_geometry(hospital: Hospital) -> None:
    status, _ = stow(hospital, sorted((DATA / "ct_head_tilted").iterdir()))
    assert status in {200, 202}
    study = Study.objects.filter(organisation=hospital.organisation).first()
    assert study is not None
    results = []
    for each in Study.objects.filter(organisation=hospital.organisation):
        Client().post(
            f"/api/v1/studies/{each.study_instance_uid}/close", {}, content_type="application/json",
            headers=hospital.bearer,
        )  # fmt: skip
    jobs_run_due()
    results = list(SeriesResult.objects.filter(organisation=hospital.organisation))
    assert results and not any(result.is_accepted for result in results)
    assert all(result.shape_zyx is None and result.volume_sha256 == "" for result in results)
    assert [result.reason_code for result in results] == ["GANTRY_TILT"]
    assert "18.5 degrees to their normal (gantry tilt or shear)" in results[0].sentence


def test_fdg_pet_is_read_in_suv(hospital: Hospital) -> None:
    status, _ = stow(hospital, sorted((DATA / "pet_fdg").iterdir()))
    assert status == 200
    result = close_and_read(hospital)
    assert result.is_accepted, result.sentence
    assert measurements(result)["suv_bw_p99_9"] == pytest.approx(4.8, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(("head", "volume_ml"), [("t1_head_a", 1542), ("t1_head_b", 1546)])
def test_t1_heads_have_their_intracranial_volume(
    hospital: Hospital, tmp_path: Path, head: str, volume_ml: float
) -> None:
    paths = nifti_mr_series_write(tmp_path, DATA / "t1_heads" / f"{head}.nii.gz", seed=head)
    status, body = stow(hospital, paths)
    assert status == 200, body
    result = close_and_read(hospital)
    assert measurements(result)["intracranial_volume_ml"] == pytest.approx(volume_ml, rel=0.02)


def test_pydicoms_own_files_are_taken_in_or_refused_with_a_reason(hospital: Hospital) -> None:
    # The folder itself: pydicom's own function would go and download what the wheel does not ship.
    paths = sorted((Path(pydicom.__file__).parent / "data" / "test_files").rglob("*.dcm"))
    assert len(paths) > 40
    for path in paths:
        status, body = stow(hospital, [path])
        failed = [item for key in ("00081198", "0008119A") for item in body.get(key, {}).get("Value", [])]
        assert (status == 200) != bool(failed), path.name
        assert all(": " in item["0040A160"]["Value"][0] for item in failed), path.name
    for study in Study.objects.filter(organisation=hospital.organisation):
        Client().post(
            f"/api/v1/studies/{study.study_instance_uid}/close", {}, content_type="application/json",
            headers=hospital.bearer,
        )  # fmt: skip
    jobs_run_due()
    assert SeriesResult.objects.filter(is_failure=True).count() == 0
    assert all(r.is_accepted or (r.reason_code and r.sentence) for r in SeriesResult.objects.all())
