"""Hands what waits on SCHEDULED out, one message at a time, each to one of those who ask for its queue.

The server keeps track: what was handed out and not taken off comes again, to whoever asks next, when it is given back
or when nothing has been heard of it for a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
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

#: What was handed out comes again after this silence; whoever has it in hand says so more often.
_ACK_WAIT_SECONDS: Final = 10.0
IN_HAND_SECONDS: Final = 3.0
#: A queue that nobody asks for is forgotten by the server, but not what waits in it.
_INACTIVE_SECONDS: Final = 24 * 3600.0
_ASK_SECONDS: Final = 10.0
#: No answer at all by then: the question was lost.
_SILENCE_SECONDS: Final = _ASK_SECONDS + 2.0
_TIMEOUT_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.5
#: A message, or none within the time.
_USUAL: Final = ("", "404", "408")

_log = logging.getLogger(__name__)


class Handout:
    """Somebody who asks for what waits in the queues of some task keys, until the block ends."""

    def __init__(self, client: Client, task_keys: Sequence[str]) -> None:
        self._client = client
        self._tokens = sorted({subjects.task_token(key) for key in task_keys})
        self._tasks: list[asyncio.Task[None]] = []
        self._came: asyncio.Queue[Msg] = asyncio.Queue()
        #: Only who has nothing in hand asks for something: others may be free for it.
        self._free = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Begin to ask."""
        self._tasks = [asyncio.create_task(self._ask_again_and_again(token)) for token in self._tokens]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask no more; what comes too late is given back."""
        self._free.clear()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        while not self._came.empty():
            await self.give_back(self._came.get_nowait())

    async def next(self) -> Msg:
        """What is handed out next; take it off, or give it back, before asking for another."""
        self._free.set()
        return await self._came.get()

    async def take_off(self, message: Msg) -> None:
        """It is done with: it does not come again, unless the server did not hear of it."""
        try:
            await message.ack_sync(timeout=_TIMEOUT_SECONDS)
        except (TimeoutError, nats.errors.Error) as error:
            _log.warning("%s may be handed out again: %r", message.subject, error)

    async def give_back(self, message: Msg, *, seconds: float = 0.0) -> None:
        """Let somebody else have it, at once or after a while."""
        await self._say(message, b"-NAK " + orjson.dumps({"delay": int(seconds * 10**9)}) if seconds else b"-NAK")

    async def keep(self, message: Msg) -> None:
        """It is still in hand; to be said every IN_HAND_SECONDS."""
        await self._say(message, b"+WPI")

    async def _say(self, message: Msg, answer: bytes) -> None:
        try:
            await self._client.publish(message.reply, answer)
        except nats.errors.Error as error:
            # It comes again after the silence.
            _log.warning("%s not answered: %r", message.subject, error)

    async def _ask_again_and_again(self, token: str) -> None:
        name = f"workers-{token}"
        while True:
            # Each time an inbox of its own: an answer to an earlier question is not taken for one to the next.
            inbox, answers = self._client.new_inbox(), asyncio.Queue[str]()
            subscription: Subscription | None = None
            try:
                await self._client.jetstream().add_consumer(SCHEDULED, _configuration(name, token))
                subscription = await self._client.subscribe(inbox, cb=partial(self._receive, answers))
                await self._ask(name, inbox, answers)
            except (TimeoutError, nats.errors.Error, APIError, OSError) as error:
                _log.warning("queue %s cannot be asked: %r", name, error)
            finally:
                if subscription is not None and not self._client.is_closed:
                    await subscription.unsubscribe()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _ask(self, name: str, inbox: str, answers: asyncio.Queue[str]) -> None:
        """Ask until there is no answer, or one that means that the queue has to be made anew."""
        request = orjson.dumps({"batch": 1, "expires": int(_ASK_SECONDS * 10**9)})
        while True:
            await self._free.wait()
            raise_if_cancelled()
            await self._client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{SCHEDULED}.{name}", request, reply=inbox)
            async with asyncio.timeout(_SILENCE_SECONDS):
                status = await answers.get()
            if status not in _USUAL:
                _log.warning("queue %s answered with status %s", name, status)
                return

    async def _receive(self, answers: asyncio.Queue[str], message: Msg) -> None:
        if message.reply.startswith("$JS.ACK."):
            if self._free.is_set():
                self._free.clear()
                self._came.put_nowait(message)
            else:
                await self.give_back(message)
        answers.put_nowait((message.headers or {}).get("Status", ""))


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
