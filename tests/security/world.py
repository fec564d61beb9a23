"""One hospital full of canaries: words that must never be seen by anybody else, taken in through its own doors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.test import Client

from cdss.accounts.actors import actor_of
from cdss.accounts.models import ApiClient, User
from cdss.assessments.models import Assessment, OverrideReason, PolicyTrial, RiskEstimate
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.document import policy_changed, policy_document
from cdss.assessments.services.policy import policy_try
from cdss.assessments.services.review import assessment_override
from cdss.jobs.models import Job
from cdss.jobs.running import jobs_run_due
from imaging.inference import Extraction
from imaging.models import KeyImage, Quarantine, SeriesVersion, Study
from imaging.services.lifecycle import study_close
from imaging.services.processing import series_features_record
from imaging.storage import object_write
from patients.models import Patient
from patients.services.clinical_rows import NewCondition
from tests import factories
from tests.factories import MRN_SYSTEM, Hospital
from tests.imaging.arrivals import LESION
from tests.imaging.part10 import ct_part10

FAMILY, GIVEN, MRN = "Synthetic-Quetzalcoatlus", "Brunhildegard", "MRN-7749-ZX"
BIRTH_DATE = date(1961, 7, 19)
ELSEWHERE_FAMILY = "Synthetic-Pachycephalo"
STUDY_WORDS, SERIES_WORDS, ACCESSION = "Herzkatheterfrage", "Koronarkanarienvogel", "ACC-99-KANARI"
COMMENT, QUARANTINE_COMMENT, SOURCE_ID = "Vermillionfalter", "Ultramarinspecht", "SRC-KANARI-1"
CHOLESTEROL, CREATININE, BMI = "211.83", "0.913", "28.46"
PNG = b"\x89PNG\r\n\x1a\nKanarienpixel"
BOUNDARY = "canary-boundary"
JSON_TYPE = "application/json"
STOW_TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'

#: Who a patient is, in every way it is written.
IDENTIFYING = (
    *(FAMILY.removeprefix("Synthetic-"), FAMILY.removeprefix("Synthetic-").upper(), GIVEN, MRN, "Pachycephalo"),
    *("1961-07-19", "19610719", "19 July 1961", "19 Jul 1961", "1999-09-09", "9 September 1999"),
)  # fmt: skip
#: What is known of a patient, or was said of one.
CLINICAL = (STUDY_WORDS, SERIES_WORDS, ACCESSION, COMMENT, QUARANTINE_COMMENT, SOURCE_ID, CHOLESTEROL, CREATININE, BMI)
#: Whose hospital it is.
INSTITUTIONAL = ("North Hospital", "of north", ".north")


@dataclass(frozen=True)
class World:
    """The first organisation with everything a URL can point to, and a second one that owns none of it."""

    own: Hospital
    other: Hospital
    patient: Patient
    study: Study
    version: SeriesVersion
    key_image: KeyImage
    superseded: Assessment
    assessment: Assessment
    quarantine: Quarantine
    job: Job
    trial: PolicyTrial

    @property
    def numbers(self) -> tuple[str, ...]:
        """The risks on record, as their digits stand in any text."""
        risks = RiskEstimate.objects.filter(assessment__patient=self.patient, risk__isnull=False)
        return tuple(f"{risk:.12f}"[:8] for risk in risks.values_list("risk", flat=True))

    @property
    def identifiers(self) -> tuple[str, ...]:
        rows = (
            self.patient,
            self.version,
            self.key_image,
            self.assessment,
            self.superseded,
            self.quarantine,
            self.job,
            self.trial,
        )
        users = (self.own.clinician, self.own.auditor, self.own.administrator, self.own.client, self.own.organisation)
        return (*(str(row.id) for row in (*rows, *users)), self.study.study_instance_uid)


def stow_body(*parts: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return b"".join(head + part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()


def stow(at: Hospital, *parts: bytes) -> Any:
    return Client().post("/dicom-web/studies", stow_body(*parts), content_type=STOW_TYPE, headers=at.bearer)


def ct(index: int = 0, **changed: Any) -> bytes:
    """One image of the canary patient, unless `changed` says otherwise."""
    stated = {
        "PatientName": f"{FAMILY}^{GIVEN}",
        "PatientID": MRN,
        "IssuerOfPatientID": MRN_SYSTEM,
        "PatientBirthDate": "19610719",
        "StudyDescription": STUDY_WORDS,
        "SeriesDescription": SERIES_WORDS,
        "AccessionNumber": ACCESSION,
    }
    return ct_part10(index, **{"seed": "canary", **stated, **changed})


def world_make(own: Hospital, other: Hospital) -> World:
    patient = factories.patient(own, mrn=MRN, family_name=FAMILY, given_name=GIVEN, birth_date=BIRTH_DATE)
    labs = [
        factories.quantity("8480-6", "138", "mm[Hg]", source_id=SOURCE_ID),
        factories.quantity("2093-3", CHOLESTEROL, "mg/dL"),
        factories.quantity("2085-9", "48", "mg/dL"),
        factories.quantity("2160-0", CREATININE, "mg/dL"),
        factories.quantity("39156-5", BMI, "kg/m2"),
    ]
    condition = NewCondition("http://snomed.info/sct", "38341003")
    factories.record(own, patient, *labs, *factories.complete_answers(), condition)
    assert stow(own, ct(0), ct(1)).status_code == 200
    study = Study.objects.get(patient=patient)
    study_close(actor=own.client_actor, study=study)
    version = SeriesVersion.objects.get(series__study=study)
    series_features_record(version=version, extraction=_extraction())
    jobs_run_due()
    first = Assessment.objects.get(patient=patient)
    reason = OverrideReason.INPUT_WRONG
    assessment_override(actor=own.clinician_actor, assessment_id=first.id, reason=reason, comment=COMMENT)
    factories.record(own, patient, factories.quantity("8480-6", "139", "mm[Hg]", days_ago=1))
    jobs_run_due()
    assert (
        stow(own, ct(0, seed="apart", PatientName=f"{ELSEWHERE_FAMILY}^Ada", PatientBirthDate="19990909")).status_code
        == 409
    )
    return World(
        own=own,
        other=other,
        patient=patient,
        study=study,
        version=version,
        key_image=KeyImage.objects.get(series_version=version),
        superseded=first,
        assessment=Assessment.objects.get(patient=patient, superseded_by__isnull=True),
        quarantine=Quarantine.objects.get(organisation=own.organisation),
        job=Job.objects.filter(organisation=own.organisation).order_by("enqueued_at")[0],
        trial=_policy_tried(own),
    )


def _policy_tried(own: Hospital) -> PolicyTrial:
    """A finished trial, which lists the patient: without the stroke profile a number of hers would disappear."""
    policy = policy_changed(DEFAULT_POLICY, roles={"STROKE/fsrp_2017/stroke/10/US": "OFF"})
    trial = policy_try(actor=actor_of(own.administrator), document=policy_document(policy))
    jobs_run_due()
    trial.refresh_from_db()
    assert trial.changed_count == 1
    return trial


def _extraction() -> Extraction:
    """What reading a calcium CT gives: two candidates, and a key image of the first."""
    columns = {
        "is_accepted": True,
        "reason_code": "",
        "sentence": "",
        "shape_zyx": [48, 512, 512],
        "spacing_zyx_mm": [3.0, 0.7, 0.7],
        "value_range": [-1024.0, 1800.0],
        "value_unit": "[hnsf'U]",
        "volume_sha256": "ab" * 32,
        "decoders": ["numpy"],
        "quality": [{"code": "NOISE", "sentence": "Noise is 12 HU."}],
        "refusals": [{"name": "agatston_score", "reason_code": "NOT_CONFIRMED", "sentence": "Not confirmed."}],
        "code_version": "test",
        "seconds": 1.5,
    }
    measured = {"name": "noise_hu", "value": 12.25, "unit": "[hnsf'U]", "method": "test", "method_version": "1"}
    image = {
        "name": "candidate-1",
        "caption": "Candidate 1",
        "sop_instance_uid": "1.2.3.40",
        "slice_index": 40,
        "window_center": 300.0,
        "window_width": 1500.0,
        "width": 64,
        "height": 64,
        "png_sha256": object_write(PNG),
    }
    return Extraction(columns, [measured], [image], [("candidate-1", _candidate(1)), ("", _candidate(2))])


def _candidate(number: int) -> dict[str, Any]:
    return {
        "number": number,
        "slice_index": 40,
        "sop_instance_uid": "1.2.3.40",
        "row": 200,
        "column": 210,
        "position_xyz_mm": [1.0, 2.0, 3.0],
        "area_mm2": 10.0,
        "peak_hu": 450.0,
        "volume_mm3": 30.0,
        "agatston": 40.0,
        "lesions": [LESION],
    }


@dataclass(frozen=True)
class Caller:
    """Somebody at the door: nobody, a person with a session, or a system with a token."""

    role: str
    client: Client
    headers: dict[str, str]

    def ask(self, method: str, path: str, sent: Any = None, content_type: str = "", **headers: str) -> Any:
        more = {"content_type": content_type} if content_type else {}
        headers = {**self.headers, **headers}
        if method in {"GET", "HEAD"}:
            return getattr(self.client, method.lower())(path, headers=headers)
        if method == "POST":
            return self.client.post(path, sent or {}, headers=headers, **more)
        return self.client.generic(method, path, headers=headers)


ROLES = ("clinician", "auditor", "administrator", "client")


def caller(at: Hospital | None, role: str, **options: Any) -> Caller:
    client = Client(**options)
    who: User | ApiClient | None = getattr(at, role) if at else None
    if isinstance(who, User):
        client.force_login(who)
    return Caller(role, client, at.bearer if at and role == "client" else {})
