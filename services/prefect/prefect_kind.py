"""Which values stand for others: objects with `__prefect_kind`, which a gateway puts the others in place of."""

from __future__ import annotations

import json
from typing import Any, Final

#: The key that makes an object stand for something else, and says how.
KIND: Final = "__prefect_kind"
#: Names the refusal of a run whose parameters must be made first, or once more.
HYDRATION: Final = "HydrateParameters"


def is_dehydrated(value: Any) -> bool:
    """Whether something in a JSON value stands for something else."""
    if isinstance(value, dict):
        return KIND in value or any(is_dehydrated(item) for item in value.values())
    return isinstance(value, list) and any(is_dehydrated(item) for item in value)


def are_alike(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, whatever form a database gave to numbers."""
    return _plain(one) == _plain(other)


def _plain(value: Any) -> str:
    # As text: to Python, true is one.
    return json.dumps(json.loads(json.dumps(value), parse_int=float), sort_keys=True)
