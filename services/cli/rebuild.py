"""`antiphon rebuild`; run as a module, it rebuilds only if another version built the read models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.projections.rebuild.rebuild import Rebuild, RebuildError, RebuildProgress, is_outdated
from antiphon.services.cli import console, handover
from antiphon.services.cli.failures import CommandFailedError
from antiphon.services.cli.installation import Installation
from antiphon.services.cli.running import connection, run
from antiphon.services.runtime import clock
from antiphon.services.runtime.settings import Settings

_INTERVAL_SECONDS: Final = 1.0


async def rebuild(where: Installation, *, keep_old: bool = False) -> None:
    """Build the read models again; continue an interrupted rebuild."""
    async with _prepared(where) as work:
        position = await work.run(keep_old=keep_old)
    console.result(f"The read models are built again, up to position {position}")


async def discard(where: Installation) -> None:
    """Delete an interrupted rebuild, and kept old tables."""
    async with _prepared(where) as work:
        left = await work.discard()
    console.result("There was nothing" if left is None else f"A rebuild that was at {left} is deleted")


@asynccontextmanager
async def _prepared(where: Installation) -> AsyncIterator[Rebuild]:
    database = where.postgres_url
    async with connection(where.nats_url) as client:
        log, request_handover = JetStreamLog(client), handover.request_handover(client)
        try:
            yield Rebuild(log, database, request_handover=request_handover, progress=_Meter().show)
        except RebuildError as error:
            raise CommandFailedError(str(error)) from error


async def _rebuild_if_outdated(where: Installation) -> None:
    # Another machine may have done it meanwhile.
    if await is_outdated(where.postgres_url):
        await rebuild(where)


class _Meter:
    """Prints the position of a rebuild, its rate and the time that is left, once a second."""

    def __init__(self) -> None:
        self._began: tuple[float, int] | None = None
        self._printed = 0.0

    def show(self, progress: RebuildProgress) -> None:
        """Called after every batch."""
        moment = clock.monotonic()
        if self._began is None:
            self._began = moment, progress.position
        if moment - self._printed < _INTERVAL_SECONDS:
            return
        self._printed = moment
        since, first = self._began
        rate = (progress.position - first) / (moment - since) if moment > since else 0
        left = f", about {(progress.last - progress.position) / rate:.0f} s left" if rate else ""
        console.progress("rebuilt", f"{progress.position} of {progress.last}; {rate:.0f} a second{left}")


if __name__ == "__main__":
    settings = Settings()
    run(_rebuild_if_outdated(Installation(settings.data_dir, settings.nats_url, settings.postgres_url)))
