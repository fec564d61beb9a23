"""What holds on every page: the policy, the words at its foot, and a closed door for the wrong person."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from cdss.assessments.inference import release_manifest
from cdss.assessments.models import Assessment
from patients.models import Patient
from tests.cdss.dashboard.conftest import SignIn
from tests.cdss.dashboard.reading import policy_problems, study_arrives, tags_of, text_of
from tests.factories import Hospital

pytestmark = pytest.mark.django_db
LABEL = "Test. Every patient is synthetic."
CSS = Path(__file__).resolve().parents[3] / "static" / "css" / "cdss.css"


def nonce_of(response: object) -> str:
    return str(re.findall(r"'nonce-([^']+)'", response["Content-Security-Policy"])[0])  # type: ignore[index]


def test_no_page_has_inline_style_script_or_another_host(
    hospital: Hospital, assessed: Patient, settings: Settings, signed_in: SignIn
) -> None:
    settings.ENVIRONMENT_LABEL = LABEL
    study_arrives(hospital, assessed)
    record = Assessment.objects.filter(patient=assessed).first()
    assert record is not None
    clinician, administrator, auditor = map(signed_in, (hospital.clinician, hospital.administrator, hospital.auditor))
    visits = [
        (Client(), "/sign-in/"),
        (Client(), "/sign-in/?next=/x"),
        (clinician, "/"),
        (clinician, "/patients/"),
        (clinician, f"/patients/{assessed.id}/"),
        (clinician, f"/patients/{assessed.id}/work/"),
        (clinician, f"/assessments/{record.id}/"),
        (clinician, "/worklist/changes/"),
        (clinician, "/about/"),
        (clinician, "/policy/"),
        (administrator, "/policy/edit/"),
        (auditor, "/policy/"),
        (clinician, "/nothing-here/"),
        (administrator, "/quarantine/"),
        (administrator, f"/patients/{assessed.id}/"),
        (auditor, "/audit/"),
    ]
    for client, address in visits:
        response = client.get(address)
        assert policy_problems(response.content, nonce_of(response)) == [], address
        if address.endswith(("/work/", "/changes/")):
            continue
        page = text_of(response.content)
        assert LABEL in page, address
        assert "Decision support, not a diagnosis." in page, address
        tags = tags_of(response.content)
        assert sum(tag == "h1" for tag, _ in tags) == 1, address
        assert [a["lang"] for tag, a in tags if tag == "html"] == ["en"]
        ids = [a["id"] for _, a in tags if a.get("id")]
        assert len(ids) == len(set(ids)), address
        labelled = {a["for"] for tag, a in tags if tag == "label" and "for" in a}
        assert labelled <= set(ids), address


@pytest.mark.parametrize(
    ("address", "roles"),
    [
        ("/patients/{patient}/", {"clinician", "administrator"}),
        ("/patients/{patient}/work/", {"clinician", "administrator"}),
        ("/assessments/{assessment}/", {"clinician", "administrator"}),
        ("/patients/", {"clinician", "administrator"}),
        ("/quarantine/", {"administrator"}),
        ("/audit/", {"auditor"}),
        ("/policy/", {"clinician", "administrator", "auditor"}),
        ("/policy/edit/", {"administrator"}),
        ("/about/", {"clinician", "administrator", "auditor"}),
    ],
)
def test_not_allowed_looks_like_not_there(
    hospital: Hospital, assessed: Patient, signed_in: SignIn, address: str, roles: set[str]
) -> None:
    address = address.format(patient=assessed.id, assessment=Assessment.objects.get().id)
    for role in ("clinician", "administrator", "auditor"):
        response = signed_in(getattr(hospital, role)).get(address)
        assert response.status_code == (200 if role in roles else 404), role
        if role not in roles:
            absent = signed_in(getattr(hospital, role)).get(f"/patients/{uuid.uuid4()}/")
            unlike = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|NOT_FOUND")
            assert unlike.sub("", text_of(response.content)) == unlike.sub("", text_of(absent.content))
    anonymous = Client().get(address)
    assert anonymous.status_code == 302
    assert anonymous["Location"].startswith("/sign-in/?next=")


def test_another_hospitals_patient_is_not_there(
    hospital: Hospital, other_hospital: Hospital, assessed: Patient, signed_in: SignIn
) -> None:
    stranger = signed_in(other_hospital.clinician)
    for address in (
        f"/patients/{assessed.id}/",
        f"/patients/{assessed.id}/work/",
        f"/assessments/{Assessment.objects.get().id}/",
    ):
        assert stranger.get(address).status_code == 404


def test_navigation_offers_what_the_role_may_open(hospital: Hospital, signed_in: SignIn) -> None:
    expected = {
        "clinician": ["Worklist", "Patients", "Policy", "About"],
        "administrator": ["Worklist", "Patients", "Kept apart", "Policy", "About"],
        "auditor": ["Policy", "Audit log", "About"],
    }
    for role, links in expected.items():
        page = signed_in(getattr(hospital, role)).get("/about/").content.decode()
        navigation = page[page.index("<nav") : page.index("</nav>")]
        assert re.findall(r">([^<]+)</a>", navigation) == links
        for link in re.findall(r'href="([^"]+)"', navigation):
            assert signed_in(getattr(hospital, role)).get(link).status_code == 200


def test_about_names_every_equation_with_its_source_and_range(clinician: Client, settings: Settings) -> None:
    page = text_of(clinician.get("/about/").content)
    manifest = release_manifest(settings.MODEL_RELEASE)
    assert settings.MODEL_RELEASE in page
    for described in manifest["equations"].values():
        for words in (described["label"], described["citation"], f"doi:{described['doi']}"):
            assert words in page.replace("&amp;", "&").replace("&#x27;", "'"), words
    assert "age 30 to 59 years (over 30 years)" in page
    assert "systolic blood pressure 90 to 180 mmHg" in page
    assert manifest["clinical_use"] in page


def test_error_page_shows_what_happened_and_the_id_to_quote(clinician: Client) -> None:
    response = clinician.get("/patients/00000000-0000-0000-0000-000000000000/")
    assert response.status_code == 404
    page = text_of(response.content)
    assert "Not found" in page
    assert response["X-Request-Id"] in page
    fragment = clinician.get(f"/patients/{uuid.uuid4()}/work/", headers={"HX-Request": "true"})
    assert fragment.status_code == 404
    assert "<html" not in fragment.content.decode()


def test_an_address_that_only_takes_a_form_leads_back_or_says_so(
    hospital: Hospital, assessed: Patient, clinician: Client, auditor: Client
) -> None:
    record, page = Assessment.objects.get(), f"/patients/{assessed.id}/"
    for address, back in ((f"/assessments/{record.id}/review/", f"{page}#answer"), (f"{page}answers/", page)):
        response = clinician.get(address)
        assert (response.status_code, response["Location"]) == (303, back)
    response = auditor.get("/audit/verify/")
    assert (response.status_code, response["Allow"]) == (405, "POST")
    said = text_of(response.content)
    assert "This address only takes what a form sends to it; opening it does nothing." in said
    assert response["X-Request-Id"] in said


def test_style_sheet_is_small_and_has_no_address_in_it() -> None:
    text = CSS.read_text()
    assert len(text.encode()) <= 17_000
    assert "url(" not in text
    assert "@import" not in text


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_far_enough_apart_to_be_read(scheme: str) -> None:
    """4.5 for words, 3 for what must be made out (WCAG 1.4.3, 1.4.11); also in drawings, where no tool looks."""
    light, dark = re.findall(r":root \{(.*?)\}", CSS.read_text(), re.DOTALL)[:2]
    tokens = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", light))
    if scheme == "dark":
        tokens |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", dark))
    for word in ("text", "muted", "link"):
        for ground in ("page", "surface", "sunken", "note", "error-surface"):
            assert _contrast(tokens[word], tokens[ground]) >= 4.5, (word, ground)
    pairs = [
        ("error", "surface"),
        ("error", "error-surface"),
        ("on-accent", "accent"),
        ("on-environment", "environment"),
    ]
    for word, ground in pairs:
        assert _contrast(tokens[word], tokens[ground]) >= 4.5, (word, ground)
    for shape in ("raises", "lowers", "icon-on", "line-strong", "focus", "note-line"):
        assert _contrast(tokens[shape], tokens["surface"]) >= 3, shape
    assert _contrast(tokens["icon-on"], tokens["icon-off"]) >= 3
