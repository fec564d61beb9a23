"""The STOW-RS response (PS3.18 10.5.3) as DICOM JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from imaging.dicom import FAILURE_OUT_OF_RESOURCES, InstanceRefusedError
from imaging.services.ingest import InstanceStored
from imaging.storage import StorageFullError

CONTENT_TYPE = "application/dicom+json"


@dataclass(slots=True)
class StoreReport:
    """What became of every part of one request, in the order they came."""

    base_url: str
    stored: list[InstanceStored] = field(default_factory=list)
    refused: list[InstanceRefusedError] = field(default_factory=list)

    @property
    def status(self) -> int:
        """PS3.18 table 10.5.3-1: 200 all, 202 some; none: 409, or 400 when no part was an object at all.

        When nothing was stored because there is no space or no database now: 507 or 503, come again.
        """
        if not self.refused:
            return 200
        if self.stored:
            return 202
        if all(error.failure_reason == FAILURE_OUT_OF_RESOURCES for error in self.refused):
            return 507 if all(error.code == StorageFullError.code for error in self.refused) else 503
        return 409 if any(error.sop_instance_uid for error in self.refused) else 400

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {}
        studies = {instance.study_instance_uid for instance in self.stored}
        if len(studies) == 1:
            body["00081190"] = _value("UR", f"{self.base_url}/studies/{studies.pop()}")
        if self.stored:
            body["00081199"] = {"vr": "SQ", "Value": [self._referenced(instance) for instance in self.stored]}
        identified = [error for error in self.refused if error.sop_instance_uid]
        other = [error for error in self.refused if not error.sop_instance_uid]
        if identified:
            body["00081198"] = {"vr": "SQ", "Value": [_failed(error) for error in identified]}
        if other:
            body["0008119A"] = {"vr": "SQ", "Value": [_failed(error) for error in other]}
        return body

    def _referenced(self, instance: InstanceStored) -> dict[str, Any]:
        url = (
            f"{self.base_url}/studies/{instance.study_instance_uid}/series/{instance.series_instance_uid}"
            f"/instances/{instance.sop_instance_uid}"
        )
        return {
            "00081150": _value("UI", instance.sop_class_uid),
            "00081155": _value("UI", instance.sop_instance_uid),
            "00081190": _value("UR", url),
        }


def _failed(error: InstanceRefusedError) -> dict[str, Any]:
    """FailureReason is a number (US); the reason code and the sentence ride along for people."""
    item = {"00081197": _value("US", error.failure_reason)}
    if error.sop_class_uid:
        item["00081150"] = _value("UI", error.sop_class_uid)
    if error.sop_instance_uid:
        item["00081155"] = _value("UI", error.sop_instance_uid)
    # TextValue: the standard has no place for words here, and its Error Comment belongs to DIMSE commands alone.
    item["0040A160"] = _value("UT", f"{error.code}: {error.sentence}")
    return item


def _value(vr: str, value: object) -> dict[str, Any]:
    return {"vr": vr, "Value": [value]}
