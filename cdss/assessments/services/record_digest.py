"""One SHA-256 over everything a record shows, written into the log with it: a later edit of a row can be told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from cdss.assessments.models import Attribution, RiskEstimate
from cdss.audit.canonical import canonical_json

# Names in the log what the digest covers. A new column comes with a new number, and the old list stays.
VERSION = 2
_ESTIMATE = (
    "position", "section", "role", "outcome", "horizon_years", "equation", "equation_version", "meaning", "scale",
    "notes", "categories", "is_genetic", "reason_code", "sentence", "field", "field_value", "limit", "reference_person",
)  # fmt: skip
_ESTIMATE_NUMBERS = (
    *("risk", "risk_low", "risk_high", "coverage", "score", "score_low", "score_high"),
    "reference_risk",
)
_ATTRIBUTION = ("position", "input", "value", "unit", "reference_value")
_ATTRIBUTION_NUMBERS = ("log_odds_or_hazard", "points")


def record_digest(estimates: Iterable[tuple[RiskEstimate, Sequence[Attribution]]]) -> str:
    """Of rows about to be written or read back, which are the same."""
    body = [
        {
            **_columns(estimate, _ESTIMATE, _ESTIMATE_NUMBERS),
            "attributions": [_columns(item, _ATTRIBUTION, _ATTRIBUTION_NUMBERS) for item in attributions],
        }
        for estimate, attributions in estimates
    ]
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()


def _columns(row: RiskEstimate | Attribution, names: Sequence[str], numbers: Sequence[str]) -> dict[str, object]:
    """Numbers as the shortest text that reads back to the same double."""
    exact = {name: getattr(row, name) for name in numbers}
    texts = {name: None if value is None else repr(float(value)) for name, value in exact.items()}
    return {**{name: getattr(row, name) for name in names}, **texts}
