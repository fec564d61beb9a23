"""The entry form: only what was changed is recorded, by name; what is not stated stays unknown."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from cdss.assessments.models import Assessment
from cdss.assessments.services.snapshot import snapshot_take
from cdss.audit.models import AuditEntry
from cdss.jobs.running import jobs_run_due
from patients.models import Observation, Patient
from patients.services.clinical_rows import NewCondition, NewObservation
from patients.terminology import ENTERED_QUANTITY_OF_FEATURE, SNOMED_CT
from tests import factories
from tests.cdss.dashboard.conftest import SignIn
from tests.cdss.dashboard.reading import YOUNG, tags_of, text_of
from tests.factories import Hospital

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(hospital: Hospital) -> Patient:
    found = factories.patient(hospital)
    factories.record(hospital, found, *factories.complete_labs())
    jobs_run_due()
    return found


def form_of(client: Client, who: Patient) -> dict[str, str]:
    """What a browser would send without touching anything."""
    sent: dict[str, str] = {}
    for tag, attributes in tags_of(client.get(f"/patients/{who.id}/").content):
        name = attributes.get("name") or ""
        is_sent = attributes.get("type") == "hidden" or "checked" in attributes
        if tag == "input" and name.startswith(("answer-", "seen-")) and is_sent:
            sent[name] = attributes.get("value") or ""
    return sent


def stated(who: Patient) -> dict[str, str]:
    rows = Observation.objects.filter(patient=who, source__startswith="form:").order_by("recorded_at")
    return {row.code: row.value_code for row in rows}


def test_answers_are_recorded_with_name_and_a_new_record_follows(
    hospital: Hospital, clinician: Client, who: Patient
) -> None:
    sent = form_of(clinician, who)
    for name in ("prior_cardiovascular_disease", "prior_stroke_or_tia", "atrial_fibrillation", "diabetes"):
        sent[f"answer-{name}"] = "no"
    sent |= {"answer-smoking": "never", "answer-antihypertensive_treatment": "no", "answer-statin_treatment": "no"}
    response = clinician.post(f"/patients/{who.id}/answers/", sent)
    assert (response.status_code, response["Location"]) == (303, f"/patients/{who.id}/")
    row = Observation.objects.get(patient=who, code="diabetes")
    assert row.source == f"form:{hospital.clinician.id}"
    assert len(stated(who)) == 7
    jobs_run_due()
    page = text_of(clinician.get(f"/patients/{who.id}/").content)
    assert "of 100 people with these recorded values" in page
    assert "Clinician of north" in page
    assert Assessment.objects.get(supersedes__isnull=False).estimates.get(position=0).risk is not None


def test_untouched_form_records_nothing(clinician: Client, who: Patient) -> None:
    before = AuditEntry.objects.count()
    response = clinician.post(f"/patients/{who.id}/answers/", form_of(clinician, who))
    assert response.status_code == 303
    assert stated(who) == {}
    assert AuditEntry.objects.filter(action="clinical_rows.recorded").count() == 1
    assert AuditEntry.objects.count() == before + 1  # the viewing of the form alone


def test_not_stated_withdraws_an_answer_and_does_not_become_no(clinician: Client, who: Patient) -> None:
    address = f"/patients/{who.id}/answers/"
    clinician.post(address, {"answer-diabetes": "yes"})
    jobs_run_due()
    clinician.post(address, {"answer-diabetes": ""})
    jobs_run_due()
    rows = list(Observation.objects.filter(patient=who, code="diabetes").order_by("recorded_at"))
    assert [(row.value_code, row.status) for row in rows] == [("yes", "final"), ("yes", "entered-in-error")]
    assert form_of(clinician, who)["answer-diabetes"] == ""
    latest = Assessment.objects.get(superseded_by__isnull=True)
    assert latest.snapshot.features.get(feature="diabetes").state == "MISSING"


def test_an_unknown_answer_is_refused_beside_its_question_and_nothing_is_recorded(
    clinician: Client, who: Patient
) -> None:
    sent = {"answer-smoking": "sometimes", "answer-diabetes": "yes"}
    response = clinician.post(f"/patients/{who.id}/answers/", sent)
    assert response.status_code == 422
    assert "This is not one of the answers." in text_of(response.content)
    assert stated(who) == {}
    chosen = [a for tag, a in tags_of(response.content) if a.get("name") == "answer-diabetes" and "checked" in a]
    assert [a["value"] for a in chosen] == ["yes"]


def test_an_answer_given_meanwhile_by_somebody_else_is_not_overwritten(clinician: Client, who: Patient) -> None:
    sent = form_of(clinician, who)
    clinician.post(f"/patients/{who.id}/answers/", {"answer-diabetes": "yes"})
    response = clinician.post(f"/patients/{who.id}/answers/", {**sent, "answer-diabetes": "no"})
    assert response.status_code == 422
    assert "Somebody has answered this meanwhile: Yes. Check it again." in text_of(response.content)
    assert stated(who) == {"diabetes": "yes"}
    # Leaving the question alone is not an answer to it, whatever the page showed.
    assert clinician.post(f"/patients/{who.id}/answers/", sent).status_code == 303
    assert stated(who) == {"diabetes": "yes"}


def test_a_recorded_diagnosis_is_shown_and_cannot_be_answered_away(
    hospital: Hospital, clinician: Client, who: Patient
) -> None:
    factories.record(hospital, who, NewCondition(SNOMED_CT, "84114007"))
    page = clinician.get(f"/patients/{who.id}/").content
    assert "Yes : heart failure (problem list, laboratory)" in text_of(page)
    assert "answer-prior_cardiovascular_disease" not in page.decode()
    clinician.post(f"/patients/{who.id}/answers/", {"answer-prior_cardiovascular_disease": "no"})
    assert stated(who) == {}


@pytest.mark.parametrize(
    ("person", "is_asked"),
    [
        ({"birth_date": YOUNG}, True),
        ({"birth_date": YOUNG, "sex": "male"}, False),
        ({"birth_date": None}, True),
        ({"birth_date": YOUNG, "sex": "unknown"}, True),
        ({}, False),
    ],
)
def test_pregnancy_is_asked_only_where_the_policy_needs_it(
    hospital: Hospital, clinician: Client, person: dict[str, object], is_asked: bool
) -> None:
    found = factories.patient(hospital, **person)
    assert ("answer-pregnancy" in form_of(clinician, found)) is is_asked


def test_only_clinicians_answer(hospital: Hospital, other_hospital: Hospital, who: Patient, signed_in: SignIn) -> None:
    address = f"/patients/{who.id}/answers/"
    for user in (hospital.administrator, hospital.auditor, other_hospital.clinician):
        assert signed_in(user).post(address, {"answer-diabetes": "yes"}).status_code == 404
    assert Client().post(address, {"answer-diabetes": "yes"}).status_code == 302
    assert stated(who) == {}
    page = signed_in(hospital.administrator).get(f"/patients/{who.id}/").content.decode()
    assert 'name="answer-' not in page


def numbers_of(client: Client, who: Patient) -> dict[str, str]:
    tags = tags_of(client.get(f"/patients/{who.id}/").content)
    names = [(a.get("name") or "", a.get("value") or "") for tag, a in tags if tag == "input"]
    return {name.removeprefix("number-"): value for name, value in names if name.startswith("number-")}


def test_histories_are_asked_first_and_the_rest_waits_in_closed_groups(clinician: Client, who: Patient) -> None:
    page = clinician.get(f"/patients/{who.id}/").content.decode()
    first, rest = page.split('<details class="question-group"', 1)
    asked = set(re.findall(r'name="answer-(\w+)"', first))
    assert asked == {
        "prior_cardiovascular_disease",
        "prior_stroke_or_tia",
        "atrial_fibrillation",
        "cognitive_disorder",
    }
    assert 'name="answer-diabetes"' in rest
    assert '<details class="question-group" open' not in page
    # Answered, they stand in their group; what a number shown first lacks takes their place, its group open beside it.
    clinician.post(f"/patients/{who.id}/answers/", {f"answer-{name}": "no" for name in asked})
    jobs_run_due()
    page = clinician.get(f"/patients/{who.id}/").content.decode()
    first = page.split('<details class="question-group"', 1)[0]
    assert set(re.findall(r'name="answer-(\w+)"', first)) == {"diabetes"}
    opened = re.findall(r'<details class="question-group" open><summary><b>([^<]+)</b>', page)
    assert opened


def test_only_what_matters_for_this_person_is_asked(hospital: Hospital, clinician: Client, who: Patient) -> None:
    asked = form_of(clinician, who)
    for name in ("heart_failure", "valvular_atrial_fibrillation", "tia_within_7_days", "tia_clinical_features"):
        assert f"seen-{name}" not in asked
    clinician.post(f"/patients/{who.id}/answers/", {"answer-atrial_fibrillation": "yes"})
    asked = form_of(clinician, who)
    for name in ("heart_failure", "valvular_atrial_fibrillation", "vascular_disease", "hypertension"):
        assert f"seen-{name}" in asked
    older = factories.patient(hospital, birth_date=date(1930, 1, 1))
    assert "education_years" not in numbers_of(clinician, older)
    assert "education_years" in numbers_of(clinician, who)


def test_a_number_is_recorded_with_its_unit_and_withdrawn_when_emptied(clinician: Client, who: Patient) -> None:
    address = f"/patients/{who.id}/answers/"
    assert clinician.post(address, {"number-education_years": "12.5"}).status_code == 303
    row = Observation.objects.get(patient=who, code="education-years")
    assert (row.value_quantity, row.unit, row.value_code) == (Decimal("12.5"), "a", "")
    assert numbers_of(clinician, who)["education_years"] == "12.5"
    # Untouched, it is not recorded again.
    sent = {"number-education_years": "12.5", "seen-education_years": "12.5"}
    clinician.post(address, sent)
    assert Observation.objects.filter(patient=who, code="education-years").count() == 1
    assert clinician.post(address, {**sent, "number-education_years": ""}).status_code == 303
    assert numbers_of(clinician, who)["education_years"] == ""
    statuses = Observation.objects.filter(patient=who, code="education-years").order_by("recorded_at")
    assert [item.status for item in statuses] == ["final", "entered-in-error"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("12,5", "Write one number with digits, and a point where it has decimals"),
        ("twelve", "Write one number with digits"),
        ("1e1", "Write one number with digits"),
        ("NaN", "Write one number with digits"),
        ("1234567890123", "Write one number with digits"),
        ("\u0661\u0662", "Write one number with digits"),
        ("-3", "Write one number with digits"),
        ("75", "Years of education 75 a cannot be right"),
    ],
)
def test_a_bad_number_is_refused_beside_its_field_and_kept(
    clinician: Client, who: Patient, typed: str, sentence: str
) -> None:
    sent = {"number-education_years": typed, "answer-diabetes": "yes"}
    response = clinician.post(f"/patients/{who.id}/answers/", sent)
    assert response.status_code == 422
    assert sentence in text_of(response.content)
    assert not Observation.objects.filter(patient=who, source__startswith="form:").exists()
    fields = {a.get("name"): a for tag, a in tags_of(response.content) if tag == "input"}
    assert fields["number-education_years"]["value"] == typed
    assert fields["number-education_years"]["aria-invalid"] == "true"
    opened = response.content.decode().split("<b>Memory and cognition</b>")[0].rsplit("<details", 1)[1]
    assert " open" in opened


def test_a_number_that_a_system_sent_is_corrected_there(hospital: Hospital, clinician: Client, who: Patient) -> None:
    quantity = ENTERED_QUANTITY_OF_FEATURE["education_years"]
    sent = NewObservation(
        quantity.code_system, quantity.code, timezone.now(), value=Decimal(9), unit=quantity.quantity.unit
    )
    factories.record(hospital, who, sent)
    response = clinician.post(
        f"/patients/{who.id}/answers/", {"number-education_years": "", "seen-education_years": "9"}
    )
    assert response.status_code == 422
    assert "This value was sent by laboratory; correct it where it is recorded." in text_of(response.content)
    # Somebody who knows better states another number; the sent one stays on file.
    clinician.post(f"/patients/{who.id}/answers/", {"number-education_years": "11", "seen-education_years": "9"})
    assert numbers_of(clinician, who)["education_years"] == "11"


def test_an_answer_that_is_too_old_is_open_again_and_can_be_given_again(
    hospital: Hospital, clinician: Client, who: Patient
) -> None:
    factories.record(hospital, who, factories.answer("diabetes", "no", days_ago=800))
    assert form_of(clinician, who)["answer-diabetes"] == ""
    assert "Too long ago, so it is asked again." in text_of(clinician.get(f"/patients/{who.id}/").content)
    clinician.post(f"/patients/{who.id}/answers/", {"answer-diabetes": "no", "seen-diabetes": ""})
    assert form_of(clinician, who)["answer-diabetes"] == "no"
    assert Observation.objects.filter(patient=who, code="diabetes").count() == 2


MAN, WOMAN_OF_60 = {"birth_date": YOUNG, "sex": "male"}, {}


@pytest.mark.parametrize(
    ("person", "feature", "days_ago"),
    [
        (MAN, "pregnancy", 10),
        (WOMAN_OF_60, "pregnancy", 10),
        (WOMAN_OF_60, "pregnancy", 200),  # a yes holds for a whole pregnancy and three months
        (WOMAN_OF_60, "dialysis", 10),
        (WOMAN_OF_60, "palliative_care", 10),
        (WOMAN_OF_60, "coronary_heart_disease", 10),
        ({"birth_date": date(1930, 1, 1)}, "cognitive_disorder", 10),
    ],
)
def test_a_stated_yes_that_stops_something_can_be_corrected_wherever_it_stops_it(
    hospital: Hospital, clinician: Client, person: dict[str, object], feature: str, days_ago: int
) -> None:
    found = factories.patient(hospital, **person)
    assert f"seen-{feature}" not in form_of(clinician, found)  # nobody is asked who has said nothing
    factories.record(hospital, found, factories.answer(feature, "yes", days_ago=days_ago))
    sent = form_of(clinician, found)
    assert f"seen-{feature}" in sent
    assert clinician.post(f"/patients/{found.id}/answers/", {**sent, f"answer-{feature}": "no"}).status_code == 303
    assert stated(found) == {feature.replace("_", "-"): "no"}
    assert f"seen-{feature}" not in form_of(clinician, found)


def test_what_the_problem_list_says_is_not_offered_to_those_who_are_not_asked(
    hospital: Hospital, clinician: Client
) -> None:
    found = factories.patient(hospital)
    palliative_care = NewCondition(SNOMED_CT, "103735009")
    factories.record(hospital, found, palliative_care, factories.answer("palliative_care", "yes"))
    assert "answer-palliative_care" not in clinician.get(f"/patients/{found.id}/").content.decode()


def test_a_way_of_life_is_not_asked_again_beyond_its_ages(hospital: Hospital, clinician: Client) -> None:
    found = factories.patient(hospital, birth_date=date(1945, 1, 1))
    factories.record(hospital, found, factories.answer("physical_activity", "yes"))
    assert "seen-physical_activity" not in form_of(clinician, found)


PREGNANCY = "77386006"


def test_a_pregnancy_on_the_list_stands_alone_whatever_was_stated_beside_it(
    hospital: Hospital, clinician: Client
) -> None:
    found = factories.patient(hospital, birth_date=YOUNG)
    onset = timezone.now().date() - timedelta(days=100)
    stated_yes = factories.answer("pregnancy", "yes", days_ago=147)
    factories.record(hospital, found, stated_yes, NewCondition(SNOMED_CT, PREGNANCY, onset_date=onset))
    page = clinician.get(f"/patients/{found.id}/").content
    legend = text_of(page.decode().split("<legend>Pregnant", 1)[1].split("</fieldset>", 1)[0])
    assert f"Yes : pregnancy (problem list, laboratory), {onset:%B %Y}. Correct it where it is recorded." in legend
    assert "Too long ago" not in legend and ", ." not in legend
    assert "answer-pregnancy" not in page.decode()


@pytest.mark.parametrize(
    ("said", "days_ago", "is_asked_again"),
    [("yes", 147, False), ("yes", 370, False), ("yes", 371, True), ("no", 89, False), ("no", 90, True)],
)
def test_a_stated_pregnancy_is_asked_again_when_the_snapshot_no_longer_uses_it(
    hospital: Hospital, clinician: Client, said: str, days_ago: int, is_asked_again: bool
) -> None:
    found = factories.patient(hospital, birth_date=YOUNG)
    factories.record(hospital, found, factories.answer("pregnancy", said, days_ago=days_ago))
    assert form_of(clinician, found)["answer-pregnancy"] == ("" if is_asked_again else said)
    assert ("Too long ago" in text_of(clinician.get(f"/patients/{found.id}/").content)) is is_asked_again
    assert snapshot_take(patient=found, as_of=timezone.now())["pregnancy"].is_used is not is_asked_again
