"""A creation is answered from its events: what it says is what the first read says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx

from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from tests.integration.gateway.house import Addresses

#: They grow with the clock.
_ESTIMATES = {"estimated_run_time", "estimated_start_time_delta"}
_FUTURE = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2999-01-01T00:00:00+02:00"}}
_PAST = {"type": "SCHEDULED", "name": "Late", "state_details": {"scheduled_time": "2026-01-01T00:00:00.5-07:00"}}

FLOW_RUNS: list[dict[str, Any]] = [
    {},
    {"state": {"type": "PENDING", "name": "Waiting", "message": "ä\U0001f600"}},
    {"state": _FUTURE, "tags": ["b", "a", "b"], "labels": {"a": 1, "b": 2.5, "c": True, "d": "x"}},
    {"state": _PAST, "parameters": {"x": [1, 1.0, 1e22, -0.0, None, {"b": 1, "a": 2}]}, "context": {"a": {}}},
    {"name": "named", "flow_version": "1", "idempotency_key": "key", "job_variables": {"a": [1]}},
    {"idempotency_key": "other", "work_queue_name": "nowhere", "infrastructure_document_id": str(uuid4())},
    {"empirical_policy": {"retries": 3, "retry_delay": 1, "pause_keys": ["b", "a"], "retry_type": "reschedule"}},
    {"state": {"type": "PENDING", "data": {"type": "unpersisted"}}},
    {"state": {"type": "PENDING", "data": {"x": [1]}, "state_details": {"pause_key": "k", "refresh_cache": True}}},
]
#: Only the database tells.
READ: list[dict[str, Any]] = [
    {"state": {"type": "RUNNING"}},
    {"state": {"type": "COMPLETED"}},
    {"parameters": {"x": 2**70}},
]
TASK_RUNS: list[dict[str, Any]] = [
    {"state": {"type": "PENDING"}},
    {"state": _FUTURE, "name": "named", "tags": ["a"], "labels": {"a": 1}, "task_version": "1"},
    {"state": _PAST, "cache_key": "k", "cache_expiration": "2999-01-01T00:00:00+02:00"},
    {
        "state": {"type": "PENDING"},
        "task_inputs": {"x": [{"input_type": "parameter", "name": "y"}]},
        "empirical_policy": {"retries": 2, "retry_delay": [1, 2], "retry_jitter_factor": 0.5},
    },
]


async def test_a_flow_run_is_answered_as_it_is_read(addresses: Addresses) -> None:
    async with addresses.running(run_policy), addresses.gateway() as gateway:
        async with addresses.running(run_projector):
            flow = (await gateway.post("/flows/", json={"name": "flow", "labels": {"of": "flow"}})).json()["id"]
        # Nothing is projected now.
        created = [await gateway.post("/flow_runs/", json={"flow_id": flow, **body}) for body in FLOW_RUNS]
        async with addresses.running(run_projector):
            await same(gateway, "/flow_runs", created)


async def test_a_task_run_is_answered_as_it_is_read(addresses: Addresses) -> None:
    async with addresses.running(run_policy), addresses.gateway() as gateway:
        async with addresses.running(run_projector):
            flow = (await gateway.post("/flows/", json={"name": "flow"})).json()["id"]
            flow_run = (await gateway.post("/flow_runs/", json={"flow_id": flow})).json()["id"]
        keys = {"flow_run_id": flow_run, "task_key": "t"}
        created = [
            await gateway.post("/task_runs/", json={**keys, "dynamic_key": str(number), **body})
            for number, body in enumerate(TASK_RUNS)
        ]
        async with addresses.running(run_projector):
            await same(gateway, "/task_runs", created)


async def test_what_only_the_database_tells_is_read(addresses: Addresses) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway() as gateway:
        flow = (await gateway.post("/flows/", json={"name": "flow"})).json()["id"]
        created = [await gateway.post("/flow_runs/", json={"flow_id": flow, **body}) for body in READ]
        await same(gateway, "/flow_runs", created)


async def same(gateway: httpx.AsyncClient, path: str, created: Sequence[httpx.Response]) -> None:
    """What was answered is what is read, in the same order, but for what grows."""
    for answer in created:
        assert answer.status_code == 201, answer.text
        assert "Antiphon-Projected" not in answer.headers
        shown = answer.json()
        read = (await gateway.get(f"{path}/{shown['id']}")).json()
        assert list(shown) == list(read)
        for name, value in read.items():
            if name in _ESTIMATES and value:
                assert 0 <= shown[name] <= value
            else:
                assert (name, shown[name]) == (name, value)
