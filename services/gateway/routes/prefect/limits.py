"""Routes of concurrency limits and their slots."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from antiphon.events.limit.commands import (
    AcquireLease,
    CreateLimit,
    DeleteLimit,
    LimitSettings,
    Mode,
    ReleaseLease,
    RenewLease,
    ReturnSlots,
    TakeSlots,
    UpdateLimit,
)
from antiphon.events.limit.slots import Holder, LimitReference, Seconds, Slots
from antiphon.events.message import Command
from antiphon.events.outcome import Status
from antiphon.projections.limit import queries
from antiphon.services.gateway.commands.decisions import DecidedCommand, created_response, decide, new_id
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, conflict, gone, locked, not_found, unprocessable
from antiphon.services.gateway.routes.prefect.bodies import Limit, Offset
from antiphon.services.gateway.routes.prefect.reads import existing
from antiphon.services.gateway.schemas.limits import LimitCreate, LimitUpdate, Names

_MISSING = "Concurrency Limit not found"

_Mode = Annotated[Mode, Body()]
_Seconds = Annotated[float, Body(ge=60, le=86_400)]


def routes(gateway: Gateway) -> APIRouter:
    """Create limits; acquire, renew and release their slots."""
    router = APIRouter(prefix="/v2/concurrency_limits", route_class=CheckedRoute)
    _add_slots(router, gateway)
    _add_leases(router, gateway)
    _add_reads(router, gateway)
    _add_writes(router, gateway)
    return router


def _add_reads(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/filter")
    async def find(limit: Limit, offset: Offset = 0) -> Response:
        async with gateway.reading() as connection:
            return JsonResponse(await queries.find(connection, limit, offset))

    @router.get("/{id_or_name}")
    async def read(id_or_name: str) -> Response:
        return JsonResponse(
            await existing(gateway, lambda connection: queries.get(connection, _id_or_name(id_or_name)), _MISSING)
        )


def _add_writes(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/")
    async def create(request: Request, limit: LimitCreate) -> Response:
        limit_id = new_id(request)
        decided = await decide(gateway, request, limit_id, CreateLimit(**limit.model_dump()))
        if decided.outcome.status is Status.CONFLICT:
            raise conflict(decided.outcome.reason or "")
        async with gateway.reading(decided.position) as connection:
            found = await queries.created(connection, limit_id)
        return created_response(found, 201, decided)

    @router.patch("/{id_or_name}", status_code=204)
    async def update(request: Request, id_or_name: str, limit: LimitUpdate) -> Response:
        changes = LimitSettings(**limit.model_dump(exclude_unset=True))
        decided = await _decide_on(gateway, request, id_or_name, UpdateLimit(changes=changes))
        if decided.outcome.status is Status.CONFLICT:
            raise conflict(decided.outcome.reason or "")
        return Response(status_code=204, headers=decided.headers)

    @router.delete("/{id_or_name}", status_code=204)
    async def delete(request: Request, id_or_name: str) -> Response:
        decided = await _decide_on(gateway, request, id_or_name, DeleteLimit())
        return Response(status_code=204, headers=decided.headers)


async def _decide_on(gateway: Gateway, request: Request, id_or_name: str, command: Command) -> DecidedCommand:
    key = _id_or_name(id_or_name)
    if isinstance(key, str):
        async with gateway.reading() as connection:
            found = await queries.id_of(connection, key)
        if found is None:
            raise not_found(_MISSING)
        key = found
    decided = await decide(gateway, request, key, command)
    if decided.outcome.status is Status.NOT_FOUND:
        raise not_found(_MISSING)
    return decided


def _id_or_name(text: str) -> UUID | str:
    try:
        return UUID(text)
    except ValueError:
        return text


def _add_slots(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/increment")
    async def increment(
        request: Request,
        slots: Annotated[Slots, Body()],
        names: Annotated[Names, Body()],
        mode: _Mode = "concurrency",
        create_if_missing: Annotated[bool | None, Body()] = None,  # noqa: ARG001  deprecated, and ignored by Prefect
    ) -> Response:
        command = TakeSlots(names=tuple(names), slots=slots, mode=mode)
        decided = granted(await decide(gateway, request, new_id(request), command))
        return JsonResponse(limit_fields(decided.outcome.limits), headers=decided.headers)

    @router.post("/decrement")
    async def decrement(
        request: Request,
        slots: Annotated[Slots, Body()],
        names: Annotated[Names, Body()],
        occupancy_seconds: Annotated[Seconds | None, Body()] = None,
        create_if_missing: Annotated[bool | None, Body()] = None,  # noqa: ARG001  deprecated, and ignored by Prefect
    ) -> Response:
        command = ReturnSlots(names=tuple(names), slots=slots, occupancy_seconds=occupancy_seconds)
        decided = await decide(gateway, request, new_id(request), command)
        return JsonResponse(limit_fields(decided.outcome.limits), headers=decided.headers)


def _add_leases(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/increment-with-lease")
    async def increment_with_lease(
        request: Request,
        slots: Annotated[Slots, Body()],
        names: Annotated[Names, Body()],
        mode: _Mode = "concurrency",
        lease_duration: _Seconds = 300,
        holder: Annotated[Holder | None, Body()] = None,
    ) -> Response:
        command = AcquireLease(names=tuple(names), slots=slots, mode=mode, seconds=lease_duration, holder=holder)
        decided = granted(await decide(gateway, request, new_id(request), command))
        body = {"lease_id": decided.outcome.aggregate_id, "limits": limit_fields(decided.outcome.limits)}
        return JsonResponse(body, headers=decided.headers)

    @router.post("/leases/{lease_id}/renew", status_code=204)
    async def renew(
        request: Request, lease_id: UUID, lease_duration: Annotated[float, Body(ge=60, le=86_400, embed=True)] = 300
    ) -> Response:
        decided = await decide(gateway, request, lease_id, RenewLease(seconds=lease_duration))
        if decided.outcome.status is Status.NOT_FOUND:
            raise gone(decided.outcome.reason or "")
        return Response(status_code=204, headers=decided.headers)

    @router.post("/decrement-with-lease", status_code=204)
    async def decrement_with_lease(request: Request, lease_id: Annotated[UUID, Body(embed=True)]) -> Response:
        # A lease that does not exist holds nothing, as requested.
        decided = await decide(gateway, request, lease_id, ReleaseLease())
        return Response(status_code=204, headers=decided.headers)


def granted(decided: DecidedCommand) -> DecidedCommand:
    """The decision, if slots were granted; raises the refusal otherwise."""
    outcome = decided.outcome
    if outcome.status is Status.CONFLICT:
        raise unprocessable(outcome.reason or "")
    if outcome.status is Status.WAIT:
        raise locked("Locked", outcome.retry_after_seconds or 0.0)
    return decided


def limit_fields(limits: tuple[LimitReference, ...]) -> list[dict[str, object]]:
    """Limits as an answer to an acquisition shows them."""
    return [{"id": str(limit.id), "name": limit.name, "limit": limit.limit} for limit in limits]
