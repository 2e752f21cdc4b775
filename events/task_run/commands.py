"""The commands for task runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import Field

from antiphon.events.message import Command, Moment, Payload
from antiphon.events.numbers import RunCount, RunTime
from antiphon.events.state import ProposedState, State
from antiphon.events.task_run.events import TaskRunPolicy


class CreateTaskRun(Command, kind="task_run", verb="create", creates=True):
    """Create a task run; a repetition with the same flow run, task key and dynamic key finds the first."""

    flow_run_id: UUID | None = None
    name: str | None = None
    task_key: str
    dynamic_key: str
    cache_key: str | None = None
    cache_expiration: Moment | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = TaskRunPolicy()
    tags: tuple[str, ...] = ()
    labels: dict[str, bool | int | float | str] = Field(default_factory=dict)
    task_inputs: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    #: PENDING when absent.
    state: ProposedState | None = None


class SetTaskRunState(Command, kind="task_run", verb="set_state"):
    """Propose a transition; with `force` only the rules of the minimal policy apply."""

    state: ProposedState
    force: bool = False
    api_version: str | None = None
    client_version: str | None = None


class ReportedTaskRun(Payload):
    """A task run's fields as a client reports them; only sent fields overwrite stored ones."""

    task_key: str
    dynamic_key: str
    name: str | None = None
    cache_key: str | None = None
    cache_expiration: Moment | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = TaskRunPolicy()
    tags: tuple[str, ...] = ()
    labels: dict[str, bool | int | float | str] | None = None
    task_inputs: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    run_count: RunCount = 0
    flow_run_run_count: RunCount = 0
    expected_start_time: Moment | None = None
    next_scheduled_start_time: Moment | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    total_run_time: RunTime = timedelta()


class RecordTaskRunState(Command, kind="task_run", verb="record_state", creates=True):
    """Record a state that a client reports for a task run that it executes by itself."""

    state: State
    flow_run_id: UUID | None = None
    task_run: ReportedTaskRun


class RenameTaskRun(Command, kind="task_run", verb="rename"):
    """Change the name of a task run; without one it gets a made-up name."""

    name: str | None = None


class DeleteTaskRun(Command, kind="task_run", verb="delete"):
    """Delete a task run and its states."""
