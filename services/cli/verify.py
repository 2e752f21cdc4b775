"""`antiphon verify`: whether the log and its archive agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.projections.archive.verification import Known
from antiphon.projections.archive.verification import verify as compare
from antiphon.services.cli import console, options, servers

_HERE: Final = Path(".antiphon")
_DIFFERENT: Final = 3
_HASH: Final = re.compile("[0-9a-f]{64}")


def verify(
    head: Annotated[
        str | None, typer.Option(help="A hash that an earlier verification printed, as POSITION:HASH.")
    ] = None,
    data_dir: options.DataDir = _HERE,
    nats_url: options.NatsUrl = None,
    postgres_url: options.PostgresUrl = None,
) -> None:
    """Compare the log with its archive, message by message, and walk the archive's chain of hashes.

    Exit code 3 where they differ: the first position that does is named. What it prints at the end proves, kept
    elsewhere, that nothing before it was changed since: give it back with --head.
    """
    servers.run(_verify(data_dir, nats_url, postgres_url, _known(head)))


def _known(head: str | None) -> Known | None:
    if head is None:
        return None
    position, _, hash_ = head.partition(":")
    if not position.isdecimal() or not _HASH.fullmatch(hash_):
        raise typer.BadParameter("give it as POSITION:HASH", param_hint="--head")
    return Known(int(position), hash_)


async def _verify(data_dir: Path, nats_url: str | None, postgres_url: str | None, known: Known | None) -> None:
    database = servers.postgres_url(data_dir, postgres_url)
    async with servers.connection(servers.nats_url(data_dir, nats_url)) as client:
        found = await compare(JetStreamLog(client), database, _tell, known)
    console.progress("log", f"is at {found.log_position}")
    console.progress("archive", f"is at {found.archive_position}")
    if found.difference is not None:
        console.failure(f"Position {found.difference.position}: {found.difference.what}")
        raise typer.Exit(_DIFFERENT)
    console.result(f"Log and archive agree up to position {found.agreed}; head {found.agreed}:{found.head}")


def _tell(done: int, of: int) -> None:
    if done % 100_000 == 0:
        console.progress("compared", f"{done} of {of}")
