"""Facts about one patient, recorded through the product's own service, and the snapshot that they give."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils import timezone

from cdss.assessments.features import Feature, Features
from cdss.assessments.services.snapshot import snapshot_take
from patients.models import Observation, Patient
from patients.services.clinical_rows import NewCondition, NewObservation
from patients.terminology import QUANTITY_OF_FEATURE, SNOMED_CT
from tests import factories
from tests.factories import Hospital

MI, STROKE, TIA, HEART_FAILURE, UNSTABLE_ANGINA = "22298006", "230690007", "266257000", "84114007", "4557003"
NEW_YORK = ZoneInfo("America/New_York")  # where factories.hospital is


def taken(who: Patient, as_of: datetime | None = None) -> Features:
    return snapshot_take(patient=who, as_of=as_of or timezone.now())


def fact(who: Patient, name: str, as_of: datetime | None = None) -> Feature:
    return taken(who, as_of)[name]


def measured(feature: str, value: str, *, days_ago: float = 30, unit: str = "", **more: object) -> NewObservation:
    """In the feature's own unit, under the first of its codes."""
    quantity = QUANTITY_OF_FEATURE[feature]
    system, code = quantity.codes[0]
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return NewObservation(system, code, at, value=Decimal(value), unit=unit or quantity.unit, **more)  # type: ignore[arg-type]


def today() -> date:
    return datetime.now(NEW_YORK).date()


def diagnosis(code: str, *, days_ago: int | None = None, status: str = "active") -> NewCondition:
    onset = None if days_ago is None else today() - timedelta(days=days_ago)
    return NewCondition(SNOMED_CT, code, onset_date=onset, status=status)


def stored(at: Hospital, who: Patient, row: NewObservation) -> Observation:
    [outcome] = factories.record(at, who, row)
    assert isinstance(outcome.row, Observation)
    return outcome.row
