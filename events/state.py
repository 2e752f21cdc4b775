"""Run states as Prefect's API writes them, and the run fields that transitions compute."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from antiphon.events.message import Moment, Payload
from antiphon.events.numbers import RunCount, RunSeconds


def is_unpersisted(data: Any) -> bool:
    """Whether a state's data is only a note that its result was not persisted."""
    return isinstance(data, dict) and data.get("type") == "unpersisted"


class StateType(StrEnum):
    """The nine types of state; a run without a state has none of them."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    CRASHED = "CRASHED"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"


TERMINAL: Final = frozenset({StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED})


class StateDetails(Payload):
    """Prefect's `state_details`, field for field."""

    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    child_flow_run_id: UUID | None = None
    scheduled_time: Moment | None = None
    cache_key: str | None = None
    cache_expiration: Moment | None = None
    deferred: bool | None = False
    untrackable_result: bool = False
    pause_timeout: Moment | None = None
    pause_reschedule: bool = False
    pause_key: str | None = None
    run_input_keyset: dict[str, str] | None = None
    refresh_cache: bool | None = None
    retriable: bool | None = None
    transition_id: UUID | None = None
    task_parameters_id: UUID | None = None
    traceparent: str | None = None
    deployment_concurrency_lease_id: UUID | None = None


class ProposedState(Payload):
    """A state as a command proposes it: the policy adds the id and the timestamp."""

    type: StateType
    #: Defaults to the capitalised type.
    name: str | None = None
    message: str | None = None
    data: Any = None
    state_details: StateDetails = StateDetails()


class State(Payload):
    """A state of a run, in the shape Prefect's API returns it."""

    id: UUID
    type: StateType
    name: str
    timestamp: Moment
    message: str | None = None
    data: Any = None
    state_details: StateDetails = StateDetails()

    @property
    def is_terminal(self) -> bool:
        """Whether a run in this state has ended."""
        return self.type in TERMINAL


class RunProgress(Payload):
    """The run fields that follow from its transitions (docs/prefect/rules.md section 6); times in UTC."""

    run_count: RunCount = 0
    start_time: Moment | None = None
    end_time: Moment | None = None
    expected_start_time: Moment | None = None
    next_scheduled_start_time: Moment | None = None
    #: Seconds spent in RUNNING so far.
    total_run_time: RunSeconds = 0.0
