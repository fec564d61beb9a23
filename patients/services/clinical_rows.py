"""Recording observations, conditions and medication: each row is kept or refused by itself, nothing half-written."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from cdss.accounts.actors import Actor
from cdss.audit.services import audit_append
from cdss.core.errors import ConflictError, DomainError
from cdss.jobs.services import job_enqueue
from cdss.jobs.steps import Step
from patients import terminology
from patients.models import (
    ClinicalRow,
    Condition,
    ConditionStatus,
    MedicationStatement,
    MedicationStatus,
    Observation,
    ObservationStatus,
    Patient,
    RefusedObservation,
    Setting,
)

CLOCK_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class NewObservation:
    code_system: str
    code: str
    effective_at: datetime
    value: Decimal | None = None
    unit: str = ""
    value_code: str = ""
    status: str = ObservationStatus.FINAL
    setting: str = Setting.UNKNOWN
    issued_at: datetime | None = None
    source_id: str | None = None
    replaces: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class NewCondition:
    code_system: str
    code: str
    status: str = ConditionStatus.ACTIVE
    onset_date: date | None = None
    source_id: str | None = None
    replaces: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class NewMedicationStatement:
    code_system: str
    code: str
    status: str = MedicationStatus.ACTIVE
    start_date: date | None = None
    end_date: date | None = None
    source_id: str | None = None
    replaces: uuid.UUID | None = None


NewRow = NewObservation | NewCondition | NewMedicationStatement


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """Exactly one of `row` and `error`; `is_new` is False when the sender had sent the same row before."""

    row: ClinicalRow | None = None
    is_new: bool = False
    error: DomainError | None = None


class InvalidRowError(DomainError):
    status = 422
    code = "INVALID_VALUE"


class SourceConflictError(ConflictError):
    code = "SAME_ID_OTHER_CONTENT"


Refusal = tuple[NewRow, DomainError]


@transaction.atomic
def clinical_rows_record(
    *, actor: Actor, patient: Patient, rows: Sequence[NewRow], source: str, now: datetime, assess_delay: timedelta
) -> list[RowOutcome]:
    """Record what can be recorded; one audit entry for all of them, and one assessment to follow."""
    outcomes = [_record_one(patient, row, source, now) for row in rows]
    created = [outcome.row for outcome in outcomes if outcome.row is not None and outcome.is_new]
    sent = list(zip(rows, outcomes, strict=True))
    refused = _keep(patient, [(row, outcome.error) for row, outcome in sent if outcome.error is not None], source)
    if created:
        job_enqueue(
            step=Step.PATIENT_ASSESS,
            organisation_id=patient.organisation_id,
            subject_id=patient.id,
            delay=assess_delay,
        )
        corrected = sum(outcome.is_new and row.replaces is not None for row, outcome in sent)
        more = {"refused": len(refused)} if refused else {}
        _audit(
            actor,
            patient,
            "clinical_rows.recorded",
            {"count": len(created), "corrections": corrected, **more, **_digest(created), "source": source},
        )
    elif refused:
        _audit(
            actor,
            patient,
            "clinical_rows.refused",
            {"count": len(refused), **_digest(refused), "source": source},
        )
    return outcomes


@transaction.atomic
def refusals_keep(*, actor: Actor, patient: Patient, refusals: Sequence[Refusal], source: str) -> None:
    """Keep the values that cannot be right, where the request that brought them was undone as a whole."""
    refused = _keep(patient, refusals, source)
    if refused:
        details = {"count": len(refused), **_digest(refused), "source": source}
        _audit(actor, patient, "clinical_rows.refused", details)


def _audit(actor: Actor, patient: Patient, action: str, details: dict[str, Any]) -> None:
    audit_append(
        actor=actor,
        action=action,
        subject_type="patient",
        subject_id=patient.id,
        patient_id=patient.id,
        organisation_id=patient.organisation_id,
        details=details,
    )


def _digest(rows: Sequence[ClinicalRow | RefusedObservation]) -> dict[str, str]:
    return {"row_ids_sha256": hashlib.sha256("".join(sorted(str(row.id) for row in rows)).encode()).hexdigest()}


def _keep(patient: Patient, refusals: Sequence[Refusal], source: str) -> list[RefusedObservation]:
    """The rows made for values that cannot be right; none for one that this source was told of before."""
    made = []
    for row, error in refusals:
        if not isinstance(row, NewObservation) or not isinstance(error, terminology.ImplausibleValueError):
            continue
        refused, is_new = RefusedObservation.objects.get_or_create(
            organisation_id=patient.organisation_id,
            source=source,
            content_sha256=_content_digest(patient, row),
            defaults={
                "patient": patient,
                "code_system": row.code_system,
                "code": row.code,
                "value": "" if row.value is None else f"{row.value.normalize():f}",
                "unit": row.unit,
                "value_code": row.value_code,
                "setting": row.setting,
                "effective_at": row.effective_at,
                "source_id": row.source_id,
                "reason_code": error.code,
                "sentence": error.sentence,
            },
        )
        if is_new:
            made.append(refused)
    return made


def _record_one(patient: Patient, row: NewRow, source: str, now: datetime) -> RowOutcome:
    try:
        try:
            with transaction.atomic():
                return _insert(patient, row, source, now)
        except IntegrityError:  # the same row, or the same correction, arrived at the same moment: look again
            with transaction.atomic():
                return _insert(patient, row, source, now)
    except DomainError as error:
        return RowOutcome(error=error)


def _insert(patient: Patient, row: NewRow, source: str, now: datetime) -> RowOutcome:
    model, columns = _columns(row, now, patient)
    digest = _content_digest(patient, row)
    if row.source_id is not None:
        known = (
            model.objects.select_related("replaced_by")
            .filter(organisation_id=patient.organisation_id, source=source, source_id=row.source_id)
            .first()
        )
        if known is not None:
            if bytes(known.content_sha256) == digest:
                return RowOutcome(row=known)
            sentence = (
                f"{row.source_id!r} was sent before with other content; send a correction that names what it replaces."
            )
            raise SourceConflictError(sentence, field="source_id")
    created = model.objects.create(
        organisation_id=patient.organisation_id,
        patient=patient,
        code_system=row.code_system,
        code=row.code,
        source=source,
        source_id=row.source_id,
        content_sha256=digest,
        replaces=_replaced(model, patient, row),
        **columns,
    )
    return RowOutcome(row=created, is_new=True)


def _content_digest(patient: Patient, row: NewRow) -> bytes:
    content = {**asdict(row), "kind": type(row).__name__, "patient": patient.id}
    return hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).digest()


def _replaced(model: type[Any], patient: Patient, row: NewRow) -> ClinicalRow | None:
    if row.replaces is None:
        return None
    replaced: ClinicalRow | None = model.objects.filter(id=row.replaces, patient=patient).first()
    if replaced is None:
        raise InvalidRowError("The row this one replaces is not there.", field="replaces")
    if hasattr(replaced, "replaced_by"):
        raise SourceConflictError("That row was replaced already; replace the newest one.", field="replaces")
    if (replaced.code_system, replaced.code) != (row.code_system, row.code):
        raise InvalidRowError("A correction keeps the code of what it corrects.", field="code")
    return replaced


def _columns(row: NewRow, now: datetime, patient: Patient) -> tuple[type[Any], dict[str, Any]]:
    if not row.code_system or not row.code:
        raise InvalidRowError("The code and its system are both needed.", field="code")
    match row:
        case NewObservation():
            return Observation, _observation_columns(row, now, patient)
        case NewCondition():
            _check_dates(now, onset_date=row.onset_date)
            # What was stored before with such a date can still be withdrawn with it.
            if row.status != ConditionStatus.ENTERED_IN_ERROR:
                _check_not_before_birth(patient, onset_date=row.onset_date)
            return Condition, {"status": row.status, "onset_date": row.onset_date}
        case NewMedicationStatement():
            _check_dates(now, start_date=row.start_date)
            if row.start_date and row.end_date and row.end_date < row.start_date:
                raise InvalidRowError("The medication ended before it started.", field="end_date")
            return MedicationStatement, {"status": row.status, "start_date": row.start_date, "end_date": row.end_date}


def _check_dates(now: datetime, **dates: date | None) -> None:
    for field, value in dates.items():
        # A date has no time zone: tomorrow's date may already have begun somewhere.
        if value is not None and value > (now + timedelta(days=1)).date():
            raise InvalidRowError(f"{value.isoformat()} is in the future.", field=field)


def _check_not_before_birth(patient: Patient, **dates: date | None) -> None:
    for field, value in dates.items():
        if value is not None and patient.birth_date is not None and value < patient.birth_date:
            raise InvalidRowError(f"{value.isoformat()} is before the patient was born.", field=field)


def _observation_columns(row: NewObservation, now: datetime, patient: Patient) -> dict[str, Any]:
    if row.effective_at > now + CLOCK_TOLERANCE:
        raise InvalidRowError(f"{row.effective_at.isoformat()} is in the future.", field="effective_at")
    if patient.birth_date and row.effective_at.date() < patient.birth_date - timedelta(days=1):
        raise InvalidRowError("The value is dated before the patient was born.", field="effective_at")
    if (row.value is None) == (not row.value_code):
        raise InvalidRowError(
            "An observation has a value with a unit, or a coded answer: one of the two.", field="value"
        )
    value_code = row.value_code
    if row.value is not None:
        _check_quantity(row, row.value)
    else:
        value_code = _answer_code(row)
    return {
        "status": row.status,
        "setting": row.setting,
        "value_quantity": row.value,
        "unit": row.unit,
        "value_code": value_code,
        "effective_at": row.effective_at,
        "issued_at": row.issued_at,
    }


def _check_quantity(row: NewObservation, value: Decimal) -> None:
    """A value of a code we understand must be able to be right in its unit; all else is stored as it is, unused."""
    if not value.is_finite() or abs(value) >= Decimal(10) ** 12:
        raise InvalidRowError("The value is not a number that can be stored.", field="value")
    if value != value.quantize(Decimal("1e-8")):
        raise InvalidRowError("The value has more than eight decimals.", field="value")
    quantity = terminology.QUANTITY_OF_CODE.get((row.code_system, row.code))
    is_withdrawal = row.status == ObservationStatus.ENTERED_IN_ERROR
    if quantity is None or is_withdrawal:
        return
    if terminology.unit_is_understood(quantity=quantity, unit=row.unit, code=row.code):
        terminology.quantity_canonical(quantity=quantity, value=value, unit=row.unit, code=row.code)


def _answer_code(row: NewObservation) -> str:
    question = terminology.QUESTION_OF_CODE.get((row.code_system, row.code))
    if question is None:
        return row.value_code
    code = row.value_code
    if question.feature == "smoking":
        code = terminology.SMOKING_ANSWERS.get(code, code)
    if code not in question.answers:
        answers = ", ".join(question.answers)
        sentence = f"{question.title}: {row.value_code!r} is not one of the answers understood ({answers})."
        raise InvalidRowError(sentence, field="value_code")
    return code
