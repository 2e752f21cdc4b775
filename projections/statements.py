"""The named SQL statements of `statements.sql`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statements() -> dict[str, str]:
    """Every statement by its name, without its comments."""
    found: dict[str, str] = {}
    for block in (files("projections") / "statements.sql").read_text().split("-- name: ")[1:]:
        name, _, body = block.partition("\n")
        lines = (line for line in body.splitlines() if not line.startswith("--"))
        # `?` is PostgreSQL's "has key"; it needs no escape for psycopg, which replaces only `%`.
        found[name.strip()] = "\n".join(lines).strip()
    return found
