"""A hospital's system and a clinician's browser on the product's real processes, each over HTTP."""

from __future__ import annotations

import contextlib
import html
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from cdss.embedded.urls import ServiceUrls
from patients.terminology import ATC, LOINC, QUESTION_OF_FEATURE, SNOMED_CT
from tests.factories import MRN_SYSTEM, PASSWORD, Hospital
from tests.processes import celery_worker, environment, free_port, granian, started, sweeper, wait_for_answer

Json = dict[str, Any]
LIMIT_SECONDS = 90


@contextlib.contextmanager
def running_line(services: ServiceUrls, folder: Path) -> Iterator[str]:
    """Web server, worker and sweeper; the address to ask."""
    port = free_port()
    env = environment(services, folder, ALLOWED_HOSTS="127.0.0.1")
    with contextlib.ExitStack() as stack:
        for name, argv in (("sweeper", sweeper()), ("worker", celery_worker("line"))):
            stack.enter_context(started(argv, env=env, log=folder / f"{name}.log"))
        web = stack.enter_context(started(granian(port), env=env, log=folder / "web.log"))
        wait_for_answer(f"http://127.0.0.1:{port}/healthz", web)
        yield f"http://127.0.0.1:{port}"


@dataclass(frozen=True)
class Sent:
    """One patient at one hospital."""

    url: str
    at: Hospital
    patient: str

    def api(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api/v1/", headers=self.at.bearer, timeout=60)

    def rows(self, kind: str, *bodies: Json, status: int = 201) -> Json:
        with self.api() as api:
            answer = api.post(f"patients/{self.patient}/{kind}", json=list(bodies), headers=_key())
        assert answer.status_code == status, answer.text
        found: Json = answer.json()
        return found

    def record(self) -> Json:
        """The current record once no work is left for this patient."""
        deadline = time.monotonic() + LIMIT_SECONDS
        with self.api() as api:
            while True:
                is_quiet = 'id="work-running"' not in self._page_source()
                found = api.get("assessments", params={"patient": self.patient, "current": "true"}).json()["items"]
                if is_quiet and found:
                    record: Json = api.get(f"assessments/{found[0]['id']}").json()
                    return record
                assert time.monotonic() < deadline, "no record appeared in time"
                time.sleep(0.1)

    def page(self) -> str:
        """What a clinician reads on the patient page, as text."""
        without_tags = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", self._page_source(), flags=re.DOTALL)
        return re.sub(r"\s+", " ", html.unescape(without_tags))

    def _page_source(self) -> str:
        with self.browser() as browser:
            page = browser.get(f"/patients/{self.patient}/")
        assert page.status_code == 200
        return page.text

    @contextlib.contextmanager
    def browser(self) -> Iterator[httpx.Client]:
        """Signed in as the hospital's clinician."""
        with httpx.Client(base_url=self.url, timeout=60, follow_redirects=True) as browser:
            token = csrf(browser.get("/sign-in/").text)
            form = {"username": self.at.clinician.username, "password": PASSWORD, "csrfmiddlewaretoken": token}
            answer = browser.post("/sign-in/", data=form, headers={"Referer": self.url})
            assert answer.status_code == 200 and answer.url.path != "/sign-in/"
            yield browser


def csrf(source: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', source)
    assert found is not None, "the page has no form"
    return found[1]


def patient_send(url: str, at: Hospital, *, age_years: int, sex: str) -> Sent:
    """A new patient whose birthday was half a year ago."""
    today = datetime.now(UTC).date() - timedelta(days=183)
    born = date(today.year - age_years, today.month, min(today.day, 28))
    body = {
        "identifier": {"system": MRN_SYSTEM, "value": f"H{uuid.uuid4().hex[:10]}"},
        "family_name": "Synthetic-Hard",
        "given_name": "Case",
        "birth_date": born.isoformat(),
        "sex": sex,
    }
    return identified_patient_send(url, at, body)


def identified_patient_send(url: str, at: Hospital, body: Json) -> Sent:
    with httpx.Client(base_url=f"{url}/api/v1/", headers=at.bearer, timeout=60) as api:
        answer = api.post("patients", json=body, headers=_key())
    assert answer.status_code == 201, answer.text
    return Sent(url, at, answer.json()["id"])


def measured(code: str, value: str, unit: str, *, days_ago: float = 30, setting: str = "ambulatory") -> Json:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return {
        "code_system": LOINC,
        "code": code,
        "value": value,
        "unit": unit,
        "effective_at": at.isoformat(),
        "setting": setting,
    }


def stated(**answers: str) -> list[Json]:
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    questions = [(QUESTION_OF_FEATURE[feature], value) for feature, value in answers.items()]
    return [
        {"code_system": question.code_system, "code": question.code, "value_code": value, "effective_at": at}
        for question, value in questions
    ]


def diagnosed(snomed_ct: str, *, days_ago: int) -> Json:
    onset = datetime.now(UTC).date() - timedelta(days=days_ago)
    return {"code_system": SNOMED_CT, "code": snomed_ct, "onset_date": onset.isoformat()}


def taking(atc: str) -> Json:
    return {"code_system": ATC, "code": atc}


def labs(*, setting: str = "ambulatory") -> list[Json]:
    return [
        measured("8480-6", "138", "mm[Hg]", setting=setting),
        measured("2093-3", "213", "mg/dL", setting=setting),
        measured("2085-9", "48", "mg/dL", setting=setting),
        measured("2160-0", "0.9", "mg/dL", setting=setting),
        measured("39156-5", "28.4", "kg/m2", setting=setting),
    ]


NO_HISTORY = {
    "prior_cardiovascular_disease": "no",
    "prior_stroke_or_tia": "no",
    "atrial_fibrillation": "no",
    "diabetes": "no",
    "smoking": "never",
    "antihypertensive_treatment": "no",
    "statin_treatment": "no",
    "lipid_lowering_treatment": "no",
    "family_history_heart_attack": "no",
    "mesa_race_ethnicity": "black",
}


def images_send(sent: Sent, files: list[Path]) -> str:
    """STOW-RS, and the study closed by its sender; its UID."""
    boundary = uuid.uuid4().hex
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    body = b"".join(head + path.read_bytes() + b"\r\n" for path in files) + f"--{boundary}--\r\n".encode()
    content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
    with httpx.Client(headers=sent.at.bearer, timeout=120) as client:
        answer = client.post(f"{sent.url}/dicom-web/studies", content=body, headers={"Content-Type": content_type})
        assert answer.status_code == 200, answer.text[:500]
        uid: str = answer.json()["00081190"]["Value"][0].rsplit("/", 1)[1]
        closed = client.post(f"{sent.url}/api/v1/studies/{uid}/close", json={}, headers=_key())
    assert closed.status_code == 200, closed.text
    return uid


def _key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}
