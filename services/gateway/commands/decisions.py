"""Sends commands and waits for their decisions; only later reads wait for the projection (docs/adr/0004)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2s
from typing import Any, Final, Self
from uuid import UUID

from psycopg import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from antiphon.events import ids
from antiphon.events.client.client import DecisionReply
from antiphon.events.log.errors import TooLargeError
from antiphon.events.message import Command
from antiphon.events.outcome import Outcome, Status
from antiphon.projections.flow_run.created_run_view import CreatedRunView
from antiphon.services.gateway.context import gateway_of, reading
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

#: Finds an object by its id.
Query = Callable[[AsyncConnection[Any], UUID], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class DecidedCommand:
    """The reply to the command of a request."""

    reply: DecisionReply

    @property
    def outcome(self) -> Outcome:
        """The outcome of the command."""
        return self.reply.outcome

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer."""
        return {POSITION: str(self.outcome.position)}

    def accepted(self, missing: str | None = None) -> Self:
        """The decision itself; raises 404 and 409 for a refusal. `missing` replaces the policy's reason for a 404."""
        if self.outcome.status is Status.NOT_FOUND:
            raise not_found(missing or self.outcome.reason)
        if self.outcome.status is Status.CONFLICT:
            raise conflict(self.outcome.reason or "")
        return self


async def decide(
    request: Request, aggregate_id: UUID | str, command: Command, *, part: str = "", with_events: bool = False
) -> DecidedCommand:
    """Send a command and wait for its decision; the reply holds the command's events if they are wanted.

    `part` distinguishes the commands of one request. Raises LogUnavailableError if no decision came in time: then the
    request is safe to repeat. Raises 400 if the policy finds the command invalid.
    """
    gateway, key = gateway_of(request), request.headers.get(IDEMPOTENCY_KEY)
    started = clock.monotonic()
    try:
        reply = await gateway.commands.request(
            aggregate_id,
            command,
            command_id=_command_id(key, part) if key else None,
            actor=client_headers.actor(request),
            traceparent=request.headers.get("traceparent"),
            with_events=with_events,
            command_digest=await _digest(request) if key else None,
        )
    except TooLargeError as error:
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


def no_content(decided: DecidedCommand, missing: str | None = None) -> Response:
    """The answer to a change without a body of its own; raises 404 and 409."""
    return Response(status_code=204, headers=decided.accepted(missing).headers)


def null(decided: DecidedCommand, missing: str | None = None) -> Response:
    """The same where Prefect answers with null."""
    return JsonResponse(b"null", headers=decided.accepted(missing).headers)


async def _digest(request: Request) -> str:
    """The same for a repeated request, whose command may have another time and other random parts."""
    asked = (request.method.encode(), request.url.path.encode(), request.url.query.encode(), await request.body())
    return blake2s(b"\0".join(asked), digest_size=8).hexdigest()


def _command_id(key: str, part: str) -> UUID:
    whole = ids.command_id(key)
    return ids.derived(whole, part) if part else whole


def new_id(request: Request) -> UUID:
    """The id of a new object; the repetition of a request with its Idempotency-Key gets the same id."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    return ids.derived(ids.command_id(key), "created") if key else uuid4()


async def created(request: Request, decided: DecidedCommand, query: Query, object_id: UUID | None = None) -> Response:
    """The answer to a creation: the new or existing object as every read shows it; raises 404 and 409.

    Raises NotVisibleError if no read shows it, because the projection is late or parked the event.
    """
    decided.accepted()
    async with reading(request, decided.outcome.position) as connection:
        row = await query(connection, object_id or UUID(decided.outcome.aggregate_id))
    if row is None:
        raise NotVisibleError(f"{decided.outcome.aggregate_id} at position {decided.outcome.position}")
    return _created(row, decided)


async def created_run(request: Request, decided: DecidedCommand, fresh: CreatedRunView) -> Response:
    """The same for a run, which is built from its events if these contain everything."""
    shown = fresh.shown(decided.accepted().reply, clock.now())
    return await created(request, decided, fresh.resource.get) if shown is None else _created(shown, decided)


def _created(row: bytes, decided: DecidedCommand) -> Response:
    return JsonResponse(row, 201 if decided.outcome.status is Status.CREATED else 200, headers=decided.headers)
