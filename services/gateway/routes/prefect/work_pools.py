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
from antiphon.services.gateway.commands.decisions import DecidedCommand, created, decide, new_id, no_content
from antiphon.services.gateway.context import gateway_of, reading
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, forbidden, not_found, unprocessable
from antiphon.services.gateway.observations import polls_to_record, publish_polls
from antiphon.services.gateway.routes.prefect.bodies import (
    LIMIT,
    OFFSET,
    Given,
    Limit,
    Page,
    body,
    defaults_to,
    filters,
)
from antiphon.services.gateway.routes.prefect.reads import add_count, existing, page_of
from antiphon.services.gateway.schemas.fields import Moment
from antiphon.services.gateway.schemas.work_pools import WorkPoolCreate, WorkPoolUpdate

_RESERVED: Final = "Work pools starting with 'Prefect' are reserved for internal use"
_CHANGEABLE: Final = frozenset({"is_paused", "concurrency_limit"})
_OBJECTS: Final = filters("work_pools")

router = APIRouter(prefix="/work_pools", route_class=CheckedRoute)
add_count(router, POOLS, body(_OBJECTS))


def missing(name: str) -> str:
    """The message for a missing pool."""
    return f'Work pool "{name}" not found.'


async def pool_id(request: Request, name: str) -> UUID:
    """The id of the pool with this name; raises 404."""
    return await existing(request, missing(name), queries.pool_id, name)


@router.post("/filter")
async def find(request: Request, given: Annotated[Given, Depends(body(LIMIT, _OBJECTS, OFFSET))]) -> Response:
    return await page_of(request, POOLS, given)


@router.get("/{name}")
async def read(request: Request, name: str) -> Response:
    return JsonResponse(await existing(request, missing(name), queries.pool_by_name, name))


@router.post("/")
async def create(request: Request, work_pool: WorkPoolCreate) -> Response:
    if _is_reserved(work_pool.name):
        raise forbidden(f"{_RESERVED}.")
    command = CreateWorkPool(data=work_pool.model_dump(mode="json"))
    return await created(request, _allowed(await decide(request, new_id(request), command)), POOLS.get)


@router.patch("/{name}", status_code=204)
async def update(request: Request, name: str, work_pool: WorkPoolUpdate) -> Response:
    changes = work_pool.changes()
    if _is_reserved(name) and not _CHANGEABLE.issuperset(changes):
        raise forbidden(f"{_RESERVED} and can only be updated to set concurrency limits or pause.")
    return await _decide_on(request, name, UpdateWorkPool(changes=changes))


@router.delete("/{name}", status_code=204)
async def delete(request: Request, name: str) -> Response:
    if _is_reserved(name):
        raise forbidden(f"{_RESERVED} and can not be deleted.")
    return await _decide_on(request, name, DeleteWorkPool())


async def _decide_on(request: Request, name: str, command: Command) -> Response:
    return no_content(_allowed(await decide(request, await pool_id(request, name), command)))


def _is_reserved(name: str) -> bool:
    return name.lower().startswith("prefect")


def _allowed(decided: DecidedCommand) -> DecidedCommand:
    if decided.outcome.status is Status.CONFLICT and decided.outcome.rule:
        raise unprocessable(decided.outcome.reason)
    return decided


@router.post("/{name}/concurrency_status")
async def concurrency_status(
    request: Request,
    name: str,
    limit: Limit,
    page: Page = 1,
    flow_run_limit: Annotated[int, Body(ge=0, le=200), defaults_to(10)] = 10,
) -> Response:
    async with reading(request) as connection:
        pool = await queries.pool_id(connection, name)
        found = await occupancy.of_pool(connection, pool, flow_run_limit, page, limit) if pool else None
    if found is None:
        raise not_found(f"Work pool {name!r} not found.")
    return JsonResponse(found)


@router.post("/{name}/get_scheduled_flow_runs")
async def get_scheduled_flow_runs(
    request: Request,
    name: str,
    limit: Limit,
    work_queue_names: Annotated[list[str] | None, Body()] = None,
    scheduled_before: Annotated[Moment | None, Body()] = None,
    scheduled_after: Annotated[Moment | None, Body()] = None,
) -> Response:
    names = work_queue_names or []
    async with reading(request) as connection:
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
    await publish_polls(gateway_of(request), polled)
    return JsonResponse(found)
