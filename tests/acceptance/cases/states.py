"""States proposed for flow runs: what no table of types shows."""

from typing import Any

from tests.acceptance.cases.case import UNKNOWN, Case, get, patch, post

_ONE = "00000000-0000-4000-8000-000000000001"
_SCHEMA = '{"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}'


def _run(name: str, state: dict[str, Any] | None = None, **fields: Any) -> Case:
    return post(
        f"run {name}", "/flow_runs/", {"flow_id": "{flow.id}", "name": name, "state": state, **fields}, save=name
    )


def _to(run: str, state: Any, what: str = "", **body: Any) -> Case:
    kind = state.get("type") if isinstance(state, dict) else state
    name = f"{run} to {kind} {what}".strip()
    return post(name, f"/flow_runs/{{{run}.id}}/set_state", {"state": state, **body})


def _shown(run: str) -> list[Case]:
    return [
        get(f"{run} read", f"/flow_runs/{{{run}.id}}"),
        get(f"{run} states", f"/flow_run_states/?flow_run_id={{{run}.id}}"),
    ]


def _state(kind: str, **details: Any) -> dict[str, Any]:
    return {"type": kind, "state_details": details}


CASES: list[Case] = [
    post("a flow", "/flows/", {"name": "cases-states"}, save="flow"),
    # Bodies.
    _run("bodies"),
    _to("bodies", {"type": "SLEEPING"}),
    _to("bodies", {}),
    _to("bodies", None),
    _to("bodies", {"type": "RUNNING", "id": UNKNOWN}, "with id"),
    _to("bodies", {"type": "RUNNING", "timestamp": "2099-01-01T00:00:00Z"}, "with time"),
    _to("bodies", {"type": "RUNNING", "name": 5}, "with number as name"),
    _to("bodies", {"type": "RUNNING", "state_details": {"nope": 1}}, "with unknown detail"),
    _to("bodies", {"type": "RUNNING", "state_details": {"scheduled_time": "soon"}}, "with bad time"),
    _to("bodies", {"type": "RUNNING"}, "force no boolean", force="maybe"),
    _to("bodies", {"type": "RUNNING"}, "unknown top key", nope=1),
    post("bodies: no body", "/flow_runs/{bodies.id}/set_state"),
    post("bodies: unknown run", f"/flow_runs/{UNKNOWN}/set_state", {"state": {"type": "RUNNING"}}),
    post("bodies: not a uuid", "/flow_runs/nope/set_state", {"state": {"type": "RUNNING"}}),
    _to("bodies", {"type": "RUNNING", "name": "Nämed", "message": "ünïcode ✓"}, "named"),
    _to("bodies", {"type": "COMPLETED", "name": None, "message": ""}, "null name"),
    *_shown("bodies"),
    # Result data.
    _run("data", {"type": "RUNNING"}),
    _to("data", {"type": "COMPLETED", "data": {"type": "result", "artifact_key": "k1", "x": 1}}, "with data"),
    _to("data", {"type": "COMPLETED"}, "losing it"),
    _to("data", {"type": "COMPLETED"}, "losing it by force", force=True),
    _to("data", {"type": "COMPLETED", "data": {"type": "result", "x": 2}}, "with other data"),
    _to("data", {"type": "RUNNING"}, "again"),
    _to("data", {"type": "FAILED", "data": {"type": "unpersisted"}}, "unpersisted"),
    *_shown("data"),
    # Retries.
    _run("retried", {"type": "RUNNING"}, empirical_policy={"retries": 1, "retry_delay": 3600}),
    _to("retried", {"type": "FAILED", "message": "once", "data": {"type": "result"}}, "the first time"),
    *_shown("retried"),
    _to("retried", {"type": "RUNNING"}, "too early"),
    _to("retried", {"type": "RUNNING"}, "by force", force=True),
    _to("retried", {"type": "FAILED", "message": "twice"}, "the second time"),
    *_shown("retried"),
    _run("crashed", {"type": "RUNNING"}, empirical_policy={"retries": 1, "retry_delay": 0}),
    _to("crashed", {"type": "CRASHED"}),
    _run("no_delay", {"type": "RUNNING"}, empirical_policy={"retries": 1}),
    _to("no_delay", {"type": "FAILED"}, "without a delay"),
    _to("no_delay", {"type": "RUNNING"}, "at once"),
    *_shown("no_delay"),
    # Pauses.
    _run("paused", {"type": "RUNNING"}),
    _to("paused", _state("PAUSED", pause_timeout="2099-01-01T00:00:00Z", pause_key="p1")),
    _to("paused", {"type": "RUNNING"}, "by itself"),
    _to("paused", _state("PAUSED", pause_timeout="2099-01-01T00:00:00Z", pause_key="p1"), "with a used key"),
    _to("paused", _state("PAUSED", pause_timeout="2099-01-01T00:00:00Z", pause_key="p2"), "with a new key"),
    post("paused: resume", "/flow_runs/{paused.id}/resume"),
    post("paused: resume again", "/flow_runs/{paused.id}/resume", {}),
    _to("paused", {"type": "PAUSED"}, "without a timeout"),
    *_shown("paused"),
    _to("paused", {"type": "COMPLETED"}),
    post("paused: resume completed", "/flow_runs/{paused.id}/resume", {"run_input": {"a": 1}}),
    *_shown("paused"),
    _run("overdue", {"type": "RUNNING"}),
    _to("overdue", _state("PAUSED", pause_timeout="2001-01-01T00:00:00Z", pause_key="p")),
    _to("overdue", {"type": "RUNNING"}, "too late"),
    post("overdue: resume", "/flow_runs/{overdue.id}/resume"),
    *_shown("overdue"),
    _run("suspended", {"type": "RUNNING"}),
    _to(
        "suspended", _state("PAUSED", pause_timeout="2099-01-01T00:00:00Z", pause_reschedule=True), "without deployment"
    ),
    *_shown("suspended"),
    _run("never_ran", {"type": "PENDING"}),
    _to("never_ran", _state("PAUSED", pause_timeout="2099-01-01T00:00:00Z", pause_key="p")),
    _run("scheduled", _state("SCHEDULED", scheduled_time="2099-01-01T00:00:00Z")),
    _to("scheduled", _state("PAUSED", pause_timeout="2099-01-01T00:00:00Z", pause_key="p")),
    # Pause with input.
    _run("asks", {"type": "RUNNING"}),
    _to(
        "asks",
        _state(
            "PAUSED",
            pause_timeout="2099-01-01T00:00:00Z",
            pause_key="p",
            run_input_keyset={"schema": "s-schema", "response": "s-response"},
        ),
    ),
    post("asks: no schema yet", "/flow_runs/{asks.id}/resume", {"run_input": {"age": 1}}),
    post("asks: schema", "/flow_runs/{asks.id}/input", {"key": "s-schema", "value": _SCHEMA}),
    post("asks: wrong type", "/flow_runs/{asks.id}/resume", {"run_input": {"age": "old"}}),
    post("asks: missing", "/flow_runs/{asks.id}/resume", {"run_input": {}}),
    post("asks: null", "/flow_runs/{asks.id}/resume", {"run_input": None}),
    post("asks: no object", "/flow_runs/{asks.id}/resume", {"run_input": 5}),
    post("asks: right", "/flow_runs/{asks.id}/resume", {"run_input": {"age": 36}}),
    get("asks: response", "/flow_runs/{asks.id}/input/s-response"),
    *_shown("asks"),
    # Cancelling.
    _run("cancelled", {"type": "RUNNING"}),
    _to("cancelled", {"type": "CANCELLING", "message": "stop"}),
    _to("cancelled", {"type": "COMPLETED"}, "too late"),
    _to("cancelled", {"type": "CANCELLING"}, "again"),
    _to("cancelled", {"type": "COMPLETED"}, "by force", force=True),
    *_shown("cancelled"),
    _run("with_infrastructure", _state("SCHEDULED", scheduled_time="2099-01-01T00:00:00Z")),
    patch("infrastructure", "/flow_runs/{with_infrastructure.id}", {"infrastructure_pid": "host:1"}),
    _to("with_infrastructure", {"type": "CANCELLING"}),
    *_shown("with_infrastructure"),
    # Transition ids.
    _run("repeated", {"type": "PENDING"}),
    _to("repeated", _state("RUNNING", transition_id=_ONE)),
    _to("repeated", _state("RUNNING", transition_id=_ONE), "repeated"),
    _to("repeated", {"type": "RUNNING"}, "without id"),
    _to("repeated", _state("COMPLETED", transition_id=_ONE), "same id"),
    *_shown("repeated"),
    # Waiting, and names that pending states may have.
    _run("waits", _state("SCHEDULED", scheduled_time="2099-01-01T00:00:00Z")),
    _to("waits", {"type": "RUNNING"}, "too early"),
    _to("waits", {"type": "PENDING"}, "early"),
    _to("waits", {"type": "RUNNING"}, "after pending"),
    _to("waits", {"type": "PENDING", "name": "Submitting"}),
    _to("waits", {"type": "PENDING", "name": "Pending"}, "named so"),
    _to("waits", {"type": "SCHEDULED", "name": "Late"}, "late"),
    *_shown("waits"),
    _run("late", _state("SCHEDULED", scheduled_time="2001-01-01T00:00:00Z")),
    _to("late", {"type": "SCHEDULED", "name": "Late"}, "late"),
    _to("late", {"type": "SCHEDULED", "name": "Late"}, "late again"),
    _to("late", {"type": "RUNNING"}),
    *_shown("late"),
    # A state's details as given.
    _run("details", {"type": "PENDING"}),
    _to(
        "details",
        _state(
            "RUNNING",
            cache_key="c",
            cache_expiration="2099-01-01T00:00:00Z",
            deferred=True,
            untrackable_result=True,
            child_flow_run_id=_ONE,
            flow_run_id=_ONE,
            task_run_id=_ONE,
            refresh_cache=True,
            retriable=False,
            task_parameters_id=_ONE,
            traceparent="00-a-b-01",
        ),
    ),
    *_shown("details"),
]
