"""Reads of reported events: pages and counts."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Body, Query, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from antiphon.projections.core.reading import encoded
from antiphon.projections.event import queries
from antiphon.projections.event.queries import Counted
from antiphon.services.gateway.context import gateway_of
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, forbidden, unprocessable
from antiphon.services.gateway.schemas.event_counts import Buckets, TimeUnit
from antiphon.services.gateway.schemas.event_filters import PrefectEventFilter
from antiphon.services.runtime import clock

_PAGE: Final = 50
_NEXT: Final = "/events/filter/next"

Limit = Annotated[int, Body(embed=True, ge=0, le=_PAGE)]
Interval = Annotated[float, Body(ge=0.01)]


class Countable(StrEnum):
    """The dimensions of a count of events."""

    DAY = "day"
    TIME = "time"
    EVENT = "event"
    RESOURCE = "resource"


class _Token(NamedTuple):
    """The query and the offset of the next page."""

    filter: PrefectEventFilter
    total: int
    limit: int
    offset: int


_TOKENS: Final = TypeAdapter(_Token)

router = APIRouter(route_class=CheckedRoute)


@router.post("/events/filter")
async def read_events(
    request: Request, filter: Annotated[PrefectEventFilter | None, Body()] = None, limit: Limit = _PAGE
) -> Response:
    wanted = filter or PrefectEventFilter()
    async with gateway_of(request).read_models.connection() as connection:
        total = await queries.count(connection, wanted.asked())
    return await _page(request, _Token(wanted, total, limit, 0))


@router.get(_NEXT)
async def read_next(request: Request, page_token: Annotated[str, Query(alias="page-token")]) -> Response:
    return await _page(request, _read(page_token))


@router.post("/events/count-by/{countable}")
async def count_by(
    request: Request,
    countable: Countable,
    filter: Annotated[PrefectEventFilter, Body()],
    time_unit: Annotated[TimeUnit, Body()] = TimeUnit.DAY,
    time_interval: Interval = 1.0,
) -> Response:
    now = clock.now()
    try:
        buckets = Buckets(filter.occurred.since, filter.occurred.until, time_unit, time_interval, now)
    except OverflowError as error:
        raise unprocessable("The given interval goes beyond the years 1 to 9999.") from error
    if buckets.complaint is not None:
        raise unprocessable(buckets.complaint)
    asked = filter.asked()
    async with gateway_of(request).read_models.connection() as connection:
        if countable in (Countable.EVENT, Countable.RESOURCE):
            return JsonResponse(encoded(await queries.counts(connection, asked, Counted(countable))))
        if countable is Countable.DAY:
            buckets = Buckets(filter.occurred.since, filter.occurred.until, TimeUnit.DAY, 1, now)
        counted = await queries.counts_in_time(connection, asked, buckets.length)
    return JsonResponse(encoded(list(buckets.shown(counted))))


async def _page(request: Request, token: _Token) -> Response:
    async with gateway_of(request).read_models.connection() as connection:
        found = await queries.page(connection, token.filter.asked(), token.limit, token.offset)
    following = token._replace(offset=token.offset + token.limit)
    address: str | None = None
    if following.offset < token.total:
        query = urlencode({"page-token": urlsafe_b64encode(_TOKENS.dump_json(following)).decode()})
        address = f"{request.base_url}api{_NEXT}?{query}"
    answer: dict[str, Any] = {"events": found, "total": token.total, "next_page": address}
    return JsonResponse(encoded(answer))


def _read(text: str) -> _Token:
    try:
        return _TOKENS.validate_python(orjson.loads(urlsafe_b64decode(text)))
    except (ValueError, ValidationError) as error:
        raise forbidden("Forbidden") from error
