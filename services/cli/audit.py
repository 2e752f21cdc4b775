"""`antiphon show`, `tail`, `replay`, `export` and `diff`: the content of the log."""

from __future__ import annotations

import csv
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TextIO
from uuid import UUID

import orjson

from antiphon.events.client.client import Client, EventFilter
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.log_position import LogPosition
from antiphon.events.record import record
from antiphon.events.subjects import Aggregate
from antiphon.projections.as_of.as_of import run_at
from antiphon.projections.as_of.as_of_session import AsOfSession
from antiphon.projections.core.reading import encoded
from antiphon.services.cli import console, rendering
from antiphon.services.cli.choices import Format, Output
from antiphon.services.cli.failures import CommandFailedError
from antiphon.services.cli.installation import Installation
from antiphon.services.cli.running import log_client

_RUNS: Final = ("flow_run", "task_run")

Items = AsyncIterator[Recorded | Unreadable]


async def show(where: Installation, run: UUID, output: Output) -> None:
    """Print the history of a run or a flow."""
    async with log_client(where.nats_url) as client:
        _, found = await _history(client, run, (*_RUNS, "flow"))
    for item in found:
        _print(item, output)
        if output is Output.TABLE and isinstance(item, Recorded):
            _write(f"{'':10}{rendering.causes(item)}")


async def _history(
    client: Client, number: UUID, kinds: Sequence[str]
) -> tuple[Aggregate, Sequence[Recorded | Unreadable]]:
    """The aggregate with this id, of the first kind that has one, and its events."""
    for aggregate in (Aggregate(kind, str(number)) for kind in kinds):
        if found := await client.history(aggregate):
            return aggregate, found
    raise CommandFailedError(f"{number} is not in the log")


async def tail(where: Installation, which: EventFilter, start: LogPosition | None, output: Output) -> None:
    """Print events as they happen."""
    async with log_client(where.nats_url) as client:
        first = None if start is None else await client.first_position(start)
        async for item in client.subscribe(which, first):
            _print(item, output)
            sys.stdout.flush()


async def replay(
    where: Installation, which: EventFilter, start: LogPosition | None, end: LogPosition | None, output: Output
) -> None:
    """Print events of the past."""
    async with _replayed(where, which, start, end) as items:
        async for item in items:
            _print(item, output)


async def export(
    where: Installation,
    which: EventFilter,
    start: LogPosition | None,
    end: LogPosition | None,
    form: Format,
    file: Path | None,
) -> None:
    """Write events of the past to a file, or to standard output."""
    async with _replayed(where, which, start, end) as items:
        if file is None:
            await _export(items, form, sys.stdout)
            return
        with file.open("w", newline="") as target:
            written = await _export(items, form, target)
    console.progress("written", f"{written} events to {file}")


@asynccontextmanager
async def _replayed(
    where: Installation, which: EventFilter, start: LogPosition | None, end: LogPosition | None
) -> AsyncIterator[Items]:
    async with log_client(where.nats_url) as client:
        first = 1 if start is None else await client.first_position(start)
        yield client.replay(which, first, await client.last_position(end))


async def _export(items: Items, form: Format, target: TextIO) -> int:
    rows = csv.writer(target, lineterminator="\n")
    if form is Format.CSV:
        rows.writerow(rendering.COLUMNS)
    count = 0
    async for item in items:
        count += 1
        if form is Format.CSV:
            rows.writerow(rendering.row(item))
        else:
            target.write(f"{record(item).decode()}\n")
    return count


async def diff(where: Installation, run: UUID, before: LogPosition, after: LogPosition) -> None:
    """Print the fields of a run that differ between two positions."""
    async with log_client(where.nats_url) as client, AsOfSession.beginning(where.postgres_url) as nothing:
        aggregate, _ = await _history(client, run, _RUNS)
        old, new = [await _then(client, nothing, aggregate, place) for place in (before, after)]
    if old == new:
        console.progress("no change", f"{aggregate.kind.replace('_', ' ')} {run}")
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            _write(f"{name}: {_shown(old, name)} -> {_shown(new, name)}")


async def _then(client: Client, nothing: AsOfSession, run: Aggregate, place: LogPosition) -> dict[str, Any]:
    """The fields of a run at a position or time, and the names of its states; none before its creation."""
    found = await run_at(nothing, client.history, run, await client.last_position(place))
    if found is None:
        return {}
    fields: dict[str, Any] = orjson.loads(encoded(found.run))
    # The other fields and the states say the same.
    del fields["state"]
    return fields | {"states": [state["name"] for state in orjson.loads(encoded(found.states))]}


def _shown(fields: dict[str, Any], name: str) -> str:
    return orjson.dumps(fields[name]).decode() if name in fields else "(not there)"


def _print(item: Recorded | Unreadable, output: Output) -> None:
    _write(rendering.line(item) if output is Output.TABLE else record(item).decode())


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
