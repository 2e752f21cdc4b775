"""From a command to an answer: publish it, wait for the decision; what is read next waits for it (docs/adr/0015)."""

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
from antiphon.projections.flow_run.created_run_view import Fresh
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http import client_headers
from antiphon.services.gateway.http.errors import (
    JsonResponse,
    NotVisibleError,
    TooLargeError,
    UndecidedError,
    bad_request,
    conflict,
    not_found,
)
from antiphon.services.runtime import clock
from antiphon.services.runtime.ids import uuid4

#: What identifies a request that may be repeated.
IDEMPOTENCY_KEY: Final = "idempotency-key"
POSITION: Final = "Antiphon-Position"


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision about the command of a request."""

    reply: DecisionReply

    @property
    def outcome(self) -> Outcome:
        """How the command was answered."""
        return self.reply.outcome

    @property
    def position(self) -> int:
        """What a read model must have reached to show it."""
        return self.outcome.position

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {POSITION: str(self.outcome.position)}

    def on(self, response: Response) -> None:
        """Put the headers on a response."""
        response.headers.update(self.headers)


async def decide(
    gateway: Gateway,
    request: Request,
    aggregate_id: UUID | str,
    command: Command,
    *,
    part: str = "",
    with_events: bool = False,
) -> Decided:
    """Request the decision about a command, with its events if asked for.

    `part` tells the commands of one request from each other. Raises LogUnavailableError if no decision came in time,
    which is safe to repeat, and answers for the caller with 400 what makes no sense.
    """
    key = request.headers.get(IDEMPOTENCY_KEY)
    asked = clock.monotonic()
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
        raise TooLargeError(f"The request is too large: at most {gateway.nats.max_payload} bytes are taken.") from error
    outcome = reply.outcome
    gateway.metrics.decided(command.KIND, outcome.status, clock.monotonic() - asked)
    if outcome.status is Status.INVALID:
        raise bad_request(outcome.reason or "")
    if outcome.status is Status.PARKED:
        raise UndecidedError(outcome.reason)
    gateway.read_models.events.time(outcome.position, gateway.metrics.projected)
    return Decided(reply)


def done(decided: Decided, missing: str) -> Response:
    """The answer to a change that has none of its own; raises 404 where nothing was there to change, and 409."""
    if decided.outcome.status is Status.NOT_FOUND:
        raise not_found(missing)
    if decided.outcome.status is Status.CONFLICT:
        raise conflict(decided.outcome.reason or "")
    return Response(status_code=204, headers=decided.headers)


def _command_id(key: str, part: str) -> UUID:
    whole = ids.command_id(key)
    return ids.derived(whole, part) if part else whole


def new_id(request: Request) -> UUID:
    """The id of what a request creates; a repetition of the request, by its Idempotency-Key, creates the same."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    return ids.derived(ids.command_id(key), "created") if key else uuid4()


async def created_run(gateway: Gateway, decided: Decided, fresh: Fresh) -> bytes | None:
    """A run that was created, or found to be there, as every read shows it: from its events where they are enough."""
    shown = fresh.shown(decided.reply, clock.now())
    if shown is not None:
        return shown
    async with gateway.reading(decided.position) as connection:
        return await fresh.resource.get(connection, UUID(decided.outcome.aggregate_id))


def created_response(row: bytes | None, status: int, decided: Decided) -> Response:
    """The answer to a creation: the resource as every read shows it.

    Raises NotVisibleError where no read shows it, because the projection is late or could not write it.
    """
    if row is None:
        raise NotVisibleError(f"{decided.outcome.aggregate_id} at position {decided.position}")
    return JsonResponse(row, status, headers=decided.headers)
