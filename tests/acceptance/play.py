"""Plays a program of requests on one server."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from tests.acceptance import pool_programs, value_programs
from tests.acceptance.normal import Normalizer
from tests.acceptance.programs import EPOCH
from tests.acceptance.server import Server
from tests.acceptance.step import SALT, Request, Step
from tests.acceptance.transition_matrix import OF_DEPLOYMENT, deployment_of

#: Method, kind and the rest of the path.
_OF_RUN = {
    "set flow run state": ("POST", "flow_runs", "/set_state"),
    "set task run state": ("POST", "task_runs", "/set_state"),
    "resume": ("POST", "flow_runs", "/resume"),
    "give input": ("POST", "flow_runs", "/input"),
    "update flow run": ("PATCH", "flow_runs", ""),
    "delete flow run": ("DELETE", "flow_runs", ""),
    "delete task run": ("DELETE", "task_runs", ""),
}

#: Seconds for what a server does in the background; what is not done by then shows as a difference.
_PATIENCE = 10.0


class Stage:
    """One server with what all programs share: a flow, and a deployment of it."""

    def __init__(self, server: Server) -> None:
        # A connection each: a server may close the one on which a request failed.
        self.api = httpx.Client(base_url=server.api_url, timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
        flow = self.api.post("/flows/", json={"name": f"differential-{uuid4()}"})
        self.flow_id: str = flow.raise_for_status().json()["id"]
        self.deployment_id = deployment_of(self.api, self.flow_id)

    def close(self) -> None:
        """Close the connection."""
        self.api.close()


@dataclass(slots=True)
class Play:
    """One program under way: the runs it has created, and their names."""

    stage: Stage
    salt: str
    flow_runs: list[str] = field(default_factory=list)
    task_runs: list[str] = field(default_factory=list)
    deployments: list[str] = field(default_factory=list)
    deleted: int = 0
    #: Whether somebody has asked for work.
    polled: bool = False
    normalize: Normalizer = field(default_factory=Normalizer)

    def __post_init__(self) -> None:
        """Name what this server has of its own."""
        self.normalize.name(self.stage.flow_id, "<flow>")
        self.normalize.name(self.stage.deployment_id, "<deployment>")
        self.normalize.name(self.salt, SALT)
        for method, path, body in pool_programs.beginning(self.salt):
            self.stage.api.request(method, path, json=body).raise_for_status()

    def answer(self, step: Step) -> Any:
        """Send the request of a step; None where it speaks of a run and there is none."""
        request = self._request(step)
        if request is None:
            return None
        method, path, body = request
        response = self.stage.api.request(method, path, json=body, headers=step.headers)
        value = response.json() if response.content else None
        if response.is_success and step.action.startswith("create"):
            self._created(step.action, value)
        if response.is_success and step.action in ("put deployment", "run deployment"):
            self._made(step.action, value)
        if response.is_success and step.action == "put deployment" and self.polled:
            value = _of_any_status(response.json())
        self.deleted += step.action.startswith("delete")
        if step.action == "ask for work" and response.is_success:
            self.polled = True
            self._await_ready(path.split("/")[2], body.get("work_queue_names", []))
            # Which of several that are due at one time come first is nobody's promise.
            value = sorted(self.normalize.text(item["work_queue_id"]) for item in value or ())
        return self._shown(response.status_code, value)

    def _await_ready(self, pool: str, queues: list[str]) -> None:
        """Until what was polled is marked, which servers do in the background; not for ever."""
        deadline = time.monotonic() + _PATIENCE
        while not all(self._marked(pool, queues)) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _marked(self, pool: str, queues: list[str]) -> Iterator[bool]:
        for queue in self.stage.api.post(f"/work_pools/{pool}/queues/filter", json={}).raise_for_status().json():
            if not queues or queue["name"] in queues:
                yield queue["last_polled"] is not None
        for number in self.deployments:
            found = self.stage.api.get(f"/deployments/{number}").raise_for_status().json()
            if found["work_pool_name"] == pool and (not queues or found["work_queue_name"] in queues):
                yield found["status"] == "READY"

    def _made(self, action: str, value: Any) -> None:
        known, kind = (self.deployments, "d") if action == "put deployment" else (self.flow_runs, "run")
        if value["id"] not in known:
            known.append(value["id"])
            self.normalize.name(value["id"], f"<{kind} {len(known)}>")

    def outcome(self) -> Any:
        """All runs and their states, and the deployments once the pools that there are have been polled."""
        for pool in pool_programs.pools(self.salt):
            if self.stage.api.post(f"/work_pools/{pool}/get_scheduled_flow_runs", json={}).is_success:
                self._await_ready(pool, [])
        runs = [("flow_run", number) for number in self.flow_runs] + [("task_run", number) for number in self.task_runs]
        found: list[Any] = [
            [self._read(f"/{kind}s/{number}"), self._read(f"/{kind}_states/?{kind}_id={number}")]
            for kind, number in dict.fromkeys(runs)
        ]
        found += [self._deployment(number) for number in self.deployments]
        for method, path, body in (*pool_programs.ending(self.salt), *value_programs.ending(self.salt)):
            response = self.stage.api.request(method, path, json=body)
            found.append(self._shown(response.status_code, response.json()))
        return found

    def _deployment(self, number: str) -> Any:
        response = self.stage.api.get(f"/deployments/{number}")
        value = response.json()
        return self._shown(response.status_code, value if value["work_pool_name"] else _of_any_status(value))

    def _read(self, path: str) -> Any:
        response = self.stage.api.get(path)
        return self._shown(response.status_code, response.json())

    def _shown(self, status: int, value: Any) -> Any:
        if isinstance(value, dict) and "name" in value and "state_type" in value:
            self.normalize.generated_name(value)
            value = {name: item for name, item in value.items() if name not in OF_DEPLOYMENT}
        return {"status": status, "body": self.normalize(value)}

    def _created(self, action: str, value: Any) -> None:
        kind, runs = ("run", self.flow_runs) if action == "create flow run" else ("task", self.task_runs)
        if value["id"] not in runs:
            runs.append(value["id"])
            self.normalize.name(value["id"], f"<{kind} {len(runs)}>")

    def _request(self, step: Step) -> Request | None:
        body = self._filled(step.body)
        match step.action:
            case "create flow run":
                parent = _one_of(self.task_runs, step.within)
                return "POST", "/flow_runs/", {"flow_id": self.stage.flow_id, "parent_task_run_id": parent} | body
            case "create task run":
                keys = {"task_key": self.salt, "dynamic_key": f"{len(self.task_runs)}"}
                return "POST", "/task_runs/", keys | {"flow_run_id": _one_of(self.flow_runs, step.within)} | body
            case "bulk set state":
                # Of one run only: the genuine server mixes the states of several up in its answer.
                which = {"id": {"any_": [run_id for run_id in [_one_of(self.flow_runs, step.of)] if run_id]}}
                return "POST", "/flow_runs/bulk_set_state", {"flow_runs": which} | body
            case action if action in _OF_RUN:
                return self._request_of_run(action, step.of, body)
            case action if action in value_programs.ACTIONS:
                return value_programs.request(step, body, self.salt)
            case _:
                return pool_programs.request(step, body, self.salt, self.stage.flow_id, self.deployments)

    def _request_of_run(self, action: str, of: int, body: Any) -> Request | None:
        method, kind, rest = _OF_RUN[action]
        run_id = _one_of(self.flow_runs if kind == "flow_runs" else self.task_runs, of)
        return None if run_id is None else (method, f"/{kind}/{run_id}{rest}", None if method == "DELETE" else body)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.replace(SALT, self.salt).replace(EPOCH, str(self.deleted))
            return value.replace("<deployment>", self.stage.deployment_id)
        if isinstance(value, dict):
            return {name: self._filled(item) for name, item in value.items()}
        return [self._filled(item) for item in value] if isinstance(value, list) else value


def _of_any_status(deployment: dict[str, Any]) -> dict[str, Any]:
    """Whether it is ready before the next poll, if its queue was polled before, is a decided difference (ADR 0016)."""
    return deployment | {"status": "<any>", "last_polled": "<any>"}


def _one_of(runs: list[str], which: int | None) -> str | None:
    return runs[which % len(runs)] if runs and which is not None else None
