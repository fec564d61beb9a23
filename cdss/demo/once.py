"""One new patient and one new study, sent and read back over HTTP like any hospital system and any clinician would."""

from __future__ import annotations

import json
import math
import re
import secrets
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from cdss.demo.errors import DemonstrationError
from cdss.demo.hospital_rows import ROWS_OF_KIND, patient_body
from cdss.demo.processes import PASSWORD, Demonstration

Json = dict[str, Any]
MATCH_MM = 8.0  # a candidate this near to a known plaque is that plaque


def study_send_and_watch(demonstration: Demonstration, *, limit_seconds: float) -> Json:
    """Send labs and a study, wait for the record, confirm the calcium as the demo clinician, wait for the next one."""
    with tempfile.TemporaryDirectory(prefix="cdss-once-") as folder:
        demonstration.say("Making one new synthetic patient with one calcium CT")
        written = Path(folder) / "new"
        seed = str(secrets.randbelow(2**31))
        demonstration.synthetic_write(
            written, "--new-patient", "--seed", seed, "--reference-date", datetime.now(UTC).date().isoformat()
        )
        document = json.loads((written / "cohort.json").read_text(encoding="utf-8"))
        files = sorted(path for path in written.rglob("*") if path.is_file() and path.name != "cohort.json")
        try:
            return Line(demonstration, limit_seconds).run(document, files)
        except httpx.HTTPError as error:
            raise DemonstrationError(f"a request was not answered: {error}") from error


class Line:
    """The steps, each over the network; one deadline for all of them."""

    def __init__(self, demonstration: Demonstration, limit_seconds: float) -> None:
        self.demonstration = demonstration
        self.deadline = time.monotonic() + limit_seconds
        token = {"Authorization": f"Bearer {demonstration.api_token}"}
        self.api = httpx.Client(base_url=f"{demonstration.web_url}/api/v1/", headers=token, timeout=60)
        self.dicomweb = httpx.Client(base_url=f"{demonstration.dicomweb_url}/", headers=token, timeout=120)

    def run(self, document: Json, files: list[Path]) -> Json:
        item = document["patients"][0]
        patient = self.clinical_rows_send(item)
        self.demonstration.say(f"Sending {len(files)} images over STOW-RS")
        last_byte_at, uid = self.images_send(files)
        self.demonstration.say("Waiting for the record")
        seconds = self.record_wait(uid, last_byte_at)
        self.demonstration.say("Confirming the calcium lesions as the demo clinician")
        second = self._confirm(uid, patient, document["calcifications"])
        verified = json.loads(self.demonstration.run_manage("verify_audit_log", "--json").splitlines()[-1])
        return {
            "study_instance_uid": uid,
            "assessment_id": second["id"],
            "outcomes": [_outcome(estimate) for estimate in second["estimates"]],
            **seconds,
            "audit_chain_verified": bool(verified["is_intact"]),
        }

    def clinical_rows_send(self, item: Json) -> str:
        self.demonstration.say("Sending the patient's labs, conditions and medication over REST")
        patient = str(_json(self.api.post("patients", json=patient_body(item), headers=_key()))["id"])
        for path, rows in ROWS_OF_KIND.items():
            bodies = rows(item)
            if not bodies:
                continue
            response = self.api.post(f"patients/{patient}/{path}", json=bodies, headers=_key())
            if response.status_code != 201:
                raise DemonstrationError(f"{path} were not all taken in: {response.text[:300]}")
        return patient

    def images_send(self, files: list[Path]) -> tuple[datetime, str]:
        boundary = uuid.uuid4().hex
        sent_at: list[datetime] = []

        def body() -> Iterator[bytes]:
            for path in files:
                yield f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
                yield path.read_bytes()
                yield b"\r\n"
            yield f"--{boundary}--\r\n".encode()
            sent_at.append(datetime.now(UTC))

        content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
        response = self.dicomweb.post("studies", content=body(), headers={"Content-Type": content_type})
        if response.status_code != 200:
            raise DemonstrationError(f"STOW-RS answered {response.status_code}: {response.text[:300]}")
        uid = response.json()["00081190"]["Value"][0].rsplit("/", 1)[1]
        _json(self.api.post(f"studies/{uid}/close", json={}, headers=_key()))
        return sent_at[0], uid

    def record_wait(self, uid: str, last_byte_at: datetime) -> Json:
        outcome = self._poll(lambda: _json(self.api.get(f"studies/{uid}"))["outcome"], "the study's record")
        if outcome["outcome"] != "RECORDED":
            raise DemonstrationError(f"the study ended as {outcome['outcome']}: {outcome['sentence']}")
        assessment = _json(self.api.get(f"assessments/{outcome['assessment']}"))
        study = _json(self.api.get(f"studies/{uid}"))
        series = _json(self.api.get(f"series/{study['series'][0]['series_instance_uid']}"))
        moments = [
            last_byte_at,
            _time(series["created_at"]),
            _time(series["result"]["recorded_at"]),
            max(_time(outcome["updated_at"]), _time(assessment["recorded_at"])),
        ]
        parts = [round((after - before).total_seconds(), 3) for before, after in pairwise(moments)]
        return {
            "seconds_last_byte_to_record": round((moments[-1] - moments[0]).total_seconds(), 3),
            "seconds_stored_and_closed": parts[0],
            "seconds_read_and_measured": parts[1],
            "seconds_assessed_and_recorded": parts[2],
        }

    def _confirm(self, uid: str, patient: str, truth: list[Json]) -> Json:
        study = _json(self.api.get(f"studies/{uid}"))
        version = _json(self.api.get(f"series/{study['series'][0]['series_instance_uid']}"))
        with httpx.Client(base_url=self.demonstration.web_url, timeout=60, follow_redirects=True) as browser:
            self._sign_in(browser)
            page = browser.get(f"/patients/{patient}/")
            action = re.search(r'action="(/series-versions/[0-9a-f-]+/calcium/)"', page.text)
            if page.status_code != 200 or action is None:
                raise DemonstrationError(f"the patient page ({page.status_code}) offers no calcium to confirm.")
            form = {f"verdict-{c['number']}": _verdict(c, truth) for c in version["candidates"]}
            form |= {"attests_gated_whole_heart": "on", "attests_no_metal": "on"}
            # Who knows the phantom knows that its spine and sternum hold no plaque.
            form["attests_large_structures_not_coronary"] = "on"
            form["csrfmiddlewaretoken"] = _csrf(page.text)
            answer = browser.post(action[1], data=form, headers={"Referer": self.demonstration.web_url})
            if answer.status_code != 200:
                raise DemonstrationError(f"the calcium was not confirmed: the page answered {answer.status_code}.")
        return self._poll(lambda: self._with_calcium(patient), "the record with calcium")

    def _sign_in(self, browser: httpx.Client) -> None:
        page = browser.get("/sign-in/")
        form = {"username": "clinician", "password": PASSWORD, "csrfmiddlewaretoken": _csrf(page.text)}
        answer = browser.post("/sign-in/", data=form, headers={"Referer": self.demonstration.web_url})
        if answer.status_code != 200 or answer.url.path == "/sign-in/":
            raise DemonstrationError("the demo clinician could not sign in.")

    def _with_calcium(self, patient: str) -> Json | None:
        """The current record, once it knows of the score: what was sent before may make one more record in between."""
        found = _json(self.api.get("assessments", params={"patient": patient, "current": "true"}))["items"]
        current = _json(self.api.get(f"assessments/{found[0]['id']}"))
        [score] = [item for item in current["snapshot"]["features"] if item["feature"] == "agatston_score"]
        return current if score["state"] == "USED" else None

    def _poll(self, ask: Callable[[], Json | None], what: str) -> Json:
        while True:
            self.demonstration.check()
            answer = ask()
            if answer is not None:
                return answer
            if time.monotonic() > self.deadline:
                raise DemonstrationError(
                    f"{what} did not appear in time; the logs are in {self.demonstration.own_dir}."
                )
            time.sleep(0.1)


def _verdict(candidate: Json, truth: list[Json]) -> str:
    """What a reader who knows the phantom would say."""
    near = [(math.dist(candidate["position_xyz_mm"], known["position_xyz_mm"]), known) for known in truth]
    distance, known = min(near, key=lambda pair: pair[0])
    return str(known["structure"]) if known["is_coronary"] and distance <= MATCH_MM else "NOT_CORONARY"


def _outcome(estimate: Json) -> Json:
    names = ("outcome", "horizon_years", "equation", "risk", "risk_low", "risk_high", "reason_code")
    return {name: None if estimate[name] == "" else estimate[name] for name in names}


def _csrf(html: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', html)
    if found is None:
        raise DemonstrationError("a page that should have a form has none.")
    return found[1]


def _json(response: httpx.Response) -> Json:
    if response.is_error:
        raise DemonstrationError(f"{response.request.url} answered {response.status_code}: {response.text[:300]}")
    body: Json = response.json()
    return body


def _key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
