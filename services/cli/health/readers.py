"""Checks the readers of streams: lag and parked messages."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from nats.aio.client import Client
from nats.js.errors import NotFoundError

from antiphon.events import subjects
from antiphon.projections.engine import parked_streams
from antiphon.projections.engine.parked_streams import ParkedTotals
from antiphon.services.cli import lag
from antiphon.services.cli.health.database import one
from antiphon.services.cli.health.finding import Finding, Severity, judged
from antiphon.services.cli.lag import Lag
from antiphon.services.projecting.observation_projection import KINDS
from antiphon.services.runtime.nats import stream_states

_WORRYING_LAG: Final = 1000
#: The process of a reader.
_ROLE_OF: Final = dict.fromkeys(("events", "archive"), "projector") | {kind.name: kind.role for kind in KINDS}


async def examined(client: Client, connection: psycopg.AsyncConnection[Any]) -> list[Finding]:
    """Check every reader; none where there are no streams or tables yet."""
    try:
        states = await stream_states(client, subjects.STREAMS)
    except NotFoundError:
        return []
    lags, findings = await lag.on_nats(client, states), list[Finding]()
    if await one(connection, "SELECT to_regclass('archive.chain')") is not None:
        lags += await lag.of_projections(client, await lag.positions(connection), states)
        findings.append(_parked_streams(await parked_streams.totals(connection)))
    parked = states[subjects.PARKED].messages
    return [
        *(_finding(item) for item in lags),
        judged(
            "parked messages",
            f"{parked}",
            is_well=not parked,
            advice="`antiphon parked list` says what and why; repair that, then `antiphon parked replay --all`",
            severity=Severity.WARNING,
        ),
        *findings,
    ]


def _parked_streams(totals: ParkedTotals) -> Finding:
    return judged(
        "parked event streams",
        f"{totals.event_streams}, with {totals.waiting_events} events that wait",
        is_well=not totals.event_streams,
        advice="`antiphon parked streams` says what and why; repair that, then `antiphon parked heal --all`",
        severity=Severity.WARNING,
    )


def _finding(item: Lag) -> Finding:
    subject = f"lag of {item.reader}"
    if item.position is not None and item.position > item.last:
        return Finding(
            subject=subject,
            severity=Severity.PROBLEM,
            found=f"at {item.position}, ahead of {item.stream} at {item.last}",
            advice="the stream was lost or exchanged: restore it, or start with an empty database",
        )
    role = _ROLE_OF.get(item.reader, item.reader.partition("-")[0])
    return judged(
        subject,
        f"{item.lag} messages of {item.stream}, which is at {item.last}",
        is_well=item.lag < _WORRYING_LAG,
        advice=f"is the {role} running? `antiphon status`, and its log",
        severity=Severity.WARNING,
    )
