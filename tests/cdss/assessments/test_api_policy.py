"""The policy and the records' new columns over HTTP, and genetics for nobody without the scope."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.test import Client

from cdss.accounts import scopes
from cdss.accounts.actors import actor_of
from cdss.accounts.models import User
from cdss.accounts.services import api_client_create
from cdss.assessments.models import Assessment
from cdss.assessments.policy.document import policy_read
from cdss.assessments.selectors import assessment_current, assessment_history
from cdss.jobs.running import jobs_run_due
from tests import factories
from tests.cdss.assessments.facts import measured
from tests.factories import Hospital

pytestmark = pytest.mark.django_db


def got(path: str, token: str) -> Any:
    answer = Client().get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.fixture
def tested(hospital: Hospital) -> Assessment:
    """A record of somebody whose APOE was tested."""
    who = factories.patient(hospital)
    answers = factories.complete_answers(
        apoe_e4="yes", cognitive_disorder="no", physical_activity="yes", antihypertensive_treatment="no"
    )
    schooling = measured("education_years", "9")
    factories.record(hospital, who, *factories.complete_labs(), *answers, schooling)
    jobs_run_due()
    return Assessment.objects.get(patient=who)


def geneticist(hospital: Hospital) -> str:
    wanted = [scopes.ASSESSMENTS_READ, scopes.GENETICS_READ]
    return api_client_create(organisation=hospital.organisation, name="genetics", scopes=wanted)[1]


def test_the_policy_in_force_is_read_with_its_version_and_hash(hospital: Hospital) -> None:
    body = got("policy", hospital.token)
    assert (body["version"], body["number"], body["since"], body["author_name"]) == ("default-2", 0, None, "")
    text = json.dumps(body["document"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == body["sha256"]
    assert policy_read(text).version == "default-2"


def test_without_the_scope_the_policy_is_refused(hospital: Hospital) -> None:
    _, token = api_client_create(organisation=hospital.organisation, name="x", scopes=[scopes.ASSESSMENTS_READ])
    answer = Client().get("/api/v1/policy", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


def test_a_record_gives_all_roles_sections_scores_notes_and_words(hospital: Hospital, tested: Assessment) -> None:
    body = got(f"assessments/{tested.id}", hospital.token)
    assert body["policy_sha256"] == tested.policy_sha256
    found = {(item["equation"], item["outcome"], item["horizon_years"]): item for item in body["estimates"]}
    assert {item["role"] for item in found.values()} == {"PRIMARY", "SECOND", "OLDER", "API"}
    assert {item["section"] for item in found.values()} == {"CARDIOVASCULAR", "STROKE", "DEMENTIA"}
    caide = found["caide_1", "dementia", 20]
    assert (caide["risk"], caide["scale"], caide["score_low"], caide["score_high"]) == (None, "points", 0, 15)
    assert caide["score"] == sum(share["points"] for share in caide["contributions"])
    assert [note["code"] for note in caide["notes"]] == ["FINNISH_COHORT"] and caide["meaning"]
    [category] = found["prevent_base", "total_cvd", 10]["categories"]
    assert set(category) == {"word", "outcome", "guideline", "year", "range", "verified"}
    features = {item["feature"]: item for item in body["snapshot"]["features"]}
    assert "setting" in features["systolic_bp_mmhg"]


@pytest.mark.parametrize("path", ["assessments", "assessments/{id}"])
def test_genetics_need_their_own_scope(hospital: Hospital, tested: Assessment, path: str) -> None:
    path = path.format(id=tested.id)
    assert tested.estimates.filter(is_genetic=True, score__isnull=False).count() == 1
    without = json.dumps(got(path, hospital.token))
    assert "caide_2" not in without and "apoe" not in without.lower()
    with_scope = got(path, geneticist(hospital))
    records = with_scope.get("results") or with_scope.get("items") or [with_scope]
    estimates = [item for row in records for item in row["estimates"]]
    assert [item["equation"] for item in estimates if item["is_genetic"]] == ["caide_2"]


def test_a_person_sees_genetics_by_a_flag_and_by_no_role(hospital: Hospital, tested: Assessment) -> None:
    for user in (hospital.clinician, hospital.administrator, hospital.auditor):
        assert not actor_of(user).may(scopes.GENETICS_READ)
    assert not seen_by(hospital.clinician, tested)
    User.objects.filter(id=hospital.clinician.id).update(may_see_genetics=True)
    hospital.clinician.refresh_from_db()
    assert seen_by(hospital.clinician, tested)


def seen_by(user: User, record: Assessment) -> bool:
    """In the current record, in its snapshot and in the history: everywhere, or nowhere."""
    actor = actor_of(user)
    current = assessment_current(actor, record.patient_id)
    assert current is not None
    places = [
        any(item.is_genetic for item in current.estimates.all()),
        any(item.feature == "apoe_e4" for item in current.snapshot.features.all()),
        any(item.is_genetic for row in assessment_history(actor, record.patient_id) for item in row.estimates.all()),
    ]
    assert len(set(places)) == 1
    return places[0]


def test_a_machine_gets_the_scope_only_when_it_is_asked_for_by_name(hospital: Hospital) -> None:
    assert scopes.GENETICS_READ not in hospital.client.scopes
    assert scopes.POLICY_WRITE not in scopes.GRANTABLE_TO_INTEGRATION
