"""One text per value: the canonical JSON that is hashed (RFC 8785, without the numbers it makes hard)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


class NotCanonicalError(TypeError):
    """A value with more than one text form; write numbers with a fraction as text."""


def canonical_json(value: Any) -> str:
    """Sorted keys, no spaces, UTF-8 as is; text, whole numbers, booleans and null only.

    >>> canonical_json({"b": [1, True], "a": "ü"})
    '{"a":"ü","b":[1,true]}'
    """
    _refuse_ambiguous(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _refuse_ambiguous(value: Any) -> None:
    if value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotCanonicalError(f"The key {key!r} is not text.")
            _refuse_ambiguous(item)
    elif isinstance(value, Sequence):
        for item in value:
            _refuse_ambiguous(item)
    else:
        raise NotCanonicalError(f"{type(value).__name__} has no canonical form; write it as text.")
