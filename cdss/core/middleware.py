"""What every response gets: a request id, the security headers, and errors in the language of who asked."""

from __future__ import annotations

import logging
import re
import secrets
import uuid
from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from cdss.core import error_pages
from cdss.core.errors import DomainError
from cdss.core.logging import request_id
from cdss.core.problem import problem_response
from cdss.core.request import MALFORMED_HEADER

GetResponse = Callable[[HttpRequest], HttpResponseBase]
logger = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
CSP = (
    "default-src 'none'; script-src 'nonce-{nonce}' 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types htmx"
)


class RequestIdMiddleware:
    """One id per request, taken from the caller when it is well-formed; in every log line and error."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        offered = request.headers.get("X-Request-Id", "")
        identifier = offered if _REQUEST_ID.fullmatch(offered) else str(uuid.uuid4())
        token = request_id.set(identifier)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response["X-Request-Id"] = identifier
        return response


class SecurityHeadersMiddleware:
    """A strict content security policy with one nonce per response; nothing about a patient is cached."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        nonce = secrets.token_urlsafe(16)
        request.csp_nonce = nonce  # type: ignore[attr-defined]  # read by the base template
        response = self.get_response(request)
        response["Content-Security-Policy"] = CSP.format(nonce=nonce)
        response["Permissions-Policy"] = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        response["X-Frame-Options"] = "DENY"  # static files and refused hosts never reach Django's own
        response.setdefault("Cache-Control", "no-store")  # static files and key images bring their own
        return response


class MalformedHeaderMiddleware:
    """Answers a request whose header was taken out (cdss/core/request.py), because nothing behind can read it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        name = request.META.get(MALFORMED_HEADER)
        if name is None:
            return self.get_response(request)
        return problem_response(DomainError(f"The header {name} cannot be read. Nothing was done."))


class DomainErrorMiddleware:
    """A DomainError that left a view becomes problem+json for machines and a page for people; so does a bare 405."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            return error_pages.method_not_allowed(request, response["Allow"])
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OperationalError):
            logger.error("database unavailable: %s", type(exception).__name__)
            exception = DatabaseUnavailableError()
        if not isinstance(exception, DomainError):
            return None
        is_machine = request.path.startswith(("/api/", "/dicom-web/"))
        response = problem_response(exception) if is_machine else error_pages.domain_error(request, exception)
        if exception.retry_after_seconds is not None:
            response["Retry-After"] = str(exception.retry_after_seconds)
        return response


class DatabaseUnavailableError(DomainError):
    status = 503
    code = "DATABASE_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("The database did not answer. Nothing was changed; try again in a moment.")
