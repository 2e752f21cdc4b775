"""One example of every stored event type, and the bytes it must keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from antiphon.events.codec import COMMAND_TYPES, EVENT_TYPES
from antiphon.events.document import events as document
from antiphon.events.flow_run import events as flow_run
from antiphon.events.limit import events as limit
from antiphon.events.limit.slots import Holder, LimitReference, SlotCounts
from antiphon.events.message import Event
from antiphon.events.name.events import NameClaimed, NameReleased
from antiphon.events.outcome import Answer, Status
from antiphon.events.refusal import refusal_of
from antiphon.events.state import RunProgress
from antiphon.events.task_cache.events import TaskCacheConsulted, TaskCacheFilled
from antiphon.events.task_run import events as task_run
from antiphon.events.work_pool import events as work_pool
from tests.examples import EARLIER, FLOW_ID, NOW, RUN_ID, STATE_ID, TASK_ID, run_created, state, task_created

FOLDER: Final = Path(__file__).parent / "architecture" / "golden"

_PROGRESS = RunProgress(
    run_count=1,
    start_time=EARLIER,
    end_time=NOW,
    expected_start_time=EARLIER,
    next_scheduled_start_time=NOW,
    total_run_time=1.5,
)
_STATE = state("SCHEDULED", "AwaitingRetry", data={"type": "x"}, scheduled_time=NOW, flow_run_id=RUN_ID)
_REFUSAL: dict[str, Any] = {"rule": "Rule", "reason": "because", "proposed": _STATE}
_POLICY = flow_run.FlowRunPolicy(retries=2, pause_keys=("k",), resuming=True, retry_type="in_process")
_TASK = task_created(task_run.TaskRunPolicy(retries=1, retry_delay=(1, 2)), RUN_ID).fields

_TALLY = SlotCounts(loose_slots=1, leased_slots=2, denied_slots=3, avg_slot_occupancy_seconds=1.5, at=NOW)
_HOLDER = Holder(type="task_run", id=TASK_ID)
_LIMITS = (LimitReference(id=FLOW_ID, name="limit", limit=5),)

_CONFLICT = Answer(status=Status.CONFLICT, aggregate_id=str(FLOW_ID), rule="Rule", reason="because", limits=_LIMITS)

_EXAMPLES: Final[tuple[Event, ...]] = (
    run_created(_POLICY, tags=("a",), labels={"n": 1}, parameters={"x": [1, None]}, parent_task_run_id=TASK_ID),
    flow_run.FlowRunTransitionAccepted(
        state=_STATE, progress=_PROGRESS, adjusted_by=("Rule",), proposed=_STATE, empirical_policy=_POLICY
    ),
    flow_run.FlowRunTransitionReplaced(state=_STATE, progress=_PROGRESS, empirical_policy=_POLICY, **_REFUSAL),
    flow_run.FlowRunTransitionRejected(empirical_policy=_POLICY, **_REFUSAL),
    flow_run.FlowRunTransitionDelayed(delay_seconds=3, **_REFUSAL),
    flow_run.FlowRunTransitionAborted(**_REFUSAL),
    flow_run.FlowRunUpdated(changes=flow_run.FlowRunChanges(name="new", tags=("b",))),
    flow_run.FlowRunDeleted(),
    task_run.TaskRunCreated(fields=_TASK, state=_STATE, progress=_PROGRESS, flow_run_run_count=1),
    task_run.TaskRunTransitionAccepted(state=_STATE, progress=_PROGRESS, flow_run_run_count=2),
    task_run.TaskRunTransitionReplaced(state=_STATE, progress=_PROGRESS, **_REFUSAL),
    task_run.TaskRunTransitionRejected(**_REFUSAL),
    task_run.TaskRunTransitionDelayed(delay_seconds=3, **_REFUSAL),
    task_run.TaskRunTransitionAborted(**_REFUSAL),
    task_run.TaskRunStateRecorded(state=_STATE, is_latest=True, fields=_TASK, progress=_PROGRESS, flow_run_run_count=1),
    task_run.TaskRunRenamed(name="new"),
    task_run.TaskRunDeleted(),
    document.FlowCreated(data={"name": "flow", "tags": ["a"], "labels": {}}),
    document.FlowUpdated(changes={"tags": ["b"]}),
    document.FlowDeleted(),
    document.DeploymentCreated(data={"name": "deployment", "flow_id": str(FLOW_ID), "parameters": {"x": 1}}),
    document.DeploymentUpdated(changes={"paused": True}),
    document.DeploymentDeleted(),
    document.FlowRunInputCreated(data={"flow_run_id": str(RUN_ID), "key": "k", "value": "1", "sender": None}),
    document.FlowRunInputUpdated(changes={"value": "2"}),
    document.FlowRunInputDeleted(),
    document.VariableCreated(data={"name": "variable", "value": {"x": [1, None]}, "tags": ["a"]}),
    document.VariableUpdated(changes={"value": None}),
    document.VariableDeleted(),
    document.ArtifactCreated(
        data={
            "key": "key",
            "type": "table",
            "description": "d",
            "data": [{"x": 1}, None],
            "metadata_": {"a": "b"},
            "flow_run_id": str(RUN_ID),
            "task_run_id": None,
        }
    ),
    document.ArtifactUpdated(changes={"data": 50}),
    document.ArtifactDeleted(),
    TaskCacheFilled(state=state("COMPLETED", data={"type": "x"}, cache_key="k", task_run_id=TASK_ID)),
    TaskCacheConsulted(task_run_id=TASK_ID, found=STATE_ID),
    limit.LimitCreated(name="limit", limit=5, active=True, slot_decay_per_second=0.5, tally=_TALLY),
    limit.LimitUpdated(changes=limit.LimitChanges(name="new", limit=6), tally=_TALLY, forgets_leases=True),
    limit.LimitReset(tally=_TALLY),
    limit.LimitDeleted(revoked_at=NOW),
    limit.SlotsAcquired(slots=2, lease_id=RUN_ID, holder=_HOLDER, tally=_TALLY),
    limit.SlotsDenied(slots=2, tally=_TALLY),
    limit.SlotsReleased(slots=2, lease_id=RUN_ID, tally=_TALLY),
    limit.LeaseGranted(limits=_LIMITS, slots=2, holder=_HOLDER, granted_at=EARLIER, expires_at=NOW),
    limit.LeaseRefused(limits=_LIMITS, slots=2, retry_after_seconds=1.5),
    limit.LeaseRenewed(expires_at=NOW),
    limit.LeaseReleased(),
    limit.LeaseExpired(),
    limit.LeaseSlotsTaken(limits=_LIMITS, slots=2),
    limit.LeaseSlotsReturned(limits=_LIMITS),
    NameClaimed(name="flow", owner=str(FLOW_ID)),
    NameReleased(),
    work_pool.WorkPoolCreated(data={"name": "pool", "type": "process", "default_queue_id": str(FLOW_ID)}),
    work_pool.WorkPoolUpdated(changes={"is_paused": True}),
    work_pool.WorkPoolDeleted(),
    work_pool.WorkQueueCreated(queue_id=FLOW_ID, data={"name": "default", "priority": 1}),
    work_pool.WorkQueueUpdated(queue_id=FLOW_ID, changes={"priority": 2}),
    work_pool.WorkQueueDeleted(queue_id=FLOW_ID),
    *(refusal_of(kind)(verb="create", answer=_CONFLICT) for kind in sorted({kind for kind, _ in COMMAND_TYPES})),
)
EXAMPLES: Final = {event.TYPE: event for event in _EXAMPLES}


def example(name: str) -> Event:
    """The example of an event type."""
    return EXAMPLES[name]


def path(name: str) -> Path:
    """Where the bytes of a type's present version are kept."""
    return FOLDER / f"{name}.v{EVENT_TYPES[name].VERSION}.json"
