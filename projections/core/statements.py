"""The named SQL statements of `statements.sql`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statements() -> dict[str, str]:
    """Every statement by its name, without its comments."""
    blocks = (files("antiphon.projections.core") / "statements.sql").read_text().split("-- name: ")[1:]
    found: dict[str, str] = {}
    for name, _, body in (block.partition("\n") for block in blocks):
        lines = (line for line in body.splitlines() if not line.startswith("--"))
        # `?` is PostgreSQL's "has key"; psycopg replaces only `%`.
        found[name.strip()] = "\n".join(lines).strip()
    return found
