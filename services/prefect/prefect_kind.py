"""Finds objects with `__prefect_kind`, which the gateway replaces by their values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

#: The key that marks such an object, and names its kind.
KIND: Final = "__prefect_kind"
#: The rule that refuses a run whose parameters must be hydrated first, or again.
HYDRATION: Final = "HydrateParameters"


@dataclass(frozen=True, slots=True)
class Unrendered:
    """The value of a valid template that is not rendered yet."""

    template: Any


@dataclass(frozen=True, slots=True)
class Invalid:
    """A value that cannot be computed, and the reason."""

    reason: str


def is_dehydrated(value: Any) -> bool:
    """Whether a JSON value contains an object with `__prefect_kind`."""
    if isinstance(value, dict):
        return KIND in value or any(is_dehydrated(item) for item in value.values())
    return isinstance(value, list) and any(is_dehydrated(item) for item in value)


def are_alike(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal, whatever form a database gave to their numbers."""
    return _plain(one) == _plain(other)


def _plain(value: Any) -> str:
    # Compared as text, because True == 1 in Python.
    return json.dumps(json.loads(json.dumps(value), parse_int=float), sort_keys=True)
