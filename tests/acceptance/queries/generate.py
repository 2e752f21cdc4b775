"""Makes queries at random: every filter, operator, order and page, and now and then something that is refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from antiphon.events.state import StateType
from tests.acceptance.queries.data import FLOWS, POOLS, task_id

#: Stands for an id: `@run:run-0001`; each server has its own.
REFERENCE: Final = "@"

Make = Callable[[random.Random], Any]

_TYPES: Final = tuple(StateType)
_NAMES: Final = ("Scheduled", "Late", "Running", "Retrying", "Odd", "Suspended", "Completed", "Nothing")
_TAGS: Final = ("a", "b", "c", "Ünï", "z")
_TIMES: Final = (
    "2001-01-01T00:00:00Z",
    "2001-01-05T12:34:56.75Z",
    "2001-01-20T00:00:00",
    "2001-02-10T10:00:00+02:00",
    "2050-01-01T00:00:00Z",
    "2099-01-03T00:00:00Z",
    "2099-01-25T08:20:26Z",
    "2099-12-31T00:00:00Z",
)
_UNKNOWN: Final = "00000000-0000-4000-8000-00000000dead"


@dataclass(frozen=True, slots=True)
class Query:
    """A request to both servers."""

    path: str
    body: dict[str, Any]


def _some(values: Make, most: int = 4) -> Make:
    return lambda chance: [values(chance) for _ in range(chance.choice((0, 1, 1, 2, 3, most)))]


def _one(*values: Any) -> Make:
    return lambda chance: chance.choice(values)


def _run_name(chance: random.Random) -> str:
    return chance.choice((f"run-{chance.randrange(240):04}", f"Direct_{chance.randrange(100):03}"))


def _run_id(chance: random.Random) -> str:
    names = (_run_name(chance), f"run-{chance.randrange(30):04}")
    return chance.choice((*(f"{REFERENCE}run:{name}" for name in names), _UNKNOWN))


def _task(chance: random.Random) -> str:
    return task_id(chance.randrange(700))


def _flow_id(chance: random.Random) -> str:
    return f"{REFERENCE}flow:{chance.choice(FLOWS)}"


def _reference(kind: str, *names: str) -> Make:
    return lambda chance: chance.choice((*(f"{REFERENCE}{kind}:{name}" for name in names), _UNKNOWN))


_POOL_ID: Final = _reference("pool", *POOLS)
_QUEUE_ID: Final = _reference("queue", "local-pool/fast", "local-pool/slow_1", "Docker 100/fast")
_QUEUE_NAME: Final = _one("fast", "slow_1", "default", "none")


def _deployment(chance: random.Random) -> str:
    return f"deployment-{chance.randrange(16):02}"


def _deployment_id(chance: random.Random) -> str:
    return f"{REFERENCE}deployment:deployment-{chance.randrange(15):02}"


_BOOL: Final = _one(*(True, False, None))
_TIME: Final = _one(*_TIMES)
_LIKE: Final = _one("RUN-00", "5", "%1%2", "r_n", "", "ask", "Gam%", "_", "100\\%", "é")
_BETWEEN: Final[dict[str, Make]] = {"before_": _TIME, "after_": _TIME}
_OPERATOR: Final[dict[str, Make]] = {"operator": _one("and_", "or_")}
_NULLABLE_BETWEEN: Final = {**_BETWEEN, "is_null_": _BOOL}


def _ids(of: Make) -> dict[str, Make]:
    return {"any_": _some(of)}


def _ids_or_not(of: Make) -> dict[str, Make]:
    return {"any_": _some(of, 20), "not_any_": _some(of)}


def _name(of: Make) -> dict[str, Make]:
    return {"any_": _some(of, 20), "like_": _LIKE}


_TAG_FILTER: Final = {**_OPERATOR, "all_": _some(_one(*_TAGS), 2), "is_null_": _BOOL}

#: Filter object, field, operator.
_FILTERS: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "flows": {
        "id": _ids_or_not(_flow_id),
        "name": _name(_one(*FLOWS)),
        "tags": _TAG_FILTER,
        "deployment": {**_OPERATOR, "is_null_": _BOOL},
    },
    "flow_runs": {
        "id": _ids_or_not(_run_id),
        "name": _name(_run_name),
        "tags": {**_TAG_FILTER, "any_": _some(_one(*_TAGS))},
        "deployment_id": {**_OPERATOR, **_ids(_deployment_id), "is_null_": _BOOL},
        "work_queue_name": {**_OPERATOR, "any_": _some(_QUEUE_NAME), "is_null_": _BOOL},
        "state": {
            **_OPERATOR,
            "type": {"any_": _some(_one(*_TYPES)), "not_any_": _some(_one(*_TYPES))},
            "name": {"any_": _some(_one(*_NAMES)), "not_any_": _some(_one(*_NAMES))},
        },
        "flow_version": {"any_": _some(_one("1", "2", "3"))},
        "start_time": _NULLABLE_BETWEEN,
        "end_time": _NULLABLE_BETWEEN,
        "expected_start_time": _BETWEEN,
        "next_scheduled_start_time": _BETWEEN,
        "parent_flow_run_id": {**_OPERATOR, **_ids(_run_id)},
        "parent_task_run_id": {**_OPERATOR, **_ids(_task), "is_null_": _BOOL},
        "idempotency_key": {"any_": _some(_one("key-2", "key-3", "key-7")), "not_any_": _some(_one("key-2", "key-3"))},
        "created_by": {**_OPERATOR, "id_": _some(_flow_id), "type_": _some(_one("AUTOMATION")), "is_null_": _BOOL},
    },
    "task_runs": {
        "id": _ids(_task),
        "name": _name(lambda chance: f"Task-{chance.randrange(300, 380)}"),
        "tags": _TAG_FILTER,
        "state": {**_OPERATOR, "type": _ids(_one(*_TYPES)), "name": _ids(_one(*_NAMES))},
        "start_time": _NULLABLE_BETWEEN,
        "end_time": _NULLABLE_BETWEEN,
        "expected_start_time": _BETWEEN,
        "subflow_runs": {"exists_": _BOOL},
        "flow_run_id": {**_OPERATOR, **_ids(_run_id), "is_null_": _BOOL},
    },
    "deployments": {
        "id": _ids_or_not(_deployment_id),
        "name": _name(_deployment),
        "flow_or_deployment_name": {"like_": _LIKE},
        "paused": {"eq_": _BOOL},
        "tags": {**_TAG_FILTER, "any_": _some(_one(*_TAGS))},
        "work_queue_name": {"any_": _some(_QUEUE_NAME)},
        "concurrency_limit": {"ge_": _one(1), "is_null_": _BOOL},
    },
    "work_pools": {"id": _ids(_POOL_ID), "name": _ids(_one(*POOLS)), "type": _ids(_one("process", "docker"))},
    "work_pool_queues": {
        "id": _ids(_QUEUE_ID),
        "name": {"any_": _some(_QUEUE_NAME), "startswith_": _some(_one("FA", "slow_", "s%1", "def"))},
    },
    "logs": {
        "level": {"ge_": _one(0, 20, 35), "le_": _one(10, 30, None)},
        "timestamp": {
            "before_": _one("2001-01-01T00:01:40Z", "2001-01-01T00:00:00.5Z"),
            "after_": _one("2001-01-01T00:00:50.500Z"),
        },
        "flow_run_id": _ids(_run_id),
        "task_run_id": {**_OPERATOR, **_ids(_task), "is_null_": _BOOL},
        "text": {
            "query": _one(
                "error", "ERROR -plain", '+ünï "say \\"hi\\""', "100%_ !sure", "back\\slash", "- +", "", "1" * 201
            )
        },
    },
}

_RUN_OBJECTS: Final = ("flows", "flow_runs", "task_runs", "deployments", "work_pools", "work_pool_queues")
_OBJECTS: Final[dict[str, tuple[str, ...]]] = {
    "flows": _RUN_OBJECTS[:5],
    "flow_runs": _RUN_OBJECTS,
    "task_runs": _RUN_OBJECTS[:4],
    "deployments": _RUN_OBJECTS,
    "logs": ("logs",),
}
_SORTS: Final[dict[str, tuple[str, ...]]] = {
    "flows": ("NAME_ASC", "NAME_DESC"),
    "flow_runs": (
        *("ID_DESC", "START_TIME_ASC", "START_TIME_DESC", "EXPECTED_START_TIME_ASC", "EXPECTED_START_TIME_DESC"),
        *("NAME_ASC", "NAME_DESC", "NEXT_SCHEDULED_START_TIME_ASC", "END_TIME_DESC"),
    ),
    "task_runs": (
        *("ID_DESC", "EXPECTED_START_TIME_ASC", "EXPECTED_START_TIME_DESC", "NAME_ASC", "NAME_DESC"),
        *("NEXT_SCHEDULED_START_TIME_ASC", "END_TIME_DESC"),
    ),
    "deployments": ("CREATED_DESC", "UPDATED_DESC", "NAME_ASC", "NAME_DESC"),
    "logs": ("TIMESTAMP_ASC", "TIMESTAMP_DESC"),
}
_WINDOWS: Final = (
    ("2001-01-01T00:00:00Z", "2001-02-01T00:00:00Z", 86_400),
    ("2001-01-03T05:06:07.5Z", "2001-01-04T00:00:00Z", 2_711.25),
    ("2001-01-01T00:00:00Z", "2001-01-02T00:00:00Z", 60),
    ("2001-01-01T00:37:00Z", "2001-01-01T00:40:00Z", 1),
    ("2099-01-01T00:00:30Z", "2099-01-20T00:00:00Z", 7_200),
    ("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z", 50 * 365.25 * 86_400),
)
_WRONG: Final[tuple[Any, ...]] = (
    1,
    "x",
    ["x"],
    {"color": 1},
    {"any_": "x"},
    {"any_": [1]},
    {"before_": "soon"},
    {"operator": "x"},
)


def queries(count: int, seed: int) -> list[Query]:
    """Queries that are the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311  to be the same in every run
    return [_query(chance) for _ in range(count)]


def _query(chance: random.Random) -> Query:
    resource = chance.choice(("flow_runs",) * 5 + ("task_runs",) * 3 + ("flows", "deployments", "logs"))
    several = ("filter", "count", "paginate")
    verbs = {"logs": ("filter",), "flows": several, "deployments": several}.get(
        resource, ("filter", "filter", "count", "paginate", "history")
    )
    verb = chance.choice((*verbs, "lateness") if resource == "flow_runs" else verbs)
    body = _objects(chance, resource, verb)
    if verb in ("filter", "paginate"):
        body |= _page(chance, resource, verb)
    if verb == "history":
        start, end, seconds = chance.choice(_WINDOWS)
        body |= {"history_start": start, "history_end": end, "history_interval_seconds": seconds}
    if chance.random() < 0.03:
        _spoil(chance, body)
    return Query(f"/{resource}/{verb}", body)


def _objects(chance: random.Random, resource: str, verb: str) -> dict[str, Any]:
    names = _OBJECTS[resource]
    # Mostly its own filter: with several at once hardly anything is found.
    chosen = {resource} if chance.random() < 0.8 else set()
    chosen |= {name for name in names[:3] if chance.random() < 0.15}
    chosen |= {name for name in names[3:] if chance.random() < 0.08}
    body: dict[str, Any] = {name: _filter(chance, _FILTERS[name]) for name in names if name in chosen}
    if verb == "history" and "work_pool_queues" in body:
        body["work_queues"] = body.pop("work_pool_queues")
    return body


def _filter(chance: random.Random, fields: dict[str, dict[str, Any]]) -> Any:
    if chance.random() < 0.05:
        return chance.choice((None, {}))
    chosen = chance.sample(sorted(fields), min(len(fields), chance.choice((1, 1, 1, 2, 2, 3))))
    found: dict[str, Any] = {name: _leaf(chance, fields[name]) for name in chosen}
    return found | ({"operator": chance.choice(("and_", "or_"))} if chance.random() < 0.3 else {})


def _leaf(chance: random.Random, operators: dict[str, Any]) -> Any:
    if "query" in operators:
        return {"query": operators["query"](chance)}
    if chance.random() < 0.05:
        return chance.choice((None, {}))
    chosen = chance.sample(sorted(operators), min(len(operators), chance.choice((1, 1, 1, 2, 3))))
    made = {name: operators[name] for name in chosen}
    return {name: _leaf(chance, make) if isinstance(make, dict) else make(chance) for name, make in made.items()}


def _page(chance: random.Random, resource: str, verb: str) -> dict[str, Any]:
    body: dict[str, Any] = {"sort": chance.choice(_SORTS[resource])} if chance.random() < 0.9 else {}
    if chance.random() < 0.7:
        body["limit"] = chance.choice((0, 1, 2, 7, 50, 200, None))
    if chance.random() < 0.5:
        pages = {"page": chance.choice((1, 2, 3, 40))}
        body |= pages if verb == "paginate" else {"offset": chance.choice((0, 1, 5, 100, 5000))}
    return body


def _spoil(chance: random.Random, body: dict[str, Any]) -> None:
    """Make something of it wrong."""
    keys = [key for key in body if isinstance(body[key], dict) and body[key]]
    if keys and chance.random() < 0.7:
        inside = body[chance.choice(keys)]
        inside[chance.choice(sorted(inside))] = chance.choice(_WRONG)
    else:
        body[chance.choice(("limit", "offset", "page", "sort", "flow_runs"))] = chance.choice((-1, "x", 201, 1.5, True))
