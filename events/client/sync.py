"""The client for programs without asyncio: the same methods, each of which waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal, Self, TypeVar
from uuid import UUID

from antiphon.events.client.client import Client, CommandEnvelope
from antiphon.events.client.folded_run import FoldedRun
from antiphon.events.client.state_change import RunStateChange
from antiphon.events.client.verbs import FlowRunVerbs, FlowVerbs, TaskRunVerbs
from antiphon.events.event_filter import ALL, EventFilter
from antiphon.events.log.port import Recorded, Unreadable
from antiphon.events.log_position import LogPosition
from antiphon.events.message import Command
from antiphon.events.outcome import Outcome
from antiphon.events.state import StateType
from antiphon.events.subjects import Aggregate

T = TypeVar("T")
_END_SECONDS: Final = 5.0


class SyncClient:
    """A `Client` on an event loop in a thread of its own, which keeps the connection while the program does not wait.

    `async with change:` has no counterpart: a change is handled when the loop asks for the next one.
    """

    def __init__(self, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._loop = loop

    @classmethod
    @contextmanager
    def connect(cls, url: str, *, timeout_seconds: float = 10.0) -> Iterator[Self]:
        """See Client.connect."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="antiphon-client", daemon=True)
        thread.start()
        connected = Client.connect(url, timeout_seconds=timeout_seconds)
        try:
            client = _wait(loop, connected.__aenter__())
            try:
                yield cls(client, loop)
            finally:
                _wait(loop, connected.__aexit__(None, None, None))
        finally:
            _wait(loop, loop.shutdown_asyncgens())
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def decide(
        self, aggregate_id: UUID | str, command: Command, *, command_id: UUID | None = None, actor: str | None = None
    ) -> Outcome:
        """See Client.decide."""
        return self._wait(self._client.decide(aggregate_id, command, command_id=command_id, actor=actor))

    def publish(
        self, aggregate_id: UUID | str, command: Command, *, command_id: UUID | None = None, actor: str | None = None
    ) -> UUID:
        """See Client.publish."""
        return self._wait(self._client.publish(aggregate_id, command, command_id=command_id, actor=actor))

    def publish_many(self, commands: Iterable[CommandEnvelope], *, actor: str | None = None) -> None:
        """See Client.publish_many."""
        self._wait(self._client.publish_many(commands, actor=actor))

    @property
    def flows(self) -> FlowVerbs[Outcome]:
        """See Client.flows."""
        return FlowVerbs(self.decide, self._client.new_id)

    @property
    def flow_runs(self) -> FlowRunVerbs[Outcome]:
        """See Client.flow_runs."""
        return FlowRunVerbs(self.decide, self._client.new_id)

    @property
    def task_runs(self) -> TaskRunVerbs[Outcome]:
        """See Client.task_runs."""
        return TaskRunVerbs(self.decide, self._client.new_id)

    def state_changes(
        self,
        name: str | None = None,
        *,
        since: LogPosition | None = None,
        kind: Literal["flow_run", "task_run"] | None = None,
        id: UUID | str | None = None,
        state: StateType | None = None,
        flow: UUID | None = None,
        deployment: UUID | None = None,
        tags: Sequence[str] = (),
    ) -> Generator[RunStateChange]:
        """See Client.state_changes."""
        return self._each(
            self._client.state_changes(
                name, since=since, kind=kind, id=id, state=state, flow=flow, deployment=deployment, tags=tags
            )
        )

    def subscribe(self, which: EventFilter = ALL, from_position: int | None = None) -> Generator[Recorded | Unreadable]:
        """See Client.subscribe."""
        return self._each(self._client.subscribe(which, from_position))

    def replay(
        self, which: EventFilter = ALL, from_position: LogPosition = 1, to_position: int | None = None
    ) -> Generator[Recorded | Unreadable]:
        """See Client.replay."""
        return self._each(self._client.replay(which, from_position, to_position))

    def history(self, run: Aggregate | UUID | str) -> Sequence[Recorded | Unreadable]:
        """See Client.history."""
        return self._wait(self._client.history(run))

    def state(self, run: Aggregate | UUID | str, as_of: LogPosition | None = None) -> FoldedRun:
        """See Client.state."""
        return self._wait(self._client.state(run, as_of))

    def delete_subscription(self, name: str) -> None:
        """See Client.delete_subscription."""
        self._wait(self._client.delete_subscription(name))

    def _each(self, items: AsyncIterator[T]) -> Generator[T]:
        done = object()
        try:
            while (item := self._wait(_next(items, done))) is not done:
                yield item  # type: ignore[misc]  # not the sentinel
        finally:
            close = getattr(items, "aclose", None)
            if close is not None and not self._loop.is_closed():
                self._wait(close())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return _wait(self._loop, work)


async def _next(items: AsyncIterator[T], done: object) -> T | object:
    return await anext(items, done)


def _wait(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    ended = threading.Event()

    async def watched() -> T:
        try:
            return await work
        finally:
            ended.set()

    future = asyncio.run_coroutine_threadsafe(watched(), loop)
    try:
        return future.result()
    except KeyboardInterrupt:
        # The work ends too, and before the next begins: one generator cannot run twice.
        if future.cancel():
            ended.wait(_END_SECONDS)
        raise
