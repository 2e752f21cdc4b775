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
from antiphon.services.gateway.commands.decisions import DecidedCommand, created, decide, new_id, no_content
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, gone, locked, unprocessable
from antiphon.services.gateway.routes.prefect.bodies import Limit, Offset
from antiphon.services.gateway.routes.prefect.reads import existing, queried
from antiphon.services.gateway.schemas.limits import LimitCreate, LimitUpdate, Names

_MISSING = "Concurrency Limit not found"

_Mode = Annotated[Mode, Body()]
_Seconds = Annotated[float, Body(ge=60, le=86_400)]

router = APIRouter(prefix="/v2/concurrency_limits", route_class=CheckedRoute)


@router.post("/increment")
async def increment(
    request: Request,
    slots: Annotated[Slots, Body()],
    names: Annotated[Names, Body()],
    mode: _Mode = "concurrency",
    create_if_missing: Annotated[bool | None, Body()] = None,  # noqa: ARG001  deprecated, and ignored by Prefect
) -> Response:
    command = TakeSlots(names=tuple(names), slots=slots, mode=mode)
    decided = _granted(await decide(request, new_id(request), command))
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
    decided = await decide(request, new_id(request), command)
    return JsonResponse(limit_fields(decided.outcome.limits), headers=decided.headers)


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
    decided = _granted(await decide(request, new_id(request), command))
    body = {"lease_id": decided.outcome.aggregate_id, "limits": limit_fields(decided.outcome.limits)}
    return JsonResponse(body, headers=decided.headers)


@router.post("/leases/{lease_id}/renew", status_code=204)
async def renew(
    request: Request, lease_id: UUID, lease_duration: Annotated[float, Body(ge=60, le=86_400, embed=True)] = 300
) -> Response:
    decided = await decide(request, lease_id, RenewLease(seconds=lease_duration))
    if decided.outcome.status is Status.NOT_FOUND:
        raise gone(decided.outcome.reason or "")
    return no_content(decided)


@router.post("/decrement-with-lease", status_code=204)
async def decrement_with_lease(request: Request, lease_id: Annotated[UUID, Body(embed=True)]) -> Response:
    # A lease that does not exist holds nothing, as requested.
    decided = await decide(request, lease_id, ReleaseLease())
    return Response(status_code=204, headers=decided.headers)


@router.post("/filter")
async def find(request: Request, limit: Limit, offset: Offset = 0) -> Response:
    return JsonResponse(await queried(request, queries.find, limit, offset))


@router.get("/{id_or_name}")
async def read(request: Request, id_or_name: str) -> Response:
    return JsonResponse(await existing(request, _MISSING, queries.get, _id_or_name(id_or_name)))


@router.post("/")
async def create(request: Request, limit: LimitCreate) -> Response:
    command = CreateLimit(**limit.model_dump())
    return await created(request, await decide(request, new_id(request), command), queries.created)


@router.patch("/{id_or_name}", status_code=204)
async def update(request: Request, id_or_name: str, limit: LimitUpdate) -> Response:
    changes = LimitSettings(**limit.model_dump(exclude_unset=True))
    return await _decide_on(request, id_or_name, UpdateLimit(changes=changes))


@router.delete("/{id_or_name}", status_code=204)
async def delete(request: Request, id_or_name: str) -> Response:
    return await _decide_on(request, id_or_name, DeleteLimit())


async def _decide_on(request: Request, id_or_name: str, command: Command) -> Response:
    key = _id_or_name(id_or_name)
    limit_id = key if isinstance(key, UUID) else await existing(request, _MISSING, queries.id_of, key)
    return no_content(await decide(request, limit_id, command), _MISSING)


def _id_or_name(text: str) -> UUID | str:
    try:
        return UUID(text)
    except ValueError:
        return text


def _granted(decided: DecidedCommand) -> DecidedCommand:
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
