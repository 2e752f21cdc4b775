"""What can be asked of a flow run."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field

from antiphon.events.flow_run.events import CreatedBy, FlowRunChanges, FlowRunPolicy
from antiphon.events.message import Command
from antiphon.events.state import ProposedState


class CreateFlowRun(Command):
    """Create a run of `flow_id`; without a `name` it gets one made from its id.

    To make repeated creations meet, derive the run's id with `antiphon.events.ids.flow_run_id`.
    """

    KIND: ClassVar[str] = "flow_run"
    VERB: ClassVar[str] = "create"
    CREATES: ClassVar[bool] = True

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
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    infrastructure_document_id: UUID | None = None
    job_variables: dict[str, Any] | None = None
    created_by: CreatedBy | None = None
    #: Take what is not said here (parameters, tags, labels, queue) from the deployment, and refuse what it refuses.
    from_deployment: bool = False
    #: With `from_deployment`, where parameters of the deployment or of the run stand for others (`__prefect_kind`): the
    #: deployment's parameters as they were when `parameters` were made of them, which must still be these.
    hydrated_from: dict[str, Any] | None = None
    #: Whether the parameters must fit the deployment's schema; absent means what the deployment says.
    enforce_parameter_schema: bool | None = None
    #: When absent PENDING, or from a deployment SCHEDULED.
    state: ProposedState | None = None
    api_version: str | None = None


class SetFlowRunState(Command):
    """Propose a transition; `force` leaves only the rules of the minimal policy in force."""

    KIND: ClassVar[str] = "flow_run"
    VERB: ClassVar[str] = "set_state"

    state: ProposedState
    force: bool = False
    #: Prefect's API version (x.y.z) that the caller speaks; absent means the newest.
    api_version: str | None = None
    #: Version of the Prefect client, from its User-Agent; absent means an unknown client.
    client_version: str | None = None
    #: For API versions before 0.8.3: the run's failed task runs, which wait for their next run when it is retried.
    failed_task_runs: tuple[UUID, ...] = ()


class MarkFlowRunLate(Command):
    """Name a scheduled run late, once its time has passed and nobody has submitted it."""

    KIND: ClassVar[str] = "flow_run"
    VERB: ClassVar[str] = "mark_late"


class ResumeFlowRun(Command):
    """Resume a paused run, with the input its pause asked for."""

    KIND: ClassVar[str] = "flow_run"
    VERB: ClassVar[str] = "resume"

    #: A JSON value, an object unless it was made of one that stands for another (`__prefect_kind`).
    run_input: Any = None
    #: Why there is no input: what was given stands for nothing.
    input_error: str | None = None
    api_version: str | None = None
    client_version: str | None = None


class UpdateFlowRun(Command):
    """Change the fields that are set in `changes`; `labels` are merged into the present ones."""

    KIND: ClassVar[str] = "flow_run"
    VERB: ClassVar[str] = "update"

    changes: FlowRunChanges


class DeleteFlowRun(Command):
    """Delete a run, and with it its task runs, states, inputs and logs."""

    KIND: ClassVar[str] = "flow_run"
    VERB: ClassVar[str] = "delete"
