"""The events of task runs.

The types below are stored in the log and never change: see docs/adr/0001.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from antiphon.events import transition
from antiphon.events.message import Event, Moment, Payload
from antiphon.events.numbers import RunCount
from antiphon.events.state import RunProgress, State


class TaskRunPolicy(Payload):
    """Prefect's `empirical_policy` of a task run."""

    max_retries: int = 0
    retry_delay_seconds: float = 0
    retries: int | None = None
    #: Seconds; a list gives the delay of each retry in turn.
    retry_delay: int | float | tuple[int, ...] | tuple[float, ...] | None = None
    retry_jitter_factor: float | None = None


class TaskRunFields(Payload):
    """The fields of a task run at its creation."""

    flow_run_id: UUID | None = None
    name: str
    task_key: str
    dynamic_key: str
    cache_key: str | None = None
    cache_expiration: Moment | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = TaskRunPolicy()
    tags: tuple[str, ...] = ()
    #: Absent where a client reported the run and sent none.
    labels: dict[str, bool | int | float | str] | None = Field(default_factory=dict)
    task_inputs: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)


class TaskRunCreated(transition.StateWritten, type="task_run.state.created"):
    """A task run exists, in its initial state."""

    fields: TaskRunFields
    #: The run of its flow run within which the task was started.
    flow_run_run_count: RunCount = 0


class TaskRunTransitionAccepted(transition.Accepted, type="task_run.state.accepted"):
    """A task run moved to the state that was proposed."""

    #: The run of its flow run within which the task was started, where it was.
    flow_run_run_count: RunCount | None = None


class TaskRunTransitionReplaced(transition.Replaced, type="task_run.state.replaced"):
    """A rule moved a task run to another state than the proposed one."""


class TaskRunTransitionRejected(transition.Rejected, type="task_run.refused.rejected"):
    """A rule rejected a task run's transition; the run stays in its state."""


class TaskRunTransitionDelayed(transition.Delayed, type="task_run.refused.delayed"):
    """A rule asked the caller to propose the transition again later."""


class TaskRunTransitionAborted(transition.Aborted, type="task_run.refused.aborted"):
    """A rule asked the caller to give up."""


class TaskRunStateRecorded(Event, type="task_run.state.recorded"):
    """A client reported a past state of its task run: the policy decided nothing.

    `is_latest` tells whether it is the newest state known of the run; a late report adds to the
    history and leaves the run as it is. `fields` and `progress` are present when it is the newest.
    """

    state: State
    is_latest: bool
    fields: TaskRunFields | None = None
    progress: RunProgress | None = None
    flow_run_run_count: RunCount = 0


class TaskRunRenamed(Event, type="task_run.renamed"):
    """A client changed the name of a task run."""

    name: str


class TaskRunDeleted(Event, type="task_run.deleted"):
    """A task run and its states were deleted."""
