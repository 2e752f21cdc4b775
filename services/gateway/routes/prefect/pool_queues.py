"""Routes of the queues in a work pool, and of its workers."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import Response

from antiphon.events import ids
from antiphon.events.numbers import Number
from antiphon.events.outcome import Status
from antiphon.events.work_pool.commands import CreateWorkQueue, DeleteWorkQueue, UpdateWorkQueue
from antiphon.projections.filters.conditions import AnyId
from antiphon.projections.filters.objects import WorkPoolFilter
from antiphon.projections.presence.queries import WorkerFilter, find_workers, is_worker
from antiphon.projections.work_pool import queries
from antiphon.projections.work_pool.queries import QUEUES
from antiphon.services.gateway.commands.decisions import created, decide, new_id, no_content
from antiphon.services.gateway.consistency.staleness import mark_stale
from antiphon.services.gateway.context import gateway_of, reading
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, conflict, not_found
from antiphon.services.gateway.observations import publish_heartbeat
from antiphon.services.gateway.routes.prefect.bodies import (
    LIMIT,
    OFFSET,
    Given,
    Limit,
    Offset,
    body,
    filters,
)
from antiphon.services.gateway.routes.prefect.reads import page_of, queried
from antiphon.services.gateway.routes.prefect.work_pools import pool_id
from antiphon.services.gateway.schemas.work_pools import WorkQueueCreate, WorkQueueUpdate

router = APIRouter(prefix="/work_pools/{pool}", route_class=CheckedRoute)


def _missing(pool: str, queue: str) -> str:
    return f"Work pool queue '{pool}/{queue}' not found."


@router.post("/queues/filter", name="find")
async def find_queues(
    request: Request, pool: str, given: Annotated[Given, Depends(body(LIMIT, filters("work_queues"), OFFSET))]
) -> Response:
    within = WorkPoolFilter(id=AnyId(any_=[await pool_id(request, pool)]))
    return await page_of(request, QUEUES, given | {"work_pools": within})


@router.get("/queues/{name}")
async def read(request: Request, pool: str, name: str) -> Response:
    async with reading(request) as connection:
        in_pool = await queries.pool_id(connection, pool)
        found = await queries.queue_in(connection, in_pool, name) if in_pool else None
    if found is None:
        raise not_found(_missing(pool, name))
    return JsonResponse(found)


@router.post("/queues")
async def create(request: Request, pool: str, work_queue: WorkQueueCreate) -> Response:
    queue_id = new_id(request)
    command = CreateWorkQueue(queue_id=queue_id, data=work_queue.model_dump(mode="json"))
    decided = await decide(request, await pool_id(request, pool), command)
    if decided.outcome.status is Status.CONFLICT:
        # Prefect's own message, with the name left out.
        raise conflict("A work queue with this name already exists in work pool {work_pool_name!r}.")
    return await created(request, decided, QUEUES.get, queue_id)


@router.patch("/queues/{name}", status_code=204)
async def update(request: Request, pool: str, name: str, work_queue: WorkQueueUpdate) -> Response:
    in_pool, queue_id = await _found(request, pool, name)
    command = UpdateWorkQueue(queue_id=queue_id, changes=work_queue.changes())
    return no_content(await decide(request, in_pool, command), _missing(pool, name))


@router.delete("/queues/{name}", name="delete", status_code=204)
async def delete_queue(request: Request, pool: str, name: str) -> Response:
    in_pool, queue_id = await _found(request, pool, name)
    return no_content(await decide(request, in_pool, DeleteWorkQueue(queue_id=queue_id)), _missing(pool, name))


async def _found(request: Request, pool: str, name: str) -> tuple[UUID, UUID]:
    in_pool = await pool_id(request, pool)
    found = await queried(request, queries.queue_ids, in_pool, [name])
    if name not in found:
        raise not_found(_missing(pool, name))
    return in_pool, found[name]


@router.post("/workers/heartbeat", status_code=204)
async def heartbeat(
    request: Request,
    pool: str,
    name: Annotated[str, Body(embed=True)],
    heartbeat_interval_seconds: Annotated[Number | None, Body(embed=True)] = None,
) -> Response:
    in_pool = await pool_id(request, pool)
    return await _recorded(publish_heartbeat(gateway_of(request), in_pool, name, heartbeat_interval_seconds))


@router.post("/workers/filter")
async def find(
    request: Request,
    pool: str,
    limit: Limit,
    workers: Annotated[WorkerFilter | None, Body()] = None,
    offset: Offset = 0,
) -> Response:
    in_pool = await pool_id(request, pool)
    return JsonResponse(await queried(request, find_workers, in_pool, workers, limit, offset))


@router.delete("/workers/{name}", status_code=204)
async def delete(request: Request, pool: str, name: str) -> Response:
    in_pool = await pool_id(request, pool)
    if not await queried(request, is_worker, ids.worker_id(in_pool, name)):
        raise not_found("Worker not found.")
    return await _recorded(publish_heartbeat(gateway_of(request), in_pool, name, None, is_gone=True))


async def _recorded(publishing: Awaitable[bool]) -> Response:
    if not await publishing:
        mark_stale()
    return Response(status_code=204)
