"""The recorder and the policy as processes: observed events become facts in the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import orjson
import pytest
from nats.aio.client import Client as NatsClient

from antiphon.events import subjects
from antiphon.events.client.client import Client, EventFilter
from antiphon.events.log.port import Recorded
from antiphon.events.task_run.events import TaskRunStateRecorded
from antiphon.services.policy.main import run as run_policy
from antiphon.services.recorder import main
from antiphon.services.recorder.main import run as run_recorder
from antiphon.services.runtime.settings import Settings
from tests.integration import in_process
from tests.unit.recorder.test_translate import event

DEADLINE_SECONDS = 20.0


@asynccontextmanager
async def running(nats_url: str) -> AsyncIterator[None]:
    """Run policy and recorder in this event loop."""
    settings = Settings(nats_url=nats_url, postgres_url=in_process.NO_POSTGRES)
    async with in_process.running(settings, run_policy, run_recorder):
        yield


async def observe(client: NatsClient, task_run_id: UUID, body: bytes) -> None:
    await client.jetstream().publish(subjects.observation("task_run", str(task_run_id)), body)


def reported(task_run_id: UUID, *, state_id: UUID, occurred: str) -> bytes:
    resource = {"prefect.resource.id": f"prefect.task-run.{task_run_id}", "prefect.orchestration": "client"}
    return orjson.dumps(event(id=str(state_id), occurred=occurred, resource=resource))


async def recorded(client: NatsClient, task_run_id: UUID, count: int) -> list[TaskRunStateRecorded]:
    """The first `count` recorded states of a task run, in log order."""
    found: list[TaskRunStateRecorded] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for item in Client(client).subscribe(EventFilter("task_run", task_run_id, "state.recorded"), 1):
            assert isinstance(item, Recorded)
            assert isinstance(item.event, TaskRunStateRecorded)
            found.append(item.event)
            if len(found) == count:
                break
    return found


async def test_a_reported_state_becomes_an_event(client: NatsClient, nats_url: str) -> None:
    task_run_id, state_id = uuid4(), uuid4()
    await observe(client, task_run_id, reported(task_run_id, state_id=state_id, occurred="2026-01-01T00:00:01Z"))
    async with running(nats_url):
        (only,) = await recorded(client, task_run_id, 1)
    assert only.is_latest
    assert only.state.id == state_id
    # The command was a request: it did not pass through the queue.
    assert (await client.jetstream().stream_info(subjects.COMMANDS)).state.last_seq == 0


async def test_a_report_that_no_policy_decided_in_time_is_delivered_again(
    client: NatsClient, nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "_DECISION_SECONDS", 0.2)
    task_run_id, state_id = uuid4(), uuid4()
    settings = Settings(nats_url=nats_url, postgres_url=in_process.NO_POSTGRES)
    async with in_process.running(settings, run_recorder):
        await observe(client, task_run_id, reported(task_run_id, state_id=state_id, occurred="2026-01-01T00:00:01Z"))
        await asyncio.sleep(1)
        async with in_process.running(settings, run_policy):
            (only,) = await recorded(client, task_run_id, 1)
    assert only.state.id == state_id


async def test_repeats_are_recorded_once_and_late_ones_do_not_move_the_run(client: NatsClient, nats_url: str) -> None:
    task_run_id, newer, older, last = (uuid4() for _ in range(4))
    for state_id, occurred in (
        (newer, "2026-01-01T00:00:02Z"),
        (newer, "2026-01-01T00:00:02Z"),
        (older, "2026-01-01T00:00:01Z"),
        (last, "2026-01-01T00:00:03Z"),
    ):
        await observe(client, task_run_id, reported(task_run_id, state_id=state_id, occurred=occurred))
    async with running(nats_url):
        states = await recorded(client, task_run_id, 3)
    assert [(item.state.id, item.is_latest) for item in states] == [(newer, True), (older, False), (last, True)]


async def test_a_recorder_that_starts_again_goes_on_where_it_was(client: NatsClient, nats_url: str) -> None:
    task_run_id, first, second = uuid4(), uuid4(), uuid4()
    await observe(client, task_run_id, reported(task_run_id, state_id=first, occurred="2026-01-01T00:00:01Z"))
    async with running(nats_url):
        await recorded(client, task_run_id, 1)
    await observe(client, task_run_id, reported(task_run_id, state_id=second, occurred="2026-01-01T00:00:02Z"))
    async with running(nats_url):
        states = await recorded(client, task_run_id, 2)
    assert [item.state.id for item in states] == [first, second]


async def test_what_cannot_be_read_is_parked_and_does_not_stop_the_rest(client: NatsClient, nats_url: str) -> None:
    task_run_id, state_id = uuid4(), uuid4()
    parked = await client.jetstream().pull_subscribe("parked.recorder.unreadable.obs.task_run", stream=subjects.PARKED)
    await observe(client, task_run_id, b"not json")
    await observe(client, task_run_id, reported(task_run_id, state_id=state_id, occurred="2026-01-01T00:00:01Z"))
    async with running(nats_url):
        await recorded(client, task_run_id, 1)
        (message,) = await parked.fetch(1, timeout=DEADLINE_SECONDS)
    assert message.data == b"not json"
    assert "not a task-run event" in (message.headers or {})["Antiphon-Error"]
