"""The routes that most resources have: count, filter, paginate, and read by id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from math import ceil
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from psycopg import AsyncConnection
from starlette.responses import Response

from antiphon.events.message import Command
from antiphon.projections.core.reading import offset_of
from antiphon.projections.resource import Resource
from antiphon.services.gateway.commands.decisions import decide, no_content
from antiphon.services.gateway.consistency.as_of_session import AsOf
from antiphon.services.gateway.context import reading, reading_as_of
from antiphon.services.gateway.http.errors import JsonResponse, not_found, unprocessable
from antiphon.services.gateway.routes.prefect.bodies import (
    LIMIT,
    OFFSET,
    PAGE,
    Given,
    body,
    criteria_of,
    filters,
    order,
)

P = ParamSpec("P")
T = TypeVar("T")


async def queried(
    request: Request,
    query: Callable[Concatenate[AsyncConnection[Any], P], Awaitable[T]],
    *args: P.args,
    **options: P.kwargs,
) -> T:
    """The result of one query."""
    async with reading(request) as connection:
        return await query(connection, *args, **options)


async def existing(
    request: Request,
    missing: str,
    query: Callable[Concatenate[AsyncConnection[Any], P], Awaitable[T | None]],
    *args: P.args,
    **options: P.kwargs,
) -> T:
    """The same; raises 404 with this message if it is None."""
    found = await queried(request, query, *args, **options)
    if found is None:
        raise not_found(missing)
    return found


async def page_of(request: Request, resource: Resource[Any], given: Given) -> Response:
    """The objects that meet the filters of a body without an order."""
    limit, offset = given["limit"], given["offset"]
    found = await queried(request, resource.find, criteria_of(given), resource.default_sort, limit, offset)
    return JsonResponse(found)


def add_reads(
    router: APIRouter, resource: Resource[Any], filter_names: Sequence[str], *, missing: str, sort_first: bool = True
) -> None:
    """Add the routes; `filter_names` are the keys of the filters in a body.

    `sort_first` says whether an invalid order is reported before an invalid filter, or after it.
    """
    objects = filters(*filter_names)
    sort = order(resource.default_sort)
    before, after = (sort, {}) if sort_first else ({}, sort)
    add_count(router, resource, body(objects))
    add_filter(router, resource, body(LIMIT, before, OFFSET, objects, after))
    _add_paginate(router, resource, body(LIMIT, before, PAGE, objects, after))
    add_get(router, resource, missing)


def add_count(router: APIRouter, resource: Resource[Any], read_body: Any) -> None:
    """Add the route that counts."""

    @router.post("/count")
    async def count(
        request: Request,
        given: Given = Depends(read_body),  # noqa: B008  no annotation sees `read_body`
        as_of: AsOf = None,
    ) -> int:
        criteria = criteria_of(given)
        async with reading_as_of(request, as_of) as connection:
            return await resource.count(connection, criteria)


def add_filter(router: APIRouter, resource: Resource[Any], read_body: Any, *, has_past: bool = True) -> None:
    """Add the route that answers with a list; `has_past` says whether the rows follow from the log."""

    @router.post("/filter")
    async def find(request: Request, given: Given = Depends(read_body), as_of: AsOf = None) -> Response:  # noqa: B008
        if as_of is not None and not has_past:
            raise unprocessable("as_of: these do not follow from the log, and have no past.")
        criteria, sort, limit, offset = criteria_of(given), given["sort"], given["limit"], given["offset"]
        async with reading_as_of(request, as_of) as connection:
            return JsonResponse(await resource.find(connection, criteria, sort, limit, offset))


def _add_paginate(router: APIRouter, resource: Resource[Any], read_body: Any) -> None:
    @router.post("/paginate")
    async def paginate(request: Request, given: Given = Depends(read_body), as_of: AsOf = None) -> Response:  # noqa: B008
        criteria, sort, limit, page = criteria_of(given), given["sort"], given["limit"], given["page"]
        async with reading_as_of(request, as_of) as connection:
            total = await resource.count(connection, criteria)
            results = await resource.find(connection, criteria, sort, limit, offset_of(page, limit), in_page=True)
        pages = ceil(total / limit) if limit else 0
        return JsonResponse(
            b'{"results":%b,"count":%d,"limit":%d,"pages":%d,"page":%d}' % (results, total, limit, pages, page)
        )


def add_delete(router: APIRouter, command: type[Command], missing: str) -> None:
    """Add the route that deletes one object, by its id."""

    @router.delete("/{id:uuid}", status_code=204)
    async def delete(request: Request, id: UUID) -> Response:
        return no_content(await decide(request, id, command()), missing)


def add_get(router: APIRouter, resource: Resource[Any], missing: str) -> None:
    """Add the route that answers with one object, by its id."""

    @router.get("/{id:uuid}")
    async def read(request: Request, id: UUID) -> Response:
        return JsonResponse(await existing(request, missing, resource.get, id))
