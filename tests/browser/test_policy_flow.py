"""What an administrator does with the policy, and what a clinician then reads: tried, adopted, made again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from cdss.assessments.models import PolicyVersion
from cdss.assessments.services.due_again import records_made_again
from cdss.jobs.running import jobs_run_due
from patients.services.clinical_rows import NewCondition
from patients.terminology import SNOMED_CT
from tests import factories
from tests.browser.watching import sign_in, watched_page

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ATRIAL_FIBRILLATION = "49436004"


def test_a_policy_is_tried_put_into_effect_and_every_record_made_again(
    browser: Browser, live_server: LiveServer
) -> None:
    at = factories.hospital("north")
    who = factories.complete_patient(at)
    jobs_run_due()
    records_made_again(release="equations-1.1.0")  # the records are those of this release and of the default policy
    jobs_run_due()
    page, watch = watched_page(browser, live_server.url)
    sign_in(page, at.administrator.username)
    page.get_by_role("link", name="Policy").click()
    expect(page.get_by_text("nobody has changed it")).to_be_visible()
    page.get_by_role("link", name="Change the policy").click()
    page.get_by_label("Place of PREVENT: heart failure, 10 years").select_option("Not asked for")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("Trying the policy")).to_be_visible()
    opened = page.get_by_role("heading", level=1).element_handle()
    jobs_run_due()
    # The page asks by itself and shows the result without being loaded again.
    expect(page.get_by_text("1 of 1 current patient would see something else.")).to_be_visible()
    assert opened.evaluate("node => node.isConnected")
    expect(page.get_by_role("link", name="Synthetic-Okafor, Ada")).to_be_visible()
    page.get_by_role("button", name="Put into effect").click()
    assert not PolicyVersion.objects.exists(), "the browser asks for the reason first"
    page.get_by_label("Reason").fill("Heart failure is assessed in its own clinic.")
    page.get_by_role("button", name="Put into effect").click()
    expect(page.get_by_text("version 1 since")).to_be_visible()
    records_made_again(release="equations-1.1.0")
    jobs_run_due()
    page.goto(f"/patients/{who.id}/")
    expect(page.locator(".card h3")).not_to_contain_text(["Heart failure"])
    expect(page.locator(".card h3").first).to_have_text("Total cardiovascular disease")
    expect(page.get_by_role("link", name="default-2.1", exact=True)).to_be_visible()
    assert watch.problems == []
    page.context.close()


def test_points_are_read_explained_and_opened_by_keyboard(browser: Browser, live_server: LiveServer) -> None:
    at = factories.hospital("north")
    who = factories.complete_patient(at, sex="male")
    factories.record(at, who, NewCondition(SNOMED_CT, ATRIAL_FIBRILLATION))
    jobs_run_due()
    page, watch = watched_page(browser, live_server.url)
    sign_in(page, at.clinician.username)
    page.goto(f"/patients/{who.id}/")
    stroke = page.locator("section.outcome", has=page.get_by_role("heading", name="Stroke", level=2))
    expect(stroke.get_by_text("PREVENT has no term for atrial fibrillation")).to_be_visible()
    # The score waits for what only a person can state.
    for name in ("valvular_atrial_fibrillation", "heart_failure", "vascular_disease", "hypertension"):
        no = page.locator(f"input[name='answer-{name}'][value='no']")
        group = page.locator("#questions details", has=no)
        if group.count() and group.get_attribute("open") is None:
            group.locator("summary").focus()
            page.keyboard.press("Enter")
        no.focus()
        page.keyboard.press("Space")
        expect(no).to_be_checked()
    page.get_by_role("button", name="Record what was changed").click()
    expect(page.get_by_text("Assess a patient's risk")).to_be_visible()
    jobs_run_due()
    expect(stroke.locator(".number").first).to_have_text("0 of 8 points")
    expect(stroke.locator(".card").first.locator("svg")).to_have_count(0)
    older = stroke.get_by_text("Older equations")
    expect(stroke.get_by_text("CHA2DS2-VASc").first).to_be_hidden()
    older.focus()
    page.keyboard.press("Enter")
    expect(stroke.get_by_text("CHA2DS2-VASc").first).to_be_visible()
    assert watch.problems == []
    page.context.close()
