"""Texts with U+0000 are stored without it, wherever they come from: PostgreSQL has no such character."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
from nats.aio.client import Client as NatsClient

from antiphon.events import subjects
from antiphon.events.log.nats.parked import ParkedMessages
from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from antiphon.services.recorder.main import run as run_recorder
from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses
from tests.unit.recorder.test_translate import event

_TEXT: Final = "a\0b"
_FAILED: Final = {"type": "FAILED", "name": _TEXT, "message": f"ValueError: {_TEXT}", "data": {_TEXT: [_TEXT]}}


async def _created(caller: httpx.AsyncClient, path: str, **body: Any) -> Any:
    answer = await caller.post(path, json=body)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


async def _until(caller: httpx.AsyncClient, path: str, is_so: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (answer := await caller.get(path)).status_code != 200 or not is_so(answer.json()):
            await asyncio.sleep(0.05)
    return answer.json()


async def test_over_http(addresses: Addresses, client: NatsClient) -> None:
    async with addresses.running(run_policy, run_projector, run_recorder), addresses.gateway() as caller:
        flow = await _created(caller, "/flows/", name=_TEXT, tags=[_TEXT], labels={_TEXT: _TEXT})
        assert (flow["name"], flow["tags"], flow["labels"]) == ("ab", ["ab"], {"ab": "ab"})
        run = await _created(
            caller,
            "/flow_runs/",
            flow_id=flow["id"],
            name=_TEXT,
            tags=[_TEXT],
            labels={_TEXT: _TEXT},
            parameters={_TEXT: "\\u0000"},
            job_variables={_TEXT: _TEXT},
            state={"type": "PENDING", "message": _TEXT},
        )
        task = await _created(
            caller, "/task_runs/", flow_run_id=run["id"], task_key=_TEXT, dynamic_key=_TEXT, name=_TEXT, cache_key=_TEXT
        )
        for kind, object_id in (("flow_runs", run["id"]), ("task_runs", task["id"])):
            answer = await caller.post(f"/{kind}/{object_id}/set_state", json={"state": _FAILED, "force": True})
            assert (answer.status_code, answer.json()["status"]) == (201, "ACCEPT"), answer.text
            state = (await caller.get(f"/{kind}/{object_id}")).json()["state"]
            told = (state["type"], state["name"], state["message"], state["data"])
            assert told == ("FAILED", "ab", "ValueError: ab", {"ab": ["ab"]})
        shown = (await caller.get(f"/flow_runs/{run['id']}")).json()
        assert (shown["name"], shown["tags"], shown["job_variables"]) == ("ab", ["ab"], {"ab": "ab"})
        assert shown["parameters"] == {"ab": "\\u0000"}
        deployment = await _created(caller, "/deployments/", name=_TEXT, flow_id=flow["id"], description=_TEXT)
        assert (deployment["name"], deployment["description"]) == ("ab", "ab")
        made = {"made": {"__prefect_kind": "json", "value": json.dumps(_TEXT)}}
        run = await _created(caller, f"/deployments/{deployment['id']}/create_flow_run", parameters=made)
        assert run["parameters"] == {"made": "ab"}
        await _created(caller, f"/flow_runs/{run['id']}/input", key=_TEXT, value=json.dumps(_TEXT), sender=_TEXT)
        # Its value is JSON in a text, which PostgreSQL takes as it is.
        assert (await caller.get(f"/flow_runs/{run['id']}/input/ab")).json() == _TEXT
        assert (await _created(caller, "/variables/", name=_TEXT, value={_TEXT: _TEXT}))["value"] == {"ab": "ab"}
        artifact = await _created(caller, "/artifacts/", key=_TEXT, type=_TEXT, description=_TEXT, data=[_TEXT])
        assert (artifact["key"], artifact["data"]) == ("ab", ["ab"])
        line = {"name": _TEXT, "level": 20, "message": _TEXT, "timestamp": "2026-01-01T00:00:00Z"}
        assert (await caller.post("/logs/", json=[line])).status_code == 201
        assert [each["message"] for each in (await caller.post("/logs/filter", json={})).json()] == ["ab"]
        found = await caller.post("/flows/filter", json={"flows": {"name": {"any_": [_TEXT]}}})
        assert [each["id"] for each in found.json()] == [flow["id"]]
        await _reported(caller)
        assert await ParkedMessages(client).count() == 0


async def _reported(caller: httpx.AsyncClient) -> None:
    """A task run whose events the SDK sends."""
    task_id, state_id = uuid4(), uuid4()
    resource = {"prefect.resource.id": f"prefect.task-run.{task_id}", "prefect.orchestration": "client"}
    body = event(id=str(state_id), occurred=datetime.now(UTC).isoformat(), resource=resource, related=[])
    body["payload"] = {
        "validated_state": _FAILED,
        "task_run": {"task_key": _TEXT, "dynamic_key": _TEXT, "name": _TEXT, "tags": [_TEXT], "labels": {_TEXT: _TEXT}},
    }
    assert (await caller.post("/events", json=[body])).status_code == 204
    shown = await _until(caller, f"/task_runs/{task_id}", lambda run: run["state_type"] == "FAILED")
    assert (shown["name"], shown["tags"], shown["state"]["message"]) == ("ab", ["ab"], "ValueError: ab")
    within = {"filter": {"event": {"name": [body["event"]]}}}
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (rows := (await caller.post("/events/filter", json=within)).json()["events"]):
            await asyncio.sleep(0.05)
    assert rows[0]["payload"]["validated_state"]["message"] == "ValueError: ab"


async def test_over_nats(addresses: Addresses, client: NatsClient) -> None:
    async with addresses.running(run_policy, run_projector), addresses.gateway() as caller:
        flow = await _created(caller, "/flows/", name="flow")
        run_id = uuid4()
        bodies: dict[str, Any] = {
            "create": {"flow_id": flow["id"], "name": _TEXT, "parameters": {_TEXT: _TEXT}, "idempotency_key": _TEXT},
            "set_state": {"state": _FAILED, "force": True},
        }
        for verb, body in bodies.items():
            await _asked(client, f"ask.flow_run.{run_id}.{verb}", body)
        shown = await _until(caller, f"/flow_runs/{run_id}", lambda run: run["state_type"] == "FAILED")
        assert (shown["name"], shown["parameters"], shown["state"]["message"]) == ("ab", {"ab": "ab"}, "ValueError: ab")
        line = {"id": str(UUID(int=1)), "created": "2026-01-01T00:00:00Z", "name": _TEXT, "level": 20, "message": _TEXT}
        said = json.dumps([line | {"timestamp": line["created"]}]).encode()
        await client.jetstream().publish(subjects.observation("log", str(run_id)), said)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not (lines := (await caller.post("/logs/filter", json={})).json()):
                await asyncio.sleep(0.05)
        assert (lines[0]["name"], lines[0]["message"]) == ("ab", "ab")
        assert await ParkedMessages(client).count() == 0


async def _asked(client: NatsClient, subject: str, body: Any) -> None:
    answer = await client.request(subject, json.dumps(body).encode(), timeout=DEADLINE_SECONDS)
    assert json.loads(answer.data.partition(b"\n")[0])["state_written"], answer.data
