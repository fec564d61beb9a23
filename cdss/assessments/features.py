"""What a snapshot is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cdss.assessments.models import FeatureState


@dataclass(slots=True)
class Feature:
    """One line of a snapshot. `value` is canonical text: a number in `unit`, or a coded answer."""

    feature: str
    title: str
    state: FeatureState = FeatureState.MISSING
    value: str = ""
    unit: str = ""
    sent_value: str = ""
    sent_unit: str = ""
    source_type: str = ""
    source_ids: list[str] = field(default_factory=list)
    source: str = ""
    effective_at: datetime | None = None
    rule: str = ""
    sentence: str = ""
    reason_code: str = ""  # why it is not usable, where a reader should be told more than "missing"
    setting: str = ""  # where it was measured, as the source stated it
    expires_at: datetime | None = None  # when time alone makes it unusable or different
    is_genetic: bool = False

    @property
    def is_used(self) -> bool:
        return self.state == FeatureState.USED

    def said(self, value: str) -> bool:
        """Known, and this."""
        return self.is_used and self.value == value

    def as_body(self) -> dict[str, Any]:
        return {
            "feature": self.feature,
            "state": str(self.state),
            "value": self.value,
            "unit": self.unit,
            "source_type": self.source_type,
            "source_ids": sorted(self.source_ids),
            "effective_at": self.effective_at.isoformat() if self.effective_at else None,
            "rule": self.rule,
            "reason_code": self.reason_code,
            "setting": self.setting,
        }


Features = dict[str, Feature]


def age_completed(features: Features) -> int | None:
    """In years, as the snapshot has it; None where it is not known."""
    age = features["age_years"]
    return int(age.value) if age.is_used else None
