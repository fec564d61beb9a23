"""Errors of the REST interface: application/problem+json (RFC 9457), with the reason code and the request id."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.views import set_rollback

from cdss.core.errors import DomainError, NotFoundError
from cdss.core.logging import request_id

CONTENT_TYPE = "application/problem+json"


def problem_body(*, status: int, code: str, sentence: str, **extra: Any) -> dict[str, Any]:
    """The members every problem has; `errors` lists the fields that were wrong, `kept` what was stored anyway."""
    body = {"type": "about:blank", "title": code, "status": status, "detail": sentence, "code": code}
    return {**body, "request_id": request_id.get(), **{name: value for name, value in extra.items() if value}}


def problem_response(error: DomainError) -> HttpResponse:
    """A problem outside Django REST framework's views."""
    body = problem_body(
        status=error.status, code=error.code, sentence=error.sentence, field=error.field, kept=error.kept
    )
    return HttpResponse(json.dumps(body), status=error.status, content_type=CONTENT_TYPE)


def problem_of(exception: DomainError | exceptions.APIException) -> dict[str, Any]:
    """The problem that an error is, for the response as a whole or for one item of a list."""
    if isinstance(exception, DomainError):
        return problem_body(
            status=exception.status,
            code=exception.code,
            sentence=exception.sentence,
            field=exception.field,
            kept=exception.kept,
        )
    return _api_exception_body(exception)


def exception_handler(exception: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's hook: every error leaves as a problem."""
    if isinstance(exception, Http404 | PermissionDenied):
        exception = NotFoundError()
    if isinstance(exception, exceptions.PermissionDenied):
        exception = _refusal(exception, context)
    if not isinstance(exception, DomainError | exceptions.APIException):
        return None
    set_rollback()
    headers = {}
    if isinstance(exception, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        headers["WWW-Authenticate"] = getattr(exception, "auth_header", "Bearer")
    body = problem_of(exception)
    return Response(body, status=body["status"], content_type=CONTENT_TYPE, headers=headers)


class MissingScopeError(DomainError):
    """The whole endpoint is closed to this caller; an object that is not theirs is simply not found."""

    status = 403
    code = "MISSING_SCOPE"


class CsrfError(DomainError):
    status = 403
    code = "CSRF"


def _refusal(exception: exceptions.PermissionDenied, context: dict[str, Any]) -> DomainError | exceptions.APIException:
    """Says what is missing: the method, the CSRF token of a browser session, or the scope."""
    if str(exception.detail).startswith("CSRF"):
        return CsrfError(
            "A browser session sends its CSRF token in X-CSRFToken with every change. Nothing was changed."
        )
    view, method = context["view"], context["request"].method
    if not hasattr(view, method.lower()):
        return exceptions.MethodNotAllowed(method)
    scope = getattr(view, "read_scope" if method in SAFE_METHODS else "write_scope", None)
    if scope is None:
        return exception
    return MissingScopeError(f"This needs the scope {scope}, which this token or role does not have.")


def _api_exception_body(exception: exceptions.APIException) -> dict[str, Any]:
    if isinstance(exception, exceptions.ValidationError):
        errors = _field_errors(exception.detail)
        sentence = "; ".join(
            f"{error['field']}: {error['detail']}" if error["field"] else error["detail"] for error in errors
        )
        return problem_body(status=exception.status_code, code="INVALID", sentence=sentence, errors=errors)
    code = str(exception.default_code).upper()
    return problem_body(status=exception.status_code, code=code, sentence=str(exception.detail))


def _field_errors(detail: Any, path: str = "") -> list[dict[str, str]]:
    if isinstance(detail, dict):
        return [error for key, value in detail.items() for error in _field_errors(value, f"{path}.{key}".lstrip("."))]
    if isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        return [error for index, value in enumerate(detail) for error in _field_errors(value, f"{path}[{index}]")]
    items = detail if isinstance(detail, list) else [detail]
    field = path.removesuffix("non_field_errors").rstrip(".")
    return [{"field": field, "detail": str(item)} for item in items]
