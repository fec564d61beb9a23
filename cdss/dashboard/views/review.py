"""A clinician's answers: to a record, and to the calcium found in a CT."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.accounts.pages import FORM, page
from cdss.assessments.models import ReviewKind
from cdss.assessments.selectors import assessment_visible_to
from cdss.assessments.services.review import assessment_acknowledge, assessment_override
from cdss.core.errors import DomainError, NotFoundError
from cdss.dashboard.forms import CalciumForm, ReviewForm
from cdss.dashboard.patient_page import patient_page, patient_page_render
from imaging.selectors import series_version_visible_to
from imaging.services.readings import calcium_confirm, calcium_metal_record


class NoAnswerError(DomainError):
    status = 422
    code = "ANSWER_MISSING"


@page(scopes.ASSESSMENTS_REVIEW, methods=FORM)
def review(request: HttpRequest, actor: Actor, assessment_id: uuid.UUID) -> HttpResponseBase:
    form = ReviewForm.of(request.POST)
    patient_id = assessment_visible_to(actor, assessment_id).patient_id
    if request.method != "POST":
        return _to_patient(patient_id, "answer")
    try:
        _answer(actor, assessment_id, form)
    except NotFoundError:
        raise
    except DomainError as error:
        with transaction.atomic():
            shown = patient_page(actor, patient_id, timezone.now())
            shown.review = form
            shown.review_errors = {error.field or "form": error.sentence}
            return patient_page_render(request, actor, shown, status=error.status)
    return _to_patient(patient_id, "answer")


def _answer(actor: Actor, assessment_id: uuid.UUID, form: ReviewForm) -> None:
    if form.kind == ReviewKind.ACKNOWLEDGE:
        assessment_acknowledge(
            actor=actor,
            assessment_id=assessment_id,
            comment=form.comment,
            seen_review=form.seen_review,
            idempotency_key=form.key,
        )
    elif form.kind == ReviewKind.OVERRIDE:
        assessment_override(
            actor=actor,
            assessment_id=assessment_id,
            reason=form.reason,
            comment=form.comment,
            seen_review=form.seen_review,
            idempotency_key=form.key,
        )
    else:
        raise NoAnswerError("Acknowledge the record or override it: one of the two.", field="form")


class MetalAndScoreError(DomainError):
    status = 422
    code = "METAL_AND_SCORE"


@page(scopes.ASSESSMENTS_REVIEW, methods=FORM)
def calcium(request: HttpRequest, actor: Actor, series_version_id: uuid.UUID) -> HttpResponseBase:
    """One verdict per candidate (`verdict-<number>`) and the statements, or the metal seen; all of it or nothing."""
    form = CalciumForm.of(request.POST)
    patient_id = series_version_visible_to(actor, series_version_id).series.study.patient_id
    if request.method != "POST":
        return _to_patient(patient_id, f"series-{series_version_id}")
    try:
        _read_calcium(actor, series_version_id, form)
    except NotFoundError:
        raise
    except DomainError as error:
        return _calcium_refused(request, actor, patient_id, series_version_id, form, error)
    return _to_patient(patient_id, f"series-{series_version_id}")


def _read_calcium(actor: Actor, series_version_id: uuid.UUID, form: CalciumForm) -> None:
    if form.is_metal:
        calcium_metal_record(
            actor=actor, series_version_id=series_version_id, metal=form.metal, seen_reading=form.seen_reading
        )
        return
    if form.metal:
        raise MetalAndScoreError("Metal is ticked: a CT with a stent, bypass, valve or lead has no score.")
    calcium_confirm(
        actor=actor,
        series_version_id=series_version_id,
        verdicts=form.verdicts,
        attests_gated_whole_heart=form.attests_gated_whole_heart,
        attests_no_metal=form.attests_no_metal,
        attests_large_structures_not_coronary=form.attests_large_structures_not_coronary,
        seen_reading=form.seen_reading,
    )


def _calcium_refused(
    request: HttpRequest,
    actor: Actor,
    patient_id: uuid.UUID,
    series_version_id: uuid.UUID,
    form: CalciumForm,
    error: DomainError,
) -> HttpResponse:
    """The page again, every verdict as it was chosen; without a form to show it beside, the error is a page."""
    with transaction.atomic():
        shown = patient_page(actor, patient_id, timezone.now())
        reading = shown.calcium_of(series_version_id)
        if reading is None:
            raise error
        for row in reading.rows:
            row.chosen = form.verdicts.get(str(row.candidate.number), "")
            row.is_missing = not row.chosen
        reading.attests_gated_whole_heart = form.attests_gated_whole_heart
        reading.attests_no_metal = form.attests_no_metal
        reading.attests_large_structures_not_coronary = form.attests_large_structures_not_coronary
        reading.metal = form.metal
        reading.errors = [error.sentence]
        return patient_page_render(request, actor, shown, status=error.status)


def _to_patient(patient_id: uuid.UUID, anchor: str) -> HttpResponse:
    address = f"{reverse('patient', args=[patient_id])}#{anchor}"
    return HttpResponse(status=303, headers={"Location": address})
