"""Every page in light and in dark: no error, no policy violation, no other host, nothing wider than a phone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from cdss.assessments.models import Assessment
from cdss.jobs.running import jobs_run_due
from imaging.services.readings import calcium_confirm
from patients.models import Patient
from patients.services.clinical_rows import NewCondition
from patients.terminology import SNOMED_CT
from tests import factories
from tests.browser.watching import Watch, sign_in, watched_page
from tests.cdss.dashboard.reading import YOUNG, identity_of, study_arrives, study_send

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
AXE = os.environ.get("AXE_JS")  # axe.min.js of the npm package axe-core; not part of the project
SHOTS = os.environ.get("SCREENSHOTS")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


IN_FIBRILLATION = ("heart_failure", "hypertension", "vascular_disease", "valvular_atrial_fibrillation")
LABEL = "Test. Every patient is synthetic."


def world() -> tuple[factories.Hospital, dict[str, Patient]]:
    """One hospital with a patient in each state that a page can show."""
    at = factories.hospital("north")
    people = {
        "complete": factories.complete_patient(at, mrn="N-1001"),
        "unanswered": factories.patient(at, mrn="N-1002", given_name="Bo", sex="male"),
        "withheld": factories.complete_patient(at, mrn="N-1003", given_name="Cem", sex="male"),
        "young": factories.complete_patient(at, mrn="N-1004", given_name="Dina", birth_date=YOUNG),
        "empty": factories.patient(at, mrn="N-1005", given_name="Eve"),
        "points": factories.complete_patient(at, mrn="N-1006", given_name="Finn", sex="male"),
        "palliative": factories.complete_patient(at, mrn="N-1007", given_name="Gil", sex="male"),
    }
    factories.record(at, people["points"], NewCondition(SNOMED_CT, "49436004"))
    factories.record(at, people["points"], *(factories.answer(name, "no") for name in IN_FIBRILLATION))
    factories.record(at, people["palliative"], NewCondition(SNOMED_CT, "103735009"))
    factories.record(at, people["empty"], factories.quantity("718-7", "13.2", "g/dL"))
    factories.record(at, people["unanswered"], *factories.complete_labs())
    factories.record(at, people["withheld"], factories.answer("prior_stroke_or_tia", "yes", days_ago=1))
    jobs_run_due()
    study = study_arrives(at, people["complete"])
    version = study.series.get().versions.get()
    verdicts = {str(item.number): "LAD" for item in version.calcium_candidates.all()}
    study_arrives(at, people["young"])
    calcium_confirm(
        actor=at.clinician_actor,
        series_version_id=version.id,
        verdicts=verdicts,
        attests_gated_whole_heart=True,
        attests_no_metal=True,
        attests_large_structures_not_coronary=True,
    )
    jobs_run_due()
    impostor = identity_of(people["complete"], at)
    study_send(at, type(impostor)("Lindqvist", "Ada", YOUNG, "F", impostor.mrn, impostor.issuer), phantom_seed=9)
    return at, people


def check(page: Page, watch: Watch, name: str, scheme: str) -> None:
    for image in page.locator("img").all():
        image.scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, 0)")
    if SHOTS:
        folder = Path(SHOTS)
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{name}-{scheme}.png", full_page=True)
    if AXE:
        page.evaluate(Path(AXE).read_text())
        options = {"runOnly": {"type": "tag", "values": RULES}}
        found = page.evaluate("options => axe.run(document, options)", options)
        assert [(v["id"], [node["html"][:120] for node in v["nodes"]]) for v in found["violations"]] == [], name
    assert watch.problems == [], name
    assert page.locator("aside.environment", has_text=LABEL).count() == 1, name
    assert page.locator("h1").count() == 1, name


def test_no_page_of_a_patient_is_wider_than_a_phone(browser: Browser, live_server: LiveServer) -> None:
    """What scrolls does so in its own frame: `young` has calcium candidates that wait for a reader."""
    at, people = world()
    page, _ = watched_page(browser, live_server.url, viewport={"width": 360, "height": 740})
    sign_in(page, at.clinician.username)
    for state, who in people.items():
        page.goto(f"/patients/{who.id}/")
        page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true })")
        if state == "young":
            assert page.locator(".candidates legend").count() > 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, state
    page.context.close()


def assert_on_screen(page: Page, selector: str) -> None:
    """Every one of them stands within the width of the screen, and has a size."""
    found = [item for item in page.locator(selector).all() if item.is_visible()]
    assert found, selector
    for item in found:
        box = item.bounding_box()
        assert box is not None
        assert box["x"] >= 0, selector
        assert box["width"] > 0, selector
        assert box["x"] + box["width"] <= 360, selector


def test_what_decides_stands_on_a_phones_screen(browser: Browser, live_server: LiveServer) -> None:
    """Rows are blocks there: no list hides a column beyond the edge."""
    at, people = world()
    page, _ = watched_page(browser, live_server.url, viewport={"width": 360, "height": 740})

    def visit(address: str, *deciding: str) -> None:
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true })")
        for selector in deciding:
            assert_on_screen(page, selector)
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"phone{address.split('?')[0].replace('/', '-')}.png", full_page=True)
        hidden = page.evaluate(
            "[...document.querySelectorAll('.scroll:has(> :is(.list, .compared))')]"
            ".filter(frame => frame.scrollWidth > frame.clientWidth).map(frame => frame.ariaLabel)"
        )
        assert hidden == [], address

    sign_in(page, at.clinician.username)
    visit("/?state=ALL", ".risk", ".list code", ".list .chip")
    visit("/patients/", ".risk")
    visit("/policy/")
    visit("/about/")
    young = f"/patients/{people['young'].id}/"
    visit(young, ".candidates img", ".candidates input[type=radio]", "#inputs ~ .scroll td")
    widths = [image.bounding_box()["width"] for image in page.locator(".candidates img").all()]  # type: ignore[index]
    assert min(widths) >= 144
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, at.administrator.username)
    visit("/quarantine/", ".compared td", ".chip-different")
    mark = page.locator(".chip-different").last.bounding_box()
    link = page.get_by_role("button", name="link").last.bounding_box()
    assert mark is not None
    assert link is not None
    assert mark["y"] < link["y"], "who decides has passed the difference"
    visit("/policy/edit/", ".list select")
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, at.auditor.username)
    visit("/audit/", ".audit summary")
    page.context.close()


def test_a_printed_record_keeps_the_number_each_chart_explains_and_says_which_record_it_is(
    browser: Browser, live_server: LiveServer
) -> None:
    at, people = world()
    page, _ = watched_page(browser, live_server.url, viewport={"width": 794, "height": 1123})
    sign_in(page, at.clinician.username)
    page.goto(f"/patients/{people['complete'].id}/")
    record = Assessment.objects.get(patient=people["complete"], superseded_by__isnull=True)
    which = page.locator(".banner", has_text=str(record.id)).locator(".printed")
    assert not which.is_visible()
    page.emulate_media(media="print")
    assert which.is_visible()
    opened = page.locator(".pairs > details[open]")
    assert opened.count() > 0
    for item in opened.all():
        assert item.locator("> summary b").is_visible()
    assert not page.locator("details:not([open]) > summary").first.is_visible()
    if SHOTS:
        page.pdf(path=Path(SHOTS) / "record.pdf")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_clean(browser: Browser, live_server: LiveServer, settings: Settings, scheme: str) -> None:
    settings.ENVIRONMENT_LABEL = LABEL
    at, people = world()
    page, watch = watched_page(browser, live_server.url, color_scheme=scheme, viewport={"width": 1360, "height": 900})
    page.goto("/sign-in/")
    check(page, watch, "sign-in", scheme)
    sign_in(page, at.clinician.username)
    for name, address in {
        "worklist": "/?state=ALL",
        "patients": "/patients/",
        "about": "/about/",
        "policy": "/policy/",
        **{f"patient-{state}": f"/patients/{who.id}/" for state, who in people.items()},
    }.items():
        page.goto(address)
        check(page, watch, name, scheme)
    page.goto(f"/patients/{people['complete'].id}/")
    page.locator("section:has(#history) a").last.click()
    page.wait_for_url("**/assessments/**")
    check(page, watch, "assessment", scheme)
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, at.administrator.username)
    page.goto("/quarantine/")
    check(page, watch, "quarantine", scheme)
    page.goto("/policy/edit/")
    check(page, watch, "policy-edit", scheme)
    page.get_by_label("Place of Framingham Stroke 2017: stroke, 10 years").first.select_option("Not asked for")
    page.get_by_role("button", name="Try it").click()
    page.wait_for_url("**/trials/**")
    check(page, watch, "policy-trial-under-way", scheme)
    jobs_run_due()
    page.get_by_role("button", name="Put into effect").wait_for()
    check(page, watch, "policy-trial", scheme)
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, at.auditor.username)
    check(page, watch, "audit", scheme)
    page.get_by_role("button", name="Verify the whole log").click()
    page.get_by_role("heading", name="The audit log is intact").wait_for()
    check(page, watch, "audit-verified", scheme)
    page.context.close()
