"""Numbers in requests that can be stored: Python reads `NaN` and `1e999`, but neither is a number in JSON."""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

from pydantic import AfterValidator


def _finite(value: Any) -> Any:
    """A number, a list of numbers, or values of labels, without what would be stored as null."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
    if any(isinstance(item, float) and not isfinite(item) for item in inner):
        msg = "numbers must be finite"
        raise ValueError(msg)
    return value


#: Added to a type instead of pydantic's `allow_inf_nan`, which renames the branches of a union in what is answered.
FINITE: Final = AfterValidator(_finite)
