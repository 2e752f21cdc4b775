"""The policy process: one handler for queued commands and for requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import psycopg
import structlog
from nats.aio.client import Client

from antiphon.events import codec, subjects
from antiphon.events.log.nats.delivered import Delivered
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.nats.parking import Parking
from antiphon.events.log.nats.snapshots import JetStreamSnapshots
from antiphon.events.message import Event
from antiphon.events.outcome import Outcome
from antiphon.projections.archive.continuity import require_same_log
from antiphon.services.policy.service.answers import Answers
from antiphon.services.policy.service.command_buffer import CommandBuffer
from antiphon.services.policy.service.command_message import CommandMessage
from antiphon.services.policy.service.command_queue import CommandQueue
from antiphon.services.policy.service.handler import Handler
from antiphon.services.policy.service.renewal import renew_snapshots
from antiphon.services.runtime import clock
from antiphon.services.runtime.discovery import Endpoint, discoverable
from antiphon.services.runtime.lease import LeaderLease, LeaseLostError
from antiphon.services.runtime.nats import application
from antiphon.services.runtime.settings import Settings
from antiphon.services.runtime.telemetry import traces_of

if TYPE_CHECKING:
    from antiphon.services.runtime.traces import Traces

QUEUE_GROUP: Final = "policy"
_LONGEST_REASON: Final = 2000
_POSTGRES_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Stand by until no other policy is active, then decide commands, until asked to stop."""
    with traces_of("policy") as traces:
        async with application(settings, "policy") as (_, _, client):
            log, snapshots = JetStreamLog(client), JetStreamSnapshots(client)
            await renew_snapshots(log, snapshots)
            lease = LeaderLease(client, "policy")
            async with lease.answering():
                while True:
                    await lease.acquire()
                    await _require_same_log(log, settings.postgres_url)
                    await _decide_while(lease, client, traces)


async def _require_same_log(log: JetStreamLog, postgres_url: str) -> None:
    """Raises OtherLogError. Without PostgreSQL the policy decides all the same: writes do not depend on it."""
    try:
        async with asyncio.timeout(_POSTGRES_SECONDS):
            await require_same_log(log, postgres_url)
    except (psycopg.Error, TimeoutError) as error:
        _log.warning("the log is not compared with its archive", error=str(error).strip())


async def _decide_while(lease: LeaderLease, client: Client, traces: Traces | None) -> None:
    """Decide commands until the lease is lost. Then forget everything: another policy decides."""
    queue = CommandQueue(client)
    handler, buffer = _handler_and_buffer(client, queue, traces)
    endpoint = Endpoint("decide", subjects.REQUESTS, QUEUE_GROUP, lambda: handler.tally)
    try:
        async with discoverable(client, "policy", [endpoint]), asyncio.TaskGroup() as tasks:
            tasks.create_task(_take_queued(queue, buffer))
            tasks.create_task(queue.clear())
            tasks.create_task(handler.work(buffer.batches()))
            await buffer.listen(client, subjects.REQUESTS, QUEUE_GROUP)
            await lease.watch()
    except* LeaseLostError:
        pass
    finally:
        await buffer.close()


async def _take_queued(queue: CommandQueue, buffer: CommandBuffer) -> None:
    try:
        async for batch in queue.batches():
            buffer.take(batch)
    finally:
        await queue.close()


def _handler_and_buffer(client: Client, queue: CommandQueue, traces: Traces | None) -> tuple[Handler, CommandBuffer]:
    if traces is None:
        return handler_on(client, queue), CommandBuffer()
    # See services/runtime/telemetry.py.
    from antiphon.services.policy.service.tracing import Arrivals, TracedCommandBuffer, TracedHandler

    arrivals = Arrivals()
    traced = partial(TracedHandler, traces=traces, arrivals=arrivals)
    return handler_on(client, queue, traced), TracedCommandBuffer(arrivals)


def handler_on(client: Client, queue: CommandQueue, made: Callable[..., Handler] = Handler) -> Handler:
    """A handler that works on a NATS connection."""

    async def reply(subject: str, outcome: Outcome, events: Sequence[Event]) -> None:
        answer = codec.encode_reply(outcome, events)
        if len(answer) > client.max_payload and events:
            answer = codec.encode_reply(outcome, ())
        if len(answer) > client.max_payload:
            # The reason quotes the command. The state is in the log, and the sender has the command.
            brief = {"state": None, "reason": (outcome.reason or "")[:_LONGEST_REASON]}
            answer = codec.encode_reply(outcome.model_copy(update=brief), ())
        await client.publish(subject, answer)

    async def acknowledge(message: CommandMessage) -> None:
        # A request is not acknowledged: its reply does that.
        if isinstance(message, Delivered):
            queue.decided(message)

    answers = Answers(reply, acknowledge, Parking(client, "policy").park)
    return made(JetStreamLog(client), answers, JetStreamSnapshots(client), clock=clock.now)
