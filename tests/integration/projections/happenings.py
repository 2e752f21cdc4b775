"""What may happen to a few things of every kind, in any order."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Final
from uuid import UUID

from antiphon.events.document.events import (
    ArtifactCreated,
    ArtifactDeleted,
    ArtifactUpdated,
    DeploymentCreated,
    DeploymentDeleted,
    DeploymentUpdated,
    FlowCreated,
    FlowDeleted,
    FlowRunInputCreated,
    FlowRunInputDeleted,
    FlowRunInputUpdated,
    FlowUpdated,
    VariableCreated,
    VariableDeleted,
    VariableUpdated,
)
from antiphon.events.flow_run.events import (
    FlowRunChanges,
    FlowRunDeleted,
    FlowRunPolicy,
    FlowRunTransitionRejected,
    FlowRunTransitionReplaced,
    FlowRunUpdated,
)
from antiphon.events.limit.events import (
    LeaseGranted,
    LeaseReleased,
    LeaseRenewed,
    LimitCreated,
    LimitDeleted,
    LimitReset,
    SlotsAcquired,
)
from antiphon.events.limit.slots import LimitReference, SlotCounts
from antiphon.events.message import Event
from antiphon.events.state import RunProgress, State
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run.events import TaskRunDeleted, TaskRunRenamed, TaskRunStateRecorded
from antiphon.events.work_pool.events import (
    WorkPoolCreated,
    WorkPoolDeleted,
    WorkPoolUpdated,
    WorkQueueCreated,
    WorkQueueDeleted,
    WorkQueueUpdated,
)
from antiphon.services.policy.kinds.deployment.model import Deployment
from antiphon.services.policy.kinds.document.decider import validated
from antiphon.services.policy.kinds.work_pool.model import WorkPoolFields, WorkQueueFields
from tests.examples import FLOW_ID, NOW, run_created, run_moved, state, task_created, task_moved
from tests.projection_scenario import Fact

RUNS: Final = tuple(UUID(int=number) for number in (1, 2))
TASKS: Final = tuple(UUID(int=number) for number in (11, 12))
INPUT: Final = UUID(int=21)


def _state(number: int, kind: str) -> State:
    return state(kind).model_copy(update={"id": UUID(int=1000 + number)})


def flow_run_events(run: UUID, number: int) -> list[Event]:
    """`number` tells the states apart. The second run is a subflow of the first one's task run."""
    parent = TASKS[0] if run == RUNS[1] else None
    policy = FlowRunPolicy(resuming=True)
    return [
        run_created(to=_state(number, "SCHEDULED"), parent_task_run_id=parent, tags=(f"t{number}",)),
        run_moved(_state(number, "PENDING"), run_count=number),
        run_moved(_state(number, "RUNNING"), run_count=number).model_copy(update={"empirical_policy": policy}),
        FlowRunTransitionReplaced(
            rule="R", reason="r", proposed=state("PAUSED"), state=_state(number, "FAILED"), progress=RunProgress()
        ),
        FlowRunTransitionRejected(rule="R", reason="r", proposed=state("PAUSED"), empirical_policy=policy),
        FlowRunUpdated(changes=FlowRunChanges(name=f"n{number}", labels={"k": number})),
        FlowRunDeleted(),
    ]


def task_run_events(task: UUID, number: int) -> list[Event]:
    run = RUNS[TASKS.index(task)]
    created = task_created(flow_run_id=run, to=_state(number, "SCHEDULED"))
    latest = TaskRunStateRecorded(
        state=_state(number, "RUNNING"), is_latest=True, fields=created.fields, progress=RunProgress(run_count=number)
    )
    return [
        created,
        latest,
        TaskRunStateRecorded(state=_state(number, "PENDING"), is_latest=False),
        task_moved(_state(number, "COMPLETED"), run_count=number),
        task_moved(_state(number, "RUNNING")).changed(flow_run_run_count=number),
        TaskRunRenamed(name=f"n{number}"),
        TaskRunDeleted(),
    ]


def of_runs(number: int) -> list[Fact]:
    """What may happen to runs, and to what belongs to them; `number` tells one time from another."""
    run_input = {"flow_run_id": str(RUNS[0]), "key": "k", "value": str(number), "sender": None}
    return [
        *(
            Fact(Aggregate("flow", str(FLOW_ID)), event)
            for event in (
                FlowCreated(data={"name": "flow", "tags": [], "labels": {}}),
                FlowUpdated(changes={"tags": [str(number)]}),
                FlowDeleted(),
            )
        ),
        *(
            Fact(Aggregate("flow_run_input", str(INPUT)), event)
            for event in (
                FlowRunInputCreated(data=run_input),
                FlowRunInputUpdated(changes={"value": f"new {number}"}),
                FlowRunInputDeleted(),
            )
        ),
        *(Fact(Aggregate("flow_run", str(run)), event) for run in RUNS for event in flow_run_events(run, number)),
        *(Fact(Aggregate("task_run", str(task)), event) for task in TASKS for event in task_run_events(task, number)),
    ]


def _documents(number: int) -> list[tuple[str, int, list[Event]]]:
    deployed = Deployment(name="d", flow_id=FLOW_ID, tags=(str(number),)).model_dump(mode="json")
    artifact = dict.fromkeys(("type", "description", "metadata_", "flow_run_id", "task_run_id")) | {"data": number}
    return [
        ("deployment", 31, [DeploymentCreated(data=deployed), DeploymentUpdated(changes={"paused": number % 2 == 0})]),
        ("deployment", 31, [DeploymentDeleted()]),
        ("variable", 32, [VariableCreated(data={"name": "v", "value": number, "tags": []})]),
        ("variable", 32, [VariableUpdated(changes={"value": number}), VariableDeleted()]),
        *(
            (
                "artifact",
                place,
                [
                    ArtifactCreated(data=artifact | {"key": key}),
                    ArtifactUpdated(changes={"data": number}),
                    ArtifactDeleted(),
                ],
            )
            for place, key in ((33, "key"), (34, "key"), (35, None))
        ),
    ]


def _pools(number: int) -> list[tuple[str, int, list[Event]]]:
    pool = validated(WorkPoolFields, {"name": "pool", "type": "process", "default_queue_id": UUID(int=42)})
    queue = validated(WorkQueueFields, {"name": "queue", "priority": number})
    assert isinstance(pool, dict)
    assert isinstance(queue, dict)
    ids = UUID(int=42), UUID(int=43)
    return [
        ("work_pool", 41, [WorkPoolCreated(data=pool), WorkPoolUpdated(changes={"is_paused": number % 2 == 0})]),
        ("work_pool", 41, [WorkPoolDeleted()]),
        ("work_pool", 41, [WorkQueueCreated(queue_id=each, data=queue) for each in ids]),
        ("work_pool", 41, [WorkQueueUpdated(queue_id=each, changes={"priority": number + 1}) for each in ids]),
        ("work_pool", 41, [WorkQueueDeleted(queue_id=ids[0])]),
    ]


def _limits(number: int) -> list[tuple[str, int, list[Event]]]:
    ids = UUID(int=51), UUID(int=52)
    tally = SlotCounts(leased_slots=number, at=NOW)
    limits = tuple(LimitReference(id=limit, name="l", limit=5) for limit in ids)
    until = NOW + timedelta(seconds=number)
    created = LimitCreated(name="l", limit=5, active=True, slot_decay_per_second=0.5, tally=tally)
    granted = LeaseGranted(limits=limits, slots=1, holder=None, granted_at=NOW, expires_at=until)
    return [
        *(("limit", limit.int, [created, SlotsAcquired(slots=1, lease_id=None, tally=tally)]) for limit in ids),
        *(("limit", limit.int, [LimitReset(tally=tally), LimitDeleted()]) for limit in ids),
        *(("lease", lease, [granted, LeaseRenewed(expires_at=until), LeaseReleased()]) for lease in (53, 54)),
    ]


def anything(number: int) -> list[Fact]:
    """What may happen to all kinds of things; one of it PostgreSQL refuses."""
    refused = run_created(parameters={"x": "a\x00b"})
    every = (*_documents(number), *_pools(number), *_limits(number))
    return [
        *of_runs(number),
        Fact(Aggregate("flow_run", str(UUID(int=61 + number))), refused),
        *(Fact(Aggregate(kind, str(UUID(int=place))), event) for kind, place, events in every for event in events),
    ]


def program(seed: int, length: int) -> list[Fact]:
    """So much of it at random; most things stay for a while."""
    chance = random.Random(seed)  # noqa: S311  to be the same in every run
    facts: list[Fact] = []
    while len(facts) < length:
        fact = chance.choice(anything(len(facts) + 1))
        if "Deleted" not in type(fact.event).__name__ or chance.random() < 0.3:
            facts.append(fact)
    return facts
