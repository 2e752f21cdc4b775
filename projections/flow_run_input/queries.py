"""Queries on the inputs of flow runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from antiphon.projections.core.reading import encoded, rows


async def value(connection: AsyncConnection[Any], run_id: UUID, key: str) -> str | None:
    """The value of a key as JSON text, or None."""
    query = "SELECT value FROM flow_run_input WHERE flow_run_id = %(run)s AND key = %(key)s"
    found = await rows(connection, query, {"run": run_id, "key": key})
    return str(found[0]["value"]) if found else None


async def find(
    connection: AsyncConnection[Any], run_id: UUID, prefix: str, limit: int, exclude_keys: Sequence[str]
) -> bytes:
    """The inputs whose keys begin with `prefix`, in which `%` and `_` are wildcards; the oldest first."""
    query = (
        "SELECT id, created, updated, flow_run_id, key, value, sender FROM flow_run_input"
        " WHERE flow_run_id = %(run)s AND key LIKE %(prefix)s AND key <> ALL (%(excluded)s::text[])"
        " ORDER BY created LIMIT %(limit)s"
    )
    parameters = {"run": run_id, "prefix": f"{prefix}%", "excluded": list(exclude_keys), "limit": limit}
    return encoded(await rows(connection, query, parameters))
