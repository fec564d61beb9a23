"""What the embedded services raise when they cannot do what was asked."""

from __future__ import annotations


class EmbeddedError(Exception):
    """A reason code for programs and one sentence for the person at the terminal, saying what to do."""

    def __init__(self, reason_code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason_code = reason_code
        self.sentence = sentence
