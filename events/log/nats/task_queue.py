"""Delivers the background tasks on SCHEDULED, one at a time, each to one of the workers that wait for its key.

The server delivers a task again, to the next worker, after a nak, or after some silence without an ack.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Final, Self

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError

from antiphon.events import subjects
from antiphon.events.log.cancellation import raise_if_cancelled
from antiphon.events.subjects import SCHEDULED

#: A task is delivered again after this silence; `in_progress` prevents that.
_ACK_WAIT_SECONDS: Final = 10.0
IN_PROGRESS_SECONDS: Final = 3.0
#: The server deletes a consumer without workers after this time; the tasks stay.
_INACTIVE_SECONDS: Final = 24 * 3600.0
_PULL_SECONDS: Final = 10.0
#: After this silence the pull request is assumed to be lost.
_SILENCE_SECONDS: Final = _PULL_SECONDS + 2.0
_TIMEOUT_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.5
#: Statuses of a pull: a message, or none within the time.
_USUAL: Final = ("", "404", "408")

_log = logging.getLogger(__name__)


class TaskQueue:
    """Pulls background tasks for a set of task keys, one at a time, while the context is open."""

    def __init__(self, client: Client, task_keys: Sequence[str]) -> None:
        self._client = client
        self._tokens = sorted({subjects.task_token(key) for key in task_keys})
        self._pulling: list[asyncio.Task[None]] = []
        self._received: asyncio.Queue[Msg] = asyncio.Queue()
        #: Set while the worker has no task: others may be free for the next one.
        self._free = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Begin to pull."""
        self._pulling = [asyncio.create_task(self._pull_for_ever(token)) for token in self._tokens]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End pulling; a task that arrives too late goes to another worker."""
        self._free.clear()
        for task in self._pulling:
            task.cancel()
        if self._pulling:
            await asyncio.wait(self._pulling)
        while not self._received.empty():
            await self.nak(self._received.get_nowait())

    async def next(self) -> Msg:
        """The next task; `ack` or `nak` it before the next call."""
        self._free.set()
        return await self._received.get()

    async def ack(self, message: Msg) -> None:
        """Take a task off the queue, and wait until the server has done so."""
        with _logged(message):
            await message.ack_sync(timeout=_TIMEOUT_SECONDS)

    async def nak(self, message: Msg, *, delay_seconds: float = 0.0) -> None:
        """Let another worker have a task, at once or later."""
        with _logged(message):
            await message.nak(delay_seconds)

    async def in_progress(self, message: Msg) -> None:
        """Keep a task from being delivered again; to be called every IN_PROGRESS_SECONDS."""
        with _logged(message):
            await message.in_progress()

    async def _pull_for_ever(self, token: str) -> None:
        name = f"workers-{token}"
        while True:
            # A new inbox each time: a reply to an earlier request is not taken for one to the next.
            inbox, statuses = self._client.new_inbox(), asyncio.Queue[str]()
            subscription: Subscription | None = None
            try:
                await self._client.jetstream().add_consumer(SCHEDULED, _configuration(name, token))
                subscription = await self._client.subscribe(inbox, cb=partial(self._receive, statuses))
                await self._pull(name, inbox, statuses)
            except (TimeoutError, nats.errors.Error, APIError, OSError) as error:
                _log.warning("queue %s cannot be pulled from: %r", name, error)
            finally:
                if subscription is not None and not self._client.is_closed:
                    await subscription.unsubscribe()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _pull(self, name: str, inbox: str, statuses: asyncio.Queue[str]) -> None:
        """Pull until there is no reply, or one that means that the consumer is gone."""
        request = orjson.dumps({"batch": 1, "expires": int(_PULL_SECONDS * 10**9)})
        while True:
            await self._free.wait()
            raise_if_cancelled()
            await self._client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{SCHEDULED}.{name}", request, reply=inbox)
            async with asyncio.timeout(_SILENCE_SECONDS):
                status = await statuses.get()
            if status not in _USUAL:
                _log.warning("queue %s answered with status %s", name, status)
                return

    async def _receive(self, statuses: asyncio.Queue[str], message: Msg) -> None:
        if message.reply.startswith("$JS.ACK."):
            if self._free.is_set():
                self._free.clear()
                self._received.put_nowait(message)
            else:
                await self.nak(message)
        statuses.put_nowait((message.headers or {}).get("Status", ""))


@contextmanager
def _logged(message: Msg) -> Iterator[None]:
    try:
        yield
    except (TimeoutError, nats.errors.Error) as error:
        # The server did not hear: it delivers the task again after the silence.
        _log.warning("%s may be delivered again: %r", message.subject, error)


def _configuration(name: str, token: str) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=name,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=_ACK_WAIT_SECONDS,
        max_deliver=-1,
        max_ack_pending=-1,
        filter_subject=f"scheduled.{token}.*",
        inactive_threshold=_INACTIVE_SECONDS,
    )
