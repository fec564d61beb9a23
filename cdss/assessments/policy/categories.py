"""A guideline's word for a number: always with its equation, outcome, guideline, year and range, or not at all."""

from __future__ import annotations

from decimal import Decimal

from cdss.assessments.policy.facts import Facts
from cdss.assessments.policy.table import Band, Category, Policy


def categories_of(
    policy: Policy,
    facts: Facts,
    *,
    equation: str,
    outcome: str,
    horizon_years: int,
    age_years: int | None,
    risk: float | None,
) -> list[dict[str, object]]:
    """The words of every guideline that has one for this number. They follow the unrounded risk."""
    if risk is None:
        return []
    return [
        _named(category, band, risk)
        for category in policy.categories
        if category.is_shown
        and equation in category.equations
        and (outcome, horizon_years) == (category.outcome, category.horizon_years)
        and _is_of_age(category, age_years)
        and all(facts[name].answer == "yes" for name in category.asked_if)
        for band in category.bands
        if _holds(band, risk)
    ]


def _is_of_age(category: Category, age_years: int | None) -> bool:
    if category.ages is None:
        return True
    return age_years is not None and category.ages[0] <= age_years <= category.ages[1]


def _holds(band: Band, risk: float) -> bool:
    return (not band.low or risk >= float(band.low)) and (not band.high or risk < float(band.high))


def _named(category: Category, band: Band, risk: float) -> dict[str, object]:
    return {
        "word": band.word,
        "outcome": category.outcome,
        "guideline": category.guideline,
        "year": category.year,
        "range": range_words(band),
        "exact": exact_words(band, risk),
        "verified": category.verified,
    }


def exact_words(band: Band, risk: float) -> str:
    """What a reader needs where one decimal rounds a risk up to the threshold that it is below; otherwise nothing.

    >>> exact_words(Band("", "0.075", "Below"), 0.07496), exact_words(Band("", "0.075", "Below"), 0.0744)
    ('7.496 %, below 7.5 %', '')
    """
    if not band.high:
        return ""
    percent, threshold = Decimal(repr(risk)) * 100, Decimal(band.high) * 100
    if Decimal(f"{risk * 100:.1f}") != threshold:  # as it is printed
        return ""
    places = -2
    while (shown := percent.quantize(Decimal(1).scaleb(places))) == threshold:
        places -= 1
    return f"{shown:f} %, below {_percent(band.high)}"


def range_words(band: Band) -> str:
    """
    >>> range_words(Band("0.05", "0.10", "Intermediate")), range_words(Band("", "0.025", "Low"))
    ('5 % to < 10 %', '< 2.5 %')
    """
    low, high = (_percent(text) if text else "" for text in (band.low, band.high))
    if not low:
        return f"< {high}"
    return f"{low} to < {high}" if high else f"≥ {low}"


def _percent(share: str) -> str:
    return f"{(Decimal(share) * 100).normalize():f} %"
