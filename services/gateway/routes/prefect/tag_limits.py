"""Routes of tag limits, in the form of Prefect's first version: each is a limit with the name `tag:<tag>`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from antiphon.events.limit.commands import AcquireLease, CreateLimit, DeleteLimit, ReleaseHolder, ResetLimit
from antiphon.events.limit.slots import Holder
from antiphon.events.message import Command
from antiphon.events.outcome import Status
from antiphon.projections.limit import queries
from antiphon.services.gateway.commands.decisions import DecidedCommand, created_response, decide, new_id
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, locked, not_found
from antiphon.services.gateway.routes.prefect.bodies import Limit, Offset
from antiphon.services.gateway.routes.prefect.limits import limit_fields
from antiphon.services.gateway.routes.prefect.reads import existing
from antiphon.services.gateway.schemas.limits import Names, Override, TagLimitCreate

_MISSING = "Concurrency limit not found"
_TAG = "tag:"
#: Prefect's `server.tasks.tag_concurrency_slot_wait_seconds`.
_WAIT_SECONDS = 10.0


def routes(gateway: Gateway) -> APIRouter:
    """Create tag limits; acquire and release their slots."""
    router = APIRouter(prefix="/concurrency_limits", route_class=CheckedRoute)
    _add_slots(router, gateway)
    _add_reads(router, gateway)
    _add_writes(router, gateway)
    return router


def _add_reads(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/filter")
    async def find(limit: Limit, offset: Offset = 0) -> Response:
        async with gateway.reading() as connection:
            return JsonResponse(await queries.find_by_tag(connection, limit, offset))

    @router.get("/{id:uuid}")
    async def read(id: UUID) -> Response:
        return JsonResponse(await existing(gateway, lambda connection: queries.by_tag(connection, id), _MISSING))

    @router.get("/tag/{tag}")
    async def read_by_tag(tag: str) -> Response:
        return await read(await _id_of(gateway, tag))


async def _id_of(gateway: Gateway, tag: str) -> UUID:
    return await existing(gateway, lambda connection: queries.id_of(connection, _TAG + tag), _MISSING)


def _add_writes(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/")
    async def create(request: Request, limit: TagLimitCreate) -> Response:
        command = CreateLimit(name=_TAG + limit.tag, limit=limit.concurrency_limit, upsert=True)
        decided = await decide(gateway, request, new_id(request), command)
        async with gateway.reading(decided.position) as connection:
            found = await queries.by_tag(connection, UUID(decided.outcome.aggregate_id))
        return created_response(found, 201 if decided.outcome.status is Status.CREATED else 200, decided)

    @router.post("/tag/{tag}/reset")
    async def reset(
        request: Request, tag: str, slot_override: Annotated[Override, Body(embed=True)] = None
    ) -> Response:
        command = ResetLimit(holders=tuple(slot_override or ()))
        return _null(await _decide_on(gateway, request, await _id_of(gateway, tag), command))

    @router.delete("/{id:uuid}")
    async def delete(request: Request, id: UUID) -> Response:
        return _null(await _decide_on(gateway, request, id, DeleteLimit(revoke=True)))

    @router.delete("/tag/{tag}")
    async def delete_by_tag(request: Request, tag: str) -> Response:
        return _null(await _decide_on(gateway, request, await _id_of(gateway, tag), DeleteLimit(revoke=True)))


async def _decide_on(gateway: Gateway, request: Request, limit_id: UUID, command: Command) -> DecidedCommand:
    decided = await decide(gateway, request, limit_id, command)
    if decided.outcome.status is Status.NOT_FOUND:
        raise not_found(_MISSING)
    return decided


def _null(decided: DecidedCommand) -> Response:
    return JsonResponse(b"null", headers=decided.headers)


def _add_slots(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/increment")
    async def increment(
        request: Request, names: Annotated[Names, Body()], task_run_id: Annotated[UUID, Body()]
    ) -> Response:
        command = AcquireLease(
            names=tuple(_TAG + name for name in names), holder=Holder(type="task_run", id=task_run_id)
        )
        decided = await decide(gateway, request, new_id(request), command)
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
        decided = await decide(gateway, request, new_id(request), command)
        return JsonResponse(limit_fields(decided.outcome.limits), headers=decided.headers)
