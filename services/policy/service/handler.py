"""Decides commands in groups: append what is decided, reply, acknowledge, in this order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from antiphon.events.errors import UndecodableError
from antiphon.events.log.errors import ConflictError, LogShortenedError, LogUnavailableError, TooLargeError
from antiphon.events.log.port import EventLog, SnapshotStore
from antiphon.events.outcome import Status
from antiphon.events.unhandled import Reason
from antiphon.services.policy.service import command_message
from antiphon.services.policy.service.answers import Answers, Undecided
from antiphon.services.policy.service.command_message import CommandMessage, DecodedCommand
from antiphon.services.policy.service.folds import Folds
from antiphon.services.policy.service.group import Decided, Group, UndecidableError
from antiphon.services.runtime import clock as clocks
from antiphon.services.runtime.work_counters import WorkCounters

#: So few commands get a group each: a lone event needs no atomic batch, and its sender waits for nobody else.
_FEW: Final = 4
#: After so many decisions the event loop gets a turn: the append before, further commands.
_TURN: Final = 8
_BACKOFF_SECONDS: Final = 0.5

_log = structlog.get_logger(__name__)


class Handler:
    """Decides batches of commands; knows the log, and how to answer, but nothing of NATS.

        commands   a b c     d e         f                    time ->
        decide     [group 1] [group 2]   [group 3]            each on the folds that the one before it leaves
        append               --- 1 ---> --- 2 ---> --- 3 -->  sent when the one before it is on disk: it expects
        answer                        1          2         3  the end of the log there; reply, acknowledge

    The log refuses an append when anybody else has written, so a decision need not name what it rests on. Then the
    commands are decided again, one by one, on what the log says now; what was decided ahead is too (docs/adr/0002).
    """

    def __init__(
        self, log: EventLog, answers: Answers, snapshots: SnapshotStore, *, clock: Callable[[], datetime]
    ) -> None:
        self._log = log
        self._answers = answers
        self._snapshots = snapshots
        self._clock = clock
        self._folds = Folds(log, snapshots)
        #: The position behind which the next group goes.
        self._end = -1
        #: The groups whose folds are ahead of the log: one being appended, one decided behind it.
        self._ahead: list[Group] = []
        #: Held while a group is decided, and while refused commands are decided again.
        self._deciding = asyncio.Lock()
        self.tally = WorkCounters()

    async def work(self, batches: AsyncIterator[Sequence[CommandMessage]]) -> None:
        """Decide one batch after the other; returns when there are no more, and all are answered."""
        await self._forget()
        landing: asyncio.Task[None] | None = None
        async with asyncio.TaskGroup() as tasks:
            async for messages in batches:
                waiting = await self._readable(messages)
                while waiting:
                    some, group = await self._decide_some(waiting)
                    if landing is not None:
                        await landing
                    # Else what it was decided on did not get into the log, and was forgotten with it.
                    if group in self._ahead:
                        waiting = waiting[len(some) :]
                        landing = tasks.create_task(self._land(some, group))

    async def _readable(self, messages: Sequence[CommandMessage]) -> list[DecodedCommand]:
        """The commands in messages; what is none is parked, by one append."""
        commands, unreadable = [], []
        for message in messages:
            try:
                commands.append(self._read(message))
            except UndecodableError as error:
                unreadable.append(Undecided(message, Reason.UNREADABLE, str(error), Status.INVALID))
        await self._park(unreadable)
        return commands

    def _read(self, message: CommandMessage) -> DecodedCommand:
        return command_message.read(message)

    async def _park(self, undecided: Sequence[Undecided]) -> None:
        for message, _, why, _ in undecided:
            _log.warning("command parked", subject=message.subject, why=why)
            self.tally.fail(why)
        if undecided:
            await self._answers.put_aside(undecided)

    async def _decide_some(self, waiting: Sequence[DecodedCommand]) -> tuple[Sequence[DecodedCommand], Group]:
        """Decide as many commands as one append takes, and return them with their group; it is empty on failure."""
        some = waiting[:1] if len(waiting) <= _FEW else waiting
        async with self._deciding:
            group = self._new_group(presume_new=True)
            try:
                for number, command in enumerate(some, 1):
                    await self._decide(group, command)
                    if number % _TURN == 0:
                        await asyncio.sleep(0)
            except TooLargeError:
                some = some[: len(group.decided) or 1]
            except (LogUnavailableError, UndecidableError) as error:
                _log.info("group not decided", commands=len(some), error=str(error))
                group.decided.clear()
            self._end += len(group.drafts)
            return some, group

    def _new_group(self, *, presume_new: bool) -> Group:
        group = Group(self._folds, after=self._end, presume_new=presume_new)
        self._ahead.append(group)
        return group

    async def _decide(self, group: Group, command: DecodedCommand) -> None:
        await group.decide(command, self._clock())

    async def _land(self, commands: Sequence[DecodedCommand], group: Group) -> None:
        """Append a group and answer its commands, or decide them again."""
        began = clocks.monotonic()
        try:
            if group.decided:
                await self._append(group)
        except (ConflictError, LogUnavailableError, TooLargeError) as error:
            _log.info("append refused", commands=len(commands), error=str(error))
        if group in self._ahead:
            async with self._deciding:
                await self._forget()
                await self._decide_alone(commands)
        else:
            for decided in group.decided:
                await self._answer(decided)
        self.tally.add(len(commands), clocks.monotonic() - began)

    async def _append(self, group: Group) -> None:
        if group.drafts:
            await self._log.append(group.drafts, after=group.after)
        self._ahead.remove(group)
        for aggregate, data in group.snapshots:
            await self._snapshots.put(aggregate, data)
        self._folds.trim(confirmed=group.after + len(group.drafts))

    async def _park_undecidable(self, commands: Sequence[tuple[DecodedCommand, UndecidableError]]) -> None:
        await self._park(
            [Undecided(command.message, Reason.UNDECIDABLE, str(error), error.status) for command, error in commands]
        )

    async def _answer(self, decided: Decided) -> None:
        await self._answers.give(decided)

    async def _forget(self) -> None:
        """Forget the folds that are ahead of the log; all of them, if somebody else has written.

        Raises LogShortenedError: what has been decided rests on events that are gone.
        """
        confirmed = self._ahead[0].after if self._ahead else self._end
        for group in self._ahead:
            self._folds.drop(group.written)
        self._ahead.clear()
        self._end = await self._last_position()
        if self._end < confirmed:
            raise LogShortenedError(f"the log ends at position {self._end}, and had confirmed position {confirmed}")
        if self._end != confirmed:
            self._folds.clear()

    async def _last_position(self) -> int:
        while True:
            try:
                return await self._log.last_position()
            except LogUnavailableError as error:
                _log.warning("log unavailable", error=str(error))
                await asyncio.sleep(_BACKOFF_SECONDS)

    async def _decide_alone(self, commands: Sequence[DecodedCommand]) -> None:
        """Decide commands one by one, and park those that cannot be decided."""
        undecidable = []
        for command in commands:
            try:
                await self._decide_one(command)
            except UndecidableError as error:
                await self._forget()
                undecidable.append((command, error))
        await self._park_undecidable(undecidable)

    async def _decide_one(self, command: DecodedCommand) -> None:
        """Decide one command on what the log says, until it is in the log; raises UndecidableError."""
        while True:
            group = self._new_group(presume_new=False)
            try:
                await self._decide(group, command)
                await self._append(group)
                self._end += len(group.drafts)
                return await self._answer(group.decided[0])
            except TooLargeError as error:
                command = command._replace(impossible=str(error))
            except ConflictError as error:
                _log.info("another process has appended", error=str(error))
            except LogUnavailableError as error:
                _log.warning("log unavailable", error=str(error))
                await asyncio.sleep(_BACKOFF_SECONDS)
            await self._forget()
