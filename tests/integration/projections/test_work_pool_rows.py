"""Work pools and queues as rows, and who was seen at work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from antiphon.events import ids
from antiphon.events.subjects import Aggregate
from antiphon.events.work_pool.events import (
    WorkPoolCreated,
    WorkPoolDeleted,
    WorkPoolUpdated,
    WorkQueueCreated,
    WorkQueueDeleted,
    WorkQueueUpdated,
)
from antiphon.projections.engine.writer import connect, write
from antiphon.projections.presence.projection import Presence, project
from antiphon.services.policy.kinds.document.decider import validated
from antiphon.services.policy.kinds.work_pool.model import WorkPoolFields, WorkQueueFields
from tests.examples import NOW
from tests.projection_scenario import ProjectionScenario, rows_of

POOL_ID, QUEUE_ID, OTHER_ID = (UUID(int=number) for number in (1, 2, 3))
POOL = Aggregate("work_pool", str(POOL_ID))


def created(**fields: Any) -> WorkPoolCreated:
    data = validated(WorkPoolFields, {"name": "pool", "type": "process", "default_queue_id": QUEUE_ID, **fields})
    assert isinstance(data, dict)
    return WorkPoolCreated(data=data)


def queue(queue_id: UUID, name: str, **fields: Any) -> WorkQueueCreated:
    data = validated(WorkQueueFields, {"name": name, "priority": 1, **fields})
    assert isinstance(data, dict)
    return WorkQueueCreated(queue_id=queue_id, data=data)


async def test_pools_and_queues_are_created_and_changed(projections: ProjectionScenario) -> None:
    shown = await projections.given(
        (POOL, created(base_job_template={"a": 1})),
        (POOL, queue(QUEUE_ID, "default")),
        (POOL, queue(OTHER_ID, "other", filter={"tags": ["a"], "deployment_ids": None})),
    ).when(
        (POOL, WorkPoolUpdated(changes={"is_paused": True, "concurrency_limit": 3})),
        (POOL, WorkQueueUpdated(queue_id=QUEUE_ID, changes={"priority": 2})),
    )
    shown.then("work_pool", {"name": "pool", "is_paused": True, "concurrency_limit": 3, "base_job_template": {"a": 1}})
    shown.then(
        "work_queue",
        {"name": "default", "priority": 2, "filter": None, "work_pool_id": str(POOL_ID)},
        {"name": "other", "priority": 1, "filter": {"tags": ["a"], "deployment_ids": None}},
    )


async def test_a_pool_takes_its_queues_along(projections: ProjectionScenario) -> None:
    happened = projections.given((POOL, created()), (POOL, queue(QUEUE_ID, "default")), (POOL, queue(OTHER_ID, "o")))
    shown = await happened.when((POOL, WorkQueueDeleted(queue_id=OTHER_ID)))
    shown.then("work_queue", {"name": "default"})
    (await happened.when((POOL, WorkPoolDeleted()))).then_nothing("work_pool", "work_queue")


async def test_heartbeats_and_polls_become_rows(projections: ProjectionScenario) -> None:
    worker: dict[str, Any] = {"work_pool_id": POOL_ID, "worker": "w"}
    seen = (
        Presence(at=NOW, heartbeat_interval_seconds=20, **worker),
        Presence(at=NOW + timedelta(seconds=9), **worker),
        # Of a gateway whose clock is behind.
        Presence(at=NOW + timedelta(seconds=5), polled=(QUEUE_ID, OTHER_ID), **worker),
        Presence(at=NOW, work_pool_id=POOL_ID, worker="gone"),
        Presence(at=NOW, work_pool_id=POOL_ID, worker="gone", is_gone=True),
    )
    changes = [change for one in seen for change in project(one.model_dump_json().encode())]
    async with await connect(projections.postgres_url) as connection:
        for times in (1, 2):
            await write(connection, changes, "presence", times)
        found = await rows_of(connection)
    (row,) = found["worker"]
    assert (row["id"], row["heartbeat_interval_seconds"]) == (str(ids.worker_id(POOL_ID, "w")), 20)
    assert row["last_heartbeat_time"] == (NOW + timedelta(seconds=9)).isoformat()
    assert [row["id"] for row in found["poll"]] == [str(QUEUE_ID), str(OTHER_ID)]


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"at": "never"}', b'{"at": "2001-01-01", "nope": 1}'])
def test_what_tells_of_no_presence_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="Presence"):
        project(body)
