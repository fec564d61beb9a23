"""Error pages in the product's own words; they show what happened, what was kept, and the id to quote."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from cdss.core.errors import DomainError
from cdss.core.logging import request_id
from cdss.core.problem import problem_response


def _page(request: HttpRequest, *, status: int, title: str, sentence: str, code: str, kept: str = "") -> HttpResponse:
    if request.path.startswith(("/api/", "/dicom-web/")):
        error = DomainError(sentence, code=code, kept=kept or None)
        error.status = status
        return problem_response(error)
    context = {"title": title, "sentence": sentence, "code": code, "kept": kept, "request_id": request_id.get()}
    template = "core/_error.html" if request.headers.get("HX-Request") else "core/error.html"
    return render(request, template, context, status=status)


def domain_error(request: HttpRequest, error: DomainError) -> HttpResponse:
    title = "Not found" if error.status == 404 else "This could not be done"
    return _page(
        request, status=error.status, title=title, sentence=error.sentence, code=error.code, kept=error.kept or ""
    )


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    sentence = "The request could not be understood. Nothing was changed."
    return _page(request, status=400, title="Bad request", sentence=sentence, code="BAD_REQUEST")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    sentence = "Your role does not open this page. An administrator can change that."
    return _page(request, status=403, title="Not for this role", sentence=sentence, code="FORBIDDEN")


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    sentence = "There is nothing at this address, or it is not yours to see."
    return _page(request, status=404, title="Not found", sentence=sentence, code="NOT_FOUND")


def method_not_allowed(request: HttpRequest, allow: str) -> HttpResponse:
    sentence = "This address only takes what a form sends to it; opening it does nothing. Nothing was changed."
    response = _page(request, status=405, title="Not a page", sentence=sentence, code="METHOD_NOT_ALLOWED")
    response["Allow"] = allow
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    sentence = "Something failed on our side. What was recorded before is still there; quote the id below."
    return _page(request, status=500, title="Server error", sentence=sentence, code="SERVER_ERROR")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    sentence = "The form was too old or came from another page. Nothing was changed; reload the page and send it again."
    return _page(request, status=403, title="Form expired", sentence=sentence, code="CSRF")
