"""Which of several values is used, and what is said of those that are not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from cdss.assessments.models import FeatureState, SnapshotFeature
from cdss.assessments.services.snapshot import snapshot_body, snapshot_record
from patients.services.clinical_rows import NewObservation
from patients.terminology import LOINC, QUANTITIES, QUESTIONS
from tests import factories
from tests.cdss.assessments.facts import diagnosis, fact, measured, stored, taken
from tests.factories import Hospital

pytestmark = pytest.mark.django_db
TOTAL, PRESSURE = "total_cholesterol_mmol_l", "systolic_bp_mmhg"


def test_every_feature_is_there_even_of_somebody_of_whom_nothing_is_known(hospital: Hospital) -> None:
    found = taken(factories.patient(hospital))
    expected = {item.feature for item in (*QUANTITIES, *QUESTIONS)} | {
        *("age_years", "sex", "non_hdl_cholesterol_mmol_l", "egfr_ml_min_173m2", "pce_race"),
        *("agatston_score", "metal_in_ct", "tia_systolic_bp_mmhg", "tia_diastolic_bp_mmhg"),
    }
    assert set(found) == expected
    assert {name for name, item in found.items() if item.state == FeatureState.USED} == {"age_years", "sex"}
    assert all(item.feature == name for name, item in found.items())
    assert {name for name, item in found.items() if item.is_genetic} == {"apoe_e4"}


def test_the_latest_value_not_from_acute_care_is_used_and_says_why_it_won(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    factories.record(
        hospital,
        who,
        measured(PRESSURE, "190", days_ago=1, setting="emergency"),
        measured(PRESSURE, "95", days_ago=2, setting="inpatient"),
        measured(PRESSURE, "138", days_ago=20, setting="ambulatory"),
        measured(PRESSURE, "131", days_ago=90, setting="ambulatory"),
    )
    found = fact(who, PRESSURE)
    assert (found.state, found.value, found.setting) == (FeatureState.USED, "138", "ambulatory")
    assert found.rule == "latest value not from acute care: newest of 4; 2 from acute care not considered"


def test_a_value_of_unknown_setting_is_used_and_says_so(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    factories.record(hospital, who, measured(PRESSURE, "138"))
    assert fact(who, PRESSURE).rule == "latest value; where it was measured is not stated"


@pytest.mark.parametrize("setting", ["inpatient", "emergency"])
def test_only_acute_values_are_withheld_with_a_sentence(hospital: Hospital, setting: str) -> None:
    who = factories.patient(hospital)
    factories.record(hospital, who, measured(TOTAL, "5.5", setting=setting))
    found = fact(who, TOTAL)
    assert (found.state, found.value, found.sent_value, found.setting) == (FeatureState.ACUTE, "", "5.5", setting)
    assert found.sentence.startswith("Only values from an acute admission are on file")
    assert fact(who, "non_hdl_cholesterol_mmol_l").state == FeatureState.ACUTE


def test_what_an_admission_does_not_change_is_used_from_there(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    rows = [
        measured("tia_duration_minutes", "25", days_ago=2, setting="emergency"),
        measured("body_height_cm", "171", setting="inpatient"),
        measured("body_weight_kg", "80", setting="inpatient"),
    ]
    factories.record(hospital, who, *rows)
    found = taken(who)
    assert found["tia_duration_minutes"].value == "25" and found["body_height_cm"].value == "171"
    assert found["body_weight_kg"].state == FeatureState.ACUTE


def test_a_unit_not_understood_is_refused_and_no_older_value_takes_its_place(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    factories.record(hospital, who, measured(TOTAL, "5.1", days_ago=60))
    stored(hospital, who, NewObservation(LOINC, "2093-3", timezone.now(), value=Decimal("2.1"), unit="furlong"))
    found = fact(who, TOTAL)
    assert (found.state, found.value, found.sent_unit) == (FeatureState.REFUSED, "", "furlong")
    assert "not understood in 'furlong'" in found.sentence and "mmol/L" in found.sentence
    factories.record(hospital, who, measured(TOTAL, "5.2", days_ago=0))
    assert fact(who, TOTAL).value == "5.2"


@pytest.mark.parametrize("quantity", [item for item in QUANTITIES if item.max_age_days < 3000], ids=lambda q: q.feature)
def test_a_value_is_used_until_it_is_too_old(hospital: Hospital, quantity) -> None:
    who = factories.patient(hospital)
    middle = (quantity.plausible[0] + quantity.plausible[1]) / 2
    row = stored(hospital, who, measured(quantity.feature, str(middle.quantize(Decimal(1))), days_ago=1))
    grows_old = row.effective_at + timedelta(days=quantity.max_age_days)
    found = fact(who, quantity.feature, grows_old - timedelta(seconds=1))
    assert (found.state, found.expires_at) == (FeatureState.USED, grows_old)
    late = fact(who, quantity.feature, grows_old)
    assert (late.state, late.expires_at) == (FeatureState.TOO_OLD, None)
    assert "so it is not used" in late.sentence


def test_lipoprotein_a_by_mass_and_by_amount_are_never_converted_into_each_other(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    factories.record(hospital, who, measured("lipoprotein_a_mg_dl", "50"))
    found = taken(who)
    assert found["lipoprotein_a_mg_dl"].value == "50"
    assert found["lipoprotein_a_nmol_l"].state == FeatureState.MISSING


def test_ldl_is_never_computed_and_says_so(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    rows = [measured(TOTAL, "5.5"), measured("hdl_cholesterol_mmol_l", "1.2"), measured("triglycerides_mmol_l", "1.1")]
    factories.record(hospital, who, *rows)
    found = fact(who, "ldl_cholesterol_mmol_l")
    assert (found.state, found.value) == (FeatureState.MISSING, "")
    assert "never computed" in found.sentence


def test_a_snapshot_keeps_the_setting_of_each_value(hospital: Hospital) -> None:
    who = factories.patient(hospital)
    factories.record(hospital, who, measured(PRESSURE, "138", setting="ambulatory"), diagnosis("73211009"))
    as_of = timezone.now()
    features = taken(who, as_of)
    snapshot = snapshot_record(patient=who, as_of=as_of, features=features)
    row = SnapshotFeature.objects.get(snapshot=snapshot, feature=PRESSURE)
    assert (row.setting, row.value) == ("ambulatory", "138")
    assert '"setting":"ambulatory"' in snapshot.body
    assert snapshot.body == snapshot_body(patient=who, as_of=as_of, features=taken(who, as_of))
