"""Writes what a batch of messages changes, and finds the one message whose changes cannot be written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection

from projections.change import Change
from projections.writer import is_passing, write


@dataclass(frozen=True, slots=True)
class Entry:
    """A message at its position, and its changes."""

    position: int
    changes: Sequence[Change]
    #: Puts the message aside for the reason given, and returns the changes that go with that.
    park: Callable[[str], Awaitable[Sequence[Change]]]


async def write_entries(connection: AsyncConnection[Any], entries: Sequence[Entry], name: str) -> None:
    """Write all entries and the checkpoint of the last; one that PostgreSQL refuses is parked instead.

    Raises psycopg.Error when the trouble is not an entry's fault: then it is to be tried again.
    """
    changes = [change for entry in entries for change in entry.changes]
    try:
        await write(connection, changes, name, entries[-1].position)
    except psycopg.Error as error:
        if connection.closed or is_passing(error):
            raise
        if len(entries) > 1:
            for entry in entries:
                await write_entries(connection, [entry], name)
            return
        instead = await entries[0].park(f"its rows cannot be written: {str(error).strip()}")
        await write(connection, instead, name, entries[0].position)
