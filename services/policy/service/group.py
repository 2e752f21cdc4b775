"""A group of commands decided together, so that one append puts all their events on disk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from antiphon.events.log.errors import LogError, TooLargeError
from antiphon.events.log.port import MAX_DRAFTS, Draft
from antiphon.events.message import Event
from antiphon.events.outcome import Outcome, Status
from antiphon.events.refusal import CommandRefused, refusal_of
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decision, Situation, refused
from antiphon.services.policy.engine.refusals import RefusedError
from antiphon.services.policy.kinds.registry import DECIDERS
from antiphon.services.policy.service.command_message import DecodedCommand
from antiphon.services.policy.service.folds import Fold, Folds, RecordedOutcome


class Decided(NamedTuple):
    """A command, its outcome, and the events of its aggregate that it led to; a repeated command has none."""

    command: DecodedCommand
    outcome: Outcome
    events: Sequence[Event] = ()


class UndecidableError(Exception):
    """A command cannot be decided; the group must be given up."""

    def __init__(self, why: str, status: Status) -> None:
        super().__init__(why)
        self.status = status


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
        self.decided: list[Decided] = []
        #: Taken as the group is decided, because the next group changes the folds; of use once this one is in the log.
        self.snapshots: list[tuple[Aggregate, bytes]] = []

    async def decide(self, command: DecodedCommand, now: datetime) -> None:
        """Decide one command, unless it has been decided before.

        Raises TooLargeError, and changes nothing, when the events do not fit into the group, and UndecidableError.
        """
        try:
            self.decided.append(await self._decide(command, now))
        except (LogError, UndecidableError):
            raise
        except Exception as error:
            # A decider is pure: what it cannot decide now it never can. That is a fault of the policy.
            raise UndecidableError(f"{type(error).__name__}: {error}", Status.PARKED) from error
        finally:
            # The append proves that what it writes is new. The rest was only presumed.
            self._folds.drop(self._presumed - self.written.keys())
            self._presumed.clear()

    async def _decide(self, command: DecodedCommand, now: datetime) -> Decided:
        own, decider = await self._fold(command.aggregate, command), DECIDERS[command.aggregate.kind]
        states: dict[Aggregate, Any] = {}
        situation = Situation(aggregate=own.aggregate, state=own.state, others=states, now=now, command_id=command.id)
        asked = [own]
        while asked:
            # The command may have been about another aggregate of its kind, and have its outcome there.
            same_kind = (fold.outcomes for fold in asked if fold.aggregate.kind == own.aggregate.kind)
            if recorded := next((outcomes[command.id] for outcomes in same_kind if command.id in outcomes), None):
                if None not in (digests := {recorded.digest, command.metadata.command_digest}) and len(digests) > 1:
                    why = f"the command id {command.id} has been used for another command"
                    raise UndecidableError(why, Status.INVALID)
                return Decided(command, recorded.outcome)
            related = decider.related(command.body, situation)
            asked = [await self._fold(key, command) for key in related if key not in states]
            states.update({fold.aggregate: fold.state for fold in asked})
        decision = decider.decide(command.body, situation)
        if command.if_position not in (None, own.changed_at):
            why = f"the last change is at position {own.changed_at}, not {command.if_position}"
            decision = refused(situation, RefusedError(Status.CONFLICT, why))
        if command.impossible:
            decision = refused(situation, RefusedError(Status.INVALID, command.impossible))
        if unproven := self._presumed - ({key for key, _ in decision.events} or {own.aggregate}):
            self._presumed -= unproven
            self._folds.drop(unproven)
            for key in unproven:
                await self._folds.get(key)
            return await self._decide(command, now)
        return await self._record(command, decision)

    async def _fold(self, aggregate: Aggregate, command: DecodedCommand) -> Fold:
        is_created = aggregate == command.aggregate or (aggregate.kind == "name" and command.body.CLAIMS)
        is_new = self._presume_new and command.body.CREATES and is_created and aggregate not in self._folds
        if is_new:
            self._presumed.add(aggregate)
        return await self._folds.get(aggregate, is_new=is_new)

    async def _record(self, command: DecodedCommand, decision: Decision) -> Decided:
        """Add the events of a decision; a decision without events becomes the event of a refusal."""
        answer, events = decision.answer, decision.events
        if answer is not None and not events:
            events = ((command.aggregate, refusal_of(command.aggregate.kind)(verb=command.body.VERB, answer=answer)),)
        if len(self.drafts) + len(events) > MAX_DRAFTS:
            raise TooLargeError("the events of the command are more than one append takes")
        folds = [await self._fold(aggregate, command) for aggregate, _ in events]
        owner = folds[-1]
        for index, ((aggregate, event), fold) in enumerate(zip(events, folds, strict=True)):
            is_first = aggregate in self._presumed and aggregate not in self.written
            self.drafts.append(Draft(aggregate, event, command.metadata, index, is_first))
            self.written[aggregate] = fold
            given = fold.apply(event, command.id, self.after + len(self.drafts))
            if aggregate == command.aggregate:
                owner, answer = fold, given
        if answer is None:
            raise ValueError("a decision needs an answer, or an event of the command's own aggregate")
        outcome = Outcome.of(answer, command.id, owner.position)
        if owner.aggregate.kind == command.aggregate.kind:
            owner.outcomes[command.id] = RecordedOutcome(command.metadata.command_digest, outcome)
        self.snapshots += [(fold.aggregate, data) for fold in folds if (data := fold.snapshot())]
        own = [event for key, event in events if key == command.aggregate and not isinstance(event, CommandRefused)]
        return Decided(command, outcome, own)
