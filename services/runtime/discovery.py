"""Answers `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS` (NATS ADR-32), so that any NATS tool finds our processes.

The messages are those of nats.micro. Its `Service` is not used: it subscribes to the endpoints itself and times each
message, but our processes read batches by their own subscriptions and consumers.
"""

from __future__ import annotations

import os
import platform
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version as installed_version
from typing import Any, Final, NamedTuple

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.micro.service import EndpointInfo, EndpointStats, ServiceInfo, ServicePing, ServiceStats

from antiphon.events import subjects
from antiphon.services.runtime import clock
from antiphon.services.runtime.ids import uuid4
from antiphon.services.runtime.work_counters import WorkCounters

_PREFIX: Final = "$SRV"
_NANOSECONDS: Final = 10**9


class Endpoint(NamedTuple):
    """A subject that a process subscribes to, or reads."""

    name: str
    subject: str
    #: Members of one group share the messages; for a durable consumer, its name.
    queue_group: str
    tally: Callable[[], WorkCounters]


@asynccontextmanager
async def discoverable(
    client: Client, role: str, endpoints: Sequence[Endpoint] = (), metadata: Mapping[str, str] | None = None
) -> AsyncIterator[None]:
    """Answer with name, endpoints and statistics until the block ends."""
    service = _Service(role, endpoints, metadata or {})
    everybody, all_of_us = f"{_PREFIX}.*", f"{_PREFIX}.*.{service.name}"
    subscriptions = [
        await client.subscribe(subject, cb=service.answer)
        for subject in (everybody, all_of_us, f"{all_of_us}.{service.id}")
    ]
    try:
        yield
    finally:
        if not client.is_closed:
            for subscription in subscriptions:
                await subscription.unsubscribe()


class _Service:
    """One process of a role."""

    def __init__(self, role: str, endpoints: Sequence[Endpoint], metadata: Mapping[str, str]) -> None:
        self.name = f"antiphon-{role}"
        self.id = uuid4().hex
        self._version = installed_version("antiphon")
        self._metadata = {"pid": str(os.getpid()), "host": platform.node(), **metadata}
        self._endpoints = endpoints
        self._started = clock.now()
        self._verbs = {"PING": self._ping, "INFO": self._info, "STATS": self._stats}

    async def answer(self, message: Msg) -> None:
        """Answer one request, but only to an inbox: a request must not make us publish elsewhere."""
        answer = self._verbs.get(message.subject.split(".")[1])
        if answer is not None and subjects.is_inbox(message.reply):
            await message.respond(orjson.dumps(answer()))

    def _ping(self) -> dict[str, Any]:
        return ServicePing(id=self.id, name=self.name, version=self._version, metadata=self._metadata).to_dict()

    def _info(self) -> dict[str, Any]:
        return ServiceInfo(
            id=self.id,
            name=self.name,
            version=self._version,
            description="Antiphon: event-sourced orchestration",
            endpoints=[EndpointInfo(item.name, item.subject, item.queue_group) for item in self._endpoints],
            metadata=self._metadata,
        ).to_dict()

    def _stats(self) -> dict[str, Any]:
        return ServiceStats(
            id=self.id,
            name=self.name,
            version=self._version,
            started=self._started,
            endpoints=[_stats_of(item) for item in self._endpoints],
            metadata=self._metadata,
        ).to_dict()


def _stats_of(endpoint: Endpoint) -> EndpointStats:
    tally = endpoint.tally()
    nanoseconds = int(tally.seconds * _NANOSECONDS)
    return EndpointStats(
        name=endpoint.name,
        subject=endpoint.subject,
        queue_group=endpoint.queue_group,
        num_requests=tally.handled,
        num_errors=tally.failed,
        last_error=tally.last_error,
        processing_time=nanoseconds,
        average_processing_time=nanoseconds // max(tally.handled, 1),
        data={"batches": tally.batches, **tally.data},
    )
