"""The policy as a page shows it: each number with its place, its people and what refuses it; versions, differences."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cdss.assessments.models import EstimateRole, PolicyVersion, Section
from cdss.assessments.policy.categories import range_words
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.table import EQUATIONS, OFF, ROLES, SCORE2_REGIONS, Category, Policy, Question, Row, Stop
from cdss.dashboard.words import equation_words, inside, named, outcome_words

ROLE_WORDS = {**dict(EstimateRole.choices), OFF: "Not asked for"}
ROLE_CHOICES = [(role, ROLE_WORDS[role]) for role in ROLES]
REGION_WORDS = {"US": "United States", "EUROPE": "Europe"}
UNSET = "Not set"
SCORE2_REGION_WORDS = {region: f"{named(region)} risk" for region in SCORE2_REGIONS}
SCORE2_REGION_CHOICES = [("", UNSET), *SCORE2_REGION_WORDS.items()]
# Facts whose name is not their words.
FACT_WORDS = {
    "fh_range": "LDL-C in the range of familial hypercholesterolaemia",
    "hba1c_measured": "HbA1c measured",
    "uacr_measured": "Urine albumin-creatinine ratio measured",
    "sdi_known": "Social deprivation index known",
    "two_of_hba1c_uacr_sdi_known": "Two of HbA1c, albumin-creatinine ratio and deprivation index known",
    "one_of_hba1c_uacr_sdi_missing": "One of HbA1c, albumin-creatinine ratio and deprivation index not known",
    "lipids_of_two_samples": "Total and HDL cholesterol of two samples",
    "class_by_finding": "A marked single finding, or reduced kidney function",
    "class_by_score2": "No marked single finding, normal kidney function, no familial hypercholesterolaemia",
    "apoe_e4_tested": "APOE ε4 tested",
    "prior_tia": "Prior TIA",
    "prior_stroke_or_tia": "Prior stroke or TIA",
    "tia_within_7_days": "TIA within 7 days",
    "score2_region": "SCORE2 region set",
    "contradiction": "The CT shows what the problem list denies",
    "stroke_since_tia": "Stroke since the TIA",
    "prior_cardiovascular_disease_or_heart_failure": "Prior cardiovascular disease, or heart failure",
    "in_europe": "In Europe",
    "diabetes_in_europe": "Diabetes, in Europe",
    "high_risk_by_diagnosis_in_europe": "High risk by diagnosis, in Europe",
    "aged_under_70_or_unknown": "Aged under 70, or of unknown age",
    "aged_80_or_more_undiagnosed": "Aged 80 or more, without a diagnosed cognitive disorder",
    "anticoagulated_atrial_fibrillation": "Atrial fibrillation with an anticoagulant",
    "male_atrial_fibrillation": "Atrial fibrillation in a man",
    "valvular_atrial_fibrillation": "Mechanical heart valve or moderate to severe mitral stenosis",
    "stage_1_hypertension": "Untreated stage 1 hypertension without diabetes or kidney disease",
    "treated_without_hypertension": "Blood-pressure drugs without hypertension",
    "pce_race_other": "A group other than those of the Pooled Cohort Equations",
}
WHAT_WORDS = {"version": "table", "score2_region": "SCORE2 region", "role": "place", "is_shown": "shown"}
KEYS = {"rows": "key", "stops": "code", "questions": "fact", "notes": "code", "categories": "key"}
OWN_AGES = {row.key: row.ages for row in DEFAULT_POLICY.rows}


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that refuses a number, or moves it to another place."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """Rows that differ in their outcome only are one line."""

    row: Row
    equation: str
    outcomes: str
    role_words: str
    who: str
    refused_when: list[Condition]
    moves: list[str]
    categories: list[str]


@dataclass(frozen=True, slots=True)
class PolicySection:
    title: str
    rows: list[PolicyRow]


@dataclass(frozen=True, slots=True)
class PolicyTable:
    policy: Policy
    sections: list[PolicySection]
    stops: list[tuple[Stop, str]]
    questions: list[tuple[Question, str]]
    categories: list[tuple[Category, str, list[str]]]
    score2_region: str


@dataclass(frozen=True, slots=True)
class Difference:
    where: str
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    version: PolicyVersion
    differences: list[Difference]


def present_policy(policy: Policy) -> PolicyTable:
    stops = {stop.code: stop for stop in policy.stops}
    return PolicyTable(
        policy=policy,
        sections=[
            PolicySection(label, [_row(rows, stops, policy.categories) for rows in _alike(policy.rows, value)])
            for value, label in Section.choices
        ],
        stops=[(stop, _fact_words(stop.fact, stop.answer)) for stop in policy.stops],
        questions=[(question, inside(fact_words(question.fact))) for question in policy.questions],
        categories=[
            (item, category_words(item), [f"{band.word}: {range_words(band)}" for band in item.bands])
            for item in policy.categories
        ],
        score2_region=SCORE2_REGION_WORDS.get(policy.score2_region or "", UNSET),
    )


def _alike(rows: Iterable[Row], section: str) -> list[list[Row]]:
    """The rows of a section, those together that say the same of another outcome."""
    groups: dict[Row, list[Row]] = {}
    for row in rows:
        if row.section == section:
            groups.setdefault(dataclasses.replace(row, outcome=""), []).append(row)
    return list(groups.values())


def number_words(equation: str, outcome: str, horizon_years: int) -> str:
    """`PREVENT: total cardiovascular disease, 10 years`."""
    horizon = f", {horizon_years} years" if horizon_years else ""
    return f"{_equation(equation)}: {outcome_words(outcome).title.lower()}{horizon}"


def _row(rows: list[Row], stops: Mapping[str, Stop], categories: Iterable[Category]) -> PolicyRow:
    row = rows[0]
    outcomes = [outcome_words(item.outcome).title for item in rows]
    horizon = f", {row.horizon_years} years" if row.horizon_years else ""
    return PolicyRow(
        row=row,
        equation=_equation(row.equation),
        outcomes=", ".join([outcomes[0], *(words.lower() for words in outcomes[1:])]) + horizon,
        role_words=ROLE_WORDS[row.role],
        who=", ".join(_who(row)),
        refused_when=list(_refused_when(row, stops)),
        moves=[f"{fact_words(change.fact)}: {ROLE_WORDS[change.role].lower()}" for change in row.roles_if],
        categories=[
            category_words(item) for item in categories if item.is_shown and any(_is_of(item, other) for other in rows)
        ],
    )


def _equation(equation: str) -> str:
    return EQUATIONS[equation].label if equation == "none" else equation_words(equation)


def _who(row: Row) -> Iterator[str]:
    if len(row.regions) == 1:
        yield REGION_WORDS[row.regions[0]]
    if row.ages is not None:
        yield f"{row.ages[0]} to {row.ages[1]} years"
    for fact in row.asked_if:
        yield inside(fact_words(fact))
    if row.is_genetic:
        yield "seen only by who may see genetic data"


def _refused_when(row: Row, stops: Mapping[str, Stop]) -> Iterator[Condition]:
    if row.refusal is not None:
        yield Condition(row.refusal.code, "always")
    if row.elsewhere:
        yield Condition("REGION", f"outside {' and '.join(REGION_WORDS[region] for region in row.regions)}")
    for code in row.stops:
        yield Condition(code, inside(_fact_words(stops[code].fact, stops[code].answer)))
    if row.ages is not None:
        yield Condition("AGE_BELOW_RANGE", f"under {row.ages[0]}")
        yield Condition("AGE_ABOVE_RANGE", f"over {row.ages[1]}")
    if row.questions:
        facts = ", ".join(inside(fact_words(fact)) for fact in row.questions)
        yield Condition("UNKNOWN_HISTORY", f"not stated: {facts}")


def fact_words(fact: str) -> str:
    return FACT_WORDS.get(fact) or named(fact)


def _fact_words(fact: str, answer: str) -> str:
    return fact_words(fact) if answer == "yes" else f"Not: {inside(fact_words(fact))}"


def _is_of(category: Category, row: Row) -> bool:
    is_number = (category.outcome, category.horizon_years) == (row.outcome, row.horizon_years)
    return is_number and row.equation in category.equations


def category_words(category: Category) -> str:
    """`ESC prevention 2021, cardiovascular disease, ages 40 to 49`, and of whom else the guideline says it."""
    ages = f", ages {category.ages[0]} to {category.ages[1]}" if category.ages else ""
    whom = "".join(f", {inside(fact_words(fact))}" for fact in category.asked_if)
    return f"{category.guideline} {category.year}, {outcome_words(category.outcome).title.lower()}{ages}{whom}"


def present_versions(versions: Iterable[PolicyVersion], default_body: dict[str, Any], *, most: int) -> list[VersionRow]:
    """Newest first; each against the one before it, the first of all against the default. Give one more than `most`."""
    bodies = [(version, json.loads(version.body)) for version in versions]
    before = [body for _, body in bodies[1:]] + [default_body]
    rows = zip(bodies[:most], before, strict=False)
    return [VersionRow(version, differences(earlier, body)) for (version, body), earlier in rows]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Of two documents, whatever table version each is of."""
    found = [
        Difference("Policy", WHAT_WORDS.get(name, name), _words(before.get(name)), _words(after.get(name)))
        for name in ("version", "score2_region")
        if before.get(name) != after.get(name)
    ]
    for part, key in KEYS.items():
        olds, news = ({item[key]: item for item in body.get(part, [])} for body in (before, after))
        for name in {**olds, **news}:
            found += _item_differences(_where(part, news.get(name) or olds[name], name), olds.get(name), news.get(name))
    return found


def _where(part: str, item: Mapping[str, Any], name: str) -> str:
    if part == "rows" and item["equation"] in EQUATIONS:
        regions = " and ".join(REGION_WORDS.get(region, region) for region in item["regions"])
        return f"{number_words(item['equation'], item['outcome'], item['horizon_years'])} ({regions})"
    if part == "categories":
        return f"{item['guideline']} {item['year']} ({name})"
    return f"{named(part)[:-1]} {inside(fact_words(name)) if part == 'questions' else name}"


def _item_differences(
    where: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Iterator[Difference]:
    if before is None or after is None:
        yield Difference(where, "added" if before is None else "removed", "", "")
        return
    for name in {**before, **after}:
        if before.get(name) != after.get(name):
            yield Difference(
                where, WHAT_WORDS.get(name, name), _words(before.get(name), name), _words(after.get(name), name)
            )


def _words(value: Any, name: str = "") -> str:
    if name == "role":
        return ROLE_WORDS.get(value, str(value))
    if name == "ages" and isinstance(value, list):
        return f"{value[0]} to {value[1]} years"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return UNSET.lower()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
