"""Reads a JetStream stream in order, in batches, and creates its consumer anew after any loss.

nats-py's ordered consumer passes on single messages; its `fetch` sends a request for each batch, and goes silent after
some reconnects (nats.py issues 504, 933).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Final

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError

from antiphon.events.log.cancellation import raise_if_cancelled
from antiphon.events.log.nats.connection import subscriber_of
from antiphon.events.log.nats.delivered import Delivered, Received

_PULL: Final = 1000
#: The most bytes of one pull, unless two messages may be larger.
_PULL_BYTES: Final = 16_000_000
_PULL_EXPIRES_SECONDS: Final = 30
_HEARTBEAT_SECONDS: Final = 2.0
#: After this silence, without heartbeats, the server is assumed to have forgotten the consumer.
_SILENCE_SECONDS: Final = 3 * _HEARTBEAT_SECONDS
_RETRY_SECONDS: Final = 0.5
#: A batch of this size does not wait for more.
_ENOUGH: Final = 400
#: After a batch of this size more messages are expected soon.
_BUSY: Final = 8
_PAUSE_SECONDS: Final = 0.001
_MAX_PAUSES: Final = 4
_MAX_ACK_PENDING: Final = 20_000
_ACK_WAIT_SECONDS: Final = 60.0
#: The server redelivers messages of a kept consumer, which its reader had not acknowledged when it ended, after this.
_KEPT_ACK_WAIT_SECONDS: Final = 10.0

#: Tokens of the reply subject of a message, without a domain.
_TOKENS: Final = 9
#: The server ends a pull that has delivered its bytes, or its messages, with one of these.
_FULL: Final = ("Message Size Exceeds MaxBytes", "Batch Completed")

# Not structlog: this module runs in programs of users too.
_log = logging.getLogger(__name__)


class OrderedConsumer:
    """Delivers every message of a stream, in order.

    Without `durable` it reads from `after` and acknowledges nothing: the reader keeps the position.
    With `durable` it reads a work queue from its first remaining message, and the reader acknowledges each message.
    In both cases the consumer of the server is created anew whenever the order could be broken (at the start, after a
    lost connection, a gap, or silence), because a redelivery after a time-out would put older messages behind newer
    ones. Of a work queue messages are then delivered twice; the reader must recognise them.

    With `durable` and `keep`, for a stream that is not a work queue, the server keeps the position: nothing is lost,
    but messages that were not acknowledged are delivered again after later ones.
    """

    def __init__(
        self,
        client: Client,
        stream: str,
        *,
        after: int = 0,
        subjects: Sequence[str] = (),
        durable: str | None = None,
        keep: bool = False,
    ) -> None:
        self._client = client
        self._subscriber = subscriber_of(client)
        self._stream = stream
        self._position = after
        self._subjects = list(subjects)
        self._durable = durable
        self._keep = keep
        self._name = durable or client.new_inbox().rpartition(".")[2]
        self._waiting: list[Delivered] = []
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._subscription: Subscription | None = None
        self._delivered = 0
        self._requested = 0
        self._pulling: asyncio.Task[None] | None = None
        self._lost = True
        self._drained = False
        self._generation = 0
        self._last_batch = 0
        #: The number of times the consumer was created anew after a loss.
        self.restarts = 0

    async def batches(self, *, until: int | None = None) -> AsyncIterator[Sequence[Delivered]]:
        """All messages that have arrived, at least one, again and again.

        Ends when everything up to the position `until` was delivered.
        """
        while until is None or self._position < until:
            if self._lost:
                await self._begin()
                raise_if_cancelled()
            if until is not None and self._drained and not self._waiting and await self._is_at_end(until):
                return
            try:
                async with asyncio.timeout(_SILENCE_SECONDS):
                    await self._arrived.wait()
            except TimeoutError:
                self._lose("silence")
            await self._wait_for_more()
            self._arrived.clear()
            batch, self._waiting = self._waiting, []
            self._waiting_bytes = 0
            await self._pull_when_low()
            # Send the request now, not when the reader has handled the batch: the server works meanwhile.
            await asyncio.sleep(0)
            self._last_batch = len(batch)
            if batch:
                self._position = batch[-1].position
            if until is not None and self._position > until:
                batch = [item for item in batch if item.position <= until]
            if batch:
                yield batch

    async def _is_at_end(self, until: int) -> bool:
        """Whether no more messages up to `until` follow: the last ones may be filtered out, or deleted."""
        jetstream = self._client.jetstream()
        try:
            # In this order: a message that is stored by then is either pending for the consumer or delivered.
            end = (await jetstream.stream_info(self._stream)).state.last_seq
            consumer = await jetstream.consumer_info(self._stream, self._name)
        except (TimeoutError, nats.errors.Error, APIError) as error:
            self._lose(f"the end of the stream is not known: {error!r}")
            return False
        received = consumer.delivered is None or consumer.delivered.consumer_seq == self._delivered
        return end >= until and consumer.num_pending == 0 and received and not self._waiting

    async def _wait_for_more(self) -> None:
        """Let the rest of a burst arrive: the larger a batch, the cheaper each message."""
        is_busy = self._last_batch >= _BUSY
        for _ in range(_MAX_PAUSES):
            is_complete = self._drained and not is_busy
            if is_complete or self._lost or not 0 < len(self._waiting) < _ENOUGH:
                return
            is_busy = False
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _begin(self) -> None:
        while self._lost:
            try:
                await self._create()
            except (TimeoutError, nats.errors.Error, APIError, OSError) as error:
                _log.warning("consumer %s of %s cannot start: %r", self._name, self._stream, error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _create(self) -> None:
        await self._discard()
        self._waiting, self._waiting_bytes, self._delivered, self._requested = [], 0, 0, 0
        inbox = self._client.new_inbox()
        self._generation += 1
        self._subscription = await self._subscriber.subscribe(inbox, partial(self._receive, self._generation))
        info = await self._client.jetstream().add_consumer(self._stream, self._configuration())
        self._drained = info.num_pending == 0
        if self._keep and info.delivered is not None:
            self._delivered = info.delivered.consumer_seq
        self._arrived.clear()
        self._lost = False
        await self._pull()
        _log.info(
            "consumer %s reads %s, subjects %s, after %d", self._name, self._stream, self._subjects, self._position
        )

    def _configuration(self) -> ConsumerConfig:
        if self._durable is not None:
            return ConsumerConfig(
                durable_name=self._durable,
                deliver_policy=DeliverPolicy.ALL,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=_KEPT_ACK_WAIT_SECONDS if self._keep else _ACK_WAIT_SECONDS,
                max_deliver=-1,
                max_ack_pending=_MAX_ACK_PENDING,
                filter_subjects=self._subjects or None,
            )
        return ConsumerConfig(
            name=self._name,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._position + 1,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=60.0,
            mem_storage=True,
            num_replicas=1,
            filter_subjects=self._subjects or None,
        )

    async def _discard(self) -> None:
        if self._subscription is None and self._durable is None:
            return
        await self._unsubscribe()
        if self._keep:
            return
        try:
            await self._client.jetstream().delete_consumer(self._stream, self._name)
        except NotFoundError:
            return

    async def _unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if self._pulling is not None:
            self._pulling.cancel()
        if subscription is not None:
            await self._subscriber.unsubscribe(subscription)

    async def _pull_when_low(self) -> None:
        try:
            if self._is_low():
                await self._pull()
        except nats.errors.Error as error:
            self._lose(f"cannot pull: {error!r}")

    def _is_low(self) -> bool:
        """Whether to pull more messages; not while many wait for the reader in our memory."""
        is_idle = len(self._waiting) + self._requested < _PULL and self._waiting_bytes < _PULL_BYTES
        return is_idle and not self._lost and self._requested < _PULL // 2

    async def _pull(self) -> None:
        if self._subscription is None:
            return
        self._requested += _PULL
        request = {
            "batch": _PULL,
            "max_bytes": max(_PULL_BYTES, 2 * self._client.max_payload),
            "expires": _PULL_EXPIRES_SECONDS * 10**9,
            "idle_heartbeat": int(_HEARTBEAT_SECONDS * 10**9),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._name}"
        await self._client.publish(subject, orjson.dumps(request), reply=self._subscription.subject)

    def _receive(self, generation: int, messages: Sequence[Received]) -> None:
        for message in messages:
            if generation != self._generation or self._lost:
                return
            if message.reply:
                self._receive_message(message)
            else:
                self._receive_status(message.headers)
        self._arrived.set()
        if self._is_low() and (self._pulling is None or self._pulling.done()):
            self._pulling = asyncio.create_task(self._pull_when_low())

    def _receive_message(self, message: Received) -> None:
        # $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>, and
        # two tokens more (domain, account) before the stream from servers that know of domains.
        tokens = message.reply.split(".")
        if len(tokens) > _TOKENS:
            del tokens[2:4]
        if len(tokens) < _TOKENS or int(tokens[6]) != self._delivered + 1:
            self._lose(f"{message.reply} came after message {self._delivered}")
            return
        self._delivered += 1
        self._requested -= 1
        self._drained = tokens[8] == "0"
        self._waiting.append(Delivered(message, int(tokens[5]), int(tokens[7])))
        self._waiting_bytes += len(message.data)

    def _receive_status(self, headers: Mapping[str, str]) -> None:
        status, description = headers.get("Status", ""), headers.get("Description", "")
        if status in ("404", "408") or (status == "409" and description in _FULL):
            # A pull request ended: the server does not deliver the rest of it.
            self._requested = max(0, self._requested - int(headers.get("Nats-Pending-Messages", _PULL)))
        elif status != "100":
            self._lose(f"status {status} {description}")

    def _lose(self, reason: str) -> None:
        if not self._lost:
            self._lost = True
            self.restarts += 1
            # A reader may close the connection while it reads.
            level = logging.INFO if self._client.is_closed else logging.WARNING
            _log.log(level, "consumer %s of %s starts over: %s", self._name, self._stream, reason)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._arrived.set()

    async def close(self) -> None:
        """Delete the consumer; a durable one stays for the next process."""
        if self._subscription is None or self._client.is_closed:
            return
        try:
            await self._unsubscribe()
            if self._durable is None:
                await self._client.jetstream().delete_consumer(self._stream, self._name)
        except (TimeoutError, nats.errors.Error, APIError, OSError) as error:
            # The server deletes an idle consumer by itself.
            _log.info("consumer %s of %s not deleted: %r", self._name, self._stream, error)
