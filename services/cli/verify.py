"""`antiphon verify`: compares the log with its archive."""

from __future__ import annotations

import re
from typing import Final

import typer

from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.projections.archive.verification import Known
from antiphon.projections.archive.verification import verify as compare
from antiphon.services.cli import console
from antiphon.services.cli.installation import Installation
from antiphon.services.cli.running import connection

_DIFFERENT: Final = 3
_HASH: Final = re.compile("[0-9a-f]{64}")


def known(head: str | None) -> Known | None:
    """The position and hash that an earlier verification printed."""
    if head is None:
        return None
    position, _, hash_ = head.partition(":")
    if not position.isdecimal() or not _HASH.fullmatch(hash_):
        raise typer.BadParameter("give it as POSITION:HASH", param_hint="--head")
    return Known(int(position), hash_)


async def verify(where: Installation, earlier: Known | None) -> None:
    """Compare the log with its archive; exit code 3 where they differ."""
    async with connection(where.nats_url) as client:
        found = await compare(JetStreamLog(client), where.postgres_url, _show_progress, earlier)
    console.progress("log", f"is at {found.log_position}")
    console.progress("archive", f"is at {found.archive_position}")
    if found.difference is not None:
        console.failure(f"Position {found.difference.position}: {found.difference.what}")
        raise typer.Exit(_DIFFERENT)
    console.result(f"Log and archive agree up to position {found.agreed}; head {found.agreed}:{found.head}")


def _show_progress(done: int, of: int) -> None:
    if done % 100_000 == 0:
        console.progress("compared", f"{done} of {of}")
