"""An entry form that is refused: said at the top of the page, with links to the fields, and nothing typed is lost."""

from __future__ import annotations

import pytest
from django.test import Client

from cdss.jobs.running import jobs_run_due
from patients.models import Observation, Patient
from tests import factories
from tests.cdss.dashboard.reading import tags_of, text_of
from tests.factories import Hospital

pytestmark = pytest.mark.django_db
SENT = {
    "number-education_years": "99",
    "answer-diabetes": "yes",
    "answer-smoking": "sometimes",
    "answer-antihypertensive_treatment": "no",
    "answer-statin_treatment": "",
}


@pytest.fixture
def who(hospital: Hospital) -> Patient:
    found = factories.patient(hospital)
    factories.record(hospital, found, *factories.complete_labs())
    jobs_run_due()
    return found


def test_what_is_wrong_is_said_at_the_top_with_a_link_to_each_field(clinician: Client, who: Patient) -> None:
    response = clinician.post(f"/patients/{who.id}/answers/", SENT)
    assert response.status_code == 422
    source = response.content.decode()
    summary = source[source.index('<div class="notice error" role="alert">') :]
    summary = summary[: summary.index("</div>")]
    assert source.index(summary) < source.index("<h2")
    assert "4 answers were not recorded." in text_of(summary)
    assert "Years of education 99 a cannot be right" in text_of(summary)
    assert "This is not one of the answers." in text_of(summary)
    links = [str(a["href"]) for tag, a in tags_of(summary.encode()) if tag == "a"]
    assert links == ["#answer-smoking", "#number-education_years"]
    ids = [a["id"] for _, a in tags_of(response.content) if a.get("id")]
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert len(ids) == len(set(ids))


def test_nothing_that_was_chosen_or_typed_is_lost_and_it_can_be_sent_again(clinician: Client, who: Patient) -> None:
    response = clinician.post(f"/patients/{who.id}/answers/", SENT)
    fields = [a for tag, a in tags_of(response.content) if tag == "input"]
    chosen = {a["name"]: a["value"] for a in fields if a.get("type") == "radio" and "checked" in a}
    typed = {a["name"]: a["value"] for a in fields if str(a.get("name")).startswith(("number-", "seen-"))}
    assert chosen["answer-diabetes"] == "yes"
    assert chosen["answer-antihypertensive_treatment"] == "no"
    assert typed["number-education_years"] == "99"
    again = {**typed, **chosen, "number-education_years": "9", "answer-smoking": "never"}
    assert clinician.post(f"/patients/{who.id}/answers/", again).status_code == 303
    stated = Observation.objects.filter(patient=who, source__startswith="form:")
    assert stated.count() == 4


def test_one_answer_that_was_not_recorded_is_one(clinician: Client, who: Patient) -> None:
    response = clinician.post(f"/patients/{who.id}/answers/", {"number-education_years": "99"})
    assert "1 answer was not recorded. It stands below as you gave it" in text_of(response.content)


def test_a_page_without_an_error_has_no_summary(clinician: Client, who: Patient) -> None:
    assert "not recorded." not in text_of(clinician.get(f"/patients/{who.id}/").content)
