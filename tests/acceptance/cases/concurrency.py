"""Transitions that take slots and give them back: of deployments' limits, and of limits on tags."""

from typing import Any

from tests.acceptance.cases.case import UNKNOWN, Case, delete, get, patch, post

#: A client that renews leases.
_SDK = {"User-Agent": "prefect/3.8.8 (API 0.8.4)"}
_LEASE = "state.state_details.deployment_concurrency_lease_id"


def _deployment(name: str, **fields: Any) -> Case:
    body = {"name": f"cases-{name}", "flow_id": "{flow.id}", **fields}
    return post(f"deployment {name}", "/deployments/", body, save=name)


def _run(name: str, deployment: str, **fields: Any) -> Case:
    return post(f"run {name}", f"/deployments/{{{deployment}.id}}/create_flow_run", {"name": name, **fields}, save=name)


def _to(run: str, kind: str, what: str = "", *, save: str = "", force: bool = False, **state: Any) -> Case:
    body = {"state": {"type": kind, **state}, "force": force}
    name = f"{run} to {kind} {what}".strip()
    return post(name, f"/flow_runs/{{{run}.id}}/set_state", body, headers=_SDK, save=save)


def _slots(deployment: str, what: str) -> Case:
    return get(f"slots of {deployment}: {what}", f"/v2/concurrency_limits/deployment:{{{deployment}.id}}")


def _shown(run: str) -> list[Case]:
    return [
        get(f"{run} read", f"/flow_runs/{{{run}.id}}"),
        get(f"{run} states", f"/flow_run_states/?flow_run_id={{{run}.id}}"),
    ]


FLOW_RUN_CASES: list[Case] = [
    post("flow", "/flows/", {"name": "cases-concurrency"}, save="flow"),
    # Waiting for a slot.
    _deployment("queued", concurrency_limit=1),
    *[_run(name, "queued") for name in ("q1", "q2", "q3")],
    _to("q1", "PENDING"),
    _slots("queued", "one pending"),
    _to("q2", "PENDING"),
    _to("q1", "PENDING", "renamed", name="Submitting"),
    _to("q1", "RUNNING"),
    _to("q2", "RUNNING", "without a slot, by force", force=True),
    _slots("queued", "one running, one by force"),
    _to("q1", "COMPLETED"),
    _slots("queued", "none"),
    *_shown("q1"),
    *_shown("q2"),
    _to("q3", "PENDING"),
    _to("q3", "CANCELLING"),
    _slots("queued", "one cancelling"),
    _to("q3", "CANCELLED"),
    _slots("queued", "none again"),
    # Retries, pauses, crashes.
    _run("retried", "queued", empirical_policy={"retries": 1, "retry_delay": 0}),
    _to("retried", "PENDING"),
    _to("retried", "RUNNING"),
    _to("retried", "FAILED"),
    _slots("queued", "kept for the retry"),
    _to("retried", "RUNNING", "again"),
    _to("retried", "FAILED", "for good"),
    _slots("queued", "after the retry"),
    *_shown("retried"),
    _run("paused", "queued"),
    _to("paused", "PENDING"),
    _to("paused", "RUNNING"),
    _to("paused", "PAUSED", state_details={"pause_timeout": "2099-01-01T00:00:00Z", "pause_key": "p"}),
    _slots("queued", "paused"),
    _to("paused", "RUNNING", "again"),
    _slots("queued", "resumed"),
    _to("paused", "CRASHED"),
    _slots("queued", "crashed"),
    _run("rescheduled", "queued"),
    _to("rescheduled", "PENDING"),
    _to("rescheduled", "SCHEDULED", state_details={"scheduled_time": "2001-01-01T00:00:00Z"}),
    _slots("queued", "rescheduled"),
    _to("rescheduled", "PENDING", "again"),
    _slots("queued", "pending again"),
    _to("rescheduled", "FAILED", "by force", force=True),
    _slots("queued", "failed by force"),
    *_shown("rescheduled"),
    # A slot lost while preparing.
    _run("slow", "queued"),
    _to("slow", "PENDING", save="slow_pending"),
    post("slot lost", "/v2/concurrency_limits/decrement-with-lease", {"lease_id": f"{{slow_pending.{_LEASE}}}"}),
    _slots("queued", "lost"),
    _to("slow", "RUNNING", save="slow_running"),
    _slots("queued", "taken anew"),
    post("renewed", f"/v2/concurrency_limits/leases/{{slow_running.{_LEASE}}}/renew"),
    _to("slow", "COMPLETED"),
    _slots("queued", "given back"),
    post("ended", f"/v2/concurrency_limits/leases/{{slow_running.{_LEASE}}}/renew"),
    _run("slower", "queued"),
    _run("quicker", "queued"),
    _to("slower", "PENDING", save="slower_pending"),
    post(
        "slot lost again", "/v2/concurrency_limits/decrement-with-lease", {"lease_id": f"{{slower_pending.{_LEASE}}}"}
    ),
    _to("quicker", "PENDING"),
    _to("slower", "RUNNING", "too late"),
    *_shown("slower"),
    # No waiting.
    _deployment(
        "impatient",
        concurrency_limit=1,
        concurrency_options={"collision_strategy": "CANCEL_NEW", "grace_period_seconds": 60},
    ),
    *[_run(name, "impatient") for name in ("i1", "i2")],
    _to("i1", "PENDING"),
    _to("i2", "PENDING"),
    *_shown("i2"),
    _to("i1", "SCHEDULED", "late", name="Late"),
    # Limits that let nothing through, or everything.
    post("limit of 0", "/v2/concurrency_limits/", {"name": "cases-closed", "limit": 0}, save="closed_limit"),
    _deployment("closed", global_concurrency_limit_id="{closed_limit.id}"),
    _run("c1", "closed"),
    _to("c1", "PENDING"),
    patch("limit of 1", "/v2/concurrency_limits/cases-closed", {"limit": 1}),
    _to("c1", "PENDING", "now open"),
    _run("c2", "closed"),
    _to("c2", "PENDING", "full"),
    patch("inactive", "/v2/concurrency_limits/cases-closed", {"active": False}),
    _deployment("open"),
    _run("o1", "open"),
    _to("o1", "PENDING"),
    _run("o2", "open"),
    delete("deployment gone", "/deployments/{open.id}"),
    _to("o1", "RUNNING"),
    _to("o1", "COMPLETED"),
    post("run of nothing", "/flow_runs/", {"flow_id": "{flow.id}", "name": "n1", "deployment_id": UNKNOWN}, save="n1"),
    _to("n1", "SCHEDULED", "first", force=True),
    _to("n1", "PENDING", "of no deployment"),
    # With them go their limits, one of which was freed too often by the genuine server.
    *[delete(f"{name} deleted", f"/deployments/{{{name}.id}}") for name in ("queued", "impatient")],
]


def _task(name: str, *tags: str) -> Case:
    body = {"flow_run_id": "{host.id}", "name": name, "task_key": name, "dynamic_key": "0", "tags": list(tags)}
    return post(f"task {name}", "/task_runs/", body, save=name)


def _task_to(task: str, kind: str, what: str = "", **options: Any) -> Case:
    body = {"state": {"type": kind}, **options}
    return post(f"{task} to {kind} {what}".strip(), f"/task_runs/{{{task}.id}}/set_state", body)


def _tag(name: str, what: str) -> Case:
    return get(f"tag {name} {what}", f"/concurrency_limits/tag/cases-{name}")


TASK_RUN_CASES: list[Case] = [
    post("flow", "/flows/", {"name": "cases-tags"}, save="flow"),
    post("host", "/flow_runs/", {"flow_id": "{flow.id}", "name": "host", "state": {"type": "RUNNING"}}, save="host"),
    post("red", "/concurrency_limits/", {"tag": "cases-red", "concurrency_limit": 1}, save="red"),
    post("blue", "/concurrency_limits/", {"tag": "cases-blue", "concurrency_limit": 2}, save="blue"),
    post("none", "/concurrency_limits/", {"tag": "cases-none", "concurrency_limit": 0}, save="none"),
    _task("t1", "cases-red"),
    _task("t2", "cases-blue", "cases-red"),
    _task("t3", "cases-none"),
    _task("t4", "cases-green"),
    _task("t5", "cases-blue"),
    _task_to("t1", "RUNNING"),
    _tag("red", "taken"),
    _task_to("t2", "RUNNING", "full"),
    _tag("blue", "untouched"),
    _task_to("t3", "RUNNING", "never"),
    _task_to("t4", "RUNNING", "without a limit"),
    _task_to("t5", "RUNNING"),
    _task_to("t1", "COMPLETED"),
    _tag("red", "free"),
    _task_to("t2", "RUNNING", "now"),
    _tag("red", "taken again"),
    _tag("blue", "both taken"),
    _task_to("t2", "CANCELLING"),
    _tag("red", "while cancelling"),
    _task_to("t2", "CANCELLED", "by force", force=True),
    _tag("red", "after the force"),
    _tag("blue", "after the force"),
    _task_to("t5", "FAILED"),
    _tag("blue", "free"),
    *[delete(f"{name} deleted", f"/concurrency_limits/tag/cases-{name}") for name in ("red", "blue", "none")],
]
