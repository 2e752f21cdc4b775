"""Every type of state proposed in every type of state, with and without force, for flow runs and task runs."""

from tests.acceptance.cases.case import Case, get, post

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
_PAIRS = [(initial, proposed, force) for initial in TYPES for proposed in TYPES for force in (False, True)]


def _flow_run(initial: str, proposed: str, *, force: bool) -> list[Case]:
    name = f"{initial} to {proposed}{' by force' if force else ''}"
    save = name.replace(" ", "_").lower()
    return [
        post(
            f"{name}: run", "/flow_runs/", {"flow_id": "{flow.id}", "name": name, "state": {"type": initial}}, save=save
        ),
        post(
            name, f"/flow_runs/{{{save}.id}}/set_state", {"state": {"type": proposed, "message": "m"}, "force": force}
        ),
        get(f"{name}: read", f"/flow_runs/{{{save}.id}}"),
    ]


def _task_run(initial: str, proposed: str, *, force: bool) -> list[Case]:
    name = f"{initial} to {proposed}{' by force' if force else ''}"
    save = name.replace(" ", "_").lower()
    body = {"task_key": "t", "dynamic_key": name, "name": name, "flow_run_id": "{run.id}", "state": {"type": initial}}
    return [
        post(f"{name}: run", "/task_runs/", body, save=save),
        post(
            name, f"/task_runs/{{{save}.id}}/set_state", {"state": {"type": proposed, "message": "m"}, "force": force}
        ),
        get(f"{name}: read", f"/task_runs/{{{save}.id}}"),
    ]


FLOW_RUN_CASES: list[Case] = [
    post("a flow", "/flows/", {"name": "cases-transitions"}, save="flow"),
    *(case for initial, proposed, force in _PAIRS for case in _flow_run(initial, proposed, force=force)),
]
TASK_RUN_CASES: list[Case] = [
    post("a flow", "/flows/", {"name": "cases-task-transitions"}, save="flow"),
    post("a flow run", "/flow_runs/", {"flow_id": "{flow.id}", "name": "r", "state": {"type": "RUNNING"}}, save="run"),
    *(case for initial, proposed, force in _PAIRS for case in _task_run(initial, proposed, force=force)),
]
