"""Named messages with fixed ids and a fixed clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from antiphon.events.flow_run.commands import SetFlowRunState
from antiphon.events.flow_run.events import FlowRunCreated, FlowRunPolicy, FlowRunTransitionAccepted
from antiphon.events.message import Metadata
from antiphon.events.state import ProposedState, RunProgress, State, StateDetails, StateType
from antiphon.events.subjects import Aggregate
from antiphon.events.task_run.events import TaskRunCreated, TaskRunFields, TaskRunPolicy, TaskRunTransitionAccepted

NOW: Final = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
EARLIER: Final = NOW - timedelta(minutes=1)
COMMAND_ID: Final = UUID("10000000-0000-7000-8000-000000000001")
FLOW_ID: Final = UUID("20000000-0000-4000-8000-000000000002")
RUN_ID: Final = UUID("30000000-0000-4000-8000-000000000003")
TASK_ID: Final = UUID("40000000-0000-7000-8000-000000000004")
STATE_ID: Final = UUID("50000000-0000-7000-8000-000000000005")

FLOW: Final = Aggregate("flow", str(FLOW_ID))
RUN: Final = Aggregate("flow_run", str(RUN_ID))
TASK: Final = Aggregate("task_run", str(TASK_ID))
METADATA: Final = Metadata(command_id=COMMAND_ID, occurred_at=NOW)


def state(kind: str, name: str | None = None, at: datetime = EARLIER, data: Any = None, **details: Any) -> State:
    """A state that a run was in."""
    return State(
        id=STATE_ID,
        type=StateType(kind),
        name=name or kind.capitalize(),
        timestamp=at,
        data=data,
        state_details=StateDetails(**details),
    )


#: The state that a run begins in, where a test does not say another one.
INITIAL_STATE: Final = state("PENDING", at=EARLIER - timedelta(minutes=1)).changed(id=UUID(int=STATE_ID.int - 1))


def proposed(kind: str, name: str | None = None, data: Any = None, **details: Any) -> ProposedState:
    """A state that is asked for."""
    return ProposedState(type=StateType(kind), name=name, data=data, state_details=StateDetails(**details))


def set_state(kind: str, name: str | None = None, data: Any = None, **details: Any) -> SetFlowRunState:
    """A command that asks a flow run to move."""
    return SetFlowRunState(state=proposed(kind, name, data, **details))


def run_created(policy: FlowRunPolicy | None = None, to: State = INITIAL_STATE, **fields: Any) -> FlowRunCreated:
    """A flow run exists, in its initial state."""
    return FlowRunCreated(
        flow_id=FLOW_ID,
        name="run",
        empirical_policy=policy or FlowRunPolicy(),
        state=to,
        progress=RunProgress(),
        **fields,
    )


def run_moved(to: State, run_count: int = 0, **progress: Any) -> FlowRunTransitionAccepted:
    """A flow run moved."""
    return FlowRunTransitionAccepted(state=to, progress=RunProgress(run_count=run_count, **progress))


def task_created(
    policy: TaskRunPolicy | None = None, flow_run_id: UUID | None = None, to: State = INITIAL_STATE
) -> TaskRunCreated:
    """A task run exists, in its initial state."""
    fields = TaskRunFields(
        name="task",
        task_key="key",
        dynamic_key="0",
        flow_run_id=flow_run_id,
        empirical_policy=policy or TaskRunPolicy(),
    )
    return TaskRunCreated(fields=fields, state=to, progress=RunProgress())


def task_moved(to: State, run_count: int = 0) -> TaskRunTransitionAccepted:
    """A task run moved."""
    return TaskRunTransitionAccepted(state=to, progress=RunProgress(run_count=run_count))
