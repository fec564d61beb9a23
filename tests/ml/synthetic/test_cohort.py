"""The demo hospital: who is in it, that each named case is what its name says, and that values are possible.

The equations are used here only to prove that the new patient of a demonstration gets numbers, whatever the seed.
"""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.equations.ckd_epi_2021 import egfr_ckd_epi_2021
from ml.equations.mesa_chd import mesa_chd_cac_risk
from ml.equations.prevent_base import prevent_base_risk
from ml.synthetic.__main__ import main
from ml.synthetic.cohort import LAKESIDE, NORTH, demo_cohort, new_patient_and_study
from ml.synthetic.dicom_writer import age_years
from ml.synthetic.studies import ct_phantom_of

TODAY = date(2026, 11, 23)
HDL = {"2085-9", "14646-4"}


@pytest.fixture(scope="module")
def cohort():
    return demo_cohort(1, TODAY)


def only(cohort, case, organisation=NORTH):
    (patient,) = [p for p in cohort if p.case == case and p.organisation == organisation]
    return patient


def answers(patient):
    return {answer.question: answer.value for answer in patient.answers}


def latest(patient, *codes):
    rows = [row for row in patient.observations if row.loinc in codes]
    return max(rows, key=lambda row: row.effective_at)


def test_two_organisations_have_the_promised_numbers_of_people_and_studies(cohort):
    assert Counter(p.organisation.slug for p in cohort) == {"north": 28, "lakeside": 14}
    studies = [study for patient in cohort for study in patient.studies]
    assert Counter(study.modality for study in studies) == {"CT": 11, "MR": 6, "PT": 5}
    assert {p.organisation.slug for p in cohort if p.studies} == {"north", "lakeside"}


def test_everybody_is_marked_and_nobody_shares_a_number_or_a_name(cohort):
    assert all(patient.identity.family_name.startswith("Synthetic-") for patient in cohort)
    assert len({patient.identity.mrn for patient in cohort}) == len(cohort)
    assert len({patient.identity.dicom_name for patient in cohort}) == len(cohort)


def test_the_same_seed_gives_the_same_people_and_another_seed_others(cohort):
    assert demo_cohort(1, TODAY) == cohort
    others = demo_cohort(2, TODAY)
    assert {p.identity.mrn for p in others}.isdisjoint(p.identity.mrn for p in cohort)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.dates(date(2020, 1, 1), date(2035, 12, 31)))
def test_nothing_ever_happens_after_the_reference_date_or_before_birth(seed, today):
    end = datetime.combine(today, datetime.min.time(), tzinfo=UTC)
    for patient in (*demo_cohort(seed, today), new_patient_and_study(seed, today)):
        moments = [row.effective_at for row in patient.observations]
        moments += [answer.answered_at for answer in patient.answers]
        moments += [study.started_at for study in patient.studies]
        assert all(moment.utcoffset() is not None and moment < end for moment in moments)
        days = [c.onset_date for c in patient.conditions] + [m.start_date for m in patient.medications]
        assert all(patient.identity.birth_date < day < today for day in days)


def test_values_are_those_of_people(cohort):
    limits = {
        ("2093-3", "mg/dL"): (120, 320),
        ("2085-9", "mg/dL"): (20, 100),
        ("13457-7", "mg/dL"): (20, 260),
        ("2571-8", "mg/dL"): (40, 420),
        ("2345-7", "mg/dL"): (60, 320),
        ("2160-0", "mg/dL"): (0.4, 1.6),
        ("14647-2", "mmol/L"): (3.3, 8.3),
        ("14646-4", "mmol/L"): (0.6, 2.5),
        ("39469-2", "mmol/L"): (0.5, 6.5),
        ("14927-8", "mmol/L"): (0.4, 4.6),
        ("14749-6", "mmol/L"): (3.8, 17),
        ("14682-9", "umol/L"): (44, 140),
        ("4548-4", "%"): (4.5, 11),
        ("8480-6", "mm[Hg]"): (90, 185),
        ("8462-4", "mm[Hg]"): (48, 112),
        ("39156-5", "kg/m2"): (18, 40),
        ("29463-7", "kg"): (38, 165),
        ("8302-2", "cm"): (145, 200),
    }
    for patient in cohort:
        for row in patient.observations:
            least, most = limits[row.loinc, row.unit]
            assert isinstance(row.value, Decimal)
            assert least <= row.value <= most, (patient.identity, row)


def test_the_two_laboratories_use_different_units(cohort):
    units = {
        organisation: {row.unit for p in cohort if p.organisation == organisation for row in p.observations}
        for organisation in (NORTH, LAKESIDE)
    }
    assert "mg/dL" in units[NORTH]
    assert not units[NORTH] & {"mmol/L", "umol/L"}
    assert {"mmol/L", "umol/L", "kg", "cm"} <= units[LAKESIDE]
    assert "mg/dL" not in units[LAKESIDE]


def test_lipids_of_one_visit_add_up(cohort):
    for patient in (p for p in cohort if p.organisation == LAKESIDE):
        for at in {row.effective_at for row in patient.observations}:
            value = {row.loinc: float(row.value) for row in patient.observations if row.effective_at == at}
            expected = value["14647-2"] - value["14646-4"] - value["14927-8"] / 2.2
            assert value["39469-2"] == pytest.approx(expected, abs=0.02)


def test_values_reach_back_over_years_and_the_latest_is_recent(cohort):
    for patient in (p for p in cohort if p.case != "STALE_LABS"):
        days = [(TODAY - row.effective_at.date()).days for row in patient.observations]
        assert min(days) < 300
        assert 700 < max(days) < 6.5 * 365


@pytest.mark.parametrize(
    ("case", "snomed_ct", "question"),
    [
        ("PRIOR_MI", "22298006", "prior_cardiovascular_disease"),
        ("ATRIAL_FIBRILLATION", "49436004", "atrial_fibrillation"),
        ("PRIOR_TIA", "266257000", "prior_stroke_or_tia"),
        ("PREGNANT", "77386006", "pregnancy"),
    ],
)
def test_a_named_disease_is_on_the_problem_list_and_answered_yes(cohort, case, snomed_ct, question):
    patient = only(cohort, case)
    assert snomed_ct in [condition.snomed_ct for condition in patient.conditions]
    assert answers(patient)[question] == "yes"
    for other in (p for p in cohort if p.case != case):
        assert snomed_ct not in [condition.snomed_ct for condition in other.conditions]
        assert answers(other).get(question) != "yes"


@pytest.mark.parametrize(("case", "age", "sex"), [("AGE_29", 29, "M"), ("AGE_82", 82, "F"), ("PREGNANT", 34, "F")])
def test_a_named_age_is_that_age_today_and_in_three_months(cohort, case, age, sex):
    identity = only(cohort, case).identity
    assert identity.sex == sex
    assert {age_years(identity.birth_date, TODAY + timedelta(days=days)) for days in (0, 30, 80)} == {age}


def test_the_complete_woman_has_everything_and_diabetes(cohort):
    patient = only(cohort, "COMPLETE_WITH_DIABETES")
    assert (patient.identity.sex, age_years(patient.identity.birth_date, TODAY)) == ("F", 58)
    assert "44054006" in [condition.snomed_ct for condition in patient.conditions]
    assert {"diabetes", "smoking", "mesa_race_ethnicity", "prior_cardiovascular_disease"} <= set(answers(patient))
    assert [study.modality for study in patient.studies] == ["CT", "MR"]


def test_the_gaps_are_where_they_are_said_to_be_and_nowhere_else(cohort):
    assert {p.case for p in cohort if not HDL & {row.loinc for row in p.observations}} == {"MISSING_HDL"}
    assert {p.case for p in cohort if not p.answers} == {"UNANSWERED_HISTORY"}
    without_group = {p.case for p in cohort if p.answers and "mesa_race_ethnicity" not in answers(p)}
    assert without_group == {"RACE_UNKNOWN"}
    stale = [p.case for p in cohort if (TODAY - latest(p, "2093-3", "14647-2").effective_at.date()).days > 5 * 366]
    assert stale == ["STALE_LABS"]
    assert [p.case for p in cohort for s in p.studies if s.ct_kind == "CORONARY_ANGIOGRAPHY"] == ["CONTRAST_CT"]


def test_pregnancy_is_asked_of_women_of_child_bearing_age_only(cohort):
    for patient in (p for p in cohort if p.answers):
        age = age_years(patient.identity.birth_date, TODAY)
        assert ("pregnancy" in answers(patient)) == (patient.identity.sex == "F" and 18 <= age <= 50)


def test_medication_agrees_with_the_answers(cohort):
    for patient in (p for p in cohort if p.answers):
        codes = [medication.atc for medication in patient.medications]
        assert answers(patient)["statin_treatment"] == ("yes" if "C10AA05" in codes else "no")
        has_antihypertensive = any(code.startswith(("C03", "C08", "C09")) for code in codes)
        assert answers(patient)["antihypertensive_treatment"] == ("yes" if has_antihypertensive else "no")


@pytest.mark.parametrize("seed", range(40))
def test_every_equation_has_a_number_for_the_new_patient(seed):
    patient = new_patient_and_study(seed, TODAY)
    given_answers, age = answers(patient), age_years(patient.identity.birth_date, TODAY)
    sex = "female" if patient.identity.sex == "F" else "male"
    shared = {
        "age_years": age,
        "sex": sex,
        "systolic_bp_mmhg": float(latest(patient, "8480-6").value),
        "total_cholesterol_mmol_l": float(latest(patient, "2093-3").value) * 0.02586,
        "hdl_cholesterol_mmol_l": float(latest(patient, "2085-9").value) * 0.02586,
        "has_diabetes": given_answers["diabetes"] == "yes",
        "is_current_smoker": given_answers["smoking"] == "current",
        "takes_antihypertensive": given_answers["antihypertensive_treatment"] == "yes",
    }
    egfr = egfr_ckd_epi_2021(age_years=age, sex=sex, creatinine_umol_l=float(latest(patient, "2160-0").value) * 88.4)
    prevent = prevent_base_risk(
        outcome="total_cvd", horizon_years=10, **shared, egfr_ml_min_173m2=egfr,
        bmi_kg_m2=float(latest(patient, "39156-5").value), takes_statin=given_answers["statin_treatment"] == "yes",
    )  # fmt: skip
    mesa = mesa_chd_cac_risk(
        **shared, agatston_score=100, mesa_race_ethnicity=given_answers["mesa_race_ethnicity"],
        takes_lipid_lowering=given_answers["lipid_lowering_treatment"] == "yes",
        has_family_history_of_heart_attack=given_answers["family_history_heart_attack"] == "yes",
    )  # fmt: skip
    assert 45 <= age <= 75
    assert 0 < prevent < 0.9
    assert 0 < mesa < 0.9
    history = ("prior_cardiovascular_disease", "prior_stroke_or_tia", "atrial_fibrillation")
    assert [given_answers[question] for question in history] == ["no"] * 3


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_new_patients_ct_has_three_or_four_plaques_and_something_else_to_reject(seed):
    (study,) = new_patient_and_study(seed, TODAY).studies
    phantom = ct_phantom_of(study)
    coronary = [item.is_coronary for item in phantom.calcifications]
    assert coronary.count(True) in (3, 4)
    assert coronary.count(False) in (1, 2)
    assert phantom.agatston > 0


def test_two_new_patients_are_different_people_and_neither_is_in_the_cohort(cohort):
    first, second = (new_patient_and_study(seed, TODAY).identity for seed in (1, 2))
    assert first.mrn != second.mrn
    assert {first.mrn, second.mrn}.isdisjoint(patient.identity.mrn for patient in cohort)


def test_the_command_writes_studies_and_the_cohort_and_refuses_a_full_folder(tmp_path, capsys):
    folder = tmp_path / "demo"
    assert main([str(folder), "--patients", "0", "--seed", "5", "--reference-date", "2026-11-23"]) == 0
    document = json.loads((folder / "cohort.json").read_text())
    assert document["comment"] == "SYNTHETIC - not a real patient"
    assert main([str(folder), "--patients", "1"]) == 1
    assert "not empty" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_writes_dicom_folders_by_patient(tmp_path, capsys):
    folder = tmp_path / "files"
    pytest.importorskip("nilearn", reason="the `demo` extra is not installed")
    assert main([str(folder), "--patients", "1", "--seed", "5", "--transfer-syntax", "jpeg-ls-lossless"]) == 0
    (patient,) = json.loads((folder / "cohort.json").read_text())["patients"]
    folders = sorted(path.name[:2] for path in (folder / patient["identity"]["mrn"]).iterdir())
    assert folders == ["CT", "MR"]
    assert len(list(folder.rglob("*.dcm"))) == 44 + 144
    assert capsys.readouterr().out.count("Synthetic-") == 2
