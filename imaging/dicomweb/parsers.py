"""multipart/related as it streams in: each part goes to a staged file, never whole into memory."""

from __future__ import annotations

import contextlib
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import BinaryIO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from cdss.core.errors import DomainError
from imaging.storage import StagedObject, StorageError

CHUNK_BYTES = 256 * 1024
# The largest CT studies have some thousands of images; senders may split a study over as many requests as they like.
MAX_PARTS = 10_000
BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")  # RFC 2046 5.1.1


class MediaTypeError(DomainError):
    status = 415
    code = "MEDIA_TYPE"


class MultipartError(DomainError):
    status = 400
    code = "MULTIPART"


@dataclass(slots=True)
class Part:
    """One body part, complete: its bytes in a file closed again, or why they are not usable, or neither when empty."""

    staged: StagedObject | None = None
    error: DomainError | None = None

    def fail(self, error: DomainError) -> None:
        """What was written is thrown away at once: on a full disk, every byte counts."""
        self.discard()
        self.staged, self.error = None, error

    def discard(self) -> None:
        if self.staged is not None:
            self.staged.discard()


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
    inner = str(message.get_param("type", "application/dicom")).split(";")[0].strip()
    if inner.lower() != "application/dicom":
        raise MediaTypeError(f"Parts of type {inner} are not taken in; application/dicom is.")
    boundary = message.get_boundary("")
    if not BOUNDARY.fullmatch(boundary):
        raise MultipartError("The Content-Type names no usable boundary.")
    return boundary.encode("ascii")


class _Collector:
    """Callbacks of the incremental parser; finished parts queue up in `done`. None of them raises.

    A chunk may finish thousands of parts before the first is looked at: only the current one holds a file open.

    The headers of a part are not looked at (the parser limits them): its bytes say what it is.
    """

    def __init__(self, max_part_bytes: int) -> None:
        self.max_part_bytes = max_part_bytes
        self.done: deque[Part] = deque()
        self.current = Part()
        self.begun = 0
        self.is_finished = False

    @property
    def has_too_many(self) -> bool:
        return self.begun > MAX_PARTS

    def on_part_begin(self) -> None:
        self.begun += 1
        self.current = Part()

    def on_part_data(self, chunk: bytes, start: int, end: int) -> None:
        part = self.current
        if part.error is not None or self.has_too_many:
            return
        try:
            if part.staged is None:
                part.staged = StagedObject()
            if part.staged.size_bytes + end - start > self.max_part_bytes:
                raise PartTooLargeError(f"The object is larger than {self.max_part_bytes // 1024**2} MiB.")
            part.staged.write(memoryview(chunk)[start:end])
        except DomainError as error:
            part.fail(error)

    def on_part_end(self) -> None:
        part, self.current = self.current, Part()
        if self.has_too_many:
            return
        try:
            if part.staged is not None:
                part.staged.close()
        except StorageError as error:
            part.fail(error)
        self.done.append(part)

    def on_end(self) -> None:
        self.is_finished = True


def parts_stream(*, body: BinaryIO, boundary: bytes, max_part_bytes: int) -> Iterator[Part]:
    """Yield each part as soon as it is complete; MultipartError when the body ends before its closing boundary.

    Whoever iterates owns the yielded parts' staged files; an unfinished part is thrown away here.
    """
    collector = _Collector(max_part_bytes)
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": collector.on_part_begin,
            "on_part_data": collector.on_part_data,
            "on_part_end": collector.on_part_end,
            "on_end": collector.on_end,
        },
    )
    broken: MultipartError | None = None
    try:
        while not (collector.is_finished or broken):
            broken = _feed(parser, body)
            while collector.done:
                yield collector.done.popleft()
            if collector.has_too_many:
                sentence = f"A request holds at most {MAX_PARTS} objects; send the ones after them in another request."
                raise MultipartError(sentence, code="TOO_MANY_PARTS")
    finally:
        for part in (*collector.done, collector.current):
            part.discard()
    if broken is not None and not collector.is_finished:
        raise broken
    _drain(body)


def _feed(parser: MultipartParser, body: BinaryIO) -> MultipartError | None:
    """Parse the next chunk; what ended the body before its closing boundary, if anything did."""
    try:
        chunk = body.read(CHUNK_BYTES)
    except OSError:  # the sender went away
        chunk = b""
    if not chunk:
        sentence = "The upload ended before its last boundary: what came complete is kept, the rest must be sent again."
        return MultipartError(sentence, code="TRUNCATED_UPLOAD")
    try:
        parser.write(chunk)
    except MultipartParseError:
        return MultipartError("The body is not the multipart it claims to be.")
    return None


def _drain(body: BinaryIO) -> None:
    """An epilogue is legal and ignored, but must be read off the connection."""
    with contextlib.suppress(OSError):
        while body.read(CHUNK_BYTES):
            pass
