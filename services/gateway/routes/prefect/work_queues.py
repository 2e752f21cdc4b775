"""Routes of queues outside their pools, as Prefect's former agents call them."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Request
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
from antiphon.services.gateway.commands.decisions import created_response, decide, new_id, no_content
from antiphon.services.gateway.context import Gateway
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, conflict, missing, missing_object, not_found
from antiphon.services.gateway.observations.presence import polls_to_record, publish_polls
from antiphon.services.gateway.routes.prefect.bodies import (
    LIMIT,
    OFFSET,
    Given,
    Limit,
    Page,
    body,
    criteria_of,
    filters,
)
from antiphon.services.gateway.routes.prefect.reads import existing
from antiphon.services.gateway.schemas.moments import Moment
from antiphon.services.gateway.schemas.work_pools import WorkPoolCreate, WorkQueueCreate, WorkQueueUpdate

_MISSING: Final = "work queue not found"
_POOL: Final = WorkPoolCreate(name=DEFAULT_POOL)


def routes(gateway: Gateway) -> APIRouter:
    """Create, read, change and delete queues by id."""
    router = APIRouter(prefix="/work_queues", route_class=CheckedRoute)
    _add_reads(router, gateway)
    _add_creation(router, gateway)
    _add_writes(router, gateway)
    _add_runs(router, gateway)
    return router


def _add_reads(router: APIRouter, gateway: Gateway) -> None:
    read_filter = body(LIMIT, OFFSET, filters("work_queues"))

    @router.post("/filter")
    async def find(given: Given = Depends(read_filter)) -> Response:  # noqa: B008
        sort = AGENTS_QUEUES.default_sort
        async with gateway.reading() as connection:
            found = await AGENTS_QUEUES.find(connection, criteria_of(given), sort, given["limit"], given["offset"])
        return JsonResponse(found)

    @router.get("/name/{name}")
    async def by_name(name: str) -> Response:
        return JsonResponse(
            encoded(await existing(gateway, lambda connection: queries.agents_queue(connection, name), _MISSING))
        )

    @router.get("/{id:uuid}")
    async def read(id: UUID) -> Response:
        return JsonResponse(await existing(gateway, lambda connection: AGENTS_QUEUES.get(connection, id), _MISSING))

    @router.get("/{id:uuid}/status")
    async def status(id: UUID) -> Response:
        async with gateway.reading() as connection:
            found = await occupancy.health(connection, id)
        return missing_object("Work queue", id) if found is None else JsonResponse(found)


def _add_creation(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/")
    async def create(request: Request, work_queue: WorkQueueCreate) -> Response:
        async with gateway.reading() as connection:
            pool = await queries.default_pool_id(connection)
        queue_id = new_id(request)
        if pool is None:
            command = CreateWorkPool(data=_POOL.model_dump(mode="json"))
            made = await decide(gateway, request, ids.derived(queue_id, "pool"), command, part="pool")
            pool = UUID(made.outcome.aggregate_id)
            if work_queue.name == "default" and made.outcome.status is Status.CREATED:
                async with gateway.reading(made.position) as connection:
                    default = await queries.agents_queue(connection, "default")
                return created_response(None if default is None else encoded(default), 201, made)
        command_of_queue = CreateWorkQueue(queue_id=queue_id, data=work_queue.model_dump(mode="json"))
        decided = await decide(gateway, request, pool, command_of_queue)
        if decided.outcome.status is Status.CONFLICT:
            raise conflict(decided.outcome.reason or "")
        async with gateway.reading(decided.position) as connection:
            found = await AGENTS_QUEUES.get(connection, queue_id)
        return created_response(found, 201, decided)


def _add_writes(router: APIRouter, gateway: Gateway) -> None:
    @router.patch("/{id:uuid}", status_code=204)
    async def update(request: Request, id: UUID, work_queue: WorkQueueUpdate) -> Response:
        command = UpdateWorkQueue(queue_id=id, changes=work_queue.changes(), makes_room=False)
        return await _decide_on(request, id, command, f"Work Queue {id} not found")

    @router.delete("/{id:uuid}", status_code=204)
    async def delete(request: Request, id: UUID) -> Response:
        return await _decide_on(request, id, DeleteWorkQueue(queue_id=id), _MISSING)

    async def _decide_on(request: Request, queue_id: UUID, command: Command, otherwise: str) -> Response:
        async with gateway.reading() as connection:
            pool = await queries.pool_of_queue(connection, queue_id)
        if pool is None:
            raise not_found(otherwise)
        return no_content(await decide(gateway, request, pool, command), otherwise)


def _add_runs(router: APIRouter, gateway: Gateway) -> None:
    @router.post("/{id:uuid}/get_runs")
    async def get_runs(
        id: UUID,
        limit: Limit,
        scheduled_before: Annotated[Moment | None, Body(embed=True)] = None,
        x_prefect_ui: Annotated[bool | None, Header()] = False,  # noqa: FBT002  a header
    ) -> Response:
        async with gateway.reading() as connection:
            queues = await AGENTS_QUEUES.select_ids(connection, [id])
            if not queues:
                return missing(f"Work queue with id {id} not found.")
            found = await due.for_agents(connection, queues[0], scheduled_before, limit)
            polled = [] if x_prefect_ui else await polls_to_record(connection, [id])
        await publish_polls(gateway, polled)
        return JsonResponse(found)

    @router.post("/{id:uuid}/concurrency_status")
    async def concurrency_status(id: UUID, limit: Limit, page: Page = 1) -> Response:
        return JsonResponse(
            await existing(
                gateway, lambda connection: occupancy.of_queue(connection, id, page, limit), "Work queue not found."
            )
        )
