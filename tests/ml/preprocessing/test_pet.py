"""The SUVbw factor against 36 cases of an independent implementation (MIT-licensed calculate-suv 1.1.0)."""

from __future__ import annotations

import csv
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sr._cid_dict import cid_concepts
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from ml.errors import Refusal
from ml.preprocessing.pet import SuvInputs, parse_datetime, suv_bw_factor
from ml.preprocessing.pet_nuclides import HALF_LIVES_S, NUCLIDE_OF_CODE, half_life_problem, nuclide_named
from ml.reading import read_series
from tests.dicom import pt_series_write

CASES = list(csv.DictReader((Path(__file__).parent / "pet_suv_cases.csv").read_text().splitlines()))
ERRORS = {
    "Units has an invalid value": "SUV_UNITS",
    "Units are in CNTS; but PhilipsPETPrivateGroup has invalid values": "SUV_PRIVATE_SCALE",
    "Decay time cannot be less than zero": "SUV_START_AFTER_SCAN",
}


def inputs_of(case: dict[str, str]) -> SuvInputs:
    def number(column: str) -> float | None:
        return float(case[column]) if case[column] else None

    start = case["radiopharm_start_datetime"] or case["series_date"] + case["radiopharm_start_time"]
    return SuvInputs(
        units=case["units"],
        corrected_image=tuple(case["corrected_image"].split("|")),
        decay_correction="START",
        patient_weight_kg=number("patient_weight_kg"),
        dose_bq=number("dose_bq"),
        half_life_s=number("half_life_s"),
        start_at=parse_datetime(start),
        series_at=parse_datetime(case["series_date"] + case["series_time"]),
        acquisition_at=parse_datetime(case["acq_date"] + case["acq_time"]),
        ge_scan_at=parse_datetime(case["ge_scan_datetime"]),
        philips_suv_scale=number("philips_suv_scale"),
        philips_activity_scale=number("philips_act_scale"),
    )


@pytest.mark.parametrize("case", [case for case in CASES if not case["error"]], ids=lambda case: case["id"])
def test_factor_equals_the_reference(case: dict[str, str]) -> None:
    assert suv_bw_factor(inputs_of(case)) == pytest.approx(float(case["suvbw_factor"]), rel=1e-12)


@pytest.mark.parametrize("case", [case for case in CASES if case["error"]], ids=lambda case: case["id"])
def test_case_the_reference_refuses_is_refused(case: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        suv_bw_factor(inputs_of(case))
    assert refused.value.reason_code == next(code for text, code in ERRORS.items() if case["error"].startswith(text))


@pytest.mark.parametrize(
    ("change", "reason_code"),
    [
        ({"corrected_image": ("DECY", "SCAT")}, "SUV_NOT_CORRECTED"),
        ({"corrected_image": ("ATTN",)}, "SUV_NOT_CORRECTED"),
        ({"decay_correction": "ADMIN"}, "SUV_DECAY_CORRECTION"),
        ({"decay_correction": ""}, "SUV_DECAY_CORRECTION"),
        ({"units": ""}, "SUV_UNITS"),
        ({"units": "GML", "suv_type": "LBM"}, "SUV_TYPE"),
        ({"patient_weight_kg": None}, "SUV_WEIGHT"),
        ({"patient_weight_kg": 0.0}, "SUV_WEIGHT"),
        ({"dose_bq": 0.0}, "SUV_DOSE"),
        ({"half_life_s": None}, "SUV_HALF_LIFE"),
        ({"start_at": None}, "SUV_TIMES"),
        ({"acquisition_at": None}, "SUV_TIMES"),
    ],
)
def test_missing_requirement_is_refused_by_name(change: dict[str, object], reason_code: str) -> None:
    with pytest.raises(Refusal) as refused:
        suv_bw_factor(replace(inputs_of(CASES[0]), **change))  # type: ignore[arg-type]
    assert refused.value.reason_code == reason_code


@pytest.mark.parametrize(
    ("change", "reason_code", "words"),
    [
        ({"patient_weight_kg": 80_700.0}, "SUV_WEIGHT", "Patient's Weight is 80700 kg; 1 to 350 kg is plausible."),
        ({"patient_weight_kg": 0.0807}, "SUV_WEIGHT", "0.0807 kg"),
        ({"dose_bq": 370.0}, "SUV_DOSE", r"Radionuclide Total Dose is 370 Bq; 1e\+06 to 5e\+09 Bq is plausible."),
        ({"dose_bq": 1e-300}, "SUV_DOSE", "1e-300 Bq"),
        ({"dose_bq": 3.7e11}, "SUV_DOSE", r"3.7e\+11 Bq"),
        ({"half_life_s": 109.77}, "SUV_HALF_LIFE", "109.77 s, but .* in minutes it is that of F-18"),
        ({"half_life_s": 1.8295}, "SUV_HALF_LIFE", "in hours it is that of F-18"),
        ({"half_life_s": 1e-3}, "SUV_HALF_LIFE", "0.001 s, but no PET nuclide has that half-life"),
        ({"half_life_s": 6586.2, "nuclide": "C-11"}, "SUV_HALF_LIFE", "that of the stated nuclide C-11 is 1223.4 s"),
        ({"start_at": parse_datetime("19000101110000")}, "SUV_TIMES", "at most 14.64 h .8 half-lives. is plausible"),
        ({"start_at": parse_datetime("20240314110703")}, "SUV_TIMES", "stated 25.77 h after the injection"),
    ],
)
def test_implausible_value_is_refused_with_value_and_limit(
    change: dict[str, object], reason_code: str, words: str
) -> None:
    with pytest.raises(Refusal, match=words) as refused:
        suv_bw_factor(replace(inputs_of(CASES[0]), **change))  # type: ignore[arg-type]
    assert refused.value.reason_code == reason_code


@pytest.mark.parametrize(
    "change",
    [
        {"patient_weight_kg": 1.0},
        {"patient_weight_kg": 350.0},
        {"dose_bq": 1e6},
        {"dose_bq": 5e9},
        {"half_life_s": 6588.0, "nuclide": "F-18"},
        {"half_life_s": 78.41 * 3600, "nuclide": "Zr-89", "start_at": parse_datetime("20240309120000")},
    ],
)
def test_rare_but_possible_value_passes(change: dict[str, object]) -> None:
    assert suv_bw_factor(replace(inputs_of(CASES[0]), **change)) > 0  # type: ignore[arg-type]


def test_half_life_in_minutes_or_hours_is_that_of_no_other_nuclide() -> None:
    mistaken = {
        (name, other)
        for name, half_life_s in HALF_LIVES_S.items()
        for divisor in (60, 3600)
        for other in HALF_LIVES_S
        if half_life_problem(half_life_s / divisor, other) is None
    }
    assert mistaken == {("Ga-66", "Cu-62")}


def test_codes_are_those_of_dicom_and_every_nuclide_has_one() -> None:
    meanings = {code.value: code.meaning for code in map(code_of, cid_concepts[4020]["SCT"])}
    for code, name in NUCLIDE_OF_CODE.items():
        if code in meanings:
            assert nuclide_named(meanings[code]) == name
    assert set(NUCLIDE_OF_CODE.values()) == set(HALF_LIVES_S)
    assert meanings.keys() - NUCLIDE_OF_CODE.keys() == {"71633006", "53315004"}  # the calibration sources Na-22, Ge-68


def code_of(keyword: str) -> Code:
    return getattr(codes.cid4020, keyword)


def test_moment_beyond_the_calendar_is_unknown() -> None:
    assert parse_datetime("00010101000000+0100", default_offset="-0100") is None
    assert parse_datetime("99991231235959-0100", default_offset="+0100") is None
    assert parse_datetime("99991231235959.999999") is not None


def test_start_time_without_a_date_is_not_said_to_have_one(tmp_path: Path) -> None:
    # The series' date was rewritten a day later, so the injection, which has only a time, seems to be after the scan.
    options = {"attributes": {"SeriesDate": "20240316"}}
    (refusal, *_) = read_series(pt_series_write(tmp_path, ACTIVITY, **options)).refusals
    assert refusal.reason_code == "SUV_START_AFTER_SCAN"
    assert "has a time but no date" in refusal.sentence


def sequence_edit(keyword: str, value: object) -> object:
    def edit(dataset: Dataset, index: int) -> None:
        if index == 3:
            tracer = deepcopy(dataset.RadiopharmaceuticalInformationSequence[0])
            setattr(tracer, keyword, value)
            dataset.RadiopharmaceuticalInformationSequence = [tracer]

    return edit


def top_level_edit(keyword: str, value: object) -> object:
    def edit(dataset: Dataset, index: int) -> None:
        if index == 3:
            setattr(dataset, keyword, value)

    return edit


@pytest.mark.parametrize(
    ("edit", "reason_code", "words"),
    [
        (top_level_edit("Units", "GML"), "SUV_UNITS", "mixes units (BQML in 3, GML in 1 of 4 slices)"),
        (top_level_edit("DecayCorrection", "ADMIN"), "SUV_DECAY_CORRECTION", "(ADMIN in 1, START in 3 of 4 slices)"),
        (top_level_edit("CorrectedImage", ["DECY"]), "SUV_NOT_CORRECTED", "mixes corrections"),
        (top_level_edit("PatientWeight", "80"), "SUV_WEIGHT", "(70 kg in 3, 80 kg in 1 of 4 slices)"),
        (top_level_edit("PatientWeight", None), "SUV_WEIGHT", "(not recorded in 1, 70 kg in 3 of 4 slices)"),
        (top_level_edit("SeriesTime", "115900"), "SUV_TIMES", "mixes starts of the series"),
        (sequence_edit("RadionuclideTotalDose", "3.8e8"), "SUV_DOSE", "mixes doses"),
        (sequence_edit("RadionuclideHalfLife", "1223.4"), "SUV_HALF_LIFE", "mixes half-lives"),
        (sequence_edit("RadiopharmaceuticalStartTime", "103000"), "SUV_TIMES", "mixes starts of the injection"),
    ],
)
def test_value_that_differs_in_one_slice_is_refused(tmp_path: Path, edit: object, reason_code: str, words: str) -> None:
    reading = read_series(pt_series_write(tmp_path, ACTIVITY, edit=edit))
    assert reading.accepted
    assert reading.measurements == ()
    assert {one.reason_code for one in reading.refusals} == {reason_code}
    assert words in reading.refusals[0].sentence
    assert reading.value_unit == ("1" if reason_code == "SUV_UNITS" else "Bq/mL")


def test_order_of_corrections_is_no_difference(tmp_path: Path) -> None:
    edit = top_level_edit("CorrectedImage", ["SCAT", "ATTN", "DECY"])
    assert read_series(pt_series_write(tmp_path, ACTIVITY, edit=edit)).refusals == ()


def test_one_half_life_later_doubles_the_factor() -> None:
    inputs = inputs_of(CASES[0])
    assert inputs.start_at is not None
    assert inputs.half_life_s is not None
    earlier = replace(inputs, start_at=inputs.start_at - timedelta(seconds=inputs.half_life_s))
    assert suv_bw_factor(earlier) == pytest.approx(2 * suv_bw_factor(inputs))


@pytest.mark.parametrize("text", ["", "20240315", "2024031512", "20241315120000", "120000", "yesterday"])
def test_moment_without_date_and_minutes_is_unknown(text: str) -> None:
    assert parse_datetime(text) is None


ACTIVITY = np.linspace(0, 20_000, 4 * 8 * 8).reshape(4, 8, 8)


def test_series_is_read_in_suv_with_one_slope_per_slice(tmp_path: Path) -> None:
    reading = read_series(pt_series_write(tmp_path, ACTIVITY))
    factor = 70_000 / (3.7e8 * 2 ** (-3600 / 6586.2))
    assert reading.value_unit == "g/mL{SUVbw}"
    assert reading.value_range == pytest.approx((0, 20_000 * factor), rel=1e-5)
    measured = {one.name: one.value for one in reading.measurements}
    assert measured["suv_bw_max"] == pytest.approx(20_000 * factor, rel=1e-5)
    assert measured["suv_bw_mean"] == pytest.approx(10_000 * factor, rel=1e-4)
    assert measured["suv_bw_p99_9"] == pytest.approx(np.percentile(ACTIVITY, 99.9) * factor, rel=1e-4)
    assert {one.unit for one in reading.measurements} == {"g/mL{SUVbw}"}
    assert reading.refusals == ()


def test_series_without_weight_keeps_its_own_unit_and_says_why(tmp_path: Path) -> None:
    reading = read_series(pt_series_write(tmp_path, ACTIVITY, weight_kg=None))
    assert reading.accepted
    assert reading.value_unit == "Bq/mL"
    assert reading.measurements == ()
    assert [(one.name, one.reason_code) for one in reading.refusals] == [
        (name, "SUV_WEIGHT") for name in ("suv_bw_max", "suv_bw_mean", "suv_bw_p99_9")
    ]


def private(group: int, creator: str, offset: int, vr: str, value: str) -> object:
    def edit(dataset: Dataset, _: int) -> None:
        dataset.private_block(group, creator, create=True).add_new(offset, vr, value)

    return edit


@pytest.mark.parametrize("transfer_syntax_uid", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_philips_scale_is_taken_from_the_vendors_own_group(tmp_path: Path, transfer_syntax_uid: str) -> None:
    options = {"attributes": {"Units": "CNTS"}, "transfer_syntax_uid": transfer_syntax_uid}
    edit = private(0x7053, "Philips PET Private Group", 0x00, "DS", "0.00025")
    reading = read_series(pt_series_write(tmp_path / "right", ACTIVITY, edit=edit, **options))
    assert reading.measurements[0].value == pytest.approx(20_000 * 0.00025, rel=1e-5)
    other = private(0x7053, "Somebody Else", 0x00, "DS", "0.00025")
    reading = read_series(pt_series_write(tmp_path / "wrong", ACTIVITY, edit=other, **options))
    assert reading.refusals[0].reason_code == "SUV_PRIVATE_SCALE"
    assert reading.value_unit == "{counts}"


def test_ge_scan_time_counts_when_the_series_time_is_later_than_the_acquisition(tmp_path: Path) -> None:
    edit = private(0x0009, "GEMS_PETD_01", 0x0D, "DT", "20240315113000")
    options = {"attributes": {"SeriesTime": "150000"}}
    with_ge = read_series(pt_series_write(tmp_path / "ge", ACTIVITY, edit=edit, **options))
    without = read_series(pt_series_write(tmp_path / "other", ACTIVITY, **options))
    ratio = without.measurements[0].value / with_ge.measurements[0].value
    assert ratio == pytest.approx(2 ** (1800 / 6586.2), rel=1e-5)


def test_earliest_acquisition_of_the_series_counts(tmp_path: Path) -> None:
    def edit(dataset: Dataset, index: int) -> None:
        dataset.SeriesTime = "150000"
        dataset.AcquisitionTime = ("121000", "120000", "122000", "123000")[index]

    reading = read_series(pt_series_write(tmp_path, ACTIVITY, edit=edit))
    factor = 70_000 / (3.7e8 * 2 ** (-3600 / 6586.2))
    assert reading.measurements[0].value == pytest.approx(20_000 * factor, rel=1e-5)
