"""The events of flow runs.

The types below are stored in the log and never change: see docs/adr/0001.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from antiphon.events import transition
from antiphon.events.message import Event, Payload


class FlowRunPolicy(Payload):
    """Prefect's `empirical_policy` of a flow run: its settings, and marks that transitions set."""

    max_retries: int = 0
    retry_delay_seconds: float = 0
    retries: int | None = None
    #: Seconds.
    retry_delay: int | None = None
    pause_keys: tuple[str, ...] | None = ()
    resuming: bool | None = False
    retry_type: Literal["in_process", "reschedule"] | None = None


class CreatedBy(Payload):
    """The creator of a run: a deployment, a schedule, an automation, or unknown."""

    id: UUID | None = None
    type: str | None = None
    display_value: str | None = None


class NewFlowRun(Payload):
    """The fields of a flow run that a command gives, and the run keeps."""

    flow_id: UUID
    name: str | None = None
    flow_version: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = FlowRunPolicy()
    tags: tuple[str, ...] = ()
    labels: dict[str, bool | int | float | str] = Field(default_factory=dict)
    idempotency_key: str | None = None
    parent_task_run_id: UUID | None = None
    deployment_id: UUID | None = None


class FlowRunFields(NewFlowRun):
    """The fields of a flow run at its creation."""

    name: str
    deployment_version: str | None = None
    work_queue_id: UUID | None = None
    work_queue_name: str | None = None
    infrastructure_document_id: UUID | None = None
    job_variables: dict[str, Any] | None = None
    created_by: CreatedBy | None = None
    auto_scheduled: bool = False


class FlowRunCreated(FlowRunFields, transition.StateWritten, type="flow_run.state.created"):
    """A run of a flow exists, in its initial state."""


class FlowRunTransitionAccepted(transition.Accepted, type="flow_run.state.accepted"):
    """A flow run moved to the state that was proposed."""

    #: The policy after the transition, where the transition changed it.
    empirical_policy: FlowRunPolicy | None = None


class FlowRunTransitionReplaced(transition.Replaced, type="flow_run.state.replaced"):
    """A rule moved a flow run to another state than the proposed one."""

    empirical_policy: FlowRunPolicy | None = None


class FlowRunTransitionRejected(transition.Rejected, type="flow_run.refused.rejected"):
    """A rule rejected a flow run's transition; the run stays in its state."""

    empirical_policy: FlowRunPolicy | None = None


class FlowRunTransitionDelayed(transition.Delayed, type="flow_run.refused.delayed"):
    """A rule asked the caller to propose the transition again later."""


class FlowRunTransitionAborted(transition.Aborted, type="flow_run.refused.aborted"):
    """A rule asked the caller to give up."""


class FlowRunChanges(Payload):
    """The fields of a flow run that a client may change; only set fields change."""

    name: str | None = None
    flow_version: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = FlowRunPolicy()
    tags: tuple[str, ...] = ()
    labels: dict[str, bool | int | float | str] = Field(default_factory=dict)
    infrastructure_pid: str | None = None
    job_variables: dict[str, Any] | None = None


class FlowRunUpdated(Event, type="flow_run.updated"):
    """A client changed fields of a flow run: those set in `changes`."""

    changes: FlowRunChanges


class FlowRunDeleted(Event, type="flow_run.deleted"):
    """A flow run and its task runs, states, inputs and logs were deleted."""
