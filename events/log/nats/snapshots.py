"""Stores one snapshot for each aggregate: a cache, whose loss only costs time (docs/adr/0005)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from nats.aio.client import Client

from antiphon.events import subjects
from antiphon.events.log.nats.consumer import OrderedConsumer
from antiphon.events.log.nats.direct_get import DirectGet
from antiphon.events.log.nats.replies import ReplyInbox
from antiphon.events.subjects import Aggregate


class JetStreamSnapshots:
    """The stream SNAPSHOTS, where the server keeps the last message for each aggregate."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._direct = DirectGet(client, subjects.SNAPSHOTS, ReplyInbox(client))

    async def get(self, aggregate: Aggregate) -> bytes | None:
        """The last snapshot, if there is one; raises LogUnavailableError."""
        found, _ = await self._direct.page({"multi_last": [subjects.snapshot(aggregate)]})
        return found[0].data if found else None

    async def put(self, aggregate: Aggregate, snapshot: bytes) -> None:
        """Replace the snapshot, without waiting for the server; one that is too large is dropped."""
        if len(snapshot) <= self._client.max_payload:
            await self._client.publish(subjects.snapshot(aggregate), snapshot)

    async def all(self) -> AsyncIterator[tuple[Aggregate, bytes]]:
        """The last snapshot of each aggregate."""
        end = (await self._client.jetstream().stream_info(subjects.SNAPSHOTS)).state.last_seq
        consumer = OrderedConsumer(self._client, subjects.SNAPSHOTS)
        try:
            async for batch in consumer.batches(until=end):
                for item in batch:
                    yield subjects.snapshot_of(item.subject), item.data
        finally:
            await consumer.close()
