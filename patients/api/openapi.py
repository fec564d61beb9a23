"""How an operation is described: its request, its answers, and every problem it can end in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from cdss.accounts.idempotency import HEADER
from cdss.core.problem import CONTENT_TYPE


class CodeFieldExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # untyped there
    """A coded field refers to one named list of codes, wherever it is used."""

    target_class = "patients.api.fields.CodeField"

    def get_name(self) -> str:
        return str(self.target.codes.__name__)

    def map_serializer_field(self, auto_schema: object, direction: str) -> dict[str, Any]:
        codes = self.target.codes
        words = "; ".join(f"{code.value}: {code.label}" for code in codes)
        return {"type": "string", "enum": list(codes.values), "description": words}


class FieldError(serializers.Serializer[Any]):
    field = serializers.CharField(allow_blank=True)
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """RFC 9457. `code` is for machines, `detail` for people."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()
    field = serializers.CharField(required=False)
    kept = serializers.CharField(required=False)
    errors = FieldError(many=True, required=False)  # type: ignore[assignment]  # a declared field, not the property


_WORDS = {
    400: ("INVALID", "The request cannot be understood; `errors` names the fields."),
    401: ("NOT_AUTHENTICATED", "No token or session, or one that is unknown, expired or revoked."),
    403: ("MISSING_SCOPE", "The token or role lacks the scope of this endpoint, or a session sent no CSRF token."),
    404: ("NOT_FOUND", "Not there, or not visible to this caller."),
    409: ("CONFLICT", "It contradicts what is recorded."),
    413: ("BODY_TOO_LARGE", "The body is larger than is read."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The body is not application/json."),
    422: ("INVALID_VALUE", "Understood, and refused for the reason given."),
    503: ("DATABASE_UNAVAILABLE", "The database does not answer; nothing was changed."),
}
_KEY_PARAMETER = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="The same key with the same request is one act, answered the same; 1 to 255 printable characters.",
)


def operation(
    *,
    operation_id: str,
    summary: str,
    tag: str,
    responses: Mapping[Any, Any],
    problems: Sequence[int] = (),
    request: Any = None,
    query: type[serializers.Serializer[Any]] | None = None,
    is_idempotent: bool = False,
    examples: Sequence[OpenApiExample] = (),
    description: str = "",
) -> Callable[[Any], Any]:
    """`extend_schema` with what every operation has: 400, 401, 403 and 503, and those of a body when there is one."""
    statuses = {400, 401, 403, 503, *problems}
    if request is not None:
        statuses |= {413, 415}
    if is_idempotent:
        statuses.add(422)
    parameters: list[Any] = [query] if query else []
    if is_idempotent:
        parameters.append(_KEY_PARAMETER)
    answers: dict[Any, Any] = dict(responses)
    answers |= {(status, CONTENT_TYPE): _problem(status) for status in sorted(statuses)}
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=description or summary,
        tags=[tag],
        request=request,
        responses=answers,
        parameters=parameters,
        examples=list(examples),
    )


def _problem(status: int) -> OpenApiResponse:
    code, words = _WORDS[status]
    body = {
        "type": "about:blank",
        "title": code,
        "status": status,
        "detail": words,
        "code": code,
        "request_id": "3f0c2a44-8f0e-4d53-9d5c-6a1f0f4a7b1e",
    }
    example = OpenApiExample(code, value=body, response_only=True, status_codes=[str(status)], media_type=CONTENT_TYPE)
    return OpenApiResponse(Problem, description=words, examples=[example])
