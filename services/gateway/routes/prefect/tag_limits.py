"""Routes of tag limits, in the form of Prefect's first version: each is a limit with the name `tag:<tag>`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from antiphon.events.limit.commands import AcquireLease, CreateLimit, DeleteLimit, ReleaseHolder, ResetLimit
from antiphon.events.limit.slots import Holder
from antiphon.events.outcome import Status
from antiphon.projections.limit import queries
from antiphon.services.gateway.commands.decisions import created, decide, new_id, null
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, locked
from antiphon.services.gateway.routes.prefect.bodies import Limit, Offset
from antiphon.services.gateway.routes.prefect.limits import limit_fields
from antiphon.services.gateway.routes.prefect.reads import existing, queried
from antiphon.services.gateway.schemas.limits import Names, Override, TagLimitCreate

_MISSING = "Concurrency limit not found"
_TAG = "tag:"
#: Prefect's `server.tasks.tag_concurrency_slot_wait_seconds`.
_WAIT_SECONDS = 10.0

router = APIRouter(prefix="/concurrency_limits", route_class=CheckedRoute)


@router.post("/increment")
async def increment(
    request: Request, names: Annotated[Names, Body()], task_run_id: Annotated[UUID, Body()]
) -> Response:
    command = AcquireLease(names=tuple(_TAG + name for name in names), holder=Holder(type="task_run", id=task_run_id))
    decided = await decide(request, new_id(request), command)
    limits = [limit.model_copy(update={"name": limit.name.removeprefix(_TAG)}) for limit in decided.outcome.limits]
    if decided.outcome.status is Status.CONFLICT:
        tag = limits[0].name
        raise locked(
            f'The concurrency limit on tag "{tag}" is 0 and will deadlock if the task tries to run again.', None
        )
    if decided.outcome.status is Status.WAIT:
        # Prefect names the first limit, even if another one is full.
        raise locked(f"Concurrency limit for the {limits[0].name} tag has been reached", _WAIT_SECONDS)
    return JsonResponse(limit_fields(tuple(limits)), headers=decided.headers)


@router.post("/decrement")
async def decrement(
    request: Request, names: Annotated[Names, Body()], task_run_id: Annotated[UUID, Body()]
) -> Response:
    command = ReleaseHolder(names=tuple(_TAG + name for name in names), holder_id=task_run_id)
    decided = await decide(request, new_id(request), command)
    return JsonResponse(limit_fields(decided.outcome.limits), headers=decided.headers)


@router.post("/filter")
async def find(request: Request, limit: Limit, offset: Offset = 0) -> Response:
    return JsonResponse(await queried(request, queries.find_by_tag, limit, offset))


@router.get("/{id:uuid}")
async def read(request: Request, id: UUID) -> Response:
    return JsonResponse(await existing(request, _MISSING, queries.by_tag, id))


@router.get("/tag/{tag}")
async def read_by_tag(request: Request, tag: str) -> Response:
    return await read(request, await _id_of(request, tag))


async def _id_of(request: Request, tag: str) -> UUID:
    return await existing(request, _MISSING, queries.id_of, _TAG + tag)


@router.post("/")
async def create(request: Request, limit: TagLimitCreate) -> Response:
    command = CreateLimit(name=_TAG + limit.tag, limit=limit.concurrency_limit, upsert=True)
    return await created(request, await decide(request, new_id(request), command), queries.by_tag)


@router.post("/tag/{tag}/reset")
async def reset(request: Request, tag: str, slot_override: Annotated[Override, Body(embed=True)] = None) -> Response:
    command = ResetLimit(holders=tuple(slot_override or ()))
    return null(await decide(request, await _id_of(request, tag), command), _MISSING)


@router.delete("/{id:uuid}")
async def delete(request: Request, id: UUID) -> Response:
    return null(await decide(request, id, DeleteLimit(revoke=True)), _MISSING)


@router.delete("/tag/{tag}")
async def delete_by_tag(request: Request, tag: str) -> Response:
    return await delete(request, await _id_of(request, tag))
