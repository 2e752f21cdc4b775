"""Carries batches of messages into a read model, behind a checkpoint that only moves forward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

import psycopg
from psycopg import AsyncConnection

from antiphon.projections.core.change import Change
from antiphon.projections.engine.writer import Part, blames_the_rows, write


class Positioned(Protocol):
    """A message at its place in the stream."""

    @property
    def position(self) -> int:
        """The sequence in the JetStream stream."""


Item = TypeVar("Item", bound=Positioned)
ItemRead = TypeVar("ItemRead", bound=Positioned, contravariant=True)


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


class Keeping(Protocol[ItemRead]):
    """Keeps rows as they were at some messages."""

    async def carry(self) -> int:
        """Have the connection know the last of them: rows are written with it."""

    async def parts(self, item: ItemRead) -> Sequence[Part]:
        """What is to be written last, behind the changes of this message and those before it."""

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
        keyframes: Keeping[Item] | None = None,
    ) -> None:
        self._copy = copy
        self._keyframes = keyframes
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
        if self._keyframes is not None:
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
        # Messages that are only copied are behind what the rows are.
        last = items[-1] if items[-1].position == position else None
        behind = () if self._keyframes is None or last is None else await self._keyframes.parts(last)
        await write(self._connection, changes, self._name, position, beside, behind)
        if self._keyframes is not None and behind:
            self._keyframes.written()
        if self._copy is not None:
            self._copy.written()
