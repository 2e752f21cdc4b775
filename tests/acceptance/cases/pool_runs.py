"""Deployments and flow runs in work pools, and which runs workers are given."""

from typing import Any

from tests.acceptance.cases.case import UNKNOWN, Case, delete, get, patch, post

_TEMPLATE = {
    "job_configuration": {"image": "{{ image }}", "cpu": "{{ cpu }}"},
    "variables": {
        "type": "object",
        "properties": {
            "image": {"type": "string"},
            "cpu": {"type": "integer", "default": 1},
            "note": {"type": "string", "default": "n"},
        },
        "required": ["image"],
    },
}
_LATER = "2099-01-01T00:00:00Z"


def _deployment(name: str, what: str = "", **fields: Any) -> Case:
    body = {"name": f"pool-runs-{name}", "flow_id": "{flow.id}", **fields}
    return post(f"deployment {name} {what}".strip(), "/deployments/", body, save="" if what else name)


def _patched(name: str, what: str, **fields: Any) -> list[Case]:
    return [
        patch(f"patch {name}: {what}", f"/deployments/{{{name}.id}}", fields),
        get(f"read {name}: {what}", f"/deployments/{{{name}.id}}"),
    ]


def _run(of: str, what: str, save: str = "", **fields: Any) -> Case:
    return post(f"run of {of}: {what}", f"/deployments/{{{of}.id}}/create_flow_run", fields, save=save)


def _due(at: str) -> dict[str, Any]:
    return {"type": "SCHEDULED", "state_details": {"scheduled_time": at}}


def _given(what: str, **body: Any) -> Case:
    return post(f"due: {what}", "/work_pools/pool-runs/get_scheduled_flow_runs", body)


def _moved(run: str, state: str) -> Case:
    return post(f"{run} {state}", f"/flow_runs/{{{run}.id}}/set_state", {"state": {"type": state}, "force": True})


_OF_FLOW: dict[str, Any] = {"flows": {"name": {"any_": ["pool-runs"]}}}


_DEPLOYMENT_FILTERS: dict[str, dict[str, Any]] = {
    "in pool": {"work_pools": {"name": {"any_": ["pool-runs"]}}},
    "in any pool": {"work_pools": {}},
    "of type": {"work_pools": {"type": {"any_": ["docker"]}}},
    "in queue": {"work_pool_queues": {"name": {"startswith_": ["URG"]}}},
    "in queue of pool": {
        "work_pool_queues": {"name": {"any_": ["default"]}},
        "work_pools": {"name": {"any_": ["pool-typed"]}},
    },
    "named queue": {"deployments": {"work_queue_name": {"any_": ["urgent"]}}},
}
_RUN_FILTERS: dict[str, dict[str, Any]] = {
    "in pool": {"work_pools": {"name": {"any_": ["pool-runs"]}}},
    "in any pool": {"work_pools": {}},
    "in queue": {"work_pool_queues": {"name": {"any_": ["urgent"]}}},
    "in named queue": {"flow_runs": {"work_queue_name": {"any_": ["urgent"]}}},
}
_PLACED: list[Case] = [
    post("flow", "/flows/", {"name": "pool-runs"}, save="flow"),
    post("pool", "/work_pools/", {"name": "pool-runs", "type": "process"}, save="pool"),
    post("typed pool", "/work_pools/", {"name": "pool-typed", "type": "docker", "base_job_template": _TEMPLATE}),
    post("urgent", "/work_pools/pool-runs/queues", {"name": "urgent", "priority": 1}, save="urgent"),
    _deployment("plain"),
    _deployment("pooled", work_pool_name="pool-runs"),
    _deployment("queued", work_pool_name="pool-runs", work_queue_name="urgent", tags=["t"]),
    _deployment("new queue", work_pool_name="pool-runs", work_queue_name="made"),
    get("made queue", "/work_pools/pool-runs/queues/made"),
    _deployment("unknown pool", "refused", work_pool_name="pool-none"),
    _deployment("unknown pool", "with queue", work_pool_name="pool-none", work_queue_name="q"),
    _deployment("unknown pool", "of no flow", work_pool_name="pool-none", flow_id=UNKNOWN),
    _deployment("no flow", "in a new queue", work_pool_name="pool-runs", work_queue_name="unmade", flow_id=UNKNOWN),
    get("unmade queue", "/work_pools/pool-runs/queues/unmade"),
    _deployment("typed", work_pool_name="pool-typed", job_variables={"image": "i"}),
    _deployment("typed", "with a wrong variable", work_pool_name="pool-typed", job_variables={"image": 1}),
    _deployment("untyped", work_pool_name="pool-typed"),
    *_patched("untyped", "wrong variables without pool", job_variables={"cpu": "many"}),
    *_patched("untyped", "wrong variables with pool", work_pool_name="pool-typed", job_variables={"cpu": "many"}),
    *_patched("untyped", "right variables with pool", work_pool_name="pool-typed", job_variables={"cpu": 2}),
    _deployment("pooled", "again", version="2"),
    _deployment("pooled", "again with null", work_pool_name=None),
    _deployment("new queue", "again with null for its pool", work_pool_name=None, work_queue_name="made"),
    _deployment("pooled", "again in a queue", work_pool_name="pool-runs", work_queue_name="urgent"),
    *_patched("pooled", "default queue", work_pool_name="pool-runs"),
    *_patched("pooled", "made queue", work_pool_name="pool-runs", work_queue_name="made2"),
    *_patched("pooled", "no pool", work_pool_name=None),
    *_patched("pooled", "pool again", work_pool_name="pool-runs"),
    *_patched("pooled", "unknown pool", work_pool_name="pool-none"),
    # A queue alone.
    _deployment("agents", work_queue_name="pool-runs-agents"),
    get("agents' queue", "/work_queues/name/pool-runs-agents"),
    _deployment("agents", "again", work_queue_name="pool-runs-agents"),
    *_patched("plain", "agents' queue", work_queue_name="pool-runs-agents-2"),
    post("count deployments", "/ui/flows/count-deployments", {"flow_ids": ["{flow.id}", UNKNOWN]}),
    post("count deployments of none", "/ui/flows/count-deployments", {}),
    # Reads by pool.
    *[
        post(f"{route}: {name}", f"/{route}", {**_OF_FLOW, **body})
        for route in ("deployments/filter", "deployments/count")
        for name, body in _DEPLOYMENT_FILTERS.items()
    ],
    post("flows in pool", "/flows/filter", {"work_pools": {"name": {"any_": ["pool-runs"]}}}),
    post("flows in no pool", "/flows/count", {"work_pools": {"name": {"any_": ["pool-none"]}}}),
]

_RUNS: list[Case] = [
    _run("queued", "first", "first", name="first"),
    _run("pooled", "second", "second", name="second"),
    _run("pooled", "later", "later", name="later", state=_due(_LATER)),
    _run("queued", "elsewhere", "elsewhere", name="elsewhere", work_queue_name="made"),
    _run("queued", "in a new queue", "made3", name="made3", work_queue_name="made3"),
    _run("plain", "in agents' queue", name="agents"),
    _run("typed", "fitting", name="typed"),
    _run("typed", "unfitting", job_variables={"cpu": "x"}),
    _run("untyped", "lacking", job_variables={}),
    _run("untyped", "complete", name="complete", job_variables={"image": "i"}),
    post(
        "direct",
        "/flow_runs/",
        {"flow_id": "{flow.id}", "name": "direct", "work_pool_name": "pool-runs"},
        save="direct",
    ),
    post(
        "direct in queue",
        "/flow_runs/",
        {"flow_id": "{flow.id}", "name": "direct-2", "work_pool_name": "pool-runs", "work_queue_name": "urgent"},
        save="direct_queue",
    ),
    post(
        "direct with deployment",
        "/flow_runs/",
        {"flow_id": "{flow.id}", "name": "of-deployment", "deployment_id": "{queued.id}", "labels": {"own": 1}},
    ),
    post("unknown pool", "/flow_runs/", {"flow_id": "{flow.id}", "work_pool_name": "pool-none"}),
    post(
        "unknown queue", "/flow_runs/", {"flow_id": "{flow.id}", "work_pool_name": "pool-runs", "work_queue_name": "x"}
    ),
    post("queue alone", "/flow_runs/", {"flow_id": "{flow.id}", "name": "alone", "work_queue_name": "x"}),
    get("read first", "/flow_runs/{first.id}"),
    *[post(f"count runs: {name}", "/flow_runs/count", {**_OF_FLOW, **body}) for name, body in _RUN_FILTERS.items()],
    post("runs of pool", "/flow_runs/filter", {"work_pools": {"name": {"any_": ["pool-runs"]}}, "sort": "NAME_ASC"}),
    post(
        "runs of queue", "/flow_runs/paginate", {"work_pool_queues": {"name": {"any_": ["urgent"]}}, "sort": "NAME_ASC"}
    ),
]

_HANDED_OUT: list[Case] = [
    _given("all"),
    _given("all with times", scheduled_before=_LATER),
    _given("later", scheduled_after="2050-01-01T00:00:00Z"),
    _given("before", scheduled_before="2001-01-01T00:00:00Z"),
    _given("one queue", work_queue_names=["made"]),
    _given("two queues", work_queue_names=["default", "urgent"]),
    _given("unknown queue", work_queue_names=["none"]),
    _given("limit", limit=1),
    _given("wrong limit", limit=-1),
    post("due in no pool", "/work_pools/pool-none/get_scheduled_flow_runs", {}),
    post(
        "due of deployments", "/deployments/get_scheduled_flow_runs", {"deployment_ids": ["{pooled.id}", "{queued.id}"]}
    ),
    # Limits.
    patch("queue limit", "/work_pools/pool-runs/queues/urgent", {"concurrency_limit": 1}),
    _given("with a free place"),
    _moved("first", "PENDING"),
    _run("queued", "waiting", "waiting", name="waiting"),
    _given("without a free place"),
    get("taken place", "/work_pools/pool-runs/queues/urgent"),
    patch("no queue limit", "/work_pools/pool-runs/queues/urgent", {"concurrency_limit": None}),
    patch("pool limit", "/work_pools/pool-runs", {"concurrency_limit": 2}),
    _given("one place in the pool"),
    get("taken place of pool", "/work_pools/pool-runs"),
    post("pools' places", "/work_pools/filter", {"work_pools": {"name": {"any_": ["pool-runs"]}}}),
    # One run in each queue: ids are in no order that two servers could share.
    _moved("direct_queue", "COMPLETED"),
    post("occupancy", "/work_pools/pool-runs/concurrency_status", {}),
    post("occupancy without runs", "/work_pools/pool-runs/concurrency_status", {"flow_run_limit": 0}),
    post("occupancy of queue", "/work_queues/{urgent.id}/concurrency_status", {}),
    _moved("second", "RUNNING"),
    _given("no place in the pool"),
    patch("no pool limit", "/work_pools/pool-runs", {"concurrency_limit": None}),
    patch("paused queue", "/work_pools/pool-runs/queues/urgent", {"is_paused": True}),
    _given("from a paused queue"),
    patch("paused pool", "/work_pools/pool-runs", {"is_paused": True}),
    _given("from a paused pool"),
    patch("pool goes on", "/work_pools/pool-runs", {"is_paused": False}),
    # As agents ask.
    post("runs of a queue", "/work_queues/{urgent.id}/get_runs", {}),
    patch("queue goes on", "/work_queues/{urgent.id}", {"is_paused": False, "concurrency_limit": 3}),
    post("runs of a queue again", "/work_queues/{urgent.id}/get_runs", {"limit": 5}, headers={"x-prefect-ui": "true"}),
    patch("one place left", "/work_queues/{urgent.id}", {"concurrency_limit": 1}),
    post("no place for agents", "/work_queues/{urgent.id}/get_runs", {}),
    post("filtering", "/work_queues/", {"name": "pool-runs-filter", "filter": {"tags": ["t"]}}, save="filtering"),
    post("runs by filter", "/work_queues/{filtering.id}/get_runs", {}),
    patch("filtering limit", "/work_queues/{filtering.id}", {"concurrency_limit": 1}),
    get("filtering with limit", "/work_queues/{filtering.id}"),
    post("runs by filter with limit", "/work_queues/{filtering.id}/get_runs", {"scheduled_before": _LATER}),
    # What is left when queues and pools go.
    delete("delete urgent", "/work_pools/pool-runs/queues/urgent"),
    get("run without queue", "/flow_runs/{first.id}"),
    get("deployment without queue", "/deployments/{queued.id}"),
    _run("queued", "without queue", name="queueless"),
    _run("queued", "asks for a queue", work_queue_name="made"),
    delete("delete pool", "/work_pools/pool-runs"),
    get("run without pool", "/flow_runs/{second.id}"),
    get("deployment without pool", "/deployments/{pooled.id}"),
    post("runs in no pool", "/flow_runs/count", {"flow_runs": {"name": {"any_": ["second"]}}, "work_pools": {}}),
]

CASES: list[Case] = [*_PLACED, *_RUNS, *_HANDED_OUT]
