"""Writes the changes of a batch and its checkpoint in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.types.json import Json

from antiphon.events import json_bytes
from antiphon.projections.artifact.projection import ARTIFACT, ARTIFACT_COLLECTION
from antiphon.projections.core.change import Change, Row, Statement, Step, merge
from antiphon.projections.core.migrate import SCHEMA, look_in
from antiphon.projections.core.statements import statements
from antiphon.projections.core.table import Table
from antiphon.projections.deployment.projection import DEPLOYMENT
from antiphon.projections.event.projection import EVENT
from antiphon.projections.flow.projection import FLOW
from antiphon.projections.flow_run.projection import FLOW_RUN, FLOW_RUN_STATE
from antiphon.projections.flow_run_input.projection import FLOW_RUN_INPUT
from antiphon.projections.limit.projection import LEASE, LIMIT
from antiphon.projections.log.projection import LOG
from antiphon.projections.presence.projection import POLL
from antiphon.projections.task_run.projection import TASK_RUN, TASK_RUN_STATE
from antiphon.projections.variable.projection import VARIABLE
from antiphon.projections.work_pool.projection import WORK_POOL, WORK_QUEUE

#: A statement with its parameters.
Part = tuple[str, Row]

#: The order of inserts: task_run's INSERT selects its flow_run.
_ORDER: Final[tuple[Table, ...]] = (
    FLOW,
    DEPLOYMENT,
    FLOW_RUN,
    FLOW_RUN_STATE,
    TASK_RUN,
    TASK_RUN_STATE,
    FLOW_RUN_INPUT,
    VARIABLE,
    ARTIFACT,
    ARTIFACT_COLLECTION,
    LIMIT,
    LEASE,
    LOG,
    WORK_POOL,
    WORK_QUEUE,
    POLL,
    EVENT,
)


#: Comparing integers takes a tenth of the time of comparing UUIDs.
_ORDER_OF_IDS: Final = attrgetter("int")


async def connect(postgres_url: str, schema: str = SCHEMA) -> AsyncConnection[Any]:
    """A connection for a writer of the read models of a schema.

    Commits do not wait for the disk: a crash loses rows and checkpoint together, and the log replaces both.
    """
    connection = await AsyncConnection.connect(postgres_url, autocommit=True)
    try:
        await look_in(connection, schema)
        await connection.execute("SET synchronous_commit TO off")
        await connection.execute("SET timezone TO 'UTC'")
        # All statements, also those of triggers, must use indexes. The planner prefers scans while tables are empty,
        # and keeps these plans when the tables grow: writes then take ten times as long.
        for scan in ("seqscan", "hashjoin", "mergejoin"):
            await connection.execute(f"SET enable_{scan} TO off")
        await connection.execute("SET plan_cache_mode TO force_generic_plan")
    except BaseException:
        await connection.close()
        raise
    # The statements are few and always the same: prepare them at their first use.
    connection.prepare_threshold = 0
    return connection


async def position_of(connection: AsyncConnection[Any], name: str) -> int:
    """The checkpoint of a projection, 0 at its beginning."""
    cursor = await connection.execute("SELECT position FROM checkpoint WHERE name = %s", (name,))
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def write(
    connection: AsyncConnection[Any],
    changes: Iterable[Change],
    name: str,
    position: int,
    first: Sequence[Part] = (),
    final: Sequence[Part] = (),
) -> None:
    """Write the `first` statements, the changes, the `final` statements and the checkpoint in one transaction."""
    steps = list(merge(changes))
    if len(steps) <= 1 and not final and not any(_needs_order(step) for step in steps):
        await _write_at_once(connection, [*first, *(part for step in steps for part in parts(step))], name, position)
        return
    async with connection.pipeline(), connection.transaction():
        for query, parameters in first:
            await connection.execute(query.encode(), parameters)
        for step in steps:
            for query, parameters in parts(step):
                await connection.execute(query, parameters)
        for query, parameters in final:
            await connection.execute(query.encode(), parameters)
        await connection.execute(statements()["advance"], {"name": name, "position": position})


def _needs_order(step: Step) -> bool:
    """Whether a statement of a step must see the effects of an earlier one."""
    # A new flow run updates the task runs that waited for it. One statement cannot insert and update the same row.
    touches_task_runs = TASK_RUN in step.puts or TASK_RUN in step.moves
    return step.statement is not None or (FLOW_RUN in step.puts and touches_task_runs)


async def _write_at_once(connection: AsyncConnection[Any], parts_of: Sequence[Part], name: str, position: int) -> None:
    """Write everything with one statement: it is its own transaction, and saves five messages to the server."""
    parameters: Row = {"name": name, "position": position}
    parts = []
    for number, (query, given) in enumerate(parts_of):
        parts.append(f"part{number} AS ({query})".replace("%(", f"%(part{number}_"))
        parameters |= {f"part{number}_{key}": value for key, value in given.items()}
    advance = statements()["advance"]
    query = f"WITH {', '.join(parts)} {advance}" if parts else advance
    await connection.execute(query.encode(), parameters)


def parts(step: Step) -> Iterator[Part]:
    """The statements of a step with their parameters, in order."""
    for table in _ORDER:
        if rows := step.puts.get(table):
            yield table.put_sql, {"rows": _json(rows)}
            if table.after_put is not None:
                yield statements()[table.after_put], {"ids": list(rows)}
        if rows := step.moves.get(table):
            for row_id, row in rows.items():
                row["id"] = row_id
            yield table.move_sql, {"rows": _json(rows)}
    if step.statement is not None:
        yield statements()[step.statement.name], _parameters(step.statement)


def _json(rows: dict[UUID, Row]) -> str:
    # Sort by id, so that two writers cannot deadlock.
    ordered = [rows[key] for key in sorted(rows, key=_ORDER_OF_IDS)]
    return json_bytes.dumps(ordered).decode()


def _as_json(value: Row) -> Json:
    return Json(value, dumps=json_bytes.dumps)


def _parameters(statement: Statement) -> Row:
    return {name: _as_json(value) if isinstance(value, dict) else value for name, value in statement.parameters.items()}


async def acquire_lock(connection: AsyncConnection[Any], name: str) -> None:
    """Wait until no other session writes this projection; the lock is held as long as the connection."""
    await connection.execute("SELECT pg_advisory_lock(hashtext(%s))", (f"{SCHEMA}.{name}",))


async def try_lock(connection: AsyncConnection[Any], name: str) -> bool:
    """Acquire the lock if it is free."""
    found = await connection.execute("SELECT pg_try_advisory_lock(hashtext(%s))", (f"{SCHEMA}.{name}",))
    return await found.fetchone() == (True,)


async def release_lock(connection: AsyncConnection[Any], name: str) -> None:
    """Let the next session acquire the lock."""
    await connection.execute("SELECT pg_advisory_unlock(hashtext(%s))", (f"{SCHEMA}.{name}",))


def blames_the_rows(error: psycopg.Error) -> bool:
    """Whether the rows cause the error: their data, an integrity constraint or a limit (as of an index entry)."""
    # A missing table or privilege is no fault of the rows, and must not park a message.
    return isinstance(error, psycopg.DataError | psycopg.IntegrityError) or (error.sqlstate or "").startswith("54")


def is_passing(error: psycopg.Error) -> bool:
    """Whether the server failed, so that the same write may succeed later."""
    # Classes of SQLSTATE: connection, transaction state, rollback, insufficient resources, operator, system error.
    return error.sqlstate is None or error.sqlstate[:2] in {"08", "25", "40", "53", "57", "58"}
