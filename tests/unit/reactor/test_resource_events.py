"""What is told of resources: once, and the same wherever the reading of the log begins."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from antiphon.events.document.events import DeploymentCreated, DeploymentUpdated, FlowCreated, FlowDeleted, FlowUpdated
from antiphon.events.log.memory import MemoryLog
from antiphon.events.log.port import Draft, Recorded
from antiphon.events.message import Event, Metadata
from antiphon.events.subjects import Aggregate
from antiphon.events.work_pool.events import WorkPoolCreated, WorkPoolDeleted, WorkQueueCreated, WorkQueueUpdated
from antiphon.services.reactor.resource_events import ResourceEvents
from tests.examples import FLOW, FLOW_ID, NOW
from tests.log import append_to
from tests.unit.reactor.telling import log_of, told

POOL, DEPLOYMENT = Aggregate("work_pool", str(UUID(int=1))), Aggregate("deployment", str(UUID(int=2)))
DEFAULT, FAST = UUID(int=3), UUID(int=4)
QUEUE: dict[str, Any] = {"name": "default", "description": "", "priority": 1, "status": None}
PRIORITY = {"priority": 2}
#: What happened, by the number of the command it followed from.
FACTS: list[tuple[int, Aggregate, Event]] = [
    (1, FLOW, FlowCreated(data={"name": "flow", "tags": ["a"], "labels": {}})),
    (2, POOL, WorkPoolCreated(data={"name": "p", "type": "process", "is_paused": False, "default_queue_id": DEFAULT})),
    (2, POOL, WorkQueueCreated(queue_id=DEFAULT, data=QUEUE)),
    (3, POOL, WorkQueueUpdated(queue_id=DEFAULT, changes=PRIORITY)),
    (3, POOL, WorkQueueCreated(queue_id=FAST, data=QUEUE | {"name": "fast"})),
    (4, POOL, WorkQueueUpdated(queue_id=FAST, changes={"is_paused": True, "status": "PAUSED"})),
    (5, DEPLOYMENT, DeploymentCreated(data={"name": "d", "flow_id": str(FLOW_ID), "description": None})),
    (6, DEPLOYMENT, DeploymentUpdated(changes={"description": "words"})),
    (7, DEPLOYMENT, DeploymentUpdated(changes={"description": "words"})),
    (8, FLOW, FlowUpdated(changes={"tags": ["b"]})),
    (9, POOL, WorkPoolDeleted()),
    (10, FLOW, FlowDeleted()),
]


async def test_each_change_is_told_once_and_others_that_made_room_are_not() -> None:
    found = await told(ResourceEvents, *await log_of(FACTS))
    assert [(item["event"].removeprefix("prefect."), item["resource"]["prefect.resource.name"]) for item in found] == [
        ("flow.created", "flow"),
        ("work-pool.created", "p"),
        ("work-pool.not-ready", "p"),
        ("work-queue.created", "default"),
        ("work-queue.created", "fast"),
        ("work-queue.paused", "fast"),
        ("deployment.created", "d"),
        ("deployment.updated", "d"),
        ("flow.updated", "flow"),
        ("work-queue.deleted", "default"),
        ("work-queue.deleted", "fast"),
        ("work-pool.deleted", "p"),
        ("flow.deleted", "flow"),
    ]
    assert len({item["id"] for item in found}) == len(found)
    assert found[7]["payload"] == {
        "updated_fields": ["description"],
        "updates": {"description": {"from": None, "to": "words"}},
    }


async def test_whoever_begins_in_the_middle_tells_the_same() -> None:
    log, recorded = await log_of(FACTS)
    whole = await told(ResourceEvents, log, recorded)
    for begin in range(len(recorded)):
        rest = await told(ResourceEvents, log, recorded[begin:])
        assert rest == whole[len(whole) - len(rest) :]


async def test_parameters_with_large_integers_are_told() -> None:
    log = MemoryLog(lambda: NOW)
    changed = DeploymentUpdated(changes={"parameters": {"large": 2**70}})
    created = DeploymentCreated(data={"name": "d", "flow_id": str(FLOW_ID), "parameters": {}})
    for number, event in enumerate((created, changed)):
        await append_to(log, [Draft(DEPLOYMENT, event, Metadata(command_id=UUID(int=number), occurred_at=NOW), 0)])
    _, recorded = [item async for batch in log.follow(0, until=2) for item in batch]
    assert isinstance(recorded, Recorded)
    ((_, _, body),) = await ResourceEvents(log).messages(recorded)
    # orjson would read it as a float.
    event_told = json.loads(body)
    assert (event_told["event"], event_told["occurred"]) == (
        "prefect.deployment.updated",
        NOW.isoformat().replace("+00:00", "Z"),
    )
    assert str(2**70) in json.dumps(event_told["payload"])
