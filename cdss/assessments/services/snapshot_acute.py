"""Values that an acute illness has changed: acute care itself, lipids after a coronary event, creatinine in an injury.

Kidney Disease: Improving Global Outcomes. KDIGO Clinical Practice Guideline for Acute Kidney Injury. Kidney Int Suppl
2012;2:1-138: creatinine at least 1.5 times baseline, known or presumed to have risen within the prior seven days;
a disease of the kidney of less than three months is acute, of more it is chronic.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

from cdss.assessments.services.known_rows import KnownRows
from cdss.assessments.services.snapshot_moment import Moment
from cdss.core.errors import DomainError
from patients.models import Observation, Setting
from patients.terminology import QUANTITY_OF_CODE, quantity_canonical

ACUTE_CARE = (Setting.INPATIENT, Setting.EMERGENCY)
AFTER_CORONARY_EVENT = timedelta(weeks=8)
LIPIDS = frozenset(
    {"total_cholesterol_mmol_l", "hdl_cholesterol_mmol_l", "ldl_cholesterol_mmol_l", "triglycerides_mmol_l"}
)
# A stay in hospital does not change these, and the duration of a TIA is taken down nowhere else.
NOT_CHANGED_BY_ILLNESS = frozenset(
    {
        "body_height_cm",
        "cigarettes_per_day",
        "smoking_years",
        "pack_years",
        "education_years",
        "sdi_decile",
        "tia_duration_minutes",
    }
)
INJURY_RATIO, INJURY_WINDOW = Decimal("1.5"), timedelta(days=7)
# A week after the last rise the baseline of the definition is a new one. Stated to be ambulatory: somebody still in
# hospital after an injury is not yet stable. Where no setting is ever stated, three months end what is acute.
SETTLED_AMBULATORY, SETTLED_ANYWHERE = timedelta(days=7), timedelta(days=91)

Window = tuple[datetime, datetime]


def coronary_event_windows(known: KnownRows, moment: Moment) -> list[Window]:
    """When an acute coronary syndrome lowers cholesterol: from its onset for eight weeks."""
    windows = []
    for diagnosis in known.diagnoses:
        if "acute_coronary_syndrome_recent" in diagnosis.coded.answers_if_recent and diagnosis.onset:
            start = moment.start_of(diagnosis.onset)
            if start is not None:
                windows.append((start, start + AFTER_CORONARY_EVENT))
    stated = known.answers.get("acute_coronary_syndrome_recent")
    if stated is not None and stated.value_code == "yes":  # some time in the eight weeks before it was stated
        windows.append((stated.effective_at - AFTER_CORONARY_EVENT, stated.effective_at + AFTER_CORONARY_EVENT))
    return windows


def why_not_stable(feature: str, row: Observation, events: Sequence[Window]) -> str:
    """`from acute care`, or whatever else this value is not stable for; empty when nothing speaks against it."""
    if row.setting in ACUTE_CARE and feature not in NOT_CHANGED_BY_ILLNESS:
        return "from acute care"
    if feature in LIPIDS and any(start <= row.effective_at < end for start, end in events):
        return "within 8 weeks of an acute coronary syndrome"
    return ""


@dataclass(frozen=True, slots=True)
class KidneyInjury:
    """The latest rise of creatinine to 1.5 times the lowest value of the week before."""

    peak: Observation
    lowest: Observation
    ratio: Decimal

    def is_over_by(self, row: Observation) -> bool:
        since = row.effective_at - self.peak.effective_at
        if row.setting in ACUTE_CARE:
            return False
        return since >= (SETTLED_AMBULATORY if row.setting == Setting.AMBULATORY else SETTLED_ANYWHERE)


def kidney_injury(rows: Sequence[Observation]) -> KidneyInjury | None:
    """`rows` are all creatinine values, newest first, whatever their setting; those not understood prove nothing."""
    understood = [(value, row) for row in reversed(rows) if (value := canonical_or_none(row)) is not None]
    latest = None
    week: deque[tuple[Decimal, Observation]] = deque()  # values rising with time: the first is the lowest of the week
    for at, together in groupby(understood, key=lambda pair: pair[1].effective_at):
        pairs = list(together)
        while week and at - week[0][1].effective_at > INJURY_WINDOW:
            week.popleft()
        for value, row in pairs:
            if week and value >= INJURY_RATIO * week[0][0]:
                latest = KidneyInjury(row, week[0][1], value / week[0][0])
        for pair in pairs:
            while week and week[-1][0] >= pair[0]:
                week.pop()
            week.append(pair)
    return latest


def canonical_or_none(row: Observation) -> Decimal | None:
    try:
        return canonical_of(row)
    except DomainError:
        return None


def readable_of_moment(rows: Iterable[Observation], chosen: Observation) -> Observation:
    """The one chosen, or where it cannot be read the first of its very moment among `rows` that can."""
    if canonical_or_none(chosen) is not None:
        return chosen
    together = [row for row in rows if row.effective_at == chosen.effective_at]
    return next((row for row in together if canonical_or_none(row) is not None), chosen)


def canonical_of(row: Observation) -> Decimal:
    """The value in its feature's unit; raises the error whose sentence says why it is not understood."""
    quantity = QUANTITY_OF_CODE[(row.code_system, row.code)]
    return quantity_canonical(quantity=quantity, value=row.value_quantity or Decimal(0), unit=row.unit, code=row.code)
