"""Computed values: the formula, every row they came from, the older date, and when they are not computed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from cdss.assessments.models import FeatureState
from ml.equations.ckd_epi_2021 import egfr_ckd_epi_2021
from patients.models import Patient
from patients.services.clinical_rows import NewRow
from tests import factories
from tests.cdss.assessments.facts import fact, measured, taken, today
from tests.factories import Hospital

pytestmark = pytest.mark.django_db
EGFR, BMI, NON_HDL = "egfr_ml_min_173m2", "bmi_kg_m2", "non_hdl_cholesterol_mmol_l"


def patient(at: Hospital, *rows: NewRow, **stated: object) -> Patient:
    who = factories.patient(at, **stated)
    factories.record(at, who, *rows)
    return who


def test_egfr_is_the_equations_own_number_with_its_parents(hospital: Hospital) -> None:
    who = patient(hospital, measured("creatinine_umol_l", "79.56", setting="ambulatory"))
    found = taken(who)
    egfr, creatinine = found[EGFR], found["creatinine_umol_l"]
    age = int(found["age_years"].value)
    assert float(egfr.value) == egfr_ckd_epi_2021(creatinine_umol_l=79.56, age_years=age, sex="female")
    assert (egfr.source_type, egfr.setting, egfr.effective_at) == ("DERIVED", "ambulatory", creatinine.effective_at)
    assert set(egfr.source_ids) == {*creatinine.source_ids, str(who.id)}
    assert egfr.expires_at == found["age_years"].expires_at, "a birthday comes before creatinine is too old"
    assert egfr.rule == "CKD-EPI 2021 from creatinine, age and sex"


@pytest.mark.parametrize(("stated", "state", "words"), [
    ({"birth_date": date(2015, 1, 1)}, FeatureState.REFUSED, "adults"),
    ({"birth_date": None}, FeatureState.MISSING, "Age: no birth date is recorded."),
    ({"sex": "other"}, FeatureState.MISSING, "Sex: none is recorded."),
])  # fmt: skip
def test_egfr_is_not_computed_for_whom_it_is_not(
    hospital: Hospital, stated: dict[str, object], state: FeatureState, words: str
) -> None:
    who = patient(hospital, measured("creatinine_umol_l", "80"), **stated)
    found = fact(who, EGFR)
    assert (found.state, found.value) == (state, "") and words in found.sentence


def test_egfr_is_not_computed_in_pregnancy(hospital: Hospital) -> None:
    who = patient(hospital, measured("creatinine_umol_l", "60"), factories.answer("pregnancy", "yes"))
    found = fact(who, EGFR)
    assert (found.state, found.reason_code, found.value) == (FeatureState.REFUSED, "PREGNANCY", "")


def test_an_old_creatinine_gives_no_egfr(hospital: Hospital) -> None:
    who = patient(hospital, measured("creatinine_umol_l", "80", days_ago=800))
    assert fact(who, EGFR).state == FeatureState.TOO_OLD


def test_bmi_comes_from_weight_and_height_and_is_as_old_as_the_older(hospital: Hospital) -> None:
    who = patient(
        hospital,
        measured(BMI, "31", days_ago=50),
        measured("body_weight_kg", "80", days_ago=3),
        measured("body_height_cm", "2", unit="m", days_ago=90),
    )
    found = taken(who)
    assert (found[BMI].value, found[BMI].source_type, found[BMI].rule) == ("20", "DERIVED", "weight / height²")
    assert found[BMI].effective_at == found["body_height_cm"].effective_at
    assert found[BMI].expires_at == found["body_weight_kg"].expires_at
    assert set(found[BMI].source_ids) == {*found["body_weight_kg"].source_ids, *found["body_height_cm"].source_ids}
    assert found[BMI].sent_value == found[BMI].source == ""


def test_an_index_sent_since_the_weight_is_kept(hospital: Hospital) -> None:
    rows = (
        measured("body_weight_kg", "80", days_ago=30),
        measured("body_height_cm", "200"),
        measured(BMI, "21", days_ago=9),
    )
    found = fact(patient(hospital, *rows), BMI)
    assert (found.value, found.source_type) == ("21", "OBSERVATION")


def test_an_index_that_is_not_used_is_not_replaced_by_one_from_before_it(hospital: Hospital) -> None:
    body = measured("body_weight_kg", "80", days_ago=30), measured("body_height_cm", "200", days_ago=30)
    for newest, state in (
        (measured(BMI, "31", days_ago=3, unit="stone"), FeatureState.REFUSED),
        (measured(BMI, "31", days_ago=3, setting="inpatient"), FeatureState.ACUTE),
    ):
        who = patient(hospital, *body, newest)
        assert (fact(who, BMI).state, fact(who, BMI).value) == (state, "")
        factories.record(hospital, who, measured("body_weight_kg", "84", days_ago=2))
        assert (fact(who, BMI).value, fact(who, BMI).source_type) == ("21", "DERIVED"), "the weight is newer"


def turning_18(on: date) -> date:
    return date(on.year - 18, on.month, min(on.day, 28))


def test_the_height_of_a_child_is_not_an_adults(hospital: Hospital) -> None:
    rows = measured("body_height_cm", "150", days_ago=400), measured("body_weight_kg", "45", days_ago=20)
    grown = patient(hospital, *rows, birth_date=turning_18(today() - timedelta(days=200)))
    height = fact(grown, "body_height_cm")
    assert height.state == FeatureState.TOO_OLD and "before the 18th birthday" in height.sentence
    assert fact(grown, BMI).state == FeatureState.MISSING
    factories.record(hospital, grown, measured("body_height_cm", "180", days_ago=10))
    assert fact(grown, "body_height_cm").value == "180" and fact(grown, BMI).is_used
    child = patient(hospital, *rows, birth_date=turning_18(today() + timedelta(days=200)))
    end = fact(child, "body_height_cm").expires_at
    assert fact(child, BMI).value == "20" and end is not None and end == fact(child, BMI).expires_at
    assert int(fact(child, "age_years", end).value) == 18 and fact(child, "body_height_cm", end).state == "TOO_OLD"
    unknown = patient(hospital, *rows, birth_date=None)
    assert fact(unknown, "body_height_cm").is_used


@pytest.mark.parametrize(("hours_apart", "is_derived"), [(0, True), (23.9, True), (24.1, False)])
def test_non_hdl_is_of_one_sample(hospital: Hospital, hours_apart: float, is_derived: bool) -> None:
    rows = (
        measured("total_cholesterol_mmol_l", "5.50", days_ago=30),
        measured("hdl_cholesterol_mmol_l", "1.35", days_ago=30 + hours_apart / 24),
    )
    found = taken(patient(hospital, *rows))
    if is_derived:
        assert (found[NON_HDL].value, found[NON_HDL].state) == ("4.15", FeatureState.USED)
        older = min(found[name].effective_at for name in ("total_cholesterol_mmol_l", "hdl_cholesterol_mmol_l"))
        assert found[NON_HDL].effective_at == older
        assert len(found[NON_HDL].source_ids) == 2
    else:
        assert found[NON_HDL].state == FeatureState.MISSING
        assert "not of one sample" in found[NON_HDL].sentence


def test_hdl_above_total_is_refused(hospital: Hospital) -> None:
    rows = measured("total_cholesterol_mmol_l", "2.0"), measured("hdl_cholesterol_mmol_l", "2.4")
    assert fact(patient(hospital, *rows), NON_HDL).state == FeatureState.REFUSED


def test_pack_years_are_recorded_or_computed(hospital: Hospital) -> None:
    rows = [measured("cigarettes_per_day", "15", days_ago=3), measured("smoking_years", "30", days_ago=9)]
    who = patient(hospital, *rows)
    found = fact(who, "pack_years")
    assert (found.value, found.source_type, len(found.source_ids)) == ("22.5", "DERIVED", 2)
    factories.record(hospital, who, measured("pack_years", "18", days_ago=400))
    assert (fact(who, "pack_years").value, fact(who, "pack_years").source_type) == ("18", "OBSERVATION")


@pytest.mark.parametrize("alone", ["cigarettes_per_day", "smoking_years"])
def test_pack_years_need_both(hospital: Hospital, alone: str) -> None:
    assert fact(patient(hospital, measured(alone, "15")), "pack_years").state == FeatureState.MISSING


def test_age_is_in_completed_years_until_midnight_before_the_birthday_there(hospital: Hospital) -> None:
    tomorrow = today() + timedelta(days=1)
    who = factories.patient(hospital, birth_date=tomorrow.replace(year=tomorrow.year - 60, day=min(tomorrow.day, 28)))
    found = fact(who, "age_years")
    assert found.expires_at is not None
    assert int(fact(who, "age_years", found.expires_at).value) == int(found.value) + 1
    assert fact(who, "age_years", found.expires_at - timedelta(microseconds=1)).value == found.value
    assert "America/New_York" in found.rule
