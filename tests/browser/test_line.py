"""The line a clinician walks: sign in, worklist, patient, answer what is open, see the risk, acknowledge it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from cdss.assessments.models import AssessmentReview
from cdss.jobs.running import jobs_run_due
from tests import factories
from tests.browser.watching import sign_in, watched_page
from tests.cdss.dashboard.reading import study_arrives

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_a_clinician_answers_sees_the_risk_and_acknowledges(browser: Browser, live_server: LiveServer) -> None:
    at = factories.hospital("north")
    who = factories.patient(at, mrn="N-77")
    factories.record(at, who, *factories.complete_labs())
    jobs_run_due()
    page, watch = watched_page(browser, live_server.url)
    page.goto("/")
    expect(page).to_have_url(f"{live_server.url}/sign-in/?next=%2F")
    sign_in(page, at.clinician.username)
    page.get_by_role("link", name="Synthetic-Okafor, Ada").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Synthetic-Okafor, Ada")
    expect(page.get_by_text("Every number of this record is withheld")).to_be_visible()
    # What keeps every number back is asked first; the rest waits in closed groups.
    expect(page.get_by_role("group", name="Known cardiovascular disease")).to_be_visible()
    expect(page.get_by_role("radio", name="Never smoked")).to_be_hidden()
    for group in page.locator("#questions summary").all():
        group.click()
    for no in page.locator("#questions").get_by_role("radio", name="No", exact=True).all():
        no.check()
    page.get_by_role("radio", name="Never smoked").check()
    page.get_by_role("button", name="Record what was changed").click()
    # The page polls while the work runs, and takes in the new record by itself.
    running = page.get_by_text("Assess a patient's risk")
    expect(running).to_be_visible()
    opened = page.get_by_role("heading", level=1).element_handle()
    jobs_run_due()
    expect(page.locator(".card .number").first).to_contain_text("%")
    expect(running).to_be_hidden()
    assert opened.evaluate("node => node.isConnected"), "the page was not loaded again, only its part was"
    page.get_by_role("textbox", name="Comment").fill("Seen with the patient.")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#answer").get_by_text("by Clinician of north")).to_be_visible()
    assert AssessmentReview.objects.get().comment == "Seen with the patient."
    page.goto("/")
    expect(page.get_by_text("Nobody waits for an answer.")).to_be_visible()
    assert watch.problems == []
    page.context.close()


def test_typing_survives_the_arrival_of_a_record(browser: Browser, live_server: LiveServer) -> None:
    at = factories.hospital("north")
    who = factories.complete_patient(at)
    jobs_run_due()
    study_arrives(at, who)
    factories.record(at, who, factories.quantity("8480-6", "150", "mm[Hg]", days_ago=1))
    page, watch = watched_page(browser, live_server.url)
    sign_in(page, at.clinician.username)
    page.goto(f"/patients/{who.id}/")
    expect(page.get_by_text("A new record is on its way and will take")).to_be_visible()
    page.locator("input[name='verdict-1'][value='LAD']").check()
    before = page.locator(".card .number").first.inner_text()
    jobs_run_due()
    expect(page.locator(".card .number").first).not_to_have_text(before)
    expect(page.locator("input[name='verdict-1'][value='LAD']")).to_be_checked()
    expect(page.get_by_role("button", name="Acknowledge")).to_be_visible()
    # A second round of work is polled again after the part was replaced.
    factories.record(at, who, factories.quantity("8480-6", "161", "mm[Hg]", days_ago=0))
    page.reload()
    expect(page.get_by_text("A new record is on its way and will take")).to_be_visible()
    jobs_run_due()
    expect(page.get_by_text("A new record is on its way and will take")).to_be_hidden()
    assert watch.problems == []
    page.context.close()


def test_calcium_is_confirmed_in_the_page(browser: Browser, live_server: LiveServer) -> None:
    at = factories.hospital("north")
    who = factories.complete_patient(at)
    study_arrives(at, who)
    page, watch = watched_page(browser, live_server.url)
    sign_in(page, at.clinician.username)
    page.goto(f"/patients/{who.id}/")
    expect(page.get_by_text("Calcium waits for a reader")).to_be_visible()
    for row in page.locator("table.candidates tbody tr:has(fieldset)").all():
        row.get_by_role("radio", name="LAD").check()
    page.get_by_label("The CT is ECG-gated").check()
    page.get_by_label("There is no stent").check()
    page.get_by_label("None of the structures that are too large").check()
    page.get_by_role("button", name="Confirm and score").click()
    expect(page.get_by_text("read by Clinician of north").first).to_be_visible()
    jobs_run_due()
    expect(page.get_by_text("Calcium not scored: not confirmed.")).to_have_count(0)
    expect(page.locator(".line")).to_contain_text("with calcium")
    expect(page.locator(".line")).not_to_contain_text("no number")
    assert watch.problems == []
    page.context.close()


def test_the_worklist_says_when_somebody_new_waits(browser: Browser, live_server: LiveServer) -> None:
    at = factories.hospital("north")
    page, watch = watched_page(browser, live_server.url)
    sign_in(page, at.clinician.username)
    expect(page.get_by_text("Nobody waits for an answer.")).to_be_visible()
    factories.complete_patient(at)
    jobs_run_due()
    page.get_by_role("link", name="Show the current list").click()
    expect(page.get_by_role("link", name="Synthetic-Okafor, Ada")).to_be_visible()
    assert watch.problems == []
    page.context.close()


def test_everything_works_without_script_and_on_a_narrow_screen(
    browser: Browser, live_server: LiveServer, settings: Settings
) -> None:
    settings.ENVIRONMENT_LABEL = "Test. Every patient is synthetic."
    at = factories.hospital("north")
    who = factories.complete_patient(at)
    study_arrives(at, who)
    page, watch = watched_page(
        browser, live_server.url, java_script_enabled=False, viewport={"width": 320, "height": 640}
    )
    sign_in(page, at.clinician.username)
    for address in ("/", "/patients/", "/about/", "/policy/", f"/patients/{who.id}/"):
        page.goto(address)
        # Without script nothing can be asked of the page; its picture's width is what it needs.
        assert page.locator("html").bounding_box()["width"] == 320, address  # type: ignore[index]
        widest = max(box["width"] for item in page.locator("main > *").all() if (box := item.bounding_box()))
        assert widest <= 320, address
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#answer").get_by_text("by Clinician of north")).to_be_visible()
    assert watch.problems == []
    page.context.close()


def test_an_answer_sent_after_the_session_ended_is_not_lost_without_a_word(
    browser: Browser, live_server: LiveServer
) -> None:
    at = factories.hospital("north")
    who = factories.complete_patient(at)
    jobs_run_due()
    page, watch = watched_page(browser, live_server.url)
    sign_in(page, at.clinician.username)
    page.goto(f"/patients/{who.id}/")
    page.get_by_role("textbox", name="Comment").fill("Seen with the patient.")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("alert")).to_have_text("Your session had ended; what you sent was not recorded.")
    assert not AssessmentReview.objects.exists()
    page.get_by_label("User name").fill(at.clinician.username)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{live_server.url}/patients/{who.id}/")
    # A wrong click is put right on the page.
    page.get_by_role("button", name="Acknowledge").click()
    page.get_by_text("Answer again").click()
    page.get_by_text("Override: I decide otherwise").click()
    page.get_by_label("An input is wrong").check()
    page.get_by_role("button", name="Override").click()
    expect(page.locator("#cardiovascular")).to_contain_text("Overridden by Clinician of north")
    assert list(AssessmentReview.objects.order_by("reviewed_at").values_list("kind", flat=True)) == [
        "ACKNOWLEDGE",
        "OVERRIDE",
    ]
    assert watch.problems == []
    page.context.close()
