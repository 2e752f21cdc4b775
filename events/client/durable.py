"""A consumer of the log whose position the server keeps under a name, and which several processes may share."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import nats.errors
import orjson
from nats.aio.client import Client as NatsClient
from nats.aio.subscription import Subscription
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
from nats.js.errors import APIError, NotFoundError

from antiphon.events.log.cancellation import raise_if_cancelled
from antiphon.events.log.errors import LogUnavailableError, SubscriptionError
from antiphon.events.log.nats.connection import subscriber_of
from antiphon.events.log.nats.delivered import Delivered, Received, place_of
from antiphon.events.log.nats.replies import ReplyInbox
from antiphon.events.subjects import EVENTS

#: The server delivers a message to another process if its reader is silent for so long.
_ACK_WAIT_SECONDS: Final = 30.0
#: A reader that works on a message says so this often.
_ALIVE_SECONDS: Final = 10.0
#: A pull that was lost with its connection or its server is repeated after these two.
_PULL_SECONDS: Final = 2.0
_GRACE_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 0.2
#: A message whose handling failed comes again after this.
_AGAIN_SECONDS: Final = 1.0
#: How many positions of handled messages are remembered: the server may deliver them again after a crash.
_REMEMBERED: Final = 10_000
#: Pulls that ended because nothing came.
_EMPTY: Final = ("404", "408")
_FILTER: Final = "antiphon-filter"
_FAILURES: Final = (TimeoutError, nats.errors.Error, APIError, OSError)

_log = logging.getLogger(__name__)


class DurableConsumer:
    """Takes one message at a time, so that each goes to a process that is free to handle it.

    `subject` selects on the server; `selection` names everything that the reader selects itself, and `start` the first
    position of a new subscription.
    """

    def __init__(self, connection: NatsClient, replies: ReplyInbox, name: str, subject: str, selection: str) -> None:
        self._connection = connection
        self._subscriber = subscriber_of(connection)
        self._replies = replies
        self._name = name
        self._subject = subject
        self._selection = selection
        self._subscription: Subscription | None = None
        self._alive: asyncio.Task[None] | None = None
        self._waiting: deque[Delivered] = deque()
        self._held: dict[int, Delivered] = {}
        self._handled: OrderedDict[int, None] = OrderedDict()
        self._status = ""
        self._arrived = asyncio.Event()

    async def open(self, start: Callable[[], Awaitable[int]]) -> None:
        """Find the subscription, or make it; raises SubscriptionError if it has another filter."""
        try:
            info = await self._found() or await self._made(await start())
        except _FAILURES as error:
            raise LogUnavailableError(f"the subscription {self._name} cannot start: {error!r}") from error
        if info.config.filter_subject != self._subject or (info.config.metadata or {}).get(_FILTER) != self._selection:
            raise SubscriptionError(f"the subscription {self._name} has another filter: delete it, or use another name")
        inbox = self._connection.new_inbox()
        self._subscription = await self._subscriber.subscribe(inbox, self._receive)
        self._alive = asyncio.create_task(self._say_alive())

    async def _found(self) -> ConsumerInfo | None:
        try:
            found: ConsumerInfo = await self._connection.jetstream().consumer_info(EVENTS, self._name)
        except NotFoundError:
            return None
        return found

    async def _made(self, start: int) -> ConsumerInfo:
        wanted = ConsumerConfig(
            durable_name=self._name,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=start,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=_ACK_WAIT_SECONDS,
            max_deliver=-1,
            filter_subject=self._subject,
            metadata={_FILTER: self._selection},
        )
        try:
            return await self._connection.jetstream().add_consumer(EVENTS, wanted)
        except APIError:
            # Another process has made it meanwhile, with another start.
            if (found := await self._found()) is None:
                raise
            return found

    async def take(self) -> Delivered:
        """The next message that nobody else has; it is ours until it is acknowledged or released."""
        while True:
            raise_if_cancelled()
            if not self._waiting:
                await self._pull()
                continue
            item = self._waiting.popleft()
            if item.position in self._handled:
                await self.acknowledge(item)
                continue
            self._held[item.position] = item
            return item

    async def _pull(self) -> None:
        self._arrived.clear()
        self._status = ""
        request = orjson.dumps({"batch": 1, "expires": int(_PULL_SECONDS * 10**9)})
        try:
            inbox = "" if self._subscription is None else self._subscription.subject
            await self._connection.publish(f"$JS.API.CONSUMER.MSG.NEXT.{EVENTS}.{self._name}", request, reply=inbox)
            async with asyncio.timeout(_PULL_SECONDS + _GRACE_SECONDS):
                await self._arrived.wait()
        except TimeoutError:
            return
        except nats.errors.ConnectionClosedError as error:
            raise LogUnavailableError("the connection is closed") from error
        except nats.errors.Error as error:
            _log.warning("subscription %s cannot ask for more: %r", self._name, error)
            self._status = repr(error)
        if self._status and self._status not in _EMPTY:
            await self._last_delivered()

    def _receive(self, messages: Sequence[Received]) -> None:
        for message in messages:
            if (place := place_of(message.reply)) is not None:
                self._waiting.append(Delivered(message, place.sequence, place.nanoseconds))
            else:
                self._status = message.headers.get("Status", "")
        self._arrived.set()

    async def _last_delivered(self) -> int | None:
        """The last position that the server knows to have delivered; None while it does not answer.

        Waits a little: the server may be about to start. Raises SubscriptionError if it does not know the consumer.
        """
        await asyncio.sleep(_PAUSE_SECONDS)
        if self._connection.is_closed:
            raise LogUnavailableError("the connection is closed")
        try:
            found = await self._found()
        except _FAILURES as error:
            _log.warning("subscription %s waits for the server: %r", self._name, error)
            return None
        if found is None:
            raise SubscriptionError(f"the subscription {self._name} was deleted")
        return None if found.delivered is None else found.delivered.stream_seq

    async def acknowledge(self, item: Delivered) -> None:
        """Tell the server that a message was handled; returns when it has confirmed that.

        A server that was killed may have forgotten that it delivered the message: then it takes no acknowledgement, and
        delivers it again. `take` acknowledges it then.
        """
        self._held.pop(item.position, None)
        self._handled[item.position] = None
        if len(self._handled) > _REMEMBERED:
            self._handled.popitem(last=False)
        while True:
            raise_if_cancelled()
            until = asyncio.get_running_loop().time() + _PULL_SECONDS
            try:
                await self._replies.request(item.reply, data=b"+ACK", until=until)
            except (TimeoutError, LogUnavailableError, nats.errors.Error):
                delivered = await self._last_delivered()
                if delivered is not None and delivered < item.position:
                    return
            else:
                return

    async def release(self, item: Delivered) -> None:
        """Give a message back that could not be handled: it comes again, here or elsewhere."""
        self._held.pop(item.position, None)
        await self._give_back(item, b'-NAK {"delay": %d}' % int(_AGAIN_SECONDS * 10**9))

    async def _give_back(self, item: Delivered, how: bytes) -> None:
        try:
            await self._connection.publish(item.reply, how)
        except nats.errors.Error as error:
            _log.info("position %d comes again later: %r", item.position, error)

    async def _say_alive(self) -> None:
        while not self._connection.is_closed:
            await asyncio.sleep(_ALIVE_SECONDS)
            for item in (*self._held.values(), *self._waiting):
                await self._give_back(item, b"+WPI")

    async def close(self) -> None:
        """Give back what was not handled; the subscription stays."""
        if self._alive is not None:
            self._alive.cancel()
        if self._connection.is_closed or self._subscription is None:
            return
        with suppress(*_FAILURES):
            await self._subscriber.unsubscribe(self._subscription)
        for item in (*self._held.values(), *self._waiting):
            await self._give_back(item, b"-NAK")


async def delete(connection: NatsClient, name: str) -> None:
    """Delete a subscription; raises SubscriptionError if there is none."""
    try:
        await connection.jetstream().delete_consumer(EVENTS, name)
    except NotFoundError as error:
        raise SubscriptionError(f"there is no subscription {name}") from error
    except _FAILURES as error:
        raise LogUnavailableError(f"the subscription {name} was not deleted: {error!r}") from error
