"""The flows of made-up runs, and the usual course of their runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from antiphon.events.client.client import Client
from antiphon.events.document.commands import CreateDeployment, CreateFlow
from antiphon.events.log.errors import LogError
from antiphon.events.outcome import Status
from antiphon.services.runtime.ids import uuid7


@dataclass(frozen=True, slots=True)
class Habit:
    """The usual course of the runs of a flow."""

    flow: str
    #: The flow's share of all runs, in percent.
    share: int
    #: The median duration of its runs.
    seconds: float
    tags: tuple[str, ...] = ()
    #: Its deployments; without one, its runs are started by hand.
    deployments: tuple[str, ...] = ()


HABITS: Final = (
    Habit("ingest-orders", 24, 20, ("team:orders", "env:prod"), ("eu", "us", "asia")),
    Habit("refresh-prices", 18, 4, ("team:pricing", "env:prod"), ("hourly", "closing")),
    Habit("sync-customers", 14, 45, ("team:crm", "env:prod"), ("full", "changes")),
    Habit("score-leads", 10, 90, ("team:crm", "env:prod", "ml"), ("nightly",)),
    Habit("build-reports", 8, 240, ("team:finance", "env:prod"), ("daily", "month-end")),
    Habit("check-quality", 8, 8, ("team:platform",), ("warehouse", "lake")),
    Habit("export-ledger", 6, 120, ("team:finance", "env:prod", "audit"), ("daily",)),
    Habit("train-forecast", 3, 1800, ("team:pricing", "ml"), ("weekly",)),
    Habit("clean-up", 3, 15, (), ("nightly",)),
    Habit("try-things", 6, 10, ("env:dev",)),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """A flow, with one of its deployments if it has any."""

    habit: Habit
    flow_id: UUID
    deployment_id: UUID | None


async def make_flows(client: Client) -> Sequence[Origin]:
    """Create the missing flows and deployments by commands; raises LogError."""
    origins = []
    for habit in HABITS:
        flow_id = await _made(client, CreateFlow(data={"name": habit.flow, "tags": list(habit.tags), "labels": {}}))
        for name in habit.deployments:
            data = {"name": name, "flow_id": str(flow_id), "tags": list(habit.tags), "enforce_parameter_schema": False}
            origins.append(Origin(habit, flow_id, await _made(client, CreateDeployment(data=data))))
        if not habit.deployments:
            origins.append(Origin(habit, flow_id, None))
    return origins


async def _made(client: Client, command: CreateFlow | CreateDeployment) -> UUID:
    outcome = await client.decide(uuid7(), command)
    if outcome.status not in (Status.CREATED, Status.EXISTS, Status.UPDATED):
        raise LogError(f"{command.KIND} {command.data['name']!r} was not created: {outcome.reason}")
    return UUID(outcome.aggregate_id)
