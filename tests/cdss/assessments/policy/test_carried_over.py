"""A policy adopted under another default of the product: the organisation's choices hold on the present one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from cdss.accounts.actors import actor_of
from cdss.assessments.invariants import broken_invariants
from cdss.assessments.jobs import records_made_again
from cdss.assessments.models import PolicyTrial, PolicyVersion
from cdss.assessments.policy import document, in_force
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.document import (
    PolicyDocumentError,
    policy_applied,
    policy_body,
    policy_carried_over,
    policy_changed,
    policy_document,
    policy_read,
    policy_sha256,
)
from cdss.assessments.policy.in_force import policy_current
from cdss.assessments.policy.table import Policy, Row, Stop
from cdss.assessments.selectors import assessment_current
from cdss.assessments.services.policy import NothingChangedError, policy_adopt, policy_try
from cdss.audit.canonical import canonical_json
from cdss.core.errors import ConflictError
from cdss.jobs.running import jobs_run_due
from tests import factories
from tests.factories import Hospital

TOTAL_CVD, ASCVD = (f"CARDIOVASCULAR/prevent_base/{outcome}/10/US" for outcome in ("total_cvd", "ascvd"))
PCE, CAIDE_5 = "CARDIOVASCULAR/pce_2013/ascvd/10/US+EUROPE", "DEMENTIA/none/dementia/10/US+EUROPE"
OWN_SENTENCE = "Pregnant: ask obstetrics."
CHOSEN = policy_changed(
    DEFAULT_POLICY,
    roles={PCE: "SECOND", ASCVD: "OFF"},
    ages={TOTAL_CVD: (40, 50)},
    score2_region="high",
    sentences={"stops/PREGNANCY": OWN_SENTENCE},
    shown={"aha-acc-2025": False},
)
NEW_STOP = Stop("NEW_STOP", "type_1_diabetes_known", "yes", "Not shown: {recorded} is recorded.")


def other_default(**row_changes: Any) -> Policy:
    """The product's next table: a row fewer, a stop more, another number."""
    rows = [row for row in DEFAULT_POLICY.rows if row.key != ASCVD]
    rows = [replace(row, **row_changes) if row.key == TOTAL_CVD else row for row in rows]
    stop = replace(NEW_STOP, fact="diabetes")
    return replace(DEFAULT_POLICY, version="default-9", rows=tuple(rows), stops=(*DEFAULT_POLICY.stops, stop))


def the_default_becomes(monkeypatch: pytest.MonkeyPatch, policy: Policy) -> None:
    monkeypatch.setattr(document, "DEFAULT_POLICY", policy)
    monkeypatch.setattr(in_force, "DEFAULT_POLICY", policy)
    monkeypatch.setattr(in_force, "DEFAULT_SHA256", policy_sha256(policy))
    caches_clear()


def caches_clear() -> None:
    policy_read.cache_clear()
    policy_applied.cache_clear()


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    yield
    caches_clear()


def row_of(policy: Policy, key: str) -> Row:
    return next(row for row in policy.rows if row.key == key)


def test_what_the_organisation_chose_is_kept_and_the_rest_is_the_new_default(monkeypatch: pytest.MonkeyPatch) -> None:
    new = other_default(ages=(45, 79), stops=("NEW_STOP",))
    the_default_becomes(monkeypatch, new)
    policy, sha256, is_carried_over = policy_applied(policy_document(CHOSEN))
    assert is_carried_over and sha256 == policy_sha256(policy) != policy_sha256(new)
    assert policy.version == "default-9" and policy.score2_region == "high"
    assert row_of(policy, PCE).role == "SECOND"
    assert row_of(policy, TOTAL_CVD).ages == (45, 50) and row_of(policy, TOTAL_CVD).stops == ("NEW_STOP",)
    assert [row.key for row in policy.rows] == [row.key for row in new.rows]
    assert next(stop for stop in policy.stops if stop.code == "PREGNANCY").sentence == OWN_SENTENCE
    assert policy.stops[-1] == new.stops[-1]
    assert not next(category for category in policy.categories if category.key == "aha-acc-2025").is_shown
    assert policy_read(policy_document(policy)) == policy


def test_ages_of_which_nothing_is_left_take_the_row_away(monkeypatch: pytest.MonkeyPatch) -> None:
    the_default_becomes(monkeypatch, other_default(ages=(60, 79)))
    row = row_of(policy_carried_over(policy_document(CHOSEN)), TOTAL_CVD)
    assert (row.role, row.ages) == ("OFF", (60, 79))


def test_under_the_same_default_nothing_is_carried_over() -> None:
    text = policy_document(CHOSEN)
    assert policy_applied(text) == (CHOSEN, policy_sha256(CHOSEN), False)
    assert policy_carried_over(text) == CHOSEN


@pytest.mark.parametrize(
    ("part", "index", "name", "value"),
    [
        ("rows", 0, "role", "FIRST"),
        ("rows", 0, "role", ["PRIMARY"]),
        ("rows", 0, "ages", "40-50"),
        ("rows", 0, "ages", [None, 50]),
        ("rows", 0, "ages", [20, 120]),
        ("stops", 0, "sentence", "See {recorded.__class__}."),
        ("stops", 0, "sentence", 7),
        ("notes", 0, "sentence", "x" * 601),
        ("categories", 0, "is_shown", "yes"),
    ],
)
def test_a_choice_that_is_not_possible_any_more_gives_way_to_the_default(
    part: str, index: int, name: str, value: object
) -> None:
    body = policy_body(DEFAULT_POLICY) | {"version": "default-0"}
    body[part][index][name] = value
    assert policy_carried_over(canonical_json(body)) == DEFAULT_POLICY


@pytest.mark.parametrize(
    "change", [{"rows": {}}, {"rows": [[]]}, {"stops": None}, {"score2_region": ["low"]}, {"more": 1}]
)
def test_parts_that_another_table_had_otherwise_are_those_of_the_default(change: dict[str, Any]) -> None:
    body = policy_body(DEFAULT_POLICY) | {"version": "default-0"} | change
    assert policy_carried_over(canonical_json(body)) == DEFAULT_POLICY


def test_a_refusal_in_the_place_of_a_number_stays_one() -> None:
    body = policy_body(DEFAULT_POLICY) | {"version": "default-0"}
    next(row for row in body["rows"] if row["key"] == CAIDE_5)["role"] = "OFF"
    assert policy_carried_over(canonical_json(body)) == DEFAULT_POLICY


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version":9}', "[" * 100_000])
def test_what_is_not_a_policy_of_ours_is_still_refused(text: str) -> None:
    with pytest.raises(PolicyDocumentError):
        policy_applied(text)


# --- in a hospital


def adopted(at: Hospital, policy: Policy) -> PolicyVersion:
    actor = actor_of(at.administrator)
    trial = policy_try(actor=actor, document=policy_document(policy))
    jobs_run_due()
    return policy_adopt(actor=actor, trial_id=trial.id, reason="As decided")


@pytest.mark.django_db
def test_an_upgrade_keeps_the_hospital_running_and_its_choice(
    hospital: Hospital, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = factories.complete_patient(hospital)
    version = adopted(hospital, CHOSEN)
    records_made_again()
    jobs_run_due()

    the_default_becomes(monkeypatch, other_default())
    current = policy_current(hospital.organisation.id)
    assert (current.is_carried_over, current.version) == (True, "default-9.1 carried over")
    assert current.sha256 == policy_sha256(current.policy) != version.sha256
    assert records_made_again() == 1 and records_made_again() == 0
    jobs_run_due()
    record = assessment_current(hospital.clinician_actor, patient.id)
    assert record is not None
    assert (record.policy_version, record.policy_sha256) == ("default-9.1 carried over", current.sha256)
    assert not record.estimates.filter(equation="prevent_base", outcome="ascvd", horizon_years=10).exists()
    assert record.estimates.get(equation="pce_2013").role == "SECOND"
    total = record.estimates.get(equation="prevent_base", outcome="total_cvd", horizon_years=10)
    assert total.reason_code == "AGE_ABOVE_RANGE"

    client.force_login(hospital.administrator)
    for address in ("/policy/", "/policy/edit/"):
        assert client.get(address).status_code == 200
    assert hashlib.sha256(version.body.encode()).hexdigest() == version.sha256
    assert broken_invariants() == []


@pytest.mark.django_db
def test_after_an_upgrade_a_change_is_tried_and_adopted(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.complete_patient(hospital)
    jobs_run_due()
    adopted(hospital, CHOSEN)
    the_default_becomes(monkeypatch, other_default())
    wanted = policy_changed(policy_current(hospital.organisation.id).policy, score2_region="low", roles={PCE: "OFF"})
    adopted(hospital, wanted)
    trial = PolicyTrial.objects.latest("created_at")
    assert (trial.patients_count, trial.changed_count, trial.error) == (1, 1, "")
    assert [row["kind"] for row in trial.changes["counts"]] == ["DISAPPEARS"]
    current = policy_current(hospital.organisation.id)
    assert (current.policy, current.version, current.is_carried_over) == (wanted, "default-9.2", False)


@pytest.mark.django_db
def test_what_was_carried_over_may_be_adopted_as_it_is_and_then_not_again(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopted(hospital, CHOSEN)
    the_default_becomes(monkeypatch, other_default())
    carried = policy_current(hospital.organisation.id)
    version = adopted(hospital, carried.policy)
    current = policy_current(hospital.organisation.id)
    assert (current.version, current.sha256, current.is_carried_over) == ("default-9.2", carried.sha256, False)
    assert version.sha256 == carried.sha256
    with pytest.raises(NothingChangedError):
        policy_try(actor=actor_of(hospital.administrator), document=policy_document(current.policy))


@pytest.mark.django_db
def test_a_trial_from_before_an_upgrade_is_not_adopted(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    actor = actor_of(hospital.administrator)
    trial = policy_try(actor=actor, document=policy_document(CHOSEN))
    jobs_run_due()
    the_default_becomes(monkeypatch, other_default())
    with pytest.raises(ConflictError) as refused:
        policy_adopt(actor=actor, trial_id=trial.id, reason="Late")
    assert refused.value.code == "POLICY_CHANGED"
    assert not PolicyVersion.objects.exists()


@pytest.mark.django_db
def test_one_unreadable_policy_does_not_stop_the_sweep_for_the_others(
    hospital: Hospital, other_hospital: Hospital
) -> None:
    factories.complete_patient(other_hospital)
    jobs_run_due()
    author = {"author_id": "x", "author_name": "x", "reason": "x"}
    PolicyVersion.objects.create(organisation=hospital.organisation, number=1, body="{}", sha256="0" * 64, **author)
    policy = policy_changed(DEFAULT_POLICY, roles={PCE: "OFF"})
    adopted(other_hospital, policy)
    assert records_made_again() == 1
    assert json.loads(PolicyVersion.objects.get(organisation=other_hospital.organisation).body)["version"]
