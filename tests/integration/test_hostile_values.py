"""Hostile values in commands of every type: what the policy appends, projections can write and reads can show."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import httpx
from nats.aio.client import Client as NatsClient
from pydantic import BaseModel, ValidationError

from antiphon.events import codec
from antiphon.events.codec import COMMAND_TYPES, EVENT_TYPES
from antiphon.events.errors import UndecodableError
from antiphon.events.json_bytes import without_nul
from antiphon.events.log.nats.parked import ParkedMessages
from antiphon.events.log.port import Recorded
from antiphon.events.message import Command, Event, Metadata, Payload
from antiphon.events.state import ProposedState
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run.commands import ReportedTaskRun
from antiphon.projections.as_of.keyframes import carry
from antiphon.projections.engine.projection import project
from antiphon.projections.engine.writer import connect, write
from antiphon.services.gateway.schemas.flow_runs import FlowRunCreate, FlowRunUpdate
from antiphon.services.gateway.schemas.states import SetStateBody
from antiphon.services.gateway.schemas.task_runs import TaskRunCreate, TaskRunUpdate
from antiphon.services.policy.kinds.deployment.model import Deployment
from antiphon.services.policy.kinds.document.resources import RESOURCES
from antiphon.services.policy.kinds.work_pool.model import WorkPoolFields, WorkQueueFields
from antiphon.services.policy.main import run as run_policy
from antiphon.services.projector.main import run as run_projector
from antiphon.services.recorder.main import run as run_recorder
from tests.examples import COMMAND_ID, NOW
from tests.hostile import FLOATS, KINDS, Hostile
from tests.integration.gateway.house import DEADLINE_SECONDS, Addresses
from tests.unit.recorder.test_translate import event

_ROUNDS: Final = 12
#: Older clients leave it to the server to schedule the task runs of a failed flow run again.
_HEADERS: Final = {"Content-Type": "application/json", "X-PREFECT-API-VERSION": "0.8.4"}
#: The models of the documents' `data`.
_DATA: Final[Mapping[str, type[Payload]]] = {
    **{kind: resource.model for kind, resource in RESOURCES.items()},
    "deployment": Deployment,
    "work_pool": WorkPoolFields,
}
_LISTS: Final = (
    *("/flows/filter", "/flow_runs/filter", "/task_runs/filter", "/variables/filter", "/artifacts/filter"),
    *("/artifacts/latest/filter", "/deployments/filter", "/work_pools/filter", "/work_queues/filter"),
    *("/v2/concurrency_limits/filter", "/logs/filter", "/events/filter", "/flow_runs/count", "/task_runs/count"),
    "/flow_runs/lateness",
)


class Sender:
    """Sends hostile commands, and keeps the ids of what exists."""

    def __init__(self, client: NatsClient) -> None:
        self._client = client
        self.ids: dict[str, list[str]] = defaultdict(list)
        self.hostile = Hostile(14, self.ids)

    async def send(self, kind: str, verb: str, object_id: str, body: Any) -> dict[str, Any]:
        """The outcome; none for a body that is no command, which would be parked for its sender (test_bad_input.py)."""
        try:
            codec.decode_command(Aggregate(kind, object_id), verb, encoded(body))
        except UndecodableError:
            return {}
        answer = await self._client.request(f"ask.{kind}.{object_id}.{verb}", encoded(body), timeout=DEADLINE_SECONDS)
        outcome: dict[str, Any] = json.loads(answer.data.partition(b"\n")[0])
        assert outcome["status"] != "PARKED", (kind, verb, outcome["reason"], encoded(body)[:3000])
        return outcome

    async def command(self, kind: str, verb: str, command: type[Command]) -> None:
        """One command, to something that exists, or for something new."""
        is_new = command.CREATES or not self.ids[kind]
        object_id = self.hostile.new_id() if is_new else self.hostile.random.choice(self.ids[kind])
        outcome = await self.send(kind, verb, object_id, self._body(kind, verb, command))
        if outcome.get("status") in {"CREATED", "ACCEPT", "EXISTS"} and command.CREATES:
            self.ids[kind].append(outcome["aggregate_id"])

    def _body(self, kind: str, verb: str, command: type[Command]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        schema = command.model_json_schema()
        document = WorkQueueFields if verb.endswith("_queue") else _DATA.get(kind)
        if document is not None and "data" in schema["properties"]:
            given["data"] = self.hostile.body(document.model_json_schema())
        if document is not None and "changes" in schema["properties"]:
            fields = self.hostile.body(document.model_json_schema())
            given["changes"] = dict(self.hostile.random.sample(sorted(fields.items()), k=min(2, len(fields))))
        if verb == "create_queue":
            self.ids["work_queue"].append(given.setdefault("queue_id", self.hostile.new_id()))
        return self.hostile.body(schema, **given)


def encoded(body: Any) -> bytes:
    return json.dumps(body).encode()


async def _shown(caller: httpx.AsyncClient, path: str) -> Any:
    answer = await caller.get(path)
    assert answer.status_code == 200, (path, answer.text[:500])
    return answer.json()


async def test_what_is_appended_can_be_shown(addresses: Addresses, client: NatsClient) -> None:
    sender = Sender(client)
    creations = sorted(key for key, command in COMMAND_TYPES.items() if command.CREATES and key[0] != "lease")
    others = sorted(key for key in COMMAND_TYPES if key not in creations and key[1] != "delete")
    async with addresses.running(run_policy, run_projector, run_recorder), addresses.gateway() as caller:
        # Answered once the policy is active.
        assert (await caller.post("/flows/", json={"name": "flow"})).status_code == 201
        for _ in range(_ROUNDS):
            for key in (*creations, *others):
                await sender.command(*key, COMMAND_TYPES[key])
        ended = [
            (kind, run_id)
            for kind in ("flow_run", "task_run")
            for run_id in dict.fromkeys(sender.ids[kind])
            if await _ends(sender, kind, run_id)
        ]
        for kind, run_id in ended:
            assert (await _shown(caller, f"/{kind}s/{run_id}"))["state_type"] == "FAILED"
            states = await _shown(caller, f"/{kind}_states/?{kind}_id={run_id}")
            assert "FAILED" in {state["type"] for state in states}
        for path in _LISTS:
            answer = await caller.post(path, json={})
            assert answer.status_code == 200, (path, answer.text[:500])
        for kind in ("lease", "limit", "task_run", "flow_run", "deployment", "work_pool", "flow"):
            for object_id in sender.ids[kind][::2]:
                if (kind, "delete") in COMMAND_TYPES:
                    await sender.send(kind, "delete", object_id, {})
        assert (await caller.post("/flow_runs/filter", json={})).status_code == 200
    assert len(ended) > _ROUNDS
    assert await ParkedMessages(client).count() == 0


async def _ends(sender: Sender, kind: str, run_id: str) -> bool:
    schema = COMMAND_TYPES[kind, "set_state"].model_json_schema()
    state = sender.hostile.body(schema)["state"] | {"type": "FAILED"}
    force = sender.hostile.random.random() < 0.5
    outcome = await sender.send(kind, "set_state", run_id, {"state": state, "force": force})
    return outcome.get("status") == "ACCEPT"


async def _post(caller: httpx.AsyncClient, path: str, body: Any, method: str = "POST") -> httpx.Response:
    """A request that may be refused, but is no fault of the server."""
    answer = await caller.request(method, path, content=encoded(body), headers=_HEADERS)
    assert answer.status_code < 500, (path, answer.text[:500], encoded(body)[:3000])
    return answer


async def _lives(caller: httpx.AsyncClient, hostile: Hostile, kind: str, run_id: str) -> bool:
    """Whether a run that was changed and started could be ended."""
    update: type[BaseModel] = FlowRunUpdate if kind == "flow_run" else TaskRunUpdate
    await _post(caller, f"/{kind}s/{run_id}", hostile.body(update.model_json_schema()), "PATCH")
    bodies = [hostile.body(SetStateBody.model_json_schema(), force=hostile.random.random() < 0.5) for _ in range(2)]
    bodies[0]["state"]["type"], bodies[1]["state"]["type"] = "RUNNING", "FAILED"
    answers = [await _post(caller, f"/{kind}s/{run_id}/set_state", body) for body in bodies]
    return answers[-1].is_success and answers[-1].json()["status"] == "ACCEPT"


async def _reported(caller: httpx.AsyncClient, hostile: Hostile) -> str:
    """A task run whose end an event reports."""
    run_id = hostile.new_id()
    given = {"dynamic_key": run_id, "total_run_time": hostile.random.choice(FLOATS)}
    payload = {
        "task_run": hostile.body(ReportedTaskRun.model_json_schema(), **given),
        "validated_state": hostile.body(ProposedState.model_json_schema()) | {"type": "FAILED"},
    }
    resource = {"prefect.resource.id": f"prefect.task-run.{run_id}", "prefect.orchestration": "client"}
    body = event(id=hostile.new_id(), event="prefect.task-run.Failed", resource=resource, related=[], payload=payload)
    assert (await _post(caller, "/events", [body])).is_success
    return run_id


async def test_over_http_and_in_reports(addresses: Addresses, client: NatsClient) -> None:
    ids: dict[str, list[str]] = defaultdict(list)
    hostile, honest = Hostile(15, ids), Hostile(16, ids, malice=0)
    #: By kind and id; a run is found again if another is created with its keys.
    ended: dict[tuple[str, str], bool] = {}
    async with addresses.running(run_policy, run_projector, run_recorder), addresses.gateway() as caller:
        ids["flow"].append((await _post(caller, "/flows/", {"name": "flow"})).json()["id"])
        for _ in range(_ROUNDS):
            for kind in ("flow_run", "task_run"):
                creation: type[BaseModel] = FlowRunCreate if kind == "flow_run" else TaskRunCreate
                # A task run has the state of its subflow.
                given = {"parent_task_run_id": None} if kind == "flow_run" else {}
                answer = await _post(caller, f"/{kind}s/", hostile.body(creation.model_json_schema(), **given))
                if answer.status_code == 201:
                    ids[kind].append(run_id := answer.json()["id"])
                    ended[kind, run_id] = await _lives(caller, hostile, kind, run_id)
            ended["task_run", await _reported(caller, honest)] = True
        for kind, run_id in (run for run, is_over in ended.items() if is_over):
            async with asyncio.timeout(DEADLINE_SECONDS):
                while (shown := await caller.get(f"/{kind}s/{run_id}")).json().get("state_type") != "FAILED":
                    assert shown.status_code in {200, 404}, shown.text
                    await asyncio.sleep(0.05)
    assert sum(ended.values()) > _ROUNDS
    assert await ParkedMessages(client).count() == 0


def _event_of(hostile: Hostile, name: str) -> Event | None:
    """An event with hostile values, if the log could hold it."""
    event_type = EVENT_TYPES[name]
    schema, given = event_type.model_json_schema(), dict[str, Any]()
    model = WorkQueueFields if ".queue_" in name else _DATA.get(name.partition(".")[0])
    try:
        for field in ("data", "changes"):
            if model is not None and field in schema["properties"]:
                # As the policy appends it: valid, and with its defaults.
                fields = without_nul(encoded(hostile.body(model.model_json_schema())))
                given[field] = model.model_validate_json(fields).model_dump(mode="json")
        body = hostile.body(schema, **given)
        if isinstance(changes := body.get("changes"), dict):
            # No column of what may change can be null, or the policy refuses it.
            body["changes"] = {name: value for name, value in changes.items() if value is not None}
        return event_type.model_validate_json(without_nul(encoded(body)))
    except ValidationError:
        return None


async def test_events_of_every_type_are_projected(postgres_url: str) -> None:
    ids = {kind: [str(UUID(int=number)) for number in range(3)] for kind in KINDS.values()}
    hostile, position = Hostile(17, ids), 0
    projected: set[str] = set()
    async with await connect(postgres_url) as connection:
        await carry(connection, 0)
        for name in sorted(EVENT_TYPES) * _ROUNDS:
            happened = _event_of(hostile, name)
            if happened is None:
                continue
            position += 1
            kind = name.partition(".")[0]
            aggregate = Aggregate(kind, hostile.random.choice(ids.get(kind, ids["flow"])))
            recorded = Recorded(position, aggregate, happened, Metadata(COMMAND_ID, NOW), NOW)
            again = codec.decode_event(aggregate, happened.action, happened.VERSION, codec.encode(happened))
            assert codec.encode(again) == codec.encode(happened)
            await write(connection, project(recorded), "events", position)
            projected.add(name)
    assert projected == set(EVENT_TYPES)
