"""A group of commands decided together, so that one append puts all their events on disk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from antiphon.events.log.errors import LogError, TooLargeError
from antiphon.events.log.port import MAX_DRAFTS, Draft
from antiphon.events.message import Command, Event, Metadata
from antiphon.events.outcome import Answer, Outcome
from antiphon.events.refusal import CommandRefused, refusal_of
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decision, Situation
from antiphon.services.policy.kinds.registry import DECIDERS
from antiphon.services.policy.service.folds import Fold, Folds


class Request(NamedTuple):
    """A decoded command, and the aggregate that it is for."""

    aggregate: Aggregate
    command: Command
    metadata: Metadata


class DecidedCommand(NamedTuple):
    """The outcome of a command, and the events of its aggregate that it led to; a repeated command has none."""

    outcome: Outcome
    events: Sequence[Event] = ()


class UndecidableError(Exception):
    """A decider failed, which is a fault of the policy; the group must be given up."""


class Group:
    """Decisions made one after the other, each on the states that the earlier ones lead to.

    The events of the group follow the position `after`, so positions and outcomes are known before the append, and the
    folds run ahead of the log. If the append is refused, the folds of `written` must be forgotten.
    """

    def __init__(self, folds: Folds, *, after: int, presume_new: bool) -> None:
        self._folds = folds
        self.after = after
        #: Whether an aggregate that a command creates is taken for new without a look at the log.
        self._presume_new = presume_new
        #: The aggregates that the command in hand takes for new.
        self._presumed: set[Aggregate] = set()
        self.drafts: list[Draft] = []
        self.written: dict[Aggregate, Fold] = {}

    @property
    def end(self) -> int:
        """The position of the group's last event."""
        return self.after + len(self.drafts)

    async def decide(self, request: Request, now: datetime, *, refuse_with: Answer | None = None) -> DecidedCommand:
        """Decide one command, unless it has been decided before; or refuse it with an answer.

        Raises TooLargeError, and changes nothing, when the events do not fit into the group, and UndecidableError.
        """
        try:
            return await self._decide(request, now, refuse_with)
        except LogError:
            raise
        except Exception as error:
            # A decider is pure: what it cannot decide now it never can.
            raise UndecidableError(f"{type(error).__name__}: {error}") from error
        finally:
            # The append proves that what it writes is new. The rest was only presumed.
            self._folds.drop(self._presumed - self.written.keys())
            self._presumed.clear()

    async def _decide(self, request: Request, now: datetime, refuse_with: Answer | None) -> DecidedCommand:
        aggregate, command_id = request.aggregate, request.metadata.command_id
        own = await self._fold(aggregate, request)
        if command_id in own.outcomes:
            return DecidedCommand(own.outcomes[command_id])
        if refuse_with is not None:
            return await self._record(request, Decision(answer=refuse_with))
        situation, others = await self._situation(request, own, now)
        for key, fold in others.items():
            # The command may have turned out to be about another aggregate of its kind.
            if key.kind == aggregate.kind and command_id in fold.outcomes:
                return DecidedCommand(fold.outcomes[command_id])
        decision = DECIDERS[aggregate.kind].decide(request.command, situation)
        if unproven := self._presumed - ({key for key, _ in decision.events} or {aggregate}):
            self._folds.drop(unproven)
            self._presumed -= unproven
            for key in unproven:
                await self._folds.get(key)
            return await self._decide(request, now, None)
        return await self._record(request, decision)

    async def _situation(
        self, request: Request, own: Fold, now: datetime
    ) -> tuple[Situation[Any], dict[Aggregate, Fold]]:
        related = DECIDERS[request.aggregate.kind].related
        folds: dict[Aggregate, Fold] = {}
        states: dict[Aggregate, Any] = {}
        situation = Situation(
            aggregate=request.aggregate,
            state=own.state,
            others=states,
            now=now,
            command_id=request.metadata.command_id,
        )
        while missing := [key for key in related(request.command, situation) if key not in folds]:
            for key in missing:
                folds[key] = await self._fold(key, request)
                states[key] = folds[key].state
        return situation, folds

    async def _fold(self, aggregate: Aggregate, request: Request) -> Fold:
        command = request.command
        is_created = aggregate == request.aggregate or (aggregate.kind == "name" and command.CLAIMS)
        is_new = self._presume_new and command.CREATES and is_created and aggregate not in self._folds
        if is_new:
            self._presumed.add(aggregate)
        return await self._folds.get(aggregate, is_new=is_new)

    async def _record(self, request: Request, decision: Decision) -> DecidedCommand:
        """Add the events of a decision; one without events is a refusal, and becomes one."""
        answer, command_id = decision.answer, request.metadata.command_id
        events = decision.events
        if not events:
            if answer is None:
                msg = "a decision without events needs an answer"
                raise ValueError(msg)
            refusal = refusal_of(request.aggregate.kind)(verb=request.command.VERB, answer=answer)
            events = ((request.aggregate, refusal),)
        if len(self.drafts) + len(events) > MAX_DRAFTS:
            raise TooLargeError("the events of the command are more than one append takes")
        folds = [await self._fold(aggregate, request) for aggregate, _ in events]
        owner = folds[-1]
        for number, ((aggregate, event), fold) in enumerate(zip(events, folds, strict=True)):
            is_first = aggregate in self._presumed and aggregate not in self.written
            self.drafts.append(Draft(aggregate, event, request.metadata, number, is_first))
            self.written[aggregate] = fold
            given = fold.apply(event, command_id, self.end, answer)
            if aggregate == request.aggregate:
                answer, owner = given, fold
        if answer is None:
            msg = "a decision needs an answer, or an event of the command's own aggregate"
            raise ValueError(msg)
        outcome = Outcome.of(answer, command_id, owner.position)
        if owner.aggregate.kind == request.aggregate.kind:
            owner.outcomes[command_id] = outcome
        own = [event for key, event in events if key == request.aggregate and not isinstance(event, CommandRefused)]
        return DecidedCommand(outcome, own)

    def snapshots(self) -> list[tuple[Aggregate, bytes]]:
        """Snapshots of the folds that have grown by enough, as they are after this group."""
        return [(aggregate, data) for aggregate, fold in self.written.items() if (data := fold.snapshot())]
