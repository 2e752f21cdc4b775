"""Sends commands and waits for their decisions; only later reads wait for the projection (docs/adr/0004)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from nats.errors import MaxPayloadError
from starlette.requests import Request
from starlette.responses import Response

from antiphon.events import ids
from antiphon.events.client.client import DecisionReply
from antiphon.events.message import Command
from antiphon.events.outcome import Outcome, Status
from antiphon.projections.flow_run.created_run_view import CreatedRunView
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http import client_headers
from antiphon.services.gateway.http.errors import (
    JsonResponse,
    NotVisibleError,
    RequestTooLargeError,
    UndecidedError,
    bad_request,
    conflict,
    not_found,
)
from antiphon.services.runtime import clock
from antiphon.services.runtime.ids import uuid4

#: The header that identifies a request that may be repeated.
IDEMPOTENCY_KEY: Final = "idempotency-key"
POSITION: Final = "Antiphon-Position"


@dataclass(frozen=True, slots=True)
class DecidedCommand:
    """The reply to the command of a request."""

    reply: DecisionReply

    @property
    def outcome(self) -> Outcome:
        """The outcome of the command."""
        return self.reply.outcome

    @property
    def position(self) -> int:
        """The position that a read model must have committed to show the decision."""
        return self.outcome.position

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {POSITION: str(self.outcome.position)}


async def decide(
    gateway: Gateway,
    request: Request,
    aggregate_id: UUID | str,
    command: Command,
    *,
    part: str = "",
    with_events: bool = False,
) -> DecidedCommand:
    """Send a command and wait for its decision; the reply holds the command's events if they are wanted.

    `part` distinguishes the commands of one request. Raises LogUnavailableError if no decision came in time: then the
    request is safe to repeat. Raises 400 if the policy finds the command invalid.
    """
    key = request.headers.get(IDEMPOTENCY_KEY)
    started = clock.monotonic()
    try:
        reply = await gateway.commands.request(
            aggregate_id,
            command,
            command_id=_command_id(key, part) if key else None,
            actor=client_headers.actor(request),
            traceparent=request.headers.get("traceparent"),
            with_events=with_events,
        )
    except MaxPayloadError as error:
        raise RequestTooLargeError(
            f"The request is too large: at most {gateway.nats.max_payload} bytes are taken."
        ) from error
    outcome = reply.outcome
    gateway.metrics.decided(command.KIND, outcome.status, clock.monotonic() - started)
    if outcome.status is Status.INVALID:
        raise bad_request(outcome.reason or "")
    if outcome.status is Status.PARKED:
        raise UndecidedError(outcome.reason)
    gateway.read_models.events.time(outcome.position, gateway.metrics.projected)
    return DecidedCommand(reply)


def no_content(decided: DecidedCommand, missing: str) -> Response:
    """The answer to a change without a body of its own; raises 404 if the object does not exist, and 409."""
    if decided.outcome.status is Status.NOT_FOUND:
        raise not_found(missing)
    if decided.outcome.status is Status.CONFLICT:
        raise conflict(decided.outcome.reason or "")
    return Response(status_code=204, headers=decided.headers)


def _command_id(key: str, part: str) -> UUID:
    whole = ids.command_id(key)
    return ids.derived(whole, part) if part else whole


def new_id(request: Request) -> UUID:
    """The id of a new object; the repetition of a request with its Idempotency-Key gets the same id."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    return ids.derived(ids.command_id(key), "created") if key else uuid4()


async def created_run(gateway: Gateway, decided: DecidedCommand, fresh: CreatedRunView) -> bytes | None:
    """A new or existing run as every read shows it; built from its events if these contain everything."""
    shown = fresh.shown(decided.reply, clock.now())
    if shown is not None:
        return shown
    async with gateway.reading(decided.position) as connection:
        return await fresh.resource.get(connection, UUID(decided.outcome.aggregate_id))


def created_response(row: bytes | None, status: int, decided: DecidedCommand) -> Response:
    """The answer to a creation: the object as every read shows it.

    Raises NotVisibleError if no read shows it, because the projection is late or parked the event.
    """
    if row is None:
        raise NotVisibleError(f"{decided.outcome.aggregate_id} at position {decided.position}")
    return JsonResponse(row, status, headers=decided.headers)
