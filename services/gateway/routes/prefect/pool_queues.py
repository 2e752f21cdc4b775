"""Routes of the queues in a work pool, and of its workers."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import Response

from antiphon.events import ids
from antiphon.events.message import Command
from antiphon.events.outcome import Status
from antiphon.events.work_pool.commands import CreateWorkQueue, DeleteWorkQueue, UpdateWorkQueue
from antiphon.projections.filters.conditions import AnyId
from antiphon.projections.filters.objects import WorkPoolFilter
from antiphon.projections.presence.queries import WorkerFilter, find_workers, is_worker
from antiphon.projections.work_pool import queries
from antiphon.projections.work_pool.queries import QUEUES
from antiphon.services.gateway.commands.decisions import created_response, decide, new_id, no_content
from antiphon.services.gateway.consistency.staleness import mark_stale
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, conflict, not_found
from antiphon.services.gateway.observations.presence import publish_heartbeat
from antiphon.services.gateway.routes.prefect.bodies import (
    LIMIT,
    OFFSET,
    Given,
    Limit,
    Offset,
    body,
    criteria_of,
    filters,
)
from antiphon.services.gateway.routes.prefect.work_pools import pool_id
from antiphon.services.gateway.schemas.work_pools import Interval, WorkQueueCreate, WorkQueueUpdate


def routes(gateway: Gateway) -> APIRouter:
    """Queues and workers of a pool."""
    router = APIRouter(prefix="/work_pools/{pool}", route_class=CheckedRoute)
    _add_reads(router, gateway)
    _add_writes(router, gateway)
    _add_workers(router, gateway)
    return router


def _missing(pool: str, queue: str) -> str:
    return f"Work pool queue '{pool}/{queue}' not found."


def _add_reads(router: APIRouter, gateway: Gateway) -> None:
    read_filter = body(LIMIT, filters("work_queues"), OFFSET)

    @router.post("/queues/filter")
    async def find(pool: str, given: Given = Depends(read_filter)) -> Response:  # noqa: B008
        within = given | {"work_pools": WorkPoolFilter(id=AnyId(any_=[await pool_id(gateway, pool)]))}
        async with gateway.reading() as connection:
            found = await QUEUES.find(
                connection, criteria_of(within), QUEUES.default_sort, given["limit"], given["offset"]
            )
        return JsonResponse(found)

    @router.get("/queues/{name}")
    async def read(pool: str, name: str) -> Response:
        async with gateway.reading() as connection:
            in_pool = await queries.pool_id(connection, pool)
            found = await queries.queue_in(connection, in_pool, name) if in_pool else None
        if found is None:
            raise not_found(_missing(pool, name))
        return JsonResponse(found)


def _add_writes(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/queues")
    async def create(request: Request, pool: str, work_queue: WorkQueueCreate) -> Response:
        queue_id = new_id(request)
        command = CreateWorkQueue(queue_id=queue_id, data=work_queue.model_dump(mode="json"))
        decided = await decide(gateway, request, await pool_id(gateway, pool), command)
        if decided.outcome.status is Status.CONFLICT:
            # Prefect's own message, with the name left out.
            raise conflict("A work queue with this name already exists in work pool {work_pool_name!r}.")
        async with gateway.reading(decided.position) as connection:
            found = await QUEUES.get(connection, queue_id)
        return created_response(found, 201, decided)

    @router.patch("/queues/{name}", status_code=204)
    async def update(request: Request, pool: str, name: str, work_queue: WorkQueueUpdate) -> Response:
        in_pool, queue_id = await _found(pool, name)
        return await _decide_on(
            request, in_pool, name, UpdateWorkQueue(queue_id=queue_id, changes=work_queue.changes()), pool
        )

    @router.delete("/queues/{name}", status_code=204)
    async def delete(request: Request, pool: str, name: str) -> Response:
        in_pool, queue_id = await _found(pool, name)
        return await _decide_on(request, in_pool, name, DeleteWorkQueue(queue_id=queue_id), pool)

    async def _found(pool: str, name: str) -> tuple[UUID, UUID]:
        in_pool = await pool_id(gateway, pool)
        async with gateway.reading() as connection:
            found = await queries.queue_ids(connection, in_pool, [name])
        if name not in found:
            raise not_found(_missing(pool, name))
        return in_pool, found[name]

    async def _decide_on(request: Request, in_pool: UUID, name: str, command: Command, pool: str) -> Response:
        return no_content(await decide(gateway, request, in_pool, command), _missing(pool, name))


def _add_workers(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/workers/heartbeat", status_code=204)
    async def heartbeat(
        pool: str,
        name: Annotated[str, Body(embed=True)],
        heartbeat_interval_seconds: Annotated[Interval | None, Body(embed=True)] = None,
    ) -> Response:
        in_pool = await pool_id(gateway, pool)
        return _recorded(await publish_heartbeat(gateway, in_pool, name, heartbeat_interval_seconds))

    @router.post("/workers/filter")
    async def find(
        pool: str,
        limit: Limit,
        workers: Annotated[WorkerFilter | None, Body()] = None,
        offset: Offset = 0,
    ) -> Response:
        in_pool = await pool_id(gateway, pool)
        async with gateway.reading() as connection:
            return JsonResponse(await find_workers(connection, in_pool, workers, limit, offset))

    @router.delete("/workers/{name}", status_code=204)
    async def delete(pool: str, name: str) -> Response:
        in_pool = await pool_id(gateway, pool)
        async with gateway.reading() as connection:
            is_there = await is_worker(connection, ids.worker_id(in_pool, name))
        if not is_there:
            raise not_found("Worker not found.")
        return _recorded(await publish_heartbeat(gateway, in_pool, name, None, is_gone=True))


def _recorded(is_projected: bool) -> Response:  # noqa: FBT001  the answer to one question
    if not is_projected:
        mark_stale()
    return Response(status_code=204)
