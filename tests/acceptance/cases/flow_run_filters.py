"""Flow runs found and counted by each basic filter, in each order, page by page."""

from typing import Any

from tests.acceptance.cases.case import UNKNOWN, Case, patch, post

_OURS = {"name": {"any_": ["cases-filters"]}}


def _run(name: str, state: dict[str, Any] | None, /, **fields: Any) -> Case:
    body = {"flow_id": "{flow.id}", "name": name, "state": state, **fields}
    return post(f"run {name}", "/flow_runs/", body, save=name.replace("-", "_"))


def _found(name: str, flow_runs: Any, **body: Any) -> list[Case]:
    whole = {"flows": _OURS, "flow_runs": flow_runs, "sort": "NAME_ASC", **body}
    return [
        post(f"filter: {name}", "/flow_runs/filter", whole),
        post(f"count: {name}", "/flow_runs/count", {key: whole[key] for key in ("flows", "flow_runs")}),
    ]


def _at(scheduled_time: str) -> dict[str, Any]:
    return {"type": "SCHEDULED", "state_details": {"scheduled_time": scheduled_time}}


_FILTERS: dict[str, Any] = {
    "none": None,
    "empty": {},
    "by id": {"id": {"any_": ["{run_a.id}", UNKNOWN]}},
    "not by id": {"id": {"not_any_": ["{run_a.id}"]}},
    "any of no ids": {"id": {"any_": []}},
    "not any of no ids": {"id": {"not_any_": []}},
    "by name": {"name": {"any_": ["run-a", "run-c"]}},
    "like": {"name": {"like_": "UN-"}},
    "like with wildcard": {"name": {"like_": "r%a"}},
    "like nothing": {"name": {"like_": ""}},
    "all tags": {"tags": {"all_": ["x", "y"]}},
    "any tags": {"tags": {"any_": ["y", "z"]}},
    "no tags": {"tags": {"is_null_": True}},
    "some tags": {"tags": {"is_null_": False}},
    "tags or": {"tags": {"operator": "or_", "all_": ["x", "y"], "is_null_": True}},
    "state type": {"state": {"type": {"any_": ["SCHEDULED", "RUNNING"]}}},
    "not state type": {"state": {"type": {"not_any_": ["SCHEDULED"]}}},
    "state type both ways": {"state": {"type": {"any_": ["FAILED"], "not_any_": ["RUNNING"]}}},
    "state name": {"state": {"name": {"any_": ["Running", "Odd"]}}},
    "not state name": {"state": {"name": {"not_any_": ["Running"]}}},
    "state type or name": {"state": {"operator": "or_", "type": {"any_": ["FAILED"]}, "name": {"any_": ["Odd"]}}},
    "version": {"flow_version": {"any_": ["v1"]}},
    "started before": {"start_time": {"before_": "2099-06-01T00:00:00Z"}},
    "started after": {"start_time": {"after_": "2099-06-01T00:00:00Z"}},
    "not started": {"start_time": {"is_null_": True}},
    "started": {"start_time": {"is_null_": False}},
    "ended": {"end_time": {"is_null_": False}},
    "not ended": {"end_time": {"is_null_": True}},
    "ended before": {"end_time": {"before_": "2099-01-01T00:00:00Z"}},
    "expected before": {"expected_start_time": {"before_": "2001-01-02T00:00:00Z"}},
    "expected after": {"expected_start_time": {"after_": "2099-01-01T00:00:00Z"}},
    "expected at": {"expected_start_time": {"after_": "2099-01-01T00:00:00Z", "before_": "2099-01-01T00:00:00Z"}},
    "next before": {"next_scheduled_start_time": {"before_": "2099-02-01T00:00:00Z"}},
    "next after": {"next_scheduled_start_time": {"after_": "2099-01-01T00:00:00.000001Z"}},
    "key": {"idempotency_key": {"any_": ["key-a"]}},
    "not key": {"idempotency_key": {"not_any_": ["key-a"]}},
    "no deployment": {"deployment_id": {"is_null_": True}},
    "deployment": {"deployment_id": {"any_": [UNKNOWN]}},
    "no parent": {"parent_task_run_id": {"is_null_": True}},
    "parent": {"parent_task_run_id": {"any_": ["{task.id}"]}},
    "parent flow run": {"parent_flow_run_id": {"any_": ["{run_a.id}"]}},
    "no queue": {"work_queue_name": {"is_null_": True}},
    "and": {"name": {"any_": ["run-a", "run-b"]}, "tags": {"all_": ["y"]}},
    "or": {"operator": "or_", "name": {"any_": ["run-c"]}, "tags": {"all_": ["y"]}},
    "or with empty leaf": {"operator": "or_", "name": {}, "tags": {"all_": ["y"]}},
    "unknown key": {"color": {}},
    "unknown operator": {"name": {"some_": []}},
    "unknown state": {"state": {"type": {"any_": ["SLEEPING"]}}},
    "not a time": {"start_time": {"before_": "yesterday"}},
    "not a list": {"name": {"any_": "run-a"}},
    "not an object": {"name": ["run-a"]},
    "bad operator value": {"operator": "xor_"},
}


def _sorted(sort: str, flow_runs: Any = None) -> Case:
    return post(f"sort {sort}", "/flow_runs/filter", {"flows": _OURS, "flow_runs": flow_runs, "sort": sort})


def _page(name: str, **body: Any) -> Case:
    return post(f"page: {name}", "/flow_runs/filter", {"flows": _OURS, "sort": "NAME_ASC", **body})


_ENDED = {"end_time": {"is_null_": False}}
_PLANNED = {"state": {"type": {"any_": ["SCHEDULED"]}}}

CASES: list[Case] = [
    post("a flow", "/flows/", {"name": "cases-filters"}, save="flow"),
    post("another flow", "/flows/", {"name": "cases-filters-other", "tags": ["lonely"]}, save="other"),
    _run("run-a", _at("2099-01-01T00:00:00Z"), tags=["x", "y"], idempotency_key="key-a", flow_version="v1"),
    _run("run-b", {"type": "RUNNING"}, tags=["y"], idempotency_key="key-b", flow_version="v2"),
    _run("run-c", {"type": "COMPLETED"}),
    _run("run-d", {"type": "FAILED", "name": "Odd", "message": "m"}, tags=["z"], flow_version="v1"),
    _run("run-e", _at("2001-01-01T00:00:00Z")),
    post(
        "a task run",
        "/task_runs/",
        {"flow_run_id": "{run_a.id}", "name": "t", "task_key": "k", "dynamic_key": "0"},
        save="task",
    ),
    _run("run-f", {"type": "PENDING"}, parent_task_run_id="{task.id}"),
    patch("tags of f", "/flow_runs/{run_f.id}", {"tags": ["x"]}),
    *(case for name, flow_runs in _FILTERS.items() for case in _found(name, flow_runs)),
    _sorted("NAME_ASC"),
    _sorted("NAME_DESC"),
    _sorted("START_TIME_ASC"),
    _sorted("START_TIME_DESC"),
    _sorted("EXPECTED_START_TIME_ASC"),
    _sorted("EXPECTED_START_TIME_DESC"),
    _sorted("NEXT_SCHEDULED_START_TIME_ASC", _PLANNED),
    _sorted("END_TIME_DESC", _ENDED),
    _sorted("SIZE_ASC"),
    post("sort ID_DESC", "/flow_runs/filter", {"flows": _OURS, "sort": "ID_DESC"}, unordered=True),
    _page("first", limit=2),
    _page("second", limit=2, offset=2),
    _page("beyond", offset=50),
    _page("limit 0", limit=0),
    _page("limit 200", limit=200),
    _page("limit 201", limit=201),
    _page("limit -1", limit=-1),
    _page("offset -1", offset=-1),
    _page("offset null", offset=None),
    _page("limit half", limit=1.5),
    _page("limit a text", limit="2"),
    _page("unknown top key", color="red"),
    post("by task run", "/flow_runs/filter", {"task_runs": {"id": {"any_": ["{task.id}"]}}}),
    post("with task runs", "/flow_runs/filter", {"flows": _OURS, "task_runs": {}}),
    post("by flow id", "/flow_runs/filter", {"flows": {"id": {"any_": ["{other.id}"]}}}),
    post("flows by run", "/flows/filter", {"flow_runs": {"id": {"any_": ["{run_c.id}"]}}}),
    post("flows by task run", "/flows/filter", {"task_runs": {"id": {"any_": ["{task.id}"]}}}),
    post(
        "flows with failed runs",
        "/flows/filter",
        {"flows": _OURS, "flow_runs": {"state": {"type": {"any_": ["FAILED"]}}}},
    ),
]
