"""Who may do what: one row for every (URL name, method), used by every test that walks all addresses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from cdss.assessments.policy.in_force import DEFAULT_SHA256
from tests.security.world import ROLES, STOW_TYPE, Caller, World, ct, stow_body

JSON = "application/json"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
EVERYBODY = frozenset(ROLES)
PEOPLE = frozenset({"clinician", "auditor", "administrator"})
READERS = frozenset({"clinician", "administrator"})
SYSTEMS = READERS | {"client"}
WRITERS = frozenset({"clinician", "client"})


@dataclass(frozen=True)
class Row:
    """One (URL name, method): who may, what they are answered, and what those of another hospital are answered.

    `door` is what refuses: a PAGE sends nobody to the sign-in page and is not there for the wrong role; the API says
    401 and 403; DICOMWEB knows tokens only; an OPEN one refuses nobody.
    """

    name: str
    method: str
    door: str
    may: frozenset[str]
    own: int
    foreign: int
    of: Callable[[World], dict[str, Any]] = lambda world: {}
    query: Callable[[World], str] = lambda world: ""
    sent: Callable[[World], Any] = lambda world: None
    content_type: str = ""
    also: dict[str, int] = field(default_factory=dict)  # roles that are answered otherwise

    def path(self, world: World) -> str:
        return reverse(self.name, kwargs=self.of(world)) + self.query(world)

    def expected(self, who: Caller, is_own: bool) -> int:
        if self.door != "OPEN" and who.role == "anonymous":
            return {"PAGE": 302, "API": 401, "DICOMWEB": 401}[self.door]
        if self.door == "PAGE" and who.role == "client":
            return 302  # a token opens no page
        if who.role in self.also:
            return self.also[who.role]
        if who.role not in self.may and self.door != "OPEN":
            return {"PAGE": 404, "API": 403, "DICOMWEB": 401}[self.door]
        return self.own if is_own else self.foreign


def of_patient(world: World) -> dict[str, Any]:
    return {"patient_id": world.patient.id}


def of_assessment(world: World) -> dict[str, Any]:
    return {"assessment_id": world.assessment.id}


def of_study(world: World) -> dict[str, Any]:
    return {"study_instance_uid": world.study.study_instance_uid}


def of_series(world: World) -> dict[str, Any]:
    return {"series_instance_uid": world.version.series.series_instance_uid}


def of_version(world: World) -> dict[str, Any]:
    return {"series_version_id": world.version.id}


def of_quarantine(world: World) -> dict[str, Any]:
    return {"quarantine_id": world.quarantine.id}


def of_trial(world: World) -> dict[str, Any]:
    return {"trial_id": world.trial.id}


def changed_policy(world: World) -> dict[str, str]:
    return {"base": DEFAULT_SHA256, "role:STROKE/fsrp_2017/stroke/10/US": "OFF"}


def observation(world: World) -> str:
    sent = {"code_system": "http://loinc.org", "code": "2093-3", "value": 200, "unit": "mg/dL"}
    return json.dumps({**sent, "effective_at": "2026-01-02T03:04:05Z"})


def reading(world: World) -> str:
    verdicts = {"version": world.version.number, "verdicts": {"1": "LAD", "2": "NOT_CORONARY"}}
    return json.dumps({**verdicts, "attests_gated_whole_heart": True, "attests_no_metal": True})


def new_patient(world: World) -> str:
    identifier = {"system": "urn:test:mrn", "value": "NEW-1"}
    return json.dumps({"identifier": identifier, "family_name": "Synthetic-New", "birth_date": None, "sex": "female"})


def searched(text: str) -> Callable[[World], str]:
    return lambda world: f"?{text}".format(world=world)


ID = "00000000-0000-4000-8000-000000000000"
ROWS = [
    Row("healthz", "GET", "OPEN", EVERYBODY, 200, 200),
    Row("readyz", "GET", "OPEN", EVERYBODY, 200, 200),
    Row("schema", "GET", "OPEN", EVERYBODY, 200, 200),
    Row("sign-in", "GET", "OPEN", EVERYBODY, 303, 303, also={"anonymous": 200, "client": 200}),
    Row("sign-in", "POST", "OPEN", EVERYBODY, 422, 422, sent=lambda world: {"username": "clinician.north"}),
    Row("sign-out", "POST", "OPEN", EVERYBODY, 303, 303),
    Row("worklist", "GET", "PAGE", READERS, 200, 200, query=searched("state=ALL"), also={"auditor": 302}),
    Row("worklist", "GET", "PAGE", READERS, 200, 200, query=searched("state=ALL&q=Quetzal"), also={"auditor": 302}),
    Row(
        "worklist",
        "GET",
        "PAGE",
        READERS,
        200,
        200,
        also={"auditor": 302},
        query=searched("state=ALL&after=2000-01-01T00:00:00%2B00:00,{world.patient.id}"),
    ),
    Row("worklist-changes", "GET", "PAGE", READERS, 200, 200, query=searched("state=ALL&mark=x")),
    Row("patients", "GET", "PAGE", READERS, 200, 200),
    Row("patients", "GET", "PAGE", READERS, 200, 200, query=searched("q=MRN-7749-ZX")),
    Row("patients", "GET", "PAGE", READERS, 200, 200, query=searched("after={world.patient.id}")),
    Row("patient", "GET", "PAGE", READERS, 200, 404, of=of_patient),
    Row("patient-work", "GET", "PAGE", READERS, 200, 404, of=of_patient),
    Row("answers", "POST", "PAGE", frozenset({"clinician"}), 303, 404, of=of_patient),
    Row("assessment", "GET", "PAGE", READERS, 200, 404, of=of_assessment),
    Row("assessment", "GET", "PAGE", READERS, 200, 404, of=lambda world: {"assessment_id": world.superseded.id}),
    Row(
        "review",
        "POST",
        "PAGE",
        frozenset({"clinician"}),
        303,
        404,
        of=of_assessment,
        sent=lambda world: {"kind": "ACKNOWLEDGE"},
    ),
    Row(
        "calcium-confirm",
        "POST",
        "PAGE",
        frozenset({"clinician"}),
        303,
        404,
        of=of_version,
        sent=lambda world: {
            "verdict-1": "LAD",
            "verdict-2": "RCA",
            "attests_gated_whole_heart": "on",
            "attests_no_metal": "on",
        },
    ),
    # Opened instead of sent to: the way to the page that the form stands on.
    Row("answers", "GET", "PAGE", frozenset({"clinician"}), 303, 404, of=of_patient),
    Row("review", "GET", "PAGE", frozenset({"clinician"}), 303, 404, of=of_assessment),
    Row("calcium-confirm", "GET", "PAGE", frozenset({"clinician"}), 303, 404, of=of_version),
    Row("quarantine-decide", "GET", "PAGE", frozenset({"administrator"}), 303, 303, of=of_quarantine),
    Row("policy-trial-adopt", "GET", "PAGE", frozenset({"administrator"}), 303, 404, of=of_trial),
    Row("key-image-page", "GET", "PAGE", READERS, 200, 404, of=lambda world: {"key_image_id": world.key_image.id}),
    Row("key-image", "GET", "PAGE", READERS, 200, 404, of=lambda world: {"key_image_id": world.key_image.id}),
    Row("quarantine", "GET", "PAGE", frozenset({"administrator"}), 200, 200),
    Row(
        "quarantine-decide",
        "POST",
        "PAGE",
        frozenset({"administrator"}),
        303,
        404,
        of=of_quarantine,
        sent=lambda world: {"decision": "reject", "comment": "Another person."},
    ),
    Row("policy", "GET", "PAGE", PEOPLE, 200, 200),
    Row("policy-edit", "GET", "PAGE", frozenset({"administrator"}), 200, 200),
    # Each changes the own hospital's policy form: a stranger tries a policy of the stranger's own.
    Row("policy-edit", "POST", "PAGE", frozenset({"administrator"}), 303, 303, sent=changed_policy),
    Row("policy-trial", "GET", "PAGE", frozenset({"administrator"}), 200, 404, of=of_trial),
    Row("policy-trial-work", "GET", "PAGE", frozenset({"administrator"}), 200, 404, of=of_trial),
    Row(
        "policy-trial-adopt",
        "POST",
        "PAGE",
        frozenset({"administrator"}),
        303,
        404,
        of=of_trial,
        sent=lambda world: {"reason": "Agreed in the committee."},
    ),
    Row("about-release", "GET", "PAGE", PEOPLE, 200, 200),
    Row("audit-log", "GET", "PAGE", frozenset({"auditor"}), 200, 200),
    Row("audit-log", "GET", "PAGE", frozenset({"auditor"}), 200, 200, query=searched("patient={world.patient.id}")),
    # The identifier of another hospital's patient names nobody.
    Row("audit-log", "GET", "PAGE", frozenset({"auditor"}), 200, 422, query=searched("patient=MRN-7749-ZX")),
    Row("audit-log", "GET", "PAGE", frozenset({"auditor"}), 200, 200, query=searched("since=2026-01-01")),
    Row("audit-log", "GET", "PAGE", frozenset({"auditor"}), 200, 200, query=searched("actor=Clinician")),
    Row("audit-log", "GET", "PAGE", frozenset({"auditor"}), 200, 200, query=searched("before=999999")),
    Row("audit-verify", "POST", "PAGE", frozenset({"auditor"}), 200, 200),
    Row("api-patients", "GET", "API", SYSTEMS, 200, 200),
    Row("api-patients", "GET", "API", SYSTEMS, 200, 200, query=searched("name=Quetzalcoatlus")),
    Row("api-patients", "GET", "API", SYSTEMS, 200, 200, query=searched("identifier=urn:test:mrn|MRN-7749-ZX")),
    Row("api-patients", "GET", "API", SYSTEMS, 200, 400, query=searched("cursor={world.patient.id}")),
    Row("api-patients", "POST", "API", WRITERS, 201, 201, sent=new_patient, content_type=JSON),
    Row("api-patient", "GET", "API", SYSTEMS, 200, 404, of=of_patient),
    *[
        Row(name, "GET", "API", SYSTEMS, 200, 404, of=of_patient)
        for name in ("api-observations", "api-conditions", "api-medication-statements")
    ],
    Row("api-observations", "POST", "API", WRITERS, 201, 404, of_patient, sent=observation, content_type=JSON),
    *[
        Row(
            name,
            "POST",
            "API",
            WRITERS,
            201,
            404,
            of=of_patient,
            content_type=JSON,
            sent=lambda world, system=system, code=code: json.dumps({"code_system": system, "code": code}),
        )
        for name, system, code in (
            ("api-conditions", "http://snomed.info/sct", "22298006"),
            ("api-medication-statements", "http://www.whocc.no/atc", "C10AA05"),
        )
    ],
    Row("api-reassess", "POST", "API", WRITERS, 202, 404, of=of_patient, content_type=JSON),
    Row("api-policy", "GET", "API", PEOPLE | {"client"}, 200, 200),
    Row("api-job", "GET", "API", SYSTEMS, 200, 404, of=lambda world: {"job_id": world.job.id}),
    Row("api-studies", "GET", "API", SYSTEMS, 200, 200),
    Row("api-studies", "GET", "API", SYSTEMS, 200, 200, query=searched("patient={world.patient.id}")),
    Row("api-study", "GET", "API", SYSTEMS, 200, 404, of=of_study),
    Row("api-study-close", "POST", "API", frozenset({"client"}), 200, 404, of=of_study, content_type=JSON),
    Row("api-series", "GET", "API", SYSTEMS, 200, 404, of=of_series),
    # 409: this series was read; only one whose reading failed is read again.
    Row(
        "api-series-rerun",
        "POST",
        "API",
        frozenset({"administrator", "client"}),
        409,
        404,
        of_series,
        content_type=JSON,
    ),
    Row(
        "api-series-rerun",
        "POST",
        "API",
        frozenset({"client", "administrator"}),
        409,  # it has not failed
        404,
        of=of_series,
        content_type=JSON,
    ),
    Row(
        "api-calcium-reading",
        "POST",
        "API",
        frozenset({"clinician"}),
        201,
        404,
        of=of_series,
        sent=reading,
        content_type=JSON,
    ),
    Row(
        "api-metal-reading",
        "POST",
        "API",
        frozenset({"clinician"}),
        201,
        404,
        of=of_series,
        sent=lambda world: json.dumps({"version": 1, "metal": ["LEAD"]}),
        content_type=JSON,
    ),
    Row("api-measurements", "GET", "API", SYSTEMS, 200, 200),
    Row("api-measurements", "GET", "API", SYSTEMS, 200, 200, query=searched("patient={world.patient.id}")),
    Row("api-assessments", "GET", "API", SYSTEMS, 200, 200),
    Row("api-assessments", "GET", "API", SYSTEMS, 200, 200, query=searched("patient={world.patient.id}&current=true")),
    Row("api-assessments", "GET", "API", SYSTEMS, 200, 400, query=searched("cursor={world.assessment.id}")),
    Row("api-assessment", "GET", "API", SYSTEMS, 200, 404, of=of_assessment),
    Row("api-acknowledge", "POST", "API", frozenset({"clinician"}), 201, 404, of=of_assessment, content_type=JSON),
    Row(
        "api-override",
        "POST",
        "API",
        frozenset({"clinician"}),
        201,
        404,
        of=of_assessment,
        content_type=JSON,
        sent=lambda world: json.dumps({"reason": "INPUT_WRONG", "comment": "x"}),
    ),
    Row(
        "stow",
        "POST",
        "DICOMWEB",
        frozenset({"client"}),
        200,
        200,
        sent=lambda world: stow_body(ct(0)),
        content_type=STOW_TYPE,
    ),
    Row(
        "stow-study",
        "POST",
        "DICOMWEB",
        frozenset({"client"}),
        200,
        200,
        of=of_study,
        sent=lambda world: stow_body(ct(0)),
        content_type=STOW_TYPE,
    ),
]
OPEN = {row.name for row in ROWS if row.door == "OPEN"}
WHERE = {row.name: row for row in reversed(ROWS)}


def patterns(resolver: URLResolver | None = None) -> Iterator[URLPattern]:
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern)
        else:
            yield pattern
