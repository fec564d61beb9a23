"""One object at the door: in place on disk, then in the database in one transaction, or refused with a reason."""

from __future__ import annotations

import logging
import re
import traceback
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models.functions import Now

from cdss.accounts.actors import Actor
from cdss.accounts.models import Organisation
from cdss.audit.services import audit_append
from cdss.core.errors import DomainError
from cdss.core.middleware import DatabaseUnavailableError
from imaging.dicom import (
    FAILURE_CANNOT_UNDERSTAND,
    FAILURE_DUPLICATE,
    FAILURE_MISMATCH,
    FAILURE_OUT_OF_RESOURCES,
    FAILURE_PROCESSING,
    InstanceHeader,
    InstanceRefusedError,
    header_read,
)
from imaging.models import Instance, Quarantine, QuarantineReason, QuarantineState, Series, SeriesState, Study
from imaging.storage import StagedObject
from patients.identity import PatientIdentity
from patients.models import Patient
from patients.services.patients import IdentityMismatchError, patient_resolve

logger = logging.getLogger(__name__)

# DA and TM (PS3.5 table 6.2-1) and their ACR-NEMA forms; no CT, MR or PET is older than 1970.
STUDY_DATE = re.compile(r"(19[7-9][0-9]|2[0-9]{3})\.?([0-9]{2})\.?([0-9]{2})")
STUDY_TIME = re.compile(r"(?:([0-9]{2})(?::?([0-9]{2})(?::?([0-9]{2})(?:\.[0-9]*)?)?)?)?")
OFFSET = re.compile(r"([+-])(0[0-9]|1[0-4])([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class InstanceStored:
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    is_new: bool


class _KeptApartError(Exception):
    """Leaves the storing transaction so that the quarantine row gets one of its own."""

    def __init__(
        self, reason: QuarantineReason, sentence: str, patient: Patient | None, differences: list[str]
    ) -> None:
        super().__init__(sentence)
        self.reason, self.sentence, self.patient, self.differences = reason, sentence, patient, differences


def instance_store(
    *,
    actor: Actor,
    organisation: Organisation,
    staged: StagedObject,
    source: str,
    expected_study_instance_uid: str | None = None,
) -> InstanceStored:
    """Take one Part 10 object in. The same bytes twice are one object; the same UID with other bytes is kept apart.

    InstanceRefusedError is the only thing it raises: no object takes others of the same request down with it.
    """
    header: InstanceHeader | None = None
    try:
        staged.close()
        header = header_read(staged.path)
        if expected_study_instance_uid not in {None, header.study_instance_uid}:
            sentence = "The object belongs to another study than the one it was sent to."
            raise InstanceRefusedError(sentence, code="STUDY_UID_MISMATCH", failure_reason=FAILURE_MISMATCH)
        is_new = _take_in(actor, organisation, header, staged, source)
    except InstanceRefusedError as error:
        _named(error, header)
        raise
    except Exception as error:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()  # the next object gets a fresh connection
        raise _named(failure_of(error), header) from error
    return InstanceStored(
        header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid, header.sop_class_uid, is_new
    )


def _named(error: InstanceRefusedError, header: InstanceHeader | None) -> InstanceRefusedError:
    if header is not None:
        error.sop_class_uid, error.sop_instance_uid = header.sop_class_uid, header.sop_instance_uid
    return error


def failure_of(error: Exception) -> InstanceRefusedError:
    """What the sender is told when the fault is ours: come again, or quote the request id of the log's line."""
    if isinstance(error, OperationalError | InterfaceError):
        error = DatabaseUnavailableError()
    if isinstance(error, DomainError):
        is_for_now = error.status in {503, 507}
        reason = FAILURE_OUT_OF_RESOURCES if is_for_now else FAILURE_CANNOT_UNDERSTAND
        return InstanceRefusedError(error.sentence, code=error.code, failure_reason=reason)
    # Neither its message nor its traceback: both may quote what the object holds, which is somebody's name.
    place = traceback.extract_tb(error.__traceback__)[-1]
    logger.error("an object could not be processed: %s at %s:%s", type(error).__name__, place.name, place.lineno)
    sentence = "The object could not be processed for a fault on our side; it was not stored. Quote the request id."
    return InstanceRefusedError(sentence, code="PROCESSING_FAILURE", failure_reason=FAILURE_PROCESSING)


def _take_in(
    actor: Actor, organisation: Organisation, header: InstanceHeader, staged: StagedObject, source: str
) -> bool:
    staged.keep()
    try:
        return _record(actor, organisation, header, staged, source)
    except _KeptApartError as apart:
        row = _quarantine(actor, organisation, header, staged, source, apart)
        decided = (
            "A person has rejected it."
            if row.state == QuarantineState.REJECTED
            else ("The object is kept apart until a person decides.")
        )
        reason = FAILURE_DUPLICATE if apart.reason == QuarantineReason.UID_CONFLICT else FAILURE_PROCESSING
        raise InstanceRefusedError(
            f"{apart.sentence} {decided}", code=apart.reason.value, failure_reason=reason
        ) from apart


def _record(
    actor: Actor, organisation: Organisation, header: InstanceHeader, staged: StagedObject, source: str
) -> bool:
    for _ in range(2):  # once more when another sender made the study, series or instance at the same moment
        try:
            with transaction.atomic():
                return _record_once(actor, organisation, header, staged, source)
        except IntegrityError:
            continue
    with transaction.atomic():
        return _record_once(actor, organisation, header, staged, source)


def _record_once(
    actor: Actor, organisation: Organisation, header: InstanceHeader, staged: StagedObject, source: str
) -> bool:
    known = Instance.objects.filter(organisation=organisation, sop_instance_uid=header.sop_instance_uid).first()
    if known is not None:
        if bytes(known.sha256) == staged.sha256:
            return False
        sentence = "An object with this SOP Instance UID is already here with other content; it was not overwritten."
        raise _KeptApartError(QuarantineReason.UID_CONFLICT, sentence, None, [])
    identity = identity_of(header)
    try:
        patient = patient_resolve(actor=actor, organisation_id=organisation.id, identity=identity).patient
    except IdentityMismatchError as error:
        reason = QuarantineReason.IDENTITY_MISMATCH
        raise _KeptApartError(reason, error.sentence, error.patient, error.differences) from error
    _instance_insert(organisation, patient, header, staged.sha256, staged.size_bytes, source)
    return True


def _instance_insert(
    organisation: Organisation, patient: Patient, header: InstanceHeader, sha256: bytes, size_bytes: int, source: str
) -> Instance:
    study = _study(organisation, patient, header)
    series = _series(organisation, study, header)
    instance = Instance.objects.create(
        organisation=organisation,
        series=series,
        sop_instance_uid=header.sop_instance_uid,
        sop_class_uid=header.sop_class_uid,
        transfer_syntax_uid=header.transfer_syntax_uid,
        instance_number=header.instance_number,
        sha256=sha256,
        size_bytes=size_bytes,
        source=source,
    )
    # A late instance opens the series again; the sweeper makes a new version when it is quiet once more.
    Series.objects.filter(id=series.id).update(state=SeriesState.RECEIVING, last_instance_at=Now())
    return instance


def identity_of(header: InstanceHeader) -> PatientIdentity:
    return PatientIdentity(
        system=header.issuer_of_patient_id,
        value=header.patient_id,
        family_name=header.family_name,
        given_name=header.given_name,
        birth_date=header.birth_date,
        sex=header.sex,
    )


def _study(organisation: Organisation, patient: Patient, header: InstanceHeader) -> Study:
    study_at, zone = _study_time(organisation, header)
    study, _ = Study.objects.get_or_create(
        organisation=organisation,
        study_instance_uid=header.study_instance_uid,
        defaults={
            "patient": patient,
            "accession_number": header.accession_number,
            "study_description": header.study_description,
            "study_at": study_at,
            "study_at_zone": zone,
        },
    )
    if study.patient_id != patient.id:
        sentence = "This study is already recorded for another patient."
        # The patient on record, not the stated one, who may have been made in the transaction that ends here.
        raise _KeptApartError(QuarantineReason.STUDY_CONFLICT, sentence, study.patient, ["study"])
    return study


def _series(organisation: Organisation, study: Study, header: InstanceHeader) -> Series:
    series, _ = Series.objects.get_or_create(
        organisation=organisation,
        series_instance_uid=header.series_instance_uid,
        defaults={
            "study": study,
            "modality": header.modality,
            "series_number": header.series_number,
            "series_description": header.series_description,
            "body_part_examined": header.body_part_examined,
        },
    )
    if series.study_id != study.id:
        sentence = "This series is already recorded in another study."
        raise _KeptApartError(QuarantineReason.STUDY_CONFLICT, sentence, series.study.patient, ["series"])
    return series


def _study_time(organisation: Organisation, header: InstanceHeader) -> tuple[datetime | None, str]:
    """DICOM's date and time with its own offset, or in the organisation's zone, saying which."""
    day, time_of_day = STUDY_DATE.fullmatch(header.study_date), STUDY_TIME.fullmatch(header.study_time)
    if day is None or time_of_day is None:
        return None, ""
    parts = [int(part or 0) for part in (*day.groups(), *time_of_day.groups())]
    try:
        naive = datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001  six numbers; the zone follows
    except ValueError:
        return None, ""
    said = "" if header.study_time else "; no time of day was sent, so midnight"
    if offset := OFFSET.fullmatch(header.timezone_offset):
        sign, hours, minutes = offset.groups()
        shift = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
        return naive.replace(tzinfo=timezone(shift)), f"DICOM offset {offset.group()}{said}"
    at = naive.replace(tzinfo=ZoneInfo(organisation.time_zone))
    return at, f"organisation's time zone, {organisation.time_zone}{said}"


@transaction.atomic
def _quarantine(
    actor: Actor,
    organisation: Organisation,
    header: InstanceHeader,
    staged: StagedObject,
    source: str,
    apart: _KeptApartError,
) -> Quarantine:
    row, is_new = Quarantine.objects.get_or_create(
        organisation=organisation,
        sop_instance_uid=header.sop_instance_uid,
        sha256=staged.sha256,
        reason=apart.reason,
        defaults={
            "sentence": apart.sentence,
            "study_instance_uid": header.study_instance_uid,
            "series_instance_uid": header.series_instance_uid,
            "size_bytes": staged.size_bytes,
            "source": source,
            "patient": apart.patient,
            "differences": apart.differences,
            "stated_identity": {
                key: value.isoformat() if hasattr(value, "isoformat") else value
                for key, value in asdict(identity_of(header)).items()
            },
        },
    )
    if is_new:
        audit_append(
            actor=actor,
            action="instance.quarantined",
            subject_type="quarantine",
            subject_id=row.id,
            organisation_id=organisation.id,
            patient_id=apart.patient.id if apart.patient else None,
            details={"reason": apart.reason.value, "sha256": staged.sha256.hex(), "differences": apart.differences},
        )
    return row


def instance_link(*, quarantine: Quarantine, patient: Patient, header: InstanceHeader) -> Instance:
    """Take a quarantined object in for a patient that a person has named; the caller holds the transaction."""
    if Instance.objects.filter(organisation=quarantine.organisation, sop_instance_uid=header.sop_instance_uid).exists():
        sentence = "An object with this SOP Instance UID is already here; this one can only be rejected."
        raise InstanceRefusedError(sentence, code="UID_CONFLICT", failure_reason=FAILURE_DUPLICATE)
    try:
        return _instance_insert(
            quarantine.organisation,
            patient,
            header,
            bytes(quarantine.sha256),
            quarantine.size_bytes,
            f"quarantine:{quarantine.id}",
        )
    except _KeptApartError as apart:
        raise InstanceRefusedError(apart.sentence, code=apart.reason, failure_reason=FAILURE_PROCESSING) from apart
