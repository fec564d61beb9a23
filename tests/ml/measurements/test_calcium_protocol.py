from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from ml.measurements.calcium_protocol import (
    SOFT_KERNELS,
    CalciumProtocol,
    protocol_refusals,
    tissue_refusals,
)
from ml.measurements.ct_tissue import TissueEstimate
from ml.reading import read_series
from tests.dicom import ct_series_write

GOOD = CalciumProtocol("", 120.0, 3.0, 3.0, 132.0, True, "Qr36", "HEART", "Calcium score", "PROSPECTIVE", False)


def codes(protocol: CalciumProtocol) -> list[str]:
    refusals = protocol_refusals(protocol)
    assert all(one.name == "agatston_score" for one in refusals)
    assert all(one.sentence.startswith("Calcium not scored: ") and one.sentence.endswith(".") for one in refusals)
    return [one.reason_code for one in refusals]


@pytest.mark.parametrize(
    ("change", "reason_code"),
    [
        ({"contrast_agent": "APPLIED"}, "CONTRAST_PRESENT"),
        ({"kvp": 100.0}, "KVP"),
        ({"kvp": None}, "KVP"),
        ({"slice_thickness_mm": 3.0, "slice_step_mm": 2.0}, "SLICE"),
        ({"slice_thickness_mm": 2.0, "slice_step_mm": 2.0}, "SLICE"),
        ({"slice_thickness_mm": 5.0, "slice_step_mm": 5.0}, "SLICE"),
        ({"slice_thickness_mm": None}, "SLICE"),
        ({"is_axial": False}, "SLICE"),
        ({"kernel": "Br69f"}, "KERNEL"),
        ({"kernel": ""}, "KERNEL"),
        ({"body_part": "ABDOMEN"}, "BODY_PART"),
        ({"body_part": "", "description": "gated"}, "BODY_PART"),
        ({"gating": "", "description": "Chest routine"}, "UNGATED"),
        ({"coverage_mm": 60.0}, "FIELD_OF_VIEW"),
        ({"is_lossy": True}, "LOSSY"),
        ({"gating": "NONE", "description": "ECG gated calcium score"}, "UNGATED"),
        ({"gating": "REALTIME"}, "UNGATED"),
        ({"gating": "PROSPECTIVE", "description": "Chest non-gated"}, "UNGATED"),
        ({"image_type": ("DERIVED", "PRIMARY", "AXIAL")}, "IMAGE_TYPE"),
        ({"image_type": ("ORIGINAL", "SECONDARY")}, "IMAGE_TYPE"),
        ({"image_type": ("",)}, "IMAGE_TYPE"),
        ({"rendering": "VNC"}, "IMAGE_TYPE"),
    ],
)
def test_each_broken_rule_has_its_own_reason(change: dict[str, object], reason_code: str) -> None:
    assert codes(replace(GOOD, **change)) == [reason_code]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"slice_thickness_mm": 2.5, "slice_step_mm": 2.5},
        {"body_part": "CHEST"},
        {"body_part": "", "description": "CaSc 3.0 gated heart"},
        {"gating": "", "description": "ECG gated"},
    ],
)
def test_protocol_of_calcium_scoring_passes(change: dict[str, object]) -> None:
    assert codes(replace(GOOD, **change)) == []  # type: ignore[arg-type]


def test_all_broken_rules_are_found_at_once() -> None:
    assert codes(replace(GOOD, contrast_agent="Iodine", kvp=80.0, kernel="BONE")) == [
        "CONTRAST_PRESENT",
        "KVP",
        "KERNEL",
    ]


def test_kernels_are_told_apart() -> None:
    soft = (
        "B30f",
        "B35f",
        "B35s",
        "Br36d",
        "Qr36",
        "Sa36f",
        "I26f",
        "STANDARD",
        "SOFT",
        "A",
        "XCA",
        "XCB",
        "FC12",
        "FC03",
    )
    sharp = ("B60f", "Br59", "B46f", "BONE", "LUNG", "EDGE", "YA", "L", "D", "FC51", "FC30", "Bl57", "DETAIL", "B3")
    assert [kernel for kernel in soft if not SOFT_KERNELS.fullmatch(kernel)] == []
    assert [kernel for kernel in sharp if SOFT_KERNELS.fullmatch(kernel)] == []


@pytest.mark.parametrize(
    ("tissue", "reason_codes"),
    [
        (TissueEstimate(14, 45, 15, 170, 0), []),
        (TissueEstimate(14, 45, 60, 350, 0), ["CONTRAST_PRESENT"]),
        (TissueEstimate(30, 45, 0, None, 0), ["NOISE"]),
        (TissueEstimate(14, 45, 0, None, 400), ["METAL"]),
        (TissueEstimate(None, None, 0, None, 0), ["CONTRAST_UNKNOWN"]),
        (TissueEstimate(30, 45, 60, 350, 400), ["CONTRAST_PRESENT", "NOISE", "METAL"]),
    ],
)
def test_what_is_seen_in_the_voxels_can_refuse(tissue: TissueEstimate, reason_codes: list[str]) -> None:
    assert [one.reason_code for one in tissue_refusals(tissue)] == reason_codes


def water(hu: float = 40, noise: float = 10) -> np.ndarray:
    return hu + np.random.default_rng(0).normal(0, noise, (44, 64, 64))


def test_gate_passed_is_not_confirmed_and_never_zero(tmp_path: Path) -> None:
    reading = read_series(ct_series_write(tmp_path, water().clip(-20, 100)))
    (refusal,) = reading.refusals
    assert (refusal.name, refusal.reason_code) == ("agatston_score", "NOT_CONFIRMED")
    assert refusal.sentence == "Calcium not scored: not confirmed."
    assert reading.measurements == ()
    assert reading.candidates == ()


@pytest.mark.parametrize(
    ("hu", "attributes", "reason_code"),
    [
        (water(hu=300), {}, "CONTRAST_UNKNOWN"),
        (np.concatenate([water()[:22], water(hu=300)[:22]]), {}, "CONTRAST_PRESENT"),
        (water(noise=35), {}, "NOISE"),
        (water(), {"ContrastBolusAgent": "Iodine"}, "CONTRAST_PRESENT"),
        (water(), {"ContrastBolusVolume": "80"}, "CONTRAST_PRESENT"),
        (water(), {"KVP": "100"}, "KVP"),
        (water(), {"CardiacSynchronizationTechnique": "NONE", "SeriesDescription": "Chest"}, "UNGATED"),
    ],
)
def test_gate_closed_lists_no_candidates(
    tmp_path: Path, hu: np.ndarray, attributes: dict[str, object], reason_code: str
) -> None:
    hu = hu.copy()
    hu[20, 30:33, 30:33] = 500
    reading = read_series(ct_series_write(tmp_path, hu, attributes=attributes))
    assert reading.accepted
    assert [one.reason_code for one in reading.refusals] == [reason_code]
    assert reading.candidates == ()
    assert reading.measurements == ()


def test_sentence_names_every_reason(tmp_path: Path) -> None:
    (refusal,) = read_series(
        ct_series_write(tmp_path, water(), attributes={"KVP": "100", "ConvolutionKernel": "B70f"})
    ).refusals
    assert refusal.reason_code == "KVP"
    assert refusal.sentence == (
        "Calcium not scored: the tube voltage is 100 kV; the score is defined at 120 kV; "
        "the kernel B70f is not known to be a soft one."
    )


@pytest.mark.parametrize(
    "evidence",
    [
        {"HeartRate": "62"},
        {"TriggerTime": "420"},
        {"NominalPercentageOfCardiacPhase": 0.0},
        {"ScanOptions": ["AXIAL", "ECG_GATED"]},
        {"SeriesDescription": "Heart", "ProtocolName": "DS_CaScSeq"},
        {"SeriesDescription": "Heart gated, no contrast"},
    ],
)
def test_gating_is_found_where_scanners_write_it(tmp_path: Path, evidence: dict[str, object]) -> None:
    attributes = {"CardiacSynchronizationTechnique": None, "SeriesDescription": "Heart", **evidence}
    (refusal,) = read_series(ct_series_write(tmp_path, water(), attributes=attributes)).refusals
    assert refusal.reason_code == "NOT_CONFIRMED"


@pytest.mark.parametrize(
    "said",
    [
        {"SeriesDescription": "Chest non-gated low dose"},
        {"SeriesDescription": "UNGATED CHEST"},
        {"SeriesDescription": "Thorax no ECG"},
        {"SeriesDescription": "Thorax ohne EKG"},
        {"SeriesDescription": "CHEST_NOT_CARDIAC_GATED"},
        {"SeriesDescription": "Chest w/o ECG gating"},
        {"SeriesDescription": "Thorax EKG: aus"},
        {"SeriesDescription": "Navigated lung"},
        {"SeriesDescription": "Lung Ca screening"},
        {"SeriesDescription": "Calcium score", "ProtocolName": "nongated"},
        {"SeriesDescription": "Calcium score", "StudyDescription": "Chest non gated"},
        {"SeriesDescription": "Chest", "ScanOptions": ["AXIAL", "NON_GATED"]},
        {"CardiacSynchronizationTechnique": "PROSPECTIVE", "ScanOptions": "ECG OFF"},
        {"CardiacSynchronizationTechnique": "NONE", "HeartRate": "62"},
        {"CardiacSynchronizationTechnique": "NONE", "SeriesDescription": "ECG gated calcium score"},
        {"SeriesDescription": "Chest", "HeartRate": "0"},
        {"SeriesDescription": "Chest", "HeartRate": "-1"},
        {"SeriesDescription": "Chest", "TriggerTime": "0"},
    ],
)
def test_what_denies_gating_is_not_gating(tmp_path: Path, said: dict[str, object]) -> None:
    attributes = {"CardiacSynchronizationTechnique": None, **said}
    (refusal,) = read_series(ct_series_write(tmp_path, water(), attributes=attributes)).refusals
    assert refusal.reason_code == "UNGATED"


def agent_item(meaning: str) -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "C-B0322", "SRT", meaning
    return [item]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"ContrastBolusAgentSequence": agent_item("Iohexol")}, "(Iohexol)"),
        ({"ContrastBolusTotalDose": "70"}, "(70 mL)"),
        ({"ContrastBolusVolume": "65.5"}, "(65.5 mL)"),
        ({"ContrastBolusRoute": "IV"}, "(ContrastBolusRoute IV)"),
        ({"ContrastBolusAgent": "NONE", "ContrastBolusStartTime": "101500"}, "(ContrastBolusStartTime 101500)"),
        ({"SeriesDescription": "Coronary CTA gated"}, '("CTA" in the description of the series)'),
        ({"ProtocolName": "HEART_WITH_CONTRAST"}, '("WITH CONTRAST" in the description of the series)'),
        ({"SeriesDescription": "CaSc contrast-enhanced"}, "in the description of the series)"),
        ({"SeriesDescription": "Herz EKG mit KM"}, '("mit KM" in the description of the series)'),
        ({"SeriesDescription": "Heart gated w/wo contrast"}, '("w/wo" in the description of the series)'),
        ({"StudyDescription": "Coronary CTA"}, '("CTA" in the description of the study)'),
        ({"StudyDescription": "CT angiography of the heart"}, '("angiography" in the description of the study)'),
    ],
)
def test_contrast_agent_is_found_wherever_it_is_recorded(tmp_path: Path, said: dict[str, object], found: str) -> None:
    (refusal,) = read_series(ct_series_write(tmp_path, water(), attributes=said)).refusals
    assert refusal.reason_code == "CONTRAST_PRESENT"
    assert refusal.sentence.startswith("Calcium not scored: a contrast agent is recorded (")
    assert found in refusal.sentence


@pytest.mark.parametrize(
    "said",
    [
        *(
            {"ContrastBolusAgent": word}
            for word in ("UNENHANCED", "WITHOUT", "None", "0", "w/o contrast", "N/A", "nativ")
        ),
        {"ContrastBolusVolume": "0.00", "ContrastBolusTotalDose": "0", "ContrastBolusRoute": "NONE"},
        {"ContrastBolusStartTime": "000000"},
        {"ContrastBolusAgentSequence": []},
        {"ContrastBolusAgentSequence": agent_item("None")},
        {"SeriesDescription": "Calcium score non-contrast"},
        {"SeriesDescription": "CT HEART W/O CONTRAST gated"},
        {"SeriesDescription": "Unenhanced heart, ECG"},
        {"SeriesDescription": "CaSc pre CTA"},
        {"SeriesDescription": "CaSc after angioplasty"},
        {"SeriesDescription": "CaSc without contrast", "StudyDescription": "Coronary CTA"},
        {"ContrastBolusAgent": "NONE", "StudyDescription": "Coronary CTA"},
    ],
)
def test_what_denies_contrast_agent_is_no_contrast_agent(tmp_path: Path, said: dict[str, object]) -> None:
    (refusal,) = read_series(ct_series_write(tmp_path, water().clip(-20, 100), attributes=said)).refusals
    assert refusal.reason_code == "NOT_CONFIRMED"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, "the image type is DERIVED\\SECONDARY"),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "VNC"]}, "the image type is DERIVED\\PRIMARY"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "VNC"]}, "the images are computed from others (VNC)"),
        ({"SeriesDescription": "Calcium score MIP"}, "the images are computed from others (MIP)"),
        ({"ImageType": None}, "the image type is not recorded"),
    ],
)
def test_images_computed_from_others_are_not_scored(tmp_path: Path, said: dict[str, object], words: str) -> None:
    (refusal,) = read_series(ct_series_write(tmp_path, water(), attributes=said)).refusals
    assert refusal.reason_code == "IMAGE_TYPE"
    assert words in refusal.sentence


def test_dense_blood_pool_is_told_to_the_reader_and_refuses_nothing(tmp_path: Path) -> None:
    hu = water().clip(10, 70)
    hu[10:40, 8:56, 8:56] += 45  # 207 mL at 85 HU
    reading = read_series(ct_series_write(tmp_path, hu))
    assert [refusal.reason_code for refusal in reading.refusals] == ["NOT_CONFIRMED"]
    (finding,) = [one for one in reading.quality if one.code == "POSSIBLE_CONTRAST"]
    assert "at 85 HU: blood without contrast agent is 30 to 60 HU. From 70 to 100 HU and from 50 mL" in finding.sentence


def calcium_with(odd: dict[str, object], folder: Path, *, at: int = 22) -> list[Path]:
    """A calcium CT of 44 slices with one lesion, in which one slice says something else."""

    def edit(dataset: Dataset, index: int) -> None:
        for keyword, value in odd.items() if index == at else ():
            setattr(dataset, keyword, value)

    hu = water().clip(-20, 100)
    hu[20, 30:33, 30:33] = 500
    return ct_series_write(folder, hu, edit=edit)


def test_series_that_agrees_lists_its_candidate(tmp_path: Path) -> None:
    reading = read_series(calcium_with({}, tmp_path))
    assert [one.reason_code for one in reading.refusals] == ["NOT_CONFIRMED"]
    assert len(reading.candidates) == 1


@pytest.mark.parametrize("at", [0, 22, 43])
@pytest.mark.parametrize(
    ("odd", "reason_code", "words"),
    [
        ({"KVP": "80"}, "KVP", "tube voltages (120 kV in 43, 80 kV in 1"),
        ({"KVP": None}, "KVP", "tube voltages (120 kV in 43, not recorded in 1"),
        ({"KVP": "120.4"}, "KVP", "tube voltages (120 kV in 43, 120.4 kV in 1"),
        ({"SliceThickness": "5"}, "SLICE", "slice thicknesses (3 mm in 43, 5 mm in 1"),
        ({"SliceThickness": None}, "SLICE", "slice thicknesses (3 mm in 43, not recorded in 1"),
        ({"ConvolutionKernel": "B70f"}, "KERNEL", "kernels (B70f in 1, Qr36 in 43"),
        ({"ConvolutionKernel": "Br36"}, "KERNEL", "kernels (Br36 in 1, Qr36 in 43"),
        ({"ContrastBolusAgent": "Iodine"}, "CONTRAST_PRESENT", "contrast agents (none in 43, recorded in 1"),
        ({"ContrastBolusVolume": "80"}, "CONTRAST_PRESENT", "contrast agents (none in 43, recorded in 1"),
        ({"ContrastBolusAgentSequence": agent_item("Iohexol")}, "CONTRAST_PRESENT", "contrast agents (none in 43"),
        ({"ContrastBolusRoute": "IV"}, "CONTRAST_PRESENT", "contrast agents (none in 43, recorded in 1"),
        ({"BodyPartExamined": "ABDOMEN"}, "BODY_PART", "body parts (ABDOMEN in 1, HEART in 43"),
        ({"CardiacSynchronizationTechnique": "NONE"}, "UNGATED", "gating (gated in 43, not gated in 1"),
        (
            {"ImageType": ["DERIVED", "PRIMARY"]},
            "IMAGE_TYPE",
            "image types (DERIVED\\PRIMARY in 1, ORIGINAL",
        ),
        ({"LossyImageCompression": "01"}, "LOSSY", "compressions (with loss in 1, without loss in 43"),
    ],
)
def test_one_odd_slice_anywhere_closes_the_gate(
    tmp_path: Path, odd: dict[str, object], reason_code: str, words: str, at: int
) -> None:
    reading = read_series(calcium_with(odd, tmp_path, at=at))
    (refusal,) = reading.refusals
    assert reading.accepted
    assert refusal.reason_code == reason_code
    assert refusal.sentence.startswith(f"Calcium not scored: the series mixes {words}")
    assert refusal.sentence.endswith(" of 44 slices).")
    assert ";" not in refusal.sentence
    assert reading.candidates == ()


@pytest.mark.parametrize(
    "odd",
    [
        {"KVP": "120.0"},
        {"SliceThickness": "2.9999999"},
        {"ContrastBolusAgent": "NONE"},
        {"ContrastBolusVolume": "0"},
        {"ConvolutionKernel": ["Qr36", "3"]},
        {"LossyImageCompression": "00"},
    ],
)
def test_other_words_for_the_same_value_are_not_mixed(tmp_path: Path, odd: dict[str, object]) -> None:
    (refusal,) = read_series(calcium_with(odd, tmp_path)).refusals
    assert refusal.reason_code == "NOT_CONFIRMED"


def test_all_that_is_mixed_is_named_with_a_few_of_its_values(tmp_path: Path) -> None:
    def edit(dataset: Dataset, index: int) -> None:
        dataset.KVP, dataset.ConvolutionKernel = str(100 + index), "Qr36" if index else "B70f"

    (refusal,) = read_series(ct_series_write(tmp_path, water(), edit=edit)).refusals
    assert refusal.reason_code == "KVP"
    assert refusal.sentence == (
        "Calcium not scored: the series mixes tube voltages (100 kV in 1, 101 kV in 1, 102 kV in 1, 103 kV in 1, ... "
        "of 44 slices); the series mixes kernels (B70f in 1, Qr36 in 43 of 44 slices)."
    )
