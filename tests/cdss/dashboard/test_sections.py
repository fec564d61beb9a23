"""The three sections of a record: risks and points, what stands beside and behind them, and what is not pressed."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from cdss.accounts.actors import actor_of
from cdss.accounts.models import User
from cdss.assessments.models import Assessment
from cdss.jobs.running import jobs_run_due
from patients.models import Patient
from patients.services.clinical_rows import NewCondition
from patients.terminology import SNOMED_CT
from tests import factories
from tests.cdss.dashboard.conftest import SignIn
from tests.cdss.dashboard.reading import tags_of, text_of
from tests.factories import Hospital

pytestmark = pytest.mark.django_db
ATRIAL_FIBRILLATION, TIA, PALLIATIVE_CARE = "49436004", "266257000", "103735009"
INFARCTION = "57054005"


def born(age_years: int) -> date:
    today = datetime.now(UTC).date()
    return date(today.year - age_years, 1, 1)


def diagnosed(code: str, *, days_ago: int) -> NewCondition:
    return NewCondition(SNOMED_CT, code, onset_date=datetime.now(UTC).date() - timedelta(days=days_ago))


def source_of(client: Client, who: Patient) -> str:
    response = client.get(f"/patients/{who.id}/")
    assert response.status_code == 200
    return str(response.content.decode())


def section(source: str, name: str) -> str:
    """One section's mark-up, from its heading to the next one."""
    start = source.index(f'<h2 id="{name}">')
    return source[start : source.find("<h2", start + 1)]


@pytest.fixture
def in_fibrillation(hospital: Hospital) -> Patient:
    who = factories.patient(hospital, birth_date=born(71), sex="male")
    answers = {
        "atrial_fibrillation": "",
        "heart_failure": "no",
        "hypertension": "yes",
        "vascular_disease": "no",
        "valvular_atrial_fibrillation": "no",
        "anticoagulant_treatment": "no",
    }
    rows = [*factories.complete_labs(), *factories.complete_answers(**answers)]
    factories.record(hospital, who, *rows, diagnosed(ATRIAL_FIBRILLATION, days_ago=400))
    jobs_run_due()
    return who


def test_points_lead_without_a_percentage_or_a_picture(clinician: Client, in_fibrillation: Patient) -> None:
    source = section(source_of(clinician, in_fibrillation), "stroke")
    cards = re.findall(r'<article class="card.*?</article>', source, re.DOTALL)
    points, refused = (text_of(item) for item in cards)
    estimate = Assessment.objects.get().estimates.get(equation="cha2ds2_va")
    assert (estimate.score, estimate.score_high) == (2, 8)
    assert "2 of 8 points" in points
    assert estimate.meaning in points
    assert "%" not in points
    assert "icons" not in cards[0]
    assert "PREVENT has no term for atrial fibrillation; use CHA2DS2-VA, unless a heart valve rules it out." in refused
    assert "NO_AF_TERM PREVENT: stroke (10 years)" in refused


def test_points_are_explained_in_points(clinician: Client, in_fibrillation: Patient) -> None:
    page = text_of(source_of(clinician, in_fibrillation))
    terms = page[page.index("2 of 8 points Stroke, CHA2DS2-VA") :]
    assert "Share, points" in terms[: terms.index("Framingham")]
    assert re.search(r"Hypertension yes no \+1 ", terms)


def test_framingham_stands_beside_the_points_with_its_note(clinician: Client, in_fibrillation: Patient) -> None:
    stroke = text_of(section(source_of(clinician, in_fibrillation), "stroke"))
    beside = stroke[stroke.index("Beside it") :]
    risk = Assessment.objects.get().estimates.get(equation="fsrp_2017").risk
    assert f"The male AF coefficient is near zero (0.08). {risk * 100:.1f} %" in beside


def test_a_recent_tia_is_answered_with_abcd2(hospital: Hospital, clinician: Client) -> None:
    who = factories.patient(hospital, birth_date=born(66))
    rows = [
        *factories.complete_labs(),
        factories.quantity("8480-6", "138", "mm[Hg]", days_ago=2),  # the first after the attack
        factories.quantity("8462-4", "92", "mm[Hg]", days_ago=2),
        *factories.complete_answers(prior_stroke_or_tia=""),
        factories.answer("tia_clinical_features", "speech", days_ago=1),
    ]
    factories.record(hospital, who, *rows, diagnosed(TIA, days_ago=3))
    jobs_run_due()
    source = source_of(clinician, who)
    assert 'name="number-tia_duration_minutes"' in source
    clinician.post(f"/patients/{who.id}/answers/", {"number-tia_duration_minutes": "25"})
    jobs_run_due()
    stroke = text_of(section(source_of(clinician, who), "stroke"))
    assert "4 of 7 points" in stroke
    assert "Guidelines do not use ABCD2 to decide on urgency" in stroke


def test_older_equations_wait_behind_one_closed_link(clinician: Client, assessed: Patient) -> None:
    source = section(source_of(clinician, assessed), "cardiovascular")
    older = source[source.index("<summary>Older equations</summary>") :]
    opening = source[: source.index("<summary>Older equations</summary>")]
    assert opening.rstrip().endswith('<details class="quiet">')  # closed
    names = ("Pooled Cohort", "Framingham 2008")
    for name in names:
        assert name in older
        assert name not in opening
    risk = Assessment.objects.get().estimates.get(equation="pce_2013").risk
    assert f"{risk * 100:.1f} %" in older


def test_what_is_computed_for_the_api_is_not_on_the_page(clinician: Client, assessed: Patient) -> None:
    hidden = Assessment.objects.get().estimates.filter(role="API")
    assert {"libra", "centiloid"} <= set(hidden.values_list("equation", flat=True))
    page = text_of(source_of(clinician, assessed))
    for words in ("LIBRA", "Centiloid", "PIPELINE_NOT_CALIBRATED"):
        assert words not in page


def test_category_word_stands_with_range_outcome_guideline_and_year(
    hospital: Hospital, clinician: Client, assessed: Patient
) -> None:
    factories.record(hospital, assessed, factories.answer("antihypertensive_treatment", "no", days_ago=1))
    jobs_run_due()
    current = Assessment.objects.get(superseded_by__isnull=True)
    item = current.estimates.get(equation="prevent_base", outcome="total_cvd", horizon_years=10)
    (category,) = item.categories
    page = text_of(section(source_of(clinician, assessed), "cardiovascular"))
    words = f"{category['word']} ({category['range']}): Total cardiovascular disease, AHA/ACC high blood pressure 2025"
    assert page.count(words.replace("<", "&lt;")) == 1
    assert page.count(category["word"]) == 1


def test_limited_horizon_collapses_every_number_and_its_terms(
    hospital: Hospital, clinician: Client, assessed: Patient
) -> None:
    factories.record(hospital, assessed, diagnosed(PALLIATIVE_CARE, days_ago=20))
    jobs_run_due()
    source = source_of(clinician, assessed)
    assert text_of(source).count("a long-term figure is opened on demand.") == 1
    for name in ("cardiovascular", "stroke"):
        shown, _, behind = section(source, name).partition("<details")
        assert "%" not in text_of(shown)
        assert f"<summary>Show the {name} numbers</summary>" in behind
        assert re.match(r' class="panel">', behind)  # not open
        assert "%" in text_of(behind)
    assert 'id="shares"' not in source
    history = source[source.index('<h2 id="history">') :]
    newest = text_of(history[: history.index("</tr>", history.index("(this one)"))])
    assert newest.endswith("On demand Total cardiovascular disease, 10 years, PREVENT equations-1.1.0 none")


def test_only_the_first_explanation_is_open(clinician: Client, assessed: Patient) -> None:
    source = source_of(clinician, assessed)
    terms = source[source.index('<h2 id="shares">') :]
    terms = terms[: terms.index("</section>")]
    opened = re.findall(r"<details( open)?><summary><b>", terms)
    assert opened[0] == " open"
    assert len(opened) > 3
    assert not any(opened[1:])
    assert terms.count("<summary>As a table</summary>") == len(opened)


@pytest.fixture
def gene_tested(hospital: Hospital) -> Patient:
    who = factories.patient(hospital, birth_date=born(55))
    rows = [
        *factories.complete_labs(),
        *factories.complete_answers(),
        factories.answer("cognitive_disorder", "no"),
        factories.answer("physical_activity", "no"),
        factories.answer("apoe_e4", "yes"),
    ]
    factories.record(hospital, who, *rows)
    jobs_run_due()
    return who


def test_genetic_data_are_only_for_who_may_see_them(
    hospital: Hospital, gene_tested: Patient, clinician: Client, signed_in: SignIn
) -> None:
    assert Assessment.objects.get().estimates.filter(equation="caide_2", is_genetic=True).exists()
    record = Assessment.objects.get()
    for address in (f"/patients/{gene_tested.id}/", f"/assessments/{record.id}/"):
        page = text_of(clinician.get(address).content)
        assert "APOE" not in page
        assert "CAIDE 2" not in page
    assert "answer-apoe_e4" not in source_of(clinician, gene_tested)
    # The answer cannot be given or withdrawn by who may not see it.
    clinician.post(f"/patients/{gene_tested.id}/answers/", {"answer-apoe_e4": "no", "seen-apoe_e4": "yes"})
    assert gene_tested.id and Assessment.objects.get().snapshot.features.get(feature="apoe_e4").value == "yes"
    User.objects.filter(id=hospital.clinician.id).update(may_see_genetics=True)
    hospital.clinician.refresh_from_db()
    assert actor_of(hospital.clinician).may("genetics.read")
    allowed = signed_in(hospital.clinician)
    page = text_of(allowed.get(f"/patients/{gene_tested.id}/").content)
    assert "Carries APOE e4" in page
    assert "CAIDE 2" in page
    assert "answer-apoe_e4" in source_of(allowed, gene_tested)


def test_dementia_points_follow_from_a_number_entered_on_the_page(clinician: Client, gene_tested: Patient) -> None:
    assert "MISSING_EDUCATION" in section(source_of(clinician, gene_tested), "dementia")
    response = clinician.post(f"/patients/{gene_tested.id}/answers/", {"number-education_years": "8"})
    assert response.status_code == 303
    jobs_run_due()
    dementia = text_of(section(source_of(clinician, gene_tested), "dementia"))
    score = Assessment.objects.get(supersedes__isnull=False).estimates.get(equation="caide_1").score
    assert f"{score:.0f} of 15 points" in dementia
    assert "No validated equation in this product gives a 5- or 10-year dementia probability." in dementia
    row = Assessment.objects.get(supersedes__isnull=False).snapshot.features.get(feature="education_years")
    assert (row.value, row.unit) == ("8", "a")


def test_bars_never_have_a_style_and_say_their_direction(clinician: Client, in_fibrillation: Patient) -> None:
    rects = [a for tag, a in tags_of(source_of(clinician, in_fibrillation).encode()) if tag == "rect"]
    assert rects
    assert {a["class"] for a in rects} <= {"raises", "lowers"}


def test_a_reason_is_told_once_and_the_older_equations_point_to_it(hospital: Hospital, clinician: Client) -> None:
    who = factories.patient(hospital)
    answers = factories.complete_answers(prior_cardiovascular_disease="")
    factories.record(hospital, who, *factories.complete_labs(), *answers, diagnosed(INFARCTION, days_ago=900))
    jobs_run_due()
    text = text_of(section(source_of(clinician, who), "cardiovascular"))
    assert text.count("acute myocardial infarction") == 1
    older = text[text.index("Older equations") :]
    assert "For the reason above PRIOR_ASCVD Pooled Cohort Equations 2013" in older


def test_ldl_in_the_familial_range_is_told_once_and_no_other_continent_leads(
    hospital: Hospital, clinician: Client
) -> None:
    who = factories.complete_patient(hospital)
    factories.record(hospital, who, factories.quantity("13457-7", "205", "mg/dL"))
    jobs_run_due()
    source = section(source_of(clinician, who), "cardiovascular")
    text = text_of(source)
    assert text.count("LDL-C is in the range of familial hypercholesterolaemia") == 1
    assert text.index("LDL-C is in the range") < text.index("%")
    opening = text_of(source[: source.index('<details class="quiet">')])
    assert "Other numbers" in opening
    assert "SCORE2" not in opening
    assert "No number" not in opening


def test_the_question_that_holds_a_first_number_back_is_asked_with_what_is_needed(
    hospital: Hospital, clinician: Client
) -> None:
    who = factories.patient(hospital, birth_date=born(71), sex="male")
    answers = {
        "atrial_fibrillation": "",
        "heart_failure": "no",
        "valvular_atrial_fibrillation": "no",
        "anticoagulant_treatment": "no",
        "cognitive_disorder": "no",
    }
    rows = [*factories.complete_labs(), *factories.complete_answers(**answers)]
    factories.record(hospital, who, *rows, diagnosed(ATRIAL_FIBRILLATION, days_ago=400))
    jobs_run_due()
    assert Assessment.objects.get().estimates.get(equation="cha2ds2_va").reason_code == "MISSING_HYPERTENSION"
    source = source_of(clinician, who)
    first = source[source.index("Needed before a number is shown") :]
    first, _, rest = first.partition('<details class="question-group"')
    assert 'name="answer-hypertension"' in first
    assert 'name="answer-hypertension"' not in rest
    # The next thing that this score lacks is not folded away.
    group = rest[: rest.index('name="answer-vascular_disease"')].rpartition('<details class="question-group"')[2]
    assert (group or rest).startswith(" open")


def test_a_limit_is_told_of_a_value_outside_it_alone(hospital: Hospital, clinician: Client) -> None:
    who = factories.patient(hospital)
    labs = [replace(row, setting="inpatient") for row in factories.complete_labs()]
    factories.record(hospital, who, *labs, *factories.complete_answers())
    jobs_run_due()
    text = text_of(source_of(clinician, who))
    assert "enter or confirm stable outpatient values. ACUTE_VALUES" in text
    assert "it is not recorded whether this person has left ventricular hypertrophy on the ECG. MISSING_" not in text
    assert "Limit:" not in text
    high = factories.quantity("8480-6", "230", "mm[Hg]", days_ago=1, setting="ambulatory")
    rest = [factories.quantity("2093-3", "213", "mg/dL", days_ago=1, setting="ambulatory")]
    factories.record(hospital, who, high, *rest)
    jobs_run_due()
    assert "Limit: 90 to" in text_of(source_of(clinician, who))


def test_mesa_without_its_second_number_ends_with_the_reason(clinician: Client, assessed: Patient) -> None:
    text = text_of(section(source_of(clinician, assessed), "cardiovascular"))
    assert "there is no CT on which it could be. NO_VALID_CAC Coronary events, angina-driven" in text


def test_the_deprivation_index_is_asked_in_the_united_states_alone(signed_in: SignIn, hospital: Hospital) -> None:
    for at, is_asked in ((hospital, True), (factories.hospital("south", region="EUROPE"), False)):
        source = source_of(signed_in(at.clinician), factories.patient(at))
        assert ('name="number-sdi_decile"' in source) is is_asked
        assert "Years of education</label>" in source
