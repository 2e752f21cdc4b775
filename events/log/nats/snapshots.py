"""Keeps what a long event stream comes to, in one message for each aggregate: a cache, safe to lose (docs/adr/0024)."""

from __future__ import annotations

from nats.aio.client import Client

from antiphon.events import subjects
from antiphon.events.log.nats.direct_get import DirectGet
from antiphon.events.log.nats.replies import ReplyInbox
from antiphon.events.subjects import Aggregate


class JetStreamSnapshots:
    """The snapshots on the stream SNAPSHOTS, of which the server keeps the last for each aggregate."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._direct = DirectGet(client, subjects.SNAPSHOTS, ReplyInbox(client))

    async def get(self, aggregate: Aggregate) -> bytes | None:
        """What was put last, if it is still there; raises LogUnavailableError when nobody answers."""
        found, _ = await self._direct.page({"multi_last": [subjects.snapshot(aggregate)]})
        return found[0].data if found else None

    async def put(self, aggregate: Aggregate, snapshot: bytes) -> None:
        """Put one in place of the last, without waiting for it to be there; one that is too large is not put."""
        if len(snapshot) <= self._client.max_payload:
            await self._client.publish(subjects.snapshot(aggregate), snapshot)
