"""The routes that most resources have: count, filter, paginate, and read by id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from math import ceil
from typing import Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends
from psycopg import AsyncConnection
from starlette.responses import Response

from antiphon.projections.core.reading import offset_of
from antiphon.projections.resource import Resource
from antiphon.services.gateway.consistency.as_of_session import AsOf
from antiphon.services.gateway.context import Gateway
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

T = TypeVar("T")


def add_reads(
    router: APIRouter,
    gateway: Gateway,
    resource: Resource[Any],
    filter_names: Sequence[str],
    *,
    missing: str,
    sort_first: bool = True,
) -> None:
    """Add the routes; `filter_names` are the keys of the filters in a body.

    `sort_first` says whether an invalid order is reported before an invalid filter, or after it.
    """
    objects = filters(*filter_names)
    sort = order(resource.default_sort)
    before, after = (sort, {}) if sort_first else ({}, sort)
    add_count(router, gateway, resource, body(objects))
    add_filter(router, gateway, resource, body(LIMIT, before, OFFSET, objects, after))
    _add_paginate(router, gateway, resource, body(LIMIT, before, PAGE, objects, after))
    add_get(router, gateway, resource, missing)


def add_count(router: APIRouter, gateway: Gateway, resource: Resource[Any], read_body: Any) -> None:
    """Add the route that counts."""

    @router.post("/count")
    async def count(
        given: Given = Depends(read_body),  # noqa: B008  no annotation sees `read_body`
        as_of: AsOf = None,
    ) -> int:
        criteria = criteria_of(given)
        async with gateway.reading_as_of(as_of) as connection:
            return await resource.count(connection, criteria)


def add_filter(
    router: APIRouter, gateway: Gateway, resource: Resource[Any], read_body: Any, *, has_past: bool = True
) -> None:
    """Add the route that answers with a list; `has_past` says whether the rows follow from the log."""

    @router.post("/filter")
    async def find(given: Given = Depends(read_body), as_of: AsOf = None) -> Response:  # noqa: B008
        if as_of is not None and not has_past:
            raise unprocessable("as_of: these do not follow from the log, and have no past.")
        criteria, sort, limit, offset = criteria_of(given), given["sort"], given["limit"], given["offset"]
        async with gateway.reading_as_of(as_of) as connection:
            return JsonResponse(await resource.find(connection, criteria, sort, limit, offset))


def _add_paginate(router: APIRouter, gateway: Gateway, resource: Resource[Any], read_body: Any) -> None:
    @router.post("/paginate")
    async def paginate(given: Given = Depends(read_body), as_of: AsOf = None) -> Response:  # noqa: B008
        criteria, sort, limit, page = criteria_of(given), given["sort"], given["limit"], given["page"]
        async with gateway.reading_as_of(as_of) as connection:
            total = await resource.count(connection, criteria)
            results = await resource.find(connection, criteria, sort, limit, offset_of(page, limit), in_page=True)
        pages = ceil(total / limit) if limit else 0
        return JsonResponse(
            b'{"results":%b,"count":%d,"limit":%d,"pages":%d,"page":%d}' % (results, total, limit, pages, page)
        )


def add_get(router: APIRouter, gateway: Gateway, resource: Resource[Any], missing: str) -> None:
    """Add the route that answers with one object, by its id."""

    @router.get("/{id:uuid}")
    async def read(id: UUID) -> Response:
        return JsonResponse(await existing(gateway, lambda connection: resource.get(connection, id), missing))


async def existing(gateway: Gateway, query: Callable[[AsyncConnection[Any]], Awaitable[T | None]], missing: str) -> T:
    """The result of a query; raises 404 if it is None."""
    async with gateway.reading() as connection:
        found = await query(connection)
    if found is None:
        raise not_found(missing)
    return found
