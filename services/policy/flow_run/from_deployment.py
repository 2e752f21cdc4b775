"""What a run that is created from a deployment takes from it."""

from __future__ import annotations

from typing import Any, Final

from events.flow_run.commands import CreateFlowRun
from events.outcome import Status
from events.state import ProposedState, StateType
from events.subjects import Aggregate
from services.policy.decider import Decision, Situation, refused
from services.policy.deployment.model import unfit
from services.policy.document.state import INITIAL, Document
from services.policy.flow_run.state import FlowRun

_NO_POOL: Final = (
    "Cannot create flow run in work queue {} because deployment {} is not associated with a work pool."
    " Please remove work_pool_name and try again."
)


def related(command: CreateFlowRun) -> tuple[Aggregate, ...]:
    """The deployment."""
    return (Aggregate("deployment", str(command.deployment_id)),) if command.from_deployment else ()


def filled_in(command: CreateFlowRun, situation: Situation[FlowRun]) -> CreateFlowRun | Decision:
    """The command with what the deployment says where it says nothing; or why there can be no such run."""
    if not command.from_deployment:
        return command
    deployment: Document = situation.others.get(*related(command)) or INITIAL
    if not deployment.exists or deployment.data["flow_id"] != str(command.flow_id):
        return refused(situation, Status.NOT_FOUND, "Deployment not found")
    data = deployment.data
    parameters = data["parameters"] | command.parameters
    enforces = data["enforce_parameter_schema"]
    if command.enforce_parameter_schema is not None:
        enforces = command.enforce_parameter_schema
    complaint = unfit(parameters, data.get("parameter_openapi_schema"), "creating flow run") if enforces else None
    if complaint is not None:
        return refused(situation, Status.CONFLICT, complaint)
    if command.work_queue_name is not None and data.get("work_queue_id") is None:
        return refused(situation, Status.INVALID, _NO_POOL.format(command.work_queue_name, command.deployment_id))
    return command.model_copy(
        update={
            "parameters": parameters,
            "tags": tuple(dict.fromkeys((*data["tags"], *command.tags))),
            "labels": {"prefect.deployment.id": str(command.deployment_id), **command.labels},
            "work_queue_name": data.get("work_queue_name"),
            "state": command.state or ProposedState(type=StateType.SCHEDULED),
        }
    )


def beside(command: CreateFlowRun, situation: Situation[FlowRun]) -> dict[str, Any]:
    """The fields of the run that no command can set."""
    if not command.from_deployment:
        return {}
    data = situation.others[related(command)[0]].data
    fields = {"deployment_version": data.get("version"), "work_queue_id": data.get("work_queue_id")}
    return {name: value for name, value in fields.items() if value is not None}
