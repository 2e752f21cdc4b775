"""Decides commands in groups: append what is decided, reply, acknowledge, in this order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from antiphon.events import subjects
from antiphon.events.errors import UndecodableError
from antiphon.events.log.errors import ConflictError, LogUnavailableError, TooLargeError
from antiphon.events.log.port import MAX_DRAFTS, EventLog
from antiphon.events.message import Event
from antiphon.events.outcome import Outcome, Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.service import command_message as letters_
from antiphon.services.policy.service.command_message import Letter
from antiphon.services.policy.service.folds import FoldCache
from antiphon.services.policy.service.group import BusyError, Group, Request
from antiphon.services.policy.service.snapshots import FoldReader, Snapshots
from antiphon.services.runtime import clock as clocks
from antiphon.services.runtime.work_counters import Tally

#: Below this, appending one by one in parallel is quicker than a batch (nats.md), and nothing is gained by deciding
#: the next group meanwhile.
_SMALL: Final = 16
#: Room for the events of one more command in a batch.
_HEADROOM: Final = 20
#: After so many decisions what came in meanwhile is looked at: answers of the log, further commands.
_TURN: Final = 8
_ATTEMPTS: Final = 20
_BACKOFF_SECONDS: Final = 0.2

_log = structlog.get_logger(__name__)

#: Where to, what, and the events to tell with it.
Reply = Callable[[str, Outcome, Sequence[Event]], Awaitable[None]]
Acknowledge = Callable[[Letter], Awaitable[None]]
Park = Callable[[Letter, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter whose command could be read."""

    letter: Letter
    request: Request


class _Flight(NamedTuple):
    """A decided group whose events are on their way into the log."""

    group: Group
    mails: Sequence[Mail]
    #: Whether they got there, and everybody was told.
    landing: asyncio.Task[bool]


class _Verdict(Enum):
    DECIDED = auto()
    #: What it is about is in flight.
    POSTPONED = auto()
    #: The group cannot go on.
    BROKEN = auto()


class Handler:
    """Decides batches of commands; knows the log, and how to answer, but nothing of NATS.

    While the events of one group are on their way to disk the next group is decided, on other aggregates: commands
    about the same ones wait, so that no decision rests on what is not in the log yet.
    """

    def __init__(
        self,
        log: EventLog,
        *,
        clock: Callable[[], datetime],
        reply: Reply,
        acknowledge: Acknowledge,
        park: Park,
        folds: FoldCache | None = None,
        snapshots: Snapshots | None = None,
    ) -> None:
        self._log = log
        self._clock = clock
        self._reply = reply
        self._acknowledge = acknowledge
        self._park = park
        self._reader = FoldReader(log, snapshots)
        self._folds = folds if folds is not None else FoldCache()
        self._flight: _Flight | None = None
        self.tally = Tally()

    async def work(self, batches: AsyncIterator[Sequence[Letter]]) -> None:
        """Handle one batch after the other; each is asked for when the one before it is decided."""
        while True:
            if self._flight is None:
                await self._take(await anext(batches))
            else:
                await self._land_while_waiting(batches)

    async def _land_while_waiting(self, batches: AsyncIterator[Sequence[Letter]]) -> None:
        coming = asyncio.ensure_future(anext(batches))
        try:
            while self._flight and not coming.done():
                await asyncio.wait([coming, self._flight.landing], return_when=asyncio.FIRST_COMPLETED)
                if self._flight.landing.done():
                    await self._land()
            letters = await coming
        finally:
            coming.cancel()
        await self._take(letters)

    async def handle(self, letters: Sequence[Letter]) -> None:
        """Decide letters in order; returns when each was appended, answered and acknowledged, or parked."""
        await self._take(letters)
        await self._land()

    async def _take(self, letters: Sequence[Letter]) -> None:
        """Decide letters in order; the last group may still be in flight."""
        waiting: list[Mail] = []
        for letter in letters:
            request = await self._read(letter)
            if request is not None:
                waiting.append(Mail(letter, request))
        while waiting:
            waiting = await self._handle_some(waiting)

    async def _read(self, letter: Letter) -> Request | None:
        try:
            return letters_.read(letter)
        except UndecodableError as error:
            await self._refuse(letter, str(error), Status.INVALID)
            return None

    async def _refuse(self, letter: Letter, why: str, status: Status) -> None:
        """Park a letter that cannot be decided, and tell its sender so if it left an id to answer to."""
        _log.warning("command parked", subject=letter.subject, why=why)
        self.tally.fail(why)
        await self._park(letter, why)
        try:
            command_id = UUID((letter.headers or {}).get(subjects.COMMAND_ID, ""))
        except ValueError:
            command_id = None
        reply_to = letters_.reply_to(letter)
        if reply_to and command_id:
            answer = Outcome(status=status, aggregate_id="", reason=why, command_id=command_id, position=0)
            await self._reply(reply_to, answer, ())
        await self._acknowledge(letter)

    async def _handle_some(self, waiting: Sequence[Mail]) -> list[Mail]:
        """Decide as many as fit into one batch, send them off, and return the rest."""
        began = clocks.monotonic()
        busy = self._flight.group.written.keys() if self._flight else frozenset()
        group = Group(self._folds, self._reader.load, presume_new=True, busy=busy)
        some: list[Mail] = []
        rest: list[Mail] = []
        postponed: set[Aggregate] = set()
        for number, mail in enumerate(waiting):
            if len(group.drafts) > MAX_DRAFTS - _HEADROOM or group.is_broken:
                rest += waiting[number:]
                break
            if self._flight and number % _TURN == 0:
                await asyncio.sleep(0)
            # Commands for one aggregate keep their order.
            if mail.request.aggregate in postponed or await self._decide(group, mail) is _Verdict.POSTPONED:
                postponed.add(mail.request.aggregate)
                rest.append(mail)
            else:
                some.append(mail)
        if not await self._land(group):
            return [*some, *rest]
        await self._send_off(group, some, began)
        return rest

    async def _send_off(self, group: Group, mails: Sequence[Mail], began: float) -> None:
        if not group.is_broken and len(group.drafts) >= _SMALL:
            self._flight = _Flight(group, mails, asyncio.create_task(self._append_and_answer(group, mails, began)))
        elif group.is_broken or not await self._append_and_answer(group, mails, began):
            await self._handle_each_alone(mails)

    async def _land(self, decided_meanwhile: Group | None = None) -> bool:
        """Wait for the group in flight; False when the log did not take it, and its commands were decided anew."""
        flight, self._flight = self._flight, None
        if flight is None or await flight.landing:
            return True
        if decided_meanwhile is not None:
            # Its folds run ahead of the log: what is decided anew must not rest on them.
            decided_meanwhile.give_up()
        await self._handle_each_alone(flight.mails)
        return False

    async def _decide(self, group: Group, mail: Mail) -> _Verdict:
        """Decide one command as part of a group."""
        try:
            await group.decide(mail.request, self._clock())
        except BusyError:
            return _Verdict.POSTPONED
        except LogUnavailableError as error:
            _log.warning("log unavailable", error=str(error))
            group.give_up()
            return _Verdict.BROKEN
        except Exception as error:  # noqa: BLE001  a decider is pure: what it cannot decide now it never can
            _log.exception("command cannot be decided", subject=mail.letter.subject)
            group.exclude(mail.request, f"{type(error).__name__}: {error}")
        return _Verdict.DECIDED

    async def _append_and_answer(self, group: Group, mails: Sequence[Mail], began: float) -> bool:
        if not await self._append(group):
            return False
        for mail in mails:
            await self._answer(mail, group)
        await self._reader.keep(group.folds())
        self.tally.add(len(mails), clocks.monotonic() - began)
        return True

    async def _append(self, group: Group, *, is_lone: bool = False) -> bool:
        """Whether the group's events are in the log; if not, what it knew is forgotten."""
        try:
            group.commit(await self._positions(group))
        except (ConflictError, LogUnavailableError, TooLargeError) as error:
            if isinstance(error, TooLargeError) and is_lone:
                group.refuse_all(str(error))
                return True
            _log.info("group refused", commands=len(group.pending), events=len(group.drafts), error=str(error))
            group.give_up()
            return False
        return True

    async def _positions(self, group: Group) -> Sequence[int]:
        drafts, expected = group.drafts, group.expected
        if len(drafts) > MAX_DRAFTS:
            raise TooLargeError(f"{len(drafts)} events are more than fit into one batch")
        # Every decision is a single event, no two about the same aggregate, and none depends on a further one.
        is_simple = len(drafts) == len(group.pending) == len(group.written) == len(expected)
        if not is_simple or len(drafts) >= _SMALL:
            return await self._log.append(drafts, expected)
        # Independent single events: what one append refuses, the others have put into the log all the
        # same; their commands are then found decided when they are tried again.
        appends = [self._log.append([draft], {draft.aggregate: expected[draft.aggregate]}) for draft in drafts]
        results = await asyncio.gather(*appends, return_exceptions=True)
        return [position for result in results for position in _positions_or_raise(result)]

    async def _handle_each_alone(self, mails: Sequence[Mail]) -> None:
        for mail in mails:
            await self._handle_alone(mail)

    async def _handle_alone(self, mail: Mail) -> None:
        """Decide one command by itself, on what the log says now, until it is in the log."""
        began = clocks.monotonic()
        for attempt in range(_ATTEMPTS):
            group = Group(self._folds, self._reader.load, presume_new=False)
            if await self._decide(group, mail) is _Verdict.DECIDED and await self._append(group, is_lone=True):
                await self._answer(mail, group)
                await self._reader.keep(group.folds())
                self.tally.add(1, clocks.monotonic() - began)
                return
            await asyncio.sleep(_BACKOFF_SECONDS * min(attempt, 10))
        # Not acknowledged: the queue hands it out again to a process that starts afresh.
        raise LogUnavailableError(f"could not decide {mail.letter.subject} in {_ATTEMPTS} attempts")

    async def _answer(self, mail: Mail, group: Group) -> None:
        outcome = group.outcome_of(mail.request)
        if isinstance(outcome, str):
            await self._refuse(mail.letter, outcome, Status.PARKED)
            return
        reply_to = letters_.reply_to(mail.letter)
        if reply_to:
            events = group.events_of(mail.request) if letters_.wants_events(mail.letter) else ()
            await self._reply(reply_to, outcome, events)
        await self._acknowledge(mail.letter)


def _positions_or_raise(result: Sequence[int] | BaseException) -> Sequence[int]:
    if isinstance(result, BaseException):
        raise result
    return result
