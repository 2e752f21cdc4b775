"""The route with which the web UI validates a form while the user fills it in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from antiphon.services.gateway.commands.hydration import previewed
from antiphon.services.gateway.http.body_parsing import CheckedRoute
from antiphon.services.gateway.http.errors import JsonResponse, unprocessable
from antiphon.services.prefect.json_schema import BadSchemaError, Misfit, misfits

router = APIRouter(prefix="/ui/schemas", route_class=CheckedRoute)


@router.post("/validate")
async def validate(
    request: Request,
    json_schema: Annotated[dict[str, Any], Body(alias="schema")],
    values: Annotated[dict[str, Any], Body()],
) -> Response:
    try:
        found = misfits(await previewed(request, values), json_schema)
    except BadSchemaError as error:
        raise unprocessable(str(error)) from error
    errors = as_tree(found)
    return JsonResponse({"errors": errors, "valid": not errors})


def as_tree(found: list[Misfit]) -> list[Any]:
    """The errors as Prefect's UI takes them: below the property or the index that they are about."""
    errors: list[Any] = []
    for misfit in found:
        level = errors
        for depth, part in enumerate(misfit.path, start=1):
            level = _below(level, part, is_last=depth == len(misfit.path))
        level.append(misfit.message)
    return errors


def _below(level: list[Any], part: str | int, *, is_last: bool) -> list[Any]:
    """The errors below a part of the values; the last part of a path always gets an entry of its own."""
    head = {"index" if isinstance(part, int) else "property": part}
    alike = (entry for entry in level if isinstance(entry, dict) and head.items() <= entry.items())
    entry = None if is_last else next(alike, None)
    if entry is None:
        entry = {**head, "errors": []}
        level.append(entry)
    errors: list[Any] = entry["errors"]
    return errors
