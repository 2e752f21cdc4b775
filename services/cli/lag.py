"""The lag of the readers of streams."""

from __future__ import annotations

from typing import Any, Final

import nats.errors
import orjson
import psycopg
from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamState
from nats.js.errors import NotFoundError
from pydantic import BaseModel

from antiphon.events import subjects
from antiphon.services.projecting.observation_projection import KINDS

#: The subjects of projections that read OBSERVED.
_OBSERVED_BY: Final = {kind.name: [subjects.observations(token) for token in kind.tokens] for kind in KINDS}
_POSITIONS: Final = b"""
SELECT name, position FROM read_v1.checkpoint
UNION ALL SELECT 'archive', coalesce(max(position), 0) FROM archive.chain
ORDER BY name
"""
_ANSWER_SECONDS: Final = 1.0
#: The server deletes a counting consumer after this time.
_FORGOTTEN_SECONDS: Final = 5.0


class Lag(BaseModel):
    """The distance of a reader from the end of its stream."""

    reader: str
    stream: str
    #: The last sequence of the stream.
    last: int
    #: The last one whose effects are committed; None for a work queue, whose handled messages are gone.
    position: int | None
    lag: int


async def on_nats(client: Client, states: dict[str, StreamState]) -> list[Lag]:
    """The lag of readers whose position is in NATS; `states` are those of the streams."""
    commands = states[subjects.COMMANDS]
    found = [
        Lag(reader="policy", stream=subjects.COMMANDS, last=commands.last_seq, position=None, lag=commands.messages),
        await _recorder(client, states[subjects.OBSERVED]),
    ]
    reported = await _reported_by_reactor(client)
    for stream in (subjects.OBSERVED, subjects.SCHEDULED):
        found.append(await _reactor(client, states[subjects.EVENTS], stream, reported))  # noqa: PERF401
    return found


async def positions(connection: psycopg.AsyncConnection[Any]) -> list[tuple[str, int]]:
    """The projections, whose positions are in PostgreSQL."""
    return await (await connection.execute(_POSITIONS)).fetchall()


async def of_projections(client: Client, positions: list[tuple[str, int]], states: dict[str, StreamState]) -> list[Lag]:
    """The lag of projections."""
    found = []
    for reader, position in positions:
        wanted = _OBSERVED_BY.get(reader)
        stream = subjects.OBSERVED if wanted else subjects.EVENTS
        last = states[stream].last_seq
        lag = await _pending(client, stream, wanted, position) if wanted else max(last - position, 0)
        found.append(Lag(reader=reader, stream=stream, last=last, position=position, lag=lag))
    return found


async def _recorder(client: Client, state: StreamState) -> Lag:
    try:
        consumer = await client.jetstream().consumer_info(subjects.OBSERVED, subjects.RECORDER)
    except NotFoundError:
        # The recorder has never run.
        lag = await _pending(client, subjects.OBSERVED, [subjects.RECORDED], 0)
        return Lag(reader="recorder", stream=subjects.OBSERVED, last=state.last_seq, position=0, lag=lag)
    return Lag(
        reader="recorder",
        stream=subjects.OBSERVED,
        last=state.last_seq,
        position=consumer.ack_floor.stream_seq if consumer.ack_floor else 0,
        lag=(consumer.num_pending or 0) + (consumer.num_ack_pending or 0),
    )


async def _reactor(client: Client, events: StreamState, stream: str, reported: dict[str, tuple[list[str], int]]) -> Lag:
    """The lag of a reaction: of the position that a running reactor reports, else of the cursor."""
    wanted, position = reported.get(stream, ([], 0))
    try:
        cursor = await client.jetstream().get_last_msg(stream, subjects.cursor(stream, "reactor"))
        position = max(position, int(cursor.data or b"0"))
    except NotFoundError:
        pass
    lag = await _pending(client, subjects.EVENTS, wanted, position)
    reader = f"reactor-{stream.lower()}"
    return Lag(reader=reader, stream=subjects.EVENTS, last=events.last_seq, position=position, lag=lag)


async def _reported_by_reactor(client: Client) -> dict[str, tuple[list[str], int]]:
    """The subjects and the position of each reaction; none where no reactor runs."""
    try:
        answer = await client.request("$SRV.STATS.antiphon-reactor", timeout=_ANSWER_SECONDS)
    except (nats.errors.NoRespondersError, TimeoutError):
        return {}
    reported: dict[str, tuple[list[str], int]] = {}
    for endpoint in orjson.loads(answer.data)["endpoints"]:
        wanted, _ = reported.get(endpoint["name"], ([], 0))
        reported[endpoint["name"]] = ([*wanted, endpoint["subject"]], endpoint["data"].get("position", 0))
    return reported


async def _pending(client: Client, stream: str, wanted: list[str], after: int) -> int:
    """The number of messages after a position: the server counts them for a consumer."""
    consumer = await client.jetstream().add_consumer(
        stream,
        ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=after + 1,
            ack_policy=AckPolicy.NONE,
            filter_subjects=wanted or None,
            inactive_threshold=_FORGOTTEN_SECONDS,
            mem_storage=True,
            num_replicas=1,
        ),
    )
    await client.jetstream().delete_consumer(stream, consumer.name)
    return consumer.num_pending or 0
