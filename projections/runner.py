"""Carries batches of messages into a read model, behind a checkpoint that only moves forward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

import psycopg
from psycopg import AsyncConnection

from projections.change import Change
from projections.keyframes import Happened, Keyframes
from projections.writer import Part, blames_the_rows, write

Item = TypeVar("Item", bound=Happened)
ItemRead = TypeVar("ItemRead", bound=Happened, contravariant=True)


class Reader(Protocol[ItemRead]):
    """Knows what messages of one stream change."""

    async def changes(self, item: ItemRead) -> Sequence[Change]:
        """What a message changes; one that cannot be read is put aside."""

    async def put_aside(self, item: ItemRead, why: str) -> Sequence[Change]:
        """Park a message, and return the changes that go with that; may be repeated."""


class Copy(Protocol[ItemRead]):
    """Keeps the messages themselves, in the transaction that writes what they change."""

    @property
    def position(self) -> int:
        """The last one that it holds."""

    async def parts(self, items: Sequence[ItemRead]) -> Sequence[Part]:
        """What is to be written for these, of which it may hold some already."""

    def written(self) -> None:
        """What `parts` returned last is committed."""


class Runner(Generic[Item]):
    """The one writer of a read model: its connection must have the turn (writer.take_turn)."""

    def __init__(
        self,
        connection: AsyncConnection[Any],
        name: str,
        reader: Reader[Item],
        after: int,
        copy: Copy[Item] | None = None,
        keyframes: Keyframes | None = None,
    ) -> None:
        self._copy = copy
        self._keyframes = keyframes or Keyframes(connection)
        self._connection = connection
        self._name = name
        self._reader = reader
        #: The checkpoint: everything up to here is committed.
        self.position = after

    async def advance(self, batch: Sequence[Item]) -> None:
        """Write what a batch changes, and the checkpoint, in one transaction; what is behind it is ignored.

        A message that PostgreSQL refuses is put aside. Raises psycopg.Error when the server is in trouble:
        then nothing more is known than that the checkpoint in the database is right.
        """
        fresh = [item for item in batch if item.position > self.position]
        if self._copy is not None and len(fresh) < len(batch):
            # It may be behind the rows: it is younger than they are.
            await self._commit((), [item for item in batch if item.position <= self.position], self.position)
        if fresh:
            await self._write(fresh)

    async def rewrite(self, changes: Sequence[Change]) -> None:
        """Write what was left out behind the checkpoint, all of it or nothing; raises psycopg.Error."""
        await self._keyframes.carry()
        await write(self._connection, changes, self._name, self.position)

    async def _write(self, items: Sequence[Item]) -> None:
        changes = [change for item in items for change in await self._reader.changes(item)]
        try:
            await self._commit(changes, items, items[-1].position)
        except psycopg.Error as error:
            if self._connection.closed or not blames_the_rows(error):
                raise
            if len(items) > 1:
                # One after the other, and read again: behind one that is put aside others may have to wait.
                for item in items:
                    await self._write([item])
                return
            instead = await self._reader.put_aside(items[0], f"its rows cannot be written: {str(error).strip()}")
            await self._commit(instead, items, items[0].position)
        self.position = items[-1].position

    async def _commit(self, changes: Sequence[Change], items: Sequence[Item], position: int) -> None:
        beside = () if self._copy is None else await self._copy.parts(items)
        behind = await self._keyframes.parts(items[-1]) if items[-1].position == position else ()
        await write(self._connection, changes, self._name, position, beside, behind)
        if behind:
            self._keyframes.written()
        if self._copy is not None:
            self._copy.written()
