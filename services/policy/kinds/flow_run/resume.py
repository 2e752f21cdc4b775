"""Resumes a paused flow run, with the input that its pause requires (docs/prefect/rules.md section 8)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from antiphon.events import ids
from antiphon.events.document.events import FlowRunInputCreated
from antiphon.events.flow_run.commands import ResumeFlowRun
from antiphon.events.flow_run.events import FlowRunTransitionAccepted, FlowRunTransitionRejected
from antiphon.events.outcome import Status
from antiphon.events.state import ProposedState, State, StateDetails, StateType
from antiphon.events.subjects import Aggregate
from antiphon.services.policy.engine.decider import Decision, Situation
from antiphon.services.policy.engine.orchestration import state_from
from antiphon.services.policy.engine.refusals import RefusedError
from antiphon.services.policy.kinds.flow_run.state import FlowRun
from antiphon.services.policy.kinds.flow_run.transition import move
from antiphon.services.prefect.json_schema import complaint

#: Not one of Prefect's rules: its resume route checks the input before it proposes the transition.
RULE: Final = "ValidateRunInput"


def inputs(situation: Situation[FlowRun]) -> tuple[Aggregate, ...]:
    """The inputs that hold the schema of the expected input, and the answer given to it."""
    keyset = _keyset(situation.state)
    return tuple(_input(situation, keyset[name]) for name in ("schema", "response") if name in keyset)


def _input(situation: Situation[FlowRun], key: str) -> Aggregate:
    return Aggregate("flow_run_input", str(ids.flow_run_input_id(situation.id, key)))


def _keyset(run: FlowRun) -> dict[str, str]:
    if run.state is None or run.state.type is not StateType.PAUSED:
        return {}
    return run.state.state_details.run_input_keyset or {}


def resume(command: ResumeFlowRun, situation: Situation[FlowRun]) -> Decision:
    """Check the input, resume the run, and store the input under the key that the flow waits for."""
    paused = situation.state.state
    if paused is None or paused.type is not StateType.PAUSED:
        raise RefusedError(Status.ABORT, "Cannot resume a flow run that is not paused.")
    keyset, run_input = _keyset(situation.state), command.run_input or {}
    proposed = _proposed(paused, situation.now)
    if keyset:
        reason = command.input_error or _refusal(situation, keyset, run_input)
        if reason is not None:
            return _rejected(situation, proposed, reason)
    decision = move(situation, proposed, api_version=command.api_version, client_version=command.client_version)
    accepted = any(isinstance(event, FlowRunTransitionAccepted) for _, event in decision.events)
    if not (keyset and run_input and accepted):
        return decision
    response = _input(situation, keyset["response"])
    if situation.others[response].exists:
        raise RefusedError(Status.CONFLICT, "A flow run input with this key already exists.")
    data = {
        "flow_run_id": str(situation.id),
        "key": keyset["response"],
        "value": json.dumps(run_input, separators=(",", ":"), ensure_ascii=False),
        "sender": None,
    }
    return Decision(events=((response, FlowRunInputCreated(data=data)), *decision.events))


def _proposed(paused: State, now: datetime) -> ProposedState:
    if paused.state_details.pause_reschedule:
        return ProposedState(type=StateType.SCHEDULED, name="Resuming", state_details=StateDetails(scheduled_time=now))
    return ProposedState(type=StateType.RUNNING)


def _refusal(situation: Situation[FlowRun], keyset: dict[str, str], run_input: Any) -> str | None:
    schema = situation.others[_input(situation, keyset["schema"])]
    if not schema.exists:
        return "Run input schema not found."
    return complaint(run_input, schema.data["value"])


def _rejected(situation: Situation[FlowRun], proposed: ProposedState, reason: str) -> Decision:
    state = state_from(proposed, situation.command_id, situation.now)
    event = FlowRunTransitionRejected(rule=RULE, reason=reason, proposed=state)
    return Decision(events=((situation.aggregate, event),))
