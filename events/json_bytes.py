"""JSON of values that may hold integers of more than 64 bits, which clients send and orjson refuses."""

from __future__ import annotations

import json
from typing import Any

import orjson


def dumps(value: Any, option: int = 0) -> bytes:
    """The value as orjson writes it; values of unknown types are written as text."""
    try:
        return orjson.dumps(value, default=str, option=option)
    except orjson.JSONEncodeError:
        return json.dumps(value, default=lambda other: orjson.loads(dumps(other, option))).encode()
