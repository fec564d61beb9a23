"""What follows from another answer, which of two values of one moment is used, and sentences inside sentences."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cdss.assessments.models import FeatureState, RiskEstimate
from cdss.jobs.running import jobs_run_due
from patients.models import Patient
from patients.services.clinical_rows import NewMedicationStatement, NewObservation, NewRow
from patients.terminology import ATC
from tests import factories
from tests.cdss.assessments.facts import NEW_YORK, TIA, diagnosis, fact, measured, stored, taken, today
from tests.factories import Hospital

pytestmark = pytest.mark.django_db
VASCULAR, STATIN, LIPIDS, PRESSURE = (
    *("vascular_disease", "statin_treatment"),
    *("lipid_lowering_treatment", "systolic_bp_mmhg"),
)
OUTWEIGHS = ', which outweighs the "no" that somebody stated on '


def patient(at: Hospital, *rows: NewRow) -> Patient:
    who = factories.patient(at)
    factories.record(at, who, *rows)
    return who


def words(at: datetime) -> str:
    day = at.astimezone(NEW_YORK).date()
    return f"{day.day} {day:%B %Y}"


@pytest.mark.parametrize("code", ["414545008", "399261000", "53741008", "194828000", "4557003"])
def test_every_coronary_disease_on_the_list_is_vascular_disease(hospital: Hospital, code: str) -> None:
    who = patient(hospital, diagnosis(code, days_ago=900), factories.answer(VASCULAR, "no"))
    found = fact(who, VASCULAR)
    assert found.said("yes") and OUTWEIGHS in found.rule


def test_coronary_disease_that_was_stated_is_vascular_disease(hospital: Hospital) -> None:
    rows = factories.answer("coronary_heart_disease", "yes", days_ago=1000), factories.answer(VASCULAR, "no")
    found = fact(patient(hospital, *rows), VASCULAR)
    assert found.said("yes") and found.source_type == "DERIVED" and found.expires_at is None
    assert found.rule.startswith('follows from "Coronary heart disease": yes' + OUTWEIGHS)


def test_a_no_to_vascular_disease_says_nothing_of_the_coronary_arteries(hospital: Hospital) -> None:
    found = taken(patient(hospital, factories.answer(VASCULAR, "no")))
    assert found[VASCULAR].said("no") and not found["coronary_heart_disease"].is_used


@pytest.mark.parametrize(("rows", "points"), [
    ([], 0),
    ([factories.answer("coronary_heart_disease", "yes")], 1),
    ([diagnosis("399261000", days_ago=900)], 1),
])  # fmt: skip
def test_coronary_disease_scores_a_point_of_cha2ds2_va(hospital: Hospital, rows: list[NewRow], points: int) -> None:
    answers = factories.complete_answers(
        prior_cardiovascular_disease="",
        atrial_fibrillation="yes",
        valvular_atrial_fibrillation="no",
        heart_failure="no",
        hypertension="no",
        vascular_disease="no",
    )
    patient(hospital, *factories.complete_labs(), *answers, *rows)
    jobs_run_due()
    estimate = RiskEstimate.objects.get(equation="cha2ds2_va")
    assert (estimate.reason_code, estimate.score) == ("", points)


def test_who_takes_a_statin_takes_a_lipid_lowering_drug(hospital: Hospital) -> None:
    who = patient(hospital, factories.answer(STATIN, "yes", days_ago=20), factories.answer(LIPIDS, "no", days_ago=5))
    found = taken(who)
    assert found[LIPIDS].said("yes")
    stated_on = words(datetime.now(UTC) - timedelta(days=5))
    assert found[LIPIDS].rule == f'follows from "Takes a statin": yes{OUTWEIGHS}{stated_on}'
    assert found[LIPIDS].expires_at == found[STATIN].expires_at is not None
    late = taken(who, found[STATIN].expires_at)
    assert late[STATIN].state == FeatureState.TOO_OLD and late[LIPIDS].said("no"), "it is not known to be taken today"
    drug = NewMedicationStatement(ATC, "C10AA05", start_date=today() - timedelta(days=100))
    listed = patient(hospital, drug, factories.answer(LIPIDS, "no"))
    assert fact(listed, LIPIDS).said("yes") and OUTWEIGHS in fact(listed, LIPIDS).rule


def test_no_statin_is_not_no_other_drug(hospital: Hospital) -> None:
    found = taken(patient(hospital, factories.answer(STATIN, "no")))
    assert found[STATIN].said("no") and found[LIPIDS].state == FeatureState.MISSING


def together(*rows: NewObservation) -> list[NewObservation]:
    return [replace(row, effective_at=rows[0].effective_at) for row in rows]


READ, UNREAD = measured(PRESSURE, "130"), measured(PRESSURE, "17", unit="kPa")


@pytest.mark.parametrize("sent", [together(READ, UNREAD), together(UNREAD, READ)], ids=["read first", "unread first"])
def test_of_one_moment_the_value_that_can_be_read_is_used(hospital: Hospital, sent: list[NewObservation]) -> None:
    who = factories.patient(hospital)
    for row in sent:
        stored(hospital, who, row)
    found = fact(who, PRESSURE)
    assert (found.state, found.value, found.sentence) == (FeatureState.USED, "130", "")
    assert "newest of 2; 1 of the same moment that cannot be read not considered" in found.rule


def test_a_newer_value_that_cannot_be_read_stands_in_the_way_and_says_so(hospital: Hospital) -> None:
    older, newer = measured(PRESSURE, "130", days_ago=60), measured(PRESSURE, "17", unit="kPa", days_ago=3)
    found = fact(patient(hospital, older, newer), PRESSURE)
    assert (found.state, found.value) == (FeatureState.REFUSED, "")
    assert found.sentence.endswith(
        f" This newer value, of {words(newer.effective_at)}, cannot be read and stands in the way of the older one of "
        f"{words(older.effective_at)}."
    )
    alone = fact(patient(hospital, newer), PRESSURE)
    assert alone.state == FeatureState.REFUSED and "stands in the way" not in alone.sentence


@pytest.mark.parametrize("is_dated", [True, False])
def test_the_pressure_of_a_tia_is_the_one_that_can_be_read(hospital: Hospital, is_dated: bool) -> None:
    attack = diagnosis(TIA, days_ago=4) if is_dated else factories.answer("tia_within_7_days", "yes", days_ago=2)
    pair = together(measured(PRESSURE, "151", days_ago=2.2), measured(PRESSURE, "20", unit="kPa"))
    for rows in (pair, pair[::-1]):
        who = patient(hospital, attack)
        for row in rows:
            stored(hospital, who, row)
        found = fact(who, "tia_systolic_bp_mmhg")
        assert (found.state, found.value) == (FeatureState.USED, "151")


def test_a_risen_creatinine_is_told_in_one_sentence(hospital: Hospital) -> None:
    others = [row for row in factories.complete_labs() if isinstance(row, NewObservation) and row.code != "2160-0"]
    injury = measured("creatinine_umol_l", "80", days_ago=9), measured("creatinine_umol_l", "160", days_ago=5)
    who = patient(hospital, *others, *injury, *factories.complete_answers())
    jobs_run_due()
    assert fact(who, "egfr_ml_min_173m2").sentence.startswith("Creatinine had risen to 2 times")
    estimate = RiskEstimate.objects.get(equation="prevent_base", outcome="total_cvd", horizon_years=10)
    assert estimate.sentence.startswith("eGFR: creatinine had risen to 2 times")


def test_an_old_creatinine_is_told_in_one_sentence(hospital: Hospital) -> None:
    who = patient(hospital, measured("creatinine_umol_l", "80", days_ago=800))
    on = words(datetime.now(UTC) - timedelta(days=800))
    assert fact(who, "egfr_ml_min_173m2").sentence.startswith(f"Creatinine: measured on {on}: older than")
