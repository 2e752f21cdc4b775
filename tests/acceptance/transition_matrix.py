"""Every type of state proposed in every type of state: what a server makes of each pair, as a table."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import uuid4

import httpx

from tests.acceptance.normal import Normalizer
from tests.acceptance.server import Server

TYPES = (
    "SCHEDULED",
    "PENDING",
    "RUNNING",
    "COMPLETED",
    "FAILED",
    "CANCELLED",
    "CRASHED",
    "PAUSED",
    "CANCELLING",
)
SUBJECTS = ("flow run", "flow run of a deployment", "task run in a flow run", "task run alone")
_AT_ONCE = 4
#: What a run has from its deployment rather than from its transitions.
OF_DEPLOYMENT = ("labels", "deployment_version", "work_queue_id", "work_queue_name", "work_pool_id", "work_pool_name")


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of the table."""

    subject: str
    #: None is a run that has no state yet: its creation proposes the first one, always by force.
    initial: str | None
    proposed: str
    force: bool

    def __str__(self) -> str:
        """Its name in reports."""
        force = " by force" if self.force else ""
        return f"{self.subject}: {self.initial} to {self.proposed}{force}"


def cells() -> Iterator[Cell]:
    """The whole table."""
    for subject, proposed in product(SUBJECTS, TYPES):
        yield Cell(subject, None, proposed, force=True)
        for initial, force in product(TYPES, (False, True)):
            yield Cell(subject, initial, proposed, force)


class Table:
    """The places that runs are made in on one server, and how each cell of the table comes out there."""

    def __init__(self, server: Server) -> None:
        limits = httpx.Limits(max_connections=_AT_ONCE)
        self._api = httpx.Client(base_url=server.api_url, timeout=60, limits=limits)
        self._flow_id = self._created("/flows/", {"name": f"matrix-{uuid4()}"})["id"]
        self._deployment_id = deployment_of(self._api, self._flow_id)
        running = {"flow_id": self._flow_id, "name": "around", "state": {"type": "RUNNING"}}
        self._around_id = self._created("/flow_runs/", running)["id"]

    def outcomes(self) -> dict[str, Any]:
        """Play every cell, a few at once."""
        with closing(self._api), ThreadPoolExecutor(_AT_ONCE) as threads:
            every = list(cells())
            return dict(zip(map(str, every), threads.map(self._outcome, every), strict=True))

    def _created(self, path: str, body: dict[str, Any]) -> Any:
        response = self._api.post(path, json=body)
        return response.raise_for_status().json()

    def _outcome(self, cell: Cell) -> Any:
        path = "/flow_runs/" if cell.subject.startswith("flow") else "/task_runs/"
        state = {"type": cell.proposed, "message": "m"}
        first = {"type": cell.initial} if cell.initial else state
        run_id = self._created(path, self._place(cell) | {"name": "run", "state": first})["id"]
        normalize = Normalizer({run_id: "<run>", self._around_id: "<around>", self._deployment_id: "<deployment>"})
        answer = None
        if cell.initial:
            response = self._api.post(f"{path}{run_id}/set_state", json={"state": state, "force": cell.force})
            answer = normalize([response.status_code, response.json()])
        run = normalize(self._api.get(f"{path}{run_id}").json())
        for name in OF_DEPLOYMENT:
            run.pop(name, None)
        return {"answer": answer, "run": run}

    def _place(self, cell: Cell) -> dict[str, Any]:
        keys = {"task_key": "t", "dynamic_key": str(uuid4())}
        return {
            "flow run": {"flow_id": self._flow_id},
            "flow run of a deployment": {"flow_id": self._flow_id, "deployment_id": self._deployment_id},
            "task run in a flow run": keys | {"flow_run_id": self._around_id},
            "task run alone": keys,
        }[cell.subject]


def deployment_of(api: httpx.Client, flow_id: str) -> str:
    """A deployment without a concurrency limit; where a server has none yet, an id that it takes for one."""
    response = api.post("/deployments/", json={"flow_id": flow_id, "name": "d"})
    if response.status_code == httpx.codes.NOT_IMPLEMENTED:
        return str(uuid4())
    deployment: str = response.raise_for_status().json()["id"]
    return deployment
