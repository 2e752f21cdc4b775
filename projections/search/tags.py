"""Runs with a tag that few runs have, found among the tags, which are kept apart (schema/derived/run_tag.sql)."""

from __future__ import annotations

from asyncio import get_running_loop
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection

from antiphon.projections.core.reading import records
from antiphon.projections.filters.conditions import Operator, Parameters
from antiphon.projections.filters.criteria import Criteria
from antiphon.projections.filters.objects import FlowRunFilter, TaskRunFilter
from antiphon.projections.filters.tags import is_kept_apart
from antiphon.projections.sums import rollups

#: So many runs are looked through in less time than runs that many have tagged are searched for.
_FEW: Final = 10_000
#: What was counted decides only how runs are looked for: it holds for a while on each connection.
_HOLDS_SECONDS: Final = 60.0
_MOST_KNOWN: Final = 1_000

_Known = dict[tuple[str, str], tuple[float, bool]]
_known: Final[WeakKeyDictionary[AsyncConnection[Any], _Known]] = WeakKeyDictionary()


class Tagged(NamedTuple):
    """Criteria that ask for a tag, and what else they ask for."""

    tag: str
    rest: Criteria


async def with_few(connection: AsyncConnection[Any], table: str, criteria: Criteria) -> Tagged | None:
    """Criteria that only runs with a certain tag can meet, which few runs have; None where they are others."""
    runs = criteria.own(table) if table in ("flow_run", "task_run") else None
    if not isinstance(runs, FlowRunFilter | TaskRunFilter) or runs.operator is not Operator.and_ or runs.tags is None:
        return None
    wanted = sorted(set(runs.tags.all_ or ())) if runs.tags.operator is Operator.and_ else []
    # In the past tags are gathered from the rows: counting some takes as long as the answer.
    for tag in wanted if rollups.are_kept(connection) else ():
        if is_kept_apart(tag) and await _has_few(connection, table, tag):
            others = runs.tags.model_copy(update={"all_": [other for other in wanted if other != tag]})
            return Tagged(tag, criteria.with_own(table, runs.model_copy(update={"tags": others})))
    return None


def latest(table: str, tag: str, parameters: Parameters) -> str:
    """A source of the runs with a tag, the latest first; `OFFSET 0` has PostgreSQL begin there, whatever it expects."""
    tagged = f"SELECT id AS tagged_id FROM {table}_tag WHERE tag = {parameters.bind(tag)} ORDER BY id DESC OFFSET 0"  # noqa: S608
    return f"({tagged}) AS tagged JOIN {table} ON {table}.id = tagged_id"


async def _has_few(connection: AsyncConnection[Any], table: str, tag: str) -> bool:
    known, now = _known.setdefault(connection, {}), get_running_loop().time()
    counted_at, has_few = known.get((table, tag), (-_HOLDS_SECONDS, False))
    if now - counted_at >= _HOLDS_SECONDS:
        query = f"SELECT count(*) < {_FEW} FROM (SELECT FROM {table}_tag WHERE tag = %(tag)s LIMIT {_FEW}) AS found"  # noqa: S608
        ((has_few,),) = await records(connection, query, {"tag": tag})
        if len(known) >= _MOST_KNOWN:
            known.clear()
        known[table, tag] = now, has_few
    return has_few
