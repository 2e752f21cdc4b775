"""A healed event stream has the rows that it would have, had none of its events been parked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from nats.aio.client import Client as NatsClient
from psycopg import AsyncConnection

from antiphon.events.document.events import (
    ArtifactCreated,
    DeploymentCreated,
    FlowCreated,
    FlowDeleted,
    FlowRunInputCreated,
    VariableCreated,
    VariableDeleted,
)
from antiphon.events.flow_run.events import FlowRunDeleted
from antiphon.events.limit.events import LeaseGranted, LimitCreated, LimitDeleted, LimitReset, SlotsAcquired
from antiphon.events.limit.slots import LimitReference, SlotCounts
from antiphon.events.log.nats.jetstream import JetStreamLog
from antiphon.events.log.port import Draft, Recorded, Unreadable
from antiphon.events.message import Event, Metadata
from antiphon.events.projection_messages import Heal
from antiphon.events.subjects import Aggregate, event
from antiphon.events.task_run.events import TaskRunDeleted
from antiphon.events.transition import ResultArtifact
from antiphon.projections.as_of.keyframes import Keyframes
from antiphon.projections.engine import parked_streams
from antiphon.projections.engine.event_reader import EventReader
from antiphon.projections.engine.runner import Runner
from antiphon.projections.engine.writer import connect
from antiphon.services.policy.kinds.deployment.model import Deployment
from antiphon.services.projector.healing import Healing
from tests.examples import FLOW, FLOW_ID, NOW, RUN, RUN_ID, TASK, TASK_ID, run_created, run_moved, state, task_created
from tests.log import append_to
from tests.projection_scenario import Rows, empty, rows_of

#: It stays; the other flow is deleted.
OTHER_FLOW: Final = UUID(int=1)
LIMITS: Final = (UUID(int=2), UUID(int=3))
CHILD: Final = Aggregate("flow_run", str(UUID(int=4)))
LATER: Final = Aggregate("flow_run", str(UUID(int=5)))


def flow(name: str) -> Event:
    return FlowCreated(data={"name": name, "tags": [], "labels": {}})


def artifact(**fields: Any) -> Event:
    none = dict.fromkeys(("key", "type", "description", "data", "metadata_", "flow_run_id", "task_run_id"))
    return ArtifactCreated(data={**none, **fields})


def made_result(key: str) -> Event:
    """A move with an artifact."""
    moved = run_moved(state("COMPLETED", data={"type": "x"}).model_copy(update={"id": uuid4()}), run_count=1)
    return moved.model_copy(update={"artifact": ResultArtifact(key=key)})


def happened() -> list[tuple[Aggregate, Event]]:
    """A life of everything that belongs to other things, which are deleted later, or followed by newer ones."""
    tally = SlotCounts(leased_slots=1, at=NOW)
    limit = LimitCreated(name="l", limit=5, active=True, slot_decay_per_second=0.0, tally=tally)
    references = tuple(LimitReference(id=each, name="l", limit=5) for each in LIMITS)
    lease = LeaseGranted(limits=references, slots=1, holder=None, granted_at=NOW, expires_at=NOW)
    child = run_created(parent_task_run_id=TASK_ID, to=state("PENDING").model_copy(update={"id": uuid4()}))
    later = run_created(to=state("PENDING").model_copy(update={"id": uuid4()}))
    deployed = Deployment(name="d", flow_id=FLOW_ID, tags=()).model_dump(mode="json")
    given = {"flow_run_id": str(RUN_ID), "key": "k", "value": "1", "sender": None}
    first, second = (Aggregate("variable", str(UUID(int=number))) for number in (6, 7))
    return [
        (FLOW, flow("flow")),
        (Aggregate("flow", str(OTHER_FLOW)), flow("other")),
        (Aggregate("deployment", str(UUID(int=8))), DeploymentCreated(data=deployed)),
        (RUN, run_created(tags=("a",))),
        (RUN, run_moved(state("RUNNING"), run_count=1)),
        (TASK, task_created(flow_run_id=RUN_ID)),
        (CHILD, child.model_copy(update={"flow_id": OTHER_FLOW})),
        (Aggregate("flow_run_input", str(UUID(int=9))), FlowRunInputCreated(data=given)),
        *((Aggregate("limit", str(each)), limit.model_copy(update={"name": str(each)})) for each in LIMITS),
        (Aggregate("lease", str(UUID(int=10))), lease),
        (RUN, made_result("of a run")),
        (CHILD, made_result("of a run")),
        *((Aggregate("artifact", str(UUID(int=number))), artifact(key="key", type=str(number))) for number in (11, 12)),
        (first, VariableCreated(data={"name": "v", "value": 1, "tags": []})),
        (first, VariableDeleted()),
        (second, VariableCreated(data={"name": "v", "value": 2, "tags": []})),
        (Aggregate("limit", str(LIMITS[0])), LimitDeleted()),
        (Aggregate("limit", str(LIMITS[1])), LimitReset(tally=tally)),
        (Aggregate("limit", str(LIMITS[1])), SlotsAcquired(slots=1, lease_id=None, tally=tally)),
        (TASK, TaskRunDeleted()),
        (LATER, later.model_copy(update={"flow_id": OTHER_FLOW})),
        (FLOW, FlowDeleted()),
        (LATER, FlowRunDeleted()),
    ]


async def test_whichever_event_was_parked_its_healed_rows_are_those_of_the_log(
    client: NatsClient, postgres_url: str
) -> None:
    log = JetStreamLog(client)
    facts = happened()
    drafts = [
        Draft(aggregate, fact, Metadata(command_id=uuid4(), occurred_at=NOW + timedelta(seconds=number)), 0)
        for number, (aggregate, fact) in enumerate(facts)
    ]
    last = (await append_to(log, drafts))[-1]
    items = [item async for batch in log.follow(0, until=last) for item in batch]
    async with await connect(postgres_url) as connection:
        expected = await healed(connection, log, items)
        for parked in [*({position} for position in range(1, last + 1)), set(range(1, last + 1))]:
            found = await healed(
                connection, log, [unreadable(item) if item.position in parked else item for item in items]
            )
            assert found == expected, [facts[position - 1] for position in parked]


def unreadable(item: Recorded | Unreadable) -> Unreadable:
    assert isinstance(item, Recorded)
    return Unreadable(item.position, event(item.aggregate, "what"), {}, b"", "then", item.recorded_at)


async def healed(connection: AsyncConnection[Any], log: JetStreamLog, items: Sequence[Recorded | Unreadable]) -> Rows:
    """The rows after a projection of events of which some are parked, and after the healing of all event streams."""
    await empty(connection)
    reader = EventReader({})
    runner: Runner[Recorded | Unreadable] = Runner(connection, "events", reader, 0, keyframes=Keyframes(connection))
    healing = Healing(log, reader, runner, asyncio.Lock())
    await runner.advance(items)
    for stream in await parked_streams.page(connection, 0, 100):
        assert (await healing.heal(Heal(event_stream=stream.event_stream))).error is None
    return await rows_of(connection)
