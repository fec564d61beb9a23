"""Which equation for whom: what is in effect, a change tried on the current patients, and putting it into effect."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.accounts.pages import FORM, page
from cdss.assessments.models import PolicyTrial
from cdss.assessments.policy.default import DEFAULT_POLICY
from cdss.assessments.policy.document import PolicyDocumentError, policy_applied, policy_body, policy_document
from cdss.assessments.policy.in_force import (
    DEFAULT_SHA256,
    PolicyInForce,
    policy_current_visible_to,
    policy_history,
    policy_trials_visible_to,
)
from cdss.assessments.services.policy import policy_adopt, policy_try
from cdss.audit.services import audit_append
from cdss.core.errors import ConflictError, DomainError, NotFoundError
from cdss.dashboard.form_policy import PolicyForm
from cdss.dashboard.forms import typed
from cdss.dashboard.presenters_policy import (
    ROLE_CHOICES,
    SCORE2_REGION_CHOICES,
    differences,
    present_policy,
    present_versions,
)
from cdss.dashboard.presenters_policy_edit import present_policy_edit
from cdss.dashboard.presenters_policy_trial import patients_listed, present_counts, present_patients_changed
from cdss.dashboard.views.patient import poll_state
from cdss.jobs.models import Job
from cdss.jobs.selectors import jobs_open
from patients.selectors import patients_visible_to

MOST_VERSIONS, MOST_TRIALS = 50, 5


@page(scopes.POLICY_READ)
def policy(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    current = policy_current_visible_to(actor)
    context = {
        "current": current,
        "table": present_policy(current.policy),
        "versions": present_versions(
            policy_history(actor)[: MOST_VERSIONS + 1], policy_body(DEFAULT_POLICY), most=MOST_VERSIONS
        ),
        "trials": policy_trials_visible_to(actor)[:MOST_TRIALS],
        "may_change": actor.may(scopes.POLICY_WRITE),
    }
    return render(request, "dashboard/policy.html", context)


@page(scopes.POLICY_WRITE, methods=("GET", "HEAD", "POST"))
def policy_edit(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    current = policy_current_visible_to(actor)
    if request.method != "POST":
        return _edit_render(request, current, PolicyForm.of_policy(current.policy, current.sha256))
    form = PolicyForm.of_posted(request.POST, current.policy)
    try:
        if form.base_sha256 != current.sha256:
            raise ConflictError(
                "Another policy was put into effect since this page was opened. What you chose stands below: check it "
                "against the policy that is in effect now, and try it again.",
                code="POLICY_CHANGED",
            )
        trial = policy_try(actor=actor, document=policy_document(form.changed(current.policy)))
    except NotFoundError:
        raise
    except DomainError as error:
        form.refuse(error)
        return _edit_render(request, current, form, status=error.status)
    return _see_other(reverse("policy-trial", args=[trial.id]))


def _edit_render(request: HttpRequest, current: PolicyInForce, form: PolicyForm, *, status: int = 200) -> HttpResponse:
    context = {
        "current": current,
        "edit": present_policy_edit(current.policy, form),
        "roles": ROLE_CHOICES,
        "score2_regions": SCORE2_REGION_CHOICES,
    }
    return render(request, "dashboard/policy_edit.html", context, status=status)


@page(scopes.POLICY_WRITE)
@transaction.atomic
def policy_trial(request: HttpRequest, actor: Actor, trial_id: uuid.UUID) -> HttpResponseBase:
    return _trial_render(request, actor, _trial(actor, trial_id))


@page(scopes.POLICY_WRITE)
def policy_trial_work(request: HttpRequest, actor: Actor, trial_id: uuid.UUID) -> HttpResponseBase:
    """The fragment that asks again until the trial is done."""
    trial = _trial(actor, trial_id)
    times, seconds = poll_state(request)
    context = {"trial": trial, "job": _job(trial), "asked": times, "seconds": seconds, "is_poll": True}
    return render(request, "dashboard/_policy_trial_work.html", context)


@page(scopes.POLICY_WRITE, methods=FORM)
def policy_trial_adopt(request: HttpRequest, actor: Actor, trial_id: uuid.UUID) -> HttpResponseBase:
    if request.method != "POST":
        return _see_other(reverse("policy-trial", args=[_trial(actor, trial_id).id]))
    reason = typed(request.POST, "reason")
    try:
        policy_adopt(actor=actor, trial_id=trial_id, reason=reason)
    except NotFoundError:
        raise
    except DomainError as error:
        with transaction.atomic():
            return _trial_render(request, actor, _trial(actor, trial_id), reason=reason, error=error)
    return _see_other(reverse("policy"))


def _trial(actor: Actor, trial_id: uuid.UUID) -> PolicyTrial:
    trial = policy_trials_visible_to(actor).filter(id=trial_id).first()
    if trial is None:
        raise NotFoundError
    return trial


def _trial_render(
    request: HttpRequest, actor: Actor, trial: PolicyTrial, *, reason: str = "", error: DomainError | None = None
) -> HttpResponse:
    """The audit entry of what was listed is the last thing in the caller's transaction."""
    current = policy_current_visible_to(actor)
    base = _tried_against(actor, trial.base_sha256, current)
    found = patients_visible_to(actor).in_bulk(patients_listed(trial))
    context = {
        "trial": trial,
        "job": _job(trial),
        "current": current,
        "is_in_effect": trial.sha256 == current.sha256,
        "is_outdated": trial.base_sha256 != current.sha256,
        "is_base_on_file": base is not None,
        "differences": differences(base, json.loads(trial.body)) if base is not None else [],
        "counts": present_counts(trial),
        "patients": present_patients_changed(trial, found),
        "reason": reason,
        "error": error,
        "asked": 0,
        "seconds": 2,
    }
    response = render(request, "dashboard/policy_trial.html", context, status=error.status if error else 200)
    audit_append(
        actor=actor,
        action="patients.listed",
        subject_type="view",
        subject_id="policy-trial",
        details={"count": len(found), "trial": str(trial.id)},
    )
    return response


def _tried_against(actor: Actor, sha256: str, current: PolicyInForce) -> dict[str, Any] | None:
    """The body of the policy that a trial was tried against, whatever is in effect now; None when it is nowhere."""
    if sha256 == current.sha256:
        return policy_body(current.policy)
    if sha256 == DEFAULT_SHA256:
        return policy_body(DEFAULT_POLICY)
    for version in policy_history(actor)[:MOST_VERSIONS]:
        if version.sha256 == sha256:
            body: dict[str, Any] = json.loads(version.body)
            return body
        try:
            policy, applied_sha256, _ = policy_applied(version.body)  # one that was carried over has another name
        except PolicyDocumentError:
            continue
        if applied_sha256 == sha256:
            return policy_body(policy)
    return None


def _job(trial: PolicyTrial) -> Job | None:
    return jobs_open(organisation_id=trial.organisation_id, subject_ids=[trial.id]).first()


def _see_other(address: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": address})
