"""The commands for flow runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from antiphon.events.flow_run.events import CreatedBy, FlowRunChanges, NewFlowRun
from antiphon.events.message import Command
from antiphon.events.state import ProposedState


class CreateFlowRun(NewFlowRun, Command, kind="flow_run", verb="create", creates=True):
    """Create a run of `flow_id`; without a `name` it gets one made from its id.

    To make a creation idempotent, derive the run's id with `antiphon.events.ids.flow_run_id`.
    """

    work_pool_name: str | None = None
    work_queue_name: str | None = None
    infrastructure_document_id: UUID | None = None
    job_variables: dict[str, Any] | None = None
    created_by: CreatedBy | None = None
    #: Take absent values (parameters, tags, labels, queue) from the deployment, and enforce its restrictions.
    from_deployment: bool = False
    #: With `from_deployment`, where parameters of the deployment or of the run stand for others (`__prefect_kind`): the
    #: deployment's parameters as they were when `parameters` were made of them, which must still be these.
    hydrated_from: dict[str, Any] | None = None
    #: Whether the parameters must fit the deployment's schema; if absent, the deployment decides.
    enforce_parameter_schema: bool | None = None
    #: The default is PENDING, or SCHEDULED for a run from a deployment.
    state: ProposedState | None = None
    api_version: str | None = None


class SetFlowRunState(Command, kind="flow_run", verb="set_state"):
    """Propose a transition; with `force` only the rules of the minimal policy apply."""

    state: ProposedState
    force: bool = False
    #: Prefect's API version (x.y.z) that the caller speaks; absent means the newest.
    api_version: str | None = None
    #: Version of the Prefect client, from its User-Agent; absent means an unknown client.
    client_version: str | None = None
    #: For API versions before 0.8.3: the run's failed task runs, which wait for their next run when it is retried.
    failed_task_runs: tuple[UUID, ...] = ()


class MarkFlowRunLate(Command, kind="flow_run", verb="mark_late"):
    """Mark a scheduled run as late: its time has passed and no worker has submitted it."""


class ResumeFlowRun(Command, kind="flow_run", verb="resume"):
    """Resume a paused run, with the input that its pause requires."""

    #: An object, or any JSON value if it was rendered from a placeholder (`__prefect_kind`).
    run_input: Any = None
    #: Why the given input could not be rendered.
    input_error: str | None = None
    api_version: str | None = None
    client_version: str | None = None


class UpdateFlowRun(Command, kind="flow_run", verb="update"):
    """Change the fields that are set in `changes`; `labels` are merged into the current labels."""

    changes: FlowRunChanges


class DeleteFlowRun(Command, kind="flow_run", verb="delete"):
    """Delete a run and its task runs, states, inputs and logs."""
