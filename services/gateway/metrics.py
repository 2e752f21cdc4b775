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
from antiphon.services.runtime import clock
from antiphon.services.runtime.work_counters import WorkCounters

_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_UNKNOWN: Final = float("nan")
_PROJECTION: Final = "events"
_PREFIX: Final = "antiphon_"


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
        self._log_position = self._gauge("antiphon_log_position", "The newest event of the log.")
        self._projected_position = self._gauge("antiphon_projected_position", "The last projected event.")
        self._lag_events = self._gauge("antiphon_projection_lag_events", "Events that are not projected yet.")
        self._lag_seconds = self._gauge(
            "antiphon_projection_lag_seconds", "The age of the oldest event that is not projected yet."
        )
        self._waiting = self._gauge("antiphon_waiting_commands", "Queued commands that are not decided yet.")
        self._parked = self._gauge("antiphon_parked_messages", "Messages that no service could handle.")
        self._archive_position = self._gauge("antiphon_archive_position", "The last archived event.")

    def _gauge(self, name: str, what: str) -> Gauge:
        return Gauge(name, what, registry=self._registry)

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

    async def text(self, client: Client, pool: AsyncConnectionPool[AsyncConnection[Any]], seconds: float) -> bytes:
        """All metrics in Prometheus' text format; a value that a server does not report within `seconds` is NaN."""
        await self._query(client, pool, seconds)
        return generate_latest(self._registry)

    async def numbers(
        self, client: Client, pool: AsyncConnectionPool[AsyncConnection[Any]], seconds: float
    ) -> dict[str, float]:
        """The positions of the log and its readers, by the metrics' names without their prefix."""
        await self._query(client, pool, seconds)
        return {
            metric.name.removeprefix(_PREFIX): sample.value
            for metric in self._registry.collect()
            for sample in metric.samples
            if metric.type == "gauge" and not sample.labels
        }

    async def _query(self, client: Client, pool: AsyncConnectionPool[AsyncConnection[Any]], seconds: float) -> None:
        await self._query_nats(client, seconds)
        await self._query_postgres(client, pool, seconds)

    async def _query_nats(self, client: Client, seconds: float) -> None:
        jetstream = client.jetstream(timeout=seconds)
        try:
            log, commands, parked = [
                (await jetstream.stream_info(name)).state
                for name in (subjects.EVENTS, subjects.COMMANDS, subjects.PARKED)
            ]
        except (TimeoutError, nats.errors.Error, JetStreamError):
            self._up.labels("nats").set(0)
            for gauge in (self._log_position, self._waiting, self._parked):
                gauge.set(_UNKNOWN)
            return
        self._up.labels("nats").set(1)
        self._log_position.set(log.last_seq)
        self._waiting.set(commands.messages)
        self._parked.set(parked.messages)

    async def _query_postgres(
        self, client: Client, pool: AsyncConnectionPool[AsyncConnection[Any]], seconds: float
    ) -> None:
        try:
            async with pool.connection(timeout=seconds) as connection:
                query = "SELECT position FROM checkpoint WHERE name = %s"
                row = await (await connection.execute(query, (_PROJECTION,))).fetchone()
                query = "SELECT coalesce(max(position), 0) FROM archive.chain"
                archived = await (await connection.execute(query)).fetchone()
        except (psycopg.OperationalError, PoolTimeout):
            self._up.labels("postgres").set(0)
            for gauge in (self._projected_position, self._lag_events, self._lag_seconds, self._archive_position):
                gauge.set(_UNKNOWN)
            return
        self._up.labels("postgres").set(1)
        position = int(row[0]) if row else 0
        self._projected_position.set(position)
        self._archive_position.set(int(archived[0]) if archived else 0)
        await self._measure_lag(client, position, seconds)

    async def _measure_lag(self, client: Client, position: int, seconds: float) -> None:
        """The number of events behind a position, and the age of the first of them."""
        direct = DirectGet(client, subjects.EVENTS, ReplyInbox(client), seconds)
        try:
            waiting, _ = await direct.page({"seq": position + 1, "next_by_subj": ">", "batch": 1})
            end = (await client.jetstream(timeout=seconds).stream_info(subjects.EVENTS)).state
        except (LogUnavailableError, TimeoutError, nats.errors.Error, JetStreamError):
            self._lag_events.set(_UNKNOWN)
            self._lag_seconds.set(_UNKNOWN)
            return
        self._lag_events.set(max(end.last_seq - position, 0) if waiting else 0)
        since = max((clock.now() - direct_get.stored_at(waiting[0])).total_seconds(), 0) if waiting else 0
        self._lag_seconds.set(since)
