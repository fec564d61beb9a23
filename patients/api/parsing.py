"""Request bodies: bounded, exact and unambiguous before any serializer sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, DecimalException
from typing import IO, Any, BinaryIO

from django.conf import settings
from django.http.request import RawPostDataException
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from cdss.core.errors import DomainError
from cdss.core.request import body_stream, is_chunked


class BodyTooLargeError(DomainError):
    status = 413
    code = "BODY_TOO_LARGE"


def length_check(request: Request) -> None:
    """Refuse a body by its announced length, before anything is read."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        raise ParseError("Content-Length is not a number.")
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
    if int(length) > most:
        raise BodyTooLargeError(f"The body has {int(length)} bytes; at most {most} are read. Send it in parts.")


def body_read(request: Request) -> None:
    """Read the whole body once. Only after its sender is known: whoever waits for a body has a thread waiting with him.

    The views, the parser and the idempotency key all see these bytes, also when they came in chunks.
    """
    try:
        if is_chunked(request._request):
            request._request._body = _chunks_read(body_stream(request._request))
            request.META["CONTENT_LENGTH"] = str(len(request._request._body))
        _ = request.body
    except RawPostDataException as error:  # a browser's form with files, which the CSRF check of its session has read
        raise UnsupportedMediaType(request.content_type) from error
    except OSError as error:  # the sender went away
        raise ParseError("The body ended before it was complete; nothing was done.") from error


def _chunks_read(stream: BinaryIO) -> bytes:
    body, most = bytearray(), settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
    while chunk := stream.read(most + 1 - len(body)):
        body += chunk
        if len(body) > most:
            raise BodyTooLargeError(f"The body has more than the {most} bytes that are read. Send it in parts.")
    return bytes(body)


class ExactJsonParser(JSONParser):
    """JSON with numbers as exact decimals; whatever JSON leaves open (NaN, doubled names) is refused."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            body = json.loads(
                stream.read().decode("utf-8"),
                parse_float=_decimal,
                parse_constant=_no_constant,
                object_pairs_hook=_object,
            )
            _check_text(body)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON that can be read: {error}.") from error
        return body


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except DecimalException as error:
        raise ValueError("a number is out of any range") from error


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return result


def _check_text(value: Any) -> None:
    """No text that PostgreSQL or UTF-8 cannot hold: NUL and half a surrogate pair."""
    if isinstance(value, str):
        if "\x00" in value:
            raise ValueError("a text contains the character NUL")
        value.encode("utf-8")
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)
