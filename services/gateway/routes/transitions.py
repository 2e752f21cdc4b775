"""Answers to proposed transitions, in Prefect's shape."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from events.outcome import Outcome, Status
from services.gateway.decisions import Decided
from services.gateway.errors import JsonResponse

_DETAILS = {Status.ACCEPT: "accept", Status.REJECT: "reject", Status.WAIT: "wait", Status.ABORT: "abort"}
#: Refusals of a resume's input carry the details of an abort (rules.md section 8).
_INPUT_RULE = "ValidateRunInput"


def transition_response(decided: Decided) -> Response:
    """Prefect's OrchestrationResult: 201 when the decision wrote a state, else 200."""
    outcome = decided.outcome
    state = b"null" if outcome.state is None else outcome.state.model_dump_json().encode()
    body = b'{"state":%b,"status":"%b","details":%b}' % (state, outcome.status.value.encode(), _details(outcome))
    return JsonResponse(body, 201 if outcome.state_written else 200, headers=decided.headers)


def _details(outcome: Outcome) -> bytes:
    if outcome.status is Status.ACCEPT:
        return b'{"type":"accept_details"}'
    kind = "abort" if outcome.rule == _INPUT_RULE else _DETAILS[outcome.status]
    details: dict[str, Any] = {"type": f"{kind}_details"}
    if outcome.status is Status.WAIT:
        details["delay_seconds"] = outcome.delay_seconds
    details["reason"] = outcome.reason
    return JsonResponse().render(details)
