"""Task runs over REST: the SDK makes them so for subflows and for tasks that run elsewhere."""

from typing import Any

from tests.acceptance.cases.case import UNKNOWN, Case, delete, get, patch, post

_OWN_ID = "00000000-0000-7000-8000-000000000007"


def _created(name: str, /, *, save: str = "", **fields: Any) -> Case:
    body = {"flow_run_id": "{run.id}", "task_key": "key", "dynamic_key": name, "name": name, **fields}
    return post(name, "/task_runs/", body, save=save)


def _found(name: str, task_runs: Any, **body: Any) -> list[Case]:
    whole = {"flow_runs": {"name": {"any_": ["cases-tasks"]}}, "task_runs": task_runs, "sort": "NAME_ASC", **body}
    counted = {key: whole[key] for key in ("flow_runs", "task_runs")}
    return [
        post(f"filter: {name}", "/task_runs/filter", whole),
        post(f"count: {name}", "/task_runs/count", counted),
    ]


_EVERYTHING: dict[str, Any] = {
    "id": _OWN_ID,
    "cache_key": "c",
    "cache_expiration": "2099-01-01T00:00:00Z",
    "task_version": "v3",
    "empirical_policy": {"retries": 2, "retry_delay": [1, 2.5], "retry_jitter_factor": 0.5},
    "tags": ["b", "a"],
    "labels": {"own": "label"},
    "task_inputs": {
        "x": [{"input_type": "task_run", "id": UNKNOWN}],
        "y": [{"input_type": "parameter", "name": "p"}],
        "z": [{"input_type": "constant", "type": "int"}],
        "f": [{"input_type": "flow_run", "id": UNKNOWN}],
    },
    "state": {"type": "RUNNING", "name": "Busy", "message": "m"},
}

_FILTERS: dict[str, Any] = {
    "empty": {},
    "by id": {"id": {"any_": ["{least.id}"]}},
    "by name": {"name": {"any_": ["least", "everything"]}},
    "like": {"name": {"like_": "EAS"}},
    "all tags": {"tags": {"all_": ["a"]}},
    "no tags": {"tags": {"is_null_": True}},
    "state type": {"state": {"type": {"any_": ["RUNNING"]}}},
    "state name": {"state": {"name": {"any_": ["Busy"]}}},
    "not started": {"start_time": {"is_null_": True}},
    "started before": {"start_time": {"before_": "2099-01-01T00:00:00Z"}},
    "expected after": {"expected_start_time": {"after_": "2099-01-01T00:00:00Z"}},
    "ended": {"end_time": {"is_null_": False}},
    "subflows": {"subflow_runs": {"exists_": True}},
    "no subflows": {"subflow_runs": {"exists_": False}},
    "of flow run": {"flow_run_id": {"any_": ["{run.id}"]}},
    "of any flow run": {"flow_run_id": {}},
    "of no flow run": {"flow_run_id": {"is_null_": True}},
    "either": {"operator": "or_", "name": {"any_": ["least"]}, "tags": {"all_": ["a"]}},
    "unknown key": {"color": {}},
    "not_any is not there": {"name": {"not_any_": ["x"]}},
}

CASES: list[Case] = [
    post("a flow", "/flows/", {"name": "cases-tasks", "labels": {"of": "flow"}}, save="flow"),
    post(
        "a flow run",
        "/flow_runs/",
        {"flow_id": "{flow.id}", "name": "cases-tasks", "state": {"type": "RUNNING"}, "labels": {"run": "yes"}},
        save="run",
    ),
    _created("least", save="least"),
    _created("least", name="again", tags=["not taken"]),
    _created("everything", save="everything", **_EVERYTHING),
    _created("everything", **_EVERYTHING),
    get("everything read", f"/task_runs/{_OWN_ID}"),
    get("its states", f"/task_run_states/?task_run_id={_OWN_ID}"),
    get("its state", "/task_run_states/{everything.state_id}"),
    _created("scheduled", state={"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}}),
    _created("without a flow run", flow_run_id=None, save="alone"),
    _created("without a flow run", flow_run_id=None),
    _created("unknown flow run", flow_run_id=UNKNOWN),
    _created("flow run no uuid", flow_run_id="x"),
    _created("long cache key", cache_key="k" * 2001),
    _created("task key null", task_key=None),
    _created("dynamic key a number", dynamic_key=1),
    _created("name null", name=None, flow_run_id=None),
    _created("unknown input type", task_inputs={"x": [{"input_type": "guess"}]}),
    _created("unknown key", nope=1),
    _created("bad state", state={"type": "x"}),
    _created("bad policy", empirical_policy={"retry_delay": "x"}),
    _created("too many delays", empirical_policy={"retry_delay": [1] * 51}),
    _created("negative jitter", empirical_policy={"retry_jitter_factor": -1}),
    post("no body", "/task_runs/"),
    get("read", "/task_runs/{least.id}"),
    get("read unknown", f"/task_runs/{UNKNOWN}"),
    get("read a non-uuid", "/task_runs/nope"),
    patch("renamed", "/task_runs/{least.id}", {"name": "renamed"}),
    get("read renamed", "/task_runs/{least.id}"),
    patch("update unknown key", "/task_runs/{least.id}", {"tags": ["x"]}),
    patch("update unknown", f"/task_runs/{UNKNOWN}", {"name": "x"}),
    patch("name back", "/task_runs/{least.id}", {"name": "least"}),
    *(case for name, task_runs in _FILTERS.items() for case in _found(name, task_runs)),
    post("sort NAME_DESC", "/task_runs/filter", {"flows": {"id": {"any_": ["{flow.id}"]}}, "sort": "NAME_DESC"}),
    post("sort unknown", "/task_runs/filter", {"sort": "START_TIME_ASC"}),
    post(
        "page",
        "/task_runs/filter",
        {"flows": {"id": {"any_": ["{flow.id}"]}}, "sort": "NAME_ASC", "limit": 1, "offset": 1},
    ),
    post("limit 201", "/task_runs/filter", {"limit": 201}),
    post("limit -1", "/task_runs/filter", {"limit": -1}),
    post("set running", "/task_runs/{least.id}/set_state", {"state": {"type": "RUNNING"}}),
    post(
        "set completed",
        "/task_runs/{least.id}/set_state",
        {"state": {"type": "COMPLETED", "data": {"type": "r", "x": 1}}},
    ),
    post("set completed again", "/task_runs/{least.id}/set_state", {"state": {"type": "RUNNING"}}),
    get("read completed", "/task_runs/{least.id}"),
    get("states of it", "/task_run_states/?task_run_id={least.id}"),
    post("set failed with retries", f"/task_runs/{_OWN_ID}/set_state", {"state": {"type": "FAILED", "message": "f"}}),
    get("read retried", f"/task_runs/{_OWN_ID}"),
    post("set alone", "/task_runs/{alone.id}/set_state", {"state": {"type": "RUNNING"}}),
    post("set unknown", f"/task_runs/{UNKNOWN}/set_state", {"state": {"type": "RUNNING"}}),
    post("set nothing", "/task_runs/{least.id}/set_state", {}),
    get("state unknown", f"/task_run_states/{UNKNOWN}"),
    get("states of unknown", f"/task_run_states/?task_run_id={UNKNOWN}"),
    get("states without id", "/task_run_states/"),
    post("flow run completed", "/flow_runs/{run.id}/set_state", {"state": {"type": "COMPLETED"}}),
    _created("after the end", save="after"),
    post("set running after the end", "/task_runs/{after.id}/set_state", {"state": {"type": "RUNNING"}}),
    delete("deleted", "/task_runs/{least.id}"),
    delete("deleted again", "/task_runs/{least.id}"),
    get("read deleted", "/task_runs/{least.id}"),
    get("states of deleted", "/task_run_states/?task_run_id={least.id}"),
    delete("flow run deleted", "/flow_runs/{run.id}"),
    get("task run of deleted flow run", f"/task_runs/{_OWN_ID}"),
]
