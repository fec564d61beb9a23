"""The injury found in one pass is the one that the plain definition finds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cdss.assessments.services.snapshot_acute import KidneyInjury, kidney_injury
from patients.models import Observation
from patients.terminology import LOINC

START = datetime(2026, 1, 1, tzinfo=UTC)


def creatinine(hours: int, umol_l: int, unit: str) -> Observation:
    at = START + timedelta(hours=hours)
    return Observation(
        code_system=LOINC, code="14682-9", value_quantity=Decimal(umol_l), unit=unit, effective_at=at, source=unit
    )


# Few distinct moments and values, so that ties and the very edge of the week occur.
ROWS = st.lists(
    st.builds(
        creatinine,
        st.integers(0, 40).map(lambda step: step * 12),
        st.integers(4, 16).map(lambda step: step * 10),
        st.sampled_from(["umol/L", "umol/L", "umol/L", "stone"]),
    ),
    max_size=40,
).map(lambda rows: sorted(rows, key=lambda row: row.effective_at, reverse=True))


def by_definition(rows: Sequence[Observation]) -> KidneyInjury | None:
    known = [row for row in rows if row.unit == "umol/L"]
    for row in known:
        before = [other for other in known if timedelta(0) < row.effective_at - other.effective_at <= timedelta(days=7)]
        if before:
            lowest = min(before, key=lambda other: other.value_quantity or 0)
            assert row.value_quantity is not None and lowest.value_quantity is not None
            if row.value_quantity >= Decimal("1.5") * lowest.value_quantity:
                return KidneyInjury(row, lowest, row.value_quantity / lowest.value_quantity)
    return None


@given(ROWS)
def test_one_pass_finds_what_the_definition_finds(rows: list[Observation]) -> None:
    found, expected = kidney_injury(rows), by_definition(rows)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert (found.peak is expected.peak, found.lowest is expected.lowest) == (True, True)
        assert found.ratio == expected.ratio
