"""The STOW-RS response (PS3.18 10.5.3) as DICOM JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from imaging.dicom import InstanceRefusedError
from imaging.services.ingest import InstanceStored

CONTENT_TYPE = "application/dicom+json"


@dataclass(slots=True)
class StoreReport:
    """What became of every part of one request, in the order they came."""

    base_url: str
    stored: list[InstanceStored] = field(default_factory=list)
    refused: list[InstanceRefusedError] = field(default_factory=list)

    @property
    def status(self) -> int:
        """200 all stored, 202 some, 409 none; 507 when nothing was stored because there is no space."""
        if not self.refused:
            return 200
        if self.stored:
            return 202
        if all(error.code == "STORAGE_FULL" for error in self.refused):
            return 507
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
    """FailureReason is a number (US); the reason code and the sentence for people ride along."""
    item = {"00081197": _value("US", error.failure_reason)}
    if error.sop_class_uid:
        item["00081150"] = _value("UI", error.sop_class_uid)
    if error.sop_instance_uid:
        item["00081155"] = _value("UI", error.sop_instance_uid)
    # ErrorComment is short (LO, 64); TextValue is unlimited.
    item["00000902"] = _value("LO", error.code)
    item["0040A160"] = _value("UT", error.sentence)
    return item


def _value(vr: str, value: object) -> dict[str, Any]:
    return {"vr": vr, "Value": [value]}
