"""A change of a run's state, as a subscriber receives it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from types import TracebackType
from typing import Self

from antiphon.events.errors import UndecodableError
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.state import State
from antiphon.events.task_run.events import TaskRunStateRecorded
from antiphon.events.transition import StateWritten

Settle = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    """Without a name nothing is kept."""


class RunStateChange:
    """A run is in another state.

    It is handled when the loop over `state_changes` asks for the next one. Or use `async with change:`, then the end of
    that block decides: after an exception the change comes again, also if the exception is caught outside.
    """

    __slots__ = ("_acknowledge", "_has_block", "_release", "recorded", "state")

    def __init__(
        self, recorded: Recorded, state: State, acknowledge: Settle = _nothing, release: Settle = _nothing
    ) -> None:
        #: The whole event: its metadata have the actor and the command.
        self.recorded = recorded
        #: The state that the run is in.
        self.state = state
        self._acknowledge = acknowledge
        self._release = release
        self._has_block = False

    @property
    def position(self) -> int:
        """The position of the event in the log."""
        return self.recorded.position

    @property
    def kind(self) -> str:
        """`flow_run` or `task_run`."""
        return self.recorded.aggregate.kind

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.recorded.aggregate.id

    @property
    def recorded_at(self) -> datetime:
        """When it was recorded, by the log's clock."""
        return self.recorded.recorded_at

    async def next_is_wanted(self) -> None:
        """Count it as handled, unless a block decides that."""
        if not self._has_block:
            await self._acknowledge()

    async def __aenter__(self) -> Self:
        self._has_block = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await (self._acknowledge() if kind is None else self._release())

    def __repr__(self) -> str:
        return f"<{self.kind} {self.run_id} {self.state.name} at position {self.position}>"


def state_change(
    item: Recorded | Unreadable, acknowledge: Settle = _nothing, release: Settle = _nothing
) -> RunStateChange:
    """Raises UndecodableError: to skip an event of a newer version would lose it."""
    if isinstance(item, Unreadable):
        raise UndecodableError(f"position {item.position} cannot be read: {item.error}")
    if not isinstance(item.event, StateWritten | TaskRunStateRecorded):
        raise UndecodableError(f"position {item.position} is {item.event.TYPE}, which writes no state")
    return RunStateChange(item, item.event.state, acknowledge, release)
