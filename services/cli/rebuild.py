"""`antiphon rebuild`: builds the read models again, beside the live ones."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.projections.engine.projection import NAME
from antiphon.projections.rebuild.rebuild import Progress, Rebuild, RebuildError, is_outdated
from antiphon.projections.rebuild.shadow_schema import OLD
from antiphon.services.cli import console, handover, options, servers
from antiphon.services.projecting.event_parking import parking
from antiphon.services.runtime import clock

_HERE: Final = Path(".antiphon")
_TELL_SECONDS: Final = 1.0


def rebuild(
    projection: Annotated[str, typer.Argument(help="What follows from the log: events.")] = NAME,
    keep_old: Annotated[bool, typer.Option("--keep-old", help=f"Keep the old tables, as schema {OLD}.")] = False,  # noqa: FBT002
    discard: Annotated[  # noqa: FBT002
        bool, typer.Option("--discard", help="Take away what a broken off rebuild left, and kept old tables; no more.")
    ] = False,
    data_dir: options.DataDir = _HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
) -> None:
    """Build the read models again from the log, beside the live ones, which go on being read and written.

    When the new ones have caught up they take the place of the live ones, at once. One that is broken off is gone on
    with by the next.
    """
    if projection != NAME:
        raise typer.BadParameter("log lines follow from OBSERVED, which forgets: only `events` can be built again")
    servers.run(_rebuild(data_dir, nats_url, postgres_url, keep_old=keep_old, discard=discard))


def upgrade(nats_url: options.NatsUrl = None, postgres_url: options.PostgresUrl = None) -> None:
    """Build the read models again if they are those of another version: another machine may have done it meanwhile."""
    if asyncio.run(is_outdated(servers.postgres_url(_HERE, postgres_url))):
        rebuild(nats_url=nats_url, postgres_url=postgres_url)


async def _rebuild(
    data_dir: Path, nats_url: str | None, postgres_url: str | None, *, keep_old: bool, discard: bool
) -> None:
    database = servers.postgres_url(data_dir, postgres_url)
    async with servers.connection(servers.nats_url(data_dir, nats_url)) as client:
        work = Rebuild(
            JetStreamLog(client),
            database,
            park=parking(client),
            make_way=handover.asking(client),
            progress=_Meter().tell,
        )
        try:
            if discard:
                left = await work.discard()
                console.result("There was nothing" if left is None else f"A rebuild that was at {left} is taken away")
            else:
                position = await work.run(keep_old=keep_old)
                console.result(f"The read models are built again, up to position {position}")
        except RebuildError as error:
            console.failure(str(error))
            raise typer.Exit(1) from None


class _Meter:
    """Says now and then how far a rebuild is, how fast, and when it will have caught up."""

    def __init__(self) -> None:
        self._began: tuple[float, int] | None = None
        self._told = 0.0

    def tell(self, progress: Progress) -> None:
        """Told of every batch."""
        moment = clock.monotonic()
        if self._began is None:
            self._began = moment, progress.position
        if moment - self._told < _TELL_SECONDS:
            return
        self._told = moment
        since, first = self._began
        rate = (progress.position - first) / (moment - since) if moment > since else 0
        left = f", about {(progress.last - progress.position) / rate:.0f} s left" if rate else ""
        console.progress("rebuilt", f"{progress.position} of {progress.last}; {rate:.0f} a second{left}")


if __name__ == "__main__":
    typer.run(upgrade)
