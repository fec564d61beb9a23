"""Key images: the pixels a measurement saw, by the hash that names them, and the page that says of whom they are."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import parse_etags, quote_etag

from cdss.accounts import scopes
from cdss.accounts.actors import Actor
from cdss.accounts.pages import page
from cdss.audit.services import audit_append
from cdss.dashboard.patient_page import viewed_append
from cdss.dashboard.presenters_imaging import NOT_SEARCHED
from cdss.dashboard.presenters_patient import present_banner
from imaging.selectors import key_image_visible_to
from imaging.storage import object_path
from patients.selectors import patient_visible_to


@page(scopes.STUDIES_READ)
@transaction.atomic
def key_image(request: HttpRequest, actor: Actor, key_image_id: uuid.UUID) -> HttpResponseBase:
    """The browser may keep it and must ask each time, so that who signed out sees nothing."""
    image = key_image_visible_to(actor, key_image_id)
    etag = quote_etag(bytes(image.png_sha256).hex())
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return HttpResponseNotModified(headers=headers)
    try:
        content = object_path(bytes(image.png_sha256)).read_bytes()
    except FileNotFoundError as error:
        raise Http404 from error
    audit_append(
        actor=actor,
        action="key_image.viewed",
        subject_type="key_image",
        subject_id=image.id,
        patient_id=image.series_version.series.study.patient_id,
    )
    return HttpResponse(content, content_type="image/png", headers=headers)


@page(scopes.STUDIES_READ)
@transaction.atomic
def key_image_page(request: HttpRequest, actor: Actor, key_image_id: uuid.UUID) -> HttpResponseBase:
    """One picture with whose it is, which side is which, and what nobody looked for in it."""
    image = key_image_visible_to(actor, key_image_id)
    patient = patient_visible_to(actor, image.series_version.series.study.patient_id)
    context = {
        "image": image,
        "banner": present_banner(patient, timezone.now()),
        "not_searched": NOT_SEARCHED,
    }
    response = render(request, "dashboard/key_image.html", context)
    viewed_append(actor, patient, None)
    return response
