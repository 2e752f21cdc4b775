"""Writes batches of messages to a read model, with a checkpoint that only moves forward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

import psycopg
from psycopg import AsyncConnection

from antiphon.events.unhandled import Reason
from antiphon.projections.core.change import Change
from antiphon.projections.engine.writer import Part, blames_the_rows, write


class Positioned(Protocol):
    """A message with its position in the stream."""

    @property
    def position(self) -> int:
        """The sequence in the JetStream stream."""


Item = TypeVar("Item", bound=Positioned)
ItemRead = TypeVar("ItemRead", bound=Positioned, contravariant=True)


class Reader(Protocol[ItemRead]):
    """Turns messages of one stream into changes."""

    def changes(self, item: ItemRead) -> Sequence[Change]:
        """The changes of a message; an unreadable message is put aside."""

    def put_aside(self, item: ItemRead, reason: Reason, why: str) -> Sequence[Change]:
        """Park a message, and return the changes that record this; idempotent."""

    async def store_aside(self) -> None:
        """Called before the checkpoint passes messages that were put aside: they must be stored."""


class Copy(Protocol[ItemRead]):
    """Stores the messages themselves, in the transaction that writes their changes."""

    @property
    def position(self) -> int:
        """The position of the last stored message."""

    async def parts(self, items: Sequence[ItemRead]) -> Sequence[Part]:
        """The statements that store these messages, except those that are stored already."""

    def written(self) -> None:
        """Called when the last result of `parts` is committed."""


class Keeping(Protocol[ItemRead]):
    """Keeps old versions of rows, so that queries can read them as of a keyframe."""

    async def carry(self) -> int:
        """Set `antiphon.keyframe` on the session; the row triggers read it."""

    async def parts(self, item: ItemRead) -> Sequence[Part]:
        """The statements that follow the changes of this message."""

    def written(self) -> None:
        """Called when the last result of `parts` is committed."""


class Runner(Generic[Item]):
    """The one writer of a read model: its connection must hold the lock (writer.acquire_lock)."""

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
        """Write the changes of a batch and the checkpoint in one transaction; messages up to it are ignored.

        A message whose rows PostgreSQL refuses is parked. Raises psycopg.Error if the server fails: after that, the
        checkpoint must be read from the database.
        """
        fresh = [item for item in batch if item.position > self.position]
        if self._copy is not None and len(fresh) < len(batch):
            # The copy may lack messages before the checkpoint if it was added later than the read model.
            await self._commit((), [item for item in batch if item.position <= self.position], self.position)
        if fresh:
            await self._write(fresh)

    async def rewrite(self, changes: Sequence[Change]) -> None:
        """Write changes of messages before the checkpoint in one transaction; raises psycopg.Error."""
        if self._keyframes is not None:
            await self._keyframes.carry()
        await self._put(changes, self.position)

    async def _write(self, items: Sequence[Item]) -> None:
        changes = [change for item in items for change in self._reader.changes(item)]
        try:
            await self._commit(changes, items, items[-1].position)
        except psycopg.Error as error:
            self._require_faulty_rows(error)
            await self._write_one_by_one(items)
        self.position = items[-1].position

    async def _write_one_by_one(self, items: Sequence[Item]) -> None:
        """Write messages of which PostgreSQL refuses some, and put these aside."""
        async with self._connection.transaction():
            for item in items:
                try:
                    # Read it again: it may have to wait behind another one.
                    async with self._connection.transaction():
                        await self._put(self._reader.changes(item), item.position)
                except psycopg.Error as error:
                    self._require_faulty_rows(error)
                    why = f"its rows cannot be written: {error.diag.message_primary or error}"
                    await self._put(self._reader.put_aside(item, Reason.UNWRITABLE, why), item.position)
            await self._commit((), items, items[-1].position)

    def _require_faulty_rows(self, error: psycopg.Error) -> None:
        if self._connection.closed or not blames_the_rows(error):
            raise error

    async def _commit(self, changes: Sequence[Change], items: Sequence[Item], position: int) -> None:
        await self._reader.store_aside()
        first = () if self._copy is None else await self._copy.parts(items)
        # A message that is only copied adds no keyframe.
        last = items[-1] if items[-1].position == position else None
        final = () if self._keyframes is None or last is None else await self._keyframes.parts(last)
        await self._put(changes, position, first, final)
        if self._keyframes is not None and final:
            self._keyframes.written()
        if self._copy is not None:
            self._copy.written()

    async def _put(
        self, changes: Sequence[Change], position: int, first: Sequence[Part] = (), final: Sequence[Part] = ()
    ) -> None:
        await write(self._connection, changes, self._name, position, first, final)
