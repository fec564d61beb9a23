"""The ten hard cases of the policy: rows and images in over HTTP, what the record says, what the clinician reads.

Real web server, worker and sweeper processes; nobody calls a function of the product in between.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdss.demo.hospital_rows import patient_body
from cdss.embedded.urls import ServiceUrls
from patients.terminology import QUANTITY_OF_FEATURE
from tests import factories
from tests.factories import Hospital
from tests.journeys.hospital_line import (
    NO_HISTORY,
    Json,
    diagnosed,
    identified_patient_send,
    images_send,
    labs,
    measured,
    patient_send,
    running_line,
    stated,
)
from tests.processes import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def url(services: ServiceUrls, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_line(services, tmp_path_factory.mktemp("line")) as address:
        yield address


@pytest.fixture
def european(db: None) -> Hospital:
    return factories.hospital("harbour", region="EUROPE", time_zone="Europe/Dublin")


def estimates(record: Json) -> dict[tuple[str, str, int], Json]:
    return {(item["equation"], item["outcome"], item["horizon_years"]): item for item in record["estimates"]}


def refused(record: Json, code: str) -> set[str]:
    """The equations refused for this reason."""
    return {item["equation"] for item in record["estimates"] if item["reason_code"] == code}


def numbers(record: Json) -> set[str]:
    """The equations with a number, those that are computed and not shown included."""
    return {item["equation"] for item in record["estimates"] if not item["reason_code"]}


CARDIOVASCULAR = {"prevent_base", "mesa_chd", "mesa_chd_cac"}


def test_pregnancy_shows_no_long_term_risk(url: str, hospital: Hospital) -> None:
    sent = patient_send(url, hospital, age_years=46, sex="female")
    sent.rows("observations", *labs(), *stated(**NO_HISTORY, pregnancy="yes"))
    record = sent.record()
    assert refused(record, "PREGNANCY") >= CARDIOVASCULAR
    assert not numbers(record) & (CARDIOVASCULAR | {"fsrp_2017", "score2"})
    assert "Not shown during pregnancy: cholesterol, blood pressure and creatinine do not reflect" in sent.page()


def test_prior_infarction_is_named_with_its_date_and_the_stroke_profile_stays(url: str, hospital: Hospital) -> None:
    sent = patient_send(url, hospital, age_years=63, sex="male")
    sent.rows("conditions", diagnosed("22298006", days_ago=800))
    known = {name: value for name, value in NO_HISTORY.items() if name != "prior_cardiovascular_disease"}
    sent.rows("observations", *labs(), *stated(**known))
    record = sent.record()
    assert refused(record, "PRIOR_ASCVD") >= CARDIOVASCULAR
    stroke = estimates(record)["fsrp_2017", "stroke", 10]
    assert stroke["role"] == "PRIMARY" and 0 < stroke["risk"] < 1
    shares = {item["input"]: item["value"] for item in stroke["contributions"]}
    assert shares["has_prior_cardiovascular_disease"] == "yes"
    page = sent.page()
    assert "Not shown: myocardial infarction (" in page
    assert "secondary-prevention care applies whatever the number" in page


def test_atrial_fibrillation_is_answered_with_points_and_prevent_stroke_is_refused(
    url: str, hospital: Hospital
) -> None:
    sent = patient_send(url, hospital, age_years=71, sex="male")
    sent.rows("conditions", diagnosed("49436004", days_ago=400))
    known = {name: value for name, value in NO_HISTORY.items() if name != "atrial_fibrillation"}
    answers = {
        "heart_failure": "no",
        "hypertension": "yes",
        "vascular_disease": "no",
        "valvular_atrial_fibrillation": "no",
        "anticoagulant_treatment": "yes",
    }
    sent.rows("observations", *labs(), *stated(**known, **answers))
    found = estimates(sent.record())
    assert found["prevent_base", "total_cvd", 10]["risk"] is not None
    assert found["prevent_base", "stroke", 10]["reason_code"] == "NO_AF_TERM"
    assert found["fsrp_2017", "stroke", 10]["reason_code"] == "AF_ANTICOAGULATED"
    points = found["cha2ds2_va", "stroke", 0]
    assert (points["role"], points["score"], points["risk"]) == ("PRIMARY", 2, None)  # 65 to 74, hypertension
    page = sent.page()
    assert "PREVENT has no term for atrial fibrillation" in page
    assert "2 of 8 points" in page


def test_a_tia_of_three_days_ago_is_answered_with_abcd2_only(url: str, hospital: Hospital) -> None:
    sent = patient_send(url, hospital, age_years=66, sex="female")
    sent.rows("conditions", diagnosed("266257000", days_ago=3))
    known = {name: value for name, value in NO_HISTORY.items() if name != "prior_stroke_or_tia"}
    rows = [
        *labs(),
        measured("8480-6", "152", "mm[Hg]", days_ago=2, setting="emergency"),  # the stable one before was 138
        measured("8462-4", "84", "mm[Hg]", days_ago=2, setting="emergency"),
        *stated(**known, tia_clinical_features="speech"),
        tia_minutes("25"),
    ]
    sent.rows("observations", *rows)
    record = sent.record()
    assert refused(record, "PRIOR_TIA") >= {*CARDIOVASCULAR, "fsrp_2017"}
    points = estimates(record)["abcd2", "stroke", 0]
    assert points["score"] == 4  # age, blood pressure, speech, 10 to 59 minutes
    page = sent.page()
    assert "4 of 7 points" in page and "urgency" in page


def tia_minutes(value: str) -> Json:
    code_system, code = QUANTITY_OF_FEATURE["tia_duration_minutes"].codes[0]
    return {**measured(code, value, "min", days_ago=1), "code_system": code_system}


def test_a_european_with_diabetes_gets_no_score2(url: str, european: Hospital) -> None:
    sent = patient_send(url, european, age_years=58, sex="female")
    sent.rows("observations", *labs(), *stated(**{**NO_HISTORY, "diabetes": "yes"}))
    record = sent.record()
    assert refused(record, "DIABETES") == {"score2"}
    assert "prevent_base" in refused(record, "REGION")
    assert "SCORE2 is not for people with diabetes" in sent.page()


def test_missing_ethnicity_refuses_mesa_alone(url: str, hospital: Hospital) -> None:
    sent = patient_send(url, hospital, age_years=57, sex="male")
    known = {name: value for name, value in NO_HISTORY.items() if name != "mesa_race_ethnicity"}
    sent.rows("observations", *labs(), *stated(**known))
    found = estimates(sent.record())
    assert found["mesa_chd", "chd", 10]["reason_code"] == "RACE_UNKNOWN"
    assert found["prevent_base", "total_cvd", 10]["risk"] is not None
    assert "MESA needs one of the four groups it studied, as stated by the patient; none is recorded." in sent.page()


def test_at_82_prevent_ends_and_mesa_is_second(url: str, hospital: Hospital) -> None:
    sent = patient_send(url, hospital, age_years=82, sex="female")
    sent.rows("observations", *labs(), *stated(**NO_HISTORY))
    found = estimates(sent.record())
    assert found["prevent_base", "total_cvd", 10]["reason_code"] == "AGE_ABOVE_RANGE"
    assert found["mesa_chd", "chd", 10]["role"] == "SECOND" and found["mesa_chd", "chd", 10]["risk"] is not None
    assert "PREVENT over 10 years ends at 79; this person is 82." in sent.page()


def test_a_contrast_ct_gives_no_calcium_and_never_zero(url: str, hospital: Hospital, tmp_path: Path) -> None:
    folder = tmp_path / "ct"
    argv = [sys.executable, "-m", "ml.synthetic", str(folder), "--new-patient", "--ct-kind", "CORONARY_ANGIOGRAPHY"]
    subprocess.run([*argv, "--seed", "5"], cwd=ROOT, check=True, capture_output=True)
    item = json.loads((folder / "cohort.json").read_text(encoding="utf-8"))["patients"][0]
    sent = identified_patient_send(url, hospital, patient_body(item))
    sent.rows("observations", *labs(), *stated(**NO_HISTORY, pregnancy="no"))
    images_send(sent, sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "cohort.json"))
    record = sent.record()
    calcium = estimates(record)["mesa_chd_cac", "chd", 10]
    assert (calcium["reason_code"], calcium["risk"]) == ("CONTRAST_PRESENT", None)
    assert estimates(record)["mesa_chd", "chd", 10]["risk"] is not None
    assert "Calcium not scored: a contrast agent" in sent.page()


def test_values_from_an_acute_admission_are_not_used(url: str, hospital: Hospital) -> None:
    sent = patient_send(url, hospital, age_years=59, sex="male")
    sent.rows("observations", *labs(setting="inpatient"), *stated(**NO_HISTORY))
    record = sent.record()
    assert "prevent_base" in refused(record, "ACUTE_VALUES") and not numbers(record) & CARDIOVASCULAR
    page = sent.page()
    assert "Only values from an acute admission are on file" in page
    assert "inpatient" in page.lower()


def test_cholesterol_in_the_wrong_unit_is_refused_with_its_likely_cause(url: str, hospital: Hospital) -> None:
    sent = patient_send(url, hospital, age_years=59, sex="male")
    right = [row for row in labs() if row["code"] != "2093-3"]
    sent.rows("observations", *right, *stated(**NO_HISTORY))
    answer = sent.rows("observations", measured("2093-3", "5.2", "mg/dL"), status=422)
    problem = json.dumps(answer)
    assert "IMPLAUSIBLE_VALUE" in problem and "plausible in mmol/L; nothing was converted" in problem
    found = estimates(sent.record())
    assert found["prevent_base", "total_cvd", 10]["reason_code"] == "MISSING_TOTAL_CHOLESTEROL"
    page = sent.page()
    assert "Total cholesterol 5.2 mg/dL cannot be right" in page
    sent.rows("observations", measured("2093-3", "5.2", "mmol/L", days_ago=29))
    assert estimates(sent.record())["prevent_base", "total_cvd", 10]["risk"] is not None
    assert "Total cholesterol 5.2 mg/dL cannot be right" not in sent.page()
