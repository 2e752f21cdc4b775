"""Forgets events that are older than they are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection

_STEP: Final = 1000
_FORGET: Final = (
    "DELETE FROM event WHERE id = ANY (ARRAY("
    "SELECT id FROM event WHERE occurred < %(before)s ORDER BY occurred LIMIT %(step)s))"
)


async def forget(connection: AsyncConnection[Any], before: datetime) -> int:
    """Delete the oldest events that occurred before a moment, at most 1000 of them; how many there were."""
    return (await connection.execute(_FORGET, {"before": before, "step": _STEP})).rowcount
