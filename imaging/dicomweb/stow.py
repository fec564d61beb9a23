"""STOW-RS: POST /dicom-web/studies[/{study}], streamed; every object is taken in or refused by itself."""

from __future__ import annotations

import json

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import AuthenticationFailed

from cdss.accounts import scopes
from cdss.accounts.actors import Actor, actor_of
from cdss.accounts.authentication import api_client_of
from cdss.accounts.models import ApiClient
from cdss.core.errors import DomainError
from cdss.core.logging import request_id
from cdss.core.problem import problem_response
from cdss.core.request import body_stream
from imaging.dicom import InstanceRefusedError
from imaging.dicomweb.parsers import MultipartError, Part, boundary_of, parts_stream
from imaging.dicomweb.renderers import CONTENT_TYPE, StoreReport
from imaging.services.ingest import failure_of, instance_store


class NotAuthenticatedError(DomainError):
    status = 401
    code = "NOT_AUTHENTICATED"


class NotAuthorisedError(DomainError):
    status = 403
    code = "FORBIDDEN"


# A token in the header, never a cookie: there is nothing a foreign page could make a browser send.
@method_decorator(csrf_exempt, name="dispatch")
class StowView(View):
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, study_instance_uid: str | None = None) -> HttpResponse:
        try:
            client = _client(request)
        except DomainError as error:
            response = problem_response(error)
            if error.status == 401:
                response["WWW-Authenticate"] = "Bearer"
            return response
        actor = actor_of(client)
        boundary = boundary_of(request.headers.get("Content-Type", ""))
        report = StoreReport(base_url=request.build_absolute_uri("/dicom-web"))
        try:
            for part in parts_stream(
                body=body_stream(request), boundary=boundary, max_part_bytes=settings.STOW_MAX_INSTANCE_BYTES
            ):
                _store(part, actor, client, study_instance_uid, report)
        except MultipartError as error:
            if not report.stored and not report.refused:
                raise
            report.refused.append(InstanceRefusedError(error.sentence, code=error.code))
        if not report.stored and not report.refused:
            raise MultipartError("The request holds no object.", code="NO_PARTS")
        return HttpResponse(json.dumps(report.as_json()), status=report.status, content_type=CONTENT_TYPE)


def _client(request: HttpRequest) -> ApiClient:
    try:
        client = api_client_of(request)
    except AuthenticationFailed as error:
        raise NotAuthenticatedError(str(error.detail)) from error
    if client is None:
        raise NotAuthenticatedError("Send the token of an API client: Authorization: Bearer <token>.")
    if scopes.STUDIES_WRITE not in client.scopes:
        raise NotAuthorisedError(f"This token does not have the scope {scopes.STUDIES_WRITE}.")
    return client


def _store(part: Part, actor: Actor, client: ApiClient, study_instance_uid: str | None, report: StoreReport) -> None:
    try:
        if part.staged is None:
            raise part.error or InstanceRefusedError("The object is empty.", code="EMPTY_OBJECT")
        with part.staged:
            stored = instance_store(
                actor=actor,
                organisation=client.organisation,
                staged=part.staged,
                source=f"stow:{client.name}:{request_id.get()}",
                expected_study_instance_uid=study_instance_uid,
            )
        report.stored.append(stored)
    except InstanceRefusedError as error:
        report.refused.append(error)
    except Exception as error:  # noqa: BLE001  named in the report and logged; the other objects go on
        report.refused.append(failure_of(error))
