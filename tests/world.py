"""Many aggregates and a clock, for deciders that reach over more than one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from antiphon.events.message import Command
from antiphon.events.outcome import Answer
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.kinds.limit.arithmetic import active_slots
from antiphon.testing import Scenario
from tests.examples import NOW

LIMIT: Final = Aggregate("limit", str(UUID(int=1)))


@dataclass
class World:
    """A scenario that goes on with each command, as the policy does."""

    scenario: Scenario = field(default_factory=lambda: Scenario(now=NOW))

    def state(self, key: Aggregate) -> Any:
        """What an aggregate is now."""
        return self.scenario.state(*key)

    def active(self, key: Aggregate = LIMIT) -> int:
        """How many slots of a limit are taken."""
        return active_slots(self.state(key), self.scenario.now)

    def wait(self, seconds: float) -> World:
        """Let time pass."""
        self.scenario = self.scenario.later(timedelta(seconds=seconds))
        return self

    def when(self, key: Aggregate, command: Command) -> Answer:
        """Decide a command, let happen what was decided, and return what its sender is told."""
        decided = self.scenario.when(key.id, command)
        assert decided.aggregate == key
        self.scenario = decided.after
        return decided.answer
