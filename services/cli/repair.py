"""`antiphon repair`: restores the lost tail of the log from the archive, and what the archive lost from the log."""

from __future__ import annotations

from functools import partial

import nats.errors
from nats.aio.client import Client

from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.restore import restore
from antiphon.projections.archive.repair import (
    Loser,
    Loss,
    RepairError,
    examine,
    restore_archive,
    restore_log,
    restore_rows,
)
from antiphon.projections.engine.projection import NAME
from antiphon.projections.engine.writer import connect
from antiphon.projections.rebuild.projector_lock import hold_lock
from antiphon.services.cli import console, handover
from antiphon.services.cli.failures import CommandFailedError
from antiphon.services.cli.installation import Installation
from antiphon.services.cli.running import connection


async def repair(where: Installation, *, dry_run: bool) -> None:
    """Restore the lost tail of the log from the archive, or what the archive lost from the log."""
    database = where.postgres_url
    async with connection(where.nats_url) as client:
        log = JetStreamLog(client)
        try:
            loss = await examine(log, database)
            if loss.loser is Loser.NOBODY:
                console.result(f"Log and archive agree up to position {loss.agreed}: nothing is lost")
                return
            console.result(_what(loss))
            if not dry_run:
                await _mend(client, log, database, loss)
                console.result("The other has given them back; `antiphon verify` compares everything")
        except (RepairError, nats.errors.MaxPayloadError) as error:
            raise CommandFailedError(f"This cannot be repaired: {error}") from error


def _what(loss: Loss) -> str:
    if loss.damaged:
        return f"The archive has damaged rows: {len(loss.damaged)} from position {loss.damaged[0]} to {loss.last}"
    return f"The {loss.loser} has lost positions {loss.agreed + 1} to {loss.last}"


async def _mend(client: Client, log: JetStreamLog, database: str, loss: Loss) -> None:
    if loss.loser is Loser.LOG:
        await restore_log(database, loss.agreed, partial(restore, client))
        return
    async with await connect(database) as archive, hold_lock(archive, NAME, handover.request_handover(client)):
        # The projector may have archived the missing part meanwhile.
        now = await examine(log, database)
        if now.damaged:
            await restore_rows(archive, log, database)
        elif now.loser is Loser.ARCHIVE:
            await restore_archive(archive, log, now)
