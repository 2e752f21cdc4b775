"""Decides the commands for a flow run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from antiphon.events.flow_run import commands
from antiphon.events.flow_run.events import FlowRunCreated, FlowRunDeleted, FlowRunFields, FlowRunUpdated
from antiphon.events.message import Command
from antiphon.events.outcome import Status
from antiphon.events.state import ProposedState, StateDetails, StateType
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decider, Decision, Situation, takes_no_command
from antiphon.services.policy.engine.lineage import is_there, lineage
from antiphon.services.policy.engine.refusals import IntegrityError, RefusedError
from antiphon.services.policy.kinds.flow_run import concurrency, from_deployment, resume
from antiphon.services.policy.kinds.flow_run.rules import CORE, LATE, MINIMAL
from antiphon.services.policy.kinds.flow_run.state import INITIAL, FlowRun, begun, evolve
from antiphon.services.policy.kinds.flow_run.transition import move
from antiphon.services.policy.kinds.work_pool.assignment import QueueAssignment
from antiphon.services.prefect.run_names import generated_name

#: Fields of the command that the run lacks or stores in another form.
_NOT_OF_THE_RUN = {
    "state",
    "name",
    "labels",
    "work_pool_name",
    "api_version",
    "from_deployment",
    "enforce_parameter_schema",
    "hydrated_from",
}


def related(command: Command, situation: Situation[FlowRun]) -> list[Aggregate]:
    """The flow, the parent task run that mirrors a subflow's state, the inputs a resume needs."""
    run = situation.state
    flow, parent_id = run.flow, run.parent_task_run_id
    if isinstance(command, commands.CreateFlowRun) and not run.exists:
        flow, parent_id = Aggregate("flow", str(command.flow_id)), command.parent_task_run_id
    named = [flow] if flow else []
    if isinstance(command, commands.CreateFlowRun):
        named.extend(from_deployment.related(command, situation))
    else:
        named.extend(concurrency.related(run, situation.others))
    if parent_id is not None:
        named.extend(lineage(_task_run(parent_id), situation.known))
    if isinstance(command, commands.SetFlowRunState):
        named.extend(_task_run(task_run_id) for task_run_id in command.failed_task_runs)
    if isinstance(command, commands.ResumeFlowRun):
        named.extend(resume.inputs(situation))
    return named


def _task_run(task_run_id: UUID | None) -> Aggregate:
    return Aggregate("task_run", str(task_run_id))


def decide(command: Command, situation: Situation[FlowRun]) -> Decision:
    """The events of a flow run's command."""
    if isinstance(command, commands.CreateFlowRun):
        return create(command, situation)
    if not is_there(situation.aggregate, situation.known):
        raise RefusedError(Status.NOT_FOUND, "Flow run not found")
    situation = _without_lost_parent(situation)
    match command:
        case commands.SetFlowRunState():
            return move(
                situation,
                command.state,
                policy=MINIMAL if command.force else CORE,
                api_version=command.api_version,
                client_version=command.client_version,
                failed_task_runs=command.failed_task_runs,
            )
        case commands.MarkFlowRunLate():
            return move(situation, _late(situation.state), policy=LATE)
        case commands.ResumeFlowRun():
            return resume.resume(command, situation)
        case commands.UpdateFlowRun():
            return update(command, situation)
        case commands.DeleteFlowRun():
            return Decision(events=(*concurrency.freed(situation), (situation.aggregate, FlowRunDeleted())))
        case _:
            return takes_no_command(command, situation)


def _late(run: FlowRun) -> ProposedState:
    due = run.progress.next_scheduled_start_time
    return ProposedState(type=StateType.SCHEDULED, name="Late", state_details=StateDetails(scheduled_time=due))


def _without_lost_parent(situation: Situation[FlowRun]) -> Situation[FlowRun]:
    """A subflow whose parent task run was deleted is treated as a flow run without a parent."""
    parent_id = situation.state.parent_task_run_id
    if parent_id is None or is_there(_task_run(parent_id), situation.known):
        return situation
    return replace(situation, state=replace(situation.state, parent_task_run_id=None))


def create(command: commands.CreateFlowRun, situation: Situation[FlowRun]) -> Decision:
    """A new run in its first state; a repeated idempotency key finds the existing run."""
    if situation.state.exists and is_there(situation.aggregate, situation.known):
        raise RefusedError(Status.EXISTS, "The idempotency key stands for this run.")
    flow_key = Aggregate("flow", str(command.flow_id))
    flow = situation.others[flow_key]
    parent_key = _task_run(command.parent_task_run_id)
    parent_is_missing = command.parent_task_run_id is not None and not is_there(parent_key, situation.known)
    filled_in = from_deployment.filled_in(command, situation)
    assigned = from_deployment.assign_queue(command, situation)
    if not flow.exists or parent_is_missing:
        raise IntegrityError()
    return _begin(filled_in, situation, flow_key, assigned)


def _begin(
    command: commands.CreateFlowRun, situation: Situation[FlowRun], flow_key: Aggregate, assigned: QueueAssignment
) -> Decision:
    fields: dict[str, Any] = {
        **command.model_dump(exclude=_NOT_OF_THE_RUN, exclude_unset=True),
        **from_deployment.resolved_fields(command, situation, assigned),
        "name": command.name or generated_name(situation.id),
        "labels": from_deployment.labels(command, situation.others[flow_key], situation),
    }
    *mirrored, (key, first) = move(
        replace(situation, state=begun(FlowRunFields(**fields), situation.state)),
        command.state or ProposedState(type=StateType.PENDING),
        policy=MINIMAL,
        api_version=command.api_version,
    ).events
    # Includes the run's policy if the transition changed it.
    written = {name: getattr(first, name) for name in first.model_fields_set & FlowRunCreated.model_fields.keys()}
    return Decision(events=(*assigned.events, *mirrored, (key, FlowRunCreated(**fields | written))))


def update(command: commands.UpdateFlowRun, situation: Situation[FlowRun]) -> Decision:
    """Change fields; a run's job variables only while it is scheduled from a deployment."""
    run = situation.state
    if command.changes.job_variables is not None:
        if run.state is None:
            raise RefusedError(Status.INVALID, "Flow run state is required to update job variables but none exists")
        if run.state.type is not StateType.SCHEDULED:
            reason = f"Job variables for a flow run in state {run.state.type.value} cannot be updated"
            raise RefusedError(Status.INVALID, reason)
        if run.deployment_id is None:
            raise RefusedError(Status.INVALID, "A deployment for the flow run could not be found")
    changes = command.changes
    if "name" in changes.model_fields_set and not changes.name:
        # An empty name requests a generated one.
        changes = changes.model_copy(update={"name": generated_name(situation.command_id)})
    return Decision(events=((situation.aggregate, FlowRunUpdated(changes=changes)),))


FLOW_RUN: Decider[FlowRun] = Decider(initial=INITIAL, evolve=evolve, decision=decide, needed=related)
