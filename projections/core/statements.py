"""The named SQL statements of `statements.sql`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

_NOTHING: Final = "nothing that has a past"
_TOUCHES: Final = "-- touches: "
#: A line that goes on with the one before.
_MORE: Final = "--    "


class Touched(NamedTuple):
    """Rows that a statement reads or changes, or more."""

    table: str
    #: In SQL, with the parameters of the statement.
    condition: str


@cache
def statements() -> dict[str, str]:
    """Every statement by its name, without its comments."""
    found: dict[str, str] = {}
    for name, comments_and_body in _blocks():
        lines = (line for line in comments_and_body if not line.startswith("--"))
        # `?` is PostgreSQL's "has key"; it needs no escape for psycopg, which replaces only `%`.
        found[name] = "\n".join(lines).strip()
    return found


@cache
def touched() -> dict[str, tuple[Touched, ...]]:
    """What each statement touches that has a past, in the order in which it can be found."""
    found: dict[str, tuple[Touched, ...]] = {}
    for name, lines in _blocks():
        declared: list[str] = []
        for line in lines:
            if line.startswith(_TOUCHES):
                declared.append(line.removeprefix(_TOUCHES))
            elif line.startswith(_MORE) and declared:
                declared[-1] += line.removeprefix(_MORE)
        if declared:
            found[name] = tuple(Touched(*line.split(" WHERE ", 1)) for line in declared if line != _NOTHING)
    return found


def _blocks() -> list[tuple[str, list[str]]]:
    blocks = (files("antiphon.projections.core") / "statements.sql").read_text().split("-- name: ")[1:]
    return [(name.strip(), body.splitlines()) for name, _, body in (block.partition("\n") for block in blocks)]
