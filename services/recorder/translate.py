"""Reads the task-run events that Prefect's SDK emits (docs/prefect/services.md section 2, TaskRunRecorder)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ValidationError

from antiphon.events import json_bytes
from antiphon.events.client.client import CommandEnvelope
from antiphon.events.errors import UndecodableError
from antiphon.events.state import State, StateDetails
from antiphon.events.task_run.commands import RecordTaskRunState, ReportedTaskRun

_PREFIX: Final = "prefect.task-run."
_FLOW_RUN_PREFIX: Final = "prefect.flow-run."


def command_from(body: bytes) -> CommandEnvelope | None:
    """The command for an event; None for an event that reports no state of a client's task run.

    Raises UndecodableError for a malformed report.
    """
    try:
        event: dict[str, Any] = json_bytes.loads(body)
        if not _is_report(event):
            return None
        task_run_id = UUID(event["resource"]["prefect.resource.id"].removeprefix(_PREFIX))
        task_run = ReportedTaskRun.model_validate(_known(ReportedTaskRun, event["payload"]["task_run"]))
        command = RecordTaskRunState(state=_state(event), flow_run_id=_flow_run_id(event), task_run=task_run)
        return CommandEnvelope(task_run_id, command, UUID(event["id"]))
    except (KeyError, TypeError, AttributeError, ValueError, ValidationError) as error:
        msg = f"not a task-run event: {type(error).__name__}: {error}"
        raise UndecodableError(msg) from error


def _is_report(event: dict[str, Any]) -> bool:
    return str(event["event"]).startswith(_PREFIX) and event["resource"].get("prefect.orchestration") == "client"


def _flow_run_id(event: dict[str, Any]) -> UUID | None:
    for related in event.get("related") or ():
        if related.get("prefect.resource.role") == "flow-run":
            return UUID(related["prefect.resource.id"].removeprefix(_FLOW_RUN_PREFIX))
    return None


def _state(event: dict[str, Any]) -> State:
    """The state, with the event's id and time unless it has its own."""
    state = {"id": event["id"], "timestamp": event["occurred"]} | event["payload"]["validated_state"]
    if state.get("name") is None:
        state["name"] = str(state["type"]).capitalize()
    state["state_details"] = _known(StateDetails, state.get("state_details") or {})
    return State.model_validate(_known(State, state))


def _known(model: type[BaseModel], fields: dict[str, Any]) -> dict[str, Any]:
    """Only the fields of the model: clients send further ones, such as estimates and ids of rows."""
    return {name: value for name, value in fields.items() if name in model.model_fields}
