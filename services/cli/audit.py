"""`antiphon show`, `tail`, `replay`, `export` and `diff`: what the log tells."""

from __future__ import annotations

import csv
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, TextIO
from uuid import UUID

import orjson
import typer

from antiphon.events.client.client import Client, EventFilter
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.log_position import Place
from antiphon.events.record import record
from antiphon.events.subjects import Aggregate
from antiphon.projections.as_of.as_of import run_at
from antiphon.projections.as_of.as_of_session import Past
from antiphon.projections.core.reading import encoded
from antiphon.services.cli import console, options, rendering, servers
from antiphon.services.cli.options import Output

_HERE: Final = Path(".antiphon")
_RUNS: Final = ("flow_run", "task_run")

Items = AsyncIterator[Recorded | Unreadable]


class Format(StrEnum):
    """What an export is written as."""

    NDJSON = "ndjson"
    CSV = "csv"


def show(
    run: Annotated[UUID, typer.Argument(help="The id of a flow run, a task run or a flow.")],
    output: options.As = Output.TABLE,
    data_dir: options.DataDir = _HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Show every decision about a run in order, with its rule and reason, and what each goes back to."""
    servers.run(_show(data_dir, nats_url, run, output))


async def _show(data_dir: Path, nats_url: str | None, run: UUID, output: Output) -> None:
    async with servers.log_client(servers.nats_url(data_dir, nats_url)) as client:
        _, found = await _history(client, run, (*_RUNS, "flow"))
    for item in found:
        _print(item, output)
        if output is Output.TABLE and isinstance(item, Recorded):
            _write(f"{'':10}{rendering.causes(item)}")


async def _history(
    client: Client, number: UUID, kinds: Sequence[str]
) -> tuple[Aggregate, Sequence[Recorded | Unreadable]]:
    """Which of these kinds has this id, and what happened to it."""
    for aggregate in (Aggregate(kind, str(number)) for kind in kinds):
        if found := await client.history(aggregate):
            return aggregate, found
    console.failure(f"{number} is not in the log")
    raise typer.Exit(1)


def tail(
    from_: options.From = None,
    kind: options.Kind = "*",
    identifier: options.Id = "*",
    action: options.Action = ">",
    flow: options.Flow = None,
    deployment: options.Deployment = None,
    tag: options.Tag = None,
    state_type: options.State = None,
    decision: options.Decision = None,
    output: options.As = Output.TABLE,
    data_dir: options.DataDir = _HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Show events as they happen, until Ctrl-C; from now on, or from an earlier position or time."""
    which = options.event_filter(kind, identifier, action, flow, deployment, tag, state_type, decision)
    servers.run(_tail(data_dir, nats_url, which, from_, output))


async def _tail(data_dir: Path, nats_url: str | None, which: EventFilter, start: Place | None, output: Output) -> None:
    async with servers.log_client(servers.nats_url(data_dir, nats_url)) as client:
        first = None if start is None else await client.first_position(start)
        async for item in client.subscribe(which, first):
            _print(item, output)
            sys.stdout.flush()


def replay(
    from_: options.From = None,
    to: options.To = None,
    kind: options.Kind = "*",
    identifier: options.Id = "*",
    action: options.Action = ">",
    flow: options.Flow = None,
    deployment: options.Deployment = None,
    tag: options.Tag = None,
    state_type: options.State = None,
    decision: options.Decision = None,
    output: options.As = Output.TABLE,
    data_dir: options.DataDir = _HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Show what happened from one position or time to another, both included."""
    which = options.event_filter(kind, identifier, action, flow, deployment, tag, state_type, decision)

    async def print_all(items: Items) -> None:
        async for item in items:
            _print(item, output)

    servers.run(_replay(data_dir, nats_url, which, from_, to, print_all))


async def _replay(
    data_dir: Path,
    nats_url: str | None,
    which: EventFilter,
    start: Place | None,
    end: Place | None,
    consume: Callable[[Items], Any],
) -> None:
    async with servers.log_client(servers.nats_url(data_dir, nats_url)) as client:
        first = 1 if start is None else await client.first_position(start)
        await consume(client.replay(which, first, await client.last_position(end)))


def export(
    from_: options.From = None,
    to: options.To = None,
    kind: options.Kind = "*",
    identifier: options.Id = "*",
    action: options.Action = ">",
    flow: options.Flow = None,
    deployment: options.Deployment = None,
    tag: options.Tag = None,
    state_type: options.State = None,
    decision: options.Decision = None,
    form: Annotated[Format, typer.Option("--format", help="ndjson or csv.")] = Format.NDJSON,
    file: Annotated[Path | None, typer.Option(help="Where it is written; absent: standard output.")] = None,
    data_dir: options.DataDir = _HERE,
    nats_url: options.NatsUrl = None,
) -> None:
    """Write events as NDJSON or CSV, for other programs."""
    which = options.event_filter(kind, identifier, action, flow, deployment, tag, state_type, decision)

    async def write_all(items: Items) -> None:
        if file is None:
            await _export(items, form, sys.stdout)
            return
        with file.open("w", newline="") as target:
            written = await _export(items, form, target)
        console.progress("written", f"{written} events to {file}")

    servers.run(_replay(data_dir, nats_url, which, from_, to, write_all))


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


def diff(
    run: Annotated[UUID, typer.Argument(help="The id of a flow run or a task run.")],
    before: Annotated[Any, typer.Argument(parser=options.a_place, metavar="POSITION|TIME")],
    after: Annotated[Any, typer.Argument(parser=options.a_place, metavar="POSITION|TIME")],
    data_dir: options.DataDir = _HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
) -> None:
    """Show what changed about a run between two positions or times."""
    log, database = servers.nats_url(data_dir, nats_url), servers.postgres_url(data_dir, postgres_url)
    servers.run(_diff(log, database, run, before, after))


async def _diff(log: str, database: str, run: UUID, before: Place, after: Place) -> None:
    async with servers.log_client(log) as client, Past.beginning(database) as nothing:
        aggregate, _ = await _history(client, run, _RUNS)
        old, new = [await _then(client, nothing, aggregate, place) for place in (before, after)]
    if old == new:
        console.progress("no change", f"{aggregate.kind.replace('_', ' ')} {run}")
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            _write(f"{name}: {_shown(old, name)} -> {_shown(new, name)}")


async def _then(client: Client, nothing: Past, run: Aggregate, place: Place) -> dict[str, Any]:
    """The fields of a run at a place, and its states by name; nothing where it was not there."""
    found = await run_at(nothing, client.history, run, await client.last_position(place))
    if found is None:
        return {}
    fields: dict[str, Any] = orjson.loads(encoded(found.run))
    # Told by the columns beside it, and by the states.
    del fields["state"]
    return fields | {"states": [state["name"] for state in orjson.loads(encoded(found.states))]}


def _shown(fields: dict[str, Any], name: str) -> str:
    return orjson.dumps(fields[name]).decode() if name in fields else "(not there)"


def _print(item: Recorded | Unreadable, output: Output) -> None:
    _write(rendering.line(item) if output is Output.TABLE else record(item).decode())


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
