"""JSON as clients send it: with integers of more than 64 bits, and with characters that PostgreSQL does not have."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson
from pydantic_core import from_json, to_json

#: The escape of a NUL character; no match if its backslash is itself escaped.
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


def without_nul(body: bytes) -> bytes:
    """The JSON without NUL characters in its texts and keys, which PostgreSQL cannot store."""
    if rb"\u0000" not in body:
        return body
    cleaned = _NUL.sub(rb"\1", body)
    # What remains of malformed JSON may form the escape anew: its reader refuses it as it came.
    return body if _NUL.search(cleaned) else cleaned


def loads(body: bytes) -> Any:
    """The value without NUL characters; raises ValueError. orjson would round integers of more than 64 bits."""
    return from_json(without_nul(body))


def dumps(value: Any, option: int = 0) -> bytes:
    """The value as orjson writes it; values of unknown types are written as text."""
    try:
        return orjson.dumps(value, default=str, option=option)
    except orjson.JSONEncodeError:
        # It writes numbers in the same form, and integers of any size.
        return to_json(value, fallback=str, inf_nan_mode="null")
