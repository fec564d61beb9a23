"""The policy through HTTP: what is in effect, a change tried on the current patients, and putting it into effect."""

from __future__ import annotations

import dataclasses
import re

import pytest
from django.test import Client
from django.utils.html import escape
from pytest_django import DjangoAssertNumQueries

from cdss.assessments.models import Assessment, PolicyTrial, PolicyVersion
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.document import policy_body, policy_changed, policy_document, policy_sha256
from cdss.assessments.policy.facts import facts_of
from cdss.assessments.policy.in_force import DEFAULT_SHA256
from cdss.assessments.services.policy import policy_adopt, policy_try
from cdss.audit.models import AuditEntry
from cdss.dashboard.presenters_policy import differences, fact_words
from cdss.dashboard.presenters_policy_trial import present_patients_changed
from cdss.jobs.running import jobs_run_due
from patients.models import Patient
from tests import factories
from tests.cdss.assessments.policy.people import person
from tests.cdss.dashboard.conftest import SignIn
from tests.cdss.dashboard.reading import tags_of, text_of
from tests.factories import Hospital

pytestmark = pytest.mark.django_db
HEART_FAILURE = "CARDIOVASCULAR/prevent_base/heart_failure/10/US"
STROKE_PROFILE = "STROKE/fsrp_2017/stroke/10/US"


def form_of(client: Client) -> dict[str, str]:
    """What a browser would send of the form as it stands."""
    source = client.get("/policy/edit/").content
    sent: dict[str, str] = {}
    select = ""
    for tag, attributes in tags_of(source):
        name = attributes.get("name") or ""
        if tag == "select":
            select = name
        elif tag == "option" and "selected" in attributes:
            sent[select] = attributes.get("value") or ""
        elif tag == "input" and (attributes.get("type") != "checkbox" or "checked" in attributes):
            sent[name] = attributes.get("value") or "on"
    for name, words in re.findall(r'<textarea name="([^"]+)"[^>]*>([^<]*)</textarea>', source.decode()):
        sent[name] = words.replace("&#x27;", "'").replace("&quot;", '"').replace("&amp;", "&")
    return sent


def tried(client: Client, **changed: str) -> PolicyTrial:
    response = client.post("/policy/edit/", {**form_of(client), **changed})
    assert response.status_code == 303, text_of(response.content)
    trial = PolicyTrial.objects.latest("created_at")
    assert response["Location"] == f"/policy/trials/{trial.id}/"
    return trial


def test_the_table_shows_every_number_with_place_people_and_refusals(auditor: Client) -> None:
    source = auditor.get("/policy/").content.decode()
    page = text_of(source)
    assert "the default policy; nobody has changed it" in page
    assert DEFAULT_SHA256 in page
    first = page[page.index("Guideline words PREVENT") :]
    assert first.startswith(
        "Guideline words PREVENT Total cardiovascular disease, atherosclerotic cardiovascular disease, heart failure, "
        "10 years Shown first LDL-C in the range of familial hypercholesterolaemia: shown beside it "
        "United States, 30 to 79 years REGION PREGNANCY PRIOR_ASCVD PRIOR_HF PRIOR_STROKE PRIOR_TIA CONTRADICTION"
    )
    for row in DEFAULT_POLICY.rows:
        for code in row.stops:
            assert code in page
    for said in (*DEFAULT_POLICY.stops, *DEFAULT_POLICY.questions, *DEFAULT_POLICY.notes):
        assert escape(said.sentence) in source
    for category in DEFAULT_POLICY.categories:
        assert f"{category.guideline} {category.year}" in page
    assert "no; read second-hand" in page
    assert "No version yet" in page


def test_only_an_administrator_is_offered_a_change(administrator: Client, clinician: Client, auditor: Client) -> None:
    assert 'href="/policy/edit/"' in administrator.get("/policy/").content.decode()
    for client in (clinician, auditor):
        assert "/policy/edit/" not in client.get("/policy/").content.decode()
        assert client.get("/policy/edit/").status_code == 404
        assert client.post("/policy/edit/", {"base": DEFAULT_SHA256}).status_code == 404
    assert not PolicyTrial.objects.exists()


def test_an_untouched_form_is_no_change(administrator: Client) -> None:
    response = administrator.post("/policy/edit/", form_of(administrator))
    assert response.status_code == 422
    assert "Nothing was changed." in text_of(response.content)
    assert not PolicyTrial.objects.exists()


def test_a_change_is_tried_shown_for_whom_and_put_into_effect_with_its_reason(
    hospital: Hospital, administrator: Client, assessed: Patient
) -> None:
    trial = tried(administrator, **{f"role:{STROKE_PROFILE}": "OFF", f"low:{HEART_FAILURE}": "40"})
    address = f"/policy/trials/{trial.id}/"
    running = administrator.get(address).content
    assert [a["hx-trigger"] for _, a in tags_of(running) if "hx-trigger" in a] == ["every 2s"]
    assert "Put into effect" not in text_of(running)
    assert "every 2s" in administrator.get(f"{address}work/?asked=1").content.decode()
    jobs_run_due()
    done = tags_of(administrator.get(f"{address}work/?asked=2").content)
    assert [(a["hx-trigger"], a["hx-select"]) for _, a in done if "hx-trigger" in a] == [("load", "#trial-part")]
    source = administrator.get(address).content.decode()
    page = text_of(source)
    assert not [a for _, a in tags_of(source.encode()) if "hx-trigger" in a]
    assert "Framingham Stroke 2017: stroke, 10 years (United States), place: Shown beside it → Not asked for" in page
    assert "PREVENT: heart failure, 10 years (United States), ages: 30 to 79 years → 40 to 79 years" in page
    assert "1 of 1 current patient would see something else." in page
    assert "Stroke Stroke a number disappears 1" in page
    risk = Assessment.objects.get().estimates.get(equation="fsrp_2017").risk
    assert f"Framingham Stroke 2017: stroke, 10 years a number disappears {risk * 100:.1f} % not asked for" in page
    assert f'<a href="/patients/{assessed.id}/">Synthetic-Okafor, Ada</a>' in source
    response = administrator.post(f"{address}adopt/", {"reason": "The profile is not used here."})
    assert (response.status_code, response["Location"]) == (303, "/policy/")
    page = text_of(administrator.get("/policy/").content)
    assert re.search(r"version 1 since \d+ \w+ \d{4}, [\d:]+, by Administrator of north", page)
    assert page.count("The profile is not used here.") == 2
    assert "2 differences" in page
    assert PolicyVersion.objects.get().sha256 == trial.sha256
    assert "This policy is in effect." in text_of(administrator.get(address).content)
    entry = AuditEntry.objects.filter(action="policy.adopted").get()
    assert trial.sha256 in entry.body


def test_a_reason_is_mandatory_and_its_absence_keeps_the_page(administrator: Client, assessed: Patient) -> None:
    trial = tried(administrator, **{f"role:{STROKE_PROFILE}": "OFF"})
    jobs_run_due()
    response = administrator.post(f"/policy/trials/{trial.id}/adopt/", {"reason": "   "})
    assert response.status_code == 422
    assert "A change of the policy states its reason" in text_of(response.content)
    area = next(a for tag, a in tags_of(response.content) if tag == "textarea")
    assert (area["aria-invalid"], area["aria-describedby"]) == ("true", "reason-error")
    assert not PolicyVersion.objects.exists()


def test_a_trial_that_is_not_done_cannot_be_adopted(administrator: Client, assessed: Patient) -> None:
    trial = tried(administrator, **{f"role:{STROKE_PROFILE}": "OFF"})
    response = administrator.post(f"/policy/trials/{trial.id}/adopt/", {"reason": "Now."})
    assert response.status_code == 409
    assert not PolicyVersion.objects.exists()


def test_somebody_elses_policy_in_between_is_a_conflict(
    hospital: Hospital, administrator: Client, assessed: Patient
) -> None:
    form = form_of(administrator)
    trial = tried(administrator, **{f"role:{STROKE_PROFILE}": "OFF"})
    jobs_run_due()
    actor = factories.actor_of(hospital.administrator)
    other = policy_try(
        actor=actor, document=policy_document(policy_changed(DEFAULT_POLICY, roles={HEART_FAILURE: "SECOND"}))
    )
    jobs_run_due()
    policy_adopt(actor=actor, trial_id=other.id, reason="Faster.")
    response = administrator.post(f"/policy/trials/{trial.id}/adopt/", {"reason": "Mine."})
    assert response.status_code == 409
    page = text_of(response.content)
    assert "Another policy was adopted since this one was tried. Nothing was adopted" in page
    assert "what would change is no longer known." in page
    assert 'name="reason"' not in response.content.decode()
    edited = administrator.post("/policy/edit/", {**form, f"role:{STROKE_PROFILE}": "OFF"})
    assert edited.status_code == 409
    assert "Another policy was put into effect since this page was opened." in text_of(edited.content)
    assert 'value="OFF" selected' in edited.content.decode()
    assert PolicyVersion.objects.count() == 1


def adopted(hospital: Hospital, trial: PolicyTrial) -> None:
    jobs_run_due()
    policy_adopt(actor=factories.actor_of(hospital.administrator), trial_id=trial.id, reason="So decided.")


def changes_on(client: Client, trial: PolicyTrial) -> str:
    source = client.get(f"/policy/trials/{trial.id}/").content.decode()
    return text_of(source[source.index('<h2 id="differences">') : source.index("</section>")])


def test_a_trial_lists_what_differs_from_the_policy_it_was_tried_against(
    hospital: Hospital, administrator: Client
) -> None:
    first = tried(administrator, **{f"role:{STROKE_PROFILE}": "OFF"})
    against_default = tried(administrator, **{f"role:{HEART_FAILURE}": "SECOND"})
    adopted(hospital, first)
    against_first = tried(administrator, **{f"role:{HEART_FAILURE}": "SECOND"})
    page = text_of(administrator.get(f"/policy/trials/{against_first.id}/").content)
    assert "Out of date" not in page
    second = tried(administrator, **{f"low:{HEART_FAILURE}": "40"})
    adopted(hospital, second)
    for trial in (against_default, against_first):
        page = text_of(administrator.get(f"/policy/trials/{trial.id}/").content)
        assert "Out of date: another policy has been put into effect since." in page
        assert changes_on(administrator, trial) == (
            "The change PREVENT: heart failure, 10 years (United States), place: Shown first → Shown beside it"
        )
    assert "Out of date" not in text_of(administrator.get(f"/policy/trials/{second.id}/").content)


def test_a_trial_against_a_version_that_was_carried_over_is_compared_with_what_it_meant(
    hospital: Hospital, administrator: Client
) -> None:
    chosen = dataclasses.replace(DEFAULT_POLICY, version="default-0", score2_region="low")
    PolicyVersion.objects.create(
        organisation=hospital.organisation,
        number=1,
        body=policy_document(chosen),
        sha256=policy_sha256(chosen),
        reason="The region of this country.",
        author_id=hospital.administrator.id,
        author_name="Administrator of north",
    )
    older = tried(administrator, **{f"role:{HEART_FAILURE}": "SECOND"})
    adopted(hospital, tried(administrator, **{f"low:{HEART_FAILURE}": "40"}))
    assert changes_on(administrator, older) == (
        "The change PREVENT: heart failure, 10 years (United States), place: Shown first → Shown beside it"
    )


def test_a_trial_whose_base_is_nowhere_any_more_says_so_and_lists_nothing(administrator: Client) -> None:
    trial = tried(administrator, **{f"role:{HEART_FAILURE}": "SECOND"})
    PolicyTrial.objects.filter(id=trial.id).update(base_sha256="f" * 64)
    assert changes_on(administrator, trial) == (
        "The change The policy this was tried against is not on file any more, so what differs from it cannot be "
        "listed."
    )


def test_words_read_second_hand_cannot_be_ticked_whatever_is_sent(administrator: Client) -> None:
    source = administrator.get("/policy/edit/").content
    unverified = [item for item in DEFAULT_POLICY.categories if not item.verified]
    assert unverified
    names = {a.get("name") for tag, a in tags_of(source) if tag == "input"}
    for item in unverified:
        assert f"shown:{item.key}" not in names
    page = text_of(source)
    words = "not verified: read second-hand; cannot be shown"
    assert page.count(words) == len(unverified)
    assert re.search(rf"ACC/AHA dyslipidemia 2026, [^.]*? {words}", page)
    sent = {**form_of(administrator), **{f"shown:{item.key}": "on" for item in unverified}}
    assert administrator.post("/policy/edit/", sent).status_code == 422
    assert not PolicyTrial.objects.exists()


@pytest.mark.parametrize(
    ("risk", "sentences", "what"),
    [
        (0.065, ("", ""), "the guideline's words or notes beside the number change"),
        (None, ("Not shown: a.", "Not shown: b."), "its sentence changes"),
        (None, ("Not shown: a.", "Not shown: a."), "the notes beside the refusal change"),
    ],
)
def test_words_that_change_are_named_as_what_they_are(
    assessed: Patient, risk: float | None, sentences: tuple[str, str], what: str
) -> None:
    seen = [
        {"role": "PRIMARY", "risk": risk, "score": None, "reason_code": "", "sentence": sentence}
        for sentence in sentences
    ]
    number = {"equation": "prevent_base", "outcome": "ascvd", "horizon_years": 10, "kind": "WORDS"}
    change = {**number, "before": seen[0], "after": seen[1]}
    trial = PolicyTrial(changes={"patients": [{"patient": str(assessed.id), "changes": [change]}]})
    (item,) = present_patients_changed(trial, {assessed.id: assessed})
    assert item.changes[0].what == what


def test_every_fact_of_a_policy_has_words() -> None:
    policy = DEFAULT_POLICY
    named = {item.fact for item in (*policy.stops, *policy.questions, *policy.notes) if item.fact}
    of_rows = {fact for row in policy.rows for fact in (*row.asked_if, *row.questions)}
    moved = {change.fact for row in policy.rows for change in row.roles_if}
    facts = named | of_rows | moved | set(facts_of(person(58), region="EUROPE", score2_region=None))
    assert "kidney_failure" in facts
    for fact in facts:
        words = fact_words(fact)
        assert words[:1].isupper(), fact
        # No name of a program, and names and acronyms as they are written.
        wrong = r"_|\b(europe|tia|apoe|ct|ldl|pce|sdi|uacr|fh|score2|hba1c|Pce|Sdi|Uacr|Fh)\b|\w+ in Europe"
        assert not re.search(wrong, words), words
    assert fact_words("diabetes_in_europe") == "Diabetes, in Europe"
    assert fact_words("aged_80_or_more_undiagnosed").startswith("Aged 80 or more")


def test_a_question_that_is_worded_otherwise_is_named_in_words() -> None:
    worded = policy_changed(DEFAULT_POLICY, sentences={"questions/prior_stroke_or_tia": "Asked first."})
    (item,) = differences(policy_body(DEFAULT_POLICY), policy_body(worded))
    assert item.where == "Question prior stroke or TIA"


@pytest.mark.parametrize(
    ("changed", "sentence", "field"),
    [
        ({f"role:{HEART_FAILURE}": "LOUD"}, "A role is one of", f"role:{HEART_FAILURE}"),
        ({f"low:{HEART_FAILURE}": "18"}, "within 30 to 79", f"low:{HEART_FAILURE}"),
        ({f"high:{HEART_FAILURE}": "seventy"}, "Ages are two whole numbers of years.", f"high:{HEART_FAILURE}"),
        ({"sentence:stops/PREGNANCY": ""}, "A sentence has 1 to 600 characters.", "sentence:stops/PREGNANCY"),
        ({"sentence:stops/PRIOR_HF": "{secret}"}, "can be filled with {recorded} only", "sentence:stops/PRIOR_HF"),
        ({"score2_region": "mild"}, "A SCORE2 region is one of", ""),
        ({"role:DEMENTIA/libra/dementia/0/US+EUROPE": "PRIMARY"}, "not fully verified", ""),
    ],
)
def test_a_wrong_field_is_named_and_what_was_typed_is_kept(
    administrator: Client, changed: dict[str, str], sentence: str, field: str
) -> None:
    response = administrator.post("/policy/edit/", {**form_of(administrator), **changed})
    assert response.status_code == 422
    assert sentence in text_of(response.content)
    if field:
        invalid = [a["name"] for _, a in tags_of(response.content) if a.get("aria-invalid") == "true"]
        assert field in invalid
    ids = [a["id"] for _, a in tags_of(response.content) if a.get("id")]
    described = [a["aria-describedby"] for _, a in tags_of(response.content) if a.get("aria-describedby")]
    assert set(described) <= set(ids)
    assert len(ids) == len(set(ids))
    assert not PolicyTrial.objects.exists()


def test_region_words_and_sentences_reach_the_tried_policy(administrator: Client) -> None:
    words = form_of(administrator)
    words.pop("shown:esc-2021-40")
    words |= {"score2_region": "moderate", "sentence:notes/US_COHORT": "Followed in the United States."}
    assert administrator.post("/policy/edit/", words).status_code == 303
    trial = PolicyTrial.objects.get()
    page = text_of(administrator.get(f"/policy/trials/{trial.id}/").content)
    assert "Policy, SCORE2 region: not set → moderate" in page
    assert "Note US_COHORT, sentence: US cohort: MESA followed people in the United States. →" in page
    assert "ESC prevention 2021 (esc-2021-40), shown: yes → no" in page


def test_a_hospital_without_patients_sees_that_nobody_would_notice(administrator: Client) -> None:
    trial = tried(administrator, **{f"role:{STROKE_PROFILE}": "OFF"})
    jobs_run_due()
    page = text_of(administrator.get(f"/policy/trials/{trial.id}/").content)
    assert "There is no patient with a record yet" in page


def test_a_failed_trial_says_so(administrator: Client) -> None:
    trial = tried(administrator, **{f"role:{STROKE_PROFILE}": "OFF"})
    PolicyTrial.objects.filter(id=trial.id).update(finished_at=trial.created_at, error="The worker was stopped.")
    page = text_of(administrator.get(f"/policy/trials/{trial.id}/").content)
    assert "The trial failed: The worker was stopped. Nothing was changed." in page
    assert "Put into effect" not in page


def test_trials_are_of_one_hospital_and_for_who_may_change_the_policy(
    hospital: Hospital, other_hospital: Hospital, administrator: Client, signed_in: SignIn
) -> None:
    trial = tried(administrator, **{f"role:{STROKE_PROFILE}": "OFF"})
    for user in (hospital.clinician, hospital.auditor, other_hospital.administrator):
        client = signed_in(user)
        for address in (f"/policy/trials/{trial.id}/", f"/policy/trials/{trial.id}/work/"):
            assert client.get(address).status_code == 404
        assert client.post(f"/policy/trials/{trial.id}/adopt/", {"reason": "x"}).status_code == 404
    assert not PolicyVersion.objects.exists()


def test_listing_patients_of_a_trial_is_audited(administrator: Client, assessed: Patient) -> None:
    trial = tried(administrator, **{f"role:{STROKE_PROFILE}": "OFF"})
    jobs_run_due()
    administrator.get(f"/policy/trials/{trial.id}/")
    entry = AuditEntry.objects.order_by("-seq")[0]
    assert entry.action == "patients.listed"
    assert str(trial.id) in entry.body


def test_trial_page_asks_the_database_as_often_for_many_patients_as_for_one(
    hospital: Hospital, administrator: Client, assessed: Patient, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        factories.complete_patient(hospital, given_name=f"Ada {number}")
    jobs_run_due()
    trial = tried(administrator, **{f"role:{STROKE_PROFILE}": "OFF"})
    jobs_run_due()
    with django_assert_max_num_queries(14):
        page = text_of(administrator.get(f"/policy/trials/{trial.id}/").content)
    assert "4 of 4 current patients" in page
    with django_assert_max_num_queries(8):
        administrator.get("/policy/")


def test_a_version_of_another_default_policy_is_said_to_be_carried_over(
    hospital: Hospital, administrator: Client
) -> None:
    page = text_of(administrator.get("/policy/").content)
    assert "carried over" not in page
    chosen = dataclasses.replace(DEFAULT_POLICY, version="default-0", score2_region="low")
    PolicyVersion.objects.create(
        organisation=hospital.organisation,
        number=1,
        body=policy_document(chosen),
        sha256=policy_sha256(chosen),
        reason="The region of this country.",
        author_id=hospital.administrator.id,
        author_name="Administrator of north",
    )
    page = text_of(administrator.get("/policy/").content)
    assert (
        f"Table {DEFAULT_POLICY.version} . Version 1 was put into effect under another default policy; this "
        "organisation's own choices in it are carried over to the present one."
    ).replace(" .", ".") in page
    assert "Low risk" in page
