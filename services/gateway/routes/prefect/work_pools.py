"""Routes of work pools."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import Response

from antiphon.events.message import Command
from antiphon.events.outcome import Status
from antiphon.events.work_pool.commands import CreateWorkPool, DeleteWorkPool, UpdateWorkPool
from antiphon.projections.work_pool import due, occupancy, queries
from antiphon.projections.work_pool.queries import POOLS
from antiphon.services.gateway.commands.decisions import DecidedCommand, created_response, decide, new_id
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, conflict, forbidden, not_found, unprocessable
from antiphon.services.gateway.observations.presence import polls_to_record, publish_polls
from antiphon.services.gateway.routes.prefect.bodies import (
    LIMIT,
    OFFSET,
    Given,
    Limit,
    Page,
    body,
    criteria_of,
    defaults_to,
    filters,
)
from antiphon.services.gateway.routes.prefect.reads import add_count, existing
from antiphon.services.gateway.schemas.moments import Moment
from antiphon.services.gateway.schemas.work_pools import WorkPoolCreate, WorkPoolUpdate

_RESERVED: Final = "Work pools starting with 'Prefect' are reserved for internal use"
_CHANGEABLE: Final = frozenset({"is_paused", "concurrency_limit"})


def routes(gateway: Gateway) -> APIRouter:
    """Create, read, change and delete work pools; give workers the runs that are due."""
    router = APIRouter(prefix="/work_pools", route_class=CheckedRoute)
    _add_reads(router, gateway)
    _add_writes(router, gateway)
    _add_occupancy(router, gateway)
    _add_due(router, gateway)
    return router


def missing(name: str) -> str:
    """The message for a missing pool."""
    return f'Work pool "{name}" not found.'


async def pool_id(gateway: Gateway, name: str) -> UUID:
    """The id of the pool with this name; raises 404."""
    return await existing(gateway, lambda connection: queries.pool_id(connection, name), missing(name))


def _add_reads(router: APIRouter, gateway: Gateway) -> None:
    objects = filters("work_pools")
    read_filter = body(LIMIT, objects, OFFSET)
    add_count(router, gateway, POOLS, body(objects))

    @router.post("/filter")
    async def find(given: Given = Depends(read_filter)) -> Response:  # noqa: B008
        async with gateway.reading() as connection:
            found = await POOLS.find(
                connection, criteria_of(given), POOLS.default_sort, given["limit"], given["offset"]
            )
        return JsonResponse(found)

    @router.get("/{name}")
    async def read(name: str) -> Response:
        return JsonResponse(
            await existing(gateway, lambda connection: queries.pool_by_name(connection, name), missing(name))
        )


def _add_writes(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/")
    async def create(request: Request, work_pool: WorkPoolCreate) -> Response:
        if _is_reserved(work_pool.name):
            raise forbidden(f"{_RESERVED}.")
        data = work_pool.model_dump(mode="json")
        decided = await decide(gateway, request, new_id(request), CreateWorkPool(data=data))
        _raise_for(decided, work_pool.name)
        async with gateway.reading(decided.position) as connection:
            found = await POOLS.get(connection, UUID(decided.outcome.aggregate_id))
        return created_response(found, 201, decided)

    @router.patch("/{name}", status_code=204)
    async def update(request: Request, name: str, work_pool: WorkPoolUpdate) -> Response:
        changes = work_pool.model_dump(mode="json", exclude_unset=True)
        if _is_reserved(name) and not _CHANGEABLE.issuperset(changes):
            raise forbidden(f"{_RESERVED} and can only be updated to set concurrency limits or pause.")
        return await _decide_on(request, name, UpdateWorkPool(changes=changes))

    @router.delete("/{name}", status_code=204)
    async def delete(request: Request, name: str) -> Response:
        if _is_reserved(name):
            raise forbidden(f"{_RESERVED} and can not be deleted.")
        return await _decide_on(request, name, DeleteWorkPool())

    async def _decide_on(request: Request, name: str, command: Command) -> Response:
        decided = await decide(gateway, request, await pool_id(gateway, name), command)
        _raise_for(decided, name)
        return Response(status_code=204, headers=decided.headers)


def _is_reserved(name: str) -> bool:
    return name.lower().startswith("prefect")


def _raise_for(decided: DecidedCommand, name: str) -> None:
    outcome = decided.outcome
    if outcome.status is Status.NOT_FOUND:
        raise not_found(outcome.reason or missing(name))
    if outcome.status is Status.CONFLICT:
        raise (unprocessable if outcome.rule else conflict)(outcome.reason or "")


def _add_occupancy(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/{name}/concurrency_status")
    async def concurrency_status(
        name: str,
        limit: Limit,
        page: Page = 1,
        flow_run_limit: Annotated[int, Body(ge=0, le=200), defaults_to(10)] = 10,
    ) -> Response:
        async with gateway.reading() as connection:
            pool = await queries.pool_id(connection, name)
            found = await occupancy.of_pool(connection, pool, flow_run_limit, page, limit) if pool else None
        if found is None:
            raise not_found(f"Work pool {name!r} not found.")
        return JsonResponse(found)


def _add_due(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/{name}/get_scheduled_flow_runs")
    async def get_scheduled_flow_runs(
        name: str,
        limit: Limit,
        work_queue_names: Annotated[list[str] | None, Body()] = None,
        scheduled_before: Annotated[Moment | None, Body()] = None,
        scheduled_after: Annotated[Moment | None, Body()] = None,
    ) -> Response:
        names = work_queue_names or []
        async with gateway.reading() as connection:
            pool = await queries.pool_id(connection, name)
            if pool is None:
                raise not_found(missing(name))
            queues = await queries.queue_ids(connection, pool, names)
            absent = next((queue for queue in names if queue not in queues), None)
            if absent is not None:
                raise not_found(f"Work pool queue '{name}/{absent}' not found.")
            wanted = list(queues.values())
            found = await due.in_pool(connection, pool, wanted, scheduled_before, scheduled_after, limit)
            polled = await polls_to_record(connection, wanted)
        await publish_polls(gateway, polled)
        return JsonResponse(found)
