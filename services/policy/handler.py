"""Takes commands off the queue: append what is decided, reply, acknowledge, in this order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import structlog

from events import codec, subjects
from events.errors import UndecodableError
from events.log.errors import ConflictError, LogUnavailableError, TooLargeError
from events.log.port import MAX_DRAFTS, EventLog
from events.outcome import Outcome, Status
from events.subjects import Aggregate
from services.policy.folds import Fold, FoldCache, empty, fold
from services.policy.group import Group, Request

#: Below this, appending one by one in parallel is quicker than a batch (nats.md).
_SMALL: Final = 16
#: Room for the events of one more command in a batch.
_HEADROOM: Final = 20
_ATTEMPTS: Final = 20
_BACKOFF_SECONDS: Final = 0.2

_log = structlog.get_logger(__name__)


class Letter(Protocol):
    """A message on the command queue."""

    @property
    def subject(self) -> str:
        """What it was published on."""

    @property
    def reply(self) -> str:
        """The reply subject: of a question its sender's, of a queued command the queue's own."""

    @property
    def headers(self) -> dict[str, str] | None:
        """Its headers."""

    @property
    def data(self) -> bytes:
        """Its body."""


Reply = Callable[[str, Outcome], Awaitable[None]]
Acknowledge = Callable[[Letter], Awaitable[None]]
Park = Callable[[Letter, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter whose command could be read."""

    letter: Letter
    request: Request


class Handler:
    """Decides batches of commands; knows the log, and how to answer, but nothing of NATS."""

    def __init__(
        self,
        log: EventLog,
        *,
        clock: Callable[[], datetime],
        reply: Reply,
        acknowledge: Acknowledge,
        park: Park,
        folds: FoldCache | None = None,
    ) -> None:
        self._log = log
        self._clock = clock
        self._reply = reply
        self._acknowledge = acknowledge
        self._park = park
        self._folds = folds if folds is not None else FoldCache()

    async def handle(self, letters: Sequence[Letter]) -> None:
        """Decide letters in order; returns when each was appended, answered and acknowledged, or parked."""
        waiting: list[Mail] = []
        for letter in letters:
            request = await self._read(letter)
            if request is not None:
                waiting.append(Mail(letter, request))
        while waiting:
            waiting = await self._handle_some(waiting)

    async def _read(self, letter: Letter) -> Request | None:
        headers = letter.headers or {}
        try:
            try:
                aggregate, verb = subjects.parse(letter.subject)
            except ValueError as error:
                raise UndecodableError(str(error)) from error
            _check_reply_to(letter)
            command = codec.decode_command(aggregate, verb, letter.data)
            _check_id(aggregate)
            metadata = codec.metadata_of(headers, headers.get(subjects.OCCURRED_AT))
        except UndecodableError as error:
            await self._refuse(letter, str(error), Status.INVALID)
            return None
        return Request(aggregate, command, metadata)

    async def _refuse(self, letter: Letter, why: str, status: Status) -> None:
        """Park a letter that cannot be decided, and tell its sender so if it left an id to answer to."""
        _log.warning("command parked", subject=letter.subject, why=why)
        await self._park(letter, why)
        headers = letter.headers or {}
        try:
            command_id = UUID(headers.get(subjects.COMMAND_ID, ""))
        except ValueError:
            command_id = None
        reply_to = _reply_to(letter)
        if reply_to and command_id:
            answer = Outcome(status=status, aggregate_id="", reason=why, command_id=command_id, position=0)
            await self._reply(reply_to, answer)
        await self._acknowledge(letter)

    async def _handle_some(self, waiting: Sequence[Mail]) -> list[Mail]:
        """Decide as many as fit into one batch, and return the rest."""
        group = Group(self._folds, self._load, presume_new=True)
        some: list[Mail] = []
        for mail in waiting:
            if len(group.drafts) > MAX_DRAFTS - _HEADROOM:
                break
            some.append(mail)
            if not await self._decide(group, mail):
                break
        if not group.is_broken and await self._append(group):
            for mail in some:
                await self._answer(mail, group)
        else:
            for mail in some:
                await self._handle_alone(mail)
        return list(waiting[len(some) :])

    async def _decide(self, group: Group, mail: Mail) -> bool:
        """Decide one command as part of a group; False when the group cannot go on."""
        try:
            await group.decide(mail.request, self._clock())
        except LogUnavailableError as error:
            _log.warning("log unavailable", error=str(error))
            group.give_up()
            return False
        except Exception as error:  # noqa: BLE001  a decider is pure: what it cannot decide now it never can
            _log.exception("command cannot be decided", subject=mail.letter.subject)
            group.exclude(mail.request, f"{type(error).__name__}: {error}")
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

    async def _handle_alone(self, mail: Mail) -> None:
        """Decide one command by itself, on what the log says now, until it is in the log."""
        for attempt in range(_ATTEMPTS):
            group = Group(self._folds, self._load, presume_new=False)
            if await self._decide(group, mail) and await self._append(group, is_lone=True):
                await self._answer(mail, group)
                return
            await asyncio.sleep(_BACKOFF_SECONDS * min(attempt, 10))
        # Not acknowledged: the queue hands it out again to a process that starts afresh.
        raise LogUnavailableError(f"could not decide {mail.letter.subject} in {_ATTEMPTS} attempts")

    async def _answer(self, mail: Mail, group: Group) -> None:
        outcome = group.outcome_of(mail.request)
        if isinstance(outcome, str):
            await self._refuse(mail.letter, outcome, Status.PARKED)
            return
        reply_to = _reply_to(mail.letter)
        if reply_to:
            await self._reply(reply_to, outcome)
        await self._acknowledge(mail.letter)

    async def _load(self, aggregate: Aggregate) -> Fold:
        events = await self._log.read(aggregate)
        return fold(aggregate, events) if events else empty(aggregate)


def _positions_or_raise(result: Sequence[int] | BaseException) -> Sequence[int]:
    if isinstance(result, BaseException):
        raise result
    return result


def _reply_to(letter: Letter) -> str | None:
    """Where the answer goes; None where nobody asked for one, or it must not go there."""
    asked_for = _asked_for(letter)
    return asked_for if asked_for and subjects.is_inbox(asked_for) else None


def _asked_for(letter: Letter) -> str | None:
    if letter.reply.startswith("$JS.ACK."):
        return (letter.headers or {}).get(subjects.REPLY_TO)
    return letter.reply or None


def _check_id(aggregate: Aggregate) -> None:
    if not subjects.is_uuid(aggregate.id):
        raise UndecodableError(f"{aggregate.id!r} is not a UUID in lower case with hyphens")


def _check_reply_to(letter: Letter) -> None:
    """Who may send commands must not make the policy, which may write everywhere, write elsewhere."""
    if _asked_for(letter) and _reply_to(letter) is None:
        raise UndecodableError("an answer cannot be sent to the reply subject")
