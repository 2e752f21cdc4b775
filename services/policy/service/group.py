"""A group of commands decided together, so that one append puts all their events on disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from antiphon.events.log.port import Draft
from antiphon.events.message import Command, Event, Metadata
from antiphon.events.outcome import Answer, Outcome, Status
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decision, Situation
from antiphon.services.policy.kinds.registry import DECIDERS
from antiphon.services.policy.service.folds import Fold, FoldCache, empty, told

#: A fold read from the log.
Load = Callable[[Aggregate], Awaitable[Fold]]


@dataclass(frozen=True, slots=True)
class Request:
    """A decoded command, and where it is to be decided."""

    aggregate: Aggregate
    command: Command
    metadata: Metadata


@dataclass(slots=True)
class Pending:
    """A decided command whose events are not in the log yet."""

    request: Request
    answer: Answer
    #: The index of the draft whose position is the outcome's.
    index: int
    #: Whose last event it is: there the outcome is remembered.
    owner: Aggregate
    #: The index of its first draft, and behind its last.
    drafts: slice


#: What tells a command from all others: whom it is meant for, and its id.
Key = tuple[Aggregate, UUID]


class BusyError(Exception):
    """A command is about an aggregate whose last events are not in the log yet; the group is as it was before."""


class Group:
    """Decisions made one after the other, each on the states that the earlier ones lead to.

    The folds run ahead of the log while the group is open: `commit` puts their positions right once
    the events are appended, `give_up` makes the cache forget them if they could not be.
    """

    def __init__(
        self, folds: FoldCache, load: Load, *, presume_new: bool, busy: Container[Aggregate] = frozenset()
    ) -> None:
        self._folds = folds
        self._load = load
        self._presume_new = presume_new
        #: What another group has written that is not in the log yet.
        self._busy = busy
        self.drafts: list[Draft] = []
        #: The last position of every aggregate that a decision wrote to or depended on.
        self.expected: dict[Aggregate, int] = {}
        #: The index of the last draft of every aggregate written to.
        self.written: dict[Aggregate, int] = {}
        self.pending: dict[Key, Pending] = {}
        self.is_broken = False
        self._outcomes: dict[Key, Outcome | str] = {}
        #: Answers without events, and the fold of what each speaks about.
        self._answered: dict[Key, tuple[Answer, Fold]] = {}
        self._held: dict[Aggregate, Fold] = {}
        self._presumed: set[Aggregate] = set()
        #: What was read from the log for this group.
        self._read: set[Aggregate] = set()

    async def decide(self, request: Request, now: datetime) -> None:
        """Decide one command, unless it has been decided before; raises BusyError for one that must wait."""
        key = (request.aggregate, request.metadata.command_id)
        if key in self.pending or key in self._outcomes or key in self._answered:
            return
        own = await self._fold(request.aggregate, request)
        recorded = own.outcomes.get(request.metadata.command_id)
        if recorded is not None:
            self._outcomes[key] = recorded
            return
        situation = await self._situation(request, own, now)
        recorded = self._recorded_elsewhere(situation)
        if recorded is not None:
            self._outcomes[key] = recorded
            return
        decision = DECIDERS[request.aggregate.kind].decide(request.command, situation)
        while not decision.events and await self._look_again(situation):
            # Nothing will be appended, so that no expected position would find out that memory is wrong.
            own = await self._fold(request.aggregate, request)
            situation = await self._situation(request, own, now)
            decision = DECIDERS[request.aggregate.kind].decide(request.command, situation)
        if decision.events:
            for aggregate in (*(aggregate for aggregate, _ in decision.events), *decision.unchanged):
                await self._fold(aggregate, request)
            self.pending[key] = self._draft(request, decision)
        else:
            answer = _told(decision.answer)
            spoken_of = await self._fold(Aggregate(request.aggregate.kind, answer.aggregate_id), request)
            # Only `commit` knows where it is in the log: this group may be what puts it there.
            self._answered[key] = answer, spoken_of

    def _recorded_elsewhere(self, situation: Situation[Any]) -> Outcome | None:
        """What the command was told when another aggregate of its kind turned out to be the one it is about."""
        for aggregate in situation.others:
            found = self._held[aggregate].outcomes.get(situation.command_id)
            if found is not None and aggregate.kind == situation.aggregate.kind:
                return found
        return None

    async def _situation(self, request: Request, own: Fold, now: datetime) -> Situation[Any]:
        decider = DECIDERS[request.aggregate.kind]
        others: dict[Aggregate, Any] = {}
        situation = Situation(
            aggregate=request.aggregate,
            state=own.state,
            others=others,
            now=now,
            command_id=request.metadata.command_id,
        )
        while missing := [key for key in decider.related(request.command, situation) if key not in others]:
            for key in missing:
                others[key] = (await self._fold(key, request)).state
        return situation

    async def _fold(self, aggregate: Aggregate, request: Request) -> Fold:
        if aggregate in self._busy:
            raise BusyError
        found = self._held.get(aggregate) or self._folds.get(aggregate)
        if found is None:
            found = self._folds.put(aggregate, await self._unknown(aggregate, request))
        self._held[aggregate] = found
        return found

    async def _look_again(self, situation: Situation[Any]) -> bool:
        """Read what a decision was based on, where it was only remembered; whether there was any such."""
        remembered = {situation.aggregate, *situation.others} - self._read - self.written.keys()
        for aggregate in remembered:
            self._presumed.discard(aggregate)
            self._read.add(aggregate)
            self._held[aggregate] = self._folds.put(aggregate, await self._load(aggregate))
        return bool(remembered)

    async def _unknown(self, aggregate: Aggregate, request: Request) -> Fold:
        # What a command is about to create is most often not there yet: the expected position 0 finds out.
        command = request.command
        is_new = aggregate == request.aggregate or (aggregate.kind == "name" and command.CLAIMS)
        if self._presume_new and command.CREATES and is_new:
            self._presumed.add(aggregate)
            return empty(aggregate)
        self._read.add(aggregate)
        return await self._load(aggregate)

    def _draft(self, request: Request, decision: Decision) -> Pending:
        answer, last_own = decision.answer, None
        for number, (aggregate, event) in enumerate(decision.events):
            current = self._held[aggregate]
            if aggregate not in self.written:
                self.expected[aggregate] = current.position
            current.state = DECIDERS[aggregate.kind].evolve(current.state, event)
            current.command_id = request.metadata.command_id
            current.unkept += 1
            self.written[aggregate] = len(self.drafts)
            if aggregate == request.aggregate:
                last_own = len(self.drafts)
                answer = told(aggregate, current.state, event, answer)
            self.drafts.append(Draft(aggregate, event, request.metadata, number))
        for aggregate in decision.unchanged:
            if aggregate not in self.written:
                self.expected[aggregate] = self._held[aggregate].position
        index = len(self.drafts) - 1 if last_own is None else last_own
        drafts = slice(len(self.drafts) - len(decision.events), len(self.drafts))
        return Pending(request, _told(answer), index, self.drafts[index].aggregate, drafts)

    def exclude(self, request: Request, why: str) -> None:
        """A command that cannot be decided at all, and why."""
        self._outcomes[(request.aggregate, request.metadata.command_id)] = why

    def refuse_all(self, reason: str) -> None:
        """The drafts can never be in the log: they make no sense, and nothing is recorded."""
        self.give_up()
        for key in self.pending:
            aggregate, command_id = key
            answer = Answer(status=Status.INVALID, aggregate_id=aggregate.id, reason=reason)
            self._outcomes[key] = Outcome.of(answer, command_id, 0)

    def commit(self, positions: Sequence[int]) -> None:
        """The drafts are in the log, at these positions."""
        for aggregate, index in self.written.items():
            self._held[aggregate].position = positions[index]
        for key, item in self.pending.items():
            decided = Outcome.of(item.answer, item.request.metadata.command_id, positions[item.index])
            self._outcomes[key] = decided
            if item.owner.kind == item.request.aggregate.kind:
                self._held[item.owner].outcomes[decided.command_id] = decided
        for (aggregate, command_id), (answer, spoken_of) in self._answered.items():
            self._outcomes[aggregate, command_id] = Outcome.of(answer, command_id, spoken_of.position)
        self._folds.drop(self._presumed - self.written.keys())

    def folds(self) -> list[tuple[Aggregate, Fold]]:
        """What was written to, as it is in the log; once the group is committed."""
        return [(aggregate, self._held[aggregate]) for aggregate in self.written]

    def give_up(self) -> None:
        """The drafts are not in the log, or nobody knows: forget every fold that ran ahead of it."""
        self.is_broken = True
        self._folds.drop(self._held)

    def outcome_of(self, request: Request) -> Outcome | str:
        """What a command is told; a text when it could not be decided. Once the group is committed."""
        return self._outcomes[(request.aggregate, request.metadata.command_id)]

    def events_of(self, request: Request) -> list[Event]:
        """The events of its aggregate that a command led to in this group; none if it had been decided before."""
        item = self.pending.get((request.aggregate, request.metadata.command_id))
        if item is None:
            return []
        return [draft.event for draft in self.drafts[item.drafts] if draft.aggregate == request.aggregate]


def _told(answer: Answer | None) -> Answer:
    if answer is None:
        msg = "a decision without events needs an answer"
        raise ValueError(msg)
    return answer
