"""Routes of queues outside their pools, as Prefect's former agents call them."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Request
from psycopg import AsyncConnection
from starlette.responses import Response

from antiphon.events import ids
from antiphon.events.message import Command
from antiphon.events.outcome import Status
from antiphon.events.work_pool.commands import (
    DEFAULT_POOL,
    CreateWorkPool,
    CreateWorkQueue,
    DeleteWorkQueue,
    UpdateWorkQueue,
)
from antiphon.projections.core.reading import encoded
from antiphon.projections.work_pool import due, occupancy, queries
from antiphon.projections.work_pool.queries import AGENTS_QUEUES
from antiphon.services.gateway.commands.decisions import created, decide, new_id, no_content
from antiphon.services.gateway.context import gateway_of, reading
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, missing, missing_object
from antiphon.services.gateway.observations import polls_to_record, publish_polls
from antiphon.services.gateway.routes.prefect.bodies import (
    LIMIT,
    OFFSET,
    Given,
    Limit,
    Page,
    body,
    filters,
)
from antiphon.services.gateway.routes.prefect.reads import existing, page_of, queried
from antiphon.services.gateway.schemas.fields import Moment
from antiphon.services.gateway.schemas.work_pools import WorkPoolCreate, WorkQueueCreate, WorkQueueUpdate

_MISSING: Final = "work queue not found"
_POOL: Final = WorkPoolCreate(name=DEFAULT_POOL)

router = APIRouter(prefix="/work_queues", route_class=CheckedRoute)


@router.post("/filter")
async def find(
    request: Request, given: Annotated[Given, Depends(body(LIMIT, OFFSET, filters("work_queues")))]
) -> Response:
    return await page_of(request, AGENTS_QUEUES, given)


@router.get("/name/{name}")
async def by_name(request: Request, name: str) -> Response:
    return JsonResponse(encoded(await existing(request, _MISSING, queries.agents_queue, name)))


@router.get("/{id:uuid}")
async def read(request: Request, id: UUID) -> Response:
    return JsonResponse(await existing(request, _MISSING, AGENTS_QUEUES.get, id))


@router.get("/{id:uuid}/status")
async def status(request: Request, id: UUID) -> Response:
    found = await queried(request, occupancy.health, id)
    return missing_object("Work queue", id) if found is None else JsonResponse(found)


@router.post("/")
async def create(request: Request, work_queue: WorkQueueCreate) -> Response:
    pool = await queried(request, queries.default_pool_id)
    queue_id = new_id(request)
    if pool is None:
        command = CreateWorkPool(data=_POOL.model_dump(mode="json"))
        made = await decide(request, ids.derived(queue_id, "pool"), command, part="pool")
        pool = UUID(made.outcome.aggregate_id)
        if work_queue.name == "default" and made.outcome.status is Status.CREATED:
            return await created(request, made, _default_queue)
    command_of_queue = CreateWorkQueue(queue_id=queue_id, data=work_queue.model_dump(mode="json"))
    return await created(request, await decide(request, pool, command_of_queue), AGENTS_QUEUES.get, queue_id)


async def _default_queue(connection: AsyncConnection[Any], _: UUID) -> bytes | None:
    default = await queries.agents_queue(connection, "default")
    return None if default is None else encoded(default)


@router.patch("/{id:uuid}", status_code=204)
async def update(request: Request, id: UUID, work_queue: WorkQueueUpdate) -> Response:
    command = UpdateWorkQueue(queue_id=id, changes=work_queue.changes(), makes_room=False)
    return await _decide_on(request, id, command, f"Work Queue {id} not found")


@router.delete("/{id:uuid}", status_code=204)
async def delete(request: Request, id: UUID) -> Response:
    return await _decide_on(request, id, DeleteWorkQueue(queue_id=id), _MISSING)


async def _decide_on(request: Request, queue_id: UUID, command: Command, otherwise: str) -> Response:
    pool = await existing(request, otherwise, queries.pool_of_queue, queue_id)
    return no_content(await decide(request, pool, command), otherwise)


@router.post("/{id:uuid}/get_runs")
async def get_runs(
    request: Request,
    id: UUID,
    limit: Limit,
    scheduled_before: Annotated[Moment | None, Body(embed=True)] = None,
    x_prefect_ui: Annotated[bool | None, Header()] = False,  # noqa: FBT002  a header
) -> Response:
    async with reading(request) as connection:
        queues = await AGENTS_QUEUES.select_ids(connection, [id])
        if not queues:
            return missing(f"Work queue with id {id} not found.")
        found = await due.for_agents(connection, queues[0], scheduled_before, limit)
        polled = [] if x_prefect_ui else await polls_to_record(connection, [id])
    await publish_polls(gateway_of(request), polled)
    return JsonResponse(found)


@router.post("/{id:uuid}/concurrency_status")
async def concurrency_status(request: Request, id: UUID, limit: Limit, page: Page = 1) -> Response:
    return JsonResponse(await existing(request, "Work queue not found.", occupancy.of_queue, id, page, limit))
