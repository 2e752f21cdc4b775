"""`antiphon repair`: gives log or archive back the tail that it lost, from the other."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Final

import nats.errors
import typer
from nats.aio.client import Client

from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.restore import restore
from antiphon.projections.archive.repair import Loser, Loss, RepairError, examine, restore_archive, restore_log
from antiphon.projections.engine.projection import NAME
from antiphon.projections.engine.writer import connect
from antiphon.projections.rebuild.projector_lock import having_turn
from antiphon.services.cli import console, handover, options, servers

_HERE: Final = Path(".antiphon")
_FAILED: Final = 1


def repair(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,  # noqa: FBT002
    data_dir: options.DataDir = _HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
) -> None:
    """Publish again what the log lost at its end and the archive has, or archive again what the archive lost.

    Nobody may decide meanwhile: `antiphon start --role projector` runs the servers and no policy. What is no clean
    tail, with everything before it agreeing, is refused with exit code 1.
    """
    servers.run(_repair(data_dir, nats_url, postgres_url, dry_run=dry_run))


async def _repair(data_dir: Path, nats_url: str | None, postgres_url: str | None, *, dry_run: bool) -> None:
    database = servers.postgres_url(data_dir, postgres_url)
    async with servers.connection(servers.nats_url(data_dir, nats_url)) as client:
        log = JetStreamLog(client)
        try:
            loss = await examine(log, database)
            if loss.loser is Loser.NOBODY:
                console.result(f"Log and archive agree up to position {loss.agreed}: nothing is lost")
                return
            console.result(f"The {loss.loser} has lost positions {loss.agreed + 1} to {loss.last}")
            if not dry_run:
                await _mend(client, log, database, loss)
                console.result("The other has given them back; `antiphon verify` compares everything")
        except (RepairError, nats.errors.MaxPayloadError) as error:
            console.failure(f"This cannot be repaired: {error}")
            raise typer.Exit(_FAILED) from None


async def _mend(client: Client, log: JetStreamLog, database: str, loss: Loss) -> None:
    if loss.loser is Loser.LOG:
        await restore_log(database, loss.agreed, partial(restore, client))
        return
    async with await connect(database) as connection, having_turn(connection, NAME, handover.asking(client)):
        # The projector may have archived meanwhile what it found missing.
        now = await examine(log, database)
        if now.loser is Loser.ARCHIVE:
            await restore_archive(connection, log, now)
