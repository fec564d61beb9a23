"""What has to be known of a request before Django, or behind its back: headers it cannot read, bodies in chunks."""

from __future__ import annotations

from typing import Any, BinaryIO

from django.http import HttpRequest
from django.utils.http import parse_header_parameters

MALFORMED_HEADER = "cdss.malformed_header"  # in the WSGI environment, where no header of a client can be


def without_malformed_headers(environ: dict[str, Any]) -> dict[str, Any]:
    """Take out and name a header on which Django raises: before any middleware could answer, or far behind them."""
    for name, variable, check in (
        ("Content-Type", "CONTENT_TYPE", _content_type_check),
        ("Accept", "HTTP_ACCEPT", _accept_check),
    ):
        try:
            check(environ.get(variable, ""))
        except (LookupError, ValueError):
            environ = {**environ, variable: "", MALFORMED_HEADER: name}
    return environ


def _content_type_check(value: str) -> None:
    _, parameters = parse_header_parameters(value)
    b"\xff".decode(parameters.get("charset", "utf-8"), "replace")  # the query string is decoded with it


def _accept_check(value: str) -> None:
    for media_type in value.split(","):
        parse_header_parameters(media_type)


def is_chunked(request: HttpRequest) -> bool:
    """Sent in chunks, its length known to nobody in advance: Django takes such a body for an empty one."""
    return "chunked" in request.headers.get("Transfer-Encoding", "").lower() and hasattr(request, "environ")


def body_stream(request: HttpRequest) -> BinaryIO:
    """What is left to read of the body; it ends where the body does."""
    stream: Any = request.environ["wsgi.input"] if is_chunked(request) else request  # type: ignore[attr-defined]
    return stream  # type: ignore[no-any-return]  # both have read(size)
