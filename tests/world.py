"""Many aggregates and a clock, for deciders that reach over more than one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from antiphon.events.message import Command
from antiphon.events.outcome import Answer
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Situation
from antiphon.services.policy.kinds.limit.arithmetic import active_slots
from antiphon.services.policy.kinds.registry import DECIDERS
from tests.examples import NOW

LIMIT: Final = Aggregate("limit", str(UUID(int=1)))


@dataclass
class World:
    """All aggregates there are, and a clock: commands are decided one after the other, as the policy does."""

    now: datetime = NOW
    states: dict[Aggregate, Any] = field(default_factory=dict)
    commands: int = 0

    def state(self, key: Aggregate) -> Any:
        """What an aggregate is now."""
        return self.states.get(key, DECIDERS[key.kind].initial)

    def active(self, key: Aggregate = LIMIT) -> int:
        """How many slots of a limit are taken."""
        return active_slots(self.state(key), self.now)

    def wait(self, seconds: float) -> World:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        return self

    def when(self, key: Aggregate, command: Command) -> Answer:
        """Decide a command, let happen what was decided, and return what its sender is told."""
        self.commands += 1
        decider, others = DECIDERS[key.kind], dict[Aggregate, Any]()
        command_id = UUID(int=10_000 + self.commands)
        situation = Situation(aggregate=key, state=self.state(key), others=others, now=self.now, command_id=command_id)
        while missing := [item for item in decider.related(command, situation) if item not in others]:
            others.update({item: self.state(item) for item in missing})
        decision = decider.decide(command, situation)
        told = decision.answer
        for aggregate, event in decision.events:
            self.states[aggregate] = DECIDERS[aggregate.kind].evolve(self.state(aggregate), event)
            if aggregate == key:
                told = decider.answer(key, self.states[key], event)
        assert told is not None
        return told
