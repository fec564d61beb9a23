"""multipart/related as it streams in: each part goes to a staged file, never whole into memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import BinaryIO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from cdss.core.errors import DomainError
from imaging.storage import StagedObject

CHUNK_BYTES = 256 * 1024
MAX_HEADER_BYTES = 16 * 1024


class MediaTypeError(DomainError):
    status = 415
    code = "MEDIA_TYPE"


class MultipartError(DomainError):
    status = 400
    code = "MULTIPART"


@dataclass(slots=True)
class Part:
    """One body part, complete; `error` says why its bytes are not usable (too large, wrong type)."""

    staged: StagedObject
    content_type: str
    error: DomainError | None = None


class PartTooLargeError(DomainError):
    status = 413
    code = "OBJECT_TOO_LARGE"


def boundary_of(content_type: str) -> bytes:
    """The boundary of a STOW-RS request; quotes around type and boundary are optional, as in the field."""
    message = Message()
    message["Content-Type"] = content_type
    if message.get_content_type() != "multipart/related":
        sentence = 'Send multipart/related; type="application/dicom" with a boundary.'
        raise MediaTypeError(sentence)
    inner = message.get_param("type", "application/dicom")
    if str(inner).lower() != "application/dicom":
        raise MediaTypeError(f"Parts of type {inner} are not taken in; application/dicom is.")
    boundary = message.get_boundary("")
    if not boundary or len(boundary) > 70:
        raise MultipartError("The Content-Type names no usable boundary.")
    return boundary.encode("latin-1")


class _Collector:
    """Callbacks of the incremental parser; finished parts queue up in `done`."""

    def __init__(self, max_part_bytes: int) -> None:
        self.max_part_bytes = max_part_bytes
        self.done: list[Part] = []
        self.current: Part | None = None
        self._field, self._value, self._header_bytes = bytearray(), bytearray(), 0

    def on_part_begin(self) -> None:
        self.current = Part(StagedObject(), "")
        self._header_bytes = 0

    def on_header_field(self, chunk: bytes, start: int, end: int) -> None:
        self._field += chunk[start:end]
        self._count_header(end - start)

    def on_header_value(self, chunk: bytes, start: int, end: int) -> None:
        self._value += chunk[start:end]
        self._count_header(end - start)

    def _count_header(self, length: int) -> None:
        self._header_bytes += length
        if self._header_bytes > MAX_HEADER_BYTES:
            raise MultipartError("The headers of a part are too long.")

    def on_header_end(self) -> None:
        if self.current is not None and bytes(self._field).lower() == b"content-type":
            self.current.content_type = bytes(self._value).decode("latin-1").strip()
        self._field.clear()
        self._value.clear()

    def on_part_data(self, chunk: bytes, start: int, end: int) -> None:
        part = self.current
        if part is None or part.error is not None:
            return
        if part.staged.size_bytes + end - start > self.max_part_bytes:
            sentence = f"The object is larger than {self.max_part_bytes // 1024**2} MiB."
            part.error = PartTooLargeError(sentence)
            return
        part.staged.write(memoryview(chunk)[start:end])

    def on_part_end(self) -> None:
        if self.current is not None:
            self.done.append(self.current)
            self.current = None


def parts_stream(*, body: BinaryIO, boundary: bytes, max_part_bytes: int) -> Iterator[Part]:
    """Yield each part as soon as it is complete; MultipartError when the body ends before its closing boundary.

    Whoever iterates owns the yielded parts' staged files; an unfinished part is thrown away here.
    """
    collector = _Collector(max_part_bytes)
    names = ("on_part_begin", "on_header_field", "on_header_value", "on_header_end", "on_part_data", "on_part_end")
    is_finished = False

    def on_end() -> None:
        nonlocal is_finished
        is_finished = True

    callbacks = {name: getattr(collector, name) for name in names} | {"on_end": on_end}
    parser = MultipartParser(boundary, callbacks)
    try:
        while chunk := body.read(CHUNK_BYTES):
            parser.write(chunk)
            while collector.done:
                yield collector.done.pop(0)
            if is_finished:
                break
    except MultipartParseError as error:
        raise MultipartError("The body is not the multipart it claims to be.") from error
    except OSError:  # the sender went away; whatever part was not complete is thrown away
        is_finished = False
    finally:
        for part in [*collector.done, *([collector.current] if collector.current else [])]:
            part.staged.__exit__(None, None, None)
    if not is_finished:
        sentence = "The upload ended before its last boundary: what came complete is kept, the rest must be sent again."
        raise MultipartError(sentence, code="TRUNCATED_UPLOAD")
    while body.read(CHUNK_BYTES):  # an epilogue is legal and ignored, but must be read off the connection
        pass
