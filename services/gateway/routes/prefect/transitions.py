"""Commands for proposed transitions, and their answers in Prefect's form."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from antiphon.events.flow_run.commands import SetFlowRunState
from antiphon.events.outcome import Outcome, Status
from antiphon.events.state import StateType
from antiphon.projections.task_run import queries as task_runs
from antiphon.services.gateway.commands.decisions import DecidedCommand
from antiphon.services.gateway.http import client_headers
from antiphon.services.gateway.http.errors import JsonResponse, missing_object
from antiphon.services.gateway.routes.prefect.reads import queried
from antiphon.services.gateway.schemas.states import SetStateBody

#: A refused input of a resume is answered with the details of an abort (docs/prefect/rules.md, section 8).
_INPUT_RULE = "ValidateRunInput"


def transition_response(decided: DecidedCommand, what: str) -> Response:
    """Prefect's OrchestrationResult: 201 if the decision wrote a state, else 200; or 404."""
    if decided.outcome.status is Status.NOT_FOUND:
        return missing_object(what, decided.outcome.aggregate_id)
    status = 201 if decided.outcome.state_written else 200
    return JsonResponse(b"{%b}" % result_fields(decided.outcome), status, headers=decided.headers)


def result_fields(outcome: Outcome) -> bytes:
    """State, status and details of an answer, as fields of a JSON object."""
    state = b"null" if outcome.state is None else outcome.state.__pydantic_serializer__.to_json(outcome.state)
    return b'"state":%b,"status":"%b","details":%b' % (state, outcome.status.value.encode(), _details(outcome))


async def flow_run_command(request: Request, run_id: UUID, body: SetStateBody) -> SetFlowRunState:
    """The command that proposes a state for a flow run."""
    api_version = client_headers.api_version(request)
    failed: tuple[UUID, ...] = ()
    if body.state.type is StateType.FAILED and client_headers.leaves_task_retries(api_version):
        failed = await queried(request, task_runs.failed_within, run_id)
    given = {"failed_task_runs": failed} if failed else {}
    return SetFlowRunState(
        state=body.state,
        force=body.force,
        api_version=api_version,
        client_version=client_headers.client_version(request),
        **given,
    )


def _details(outcome: Outcome) -> bytes:
    if outcome.status is Status.ACCEPT:
        return b'{"type":"accept_details"}'
    kind = "abort" if outcome.rule == _INPUT_RULE else outcome.status.value.lower()
    details: dict[str, Any] = {"type": f"{kind}_details"}
    if outcome.status is Status.WAIT:
        details["delay_seconds"] = outcome.delay_seconds
    details["reason"] = outcome.reason
    return JsonResponse().render(details)
