"""A policy as a document: read back as it was written, and refused where something binding is missing or changed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.document import (
    PolicyDocumentError,
    policy_body,
    policy_changed,
    policy_document,
    policy_read,
    policy_sha256,
)
from cdss.assessments.policy.table import REGIONS, ROLES, SCORE2_REGIONS, Policy
from cdss.audit.canonical import canonical_json
from tests.cdss.assessments.policy.people import codes, decided, person

CHANGEABLE = [row for row in DEFAULT_POLICY.rows if row.refusal is None and row.equation != "libra"]
WITH_AGES = [row for row in CHANGEABLE if row.ages]
PREVENT_CVD, SCORE2 = "CARDIOVASCULAR/prevent_base/total_cvd/10/US", "CARDIOVASCULAR/score2/cvd/10/EUROPE"
PREVENT_CHD = "CARDIOVASCULAR/prevent_base/chd/10/US"


def row_key(equation: str, outcome: str) -> str:
    return next(row.key for row in DEFAULT_POLICY.rows if (row.equation, row.outcome) == (equation, outcome))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Everything an organisation may change, changed at will."""
    roles = st.dictionaries(
        st.sampled_from([row.key for row in CHANGEABLE]), st.sampled_from(["PRIMARY", "SECOND", "OLDER", "API", "OFF"])
    )
    ages = {}
    for row in draw(st.lists(st.sampled_from(WITH_AGES), max_size=5)):
        assert row.ages is not None
        low = draw(st.integers(*row.ages))
        ages[row.key] = (low, draw(st.integers(low, row.ages[1])))
    words = st.text(st.characters(exclude_characters="{}\x00", exclude_categories=["Cs"]), min_size=1, max_size=600)
    sentences = st.dictionaries(
        st.sampled_from([f"stops/{stop.code}" for stop in DEFAULT_POLICY.stops]), words.filter(str.strip)
    )
    return policy_changed(
        DEFAULT_POLICY,
        roles=draw(roles),
        ages=ages,
        score2_region=draw(st.sampled_from([None, *SCORE2_REGIONS])),
        sentences=draw(sentences),
        shown=draw(
            st.dictionaries(st.sampled_from([c.key for c in DEFAULT_POLICY.categories if c.verified]), st.booleans())
        ),
    )


@settings(max_examples=40, deadline=None)
@given(policies())
def test_a_policy_is_read_back_as_it_was_written(policy: Policy) -> None:
    text = policy_document(policy)
    assert policy_read(text) == policy
    assert policy_document(policy_read(text)) == text
    assert (policy_sha256(policy) == policy_sha256(DEFAULT_POLICY)) is (policy == DEFAULT_POLICY)


@settings(max_examples=40, deadline=None)
@given(policies())
def test_no_change_lifts_a_stop(policy: Policy) -> None:
    """Whatever an organisation changes, a pregnant woman gets no long-term cardiovascular number."""
    found = decided(person(46, pregnancy="yes"), "US", policy)
    computed = {item.equation for item in found.values() if not item.reason_code}
    assert computed <= {"caide_1", "libra"}


ROLES_AT_WILL = st.fixed_dictionaries({row.key: st.sampled_from(ROLES) for row in CHANGEABLE})


@settings(max_examples=40, deadline=None)
@given(ROLES_AT_WILL, st.sampled_from([{"diabetes": "yes"}, {"egfr_ml_min_173m2": "25"}]))
def test_no_role_gives_a_european_with_diabetes_or_at_high_risk_another_number(
    roles: dict[str, str], values: dict[str, str]
) -> None:
    policy = policy_changed(DEFAULT_POLICY, roles=roles, score2_region="low")
    found = decided(person(58, **values), "EUROPE", policy)
    cardiovascular = {name: item for name, item in found.items() if item.section == "CARDIOVASCULAR"}
    for name, item in cardiovascular.items():
        assert item.reason_code or item.role == "API", name


@settings(max_examples=40, deadline=None)
@given(ROLES_AT_WILL, st.sampled_from(REGIONS), st.sampled_from(["ldl_cholesterol_mmol_l", "diagnosis"]))
def test_no_role_puts_a_number_first_in_the_range_of_familial_hypercholesterolaemia(
    roles: dict[str, str], region: str, fact: str
) -> None:
    policy = policy_changed(DEFAULT_POLICY, roles=roles, score2_region="low")
    values = {"familial_hypercholesterolaemia": "yes"} if fact == "diagnosis" else {fact: "5.2"}
    found = decided(person(58, **values), region, policy)
    assert not [item for item in found.values() if (item.section, item.role) == ("CARDIOVASCULAR", "PRIMARY")]


@settings(max_examples=40, deadline=None)
@given(ROLES_AT_WILL)
def test_no_role_computes_an_equation_of_the_other_region(roles: dict[str, str]) -> None:
    policy = policy_changed(DEFAULT_POLICY, roles=roles, score2_region="low")
    for region, foreign in (("US", "score2"), ("EUROPE", "prevent")):
        found = [item for item in decided(person(58), region, policy).values() if item.equation.startswith(foreign)]
        assert all(item.reason_code == "REGION" and item.role != "PRIMARY" for item in found)


def test_an_older_equation_made_first_follows_the_rules_of_the_first() -> None:
    policy = policy_changed(DEFAULT_POLICY, roles={row_key("pce_2013", "ascvd"): "PRIMARY", PREVENT_CHD: "PRIMARY"})
    assert decided(person(58), "US", policy)["prevent_base chd"].role == "PRIMARY"
    ldl = person(58, ldl_cholesterol_mmol_l="5.2")
    assert decided(ldl, "US", policy)["prevent_base chd"].role == "SECOND"
    assert decided(ldl, "EUROPE", policy)["pce_2013 ascvd"].role == "SECOND"
    assert decided(person(58, diabetes="yes"), "EUROPE", policy)["pce_2013 ascvd"].role == "API"
    assert decided(person(58, diabetes="yes"), "US", policy)["pce_2013 ascvd"].role == "PRIMARY"


def _drop(part: str, index: int = 0) -> Callable[[dict[str, Any]], None]:
    def drop(body: dict[str, Any]) -> None:
        del body[part][index]

    return drop


def _row_of(body: dict[str, Any], key: str) -> dict[str, Any]:
    return next(row for row in body["rows"] if row["key"] == key)


def _set(key: str, name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        _row_of(body, key)[name] = value

    return change


def _stop(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        body["stops"][1][name] = value

    return change


def _top(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        body[name] = value

    return change


CAIDE_5 = "DEMENTIA/none/dementia/10/US+EUROPE"
LIBRA = "DEMENTIA/libra/dementia/0/US+EUROPE"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        (_drop("stops"), "POLICY_INVALID", "stops.PREGNANCY"),
        (_drop("questions"), "POLICY_INVALID", "questions.pregnancy"),
        (_drop("rows"), "POLICY_INVALID", f"rows.{PREVENT_CVD}"),
        (_drop("categories"), "POLICY_INVALID", "categories.acc-aha-2026"),
        (_set(PREVENT_CVD, "stops", ["PRIOR_ASCVD"]), "POLICY_BINDING", f"rows.{PREVENT_CVD}.stops"),
        (_set(PREVENT_CVD, "questions", []), "POLICY_BINDING", f"rows.{PREVENT_CVD}.questions"),
        (_set(PREVENT_CVD, "regions", ["EUROPE"]), "POLICY_BINDING", f"rows.{PREVENT_CVD}.regions"),
        (_set(PREVENT_CVD, "equation", "qrisk3"), "UNKNOWN_EQUATION", f"rows.{PREVENT_CVD}.equation"),
        (_set(PREVENT_CVD, "role", "FIRST"), "UNKNOWN_ROLE", f"rows.{PREVENT_CVD}.role"),
        (_set(PREVENT_CVD, "ages", [29, 79]), "AGES_OUT_OF_RANGE", f"rows.{PREVENT_CVD}.ages"),
        (_set(PREVENT_CVD, "ages", [60, 50]), "AGES_OUT_OF_RANGE", f"rows.{PREVENT_CVD}.ages"),
        (_set(PREVENT_CVD, "ages", None), "AGES_OUT_OF_RANGE", f"rows.{PREVENT_CVD}.ages"),
        (_set(PREVENT_CVD, "ages", [True, 79]), "AGES_OUT_OF_RANGE", f"rows.{PREVENT_CVD}.ages"),
        (_set(CAIDE_5, "role", "OFF"), "POLICY_BINDING", f"rows.{CAIDE_5}.role"),
        (_set(LIBRA, "role", "PRIMARY"), "POLICY_BINDING", f"rows.{LIBRA}.role"),
        (_stop("code", "OTHER"), "POLICY_INVALID", "stops.PRIOR_ASCVD"),
        (_stop("answer", "no"), "POLICY_BINDING", "stops.PRIOR_ASCVD.answer"),
        (_stop("sentence", "  "), "POLICY_INVALID", "stops.PRIOR_ASCVD.sentence"),
        (_stop("sentence", "See {recorded.__class__}."), "POLICY_INVALID", "stops.PRIOR_ASCVD.sentence"),
        (_top("score2_region", "mild"), "POLICY_INVALID", "score2_region"),
        (_top("version", "default-1"), "POLICY_OUTDATED", "version"),
        (_top("more", 1), "POLICY_INVALID", "document"),
        (_top("rows", {}), "POLICY_INVALID", "rows"),
    ],
)
def test_what_is_binding_cannot_be_changed(change: Callable[[dict[str, Any]], None], code: str, field: str) -> None:
    body = copy.deepcopy(policy_body(DEFAULT_POLICY))
    change(body)
    with pytest.raises(PolicyDocumentError) as refused:
        policy_read(canonical_json(body))
    assert (refused.value.code, refused.value.field) == (code, field)


DOCUMENT = policy_document(DEFAULT_POLICY)
NOT_DOCUMENTS = {
    "empty": "",
    "list": "[]",
    "cut": "{",
    "null": "null",
    "deep": "[" * 100_000 + "]" * 100_000,
    "deep value": DOCUMENT.replace('"score2_region":null', '"score2_region":' + "[" * 100_000 + "]" * 100_000),
    "deep version": DOCUMENT.replace('"version":"default', '"version":' + "[" * 300 + "]" * 300 + ',"x":"default'),
    "name twice": DOCUMENT.replace('"score2_region":null', '"score2_region":"low","score2_region":null'),
    "name twice in a row": DOCUMENT.replace('"role":"PRIMARY"', '"role":"API","role":"PRIMARY"', 1),
    "long": DOCUMENT + " " * 1_000_000,
    "half a character": DOCUMENT.replace("Not shown during", "\ud800"),
    "half a character, spelled": DOCUMENT.replace("Not shown during", "\\ud800"),
    "equation is a list": DOCUMENT.replace('"equation":"prevent_base"', '"equation":["x"]', 1),
    "key is a list": DOCUMENT.replace('"key":"CARDIO', '"key":["x"],"other":"CARDIO', 1),
    "code is deep": DOCUMENT.replace('"code":"PREGNANCY"', '"code":' + "[" * 300 + "]" * 300),
}


@pytest.mark.parametrize("text", NOT_DOCUMENTS.values(), ids=NOT_DOCUMENTS)
def test_what_is_not_a_document_is_refused(text: str) -> None:
    assert text != DOCUMENT
    with pytest.raises(PolicyDocumentError) as refused:
        policy_read(text)
    assert len(refused.value.sentence) < 300 and len(refused.value.field or "") < 300


def test_words_that_nobody_has_verified_cannot_be_shown() -> None:
    with pytest.raises(PolicyDocumentError) as refused:
        policy_changed(DEFAULT_POLICY, shown={"acc-aha-2026": True})
    assert (refused.value.code, refused.value.field) == ("POLICY_BINDING", "categories.acc-aha-2026.is_shown")


def test_a_row_that_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(PolicyDocumentError) as refused:
        policy_changed(DEFAULT_POLICY, roles={"CARDIOVASCULAR/qrisk3/cvd/10/US": "PRIMARY"})
    assert refused.value.field == "rows.CARDIOVASCULAR/qrisk3/cvd/10/US"


def test_the_document_says_nothing_twice_and_keeps_thresholds_as_text() -> None:
    body = json.loads(policy_document(DEFAULT_POLICY))
    assert body["categories"][0]["bands"][0] == {"low": "", "high": "0.03", "word": "Low"}
    assert len({row["key"] for row in body["rows"]}) == len(body["rows"])


def test_narrower_ages_are_a_refusal_that_names_the_organisation() -> None:
    policy = policy_changed(DEFAULT_POLICY, ages={PREVENT_CVD: (40, 75)})
    refused = decided(person(77), "US", policy)["prevent_base total_cvd"]
    assert refused.reason_code == "AGE_ABOVE_RANGE"
    assert refused.limit == "40 to 75 years; source: the policy of this organisation"
    assert codes(person(75), "US", policy)["prevent_base total_cvd"] == ""


def test_a_row_that_is_off_is_not_asked_for() -> None:
    policy = policy_changed(DEFAULT_POLICY, roles={row_key("pce_2013", "ascvd"): "OFF"})
    assert "pce_2013 ascvd" not in decided(person(58), "US", policy)


def test_a_sentence_of_the_organisation_is_filled_like_the_default() -> None:
    policy = policy_changed(DEFAULT_POLICY, sentences={"stops/PRIOR_ASCVD": "Known: {recorded}. Ask cardiology."})
    refused = decided(person(58, prior_cardiovascular_disease="yes"), "US", policy)["prevent_base ascvd"]
    assert (refused.reason_code, refused.sentence) == (
        "PRIOR_ASCVD",
        "Known: known cardiovascular disease. Ask cardiology.",
    )
