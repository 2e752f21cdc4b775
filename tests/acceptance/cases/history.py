"""What sums up runs: history, lateness, graphs, log files, and the counts of the web UI."""

from typing import Any

from tests.acceptance.cases.case import UNKNOWN, Case, get, post

_OURS = {"name": {"any_": ["cases-history"]}}
_SCHEDULED = {"name": {"any_": ["one", "two"]}}
_DAY = {"history_start": "2099-01-01T00:00:00Z", "history_end": "2099-01-02T00:00:00Z"}


def _run(name: str, state: dict[str, Any] | None = None, **fields: Any) -> Case:
    body = {"flow_id": "{flow.id}", "name": name, "state": state, **fields}
    return post(f"run {name}", "/flow_runs/", body, save=name)


def _at(scheduled_time: str) -> dict[str, Any]:
    return {"type": "SCHEDULED", "state_details": {"scheduled_time": scheduled_time}}


def _task(name: str, run: str, inputs: dict[str, Any] | None = None, **fields: Any) -> Case:
    body = {"flow_run_id": f"{{{run}.id}}", "name": name, "task_key": name, "dynamic_key": "0", **fields}
    return post(f"task {name}", "/task_runs/", {**body, "task_inputs": inputs or {}}, save=name)


def _of(*tasks: str) -> list[dict[str, str]]:
    return [{"input_type": "task_run", "id": f"{{{task}.id}}"} for task in tasks]


def _history(name: str, seconds: Any, kind: str = "flow_runs", /, **body: Any) -> Case:
    whole = {"flows": _OURS, **_DAY, "history_interval_seconds": seconds, **body}
    return post(f"{kind} history {name}", f"/{kind}/history", whole)


def _line(message: str, second: int, **fields: Any) -> dict[str, Any]:
    time = f"2099-01-01T00:00:{second:02}.5Z"
    return {"name": "l", "level": 20, "message": message, "timestamp": time, "flow_run_id": "{one.id}", **fields}


_HISTORY = [
    _history("by hours", 3600 * 6),
    _history("by days", 86_400),
    _history("uneven", 50_000),
    _history("of 500", 60),
    _history("half seconds", 1.5, history_end="2099-01-01T00:00:03Z"),
    _history("too short", 0.5),
    _history("negative", -3),
    _history("endless", 1e300),
    _history("no number", "x"),
    _history("null", None),
    _history("backwards", 60, history_end="2098-01-01T00:00:00Z"),
    _history("no time", 60, history_start="yesterday"),
    _history("without zone", 3600 * 12, history_start="2099-01-01T00:00:00"),
    _history("other zone", 3600 * 12, history_start="2099-01-01T02:00:00+02:00"),
    _history("filtered", 3600 * 12, flow_runs={"name": {"any_": ["one"]}}),
    _history("queues", 3600 * 12, work_queues={}),
    _history("pool queues ignored", 86_400, work_pool_queues={}),
    _history("several errors", "x", history_start=1, flow_runs={"color": 1}),
    post("flow_runs history nothing", "/flow_runs/history", {}),
    _history("by days", 86_400, "task_runs"),
    _history("pools ignored", 86_400, "task_runs", work_pools={}),
]

_UI = [
    post("ui history", "/ui/flow_runs/history", {"flows": _OURS, "flow_runs": _SCHEDULED}),
    post(
        "ui history page",
        "/ui/flow_runs/history",
        {"flow_runs": _SCHEDULED, "sort": "NAME_ASC", "limit": 1, "offset": 1},
    ),
    post("ui history limit", "/ui/flow_runs/history", {"limit": 1001}),
    post("ui history negative", "/ui/flow_runs/history", {"limit": -1}),
    post("ui tasks of runs", "/ui/flow_runs/count-task-runs", {"flow_run_ids": ["{one.id}", "{two.id}", UNKNOWN]}),
    post("ui tasks of none", "/ui/flow_runs/count-task-runs", {"flow_run_ids": []}),
    post("ui tasks of many", "/ui/flow_runs/count-task-runs", {"flow_run_ids": [UNKNOWN] * 201}),
    post("ui tasks of what", "/ui/flow_runs/count-task-runs", {}),
    post("ui next", "/ui/flows/next-runs", {"flow_ids": ["{flow.id}", UNKNOWN]}),
    post("ui next bad", "/ui/flows/next-runs", {"flow_ids": ["x"]}),
    post("ui count", "/ui/task_runs/count", {"flows": _OURS}),
    post("ui count filtered", "/ui/task_runs/count", {"flows": _OURS, "task_runs": {"name": {"like_": "a"}}}),
    get("ui task", "/ui/task_runs/{a.id}"),
    get("ui task unknown", f"/ui/task_runs/{UNKNOWN}"),
    post("ui dashboard without", "/ui/task_runs/dashboard/counts", {}),
    post("ui dashboard no start", "/ui/task_runs/dashboard/counts", {"task_runs": {}}),
    post(
        "ui dashboard",
        "/ui/task_runs/dashboard/counts",
        {
            "flows": _OURS,
            "task_runs": {"start_time": {"after_": "2001-01-01T00:00:00Z", "before_": "2090-01-01T00:00:00Z"}},
        },
    ),
    post(
        "ui dashboard future",
        "/ui/task_runs/dashboard/counts",
        {"task_runs": {"start_time": {"after_": "2099-01-01T00:00:00Z", "before_": "2099-01-03T00:00:00Z"}}},
    ),
    post(
        "ui dashboard backwards",
        "/ui/task_runs/dashboard/counts",
        {"task_runs": {"start_time": {"after_": "2099-01-01T00:00:00Z", "before_": "2098-01-03T00:00:00Z"}}},
    ),
]

CASES: list[Case] = [
    post("a flow", "/flows/", {"name": "cases-history"}, save="flow"),
    _run("one", _at("2099-01-01T00:00:00Z")),
    _run("two", _at("2099-01-01T13:30:00.25Z")),
    _run("three", _at("2099-01-01T13:30:00Z") | {"name": "Odd"}),
    _run("four", {"type": "RUNNING"}),
    _run("five", {"type": "COMPLETED"}),
    _task("a", "one", state=_at("2099-01-01T00:00:01Z")),
    _task("b", "one", {"x": _of("a"), "y": _of("a"), "z": []}, state=_at("2099-01-01T00:00:02Z")),
    _task("c", "one", {"x": _of("b", "a"), "__parents__": _of("a")}, state=_at("2099-01-01T00:00:03Z")),
    _task("d", "one", {"x": [{"input_type": "parameter", "name": "p"}]}, state=_at("2099-01-01T00:00:04Z")),
    _task("e", "one", {"x": _of("d")}, state={"type": "COMPLETED"}),
    _task("f", "five", state=_at("2099-01-01T00:00:01Z")),
    _task("g", "five", {"x": _of("f"), "y": _of("f")}),
    _task("stateless", "one"),
    _run("sub", _at("2099-01-01T00:00:05Z"), parent_task_run_id="{d.id}"),
    get("graph v1", "/flow_runs/{five.id}/graph", unordered=True),
    get("graph v1 of nothing", "/flow_runs/{two.id}/graph"),
    get("graph v1 of unknown", f"/flow_runs/{UNKNOWN}/graph"),
    get("graph v2", "/flow_runs/{one.id}/graph-v2"),
    get("graph v2 since", "/flow_runs/{one.id}/graph-v2?since=2098-01-01T00:00:00Z"),
    get("graph v2 since nonsense", "/flow_runs/{one.id}/graph-v2?since=x"),
    get("graph v2 of nothing", "/flow_runs/{two.id}/graph-v2"),
    get("graph v2 of unknown", f"/flow_runs/{UNKNOWN}/graph-v2"),
    post("logs", "/logs/", [_line("one, two", 2), _line('"quoted"\nlines ünï', 1, task_run_id="{a.id}")]),
    get("download", "/flow_runs/{one.id}/logs/download"),
    get("download nothing", "/flow_runs/{two.id}/logs/download"),
    get("download unknown", f"/flow_runs/{UNKNOWN}/logs/download"),
    *_HISTORY,
    post("lateness", "/flow_runs/lateness", {"flows": _OURS, "flow_runs": {"name": {"any_": ["one", "two"]}}}),
    post("lateness of none", "/flow_runs/lateness", {"flow_runs": {"id": {"any_": []}}}),
    post("lateness bad", "/flow_runs/lateness", {"flow_runs": {"color": 1}}),
    *_UI,
    # What a request may not filter by is ignored.
    post("tasks by pool", "/task_runs/filter", {"flows": _OURS, "work_pools": {"color": 1}, "sort": "NAME_ASC"}),
    post("flows by queue", "/flows/filter", {"flows": _OURS, "work_pool_queues": {"color": 1}}),
    # What is wrong is told in one order.
    post("all wrong", "/flow_runs/filter", {"sort": "x", "limit": "x", "offset": -1, "flows": 1, "task_runs": 1}),
    post("flows all wrong", "/flows/filter", {"sort": "x", "offset": -1, "flows": 1, "task_runs": 1}),
    post("logs all wrong", "/logs/filter", {"sort": "x", "offset": -1, "logs": 1}),
    post("pages all wrong", "/task_runs/paginate", {"sort": "x", "page": 0, "flows": 1}),
]
