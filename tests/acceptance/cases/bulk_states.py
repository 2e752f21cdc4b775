"""One state for many flow runs; their ids are not saved, because the genuine server mixes them up in its answers."""

from typing import Any

from tests.acceptance.cases.case import Case, get, post

_WHICH = {"name": {"any_": ["cases-bulk"]}}


def _run(number: int, state: dict[str, Any]) -> Case:
    body = {"flow_id": "{flow.id}", "name": "cases-bulk", "state": state}
    return post(f"run {number}", "/flow_runs/", body)


def _bulk(name: str, **body: Any) -> list[Case]:
    found = {"flow_runs": _WHICH, "sort": "EXPECTED_START_TIME_ASC"}
    return [
        post(name, "/flow_runs/bulk_set_state", {"flow_runs": _WHICH} | body),
        post(f"{name}: after", "/flow_runs/filter", found),
    ]


CASES: list[Case] = [
    post("a flow", "/flows/", {"name": "cases-bulk"}, save="flow"),
    *_bulk("none", state={"type": "RUNNING"}),
    _run(1, {"type": "PENDING"}),
    _run(2, {"type": "PENDING"}),
    *_bulk("to RUNNING", state={"type": "RUNNING", "message": "m"}),
    *_bulk("paused", state={"type": "PAUSED", "state_details": {"pause_timeout": "2099-01-01T00:00:00Z"}}),
    *_bulk("paused again", state={"type": "PAUSED"}),
    *_bulk("completed", state={"type": "COMPLETED", "data": {"type": "r"}}, limit=50),
    *_bulk("started again", state={"type": "RUNNING"}),
    *_bulk("started again by force", state={"type": "RUNNING", "name": "Forced"}, force=True),
    *_bulk("failed", state={"type": "FAILED", "data": {"type": "unpersisted"}}),
    *_bulk("scheduled", state={"type": "SCHEDULED"}),
    *_bulk("defaults asked for", state={"type": "CANCELLED"}, force=None, limit=None),
    post("limit 0", "/flow_runs/bulk_set_state", {"state": {"type": "RUNNING"}, "limit": 0}),
    post("limit 51", "/flow_runs/bulk_set_state", {"state": {"type": "RUNNING"}, "limit": 51}),
    post("no state", "/flow_runs/bulk_set_state", {"flow_runs": _WHICH}),
    post("bad state", "/flow_runs/bulk_set_state", {"flow_runs": _WHICH, "state": {"type": "SLEEPING"}}),
    post("state with id", "/flow_runs/bulk_set_state", {"flow_runs": _WHICH, "state": {"type": "RUNNING", "id": "x"}}),
    post("bad filter", "/flow_runs/bulk_set_state", {"flow_runs": {"nope": 1}, "state": {"type": "RUNNING"}}),
    post("force no boolean", "/flow_runs/bulk_set_state", {"state": {"type": "RUNNING"}, "force": "maybe"}),
    post("no body", "/flow_runs/bulk_set_state"),
    get("by GET", "/flow_runs/bulk_set_state"),
]
