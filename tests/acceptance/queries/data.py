"""A data set of 2,000 runs: every state with every kind of tags, parents, versions, keys and times.

A part of it is a random choice among them, the same in every run.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle, product
from typing import Any, Final

import httpx

from tests.acceptance.queries.shift import shifted

#: Times in these years are given by us; every other time is the server's own.
PAST: Final = datetime(2001, 1, 1, tzinfo=UTC)
FUTURE: Final = datetime(2099, 1, 1, tzinfo=UTC)

FLOWS: Final = tuple(f"{name}-{number}" for name in ("Alpha", "beta", "Gamma 100", "_delta") for number in range(3))
TAGS: Final = ((), ("a",), ("a", "b"), ("b", "c", "Ünï"))
VERSIONS: Final = (None, "1", "2")
#: What a run goes through after it was planned.
WAYS: Final[tuple[tuple[dict[str, Any], ...], ...]] = (
    (),
    ({"type": "SCHEDULED", "name": "Late"},),
    ({"type": "PENDING"},),
    ({"type": "RUNNING"},),
    ({"type": "RUNNING", "name": "Retrying"},),
    ({"type": "PAUSED"},),
    ({"type": "PAUSED", "name": "Suspended"},),
    ({"type": "CANCELLING"},),
    ({"type": "RUNNING"}, {"type": "COMPLETED"}),
    ({"type": "COMPLETED", "name": "Odd"},),
    ({"type": "RUNNING"}, {"type": "FAILED"}),
    ({"type": "CRASHED"},),
    ({"type": "CANCELLED"},),
)
#: Each pool's type, and the queues that are made in it beside its default one.
POOLS: Final = {
    "local-pool": ("process", ("fast", "slow_1")),
    "Docker 100": ("docker", ("fast",)),
    "empty": ("process", ()),
}
#: Where runs are, and where deployments are: a pool, a queue of it.
PLACES: Final = (None, ("local-pool", "fast"), ("local-pool", None), ("Docker 100", "fast"), ("local-pool", "slow_1"))
_DEPLOYMENTS: Final = 15
_PARENTS: Final = 300
_DIRECT: Final = 100
_LINES: Final = 400
_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Run:
    """A flow run or a task run, and what becomes of it."""

    name: str
    body: dict[str, Any]
    way: Sequence[dict[str, Any]]


@dataclass(slots=True)
class Ids:
    """What the objects are called by a server, by the names that both know."""

    flow: dict[str, str] = field(default_factory=dict)
    pool: dict[str, str] = field(default_factory=dict)
    queue: dict[str, str] = field(default_factory=dict)
    deployment: dict[str, str] = field(default_factory=dict)
    run: dict[str, str] = field(default_factory=dict)
    task: dict[str, str] = field(default_factory=dict)


def task_id(number: int) -> str:
    """The id of a task run: both servers take it as it is given."""
    # Spread, so that the order of ids is not that of names and times.
    return f"{number * 2_654_435_761 % 2**32:08x}-0000-4000-8000-{number:012x}"


def _planned(number: int, is_past: bool) -> dict[str, Any]:  # noqa: FBT001  one of two
    # No two alike, and not all of whole seconds or minutes.
    after = timedelta(minutes=37 * number, seconds=number % 60, milliseconds=number % 4 * 250)
    at = (PAST if is_past else FUTURE) + after
    return {"type": "SCHEDULED", "state_details": {"scheduled_time": at.isoformat()}}


def _shuffled(kinds: Iterable[tuple[Any, ...]], share: float) -> list[tuple[Any, ...]]:
    found = list(kinds)
    random.Random(1).shuffle(found)  # noqa: S311  to be the same in every run
    return found[: int(len(found) * share)]


def flow_runs(share: float) -> Iterator[Run]:
    """Flow runs; the first ones have the task runs of the others."""
    flows, parents = cycle(FLOWS), iter(range(int(_PARENTS * share)))
    kinds = _shuffled(product(WAYS, TAGS, VERSIONS, (False, True), (False, True), range(2)), share)
    for number, (way, tags, version, has_key, is_past, _) in enumerate(kinds):
        body: dict[str, Any] = {"flow": next(flows), "tags": list(tags), "flow_version": version}
        body["state"] = _planned(number, is_past)
        parent = next(parents, None) if number % 4 == 1 else None
        body |= {"parent_task_run_id": task_id(parent)} if parent is not None else {}
        body |= {"idempotency_key": f"key-{number}"} if has_key else {}
        body |= _place(number // 3)
        # Some are of a deployment, wherever they are themselves.
        body |= {"deployment": f"deployment-{number % _DEPLOYMENTS:02}"} if number % 4 == 0 else {}
        yield Run(f"run-{number:04}", body, way)
    for number in range(_DIRECT):
        # Without a plan: their times are the server's.
        way = WAYS[number % len(WAYS)] or ({"type": "SCHEDULED"},)
        body = {"flow": next(flows), "tags": list(TAGS[number % 4]), "state": way[0]}
        yield Run(f"Direct_{number:03}", body, way[1:])


def _place(number: int) -> dict[str, Any]:
    place = PLACES[number % len(PLACES)]
    return {} if place is None else {"work_pool_name": place[0], "work_queue_name": place[1]}


def task_runs(share: float) -> Iterator[Run]:
    """Task runs: the parents of flow runs, those of flow runs, and those of none; states are set when they are made."""
    owners = ("run-0000", "run-0006", "Direct_001", None)
    kinds = _shuffled(product(WAYS, TAGS, (False, True), owners), share)
    for number in range(int(_PARENTS * share)):
        body: dict[str, Any] = {"id": task_id(number), "flow_run": f"run-{number % 7 * 4:04}", "state": None}
        yield Run(f"parent-{number:03}", body, ())
    for number, (way, tags, is_past, run) in enumerate(kinds, _PARENTS):
        inputs = {"x": [{"input_type": "task_run", "id": task_id(number - 4)}]} if number % 3 == 0 else {}
        body = {"id": task_id(number), "flow_run": run, "tags": list(tags), "task_inputs": inputs}
        yield Run(f"Task-{number:03}", body | {"state": _planned(number, is_past)}, way)


def _lines(ids: Ids) -> Iterator[dict[str, Any]]:
    runs, words = sorted(ids.run), ("Error", "100%_sure", 'say "hi"', "back\\slash", "Ünï", "plain")
    for number in range(_LINES):
        yield {
            "name": f"logger.{number % 3}",
            "level": number % 6 * 10,
            "message": f"{words[number % 6]} {words[number % 5]} {number}",
            "timestamp": (PAST + timedelta(seconds=number * 0.5)).isoformat(),
            "flow_run_id": ids.run[runs[number % 11]] if number % 7 else None,
            "task_run_id": task_id(number % 5) if number % 3 else None,
        }


@dataclass(frozen=True, slots=True)
class Post:
    """Posts to a server, with all times so much later."""

    api: httpx.Client
    distance: timedelta

    def __call__(self, path: str, body: Any) -> Any:
        """Return the answer."""
        return self.api.post(path, json=shifted(body, self.distance)).raise_for_status().json()


def create(api: httpx.Client, share: float, distance: timedelta) -> Ids:
    """Put this share of the data set on a server, with all times so much later."""
    ids, post = Ids(), Post(api, distance)
    ids.flow = {
        name: post("/flows/", {"name": name, "tags": list(TAGS[number % 4])})["id"] for number, name in enumerate(FLOWS)
    }
    _create_pools(post, ids)
    runs, tasks = list(flow_runs(share)), list(task_runs(share))
    planned = [run for run in runs if _is_planned(run)]
    first = [run for run in planned if "parent_task_run_id" not in run.body]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        ids.run |= threads.map(lambda run: _created(post, run, ids), first)
        # One after the other, as their times are those at which they are made.
        ids.run |= (_created(post, run, ids) for run in runs if not _is_planned(run))
        ids.task |= (_task_created(post, run, ids) for run in tasks if not _is_planned(run))
        ids.task |= threads.map(lambda run: _task_created(post, run, ids), [run for run in tasks if _is_planned(run)])
        ids.run |= threads.map(lambda run: _created(post, run, ids), [run for run in planned if run not in first])
    # One after the other again: the order of their times is then the same everywhere.
    _moved(post, "flow_runs", runs, ids.run)
    _moved(post, "task_runs", tasks, ids.task)
    post("/logs/", list(_lines(ids)))
    return ids


def _create_pools(post: Post, ids: Ids) -> None:
    for name, (kind, queues) in POOLS.items():
        ids.pool[name] = post("/work_pools/", {"name": name, "type": kind})["id"]
        for queue in queues:
            ids.queue[f"{name}/{queue}"] = post(f"/work_pools/{name}/queues", {"name": queue})["id"]
    for number in range(_DEPLOYMENTS):
        name = f"deployment-{number:02}"
        body = {"name": name, "flow_id": ids.flow[FLOWS[number % 7]], "tags": list(TAGS[number % 4]), **_place(number)}
        body |= {"paused": number % 3 == 0}
        ids.deployment[name] = post("/deployments/", body)["id"]


def _is_planned(run: Run) -> bool:
    return "state_details" in (run.body["state"] or {})


def _created(post: Post, run: Run, ids: Ids) -> tuple[str, str]:
    body = {**run.body, "name": run.name, "flow_id": ids.flow[run.body["flow"]]}
    body |= {"deployment_id": ids.deployment[body["deployment"]]} if "deployment" in body else {}
    given = {key: value for key, value in body.items() if key not in ("flow", "deployment")}
    return run.name, post("/flow_runs/", given)["id"]


def _task_created(post: Post, run: Run, ids: Ids) -> tuple[str, str]:
    owner = run.body.get("flow_run")
    body = {**run.body, "name": run.name, "task_key": "k", "dynamic_key": run.name}
    body["flow_run_id"] = ids.run[owner] if owner else None
    given = {key: value for key, value in body.items() if key != "flow_run"}
    return run.name, post("/task_runs/", given)["id"]


def _moved(post: Post, kind: str, runs: Iterable[Run], ids: dict[str, str]) -> None:
    for run in runs:
        for state in run.way:
            post(f"/{kind}/{ids[run.name]}/set_state", {"state": state, "force": True})
