"""The JSON Schemas of message bodies over HTTP."""

from __future__ import annotations

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from antiphon.services.gateway.docs_pages.schemas import by_name
from antiphon.services.gateway.http.errors import JsonResponse, not_found

router = APIRouter(prefix="/schemas")


@router.get("")
async def names() -> Response:
    """The names of the schemas: `cmd.<kind>.<verb>` of commands, `evt.<kind>.<action>` of events, and `outcome`."""
    return JsonResponse(orjson.dumps(list(by_name())))


@router.get("/{name}")
async def schema(name: str) -> Response:
    """A JSON Schema of a body. Objects in events and outcomes may get more fields in a later version."""
    found = by_name().get(name)
    if found is None:
        raise not_found(f"There is no schema {name!r}.")
    return JsonResponse(orjson.dumps(found))
