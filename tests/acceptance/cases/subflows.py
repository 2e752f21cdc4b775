"""A subflow's states appear on the task run that stands for it in its parent."""

from tests.acceptance.cases.case import Case, get, post


def _child(kind: str) -> Case:
    return post(f"child {kind}", "/flow_runs/{child.id}/set_state", {"state": {"type": kind, "message": f"m {kind}"}})


_SHOWN = [
    get("task run", "/task_runs/{task.id}"),
    get("task run states", "/task_run_states/?task_run_id={task.id}"),
    get("child states", "/flow_run_states/?flow_run_id={child.id}"),
]

CASES: list[Case] = [
    post("a flow", "/flows/", {"name": "cases-subflows"}, save="flow"),
    post(
        "a parent",
        "/flow_runs/",
        {"flow_id": "{flow.id}", "name": "parent", "state": {"type": "RUNNING"}},
        save="parent",
    ),
    post(
        "a task run",
        "/task_runs/",
        {
            "flow_run_id": "{parent.id}",
            "task_key": "child",
            "dynamic_key": "0",
            "name": "child-0",
            "state": {"type": "PENDING"},
        },
        save="task",
    ),
    post(
        "a child",
        "/flow_runs/",
        {"flow_id": "{flow.id}", "name": "child", "parent_task_run_id": "{task.id}"},
        save="child",
    ),
    *_SHOWN,
    _child("RUNNING"),
    *_SHOWN,
    _child("FAILED"),
    _child("COMPLETED"),
    *_SHOWN,
    get("child", "/flow_runs/{child.id}"),
    post("children", "/flow_runs/filter", {"flow_runs": {"parent_flow_run_id": {"any_": ["{parent.id}"]}}}),
    post(
        "with children",
        "/task_runs/filter",
        {"task_runs": {"id": {"any_": ["{task.id}"]}, "subflow_runs": {"exists_": True}}},
    ),
]
