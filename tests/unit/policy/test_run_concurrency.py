"""What runs do to slots: where the genuine server frees too many or too few (docs/adr/0013), and what both share."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from antiphon.events.document.commands import CreateDeployment, CreateFlow, DeleteDeployment, UpdateDeployment
from antiphon.events.flow_run.commands import CreateFlowRun, DeleteFlowRun, MarkFlowRunLate, SetFlowRunState
from antiphon.events.limit.commands import CreateLimit, ExpireLease
from antiphon.events.outcome import Answer, Status
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run.commands import CreateTaskRun, DeleteTaskRun, SetTaskRunState
from antiphon.services.policy.kinds.limit.decider import own_limit_id
from tests.examples import FLOW, FLOW_ID, proposed
from tests.world import LIMIT, World

DEPLOYMENT_ID = UUID(int=50)
DEPLOYMENT = Aggregate("deployment", str(DEPLOYMENT_ID))
OWN_LIMIT = Aggregate("limit", str(own_limit_id(DEPLOYMENT_ID)))
SDK = "3.8.8"


def run(number: int) -> Aggregate:
    return Aggregate("flow_run", str(UUID(int=200 + number)))


def task(number: int) -> Aggregate:
    return Aggregate("task_run", str(UUID(int=300 + number)))


def world(runs: int = 2, **fields: Any) -> World:
    w = World()
    w.when(FLOW, CreateFlow(data={"name": "flow"}))
    given = {"concurrency_limit": 1} | fields
    assert w.when(DEPLOYMENT, CreateDeployment(data={"name": "d", "flow_id": str(FLOW_ID), **given})).status is (
        Status.CREATED
    )
    for number in range(1, runs + 1):
        w.when(run(number), CreateFlowRun(flow_id=FLOW_ID, deployment_id=DEPLOYMENT_ID, from_deployment=True))
    return w


def to(w: World, number: int, kind: str, version: str | None = SDK, *, force: bool = False) -> Answer:
    return w.when(run(number), SetFlowRunState(state=proposed(kind), force=force, client_version=version))


def lease_of(w: World, number: int) -> Aggregate:
    return Aggregate("lease", str(w.state(run(number)).state.state_details.deployment_concurrency_lease_id))


@pytest.mark.parametrize(("strategy", "told"), [("CANCEL_NEW", "CANCELLED"), ("ENQUEUE", "SCHEDULED")])
def test_a_late_run_is_cancelled_where_new_ones_are(strategy: str, told: str) -> None:
    w = world(concurrency_options={"collision_strategy": strategy})
    to(w, 1, "PENDING")
    w.when(run(2), SetFlowRunState(state=proposed("SCHEDULED"), force=True))
    late = w.when(run(2), MarkFlowRunLate())
    assert late.state is not None
    assert late.state.type == told


def test_one_run_holds_the_slot_and_the_next_waits() -> None:
    w = world()
    assert to(w, 1, "PENDING").status is Status.ACCEPT
    refused = to(w, 2, "PENDING")
    assert refused.state is not None
    assert (refused.status, refused.state.name) == (Status.REJECT, "AwaitingConcurrencySlot")
    to(w, 1, "RUNNING")
    assert w.active(OWN_LIMIT) == 1
    to(w, 1, "COMPLETED")
    assert w.active(OWN_LIMIT) == 0
    assert to(w, 2, "PENDING").status is Status.ACCEPT


def test_a_run_that_lost_its_slot_frees_nobody_elses() -> None:
    w = world()
    to(w, 1, "PENDING")
    w.wait(301).when(lease_of(w, 1), ExpireLease())
    to(w, 2, "PENDING")
    refused = to(w, 1, "RUNNING")
    assert (refused.status, refused.reason) == (
        Status.REJECT,
        "Deployment concurrency limit reached after lease expiry.",
    )
    assert w.active(OWN_LIMIT) == 1
    to(w, 2, "RUNNING")
    to(w, 2, "COMPLETED")
    assert w.active(OWN_LIMIT) == 0


def test_a_run_that_was_forced_past_the_limit_frees_nothing() -> None:
    w = world()
    to(w, 1, "PENDING")
    to(w, 2, "RUNNING", force=True)
    to(w, 2, "COMPLETED")
    assert w.active(OWN_LIMIT) == 1


def test_an_old_client_keeps_its_slot_without_renewing() -> None:
    for version in ("3.4.10", None):
        w = world()
        to(w, 1, "PENDING", version)
        to(w, 1, "RUNNING", version)
        w.wait(100_000).when(lease_of(w, 1), ExpireLease())
        assert w.active(OWN_LIMIT) == 1
        to(w, 1, "COMPLETED", version)
        assert w.active(OWN_LIMIT) == 0


def test_a_client_that_takes_its_own_slots_is_given_none() -> None:
    w = world()
    assert to(w, 1, "PENDING", "3.0.2").status is Status.ACCEPT
    assert w.active(OWN_LIMIT) == 0


def test_a_deleted_run_gives_its_slot_back() -> None:
    w = world()
    to(w, 1, "PENDING")
    w.when(run(1), DeleteFlowRun())
    assert w.active(OWN_LIMIT) == 0


def test_a_transition_that_is_refused_takes_no_slot() -> None:
    w = world()
    to(w, 1, "COMPLETED")
    # Refused by the rule before.
    assert to(w, 1, "PAUSED").status is Status.ABORT
    assert w.active(OWN_LIMIT) == 0


def test_a_deployment_takes_its_own_limit_with_it_and_no_other() -> None:
    w = world(runs=0)
    w.when(LIMIT, CreateLimit(name="shared", limit=3))
    w.when(DEPLOYMENT, UpdateDeployment(changes={"concurrency_limit": None}))
    assert not w.state(OWN_LIMIT).exists
    w.when(DEPLOYMENT, UpdateDeployment(changes={"global_concurrency_limit_id": LIMIT.id}))
    assert w.when(DEPLOYMENT, DeleteDeployment()).status is Status.DELETED
    assert w.state(LIMIT).exists


def test_task_runs_take_all_their_tags_or_none_and_give_them_back() -> None:
    w = world(runs=1)
    to(w, 1, "RUNNING", force=True)
    w.when(LIMIT, CreateLimit(name="tag:a", limit=1))
    w.when(Aggregate("limit", str(UUID(int=2))), CreateLimit(name="tag:b", limit=1))
    for number, tags in ((1, ("a", "b")), (2, ("b",)), (3, ("a",))):
        command = CreateTaskRun(flow_run_id=UUID(run(1).id), task_key=f"t{number}", dynamic_key="0", tags=tags)
        w.when(task(number), command)
    start = SetTaskRunState(state=proposed("RUNNING"))
    assert w.when(task(2), start).status is Status.ACCEPT
    waits = w.when(task(1), start)
    assert (waits.status, waits.reason) == (Status.WAIT, "Concurrency limit reached for tags: a, b")
    assert w.active() == 0
    w.when(task(2), DeleteTaskRun())
    assert w.when(task(1), start).status is Status.ACCEPT
    assert w.when(task(3), start).status is Status.WAIT
    w.when(task(1), SetTaskRunState(state=proposed("FAILED")))
    assert w.when(task(3), start).status is Status.ACCEPT
