"""The gateway's metrics for Prometheus: its own decisions, and the positions of the log and its readers on request."""

from __future__ import annotations

from typing import Any, Final

import nats.errors
import psycopg
from nats.aio.client import Client
from nats.js.errors import Error as JetStreamError
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from antiphon.events import subjects
from antiphon.events.log.errors import LogUnavailableError
from antiphon.events.log.nats import direct_get
from antiphon.events.log.nats.direct_get import DirectGet
from antiphon.events.log.nats.replies import ReplyInbox
from antiphon.events.outcome import Status
from antiphon.projections.engine import parked_streams
from antiphon.services.runtime import clock
from antiphon.services.runtime.work_counters import WorkCounters

_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_UNKNOWN: Final = float("nan")
_PROJECTION: Final = "events"
_PREFIX: Final = "antiphon_"
#: The positions of the log and its readers, each a gauge.
_POSITIONS: Final = {
    "log_position": "The newest event of the log.",
    "projected_position": "The last projected event.",
    "projection_lag_events": "Events that are not projected yet.",
    "projection_lag_seconds": "The age of the oldest event that is not projected yet.",
    "waiting_commands": "Queued commands that are not decided yet.",
    "parked_messages": "Commands and observations that no service could handle.",
    "parked_event_streams": "Event streams with an event that could not be projected.",
    "parked_waiting_events": "Events that wait behind these.",
    "archive_position": "The last archived event.",
}

Pool = AsyncConnectionPool[AsyncConnection[Any]]


class Metrics:
    """The metrics of one gateway; docs/guides/operate-and-upgrade.md explains them."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._decisions = Counter(
            "antiphon_decisions", "Decisions that this gateway received.", ["kind", "status"], registry=self._registry
        )
        #: A cache: the lookup of a labelled counter takes longer than its increment.
        self._counted: dict[tuple[str, Status], Counter] = {}
        self._decision_seconds = Histogram(
            "antiphon_decision_seconds", "From a command to its decision.", buckets=_BUCKETS, registry=self._registry
        )
        self._projection_seconds = Histogram(
            "antiphon_projection_seconds",
            "From a decision until a read shows it; one of overlapping intervals is measured.",
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._late = Counter(
            "antiphon_late_reads", "Reads that were answered before they showed all decisions.", registry=self._registry
        )
        self._up = Gauge("antiphon_up", "Whether a server answers.", ["server"], registry=self._registry)
        self._gauges = {
            name: Gauge(f"{_PREFIX}{name}", what, registry=self._registry) for name, what in _POSITIONS.items()
        }

    def decided(self, kind: str, status: Status, seconds: float) -> None:
        """Count a decision."""
        counted = self._counted.get((kind, status))
        if counted is None:
            counted = self._counted[kind, status] = self._decisions.labels(kind, status.value)
        counted.inc()
        self._decision_seconds.observe(seconds)

    def projected(self, seconds: float) -> None:
        """Record the time until a decision could be read."""
        self._projection_seconds.observe(seconds)

    def stale(self) -> None:
        """Count a read that was answered before the read models showed everything."""
        self._late.inc()

    def tally(self) -> WorkCounters:
        """The counters that `$SRV.STATS` on NATS reports: the decisions of this gateway and their duration."""
        decisions = {
            " ".join(sample.labels.values()): int(sample.value)
            for metric in self._decisions.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        }
        return WorkCounters(
            handled=int(self._value("antiphon_decision_seconds_count")),
            seconds=self._value("antiphon_decision_seconds_sum"),
            data={"decisions": decisions, "late": int(self._value("antiphon_late_reads_total"))},
        )

    def _value(self, name: str) -> float:
        value = self._registry.get_sample_value(name)
        if value is None:
            raise LookupError(f"nothing is measured by the name {name}")
        return value

    async def text(self, client: Client, pool: Pool, seconds: float) -> bytes:
        """All metrics in Prometheus' text format; a value that a server does not report within `seconds` is NaN."""
        await self.numbers(client, pool, seconds)
        return generate_latest(self._registry)

    async def numbers(self, client: Client, pool: Pool, seconds: float) -> dict[str, float]:
        """The positions of the log and its readers; NaN for those that a server does not report within `seconds`."""
        in_nats = await _in_nats(client, seconds)
        in_postgres = await _in_postgres(pool, seconds)
        self._up.labels("nats").set(bool(in_nats))
        self._up.labels("postgres").set(bool(in_postgres))
        known = in_nats | in_postgres
        if in_postgres:
            known |= await _lag(client, int(in_postgres["projected_position"]), seconds)
        numbers = {name: known.get(name, _UNKNOWN) for name in self._gauges}
        for name, gauge in self._gauges.items():
            gauge.set(numbers[name])
        return numbers


async def _in_nats(client: Client, seconds: float) -> dict[str, float]:
    """The numbers that NATS reports; none if it does not answer in time."""
    jetstream = client.jetstream(timeout=seconds)
    try:
        log, commands, parked = [
            (await jetstream.stream_info(name)).state for name in (subjects.EVENTS, subjects.COMMANDS, subjects.PARKED)
        ]
    except (TimeoutError, nats.errors.Error, JetStreamError):
        return {}
    return {"log_position": log.last_seq, "waiting_commands": commands.messages, "parked_messages": parked.messages}


async def _in_postgres(pool: Pool, seconds: float) -> dict[str, float]:
    """The numbers that PostgreSQL reports; none if it does not answer in time."""
    try:
        async with pool.connection(timeout=seconds) as connection:
            query = "SELECT position FROM checkpoint WHERE name = %s"
            row = await (await connection.execute(query, (_PROJECTION,))).fetchone()
            query = "SELECT coalesce(max(position), 0) FROM archive.chain"
            archived = await (await connection.execute(query)).fetchone()
            parked = await parked_streams.totals(connection)
    except (psycopg.OperationalError, PoolTimeout):
        return {}
    return {
        "projected_position": row[0] if row else 0,
        "archive_position": archived[0] if archived else 0,
        "parked_event_streams": parked.event_streams,
        "parked_waiting_events": parked.waiting_events,
    }


async def _lag(client: Client, position: int, seconds: float) -> dict[str, float]:
    """The number of events behind a position, and the age of the first of them."""
    direct = DirectGet(client, subjects.EVENTS, ReplyInbox(client), seconds)
    try:
        waiting, _ = await direct.page({"seq": position + 1, "next_by_subj": ">", "batch": 1})
        end = (await client.jetstream(timeout=seconds).stream_info(subjects.EVENTS)).state
    except (LogUnavailableError, TimeoutError, nats.errors.Error, JetStreamError):
        return {}
    if not waiting:
        return {"projection_lag_events": 0, "projection_lag_seconds": 0}
    age = (clock.now() - direct_get.stored_at(waiting[0])).total_seconds()
    return {"projection_lag_events": max(end.last_seq - position, 0), "projection_lag_seconds": max(age, 0)}
