"""The log on NATS JetStream: one stream for all events, expected sequences, atomic batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Final

import nats.errors
import orjson
from nats.aio.client import Client

from antiphon.events import codec, subjects
from antiphon.events.errors import UndecodableError
from antiphon.events.log.errors import LogUnavailableError, TooLargeError
from antiphon.events.log.nats import header_fast_path
from antiphon.events.log.nats.batch import store
from antiphon.events.log.nats.consumer import OrderedConsumer
from antiphon.events.log.nats.delivered import Delivered, Received
from antiphon.events.log.nats.direct_get import DirectGet, sequence, stored_at, subject
from antiphon.events.log.nats.replies import ReplyInbox
from antiphon.events.log.nats.restore import unwrap
from antiphon.events.log.port import ANY, AsStored, Draft, Recorded, Stored, Unreadable
from antiphon.events.message import Metadata
from antiphon.events.subjects import EVENTS, Aggregate, covering, matches

_READ_PAGE: Final = 500


class JetStreamLog:
    """An `EventLog` on the stream EVENTS; see docs/adr/0001 for its subjects."""

    def __init__(self, client: Client, *, timeout_seconds: float = 5.0) -> None:
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._replies = ReplyInbox(client)
        self._direct = DirectGet(client, EVENTS, self._replies, timeout_seconds)

    async def append(self, drafts: Sequence[Draft], *, after: int) -> range:
        """See EventLog.append."""
        try:
            last = await store(self._client, self._replies, _messages(drafts, after), self._timeout_seconds)
        except nats.errors.MaxPayloadError as error:
            raise TooLargeError(f"too large: the log takes events of {self._client.max_payload} bytes") from error
        return range(after + 1, last + 1)

    async def read(self, aggregate: Aggregate, *, since: int = 1) -> AsyncIterator[Recorded]:
        """See EventLog.read.

        A stream with several copies may answer from one that lags. The fence does not find that out: it knows the end
        of the log, not what was read. `provision` keeps one copy.
        """
        async for message in self._messages_of(subjects.event_stream(aggregate), since):
            yield _recorded(message)

    async def history(self, aggregate: Aggregate) -> Sequence[Recorded | Unreadable]:
        """Like `read`, but what cannot be decoded is among the others."""
        return [_got(message) async for message in self._messages_of(subjects.event_stream(aggregate))]

    async def last_of_each_action(self, aggregate: Aggregate) -> Sequence[Recorded | Unreadable]:
        """The last event of each action of one aggregate, oldest first: few, however many events it has."""
        page, _ = await self._direct.page({"multi_last": [subjects.event_stream(aggregate)]})
        return sorted(map(_got, page), key=lambda item: item.position)

    async def position_at(self, moment: datetime) -> int:
        """The position of the first event recorded at this moment or later; behind the end where there is none."""
        end = await self.last_position()
        page, _ = await self._direct.page(
            {"start_time": moment.astimezone(UTC).isoformat(), "next_by_subj": ">", "batch": 1}
        )
        return sequence(page[0]) if page else end + 1

    async def _messages_of(self, wildcard: str, start: int = 1) -> AsyncIterator[Received]:
        while start:
            page, is_last = await self._direct.page({"seq": start, "next_by_subj": wildcard, "batch": _READ_PAGE})
            for message in page:
                yield message
            start = 0 if is_last else sequence(page[-1]) + 1

    async def follow(
        self, after: int, *, subjects: Sequence[str] = (), until: int | None = None, most: int = ANY
    ) -> AsyncIterator[Sequence[Recorded | Unreadable]]:
        """See EventLog.follow."""
        if until is not None and after >= until:
            return
        # For a consumer with several wildcards nats-server looks at every message for each of them, which was two
        # thirds of its work (measured): it is asked for one that covers them, and the rest is left out here.
        asked_for = [covering(subjects)] if subjects else []
        consumer = OrderedConsumer(self._client, EVENTS, after=after, subjects=asked_for)
        try:
            async for delivered in consumer.batches(until=until):
                selected = _selected(delivered, subjects)
                for start in range(0, len(selected), most):
                    yield [read_or_unreadable(item) for item in selected[start : start + most]]
        finally:
            await consumer.close()

    async def last_position(self) -> int:
        """See EventLog.last_position. Reads ask each time: nats-py would make an object of all that is answered."""
        try:
            until = asyncio.get_running_loop().time() + self._timeout_seconds
            info = orjson.loads((await self._replies.request(f"$JS.API.STREAM.INFO.{EVENTS}", until=until)).data)
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise LogUnavailableError(f"the log did not say where it ends: {error!r}") from error
        if "error" in info:
            raise LogUnavailableError(f"the log did not say where it ends: {info['error']}")
        return int(info["state"]["last_seq"])


def _selected(delivered: Sequence[Delivered], wildcards: Sequence[str]) -> Sequence[Delivered]:
    if len(wildcards) < 2:
        # The server has selected them.
        return delivered
    return [item for item in delivered if any(matches(item.subject, wildcard) for wildcard in wildcards)]


def _messages(drafts: Sequence[Draft], after: int) -> list[tuple[str, dict[str, str], bytes]]:
    """Encode the drafts. The first carries the fence, the end of the log; each first event expects a new aggregate."""
    messages = []
    for draft in drafts:
        headers = codec.event_headers(draft.aggregate, draft.event, draft.metadata, draft.index)
        if draft.is_first:
            headers["Nats-Expected-Last-Subject-Sequence"] = "0"
            headers["Nats-Expected-Last-Subject-Sequence-Subject"] = subjects.event_stream(draft.aggregate)
        published_on = subjects.event(draft.aggregate, draft.event.action)
        messages.append((published_on, headers, codec.encode(draft.event)))
    messages[0][1]["Nats-Expected-Last-Sequence"] = str(after)
    return messages


def _recorded(message: Received) -> Recorded:
    stored, recorded_at = _message(message)
    return _decoded(stored, sequence(message), recorded_at)


def _message(message: Received) -> tuple[Stored, datetime]:
    """What a direct get returned."""
    return unwrap(Stored(subject(message), message.headers, message.data), stored_at(message))


def _got(message: Received) -> Recorded | Unreadable:
    try:
        return _recorded(message)
    except UndecodableError as error:
        stored, recorded_at = _message(message)
        return Unreadable(
            sequence(message), stored.subject, stored.headers, stored.data, str(error), recorded_at=recorded_at
        )


def read_or_unreadable(item: Delivered) -> Recorded | Unreadable:
    """The event in a message that a consumer delivered."""
    # Cut off, not rounded, as it is where a direct get's text is read: an event has one time. Until the year 2242 no
    # microsecond is lost in the division.
    recorded_at = datetime.fromtimestamp(item.nanoseconds // 1000 / 1_000_000, UTC)
    stored: AsStored = item
    try:
        if (own := header_fast_path.read(item.block)) is not None:
            version, metadata = own
            return _recorded_by(item, item.position, recorded_at, version, metadata)
        stored, recorded_at = unwrap(Stored(item.subject, item.headers, item.data), recorded_at)
        return _decoded(stored, item.position, recorded_at)
    except UndecodableError as error:
        return Unreadable(item.position, stored.subject, stored.headers, stored.data, str(error), recorded_at)


def _decoded(stored: Stored, position: int, recorded_at: datetime) -> Recorded:
    try:
        version = int(stored.headers.get(subjects.SCHEMA_VERSION, "1"))
    except ValueError as error:
        raise UndecodableError(str(error)) from error
    metadata = codec.metadata_of(stored.headers, stored.headers.get("ce-time"))
    return _recorded_by(stored, position, recorded_at, version, metadata)


def _recorded_by(stored: AsStored, position: int, recorded_at: datetime, version: int, metadata: Metadata) -> Recorded:
    try:
        aggregate, action = subjects.parse(stored.subject)
    except ValueError as error:
        raise UndecodableError(str(error)) from error
    event = codec.decode_event(aggregate, action, version, stored.data)
    return Recorded(position, aggregate, event, metadata, recorded_at, stored)
