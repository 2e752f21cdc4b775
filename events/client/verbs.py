"""The usual commands as methods: `client.flow_runs.cancel(run_id)`. Each builds one typed command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from antiphon.events.document.commands import CreateFlow
from antiphon.events.flow_run.commands import CreateFlowRun, DeleteFlowRun, ResumeFlowRun, SetFlowRunState
from antiphon.events.message import Command
from antiphon.events.state import ProposedState, StateType
from antiphon.events.task_run.commands import CreateTaskRun, DeleteTaskRun, SetTaskRunState

R_co = TypeVar("R_co", covariant=True)


class Decide(Protocol[R_co]):
    """The client's `decide`: an awaitable outcome, or for scripts the outcome itself."""

    def __call__(
        self, aggregate_id: UUID | str, command: Command, *, command_id: UUID | None = None, actor: str | None = None
    ) -> R_co:
        """Send a command, and wait for its decision."""


class Verbs(Generic[R_co]):
    """What the verbs of all kinds need."""

    def __init__(self, decide: Decide[R_co], new_id: Callable[[], UUID]) -> None:
        self._decide = decide
        self._new_id = new_id


class FlowVerbs(Verbs[R_co]):
    """Commands about flows."""

    def create(self, name: str, *, tags: Sequence[str] = (), actor: str | None = None) -> R_co:
        """The flow of this name; `aggregate_id` of the outcome is its id, also if it exists already."""
        return self._decide(self._new_id(), CreateFlow(data={"name": name, "tags": list(tags)}), actor=actor)


class FlowRunVerbs(Verbs[R_co]):
    """Commands about flow runs."""

    def create(
        self,
        flow_id: UUID | str,
        *,
        run_id: UUID | str | None = None,
        name: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        tags: Sequence[str] = (),
        state: StateType | ProposedState | None = None,
        command_id: UUID | None = None,
        actor: str | None = None,
    ) -> R_co:
        """Create a run; `aggregate_id` of the outcome is its id. Without a state it is PENDING."""
        command = CreateFlowRun(
            flow_id=UUID(str(flow_id)),
            name=name,
            parameters=dict(parameters or {}),
            tags=tuple(tags),
            state=None if state is None else proposed(state),
        )
        return self._decide(run_id or self._new_id(), command, command_id=command_id, actor=actor)

    def set_state(
        self,
        run_id: UUID | str,
        state: StateType | ProposedState,
        *,
        force: bool = False,
        command_id: UUID | None = None,
        actor: str | None = None,
    ) -> R_co:
        """Propose a state; with `force` only the rules of the minimal policy apply."""
        command = SetFlowRunState(state=proposed(state), force=force)
        return self._decide(run_id, command, command_id=command_id, actor=actor)

    def resume(
        self, run_id: UUID | str, run_input: Any = None, *, command_id: UUID | None = None, actor: str | None = None
    ) -> R_co:
        """Resume a paused run, with the input that its pause requires."""
        return self._decide(run_id, ResumeFlowRun(run_input=run_input), command_id=command_id, actor=actor)

    def cancel(self, run_id: UUID | str, *, command_id: UUID | None = None, actor: str | None = None) -> R_co:
        """Propose CANCELLING, which becomes CANCELLED where nothing runs that would have to be stopped."""
        return self.set_state(run_id, StateType.CANCELLING, command_id=command_id, actor=actor)

    def delete(self, run_id: UUID | str, *, command_id: UUID | None = None, actor: str | None = None) -> R_co:
        """Delete a run; its history stays in the log."""
        return self._decide(run_id, DeleteFlowRun(), command_id=command_id, actor=actor)


class TaskRunVerbs(Verbs[R_co]):
    """Commands about task runs."""

    def create(
        self,
        task_key: str,
        dynamic_key: str,
        *,
        flow_run_id: UUID | None = None,
        run_id: UUID | str | None = None,
        name: str | None = None,
        tags: Sequence[str] = (),
        state: StateType | ProposedState | None = None,
        command_id: UUID | None = None,
        actor: str | None = None,
    ) -> R_co:
        """Create a task run; with the same flow run and keys as another, the outcome has that one's id."""
        command = CreateTaskRun(
            flow_run_id=flow_run_id,
            name=name,
            task_key=task_key,
            dynamic_key=dynamic_key,
            tags=tuple(tags),
            state=None if state is None else proposed(state),
        )
        return self._decide(run_id or self._new_id(), command, command_id=command_id, actor=actor)

    def set_state(
        self,
        run_id: UUID | str,
        state: StateType | ProposedState,
        *,
        force: bool = False,
        command_id: UUID | None = None,
        actor: str | None = None,
    ) -> R_co:
        """Propose a state; with `force` only the rules of the minimal policy apply."""
        command = SetTaskRunState(state=proposed(state), force=force)
        return self._decide(run_id, command, command_id=command_id, actor=actor)

    def delete(self, run_id: UUID | str, *, command_id: UUID | None = None, actor: str | None = None) -> R_co:
        """Delete a task run; its history stays in the log."""
        return self._decide(run_id, DeleteTaskRun(), command_id=command_id, actor=actor)


def proposed(state: StateType | ProposedState) -> ProposedState:
    """A type alone is a state of this type, with the usual name."""
    return state if isinstance(state, ProposedState) else ProposedState(type=state)
