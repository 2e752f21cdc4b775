"""States proposed for task runs: the cache, tasks that run in the background, retries for old API versions."""

from typing import Any

from tests.acceptance.cases.case import Case, delete, get, post

_LONG = "k" * 2001
_OLD = {"x-prefect-api-version": "0.8.2"}
_PARAMETERS = "00000000-0000-4000-8000-00000000beef"


def _run(name: str, **fields: Any) -> Case:
    body = {"flow_run_id": "{run.id}", "task_key": "states", "dynamic_key": name, "name": name, **fields}
    return post(f"run {name}", "/task_runs/", body, save=name)


def _to(run: str, kind: str, *, data: Any = None, force: bool = False, **details: Any) -> Case:
    name = f"{run} to {kind} {' '.join(details)}{' by force' if force else ''}"
    state = {"type": kind, "data": data, "state_details": details}
    return post(name, f"/task_runs/{{{run}.id}}/set_state", {"state": state, "force": force})


def _shown(run: str) -> list[Case]:
    return [
        get(f"{run} read", f"/task_runs/{{{run}.id}}"),
        get(f"{run} states", f"/task_run_states/?task_run_id={{{run}.id}}"),
    ]


_CACHE: list[Case] = [
    _run("first"),
    _to("first", "RUNNING", cache_key="cases"),
    _to("first", "COMPLETED", data={"type": "r", "artifact_key": "a", "x": 1}, cache_key="cases"),
    _run("second"),
    _to("second", "RUNNING", cache_key="other"),
    _to("second", "RUNNING", cache_key="cases", refresh_cache=True),
    _to("second", "RUNNING", cache_key="cases", force=True),
    _to("second", "RUNNING", cache_key="cases"),
    *_shown("second"),
    _run("expired", flow_run_id=None),
    _to("expired", "COMPLETED", cache_key="cases expired", cache_expiration="2001-01-01T00:00:00Z"),
    _to("expired", "RUNNING", cache_key="cases expired"),
    _to(
        "expired", "COMPLETED", data={"type": "unpersisted"}, cache_key="cases", cache_expiration="2099-01-01T00:00:00Z"
    ),
    _run("third", flow_run_id=None),
    _to("third", "RUNNING", cache_key="cases"),
    *_shown("third"),
    delete("expired deleted", "/task_runs/{expired.id}"),
    _run("fourth"),
    _to("fourth", "RUNNING", cache_key="cases"),
    _to("fourth", "COMPLETED", cache_key="cases forced", force=True),
    _to("fourth", "RUNNING", cache_key="cases forced"),
    _to("fourth", "COMPLETED", cache_key=_LONG),
    *_shown("fourth"),
    _to("fourth", "RUNNING", cache_key=_LONG),
]

_BACKGROUND: list[Case] = [
    _run("deferred", flow_run_id=None, state={"type": "SCHEDULED", "state_details": {"deferred": True}}),
    _to("deferred", "SCHEDULED", deferred=True, task_parameters_id=_PARAMETERS),
    _to("deferred", "PENDING", deferred=True),
    _to("deferred", "PENDING", deferred=True),
    _to("deferred", "PENDING", deferred=True, force=True),
    _to("deferred", "RUNNING", deferred=True),
    _to("deferred", "PENDING"),
    _to("deferred", "RUNNING", deferred=True, force=True),
    _to("deferred", "COMPLETED", deferred=True, data={"type": "r"}),
    _to("deferred", "RUNNING", deferred=True, force=True),
    *_shown("deferred"),
    _run("created_deferred", state={"type": "RUNNING", "state_details": {"deferred": True, "cache_key": "cases late"}}),
    *_shown("created_deferred"),
]


def _old_retry(version: dict[str, str], name: str) -> list[Case]:
    body = {"flow_id": "{flow.id}", "name": name, "state": {"type": "RUNNING"}, "empirical_policy": {"retries": 1}}
    task = {"flow_run_id": f"{{{name}.id}}", "task_key": "t", "name": "t"}
    return [
        post(name, "/flow_runs/", body, save=name),
        post(
            f"{name} failed", "/task_runs/", task | {"dynamic_key": "0", "state": {"type": "FAILED"}}, save=f"{name}_f"
        ),
        post(
            f"{name} done", "/task_runs/", task | {"dynamic_key": "1", "state": {"type": "COMPLETED"}}, save=f"{name}_c"
        ),
        post(f"{name} fails", f"/flow_runs/{{{name}.id}}/set_state", {"state": {"type": "FAILED"}}, headers=version),
        *_shown(f"{name}_f"),
        *_shown(f"{name}_c"),
        get(f"{name} read", f"/flow_runs/{{{name}.id}}"),
    ]


CASES: list[Case] = [
    post("a flow", "/flows/", {"name": "cases-task-states"}, save="flow"),
    post("a flow run", "/flow_runs/", {"flow_id": "{flow.id}", "name": "r", "state": {"type": "RUNNING"}}, save="run"),
    *_CACHE,
    *_BACKGROUND,
    *_old_retry(_OLD, "old"),
    *_old_retry({}, "new"),
]
