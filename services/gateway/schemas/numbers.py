"""Numbers that can be stored: Python's parser accepts `NaN` and `1e999`, which are not JSON."""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

from pydantic import AfterValidator


def _finite(value: Any) -> Any:
    """Refuse values that JSON would store as null, in a number, a list of numbers, or the values of labels."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
    if any(isinstance(item, float) and not isfinite(item) for item in inner):
        msg = "numbers must be finite"
        raise ValueError(msg)
    return value


#: Not pydantic's `allow_inf_nan`: that renames the branches of a union in error messages.
FINITE: Final = AfterValidator(_finite)
