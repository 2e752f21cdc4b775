"""Deletes events after their retention period."""

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
    """Delete up to 1000 of the oldest events before a moment, and return their number."""
    return (await connection.execute(_FORGET, {"before": before, "step": _STEP})).rowcount
