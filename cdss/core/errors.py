"""The error every service raises: one sentence for a person, one code for a machine, one HTTP status."""

from __future__ import annotations


class DomainError(Exception):
    """Something a user can understand and act on; a subclass lives beside the service that raises it."""

    status = 400
    code = "BAD_REQUEST"
    retry_after_seconds: int | None = None

    def __init__(self, sentence: str, *, code: str | None = None, field: str | None = None, kept: str | None = None):
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or self.code
        self.field = field
        self.kept = kept


class NotFoundError(DomainError):
    """Not there, or not visible to this user: the two are told apart to nobody."""

    status = 404
    code = "NOT_FOUND"

    def __init__(self, sentence: str = "Nothing here by that name, or it is not yours to see.") -> None:
        super().__init__(sentence)


class ConflictError(DomainError):
    """The request is understood, and contradicts what is already recorded."""

    status = 409
    code = "CONFLICT"
