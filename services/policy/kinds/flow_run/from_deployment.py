"""Fills a new run from its deployment."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from antiphon.events.flow_run.commands import CreateFlowRun
from antiphon.events.outcome import Status
from antiphon.events.state import ProposedState, StateType
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Situation
from antiphon.services.policy.engine.refusals import RefusedError
from antiphon.services.policy.kinds.deployment.model import check_parameters
from antiphon.services.policy.kinds.document.state import INITIAL, Document
from antiphon.services.policy.kinds.flow_run.state import FlowRun
from antiphon.services.policy.kinds.work_pool import assignment, job_variables
from antiphon.services.policy.kinds.work_pool.assignment import QueueAssignment
from antiphon.services.prefect.prefect_kind import HYDRATION, are_alike, is_dehydrated

_DEHYDRATED: Final = (
    "The parameters stand for others (__prefect_kind) that were not made, or the deployment has got other parameters"
    " since they were."
)
_NO_POOL: Final = (
    "Cannot create flow run in work queue {} because deployment {} is not associated with a work pool."
    " Please remove work_pool_name and try again."
)


def related(command: CreateFlowRun, situation: Situation[FlowRun]) -> tuple[Aggregate, ...]:
    """The deployment, and the pool of the run's queue."""
    key = _key(command)
    if command.from_deployment:
        return (key, *assignment.of_queue(situation.others.get(key, INITIAL).data))
    its = () if command.deployment_id is None else (key,)
    return (*its, *assignment.related(command.work_pool_name, None, situation))


def _key(command: CreateFlowRun) -> Aggregate:
    return Aggregate("deployment", str(command.deployment_id))


def filled_in(command: CreateFlowRun, situation: Situation[FlowRun]) -> CreateFlowRun:
    """The command with absent values taken from the deployment."""
    if not command.from_deployment:
        return command
    deployment: Document = situation.others.get(_key(command)) or INITIAL
    if not deployment.exists or deployment.data["flow_id"] != str(command.flow_id):
        raise RefusedError(Status.NOT_FOUND, "Deployment not found")
    data = deployment.data
    parameters = _parameters(command, data["parameters"])
    if parameters is None:
        raise RefusedError(Status.CONFLICT, _DEHYDRATED, rule=HYDRATION)
    enforces = data["enforce_parameter_schema"]
    if command.enforce_parameter_schema is not None:
        enforces = command.enforce_parameter_schema
    if enforces:
        check_parameters(parameters, data.get("parameter_openapi_schema"), "creating flow run")
    if found := assignment.pool_of(data, situation.others):
        template, given = found[1].data["base_job_template"], (data["job_variables"], command.job_variables)
        job_variables.check(template, *given, doing="Error creating flow run: {}", is_run=True)
    return command.model_copy(
        update={
            "parameters": parameters,
            "tags": tuple(dict.fromkeys((*data["tags"], *command.tags))),
            "work_queue_name": command.work_queue_name or data.get("work_queue_name"),
            "state": command.state or ProposedState(type=StateType.SCHEDULED),
        }
    )


def _parameters(command: CreateFlowRun, own: dict[str, Any]) -> dict[str, Any] | None:
    """The parameters of the run; None if they must be rendered, or were rendered from former ones."""
    if command.hydrated_from is not None:
        return command.parameters if are_alike(command.hydrated_from, own) else None
    merged = own | command.parameters
    return None if is_dehydrated(merged) else merged


def assign_queue(command: CreateFlowRun, situation: Situation[FlowRun]) -> QueueAssignment:
    """The queue of the run, if any; a deployment's run may name another queue, which is created if absent."""
    if not command.from_deployment:
        if not command.work_pool_name:
            return QueueAssignment(None, None, [])
        return assignment.assign_queue(command.work_pool_name, command.work_queue_name, situation, creates=False)
    deployment: Document = situation.others.get(_key(command)) or INITIAL
    found = assignment.pool_of(deployment.data, situation.others)
    if not command.work_queue_name:
        return QueueAssignment(None, UUID(deployment.data["work_queue_id"]) if found else None, [])
    if found is None:
        raise RefusedError(Status.INVALID, _NO_POOL.format(command.work_queue_name, command.deployment_id))
    return assignment.within(*found, command.work_queue_name, situation)


def labels(command: CreateFlowRun, flow: Document, situation: Situation[FlowRun]) -> dict[str, Any]:
    """The run's labels, on top of those of its deployment, or else of its flow."""
    deployment: Document = situation.others.get(_key(command)) or INITIAL
    above = deployment if deployment.exists else flow
    own = {"prefect.flow.id": above.data.get("flow_id", str(command.flow_id))}
    own |= {"prefect.deployment.id": str(command.deployment_id)} if deployment.exists else {}
    return dict(above.data.get("labels") or {}) | own | command.labels


def resolved_fields(command: CreateFlowRun, situation: Situation[FlowRun], assigned: QueueAssignment) -> dict[str, Any]:
    """The fields of the run that no command can set."""
    version = situation.others[_key(command)].data.get("version") if command.from_deployment else None
    fields = {"deployment_version": version, "work_queue_id": assigned.queue_id}
    return {name: value for name, value in fields.items() if value is not None}
