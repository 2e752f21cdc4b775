"""Moves all times of a test by one distance, so that recorded answers stay true on another day.

What is counted from the clock, such as how late a run is, is then the same on each day.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

#: A time up to its seconds; what follows them stays as it is.
_TIME: Final = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")


def shifted(value: Any, distance: timedelta) -> Any:
    """Return JSON whose times are so much later."""
    if not distance:
        return value
    if isinstance(value, dict):
        return {key: shifted(item, distance) for key, item in value.items()}
    if isinstance(value, list):
        return [shifted(item, distance) for item in value]
    return _TIME.sub(lambda found: _later(found[0], distance), value) if isinstance(value, str) else value


def _later(time: str, distance: timedelta) -> str:
    moved = datetime.fromisoformat(time) + distance
    return moved.isoformat(time[10])
