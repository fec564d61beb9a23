"""The moment of a snapshot: days begin and end where the patient's hospital is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from patients.models import Patient

# Senders write "for ever" as a day like 9999-12-31; no calendar reaches beyond it.
FOR_EVER = date(9000, 1, 1)


@dataclass(frozen=True, slots=True)
class Moment:
    as_of: datetime
    zone: ZoneInfo
    birth_date: date | None = None

    @classmethod
    def of(cls, patient: Patient, as_of: datetime) -> Moment:
        return cls(as_of, ZoneInfo(patient.organisation.time_zone), patient.birth_date)

    @property
    def today(self) -> date:
        return self.as_of.astimezone(self.zone).date()

    def start_of(self, day: date, *, days_later: int = 0) -> datetime | None:
        """Local midnight as that day, or one so many days later, begins; None where that is for ever."""
        if day >= FOR_EVER:
            return None
        return datetime.combine(day + timedelta(days=days_later), time(), tzinfo=self.zone).astimezone(UTC)

    def dated(self, day: date | None) -> datetime | None:
        """When that day begins, in the hospital's zone: in UTC it reads as the day before east of Greenwich."""
        at = self.start_of(day) if day else None
        return at.astimezone(self.zone) if at else None

    def age_reached_at(self, age_years: int) -> datetime | None:
        """When that birthday begins; None where no birth date is recorded."""
        if self.birth_date is None:
            return None
        return self.start_of(birthday_in(self.birth_date, self.birth_date.year + age_years))

    def words(self, at: datetime) -> str:
        """`3 May 2026`, the day it was there."""
        return day_words(at.astimezone(self.zone).date())


def birthday_in(birth_date: date, year: int) -> date:
    """Somebody born on 29 February has the birthday on 1 March of other years.

    >>> birthday_in(date(2000, 2, 29), 2028), birthday_in(date(2000, 2, 29), 2027)
    (datetime.date(2028, 2, 29), datetime.date(2027, 3, 1))
    """
    try:
        return birth_date.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def day_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
