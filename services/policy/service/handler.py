"""Decides commands in groups: append what is decided, reply, acknowledge, in this order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from antiphon.events.errors import UndecodableError
from antiphon.events.log.errors import ConflictError, LogUnavailableError, TooLargeError
from antiphon.events.log.port import EventLog
from antiphon.events.outcome import Answer, Status
from antiphon.services.policy.service import command_message
from antiphon.services.policy.service.answers import Answers
from antiphon.services.policy.service.command_message import Letter
from antiphon.services.policy.service.folds import Folds, SnapshotStore
from antiphon.services.policy.service.group import DecidedCommand, Group, Request, UndecidableError
from antiphon.services.runtime import clock as clocks
from antiphon.services.runtime.work_counters import WorkCounters

#: So few commands get a group each: a lone event needs no atomic batch, and its sender waits for nobody else.
_FEW: Final = 4
#: After so many decisions the event loop gets a turn: the append before, further commands.
_TURN: Final = 8
_ATTEMPTS: Final = 20
_BACKOFF_SECONDS: Final = 0.2

_log = structlog.get_logger(__name__)


class Command(NamedTuple):
    """A command message, decoded."""

    message: Letter
    request: Request


@dataclass(slots=True)
class Append:
    """Commands that are decided together, and what one append puts into the log."""

    commands: Sequence[Command]
    group: Group
    began: float = field(default_factory=clocks.monotonic)
    decided: list[DecidedCommand] = field(default_factory=list)


class Handler:
    """Decides batches of commands; knows the log, and how to answer, but nothing of NATS.

        commands   a b c     d e         f                    time ->
        decide     [group 1] [group 2]   [group 3]            each on the folds that the one before it leaves
        append               --- 1 ---> --- 2 ---> --- 3 -->  sent when the one before it is on disk: it expects
        answer                        1          2         3  the end of the log there; reply, acknowledge

    The log refuses an append when anybody else has written, so a decision need not name what it rests on. Then the
    commands are decided again, one by one, on what the log says now; what was decided ahead is too (docs/adr/0004).
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

    async def work(self, batches: AsyncIterator[Sequence[Letter]]) -> None:
        """Decide one batch after the other; returns when there are no more, and all are answered."""
        await self._forget()
        landing: asyncio.Task[None] | None = None
        async with asyncio.TaskGroup() as tasks:
            async for messages in batches:
                waiting = [command for message in messages if (command := await self._read(message))]
                while waiting:
                    append = await self._decide_some(waiting)
                    if landing is not None:
                        await landing
                    # Else what it was decided on did not get into the log, and was forgotten with it.
                    if append.group in self._ahead:
                        waiting = waiting[len(append.commands) :]
                        landing = tasks.create_task(self._land(append))

    async def _read(self, message: Letter) -> Command | None:
        try:
            return Command(message, command_message.read(message))
        except UndecodableError as error:
            await self._park(message, str(error), Status.INVALID)
            return None

    async def _park(self, message: Letter, why: str, status: Status) -> None:
        _log.warning("command parked", subject=message.subject, why=why)
        self.tally.fail(why)
        await self._answers.put_aside(message, why, status)

    async def _decide_some(self, waiting: Sequence[Command]) -> Append:
        """Decide as many commands as one append takes; decides none where that fails."""
        some = waiting[:1] if len(waiting) <= _FEW else waiting
        async with self._deciding:
            append = Append(some, self._new_group(presume_new=True))
            try:
                for number, command in enumerate(some, 1):
                    append.decided.append(await self._decide(append.group, command))
                    if number % _TURN == 0:
                        await asyncio.sleep(0)
            except TooLargeError:
                append.commands = some[: len(append.decided)] or some[:1]
            except (LogUnavailableError, UndecidableError) as error:
                _log.info("group not decided", commands=len(some), error=str(error))
                append.decided.clear()
            self._end = append.group.end
            return append

    def _new_group(self, *, presume_new: bool) -> Group:
        group = Group(self._folds, after=self._end, presume_new=presume_new)
        self._ahead.append(group)
        return group

    async def _decide(self, group: Group, command: Command, refuse_with: Answer | None = None) -> DecidedCommand:
        return await group.decide(command.request, self._clock(), refuse_with=refuse_with)

    async def _land(self, append: Append) -> None:
        """Append and answer, or decide the commands again."""
        try:
            if append.decided:
                await self._append(append)
                await self._answer(append)
                return
        except (ConflictError, LogUnavailableError, TooLargeError) as error:
            _log.info("append refused", commands=len(append.commands), error=str(error))
        async with self._deciding:
            await self._forget()
            for command in append.commands:
                await self._decide_alone(command)

    async def _append(self, append: Append) -> None:
        group = append.group
        snapshots = group.snapshots()
        if group.drafts:
            await self._log.append(group.drafts, after=group.after)
        self._ahead.remove(group)
        for aggregate, snapshot in snapshots:
            await self._snapshots.put(aggregate, snapshot)
        self._folds.trim(group.end)

    async def _answer(self, append: Append) -> None:
        for command, decided in zip(append.commands, append.decided, strict=True):
            await self._give(command, decided)
        self.tally.add(len(append.commands), clocks.monotonic() - append.began)

    async def _give(self, command: Command, decided: DecidedCommand) -> None:
        await self._answers.give(command.message, decided)

    async def _forget(self) -> None:
        """Forget the folds that are ahead of the log; all of them, if somebody else has written."""
        confirmed = self._ahead[0].after if self._ahead else self._end
        for group in self._ahead:
            self._folds.drop(group.written)
        self._ahead.clear()
        self._end = await self._last_position()
        if self._end != confirmed:
            self._folds.clear()

    async def _last_position(self) -> int:
        for attempt in range(_ATTEMPTS):
            try:
                return await self._log.last_position()
            except LogUnavailableError as error:
                _log.warning("log unavailable", error=str(error))
            await asyncio.sleep(_BACKOFF_SECONDS * min(attempt, 10))
        raise LogUnavailableError(f"the log did not say where it ends in {_ATTEMPTS} attempts")

    async def _decide_alone(self, command: Command) -> None:
        """Decide one command on what the log says, until it is in the log."""
        refuse_with: Answer | None = None
        failures = 0
        while failures < _ATTEMPTS:
            append = Append([command], self._new_group(presume_new=False))
            try:
                append.decided.append(await self._decide(append.group, command, refuse_with))
                await self._append(append)
                self._end = append.group.end
                return await self._answer(append)
            except UndecidableError as error:
                await self._forget()
                return await self._park_command(command, str(error))
            except TooLargeError as error:
                key = command.request.aggregate.id
                refuse_with = Answer(status=Status.INVALID, aggregate_id=key, reason=str(error))
            except ConflictError as error:
                _log.info("another policy has appended", error=str(error))
            except LogUnavailableError as error:
                _log.warning("log unavailable", error=str(error))
                failures += 1
                await asyncio.sleep(_BACKOFF_SECONDS * min(failures, 10))
            await self._forget()
        # Not acknowledged: the queue hands it out again to a process that starts afresh.
        raise LogUnavailableError(f"could not decide {command.message.subject} in {_ATTEMPTS} attempts")

    async def _park_command(self, command: Command, why: str) -> None:
        await self._park(command.message, why, Status.PARKED)
