"""The patient page, its running work, the entry form, and single records."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.accounts.pages import FORM, page
from cdss.accounts.selectors import user_names
from cdss.assessments.models import OverrideReason
from cdss.assessments.selectors import assessment_history, assessment_visible_to, assessments_detailed
from cdss.dashboard.form_answers import answers_of
from cdss.dashboard.patient_page import (
    HISTORY_LENGTH,
    patient_page,
    patient_page_render,
    present_record,
    viewed_append,
    work_of,
)
from cdss.dashboard.presenters_inputs import form_user_ids
from cdss.dashboard.presenters_patient import present_banner, present_history
from patients.selectors import patient_visible_to
from patients.services.clinical_rows import clinical_rows_record

FAST_SECONDS, SLOW_SECONDS, FAST_TIMES = 2, 15, 90


@page(scopes.PATIENTS_READ)
@transaction.atomic
def patient(request: HttpRequest, actor: Actor, patient_id: uuid.UUID) -> HttpResponseBase:
    return patient_page_render(request, actor, patient_page(actor, patient_id, timezone.now()))


@page(scopes.PATIENTS_READ)
def patient_work(request: HttpRequest, actor: Actor, patient_id: uuid.UUID) -> HttpResponseBase:
    """The fragment that asks again every few seconds, more slowly after some minutes, and not once all is done."""
    seen = patient_visible_to(actor, patient_id)
    times, seconds = poll_state(request)
    context = {
        "patient": seen,
        "work": work_of(actor, seen),
        "asked": times,
        "seconds": seconds,
        "is_poll": True,
    }
    return render(request, "dashboard/_work.html", context)


def poll_state(request: HttpRequest) -> tuple[int, int]:
    """How often a fragment has been asked for, this time included, and in how many seconds to ask again."""
    asked = request.GET.get("asked", "")
    times = int(asked) + 1 if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    return times, FAST_SECONDS if times < FAST_TIMES else SLOW_SECONDS


@page(scopes.PATIENTS_WRITE, methods=FORM)
@transaction.atomic
def answers(request: HttpRequest, actor: Actor, patient_id: uuid.UUID) -> HttpResponseBase:
    """Record the answers that were changed, and nothing else; one bad answer and none is recorded."""
    if request.method != "POST":
        return _see_other(patient_visible_to(actor, patient_id).id)
    now = timezone.now()
    shown = patient_page(actor, patient_id, now)
    changed = answers_of(request.POST, shown.questions, now, shown.known)
    if not shown.has_answer_errors:
        if not changed:
            return _see_other(patient_id)
        with transaction.atomic():
            outcomes = clinical_rows_record(
                actor=actor,
                patient=shown.patient,
                rows=changed,
                source=f"form:{actor.identifier}",
                now=now,
                assess_delay=timedelta(0),
            )
            errors = [outcome.error.sentence for outcome in outcomes if outcome.error is not None]
            if not errors:
                return _see_other(patient_id)
            transaction.set_rollback(True)
        shown.answer_errors = errors
    shown.answers_not_recorded = len(changed) + shown.questions_with_errors
    return patient_page_render(request, actor, shown, status=422)


@page(scopes.ASSESSMENTS_READ)
@transaction.atomic
def assessment(request: HttpRequest, actor: Actor, assessment_id: uuid.UUID) -> HttpResponseBase:
    """One record, read-only: what was shown when, whatever has replaced it since."""
    found = assessment_visible_to(actor, assessment_id)
    detailed = assessments_detailed(actor).select_related("supersedes").get(id=found.id)
    who = patient_visible_to(actor, found.patient_id)
    sources = {feature.source for feature in detailed.snapshot.features.all()}
    names = user_names(organisation_id=who.organisation_id, user_ids=form_user_ids(sources))
    history = present_history(assessment_history(actor, who.id)[:HISTORY_LENGTH], detailed)
    context = {
        "banner": present_banner(who, timezone.now()),
        "record": present_record(actor, detailed, names),
        "history": history,
        "superseded_by": getattr(detailed, "superseded_by", None),
        "override_reasons": OverrideReason.choices,
    }
    response = render(request, "dashboard/assessment.html", context)
    viewed_append(actor, who, detailed)
    return response


def _see_other(patient_id: uuid.UUID) -> HttpResponse:
    """303: whatever the method was, read the page next."""
    return HttpResponse(status=303, headers={"Location": reverse("patient", args=[patient_id])})
