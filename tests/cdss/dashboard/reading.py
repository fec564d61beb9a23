"""Reading a page as a person does, and synthetic studies that arrive by the product's own door."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser

from cdss.jobs.running import jobs_run_due
from imaging.dicom import InstanceRefusedError
from imaging.models import Study
from imaging.services.ingest import instance_store
from imaging.services.lifecycle import study_close
from imaging.storage import StagedObject
from ml.synthetic.dicom_writer import series_part10
from ml.synthetic.identity import PatientIdentity
from ml.synthetic.studies import SyntheticStudy, study_identity, study_series
from patients.models import Patient
from tests.factories import MRN_SYSTEM, Hospital


def text_of(html: str | bytes) -> str:
    """The words of a page, without mark-up."""
    if isinstance(html, bytes):
        html = html.decode()
    html = re.sub(r"<(script|style|title)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline_text: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self._open = tag if tag in {"script", "style"} else ""

    def handle_data(self, content: str) -> None:
        if self._open and content.strip():
            self.inline_text.append(content)

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


def tags_of(html: bytes) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(html.decode())
    return parser.tags


def policy_problems(html: bytes, nonce: str) -> list[str]:
    """What a strict content security policy would block, or what would let an injected attribute act."""
    parser = _Tags()
    parser.feed(html.decode())
    problems = [f"inline text: {content[:40]}" for content in parser.inline_text]
    for tag, attributes in parser.tags:
        problems += [f"<{tag} {name}>" for name in attributes if name == "style" or name.startswith(("on", "hx-on"))]
        acts = [name for name in attributes if name.startswith("hx-") and name != "hx-nonce"]
        if acts and attributes.get("hx-nonce") != nonce:
            problems.append(f"<{tag}> has {acts} and no nonce")
        problems += [f"{name} is inherited" for name in attributes if name.endswith(":inherited")]
        problems += [f"{value!r} needs eval" for name, value in attributes.items()
                     if name.startswith("hx-") and value and ("js:" in value or "[" in value)]  # fmt: skip
        if tag == "script" and attributes.get("nonce") != nonce:
            problems.append("a script without the nonce")
        for name in ("href", "src", "action", "hx-get", "hx-post"):
            if re.match(r"(?i)\s*(https?:|//|javascript:|data:)", attributes.get(name) or ""):
                problems.append(f"{name} leaves this host")
    return problems


def identity_of(who: Patient, at: Hospital) -> PatientIdentity:
    """The same person as `who`, as a DICOM header names them."""
    value = who.identifiers.get().value
    family = who.family_name.removeprefix("Synthetic-")
    assert who.birth_date is not None
    return PatientIdentity(
        family, who.given_name, who.birth_date, "F" if who.sex == "female" else "M", value, MRN_SYSTEM
    )


def study_send(at: Hospital, identity: PatientIdentity, *, at_least_apart: int = 1, **planned: object) -> str:
    """Store a synthetic study; its Study Instance UID, or "" once `at_least_apart` instances were kept apart."""
    study = SyntheticStudy(
        started_at=datetime(2026, 5, 4, 9, 30, tzinfo=UTC), **{"modality": "CT", "phantom_seed": 5, **planned}
    )  # type: ignore[arg-type]
    uid, apart = "", 0
    header = study_identity(identity, study, institution=at.organisation.name)
    for part10 in series_part10(study_series(study), header):
        with StagedObject() as staged:
            staged.write(part10)
            try:
                stored = instance_store(
                    actor=at.client_actor, organisation=at.organisation, staged=staged, source="test"
                )
            except InstanceRefusedError:
                apart += 1
                if apart >= at_least_apart:
                    return uid
                continue
            uid = stored.study_instance_uid
    return uid


def study_arrives(at: Hospital, who: Patient, **planned: object) -> Study:
    """A whole study, closed, read and assessed."""
    uid = study_send(at, identity_of(who, at), **planned)
    study = Study.objects.get(study_instance_uid=uid)
    study_close(actor=at.client_actor, study=study)
    jobs_run_due()
    return study


YOUNG = date(1985, 6, 1)
